"""Anthropic <-> upstream, as pure objects: bytes in, bytes out; no clock, socket, logger or file.

One request's way through this package::

    MessagesRequest ── conversation ── chat_request ──▶ body for the upstream
    bytes from upstream ── wire.sse ── chat_stream ── MessageBuilder ──▶ Anthropic events

- ``chat``              ChatTranslator: the halves below put together
- ``responses``         ResponsesTranslator: the same through OpenAI's Responses API
- ``responses_request`` a chat request told in that API's items
- ``responses_stream``  what its events say, as chunks
- ``passthrough``       PassthroughTranslator, for upstreams that speak Anthropic themselves; ``passthrough_request``
- ``translators``       which of them an upstream needs; ``types``: what they are given and give back
- ``unsupported``       what would change a request's meaning if it were ignored; ``invalid``: what is no request
- ``context_edits``     what of its history the client leaves out
- ``conversation``      the turns of a request, with calls and results paired
- ``chat_request``      the request's fields and messages, one small function each
- ``extra_body``        what the configuration adds to it
- ``prefill``           a conversation that ends with the assistant's words; ``structured``: answers of a demanded shape
- ``content``           content blocks as an upstream can take them
- ``media``             images and documents
- ``server_tools``      what Anthropic's own tools did earlier, as text
- ``tool_results``      what a tool brought, as a tool message
- ``tools``             tools, tool choice, and names that an upstream accepts
- ``schemas``           JSON schemas in few words; ``schema_forms``: in the form that an upstream understands
- ``thinking``          how much the upstream shall think, in its dialect's words
- ``reasoning``         what it thought, both ways
- ``steps``             adjustments of a finished request that a dialect lists by name
- ``tool_offer``        which of the tools are offered: deferred, added, removed ones
- ``anthropic_tools``   tools of which a request names the type only: bash, text editor, memory, computer
- ``toolsets``          families of functions behind one entry: computer, browser
- ``web_search``        a search that the upstream makes itself
- ``chat_stream``       what a chunk says, told to the MessageBuilder
- ``message_builder``   the grammar of the answer, and ``fold``
- ``tool_calls``        which call a streamed fragment belongs to
- ``tool_text``         tool calls that a model wrote as text, in the form of each family
- ``tool_input``        tool arguments while they stream, repaired by ``schema_repair`` and ``loose_json``
- ``stop_sequences``    matching them in the text as it passes
- ``think_tags``        reasoning that stands in the text
- ``odd_bodies``        answers and errors that stand where a completion has neither
- ``remedies``          refusals that say what to change: ``message_remedies``, ``media_remedies``
- ``upstream_errors``   an upstream's error as an Anthropic one; ``retry_after``: when to come again
- ``answers``           failures in Anthropic's shape
- ``usage``             token counts of an upstream as Anthropic's, and guesses by size
- ``token_estimate``    counting the tokens of a text without its tokenizer
- ``prompt_estimate``   counting those of a request: texts, tools, framing
- ``media_tokens``      what images and PDFs cost
- ``dialect``           what can differ between families of upstreams
- ``dialects``          how they differ, as data
"""
