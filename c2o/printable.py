"""Text from elsewhere, made harmless for a terminal or a log.

Upstreams, file names and other programs can hold escape sequences that rewrite a screen, line ends
that forge a log line, and marks that turn the reading direction around.
"""

from __future__ import annotations

_CONTROL = (*range(0x20), *range(0x7F, 0xA0))
_LINE_ENDS = (0x2028, 0x2029)
_DIRECTION = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))

_WRITTEN_OUT = {code: repr(chr(code))[1:-1] for code in (*_CONTROL, *_LINE_ENDS, *_DIRECTION)}
_LINES_KEPT = {code: text for code, text in _WRITTEN_OUT.items() if code != ord("\n")}


def printable(text: str) -> str:
    r"""``text`` in one line, with control characters written out: ``\x1b[2J``."""
    if text.isprintable():  # nearly always, and twenty times quicker
        return text
    return text.translate(_WRITTEN_OUT)


def printable_lines(text: str) -> str:
    """The same, with its line ends kept."""
    return text.translate(_LINES_KEPT)
