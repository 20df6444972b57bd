"""A block of lines at the end of what a terminal shows, drawn anew in its place as often as something changes."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from c2o import shown
from c2o.cli import output
from c2o.cli.output import Line

HIDE, SHOW, LINE_END, BELOW = "\x1b[?25l", "\x1b[?25h", "\x1b[K", "\x1b[J"
"""https://invisible-island.net/xterm/ctlseqs/ctlseqs.html"""

USUAL = (80, 24)


def size() -> tuple[int, int]:
    """Columns and rows of the terminal."""
    try:
        columns, rows = os.get_terminal_size(sys.stderr.fileno())
    except OSError:
        return USUAL
    return columns or USUAL[0], rows or USUAL[1]


class Screen:
    """What is drawn goes out in one write, line over line, so that nothing flickers."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._console = output.console(stream)
        self._widths: list[int] = []
        """Of the lines that are drawn, down to that with the cursor."""

    def draw(self, lines: Sequence[Line], cursor: int | None = None) -> None:
        """These lines in the place of those before; ``cursor``: its column in the last one, hidden if None."""
        width, _ = size()
        drawn = [self._cut(line, width - 1) for line in lines]
        text = (LINE_END + "\n").join(text for text, _ in drawn)
        shown = HIDE if cursor is None else f"\r\x1b[{cursor}C{SHOW}" if cursor else f"\r{SHOW}"
        self._write(f"{HIDE}{self._to_top(width)}{text}{LINE_END}{BELOW}{shown}")
        self._widths = [cells for _, cells in drawn]

    def clear(self) -> None:
        """Nothing is drawn any more."""
        width, _ = size()
        self._write(f"{self._to_top(width)}{BELOW}{SHOW}")
        self._widths = []

    def forget(self) -> None:
        """What was drawn stays, and the next block begins on a line of its own."""
        self._widths = []

    def keep(self, lines: Sequence[Line]) -> int:
        """Lines for good, in the place of what was drawn; returns the rows that they take.  Long ones are wrapped."""
        width, _ = size()
        rows = [row for line in lines for row in self._wrapped(line, width)]
        self._write(f"{self._to_top(width)}{BELOW}" + "".join(f"{text}\n" for text in rows) + SHOW)
        self._widths = []
        return len(rows)

    def take_back(self, rows: int) -> None:
        """Kept rows away again, as far as they can still be seen."""
        _, height = size()
        if rows := min(rows, height - 1):
            self._write(f"\r\x1b[{rows}A{BELOW}")

    def _to_top(self, width: int) -> str:
        """To where the block begins; a terminal that got narrower has broken its lines in two."""
        above = sum(_rows(cells, width) for cells in self._widths) - 1
        return f"\r\x1b[{above}A" if above > 0 else "\r"

    def _cut(self, line: Line, width: int) -> tuple[str, int]:
        from rich.text import Text  # noqa: PLC0415 - slow to load

        text = Text.assemble(*_writable(line, self._stream))
        text.truncate(max(width, 1), overflow="crop")
        return self._rendered(text), text.cell_len

    def _wrapped(self, line: Line, width: int) -> list[str]:
        """Broken between words; what doesn't fit goes on below where the line's words began."""
        from rich.text import Text  # noqa: PLC0415 - slow to load

        text = Text.assemble(*_writable(line, self._stream))
        text.rstrip()
        if text.cell_len < width:
            return [self._rendered(text)]
        first = text.wrap(self._console, width - 1)[0]
        rest = text[len(text.plain) - len(text.plain[len(first.plain) :].lstrip()) :]
        indent = min(shown.indent(line), width // 3)
        more = rest.wrap(self._console, max(width - 1 - indent, 1))
        return [self._rendered(first), *(" " * indent + self._rendered(each) for each in more)]

    def _rendered(self, text: object) -> str:
        if not output.colourful(self._stream):
            return str(text)
        with self._console.capture() as captured:
            self._console.print(text, end="", soft_wrap=True)
        return captured.get()

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _rows(cells: int, width: int) -> int:
    return max(1, math.ceil(cells / max(width, 1)))


def _writable(line: Line, stream: TextIO) -> Line:
    """The line in the stream's encoding, before its width is measured."""
    if output.in_unicode(stream):
        return line
    encoding = stream.encoding

    def written(text: str) -> str:
        return text.encode(encoding, "c2o.ascii").decode(encoding)

    return [written(span) if isinstance(span, str) else (written(span[0]), span[1]) for span in line]
