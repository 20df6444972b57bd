"""Counting the input tokens of a request without an upstream.

Everything counts that an upstream gets to see, and nothing can make it fail: a client asks before it has a
conversation that would be answered (a call without its result, a limit of the answer left out).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec
from msgspec import Raw

from c2o.translate.dialect import Dialect
from c2o.translate.dialects import DIALECTS
from c2o.translate.media_tokens import image_tokens, pdf_tokens
from c2o.translate.token_estimate import tokens_in
from c2o.wire.anthropic import Block, Message, MessagesRequest, Source, Tool, decode_content

MESSAGE, CALL, TOOL = 4, 3, 10
"""Tokens of framing for each message, call or result, and tool."""

KNOWN_TOOL = 150
"""A tool that the client names by its type only, and whose schema the upstream is told."""

CALLS = ("tool_use", "tool_result", "server_tool_use", "mcp_tool_use")


class Estimate(NamedTuple):
    """Tokens of a prompt; only the text's can be corrected by what an upstream counted."""

    text: float
    media: int

    def total(self, factor: float = 1.0) -> int:
        """All of it, the text's part multiplied; at least one."""
        return max(1, round(self.text * factor) + self.media)


CountTexts = Callable[[Iterable[str]], float]


def estimate(
    request: MessagesRequest, dialect: Dialect = DIALECTS["generic"], count: CountTexts = tokens_in
) -> Estimate:
    """The input tokens of a request.  ``count`` counts the tokens in texts."""
    prompt = _Prompt(dialect)
    prompt.blocks(_as_blocks(request.system or []))
    for message in request.messages:
        prompt.message(message)
    prompt.tools(request.tools or [])
    return Estimate(prompt.framing + count(prompt.texts), prompt.media)


class _Prompt:
    """What has been found on the way through a request."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._mentioned: set[str] = set()
        self.texts: list[str] = []
        self.framing = 0
        self.media = 0

    def message(self, message: Message) -> None:
        self.framing += MESSAGE
        self.blocks(_as_blocks(message.content))

    def blocks(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            self._block(block)

    def _block(self, block: Block) -> None:
        if block.type in CALLS:
            self.framing += CALL
        if block.type == "image":
            self._image(block)
            return
        self._mentioned.update(name for name in (block.name, block.tool_name) if isinstance(name, str))
        self.texts += self._texts(block)
        if isinstance(block.source, Source):
            self._source(block.source)
        self._raw(block.content)

    def _texts(self, block: Block) -> Iterator[str]:
        """What a block says in fields of its own; reasoning counts where it goes back to the upstream."""
        thinking = block.thinking if self._dialect.reasoning_replay != "drop" else None
        for text in (block.text, thinking, block.name, block.tool_name, block.title, block.context, block.source):
            if isinstance(text, str):
                yield text
        for raw in (block.input, block.tabs, block.state_changes):
            if isinstance(raw, Raw):
                yield _plain(raw)

    def _image(self, block: Block) -> None:
        source = block.source if isinstance(block.source, Source) else Source()
        if self._dialect.vision:
            self.media += image_tokens(source.data)

    def _source(self, source: Source) -> None:
        """What a document consists of."""
        if source.media_type == "application/pdf" or source.type in ("url", "file"):
            self.media += pdf_tokens(source.data)
        elif source.data:
            self.texts.append(source.data)
        self._raw(source.content)

    def _raw(self, raw: object) -> None:
        """Content that is text, a list of blocks, or an object of a kind of its own."""
        if not isinstance(raw, Raw):
            return
        try:
            content = decode_content(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.texts.append(_plain(raw))
        else:
            self.blocks(_as_blocks(content or []))

    def tools(self, tools: list[Tool]) -> None:
        """Tools; those that wait to be found count when the conversation names them."""
        loaded = [tool for tool in tools if not tool.defer_loading or tool.name in self._mentioned]
        for tool in loaded or tools:
            self.framing += TOOL if isinstance(tool.input_schema, Raw) else KNOWN_TOOL
            self.texts += (tool.name, tool.description or "")
            self.texts += (
                _plain(raw) for raw in (tool.input_schema, *(tool.input_examples or [])) if isinstance(raw, Raw)
            )


def _as_blocks(content: str | list[Block]) -> list[Block]:
    return [Block(type="text", text=content)] if isinstance(content, str) else content


def _plain(raw: Raw) -> str:
    return bytes(raw).decode("utf-8", "replace")
