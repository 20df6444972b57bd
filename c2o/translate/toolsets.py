"""Toolsets: one entry of ``tools`` that stands for a family of functions.

A member goes out as the function ``computer__left_click``; its calls come back to the client as Claude writes
them, ``{"name": "left_click", "toolset_name": "computer"}``, and such calls of a history go out again under the
function's name.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/computer-use-tool (…/browser-use-tool)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec
from msgspec import Raw

from c2o.errors import RequestError
from c2o.translate.schemas import Schema, any_of, array_of, boolean, integer, number, object_of, one_of, string
from c2o.wire.anthropic import MemberConfig, Tool


class Member(NamedTuple):
    """A member of a toolset, in the client's words."""

    toolset: str
    name: str

    @property
    def function(self) -> str:
        """The name that the upstream sees."""
        return function_name(self.toolset, self.name)


def function_name(toolset: str, member: str) -> str:
    return f"{toolset}__{member}"


class _Function(NamedTuple):
    description: str
    schema: Schema


class Toolset(NamedTuple):
    name: str
    functions: Mapping[str, _Function]
    off: frozenset[str] = frozenset()
    """Members that aren't offered unless the client enables them."""


def members(tool: Tool, place: str) -> Iterator[tuple[Member, Tool]]:
    """The enabled members of a toolset, each with its function.  Raises RequestError that names the place."""
    toolset, configs = TOOLSETS[tool.type or ""], tool.configs or {}
    if unknown := [name for name in configs if name not in toolset.functions]:
        raise RequestError(f"{place}.configs.{unknown[0]}: {toolset.name} has no such member")
    for name, function in toolset.functions.items():
        config = configs.get(name) or MemberConfig()
        enabled = name not in toolset.off if config.enabled is None else config.enabled
        if enabled:
            member = Member(toolset.name, name)
            yield member, _as_tool(member, function, config)


def _as_tool(member: Member, function: _Function, config: MemberConfig) -> Tool:
    return Tool(
        name=member.function,
        description=function.description,
        input_schema=Raw(msgspec.json.encode(function.schema)),
        defer_loading=config.defer_loading,
    )


# Computer ------------------------------------------------------------------------------------------

_POINT = array_of(integer(), 2, "x and y in pixels, counted from the upper left corner.")
_WHERE = array_of(integer(), 2, "x and y in pixels. Left out: where the pointer is.")
_HELD = string("Keys to hold down meanwhile, such as shift or ctrl+alt.")
_KEYS = string("Keys joined by +, such as Return, ctrl+s, alt+Tab.")
_REGION = array_of(integer(), 4, "Left, top, right and bottom in pixels.")
_DIRECTION = one_of("up", "down", "left", "right")
_REPEAT = integer("How often; once if left out.")
_SECONDS = number("Seconds.")
_WHOLE_SECONDS = integer("Seconds.")


def _computer_click(description: str) -> _Function:
    return _Function(description, object_of(coordinate=_WHERE, text=_HELD))


_COMPUTER: Mapping[str, _Function] = {
    "key": _Function("Press a key or a combination of keys.", object_of(("text",), text=_KEYS, repeat=_REPEAT)),
    "hold_key": _Function(
        "Hold a key or a combination of keys down for a while.",
        object_of(("text", "duration"), text=_KEYS, duration=_WHOLE_SECONDS),
    ),
    "type": _Function("Type text on the keyboard.", object_of(("text",), text=string())),
    "cursor_position": _Function("Say where the pointer is, in pixels.", object_of()),
    "mouse_move": _Function(
        "Move the pointer without clicking, to hover.", object_of(("coordinate",), coordinate=_POINT)
    ),
    "left_mouse_down": _Function("Press the left mouse button and keep it down.", object_of()),
    "left_mouse_up": _Function("Let the left mouse button go.", object_of()),
    "left_click": _computer_click("Click with the left mouse button."),
    "left_click_drag": _Function(
        "Drag with the left mouse button from start_coordinate to coordinate.",
        object_of(("start_coordinate", "coordinate"), start_coordinate=_POINT, coordinate=_POINT, text=_HELD),
    ),
    "right_click": _computer_click("Click with the right mouse button."),
    "middle_click": _computer_click("Click with the middle mouse button."),
    "double_click": _computer_click("Click twice with the left mouse button."),
    "triple_click": _computer_click("Click three times with the left mouse button."),
    "scroll": _Function(
        "Turn the mouse wheel. Better than PageUp and PageDown.",
        object_of(
            ("scroll_direction", "scroll_amount"),
            scroll_direction=_DIRECTION,
            scroll_amount=integer("Clicks of the wheel."),
            coordinate=_WHERE,
            text=_HELD,
        ),
    ),
    "wait": _Function("Wait.", object_of(("duration",), duration=_WHOLE_SECONDS)),
    "screenshot": _Function("Take a picture of the whole screen.", object_of()),
    "zoom": _Function(
        "Take an enlarged picture of a part of the screen, given in pixels of the whole screenshot.",
        object_of(("region",), region=_REGION),
    ),
}


# Browser -------------------------------------------------------------------------------------------

_TAB = string("The tab to act on. Left out: the active one.")


