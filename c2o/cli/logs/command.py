"""``c2o logs``: what the service has logged, and logs; the same wherever it runs."""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
import typer
from msgspec import Struct

from c2o import paths
from c2o.cli import output
from c2o.cli.logs.lines import Line, Reader, Wanted, moment
from c2o.cli.logs.running import Running
from c2o.cli.logs.story import story
from c2o.cli.logs.view import Show, panels, text
from c2o.errors import C2oError

LINES = 50
"""That are shown when nothing narrows them down."""

FollowOption = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is logged, until Ctrl-C.")]
LinesOption = Annotated[
    int | None,
    typer.Option("--lines", "-n", min=0, metavar="N", show_default=False, help=f"The last N lines; otherwise {LINES}."),
]
SinceOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", show_default=False, help="From then on: 10m, 2h, 14:30, 2026-11-21T14:30."),
]
LevelOption = Annotated[
    Literal["debug", "info", "warning", "error"] | None,
    typer.Option(metavar="LEVEL", show_default=False, help="This and worse: debug, info, warning, error."),
]
RequestOption = Annotated[
    str | None, typer.Option(metavar="ID", show_default=False, help="The request with this id, explained.")
]
JsonLinesOption = Annotated[
    bool, typer.Option("--json", callback=output.remember_json, is_eager=True, help="Print each line as JSON.")
]


class Unlogged(Struct, frozen=True, kw_only=True):
    """As JSON, what a process wrote that could not log."""

    level: None = None
    message: str


def logs(
    follow: FollowOption = False,
    lines: LinesOption = None,
    since: SinceOption = None,
    level: LevelOption = None,
    request: RequestOption = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Show what the service has logged; with -f, as it happens.

    On a terminal, -f shows requests as they run, each in a frame.
    """
    wanted = Wanted(moment(since, datetime.now(UTC)) if since else None, level, request)
    count = lines if lines is not None or since or request else LINES
    framed = not as_json and follow and output.colourful(sys.stdout)
    plain = _as_json if as_json else _as_story if request and not follow else _as_text
    running = Running(wanted)
    try:
        with closing(Reader(paths.log_file())) as reader:
            with panels() if framed else nullcontext(plain) as show:
                _show_existing(reader, wanted, count, show, running, follow=follow)
            if follow:
                live = panels(running if sys.stdout.isatty() else None) if framed else nullcontext(show)
                with live as show:
                    _follow(reader, wanted, show, running)
    except KeyboardInterrupt:
        raise typer.Exit(128 + signal.SIGINT) from None
    except BrokenPipeError:  # whoever reads us has seen enough; and Python must not complain about it at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _follow(reader: Reader, wanted: Wanted, show: Show, running: Running) -> None:
    """For ever, beginning with the requests that run already."""
    for line in running.lines():
        if line not in wanted:  # or it has been shown
            show(line)
    wanted = replace(wanted, begun=True)
    for line in _noted(reader.follow(), running):
        if line in wanted:
            show(line)


def _noted(lines: Iterable[Line], running: Running) -> Iterator[Line]:
    for line in lines:
        running.note(line)
        yield line


def _show_existing(
    reader: Reader, wanted: Wanted, count: int | None, show: Show, running: Running, *, follow: bool
) -> None:
    found = deque((line for line in _noted(reader.existing(), running) if line in wanted), maxlen=count)
    if wanted.request and not found and not follow:
        found.extend(running.unended())
    for line in found:
        show(line)
    if found or follow or count == 0:
        return
    if wanted.request:
        raise C2oError(
            f"no request {wanted.request} is in the log. Ids are in the client's error, and in: c2o logs --since 1d"
        )
    what = (
        "nothing of the kind is logged in"
        if paths.log_file().exists()
        else "the service hasn't run yet; it will log to"
    )
    output.note(f"{what} {output.short(paths.log_file())}")


def _as_text(line: Line) -> None:
    output.say(text(line), prose=True)


def _as_story(line: Line) -> None:
    for said in story(line.record) if line.record and line.record.request else [text(line)]:
        output.say(said)


def _as_json(line: Line) -> None:
    unlogged = None if line.record else Unlogged(message=line.raw.decode(errors="replace"))
    print((msgspec.json.encode(unlogged) if unlogged else line.raw).decode(errors="replace"), flush=True)
