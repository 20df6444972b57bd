"""The service: the only place with aiohttp, besides the embedded upstream.

One request's road is ``messages.create_message``: decode, route, translate, send, feed, write.

- ``app``         routes and what lives as long as the service
- ``access``      who may ask: Host, browsers, token; every answer in Anthropic's shape
- ``handlers``    one short function for each endpoint
- ``messages``    the road itself, and who answers: by ``route_choice`` and ``failover``
- ``preparing``   a request for one upstream; ``sending``: its turn, key and corrections; ``answering``: what comes back
- ``client``      the client's end of a stream
- ``upstream``    the one place that makes outgoing calls
- ``windows``     context windows: what doesn't fit is refused before anybody hears of it
- ``counting``    tokens of a prompt: asked of a server on this machine, or estimated
- ``calibration`` what estimates have to be multiplied by, learned from answers
- ``life_signs``  what is said, and when to give up, while the upstream is silent
- ``journal``     one line per request, and the counters
- ``process``     the process around it all: configuration, lock, socket; ``sockets``: where the socket comes from
- ``life``        what it goes through: ready, told to end, drain
- ``handover``    socket and lock go to a successor; ``relay``: and what still comes in after that
- ``log``         what it says, to its own file and stderr: without secrets and escape sequences
- ``probe``       asks an upstream on behalf of the command line, in a process of its own
- ``model_list``  an upstream's models, and the limits that some tell
"""
