"""Tool arguments, repaired against the request's own schema while they stream.

Strategy: a scanner finds the ends of the top-level ``"key": value`` pairs.  A whole pair is checked and
passed on, byte for byte where nothing is wrong with it; so a pair is the unit of delay, as it is on
Anthropic's own API.  What the model did not say is never completed, because Claude Code *runs* a call whose
block is closed: cut-off input keeps its whole pairs and gets a key that no tool knows, which makes
the client refuse it.  Text that isn't an object waits for its end and is unwrapped if it can be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Raw

from c2o.translate.schema_repair import mend_object

TRUNCATED = '"__c2o_truncated__":true'
"""The mark of input that was cut off: an unknown key, so that no client runs half a command."""

INVALID = "INVALID_JSON"
"""The key under which unusable input is shown to the model
(https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming)."""

LIMIT = 4 * 1024 * 1024
"""Characters that the input of one call may have."""

_MARK = re.compile(r'["{}\[\],]')
_IN_STRING = re.compile(r'["\\]')
_FENCE = re.compile(r"^\s*```[a-z]*\s*\n?(.*?)\n?\s*```\s*$", re.DOTALL)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")

State = Literal["before", "object", "after", "other"]

Ending = Literal["whole", "unsaid", "cut"]
"""What the upstream said at the end: that all is there, nothing, or that something is missing."""


class TooMuchInput(Exception):
    """More than LIMIT characters of input for one call."""


class ToolInput:
    """The arguments of one call: pieces of any cut in, JSON text for the client out."""

    def __init__(self, schema: Raw | None, notes: list[str]) -> None:
        self._schema = _decoded(schema)
        self._notes = notes
        self._state: State = "before"
        self._kept: list[str] = []
        self._size = 0
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._pairs = 0

    @property
    def complete(self) -> bool:
        """Has a whole object come?  More may still follow it, from servers that repeat themselves."""
        return self._state == "after"

    def feed(self, text: str) -> str:
        """What can be passed on.  Raises TooMuchInput."""
        self._size += len(text)
        if self._size > LIMIT:
            raise TooMuchInput
        if self._state == "before":
            text = self._begin(text)
        return self._scan(text) if self._state == "object" else self._keep(text)

    def close(self, ending: Ending = "whole") -> str:
        """The rest."""
        match self._state:
            case "after":
                return self._after()
            case "object":
                return self._cut_off(ending)
            case "before":
                return "{" + TRUNCATED + "}" if ending == "cut" else "{}"
            case "other":
                return self._unwrapped(ending)

    def _keep(self, text: str) -> str:
        self._kept.append(text)
        return ""

    def _begin(self, text: str) -> str:
        text = text.lstrip()
        if text:
            self._state = "object" if text.startswith("{") else "other"
        return text

    def _scan(self, text: str) -> str:
        """Find the ends of pairs in ``text``; what follows the last one is kept."""
        said: list[str] = []
        begin, at = 0, 0
        if self._escaped and text:
            self._escaped, at = False, 1
        while mark := (_IN_STRING if self._in_string else _MARK).search(text, at):
            at = mark.end()
            end = self._step(mark.group(), at >= len(text))
            if self._escaped:
                break
            if mark.group() == "\\":
                at += 1
            elif end:
                said.append(self._pair("".join([*self._kept, text[begin : at - 1]]), last=end == "}"))
                self._kept, begin = [], at
                if end == "}":
                    self._state = "after"
                    break
            elif mark.group() == "{" and self._depth == 1:
                begin = at
        self._keep(text[begin:])
        return "".join(said)

    def _step(self, mark: str, at_end: bool) -> str:
        """Take note of one mark; returns it if it ends a top-level pair."""
        if self._in_string:
            self._in_string = mark != '"'
            self._escaped = mark == "\\" and at_end
            return ""
        if mark == '"':
            self._in_string = True
        elif mark in "{[":
            self._depth += 1
        elif mark in "}]":
            self._depth -= 1
            return mark if self._depth == 0 else ""
        return mark if mark == "," and self._depth == 1 else ""

    def _pair(self, pair: str, *, last: bool) -> str:
        """A pair as the client gets it, with the separator before it and the brace after the last."""
        mended = self._mended(pair) if pair.strip() else ""
        close = "}" if last else ""
        if not mended:
            return ("" if self._pairs else "{") + close if last else ""
        self._pairs += 1
        return ("," if self._pairs > 1 else "{") + mended + close

    def _mended(self, pair: str) -> str:
        """The pair itself if the schema takes it, else what could be made of it; empty to drop it."""
        members = _members(pair)
        if members is None:
            members = _members(_TRAILING_COMMA.sub(r"\1", pair))
            if members is None:
                self._notes.append("tool input that is no JSON marked as invalid")
                return f'"{INVALID}":{_json(pair)}'
            self._notes.append("trailing comma in tool input removed")
            pair = _json(members)[1:-1]
        noted = len(self._notes)
        wanted = mend_object(self._trimmed(members), self._schema, self._notes, "")
        return pair if len(self._notes) == noted else _json(wanted)[1:-1]

    def _trimmed(self, members: dict[str, Any]) -> dict[str, Any]:
        trimmed = {key.strip(): value for key, value in members.items()}
        if trimmed.keys() != members.keys():
            self._notes.append("spaces around a key of tool input removed")
        return trimmed

    def _cut_off(self, ending: Ending) -> str:
        """The object never closed.  Closers are added only where nothing but them is missing."""
        rest = "".join(self._kept)
        if ending == "whole" and not self._in_string and (whole := self._with_closers(rest)):
            self._notes.append("missing brackets at the end of tool input added")
            return whole
        self._notes.append("tool input was cut off: marked so that the client refuses it")
        return ("," if self._pairs else "{") + TRUNCATED + "}"

    def _with_closers(self, rest: str) -> str:
        if not rest.strip():
            return self._pair("", last=True)
        closed = rest + _closers(rest)
        return self._pair(closed, last=True) if _members(closed) is not None else ""

    def _after(self) -> str:
        """Behind a whole object there should be nothing; what there is can't be part of this call."""
        if "".join(self._kept).strip():
            self._notes.append("text behind the tool input ignored")
        return ""

    def _unwrapped(self, ending: Ending) -> str:
        """Input that didn't begin with a brace: fenced, or JSON inside a JSON string."""
        raw = "".join(self._kept)
        found = _object_in(raw)
        if found is None or ending == "cut":
            self._notes.append("tool input that is no JSON object marked as invalid")
            return _json({INVALID: raw})
        self._notes.append("tool input unwrapped")
        return _json(mend_object(found, self._schema, self._notes, ""))


def _decoded(schema: Raw | None) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(schema, type=dict[str, Any]) if schema is not None else {}
    except msgspec.DecodeError:
        return {}


def _members(pair: str) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode("{" + pair + "}", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _closers(text: str) -> str:
    """The brackets that ``text``, which ends outside of a string, leaves open."""
    stack: list[str] = []
    at, in_string = 0, False
    while mark := (_IN_STRING if in_string else _MARK).search(text, at):
        at = mark.end()
        match mark.group():
            case "\\":
                at += 1
            case '"':
                in_string = not in_string
            case "{" | "[" as opened:
                stack.append("}" if opened == "{" else "]")
            case "}" | "]" if stack:
                stack.pop()
    return "".join(reversed(stack))


def _object_in(raw: str) -> dict[str, Any] | None:
    if fenced := _FENCE.match(raw):
        raw = fenced[1]
    for _ in range(3):  # encoded twice is seen, three times is generous
        try:
            value = msgspec.json.decode(raw.encode())
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return None
        if isinstance(value, dict):
            return value
        if not isinstance(value, str):
            return None
        raw = value
    return None
