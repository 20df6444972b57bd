"""Anthropic <-> upstream, as pure objects: bytes in, bytes out; no clock, socket, logger or file.

One request's way through this package::

    MessagesRequest ── conversation ── chat_request ──▶ body for the upstream
    bytes from upstream ── wire.sse ── chat_stream ── MessageBuilder ──▶ Anthropic events

- ``chat``              ChatTranslator: the halves below put together
- ``conversation``      the turns of a request, with calls and results paired
- ``chat_request``      the request's fields and messages, one small function each
- ``content``           images, documents and other blocks as an upstream can take them
- ``tools``             tools, tool choice, and names that an upstream accepts
- ``chat_stream``       what a chunk says, told to the MessageBuilder
- ``message_builder``   the grammar of the answer, and ``fold``
- ``tool_input``        tool arguments, repaired against their schema while they stream
- ``stop_sequences``    matching them in the text as it passes
- ``upstream_errors``   an upstream's error as an Anthropic one
- ``token_estimate``    counting tokens without an upstream
- ``dialects``          how families of upstreams differ, as data
"""
