"""How a line of the log looks: a line of text, or on a terminal a panel for each request."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime

from c2o.cli import output
from c2o.cli.log_lines import Line
from c2o.cli.output import Line as Spans
from c2o.printable import printable, printable_lines
from c2o.wire.log import Finished, Record

STYLES = {"debug": "dim", "info": "", "warning": "yellow", "error": "red", "critical": "bold red"}


def text(line: Line) -> Spans:
    """``2026-11-21 10:47:02 info     c2o.proxy: c2o 0.1.0 serves at …``, in local time"""
    record = line.record
    if record is None:
        return [printable(line.raw.decode(errors="replace"))]
    who = "" if record.request else f"{record.logger}: "
    style = STYLES[record.level]
    return [
        (f"{_local(record):%Y-%m-%d %H:%M:%S} ", "dim"),
        (f"{record.level:8} ", style or "dim"),
        (printable_lines(f"{who}{record}"), style),
    ]


def show_panel(line: Line) -> None:
    """A request in a frame; anything else as text."""
    if line.record is None or line.record.request is None:
        output.say(text(line))
        return
    from rich.panel import Panel  # noqa: PLC0415 - slow to load, and not needed for a pipe
    from rich.text import Text  # noqa: PLC0415

    request = line.record.request
    frame = Panel(
        Text("\n").join(Text.assemble(*spans) for spans in details(request)),
        title=Text(printable(f"{request.asked} → {request.target or '?'}")),
        subtitle=Text(f"{_local(line.record):%H:%M:%S}  {printable(request.id)}", style="dim"),
        title_align="left",
        subtitle_align="right",
        border_style=STYLES[line.record.level] or ("yellow" if request.warnings else "green"),
    )
    output.console(sys.stdout).print(frame)


def details(request: Finished) -> Iterator[Spans]:
    """What happened, in sentences that need no key."""
    yield [_times(request)]
    if request.output_tokens is not None:
        cached = f" + {request.cached_tokens} cached" if request.cached_tokens else ""
        yield [f"{request.input_tokens}{cached} tokens in, {request.output_tokens} out"]
    if request.stop_reason:
        yield [f"ended with {printable(request.stop_reason)}"]
    for each in request.warnings:
        yield [("! ", "yellow"), printable(each.text) + (f"  ({each.count} times)" if each.count > 1 else "")]
    if request.error:
        yield [("✗ ", "red"), printable(request.error)]


def _times(request: Finished) -> str:
    how = "streamed" if request.stream else "whole"
    begun = "" if request.first_byte is None else f", the upstream began after {request.first_byte:.2f} s"
    return f"{how}, {request.seconds:.2f} s{begun}"


def _local(record: Record) -> datetime:
    return datetime.fromisoformat(record.time).astimezone()
