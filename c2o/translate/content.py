"""Content blocks in the form that a chat-completions upstream can take.

Text stays text; images and documents are ``media``'s; what Anthropic's own tools did is told by ``server_tools``.
A block for which there is no form becomes a text that names it: nothing vanishes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec import Raw, UnsetType, structs

from c2o.errors import RequestError
from c2o.translate import server_tools
from c2o.translate.conversation import Item
from c2o.translate.media import Media, document, image, source_of
from c2o.wire.anthropic import Block, decode_content
from c2o.wire.chat import Part, TextPart, UserPart

PARAGRAPH = "\n\n"

OPAQUE = (
    "thinking", "redacted_thinking", "fallback", "container_upload", "mcp_tool_listing",
    "tool_addition", "tool_removal",
)  # fmt: skip
"""Blocks that carry nothing for a chat-completions upstream."""


DEEPEST = 24
"""Steps in the name of a place.  What the API allows (a document's blocks in a tool result) takes 7."""


def parts(items: Iterable[Item], media: Media) -> list[UserPart]:
    """The blocks of a message as content parts; empty texts are left out.  Raises RequestError with the place."""
    found: list[UserPart] = []
    for item in items:
        found += _parts(item, media)
    return [each for each in found if not isinstance(each, TextPart) or each.text]


def _parts(item: Item, media: Media) -> Iterable[UserPart]:
    match item.block.type:
        case "image":
            return (image(item, media),)
        case "document":
            return _document(item, media)
        case "container_upload":
            raise RequestError(f"{item.place}.container_upload: not supported: there is no container behind c2o")
    return (TextPart(text_of(item, media)),)


def joined(found: list[UserPart]) -> str | list[Part]:
    """A plain string wherever there is only text: every upstream takes it, and not all take parts."""
    texts = [each.text for each in found if isinstance(each, TextPart)]
    return PARAGRAPH.join(texts) if len(texts) == len(found) else list(found)


def text_of(item: Item, media: Media) -> str:
    """What a block says, as text."""
    block = item.block
    if block.type == "text":
        return _text(item)
    if block.type in OPAQUE:
        return ""
    if (tell := _TELL.get(block.type)) is not None:
        return tell(item)
    if (tell_inside := _TELL_INSIDE.get(block.type)) is not None:
        return tell_inside(item, media)
    if isinstance(block.text, str):
        return block.text
    return f"[{block.type}: not shown, this upstream has no form for it]"


def nested(item: Item) -> list[Item]:
    """The blocks inside a tool result or a document.  Raises RequestError with the place."""
    of_document = item.block.type == "document"
    raw = source_of(item).content if of_document else item.block.content
    if not isinstance(raw, Raw):
        return []
    inside = f"{item.inside}.{item.block.type}{'.source' if of_document else ''}.content"
    if inside.count(".") > DEEPEST:
        raise RequestError(f"{item.place}: blocks are inside of each other too often")
    try:
        content = decode_content(raw)
    except msgspec.ValidationError as error:
        raise RequestError(f"{item._replace(inside=inside).place}: {error}") from None
    if isinstance(content, str):
        content = [Block(type="text", text=content)]
    return [item._replace(block=block, inside=f"{inside}.{number}") for number, block in enumerate(content or [])]


def is_string(raw: Raw | UnsetType) -> bool:
    """Is this content a plain string?  Most tool results are, and pass without being decoded."""
    return isinstance(raw, Raw) and bytes(memoryview(raw)[:1]) == b'"'


def _document(item: Item, media: Media) -> list[UserPart]:
    return document(item, parts(nested(item), media), media)


def _text(item: Item) -> str:
    if not isinstance(item.block.text, str):
        raise RequestError(f"{item.place}.text: Field required")
    return item.block.text


def _only_text(item: Item, media: Media) -> str:
    """A document where there can't be anything but text."""
    blind = structs.replace(media, vision=False, files=False, file_urls=False)
    return PARAGRAPH.join(each.text for each in parts([item], blind) if isinstance(each, TextPart))


def _search_result(item: Item, media: Media) -> str:
    body = PARAGRAPH.join(text_of(inner, media) for inner in nested(item))
    source = item.block.source if isinstance(item.block.source, str) else ""
    return f'<search_result title="{item.block.title or ""}" source="{source}">\n{body}\n</search_result>'


def _tool_reference(item: Item) -> str:
    return f"Loaded tool: {item.block.tool_name or item.block.name or 'unknown'}"


def _browser_state(item: Item) -> str:
    """The tabs, a line each, and what a call changed."""
    tabs = _decoded(item.block.tabs)
    lines = [_tab(tab) for tab in tabs if isinstance(tab, dict)] if isinstance(tabs, list) else []
    changed = item.block.state_changes
    changes = [f"Changes: {bytes(changed).decode()}"] if isinstance(changed, Raw) and bytes(changed) != b"null" else []
    return "\n".join(["Browser tabs:", *(lines or ["(none)"]), *changes])


def _tab(tab: Mapping[str, object]) -> str:
    active = " (active)" if tab.get("active") else ""
    return f"- {tab.get('tab_id')}{active}: {tab.get('title') or 'untitled'} <{tab.get('url') or ''}>"


def _decoded(raw: Raw | UnsetType) -> object:
    return msgspec.json.decode(raw) if isinstance(raw, Raw) else None


def _compaction(item: Item) -> str:
    summary = _decoded(item.block.content)
    return f"Summary of the conversation so far:\n\n{summary}" if isinstance(summary, str) else ""


def _fetched(item: Item, media: Media) -> str:
    inner = server_tools.fetched_document(item)
    return server_tools.fetch(item, _only_text(inner, media) if inner else "")


_TELL: dict[str, Callable[[Item], str]] = {
    "tool_reference": _tool_reference,
    "browser_state": _browser_state,
    "compaction": _compaction,
    **server_tools.TELL,
}

_TELL_INSIDE: dict[str, Callable[[Item, Media], str]] = {
    "document": _only_text,
    "search_result": _search_result,
    "web_fetch_tool_result": _fetched,
}
"""What has blocks inside."""
