"""Content blocks in the form that a chat-completions upstream can take.

Text stays text and images become ``image_url`` parts.  What the upstream has no form for (documents,
search results, the server tools of a history that began on Anthropic's own API) becomes a text that
names it: nothing vanishes, and no base64 is ever pasted into a prompt.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import UNSET, Raw, UnsetType

from c2o.errors import RequestError
from c2o.translate.conversation import Item
from c2o.wire.anthropic import Block, Source, decode_content
from c2o.wire.chat import ImagePart, ImageURL, Part, TextPart, UserPart

PARAGRAPH = "\n\n"

IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")

NO_VISION = "[image omitted: the upstream model cannot see images]"

OPAQUE = ("thinking", "redacted_thinking", "fallback", "tool_addition", "tool_removal")
"""Blocks that carry nothing for a chat-completions upstream."""


def parts(items: list[Item], *, vision: bool) -> list[UserPart]:
    """The blocks of a message as content parts; empty texts are left out.  Raises RequestError with the place."""
    found = (part(item, vision=vision) for item in items)
    return [each for each in found if not isinstance(each, TextPart) or each.text]


def part(item: Item, *, vision: bool) -> UserPart:
    """One block as a content part; a text part for everything but an image."""
    if item.block.type == "image":
        return ImagePart(ImageURL(image_url(item))) if vision else TextPart(NO_VISION)
    return TextPart(text_of(item))


def joined(found: list[UserPart]) -> str | list[Part]:
    """A plain string wherever there is no image: every upstream takes it, and not all take parts."""
    texts = [each.text for each in found if isinstance(each, TextPart)]
    return PARAGRAPH.join(texts) if len(texts) == len(found) else list(found)


def text_of(item: Item) -> str:
    """What a block says, as text."""
    block = item.block
    if block.type in OPAQUE:
        return ""
    describe = _DESCRIBE.get(block.type)
    if describe is not None:
        return describe(item)
    if isinstance(block.text, str):
        return block.text
    return f"[{block.type}: not shown, this upstream has no form for it]"


def nested(item: Item) -> list[Item]:
    """The blocks inside a tool result or a document.  Raises RequestError with the place."""
    raw = item.block.content if item.block.type != "document" else _source(item).content
    if raw is UNSET:
        return []
    try:
        content = decode_content(raw)
    except msgspec.ValidationError as error:
        raise RequestError(f"{item.place}.content: {error}") from None
    if isinstance(content, str):
        content = [Block(type="text", text=content)]
    return [item._replace(block=block) for block in content or []]


def is_string(raw: Raw | UnsetType) -> bool:
    """Is this content a plain string?  Most tool results are, and pass without being decoded."""
    return isinstance(raw, Raw) and bytes(memoryview(raw)[:1]) == b'"'


def image_url(item: Item) -> str:
    """A data URL, or the URL that the client gave (the upstream fetches it, c2o never does)."""
    source = _source(item)
    if source.type == "base64" and source.data:
        if source.media_type not in IMAGE_TYPES:
            raise RequestError(f"{item.place}.source.media_type: must be one of {', '.join(IMAGE_TYPES)}")
        return f"data:{source.media_type};base64,{source.data}"
    if source.type == "url" and source.url:
        return source.url
    raise RequestError(
        f"{item.place}.source: an image needs base64 data or a url; {source.type or 'this'} is not supported"
    )


def _source(item: Item) -> Source:
    if not isinstance(item.block.source, Source):
        raise RequestError(f"{item.place}.source: Field required")
    return item.block.source


def _text(item: Item) -> str:
    if not isinstance(item.block.text, str):
        raise RequestError(f"{item.place}.text: Field required")
    return item.block.text


def _document(item: Item) -> str:
    source = _source(item)
    header = f'<document title="{item.block.title or "untitled"}">'
    if source.type == "text":
        body = source.data or ""
    elif source.type == "content":
        body = PARAGRAPH.join(text_of(inner) for inner in nested(item))
    elif source.type == "file":
        raise RequestError(f"{item.place}.source: file_id is not supported: there is no Files API behind c2o")
    else:
        kind = "PDF" if source.media_type == "application/pdf" else "document"
        body = f"[{kind} not shown: this upstream takes text only]"
    lines = [header, *([item.block.context] if item.block.context else []), body, "</document>"]
    return "\n".join(lines)


def _search_result(item: Item) -> str:
    body = PARAGRAPH.join(text_of(inner) for inner in nested(item))
    return f'<search_result title="{item.block.title or ""}">\n{body}\n</search_result>'


def _tool_reference(item: Item) -> str:
    return f"Loaded tool: {item.block.tool_name or item.block.name or 'unknown'}"


def _server_tool_use(item: Item) -> str:
    given = bytes(item.block.input).decode() if isinstance(item.block.input, Raw) else ""
    return f"[{item.block.name or 'server tool'} {given}]"


_DESCRIBE: dict[str, Callable[[Item], str]] = {
    "text": _text,
    "document": _document,
    "search_result": _search_result,
    "tool_reference": _tool_reference,
    "server_tool_use": _server_tool_use,
    "mcp_tool_use": _server_tool_use,
}
