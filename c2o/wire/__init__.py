"""What travels, as types and framing; it knows no meaning and imports nothing of c2o.

- ``sse``        server-sent events, both ways
- ``anthropic``  what clients send us (tolerant) and what we send them (exact)
- ``chat``       OpenAI chat completions: what we send upstreams (exact) and what they send (tolerant)
- ``health``     how the service tells who it is
- ``probe``      what the command line asks about an upstream, and what it is told
"""
