"""Reasoning that a server without a reasoning parser leaves in the text: ``<think>…</think>``.

Only at the very start of an answer, where a model puts it; later the tag is just text.  The line ends that
models write behind either tag belong to the tag.
"""

from __future__ import annotations

from typing import Literal

OPEN, CLOSE = "<think>", "</think>"

Phase = Literal["before", "opened", "inside", "closed", "over"]
"""Where the text has got to; right behind a tag there may still be line ends to skip."""


class ThinkTags:
    """``feed`` splits text of any cut into ``(reasoning, text)``."""

    def __init__(self) -> None:
        self._held = ""
        self._phase: Phase = "before"

    @property
    def over(self) -> bool:
        """From now on, all is text."""
        return self._phase == "over"

    def feed(self, text: str) -> tuple[str, str]:
        self._held += text
        if self._phase == "before":
            self._look_for_tag()
        if self._phase == "opened":
            self._skip_line_ends(then="inside")
        reasoning = self._reasoning() if self._phase == "inside" else ""
        if self._phase == "closed":
            self._skip_line_ends(then="over")
        return reasoning, self._all() if self._phase == "over" else ""

    def close(self) -> tuple[str, str]:
        """What was held back at the end of the answer."""
        return (self._all(), "") if self._phase in ("opened", "inside") else ("", self._all())

    def _look_for_tag(self) -> None:
        start = self._held.lstrip()
        if start.startswith(OPEN):
            self._held, self._phase = start.removeprefix(OPEN), "opened"
        elif not OPEN.startswith(start):
            self._phase = "over"

    def _skip_line_ends(self, *, then: Phase) -> None:
        self._held = self._held.lstrip("\n")
        if self._held:
            self._phase = then

    def _reasoning(self) -> str:
        """The reasoning so far, without what may be the beginning of the closing tag."""
        reasoning, closed, text = self._held.partition(CLOSE)
        if closed:
            self._held, self._phase = text, "closed"
            return reasoning
        keep = next(size for size in range(len(CLOSE) - 1, -1, -1) if self._held.endswith(CLOSE[:size]))
        safe, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return safe

    def _all(self) -> str:
        held, self._held = self._held, ""
        return held
