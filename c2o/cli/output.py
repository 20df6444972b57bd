"""What people and programs see: results on stdout, talk on stderr.

A command builds a frozen Struct with a ``schema`` field and shows it: as one JSON object, or as lines.
A line is made of spans, plain or with a style; styles appear on a terminal only, and not where
``NO_COLOR`` is set or the terminal is dumb.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO, TypeVar

import msgspec
import typer
from msgspec import Struct

from c2o import shown
from c2o.errors import C2oError
from c2o.printable import printable, printable_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

# What quick commands use as well.
Span = shown.Span
Line = shown.Line
colourful, duration, short = shown.colourful, shown.duration, shown.short

R = TypeVar("R", bound=Struct)

_json_asked = False


def remember_json(asked: bool) -> bool:
    global _json_asked  # noqa: PLW0603 - true for the whole process, and needed where the options are gone: by fail()
    _json_asked = asked
    return asked


JsonOption = Annotated[
    bool, typer.Option("--json", callback=remember_json, is_eager=True, help="Print one JSON object instead of text.")
]


class Failure(Struct, frozen=True, kw_only=True):
    """A failed command as JSON."""

    schema: str = "c2o.error/1"
    ok: bool = False
    exit_code: int
    error: str


def show(result: R, lines: Callable[[R], Iterable[Line]], *, as_json: bool) -> None:
    """Print a command's result."""
    if as_json:
        show_json(result)
    else:
        for line in lines(result):
            _print(line, sys.stdout)


def say(line: Line, *, prose: bool = False) -> None:
    """A line on stdout, at once: for what comes one by one."""
    _print(line, sys.stdout, prose=prose)


def note(*spans: Span) -> None:
    """Say something beside the result: ``! …`` on stderr."""
    _print([("! ", "yellow"), *spans], sys.stderr, prose=True)


def talk(line: Line, end: str = "\n") -> None:
    """A line on stderr; with another ``end`` the person's answer may stand in it."""
    _print(line, sys.stderr, end)


def diff(text: str) -> Iterator[Line]:
    """A unified diff, line by line: what goes red, what comes green."""
    for line in text.splitlines():
        yield [(printable(line), {"-": "red", "+": "green"}.get(line[:1], "dim"))]


def fail(error: C2oError) -> int:
    """Say why a command failed.  Returns its exit code."""
    if _json_asked:
        show_json(Failure(exit_code=error.exit_code, error=str(error)))
    first, *more = printable_lines(str(error)).split("\n")
    _print([("c2o: ", "bold red"), first], sys.stderr, prose=True)
    for each in more:
        _print([each], sys.stderr, prose=True)
    return error.exit_code


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what is being waited for, on a terminal; elsewhere, and without a wait, silence."""
    if not moves(sys.stderr):
        yield lambda _: None
        return
    shown: list[Status] = []

    def tell(text: str) -> None:
        if not shown:
            shown.append(console(sys.stderr).status("", spinner="dots" if in_unicode(sys.stderr) else "line"))
            shown[0].start()
        shown[0].update(printable(text))

    try:
        yield tell
    finally:
        for status in shown:
            status.stop()


def prepare() -> None:
    """Let symbols come out as ASCII where the terminal's encoding has no others, and nobody mind a closed stream."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - for good; a command that is run doesn't inherit it
    shown.prepare()


def show_json(result: object) -> None:
    """Print JSON that is a result as it is."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(result), indent=2).decode() + "\n")


def _print(line: Line, stream: TextIO, end: str = "\n", *, prose: bool = False) -> None:
    if sys.platform == "win32" and colourful(stream):
        from rich.text import Text  # noqa: PLC0415 - slow to load; it knows consoles that take no escape sequences

        console(stream).print(Text.assemble(*line), soft_wrap=True, end=end)
    else:
        shown.write(line, stream, end, prose=prose)


def moves(stream: TextIO) -> bool:
    """Can its cursor be moved?"""
    return colourful(stream) or (stream.isatty() and os.environ.get("TERM", "dumb") != "dumb")


def in_unicode(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"


def console(stream: TextIO) -> Console:
    """Rich's view of a stream; for a ``colourful`` one, or one that ``moves``."""
    from rich.console import Console  # noqa: PLC0415 - slow to load, and not needed for a pipe

    return Console(file=stream, highlight=False, force_terminal=True)
