"""Which call a streamed fragment belongs to, and under which id the client sees it.

Servers disagree: OpenAI sends the id once and an index with each fragment; Gemini-type servers send no index,
or 0 for all; others repeat the id, repeat the name, or count on in the index of one call's tail.  So a
fragment is routed by id first, then by index, then to the current call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any

import msgspec

from c2o.translate.tool_input import ToolInput
from c2o.translate.tools import Toolbox
from c2o.wire.chat import FunctionDelta, ToolCallDelta


class Nameless(Exception):
    """A call whose name never came."""


class Call:
    """A tool call that the upstream is making."""

    def __init__(self, key: int, given_id: str, index: int | None) -> None:
        self.key = key
        self.given_id = given_id
        self.index = index
        self.name = ""
        """As the upstream says it."""
        self.id = ""
        """The id for the client; settled when the call begins, like the tool."""
        self.tool = ""
        """The tool's name in the client's words."""
        self.toolset: str | None = None
        """The toolset that the called tool is a member of."""
        self.thought_signature: str | None = None
        """Gemini's, which must come back with the call."""
        self.unread = ""
        """Arguments that came before the name."""
        self.said: list[str] = []
        """All arguments, as the upstream wrote them."""
        self.written = False
        """The model wrote it as text; the upstream didn't see it."""
        self.unwanted = False
        """It is the same as one that was made before."""
        self.input: ToolInput | None = None

    @property
    def begun(self) -> bool:
        return self.input is not None

    @property
    def complete(self) -> bool:
        return self.input is not None and self.input.complete


