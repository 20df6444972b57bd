"""Reasoning that a server without a reasoning parser leaves in the text: ``<think>…</think>``.

Only at the very start of an answer, where a model puts it; later the tag is just text.
"""

from __future__ import annotations

OPEN, CLOSE = "<think>", "</think>"


class ThinkTags:
    """``feed`` splits text of any cut into ``(reasoning, text)``."""

    def __init__(self) -> None:
        self._held = ""
        self._tag: str | None = OPEN
        """The tag that is waited for; None once the reasoning is over."""

    @property
    def over(self) -> bool:
        """From now on, all is text."""
        return self._tag is None

    def feed(self, text: str) -> tuple[str, str]:
        if self._tag is None:
            return "", text
        self._held += text
        return self._before() if self._tag is OPEN else self._inside()

    def close(self) -> tuple[str, str]:
        """What was held back at the end of the answer."""
        held, self._held = self._held, ""
        return (held, "") if self._tag is CLOSE else ("", held)

    def _before(self) -> tuple[str, str]:
        start = self._held.lstrip()
        if start.startswith(OPEN):
            self._held, self._tag = start[len(OPEN) :].lstrip("\n"), CLOSE
            return self._inside()
        if OPEN.startswith(start):
            return "", ""
        self._tag = None
        return self.close()

    def _inside(self) -> tuple[str, str]:
        reasoning, closed, text = self._held.partition(CLOSE)
        if closed:
            self._held, self._tag = "", None
            return reasoning, text.lstrip("\n")
        keep = next(size for size in range(len(CLOSE) - 1, -1, -1) if self._held.endswith(CLOSE[:size]))
        safe, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return safe, ""
