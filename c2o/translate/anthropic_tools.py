"""The tools that Anthropic defines and the client runs, as functions that any model can call.

Claude knows their schemas by heart, so a request names only the type and some options.  Other models must be
told: the schema goes out as a function's parameters, the options as a sentence of its description.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/bash-tool (…/text-editor-tool, …/memory-tool,
…/computer-use-tool)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec
from msgspec import Raw, structs

from c2o.errors import RequestError
from c2o.translate import toolsets
from c2o.translate.schemas import Schema, array_of, boolean, integer, number, object_of, one_of, string
from c2o.translate.toolsets import Member
from c2o.wire.anthropic import Tool


class _Known(NamedTuple):
    """What Claude knows of a tool."""

    name: str
    description: str
    schema: Schema


def functions(tool: Tool, place: str) -> Iterator[tuple[Tool, Member | None]]:
    """The functions that a tool stands for: one, or each enabled member of a toolset.

    Raises RequestError that names the place.
    """
    kind = tool.type or ""
    if kind in _KNOWN:
        yield _function(tool, place), None
    elif kind in toolsets.TOOLSETS:
        for member, function in toolsets.members(tool, place):
            yield function, member
    else:
        there_are = ", ".join([*_KNOWN, *toolsets.TOOLSETS])
        raise RequestError(f"{place}: {kind} isn't known here. Declare it as a custom tool. There are: {there_are}")


def _function(tool: Tool, place: str) -> Tool:
    kind = tool.type or ""
    known = _ZOOMING[kind] if tool.enable_zoom and kind in _ZOOMING else _KNOWN[kind]
    description = " ".join([known.description, *_options(tool, place)])
    schema = Raw(msgspec.json.encode(known.schema))
    return structs.replace(tool, name=tool.name or known.name, description=description, input_schema=schema)


def _options(tool: Tool, place: str) -> Iterator[str]:
    """The options in words."""
    if tool.max_characters is not None:
        yield f"view shows at most {tool.max_characters} characters of a file."
    if (tool.type or "").startswith("computer_"):
        for field in ("display_width_px", "display_height_px"):
            if getattr(tool, field) is None:  # without the size each click would be a guess
                raise RequestError(f"{place}.{field}: Field required")
        number = "" if tool.display_number is None else f" (X11 display :{tool.display_number})"
        yield f"The display{number} is {tool.display_width_px} pixels wide and {tool.display_height_px} pixels high."


_BASH = _Known(
    "bash",
    "Runs a command in a bash session that lasts from call to call, and returns what it writes. "
    "Commands that ask questions or open a window don't work.",
    object_of(
        command=string("The command to run. Required unless the session is restarted."),
        restart=boolean("true starts the session anew."),
    ),
)

# Text editor ---------------------------------------------------------------------------------------

_VIEWS_AND_EDITS = "Views, creates and edits text files. view shows a file with line numbers, or lists a folder."

_EDITS = {
    "path": string("The file or folder."),
    "file_text": string("For create: the whole text of the file."),
    "old_str": string("For str_replace: the text to replace. It must occur exactly once."),
    "insert_line": integer("For insert: the line after which the text goes; 0 is the start of the file."),
    "view_range": array_of(integer(), 2, "For view: the first and the last line, counted from 1; -1 is the end."),
}

_EARLY_EDITOR = _Known(
    "str_replace_editor",
    f"{_VIEWS_AND_EDITS} undo_edit takes back the last change to a file.",
    object_of(
        ("command", "path"),
        command=one_of("view", "create", "str_replace", "insert", "undo_edit"),
        new_str=string("For str_replace: the text in its place. For insert: the text to insert."),
        **_EDITS,
    ),
)

_EDITOR = _Known(
    "str_replace_based_edit_tool",
    _VIEWS_AND_EDITS,
    object_of(
        ("command", "path"),
        command=one_of("view", "create", "str_replace", "insert"),
        new_str=string("For str_replace: the text in its place."),
        insert_text=string("For insert: the text to insert."),
        **_EDITS,
    ),
)

# Memory --------------------------------------------------------------------------------------------

_MEMORY = _Known(
    "memory",
    "Keeps notes in files under /memories, from one conversation to the next. Look into /memories with view before "
    "anything else: it may hold what was done so far. Note progress as you go, since the conversation may be cut off "
    "at any time.",
    object_of(
        ("command",),
        command=one_of("view", "create", "str_replace", "insert", "delete", "rename"),
        **(_EDITS | {"path": string("The file or folder under /memories; needed by all commands but rename.")}),
        new_str=string("For str_replace: the text in its place."),
        insert_text=string("For insert: the text to insert."),
        old_path=string("For rename: where the file or folder is."),
        new_path=string("For rename: where it shall be."),
    ),
)

# Computer ------------------------------------------------------------------------------------------

_USES = (
    "Uses mouse and keyboard of a computer and looks at its screen. Take a screenshot before you click, and after it "
    "to see what came of it."
)

_ACTIONS_2024 = (
    "key", "type", "mouse_move", "left_click", "left_click_drag", "right_click", "middle_click", "double_click",
    "screenshot", "cursor_position",
)  # fmt: skip
_ACTIONS_2025 = (*_ACTIONS_2024, "left_mouse_down", "left_mouse_up", "scroll", "hold_key", "wait", "triple_click")

_INPUTS_2024 = {
    "coordinate": array_of(integer(), 2, "x and y in pixels from the upper left corner: where to act, or a drag ends."),
    "text": string("For type: the text. For key: keys such as ctrl+s or Return. For clicks, scroll: keys held down."),
}
_INPUTS_2025 = {
    **_INPUTS_2024,
    "start_coordinate": array_of(integer(), 2, "For left_click_drag: where the drag starts."),
    "duration": number("For wait and hold_key: seconds."),
    "scroll_direction": one_of("up", "down", "left", "right"),
    "scroll_amount": integer("For scroll: clicks of the wheel."),
}
_REGION = array_of(integer(), 4, "For zoom: left, top, right and bottom of the part to look at.")

_COMPUTER_2024 = _Known("computer", _USES, object_of(("action",), action=one_of(*_ACTIONS_2024), **_INPUTS_2024))
_COMPUTER_2025 = _Known("computer", _USES, object_of(("action",), action=one_of(*_ACTIONS_2025), **_INPUTS_2025))
_COMPUTER_ZOOM = _Known(
    "computer",
    _USES,
    object_of(("action",), action=one_of(*_ACTIONS_2025, "zoom"), **_INPUTS_2025, region=_REGION),
)

_KNOWN: Mapping[str, _Known] = {
    "bash_20241022": _BASH,
    "bash_20250124": _BASH,
    "text_editor_20241022": _EARLY_EDITOR,
    "text_editor_20250124": _EARLY_EDITOR,
    "text_editor_20250429": _EDITOR,
    "text_editor_20250728": _EDITOR,
    "memory_20250818": _MEMORY,
    "computer_20241022": _COMPUTER_2024,
    "computer_20250124": _COMPUTER_2025,
    "computer_20251124": _COMPUTER_2025,
}

_ZOOMING: Mapping[str, _Known] = {"computer_20251124": _COMPUTER_ZOOM}
"""With ``enable_zoom``."""
