"""Where in an answer a text has got to, as far as it says whether a tool call may stand there."""

from __future__ import annotations

from typing import NamedTuple

from c2o.translate.tool_text.families import BULLETS, Where

HEAD = 80
"""Characters of a line that are kept: enough to see that it is blank, or a fence."""


WHITE = " \t" + BULLETS


class Place(NamedTuple):
    """Behind some text."""

    fresh: bool = True
    """Nothing but white space has come since the answer began, or since a call."""
    head: str = ""
    """The beginning of the line."""
    ticks: int = 0
    """Backticks in the line: between two of them is code."""
    fenced: bool = False

    def after(self, text: str) -> Place:
        """This place, once ``text`` has come too."""
        fenced, (*lines, last) = self.fenced, text.split("\n")
        if lines:
            lines[0] = self.head + lines[0]
            for line in lines:
                fenced ^= line.lstrip().startswith(("```", "~~~"))
        head, ticks = ("", 0) if lines else (self.head, self.ticks)
        return Place(self.fresh and not text.strip(), (head + last)[:HEAD], ticks + last.count("`"), fenced)

    def takes(self, where: Where) -> bool:
        """May a call stand here that is written so?"""
        if self.fenced:
            return False
        if where == "start":
            return self.fresh
        return not self.head.strip(WHITE) if where == "line" else self.ticks % 2 == 0
