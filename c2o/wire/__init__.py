"""What travels, as types and framing; it knows no meaning and imports nothing of c2o.

- ``sse``        server-sent events, both ways
- ``anthropic``  what clients send us (tolerant) and what we send them (exact)
- ``chat``       OpenAI chat completions: what we send upstreams (exact) and what they send (tolerant)
- ``responses``  OpenAI's Responses API, the same way
- ``health``     how the service tells who it is
- ``probe``      what the command line asks about an upstream, and what it is told
- ``log``        a line of the service's log

What can't be decoded as it came:

- ``tolerance``  parts of a request that nobody here knows
- ``salvage``    fields of an odd shape in what an upstream sent
- ``surrogates`` halves of characters
- ``json_bytes`` editing JSON as bytes, without decoding it
"""
