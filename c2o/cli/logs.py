"""``c2o logs``: what the service has logged, and logs; the same wherever it runs."""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
import typer
from msgspec import Struct

from c2o import paths
from c2o.cli import log_view, output
from c2o.cli.log_lines import Line, Reader, Wanted, moment
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
    typer.Option(metavar="LEVEL", show_default=False, help="This and worse: info, warning, error."),
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
    """Show what the service has logged; with -f, requests as they end, on a terminal each in a frame."""
    wanted = Wanted(moment(since, datetime.now(UTC)) if since else None, level, request)
    count = lines if lines is not None or since or request else LINES
    show = _as_json if as_json else _as_panel if _framed(follow, request) else _as_text
    try:
        with closing(Reader(paths.log_file())) as reader:
            _show_existing(reader, wanted, count, show, follow=follow)
            for line in reader.follow() if follow else ():
                if line in wanted:
                    show(line)
    except KeyboardInterrupt:
        raise typer.Exit(128 + signal.SIGINT) from None
    except BrokenPipeError:  # whoever reads us has seen enough; and Python must not complain about it at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _framed(follow: bool, request: str | None) -> bool:
    return (follow or request is not None) and output.colourful(sys.stdout)


def _show_existing(
    reader: Reader, wanted: Wanted, count: int | None, show: Callable[[Line], None], *, follow: bool
) -> None:
    found = deque(_found(reader, wanted), maxlen=count)
    for line in found:
        show(line)
    if found or follow or count == 0:
        return
    if wanted.request:
        raise C2oError(
            f"no request {wanted.request} is in the log. Ids are in the client's error, and in: c2o logs --since 1d"
        )
    output.note(f"nothing of the kind is logged in {output.short(paths.log_file())}")


def _found(reader: Reader, wanted: Wanted) -> Iterator[Line]:
    return (line for line in reader.existing() if line in wanted)


def _as_text(line: Line) -> None:
    output.say(log_view.text(line))


def _as_panel(line: Line) -> None:
    log_view.show_panel(line)


def _as_json(line: Line) -> None:
    unlogged = None if line.record else Unlogged(message=line.raw.decode(errors="replace"))
    print((msgspec.json.encode(unlogged) if unlogged else line.raw).decode(errors="replace"), flush=True)
