"""Which tools the upstream is offered: the request's own, and what the conversation made of them.

- tools that Anthropic defines get their schemas, and toolsets become their members;
- tools that only Anthropic's servers can run are dropped, or refused where the request depends on them;
- deferred tools count once the conversation refers to them;
- additions and removals in mid-conversation apply in their order.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-search-tool
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from msgspec import Raw

from c2o.errors import RequestError
from c2o.kinds import WEB_SEARCH
from c2o.translate import anthropic_tools
from c2o.translate.conversation import Item, Turn
from c2o.translate.server_tools import referenced
from c2o.translate.toolsets import Member, function_name
from c2o.wire.anthropic import Block, Tool, ToolChange, ToolChoice, decode_content

SERVER_TOOLS = ("web_search_", "web_fetch_", "code_execution_", "tool_search_tool_", "advisor_", "mcp_toolset")
"""Types that Anthropic's own servers run; a chat-completions upstream can't."""


class Offer(NamedTuple):
    tools: dict[str, Tool]
    """By the function's name, before it is shortened."""
    members: dict[str, Member]
    """Of toolsets, by the function's name."""


def offer(tools: list[Tool], choice: ToolChoice | None, turns: list[Turn], notes: list[str]) -> Offer:
    """The tools to offer.  Raises RequestError that names the place."""
    declared = _Declared()
    for place, tool in _placed(tools, choice):
        if _is_served(tool):
            notes.append(f"server tool {tool.name or tool.type} dropped: the upstream can't run it")
            declared.dropped.add(tool.name)
        else:
            declared.add(tool, place, notes)
    offered = _loaded(declared, turns)
    for item, change in _changes(turns):
        _apply(change, item, declared, offered, notes)
    return Offer({name: tool for name, tool in declared.tools.items() if name in offered}, declared.members)


class _Declared:
    """The tools that a request declares, offered or not."""

    def __init__(self) -> None:
        self.tools: dict[str, Tool] = {}
        self.members: dict[str, Member] = {}
        self.dropped: set[str] = set()

    def add(self, tool: Tool, place: str, notes: list[str]) -> list[str]:
        """Take a tool in; returns the names of the functions that it stands for."""
        if tool.type is None or tool.type == "custom":
            self._add(tool, place, notes)
            return [tool.name]
        names = []
        for function, member in anthropic_tools.functions(tool, place):
            self._add(function, place, notes)
            names.append(function.name)
            if member is not None:
                self.members[function.name] = member
        return names

    def _add(self, tool: Tool, place: str, notes: list[str]) -> None:
        if not tool.name:
            raise RequestError(f"{place}.name: Field required")
        if tool.name in self.tools:
            raise RequestError(f"{place}: Tool names must be unique: {tool.name} is there twice")
        if tool.allowed_callers and "direct" not in tool.allowed_callers:
            notes.append(f"tool {tool.name} can be called directly: there is no code execution upstream")
        self.tools[tool.name] = tool

    def named(self, name: str) -> list[str]:
        """The functions that a name refers to: a tool's own, or all members of a toolset."""
        if name in self.tools:
            return [name]
        return [function for function, member in self.members.items() if name in (member.toolset, member.name)]


def _placed(tools: list[Tool], choice: ToolChoice | None) -> Iterator[tuple[str, Tool]]:
    """The tools with their places.

    A server tool beside others is dropped later: clients take "the model didn't search" as normal.  Alone or
    demanded it is refused, because the model would invent what it can't look up.
    """
    alone = all(map(_is_served, tools))
    for number, tool in enumerate(tools):
        if _is_served(tool) and (alone or (choice and choice.name == tool.name)):
            raise RequestError(f"tools.{number}: {_unavailable(tool)}")
        yield f"tools.{number}", tool


def _unavailable(tool: Tool) -> str:
    """With what a person can do, so that a search finds its way."""
    search = (tool.type or "").startswith(WEB_SEARCH)
    remedy = '; name one that can search: web_search = "upstream/model" under [routes]' if search else ""
    return f"{tool.name or tool.type} is not available on this upstream{remedy}"


def _is_served(tool: Tool) -> bool:
    return tool.type is not None and tool.type.startswith(SERVER_TOOLS)


# Deferred tools ------------------------------------------------------------------------------------


def _loaded(declared: _Declared, turns: list[Turn]) -> set[str]:
    """The tools that aren't deferred, and those to which the conversation refers: found by a search, or called."""
    tools = declared.tools
    if not any(tool.defer_loading for tool in tools.values()):
        return set(tools)
    mentioned = {name for turn in turns for item in turn.items for name in _mentions(item.block)}
    referred = {function for name in mentioned for function in declared.named(name)}
    loaded = {name for name, tool in tools.items() if not tool.defer_loading or name in referred}
    return loaded or set(tools)


def _mentions(block: Block) -> list[str]:
    if block.type == "tool_use" and isinstance(block.name, str):
        return [function_name(block.toolset_name, block.name) if block.toolset_name else block.name]
    if block.type == "tool_result" and isinstance(block.content, Raw) and b"tool_reference" in bytes(block.content):
        inner = _content(block.content)
        return [each.tool_name for each in inner if isinstance(each.tool_name, str)] if isinstance(inner, list) else []
    return referenced(block.content) if block.type == "tool_search_tool_result" else []


def _content(raw: Raw) -> str | list[Block] | None:
    """What is inside of a result; content of a wrong shape is refused where its turn comes."""
    try:
        return decode_content(raw)
    except msgspec.ValidationError:
        return None


# Changes in mid-conversation -----------------------------------------------------------------------


def _changes(turns: list[Turn]) -> Iterator[tuple[Item, Block]]:
    """Additions and removals in their order; a compaction carries those of the part that it sums up."""
    for first in turns[0].items[:1]:
        for block in first.block.tool_changes or []:
            yield first, block
    for turn in turns:
        if turn.role == "system":
            for item in turn.items:
                if item.block.type in ("tool_addition", "tool_removal"):
                    yield item, item.block


def _apply(block: Block, item: Item, declared: _Declared, offered: set[str], notes: list[str]) -> None:
    if not isinstance(block.tool, ToolChange):
        raise RequestError(f"{item.place}.tool: Field required")
    if block.type == "tool_removal":
        offered -= set(_resolved(block.tool, item, declared))
    elif block.tool.definition is not None:
        offered |= set(_redefined(block.tool.definition, item, declared, notes))
    else:
        offered |= set(_resolved(block.tool, item, declared))


def _redefined(tool: Tool, item: Item, declared: _Declared, notes: list[str]) -> list[str]:
    """A definition in mid-conversation; one of a name that is known takes its place."""
    place = f"{item.place}.tool.definition"
    if _is_served(tool):
        raise RequestError(f"{place}: {_unavailable(tool)}")
    declared.tools.pop(tool.name, None)
    return declared.add(tool, place, notes)


def _resolved(change: ToolChange, item: Item, declared: _Declared) -> list[str]:
    found = declared.named(change.name or "")
    if not found and change.name not in declared.dropped:
        name = change.name or change.server_name or "a tool without a name"
        raise RequestError(f"{item.place}.tool: {name} is not among the tools", code="tool_reference_unresolved")
    return found
