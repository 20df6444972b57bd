"""c2o lets programs that speak the Anthropic Messages API work on OpenAI-compatible models.

The package, from the outside in (each layer imports only what stands below it):

- ``cli``        the ``c2o`` command: one file per command
- ``doctor``     named checks that explain what is wrong and how to fix it
- ``proxy``      the service on loopback: decode, route, translate, send, feed, write
- ``service``    keeping the proxy running; ``claude``: starting Claude Code on it;
  ``demo``: an embedded upstream to try it all without a key; ``imports``: configurations of other tools
- ``routing``    which upstream and model a client's model name means
- ``config``     the typed configuration; ``presets`` knows the well-known upstreams, ``limits`` their models
- ``translate``  the translation itself: pure objects, bytes in and bytes out
- ``wire``       what travels, as types
- ``quick``      ``run``, ``env`` and ``status`` before anything heavy is loaded, by ``prompt`` and by what Typer's
  commands use as well: ``shown``, ``status_lines``, ``env_text``, ``variables``, ``become``
- ``instance``, ``draining``, ``log_file``, ``trace_file``, ``paths``, ``errors``  the ground that everything stands on
"""

__version__ = "0.1.0"
