"""Parts of a request whose type nobody here knows, cut down to what they call themselves.

A block, tool or edit of tomorrow may use a name that we know for something of another shape, and the flat structs
that requests are decoded into would refuse the whole request for it.  So a request that they refuse is read once
more without the fields of such parts; all others pay nothing.  Every part keeps its place: errors name it, and
clients act on that.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Raw

BLOCKS = frozenset({
    "text", "image", "document", "search_result", "thinking", "redacted_thinking", "tool_use", "tool_result",
    "tool_reference", "browser_state", "server_tool_use", "web_search_tool_result", "web_fetch_tool_result",
    "code_execution_tool_result", "bash_code_execution_tool_result", "text_editor_code_execution_tool_result",
    "tool_search_tool_result", "advisor_tool_result", "mcp_tool_use", "mcp_tool_result", "mcp_tool_listing",
    "container_upload", "compaction", "fallback", "tool_addition", "tool_removal",
})  # fmt: skip

TOOLS = ("custom", "bash_", "text_editor_", "memory_", "computer_", "browser_")
"""How the types begin whose options are read."""

EDITS = frozenset({"clear_tool_uses_20250919", "clear_thinking_20251015"})

KEPT = ("type", "name", "text")
"""What is kept of an unknown part, where it is a string."""

NOTHING = Raw(b"[]")

Object = dict[str, Raw]
Known = Callable[[str], bool]


def known_parts(request: bytes) -> bytes:
    """A request's JSON with its unknown parts cut down.  Raises msgspec.DecodeError where it is no object."""
    fields = msgspec.json.decode(request, type=Object)
    _change(fields, "messages", lambda messages: _each(messages, _message))
    _change(fields, "system", known_blocks)
    _change(fields, "tools", lambda tools: _each(tools, lambda tool: _cut(tool, _is_tool)))
    _change(fields, "context_management", _management)
    return msgspec.json.encode(fields)


def known_blocks(content: Raw) -> Raw:
    """Content, a string or blocks, with its unknown blocks cut down."""
    return _each(content, lambda block: _cut(block, BLOCKS.__contains__))


def _message(message: Raw) -> Raw:
    """A message; one of the system's may have no content, and only say what holds from here on."""
    if not _begins(message, b"{"):
        return message
    fields = msgspec.json.decode(message, type=Object)
    if bytes(fields.get("role", b"")) == b'"system"' and "output_config" in fields:
        fields.setdefault("content", NOTHING)
    _change(fields, "content", known_blocks)
    return Raw(msgspec.json.encode(fields))


def _management(management: Raw) -> Raw:
    return _inside(management, "edits", lambda edits: _each(edits, lambda edit: _cut(edit, EDITS.__contains__)))


def _is_tool(kind: str) -> bool:
    return kind.startswith(TOOLS)


def _inside(raw: Raw, name: str, change: Callable[[Raw], Raw]) -> Raw:
    """An object with one of its members changed; anything else as it is."""
    if not _begins(raw, b"{"):
        return raw
    fields = msgspec.json.decode(raw, type=Object)
    _change(fields, name, change)
    return Raw(msgspec.json.encode(fields))


def _change(fields: Object, name: str, change: Callable[[Raw], Raw]) -> None:
    if name in fields:
        fields[name] = change(fields[name])


def _each(raw: Raw, change: Callable[[Raw], Raw]) -> Raw:
    """An array with each element changed; anything else as it is."""
    if not _begins(raw, b"["):
        return raw
    return Raw(msgspec.json.encode([change(each) for each in msgspec.json.decode(raw, type=list[Raw])]))


def _cut(raw: Raw, is_known: Known) -> Raw:
    if not _begins(raw, b"{"):
        return raw
    fields = msgspec.json.decode(raw, type=Object)
    names = {name: fields[name] for name in KEPT if name in fields and _begins(fields[name], b'"')}
    if "type" not in names or is_known(msgspec.json.decode(names["type"], type=str)):
        return raw
    return Raw(msgspec.json.encode(names))


def _begins(raw: Raw, with_: bytes) -> bool:
    return bytes(memoryview(raw)[:1]) == with_
