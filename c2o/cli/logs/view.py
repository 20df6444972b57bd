"""How a line of the log looks: a line of text, or on a terminal a panel for each request."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from c2o.cli import output
from c2o.cli.logs.lines import Line
from c2o.cli.logs.running import Running
from c2o.cli.output import Line as Spans
from c2o.printable import printable, printable_lines
from c2o.wire.log import Begun, Finished, Record

if TYPE_CHECKING:
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

STYLES = {"debug": "dim", "info": "", "warning": "yellow", "error": "red", "critical": "bold red"}

Show = Callable[[Line], None]


def text(line: Line) -> Spans:
    """``2026-11-21 10:47:02 info     c2o.proxy: c2o 0.1.0 serves at …``, in local time"""
    record = line.record
    if record is None:
        return [printable(line.raw.decode(errors="replace"))]
    who = "" if record.request or record.begun else f"{record.logger}: "
    style = STYLES[record.level]
    return [
        (f"{_local(record):%Y-%m-%d %H:%M:%S} ", "dim"),
        (f"{record.level:8} ", style or "dim"),
        (printable_lines(f"{who}{record}"), style),
    ]


@contextmanager
def panels(running: Running | None = None) -> Iterator[Show]:
    """Shows a request that has ended in a frame, anything else as text; below them the requests that are ``running``.

    For a ``colourful`` stdout; ``running`` on a real terminal only.
    """
    from rich.live import Live  # noqa: PLC0415 - slow to load, and not needed for a pipe
    from rich.text import Text  # noqa: PLC0415

    console = output.console(sys.stdout)

    def show(line: Line) -> None:
        if line.record is None or not line.record.begun:  # it stands below
            shown = _frame(line.record)
            console.print(shown or Text.assemble(*text(line)), soft_wrap=shown is None)

    if running is None:
        yield show
        return
    with Live(console=console, get_renderable=lambda: _below(running), transient=True, redirect_stderr=False):
        yield show


def _frame(record: Record | None) -> Panel | None:
    if record is None or record.request is None:
        return None
    from rich.text import Text  # noqa: PLC0415 - slow to load, and not needed for a pipe

    request = record.request
    style = STYLES[record.level] or ("yellow" if request.warnings else "green")
    body = Text("\n").join(Text.assemble(*spans) for spans in details(request))
    return _panel(body, record, request, style)


def _below(running: Running) -> Group:
    from rich.console import Group  # noqa: PLC0415 - slow to load, and not needed for a pipe

    return Group(*(_running_frame(line.record, datetime.now(UTC)) for line in running.lines() if line.record))


def _running_frame(record: Record, now: datetime) -> Panel:
    from rich.text import Text  # noqa: PLC0415 - slow to load, and not needed for a pipe

    assert record.begun is not None
    seconds = max(0.0, (now - datetime.fromisoformat(record.time)).total_seconds())
    kind = "streamed" if record.begun.stream else "whole"
    return _panel(Text(f"{kind}, runs for {output.duration(seconds)}"), record, record.begun, "cyan")


def _panel(body: Text, record: Record, request: Begun | Finished, style: str) -> Panel:
    from rich.panel import Panel  # noqa: PLC0415 - slow to load, and not needed for a pipe
    from rich.text import Text  # noqa: PLC0415

    return Panel(
        body,
        title=Text(printable(f"{request.asked} → {request.target or '?'}")),
        subtitle=Text(f"{_local(record):%H:%M:%S}  {printable(request.id)}", style="dim"),
        title_align="left",
        subtitle_align="right",
        border_style=style,
    )


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
