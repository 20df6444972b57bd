"""What a tool brought, as a tool message."""

from __future__ import annotations

from c2o.translate import content
from c2o.translate.conversation import Item
from c2o.translate.media import Media
from c2o.wire.chat import ChatMessage, FilePart, ImagePart, TextPart, UserPart


def tool_message(item: Item, media: Media) -> tuple[ChatMessage, list[UserPart]]:
    """A result as a tool message, and what must follow it in the user message."""
    call = str(item.block.tool_use_id)
    if not item.block.is_error and content.is_string(item.block.content):
        return ChatMessage(role="tool", tool_call_id=call, content=item.block.content), []
    found = content.parts(content.nested(item), media)
    if media.in_tool_messages and not all(isinstance(each, TextPart) for each in found):
        failed = [TextPart("Error:")] if item.block.is_error else []
        return ChatMessage(role="tool", tool_call_id=call, content=[*failed, *found]), []
    texts, moved = _split(found, call)
    text = _marked_error("\n".join(texts)) if item.block.is_error else "\n".join(texts)
    return ChatMessage(role="tool", tool_call_id=call, content=text), moved


def _split(found: list[UserPart], call: str) -> tuple[list[str], list[UserPart]]:
    """The texts of a result, and its images and files with a label each."""
    texts: list[str] = []
    moved: list[UserPart] = []
    counts = dict.fromkeys(_KINDS, 0)
    for each in found:
        if isinstance(each, TextPart):
            texts.append(each.text)
        else:
            counts[type(each)] += 1
            name = f"{_KINDS[type(each)]} {counts[type(each)]}"
            texts.append(f"[{name} of tool result {call}: see the next message]")
            moved += [TextPart(f"{name.capitalize()} (from tool result {call}):"), each]
    return texts, moved


_KINDS: dict[type, str] = {ImagePart: "image", FilePart: "document"}


def _marked_error(text: str) -> str:
    """There is no field for a failed tool; the model must read it."""
    if not text:
        return "Error: tool failed without output"
    if text.lower().startswith("error") or "<tool_use_error>" in text:
        return text
    return f"Error: {text}"
