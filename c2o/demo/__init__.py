"""The embedded upstream: a small OpenAI-compatible server that needs no key, account or network.

It is a scripted stand-in and says so: no model thinks here.  ``c2o demo`` starts it to show the whole
path, ``c2o init`` offers it to whoever has no key yet, and it answers the same request always in the
same way.

- ``script``    what it says: a pure function from a chat completion request to a Reply
- ``server``    how it says it: models, streamed and whole answers, errors
- ``__main__``  the process: ``python -m c2o.demo``

It imports nothing of the service: what it speaks is the public protocol.
"""

MODEL = "c2o-demo"
"""The one model that it lists."""

DEFAULT_PORT = 8227
"""The port after the service's own."""
