"""The service: the only place with aiohttp, besides the embedded upstream.

One request's road is ``messages.create_message``: decode, route, translate, send, feed, write.

The client's end:

- ``app``         which path leads where; ``handlers``: one short function for each endpoint but the road
- ``access``      who may ask: Host, browsers, token; every answer in Anthropic's shape
- ``body``        a request's body: read, unpacked, decoded
- ``client``      a stream to the client; ``streams``: all of them
- ``life_signs``  what is said, and when to give up, while the upstream is silent

The road:

- ``messages``    the road itself, and who answers: by ``route_choice`` and ``failover``
- ``exchange``    one request on its way, and everything it needs
- ``preparing``   a request for one upstream; ``sending``: its turn, key and corrections; ``answering``: what comes back
- ``windows``     context windows: what doesn't fit is refused before anybody hears of it
- ``counting``    tokens of a prompt: asked of a server on this machine, or estimated
- ``documents``   PDFs as text, in a process of its own

The upstream's end:

- ``upstream``    the one place that makes outgoing calls; ``patience``: for how long; ``replays``: and when once more
- ``network``     the way there: proxy, certificates; ``socks``: through a SOCKS proxy
- ``key_ring``    its keys, in turn; ``rate_limits``: what it says of them
- ``pacing``      how many requests at once; ``breaker``: who can't be reached isn't knocked at by everybody

What is known and noted:

- ``learned``     what upstreams have taught; ``calibration``: by what estimates have to be multiplied
- ``memory``      what is kept for a short while
- ``known_models``  keeps the file of what upstreams list fresh
- ``journal``     one line per request, and the counters; ``usage``: what it used; ``tracing``: what went over the wire

The process:

- ``__main__``    ``python -m c2o.proxy``; ``process``: configuration, lock, socket; ``sockets``: where that comes from
- ``life``        what it goes through: ready, told to end, drain; ``notify``: and how systemd is told
- ``handover``    socket and lock go to a successor; ``relay``: and what still comes in after that
- ``reload``      it follows its configuration; ``prepared``: with keys and certificates; ``setup``: what is made of it
- ``state``       what outlives a change of the configuration
- ``log``         what it says, to its own file and stderr: without secrets and escape sequences
- ``aside``       work on large bodies, so that no stream waits for it
- ``clock``       time, so that tests can have their own

On behalf of the command line, in a process of its own:

- ``probe``       asks an upstream; ``abilities``: what its models can do
- ``model_list``  an upstream's models; ``model_details``: what servers tell of one beside that list
"""
