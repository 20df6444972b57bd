"""Text in any cut; text to show, and calls, out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from c2o.translate.stop_sequences import overlap
from c2o.translate.tool_text.families import BULLETS, ENDS, JUNK
from c2o.translate.tool_text.opening import HEAD, LONGEST, TRIGGER, Begun, TooEarly, begun
from c2o.translate.tool_text.place import Place
from c2o.translate.tool_text.readers import Reader, Said, Written, reader_of

_ENDS = re.compile(rf"(?:\s*(?:{'|'.join(map(re.escape, ENDS))}))+\s*")
_AT_END = re.compile(rf"{_ENDS.pattern}\Z")

_find = TRIGGER.search

_BEFORE_CALL = " \t\r\n" + BULLETS


class ToolText:
    """The text of one answer.  ``names`` are the tools that it may call, as the upstream knows them.

    ``passes`` is for text in which nothing can begin: nearly all of it.  Any other goes through ``feed``.
    """

    def __init__(self, names: Iterable[str], notes: list[str]) -> None:
        self._names = tuple(names)
        self._notes = notes
        self._place = Place()
        self._shown: list[str] = []
        """Text that has passed since the place was last looked at."""
        self._held = ""
        self._tail = ""
        """What may be the beginning of junk."""
        self._plain = False
        """Nothing is held, and the text is in the midst of words."""
        self._reader: Reader | None = None
        self._closers: tuple[str, ...] | None = None
        """What may stand behind the call that has just ended."""
        self._outer: tuple[str, ...] = ()
        """The same for the call before, which may have been the first of a list."""

    def passes(self, text: str) -> bool:
        """Can this text be shown at once?"""
        if self._plain and _find(text) is None:
            self._shown.append(text)
            return True
        return False

    def feed(self, text: str) -> list[Said]:
        if self._tail or JUNK[0] in text:
            text = self._without_junk(self._tail + text)
        said = self._steps(text)
        self._plain = not (self._held or self._tail or self._reader or self._fresh)
        return said

    def close(self) -> list[Said]:
        """What was held back at the end of the answer."""
        said = self._steps(self._tail)
        if self._reader is not None:
            return said + self._reader.close()
        if self._closers is not None:  # what is held may only be the beginning of one
            return said
        if end := _AT_END.search(self._held):
            self._note("a token that ends the turn taken off the answer")
            self._held = self._held[: end.start()]
        self._show(self._held, said)
        return said

    def _without_junk(self, text: str) -> str:
        text = text.replace(JUNK, "")
        tail = overlap(text, JUNK)
        self._tail = text[len(text) - tail :]
        return text[: len(text) - tail]

    def _steps(self, text: str) -> list[Said]:
        self._held += text
        said: list[Said] = []
        while self._held and self._step(said):
            pass
        return said

    def _step(self, said: list[Said]) -> bool:
        """One step on; False where more must come first."""
        if self._reader is not None:
            return self._read(self._reader, said)
        return self._look(said) if self._closers is None else self._skip_closers(self._closers)

    def _read(self, reader: Reader, said: list[Said]) -> bool:
        pieces, rest = reader.feed(self._held)
        self._held = rest or ""
        for piece in pieces:
            if isinstance(piece, str):  # it was no call
                self._closers = None
                self._show(piece, said)
            else:
                said.append(piece)
        if rest is not None:
            self._reader = None
        return rest is not None

    def _skip_closers(self, closers: tuple[str, ...]) -> bool:
        self._held = self._held.lstrip()
        for closer in closers:
            if self._held.startswith(closer):
                self._held = self._held.removeprefix(closer)
                return True
        if not self._held or any(closer.startswith(self._held) for closer in closers):
            return False
        self._closers = None
        return True

    def _look(self, said: list[Said]) -> bool:
        """Show what is text, up to where a call may begin."""
        place, behind = None, 0
        for at in self._candidates():
            if len(self._held) - at < HEAD and not self._fresh:
                return self._hold(at, said)
            place = (place or self._settled()).after(self._held[behind:at])
            behind = at
            try:
                call = begun(self._held[at : at + LONGEST], self._names, place)
            except TooEarly:
                return self._hold(at, said)
            if call is not None:
                return self._begin(call, at, said)
            if self._may_end(at):
                return self._hold(at, said)
        self._show(self._held, said)
        self._held = ""
        return False

    @property
    def _fresh(self) -> bool:
        """Has no text come since the answer began, or since a call?"""
        return self._place.fresh and not self._shown

    def _candidates(self) -> Iterator[int]:
        """Where in the held text something may begin."""
        first = -1
        if self._fresh:
            first = len(self._held) - len(self._held.lstrip())
            yield first
        for mark in TRIGGER.finditer(self._held, first + 1):
            yield mark.start()

    def _may_end(self, at: int) -> bool:
        """Is the rest of the text tokens that end a turn, or may it become some?"""
        ended = _ENDS.match(self._held, at)
        rest = self._held[ended.end() if ended else at :][:LONGEST]
        return any(end.startswith(rest) for end in ENDS)

    def _hold(self, at: int, said: list[Said]) -> bool:
        text = self._held[:at].rstrip(_BEFORE_CALL)
        self._show(text, said)
        self._held = self._held[len(text) :]
        return False

    def _begin(self, call: Begun, at: int, said: list[Said]) -> bool:
        self._show(self._held[:at].rstrip(_BEFORE_CALL), said)
        opening, self._held = self._held[at : at + call.end], self._held[at + call.end :]
        self._note(f"tool call that {call.family.models} wrote as text taken as a call")
        self._reader = reader_of(call.family, call.name, opening, self._names)
        self._outer = self._closers = tuple(dict.fromkeys((*call.family.closers, *self._outer)))
        if call.family.shape not in ("object", "python"):  # they know their name at the end
            said.append(Written(call.name))
        self._shown.clear()
        self._place = Place()
        return True

    def _show(self, text: str, said: list[Said]) -> None:
        if text:
            said.append(text)
            self._shown.append(text)
            self._outer = ()

    def _note(self, note: str) -> None:
        if note not in self._notes:
            self._notes.append(note)

    def _settled(self) -> Place:
        """Where the text stands that has been shown."""
        if self._shown:
            self._place = self._place.after("".join(self._shown))
            self._shown.clear()
        return self._place
