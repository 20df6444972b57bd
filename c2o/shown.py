"""How things are shown to a person, in few words and colours: for the commands, and for those that must be quick.

A line is made of spans, plain or with a style; styles appear on a terminal only.  Nothing is loaded here that
``c2o.quick`` may not load.
"""

from __future__ import annotations

import codecs
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

Span = str | tuple[str, str]
"""Text, or text and its style."""

Line = list[Span]

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "magenta": "35", "cyan": "36"}
"""ECMA-48, 8.3.117.  A style is one of these words, or two."""

_UNWANTED = dict.fromkeys((7, 8, 11, 12, 13))
"""Bell, backspace and their kind have no place in a styled line."""


def colourful(stream: TextIO) -> bool:
    """As https://no-color.org and https://bixense.com/clicolors have it."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty() or os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0")


def write(line: Line, stream: TextIO, end: str = "\n", *, prose: bool = False) -> None:
    """At once, with styles where the stream is ``colourful``.

    What a terminal has no room for goes on below: between columns only, so that a command can be copied; ``prose``,
    such as any warning, between words.
    """
    gap = " " if prose or plain(line).lstrip()[:2] in ("! ", "✗ ") else "  "
    rows = wrapped(line, _width(stream), gap) if end == "\n" else [line]
    stream.writelines((painted(row) if colourful(stream) else plain(row, end)) + end for row in rows)
    stream.flush()


def _width(stream: TextIO) -> int:
    """Of the terminal; 0 where there is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):
        return 0


def wrapped(line: Line, width: int, gap: str) -> list[Line]:
    """The line in rows of at most so many columns, as far as there are gaps to break it at."""
    text = "".join(span if isinstance(span, str) else span[0] for span in line).rstrip()
    if not width or "\n" in text or len(text) <= width:
        return [line]
    hang = min(indent(line), width // 3)
    rows: list[Line] = []
    begin, room = 0, width
    while len(text) - begin > room:
        words = begin + len(text[begin:]) - len(text[begin:].lstrip())
        end = text.rfind(gap, words, begin + room + len(gap))
        end = end if end > words else text.find(gap, begin + room)
        if end < 0:
            break
        rows.append([" " * hang * bool(rows), *_part(line, begin, len(text[:end].rstrip()))])
        begin, room = len(text) - len(text[end:].lstrip()), width - hang
    return [*rows, [" " * hang * bool(rows), *_part(line, begin, len(text))]]


def _part(line: Line, begin: int, end: int) -> Line:
    """Its characters from one to the other."""
    part: Line = []
    at = 0
    for span in line:
        text, *style = (span,) if isinstance(span, str) else span
        piece = text[max(begin - at, 0) : max(end - at, 0)]
        at += len(text)
        if piece:
            part.append((piece, style[0]) if style else piece)
    return part


LABELLED = 13
"""Columns of a mark and a label, at most."""


def indent(line: Line) -> int:
    """Where the words of a line begin, behind its mark and label."""
    begins, texts = 0, [span if isinstance(span, str) else span[0] for span in line]
    for text in texts:
        if not text.endswith(" ") or begins + len(text) > LABELLED:
            break
        begins += len(text)
    return begins or 2 + len(texts[0]) - len(texts[0].lstrip())


def plain(line: Line, end: str = "\n") -> str:
    text = "".join(span if isinstance(span, str) else span[0] for span in line)
    return text.rstrip() if end == "\n" else text


def painted(line: Line) -> str:
    return "".join(span if isinstance(span, str) else _painted(*span) for span in line).translate(_UNWANTED)


def _painted(text: str, style: str) -> str:
    codes = ";".join(STYLES[word] for word in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m" if text else ""


def prepare() -> None:
    """Let symbols come out as ASCII where the terminal's encoding has no others."""
    codecs.register_error("c2o.ascii", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="c2o.ascii")


_ASCII = {
    "●": "*", "○": "o", "─": "-", "≠": "!=", "✓": "+", "✗": "x", "→": "->", "←": "<-", "█": "#", "…": "...", "·": "-",
    "›": ">", "•": "*", "↑": "^", "↓": "v", "↺": "<-",
}  # fmt: skip


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    missing = error.object[error.start : error.end]
    return "".join(_ASCII.get(character, "?") for character in missing), error.end


def counted(number: int, thing: str) -> str:
    """``1 stream``, ``2 streams``"""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def duration(seconds: float) -> str:
    """``4 s``, ``3 m 20 s``, ``3 h 12 m``, ``2 d 5 h``"""
    units = [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)]
    left = int(seconds)
    parts: list[str] = []
    for name, length in units:
        count, left = divmod(left, length)
        if count or parts or name == "s":
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def short(path: str | os.PathLike[str]) -> str:
    """A path with ``~`` for the home folder: what people paste elsewhere need not name them."""
    home, text = os.path.expanduser("~"), str(path)  # noqa: PTH111 - pathlib is slow to load
    return "~" + text[len(home) :] if home != "/" and text.startswith(home + os.sep) else text
