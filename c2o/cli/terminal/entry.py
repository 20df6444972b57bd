"""A line of text as it is typed, or a key that nobody is to see: what is pressed goes in, a line comes out."""

from __future__ import annotations

from c2o.cli.terminal.keys import Key
from c2o.printable import printable

DOT = "•"


class Entry:
    """Text, and where in it the next letter goes."""

    def __init__(self, text: str = "", *, hidden: bool = False) -> None:
        self.text = text
        self.at = len(text)
        self._hidden = hidden

    def press(self, key: Key) -> bool:
        """True if that has ended it."""
        if len(key) == 1:
            self.text = self.text[: self.at] + key + self.text[self.at :]
            self.at += 1
        elif key in ("backspace", "delete"):
            self._remove(self.at - (key == "backspace"))
        elif key == "clear":
            self.text, self.at = self.text[self.at :], 0
        elif key in ("left", "right"):
            self.at = max(0, min(len(self.text), self.at + (1 if key == "right" else -1)))
        elif key in ("home", "end"):
            self.at = 0 if key == "home" else len(self.text)
        return key == "enter"

    def _remove(self, place: int) -> None:
        if 0 <= place < len(self.text):
            self.text = self.text[:place] + self.text[place + 1 :]
            self.at = place

    def shown(self, width: int) -> tuple[str, int]:
        """What is seen of it in so many columns, and where the cursor is in that."""
        text = DOT * len(self.text) if self._hidden else printable(self.text)
        first = max(0, self.at - width + 1)
        return text[first : first + width], self.at - first