class CallRouter:
    """The calls of one answer, in the order of their first appearance."""

    def __init__(self, tools: Toolbox, *, used_ids: Iterable[str], id_seed: str, notes: list[str]) -> None:
        self.calls: list[Call] = []
        self._tools = tools
        self._used_ids = set(used_ids)
        self._id_seed = id_seed
        self._notes = notes
        self._skipping = False
        self.any_written = False
        """Has the model written a call as text?"""
        self._at_index: dict[int, Call] = {}
        self._of_id: dict[str, Call] = {}
        """The last call of each index, and of each id."""
        self._numbers: dict[str, int] = {}
        """The last suffix that an id got."""

    def route(self, fragment: ToolCallDelta) -> Call | None:
        """The call that a fragment belongs to; None if the client asked for one call and this is another."""
        id = "" if fragment.id in (None, "null") else str(fragment.id)
        name = (fragment.function and fragment.function.name) or ""
        if not id and not name and self.calls and self.calls[-1].index == fragment.index:
            return self._unless_surplus(self.calls[-1])  # nearly all fragments
        call = self._find(id, name, fragment)
        if call is None:
            call = self._new(id, fragment.index)
        self._name(call, name)
        return self._unless_surplus(call)

    def legacy(self, function: FunctionDelta) -> Call | None:
        """The one call of OpenAI's older ``function_call``."""
        return self.route(ToolCallDelta(function=function, index=0))

    def written(self, name: str) -> Call | None:
        """A call that the model wrote as text."""
        call = self._new("", None)
        call.name, call.written = name, True
        self.any_written = True
        return self._unless_surplus(call)

    def may_be_double(self, call: Call) -> bool:
        """May the upstream be telling what the model wrote as text already?"""
        return self.any_written and not call.written

    def drop_doubles(self) -> None:
        """Nothing runs twice: of a call that came as text and as a call too, the text was first and is kept."""
        if not self.any_written:
            return
        written = Counter(_meaning(call) for call in self.calls if call.written)
        for call in self.calls:
            if not call.written and not call.begun and written[_meaning(call)] > 0:
                written[_meaning(call)] -= 1
                call.unwanted = True
                self._notes.append("a tool call came as text and as a call: taken once")

    def another(self, call: Call) -> Call | None:
        """A call of the same tool as this one, for a second object in its arguments."""
        self._notes.append("several objects in the input of one tool call made calls of their own")
        another = self._new("", None)
        another.name, another.written = call.name, call.written
        return self._unless_surplus(another)

    def repeats(self, call: Call, behind: str) -> bool:
        """Is ``behind``, which stands at the end of a call's arguments, nothing but the same again?"""
        first = "".join(call.said).strip().removesuffix(behind.rstrip()).strip()
        again = not behind.replace(first, "").strip()
        if again:
            self._notes.append("tool input that came twice taken once")
        return again

    def begin(self, call: Call) -> ToolInput:
        """The call's arguments start: its name and id are settled now.  Raises Nameless."""
        if call.input is None:
            name = call.tool = self._tools.known(call.name)
            if not name:
                raise Nameless
            if (member := self._tools.member(name)) is not None:
                call.toolset, call.tool = member
            call.id = self._free_id(call)
            call.input = ToolInput(self._tools.schema(name), partial(self._repaired, call.tool))
        return call.input

    def _repaired(self, tool: str, what: str) -> None:
        self._notes.append(f"input of {tool}: {what}")

    def waiting_before(self, call: Call) -> list[Call]:
        """The calls right before this one that haven't begun yet."""
        first = call.key
        while first and not self.calls[first - 1].begun:
            first -= 1
        return self.calls[first : call.key]

    def wanted(self) -> list[Call]:
        """The calls that the client shall see."""
        calls = self.calls[:1] if self._tools.single_call else self.calls
        return [call for call in calls if not call.unwanted]

    def _find(self, id: str, name: str, fragment: ToolCallDelta) -> Call | None:
        index = fragment.index
        at_index = self._at_index.get(index) if index is not None else None
        if id:
            return self._by_id(id, index, name) or (at_index if at_index and self._adoptable(at_index, id) else None)
        current = at_index or (self.calls[-1] if self.calls else None)
        if current is None or (name and at_index is None and name != current.name):
            return None
        return None if name and current.complete and _has_arguments(fragment) else current

    def _by_id(self, id: str, index: int | None, name: str) -> Call | None:
        """A call of this id, unless a server that gives all calls one id has begun the next."""
        call = self._of_id.get(id)
        if call is not None and name and None not in (index, call.index) and index != call.index:
            return None
        return call

    def _adoptable(self, call: Call, id: str) -> bool:
        """A call that began without its id and has said nothing yet."""
        if call.given_id or call.begun:
            return False
        call.given_id = id
        self._of_id[id] = call
        return True

    def _new(self, id: str, index: int | None) -> Call:
        call = Call(len(self.calls), id, index)
        self.calls.append(call)
        if index is not None:
            self._at_index[index] = call
        if id:
            self._of_id[id] = call
        return call

    @staticmethod
    def _name(call: Call, name: str) -> None:
        """Names come whole, in pieces, or again with each fragment."""
        if name and not call.begun and name != call.name:
            call.name += name

    def _unless_surplus(self, call: Call) -> Call | None:
        if call.key == 0 or not self._tools.single_call:
            return call
        if not self._skipping:
            self._notes.append("more than one tool call came though the client asked for one: the first is kept")
            self._skipping = True
        return None

    def _free_id(self, call: Call) -> str:
        """Unique in the whole conversation: Claude Code destroys its history over a repeated id."""
        wanted = call.given_id or f"toolu_{self._id_seed}{call.key}"
        id, number = wanted, self._numbers.get(wanted, 1)
        while id in self._used_ids:
            number += 1
            id = f"{wanted}-{number}"
        self._numbers[wanted] = number
        self._used_ids.add(id)
        return id


def _meaning(call: Call) -> tuple[str, str]:
    """What a call does, however it is spelled: in text the values have no types."""
    text = "".join(call.said)
    try:
        input = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return call.name.lower(), text.strip()
    return call.name.lower(), str(sorted((key, str(value)) for key, value in input.items()))


def _has_arguments(fragment: ToolCallDelta) -> bool:
    """Does it say more than a name?  Some servers repeat the name to the end."""
    arguments = fragment.function and fragment.function.arguments
    return bool(arguments.strip() if isinstance(arguments, str) else arguments)
