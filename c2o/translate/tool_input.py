"""Tool arguments, repaired against the request's own schema while they stream.

Strategy: a scanner finds the ends of the top-level ``"key": value`` pairs.  A whole pair is checked and
passed on, byte for byte where nothing is wrong with it; so a pair is the unit of delay, as it is on
Anthropic's own API.  What the model did not say is never completed, because Claude Code *runs* a call whose
block is closed: cut-off input keeps its whole pairs and gets a key that no tool knows, which makes
the client refuse it.  Text that isn't an object waits for its end and is unwrapped if it can be; so does the
rest of an object with something between its strings that JSON hasn't, a comment or a single quote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Raw

from c2o.translate import loose_json
from c2o.translate.schema_repair import Mender, Note

TRUNCATED = '"__c2o_truncated__":true'
"""The mark of input that was cut off: an unknown key, so that no client runs half a command."""

INVALID = "INVALID_JSON"
"""The key under which unusable input is shown to the model
(https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming)."""

LIMIT = 4 * 1024 * 1024
"""Characters that the input of one call may have."""

MOST_LAYERS = 3
"""Encoded twice is seen, inside of a code fence too."""

_MARK = re.compile(r"""["{}\[\],'/#]""")
_UNKNOWN_TO_JSON = ("'", "/", "#")
_IN_STRING = re.compile(r'["\\]')
_FENCE = re.compile(r"```[a-zA-Z0-9]*\s*(.*?)(```)?", re.DOTALL)

BEHIND = "text behind the input ignored"

State = Literal["before", "object", "loose", "after", "other"]

Ending = Literal["whole", "unsaid", "cut"]
"""What the upstream said at the end: that all is there, nothing, or that something is missing."""


class TooMuchInput(Exception):
    """More than LIMIT characters of input for one call."""


class ToolInput:
    """The arguments of one call: pieces of any cut in, JSON text for the client out."""

    def __init__(self, schema: Raw | None, note: Note, *, layers: int = 0) -> None:
        """``note`` is told of each repair, in words without any of the values."""
        self._schema = schema
        self._mender = Mender(_decoded(schema), self._note)
        self._told = note
        self._repairs = 0
        self._layers = layers
        self._keys: set[str] = set()
        self._state: State = "before"
        self._kept: list[str] = []
        self._size = 0
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._pairs = 0
        self._commas = 0

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

    def take_object_behind(self) -> str:
        """What follows a whole object, if that is another one: some models put several calls into one."""
        behind = "".join(self._kept).lstrip() if self.complete else ""
        if not behind.startswith("{"):
            return ""
        self._kept = []
        return behind

    def close(self, ending: Ending = "whole") -> str:
        """The rest."""
        match self._state:
            case "after":
                return self._after()
            case "object":
                return self._cut_off(ending)
            case "loose":
                return self._loosely(ending)
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
            if mark.group() in _UNKNOWN_TO_JSON:
                self._state = "loose"
                break
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
        if not pair.strip() and (self._commas or not last):
            self._note("comma without a pair removed")
        self._commas += not last
        mended = self._mended(pair) if pair.strip() else ""
        return self._joined(mended, close="}" if last else "")

    def _joined(self, mended: str, *, close: str) -> str:
        if not mended:
            return ("" if self._pairs else "{") + close if close else ""
        self._pairs += 1
        return ("," if self._pairs > 1 else "{") + mended + close

    def _mended(self, pair: str) -> str:
        """The pair itself if the schema takes it, else what could be made of it; empty to drop it."""
        members = _members(pair)
        if members is None:
            reading = loose_json.read("{" + pair + "}")
            members = _members(reading.json[1:-1]) if reading and not reading.rest else None
            if reading is None or members is None:
                self._note("input that is no JSON marked as invalid")
                return f'"{INVALID}":{_json(pair)}'
            self._note_all(reading.repairs)
            pair = reading.json[1:-1]
        return self._fitting(members, pair)

    def _fitting(self, members: dict[str, Any], text: str) -> str:
        """The members as the schema wants them: their own text, if it takes them."""
        before = self._repairs
        try:
            mended = self._mender.members(members, taken=frozenset(self._keys))
        except RecursionError:
            return text
        self._keys |= mended.keys()
        return text if self._repairs == before else _json(mended)[1:-1]

    def _note(self, repair: str) -> None:
        self._repairs += 1
        self._told(repair)

    def _note_all(self, repairs: list[str]) -> None:
        for repair in repairs:
            self._note(repair)

    def _cut_off(self, ending: Ending) -> str:
        """The object never closed.  Closers are added only where nothing but them is missing."""
        rest = "".join(self._kept)
        if ending == "whole" and not self._in_string and (whole := self._with_closers(rest)):
            self._note("missing brackets at the end added")
            return whole
        return self._truncated()

    def _truncated(self) -> str:
        self._note("input was cut off: marked so that the client refuses it")
        return self._joined(TRUNCATED, close="}")

    def _loosely(self, ending: Ending) -> str:
        """The rest of an object that JSON's own rules don't take; read only if it is whole."""
        rest = "".join(self._kept)
        reading = loose_json.read("{" + rest)
        members = _members(reading.json[1:-1]) if reading else None
        if ending == "cut" or (members is None and ending == "unsaid"):
            return self._truncated()
        if reading is None or members is None:
            self._note("input that is no JSON marked as invalid")
            return self._joined(f'"{INVALID}":{_json(rest)}', close="}")
        self._note_all(reading.repairs)
        if reading.rest.strip():
            self._note(BEHIND)
        return self._joined(self._fitting(members, reading.json[1:-1].strip()), close="}")

    def _with_closers(self, rest: str) -> str:
        if not rest.strip():
            return self._pair("", last=True)
        closed = rest + _closers(rest)
        return self._pair(closed, last=True) if _members(closed) is not None else ""

    def _after(self) -> str:
        """Behind a whole object there should be nothing; what there is can't be part of this call."""
        if "".join(self._kept).strip():
            self._note(BEHIND)
        return ""

    def _unwrapped(self, ending: Ending) -> str:
        """Input that didn't begin with a brace: fenced, or JSON inside a JSON string."""
        raw = "".join(self._kept)
        inside = _inside(raw)
        if inside is None or ending == "cut" or self._layers == MOST_LAYERS:
            self._note("input that is no JSON object marked as invalid")
            return _json({INVALID: raw})
        self._note("input unwrapped")
        input = ToolInput(self._schema, self._told, layers=self._layers + 1)
        return input.feed(inside) + input.close("unsaid")


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


def _inside(raw: str) -> str | None:
    """The text in a code fence or in a JSON string; None if it is neither."""
    if fenced := _FENCE.fullmatch(raw.strip()):
        return fenced[1].strip() or None
    try:
        return msgspec.json.decode(raw.encode(), type=str)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
