"""Stop sequences, matched in the text as it passes.

OpenAI doesn't say which sequence fired, takes four at most, and its reasoning models refuse the
parameter; so they are never sent.  Text that may be the beginning of one is held back, so that no
character of a sequence leaks.
"""

from __future__ import annotations

from collections.abc import Sequence


class StopMatcher:
    """``feed`` gives the text that is safe to show; ``hit`` is the sequence that was found."""

    def __init__(self, sequences: Sequence[str]) -> None:
        self._sequences = sequences
        self._held = ""
        self.hit: str | None = None

    def feed(self, text: str) -> str:
        if self.hit is not None:
            return ""
        text = self._held + text
        found = [(at, sequence) for sequence in self._sequences if (at := text.find(sequence)) >= 0]
        if found:
            at, self.hit = min(found, key=lambda each: (each[0] + len(each[1]), each[0]))  # the first to be complete
            self._held = ""
            return text[:at]
        keep = max((overlap(text, sequence) for sequence in self._sequences), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def close(self) -> str:
        """What was held back and turned out to be plain text."""
        held, self._held = self._held, ""
        return held


def overlap(text: str, sequence: str) -> int:
    """The length of the longest end of ``text`` that begins ``sequence``."""
    longest = min(len(text), len(sequence) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(sequence[:size])), 0)