def _point(description: str = "") -> Schema:
    schema = object_of(("type", "x", "y"), type=one_of("coordinate"), x=integer(), y=integer())
    return {**schema, "description": description or "A point of the viewport in pixels."}


def _element() -> Schema:
    schema = object_of(("type", "ref"), type=one_of("ref"), ref=string("As read_page or find gave it, such as ref_7."))
    return {**schema, "description": "An element of the page."}


def _in_tab(description: str, required: tuple[str, ...] = (), /, **properties: Schema) -> _Function:
    return _Function(description, object_of(required, **properties, tab_id=_TAB))


def _browser_click(description: str) -> _Function:
    return _in_tab(description, ("target",), target=any_of(_point(), _element()), modifiers=_HELD)


_BROWSER: Mapping[str, _Function] = {
    "navigate": _in_tab(
        "Open an address, or go through the history.",
        ("url",),
        url=string("An address (https:// if left out), or back, forward or reload."),
    ),
    "list_tabs": _Function("List the open tabs with tab_id, title and address.", object_of()),
    "new_tab": _Function("Open an empty tab; gives its tab_id.", object_of()),
    "switch_tab": _Function("Make a tab the active one.", object_of(("tab_id",), tab_id=string("The tab."))),
    "close_tab": _Function("Close a tab.", object_of(("tab_id",), tab_id=string("The tab."))),
    "read_page": _in_tab(
        "Read the page as an accessibility tree, with references such as [ref_7] to its elements, at most 50,000 "
        "characters; ref or a smaller depth narrow it down.",
        filter=one_of("all", "interactive", description="interactive: only these; all: those out of sight too."),
        depth=integer("How deep the tree may go; 15 if left out."),
        ref=string("The element to start at. Left out: the whole page."),
    ),
    "get_page_text": _in_tab("Read the visible text of the page; good for articles and documentation."),
    "read_console": _in_tab("Read what the page wrote to the console since the last time."),
    "read_network": _in_tab("Read the network requests since the last time: method, address, status, type, time."),
    "find": _in_tab(
        "Find elements by a description in words, at most 20; gives references to them.",
        ("query",),
        query=string("What the element is, such as: search field, button that adds to the cart."),
    ),
    "form_input": _in_tab(
        "Set a field of a form.",
        ("target", "value"),
        target=_element(),
        value=any_of(
            string(), number(), boolean(), description="true or false for a checkbox, an option or text otherwise."
        ),
    ),
    "file_upload": _in_tab(
        "Put files into a file field of a form; paths or document_ids are needed.",
        ("target",),
        target=_element(),
        paths=array_of(string(), description="Files on the machine of the browser."),
        document_ids=array_of(string(), description="Files that were prepared for the browser."),
    ),
    "scroll_to": _in_tab("Scroll an element into view.", ("target",), target=_element()),
    "screenshot": _in_tab("Take a picture of the viewport."),
    "zoom": _in_tab("Take an enlarged picture of a part of the viewport.", ("region",), region=_REGION),
    "left_click": _browser_click("Click with the left mouse button."),
    "right_click": _browser_click("Click with the right mouse button."),
    "middle_click": _browser_click("Click with the middle mouse button."),
    "double_click": _browser_click("Click twice with the left mouse button."),
    "triple_click": _browser_click("Click three times with the left mouse button, which selects a line or paragraph."),
    "hover": _in_tab(
        "Move the pointer onto a point or an element, without clicking.",
        ("target",),
        target=any_of(_point(), _element()),
    ),
    "left_click_drag": _in_tab(
        "Drag with the left mouse button.",
        ("from", "target"),
        **{"from": _point("Where the drag starts."), "target": _point("Where it ends.")},
    ),
    "left_mouse_down": _in_tab("Press the left mouse button and keep it down.", ("target",), target=_point()),
    "left_mouse_up": _in_tab("Let the left mouse button go.", ("target",), target=_point()),
    "mouse_move": _in_tab("Move the pointer without clicking.", ("target",), target=_point()),
    "scroll": _in_tab(
        "Turn the mouse wheel at a point.",
        ("target", "scroll_direction"),
        target=_point(),
        scroll_direction=_DIRECTION,
        scroll_amount=integer("Clicks of the wheel."),
    ),
    "type": _in_tab("Type text where the focus is.", ("text",), text=string()),
    "key": _in_tab(
        "Press keys: combinations with +, one after another with spaces.", ("text",), text=_KEYS, repeat=_REPEAT
    ),
    "hold_key": _in_tab(
        "Hold a key or a combination of keys down for a while.",
        ("text", "duration"),
        text=_KEYS,
        duration=_SECONDS,
    ),
    "wait": _in_tab("Wait.", ("duration",), duration=_SECONDS),
    "javascript_exec": _in_tab(
        "Run JavaScript in the page; gives the value of the last expression.",
        ("text",),
        text=string("The script, without return."),
    ),
}

TOOLSETS: Mapping[str, Toolset] = {
    "computer_toolset_20260801": Toolset("computer", _COMPUTER),
    "browser_toolset_20260801": Toolset(
        "browser", _BROWSER, off=frozenset({"javascript_exec", "file_upload", "read_console", "read_network"})
    ),
}
