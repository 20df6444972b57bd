"""What Anthropic's own tools did earlier in a conversation, as text.

A session that began on Anthropic's API has their calls and results in its history.  They never become tool calls:
the upstream has no such tools, and would be asked for their results.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool (…/web-fetch-tool,
…/code-execution-tool, …/tool-search-tool) and …/agents-and-tools/mcp-connector
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw, UnsetType

from c2o.translate.conversation import Item
from c2o.wire.anthropic import Block

USES = ("server_tool_use", "mcp_tool_use")

UNREADABLE = "(only Anthropic's own servers can read the result)"


def answered(items: list[Item]) -> list[Item]:
    """A turn without calls whose result never came: nothing can be said of them."""
    calls = {item.block.id for item in items if item.block.type in USES}
    if not calls:
        return items
    results = {item.block.tool_use_id for item in items}
    return [item for item in items if item.block.type not in USES or item.block.id in results]


def _use(item: Item) -> str:
    block = item.block
    where = f"{block.server_name}: " if block.server_name else ""
    given = bytes(block.input).decode() if isinstance(block.input, Raw) else "{}"
    return f"[used {where}{block.name or 'a tool'} {given}]"


def _web_search(item: Item) -> str:
    found = _content(item)
    if not isinstance(found, list):
        return _failed("web_search", found)
    lines = [f"- {_field(page, 'title') or 'untitled'} <{_field(page, 'url')}>" for page in found]
    return "\n".join(["[web_search found:", *(lines or ["nothing"])]) + "]"


def _tool_search(item: Item) -> str:
    if not (names := referenced(item.block.content)):
        return _failed("tool search", _content(item))
    return f"Loaded tools: {', '.join(names)}"


def referenced(result: Raw | UnsetType) -> list[str]:
    """The names of the tools that a search of Anthropic's own found."""
    found = _field(_decoded(result), "tool_references")
    names = [_field(each, "tool_name") for each in found] if isinstance(found, list) else []
    return [name for name in names if isinstance(name, str) and name]


def _execution(item: Item) -> str:
    result = _content(item)
    kind = item.block.type.removesuffix("_tool_result")
    if _field(result, "error_code") or not isinstance(result, Mapping):
        return _failed(kind, result)
    if _field(result, "encrypted_stdout"):
        return f"[{kind} ran {UNREADABLE}]"
    said = [str(_field(result, name)) for name in ("stdout", "stderr") if _field(result, name)]
    return "\n".join([f"[{kind} ended with code {_field(result, 'return_code')}:", *said]) + "]"


def _edit(item: Item) -> str:
    result = _content(item)
    if _field(result, "error_code") or not isinstance(result, Mapping):
        return _failed("text editor", result)
    lines = _field(result, "lines")
    changed = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
    said = _field(result, "content") or "\n".join(changed) or "done"
    return f"[text editor: {said}]"


def _mcp_result(item: Item) -> str:
    content = _content(item)
    pieces = content if isinstance(content, list) else [{"text": content or ""}]
    text = "\n".join(str(_field(piece, "text")) for piece in pieces)
    return f"[{'failed' if item.block.is_error else 'result'}: {text}]"


def _advice(item: Item) -> str:
    result = _content(item)
    if _field(result, "error_code"):
        return _failed("advisor", result)
    return f"[advisor: {_field(result, 'text') or UNREADABLE}]"


# Web fetch: there is a document inside ---------------------------------------------------------------


def fetched_document(item: Item) -> Item | None:
    """The document that a web fetch brought."""
    try:
        fetched = msgspec.json.decode(item.block.content or b"null", type=_Fetched)
    except msgspec.ValidationError:
        return None
    return item._replace(block=fetched.content, inside=f"{item.inside}.web_fetch_tool_result.content.content")


class _Fetched(msgspec.Struct):
    content: Block


def fetch(item: Item, text: str) -> str:
    """A web fetch, with the text of what it brought."""
    result = _content(item)
    return f"[fetched {_field(result, 'url')}:\n{text}]" if text else _failed("web_fetch", result)


# Shapes that vary ------------------------------------------------------------------------------------


def _content(item: Item) -> Any:
    return _decoded(item.block.content)


def _decoded(raw: Raw | UnsetType) -> Any:
    return msgspec.json.decode(raw) if isinstance(raw, Raw) else None


def _field(value: Any, name: str) -> Any:
    """A field of something that should be an object; empty text where there is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return "" if found is None else found


def _failed(what: str, result: Any) -> str:
    return f"[{what} failed: {_field(result, 'error_code') or 'no result'}]"


TELL: dict[str, Callable[[Item], str]] = {
    "server_tool_use": _use,
    "mcp_tool_use": _use,
    "web_search_tool_result": _web_search,
    "tool_search_tool_result": _tool_search,
    "code_execution_tool_result": _execution,
    "bash_code_execution_tool_result": _execution,
    "text_editor_code_execution_tool_result": _edit,
    "mcp_tool_result": _mcp_result,
    "advisor_tool_result": _advice,
}
