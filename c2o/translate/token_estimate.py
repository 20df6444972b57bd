"""Counting tokens without an upstream.

One pattern splits text the way current tokenizers roughly do: words at changes of case, groups of digits,
runs of indentation and of punctuation, single characters of other scripts.  The weights were fitted by
non-negative least squares against o200k_base over code, prose, Chinese, JSON and listings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Raw

from c2o.errors import RequestError
from c2o.translate import content
from c2o.translate.conversation import Item
from c2o.wire.anthropic import Block, MessagesRequest, Tool

WORD, LETTER_BEYOND_7 = 0.965, 0.35
DIGITS, INDENT = 1.564, 1.148
PUNCTUATION, SIGN_BEYOND_2 = 0.815, 0.107
OTHER = 0.759

MESSAGE, CALL, TOOL = 4, 3, 10
"""Tokens of framing for each message, call or result, and tool."""

IMAGE = 1500
"""What an image of unknown size counts."""

_PIECES = re.compile(
    r"(?P<word>[A-Z]+(?![a-z])|[A-Z]?[a-z]+)|(?P<digits>[0-9]{1,3})|(?P<indent>[ \t\r]*\n[ \t\r\n]*|[ \t]{2,})"
    r"|(?P<punctuation>[!-/:-@\[-`{-~]+)|(?P<other>[^\x00-\x7f])"
)


def estimate_text(text: str) -> float:
    """Tokens in a text."""
    total = 0.0
    for piece in _PIECES.finditer(text):
        size = piece.end() - piece.start()
        match piece.lastgroup:
            case "word":
                total += WORD + LETTER_BEYOND_7 * max(0, size - 7)
            case "punctuation":
                total += PUNCTUATION + SIGN_BEYOND_2 * max(0, size - 2)
            case "digits":
                total += DIGITS
            case "indent":
                total += INDENT
            case _:
                total += OTHER
    return total


def estimate(request: MessagesRequest) -> int:
    """Input tokens of a request; at least one."""
    total = sum(TOOL + estimate_text(_tool_text(tool)) for tool in request.tools or [])
    system = request.system or ""
    total += sum(_block(block) for block in ([Block(type="text", text=system)] if isinstance(system, str) else system))
    for message in request.messages:
        blocks = message.content if isinstance(message.content, list) else [Block(type="text", text=message.content)]
        total += MESSAGE + sum(_block(block) for block in blocks)
    return max(1, round(total))


def _tool_text(tool: Tool) -> str:
    schema = bytes(tool.input_schema).decode() if isinstance(tool.input_schema, Raw) else ""
    return f"{tool.name} {tool.description or ''} {schema}"


def _block(block: Block) -> float:
    if block.type == "image":
        return IMAGE
    framing = CALL if block.type in ("tool_use", "tool_result") else 0
    inner = sum(_block(each) for each in _inner(block))
    return framing + inner + sum(estimate_text(text) for text in _texts(block))


def _inner(block: Block) -> list[Block]:
    """The blocks inside a tool result; a shape that nobody knows counts nothing rather than failing."""
    try:
        return [item.block for item in content.nested(Item(block, 0, 0))] if block.type == "tool_result" else []
    except RequestError:
        return []


def _texts(block: Block) -> Iterator[str]:
    for text in (block.text, block.thinking, block.name):
        if isinstance(text, str):
            yield text
    if isinstance(block.input, Raw):
        yield bytes(block.input).decode()
