"""c2o lets programs that speak the Anthropic Messages API work on OpenAI-compatible models.

The package, from the outside in (each layer imports only what stands below it):

- ``cli``        the ``c2o`` command: a file or a folder for each of its commands; ``__main__`` starts it
- ``doctor``     named checks that explain what is wrong and how to fix it
- ``proxy``      the service on loopback: decode, route, translate, send, feed, write
- ``service``    keeping the proxy running; ``claude``: starting Claude Code on it;
  ``demo``: an embedded upstream to try it all without a key; ``imports``: configurations of other tools
- ``routing``    which upstream and model a client's model name means; ``kinds``: what kind of request it is;
  ``prices``: what tokens cost; ``missing_keys``: upstreams that can't be asked
- ``config``     the typed configuration; ``config_mistakes``: what is wrong with one, in words; ``presets`` knows the
  well-known upstreams, ``limits`` their models; ``known_models``: what upstreams list
- ``translate``  the translation itself: pure objects, bytes in and bytes out
- ``wire``       what travels, as types

The ground that all of it stands on:

- ``paths``      where files are; ``private_file``: how they are written
- ``instance``   the running service; ``draining``: those before it, which finish their streams
- ``log_file``, ``trace_file``, ``usage_store``, ``facts``, ``key_file``  what service and commands share in files
- ``secret``     keys, and where they are kept; ``redaction``, ``printable``: texts without what must not be shown
- ``urls``       addresses of upstreams; ``env_proxy``: the proxy that the environment has for one
- ``origin``     how c2o was installed
- ``errors``     everything c2o knows how to fail with

What people's shells wait for, before anything heavy is loaded:

- ``quick``      ``run``, ``env`` and ``status``, by ``prompt``; ``quick_values``: what completion scripts ask
- ``shown``, ``status_lines``, ``env_text``, ``variables``, ``become``  what Typer's commands use as well
"""

__version__ = "0.1.0"
