"""``c2o trace``: what went over the wire for single requests, on both sides."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import Struct

from c2o import instance, trace_file
from c2o.cli import output
from c2o.cli.output import JsonOption, Line
from c2o.cli.trace import view
from c2o.cli.trace.export import exported
from c2o.cli.trace.export import lines as export_lines
from c2o.cli.trace.replay import lines as replay_lines
from c2o.cli.trace.replay import replayed
from c2o.errors import UsageError
from c2o.printable import printable
from c2o.service.lifecycle import counted
from c2o.trace_file import LARGEST, LONGEST, MOST, Switch, Trace

app = typer.Typer(help="See what goes over the wire, and make a test of it.", invoke_without_command=True)

SEEN_WITHIN = 0.25
"""Seconds after which a running service has looked at the switch."""

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", show_default=False, help="A request's id or its beginning, or last.")
]
ForOption = Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 90s, 10m, 2h; a day at most.")]
MaxOption = Annotated[
    str, typer.Option("--max", metavar="N|SIZE", help="Keep so many requests (100), or so much of them (64MB).")
]
FullOption = Annotated[bool, typer.Option("--full", help="Long texts whole.")]
ModelOption = Annotated[
    str | None, typer.Option("--model", metavar="MODEL", show_default=False, help="Ask this model instead.")
]
ToOption = Annotated[
    Path | None, typer.Option("--to", metavar="FOLDER", show_default=False, help="Where to; otherwise here, by the id.")
]


class Listed(Struct, frozen=True, kw_only=True):
    """A traced request in a few words."""

    id: str
    time: str
    asked: str
    target: str | None
    status: int | None
    stop_reason: str | None
    error: str | None
    seconds: float | None
    """None while it runs, if its service was killed, or if it is cut."""
    cut: bool
    """It was too much: only its beginning was kept."""
    bytes: int


class TracesResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.traces/1"
    on: bool
    until: str | None
    """RFC 3339; null if it is off."""
    folder: str
    traces: list[Listed]


class SwitchResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.trace-switch/1"
    on: bool
    changed: bool
    until: str | None
    folder: str
    most_requests: int | None
    largest: int | None
    """Bytes of all traces together."""


class ClearResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.trace-clear/1"
    removed: int
    folder: str


@app.callback()
def trace(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the requests that were traced; on, off, show, replay, export and clear do more."""
    if context.invoked_subcommand is None:
        switch = trace_file.switch()
        result = TracesResult(
            on=switch is not None and switch.on,
            until=_until(switch) if switch and switch.on else None,
            folder=str(trace_file.folder()),
            traces=list(_all_listed()),
        )
        output.show(result, _list_lines, as_json=as_json)


@app.command()
def on(for_: ForOption = "10m", max_: MaxOption = f"{MOST}", as_json: JsonOption = False) -> None:
    """Write down what goes over the wire, for a while; prompts and answers are in it."""
    switch = _bounded(max_, time.time() + _duration(for_))
    before = trace_file.switch()
    trace_file.turn_on(switch)
    if instance.running():
        time.sleep(SEEN_WITHIN)
    _show_switch(switch, changed=before is None or not before.on, as_json=as_json)


@app.command()
def off(as_json: JsonOption = False) -> None:
    """Trace no more requests; what was written stays until `c2o trace clear`."""
    _show_switch(None, changed=trace_file.turn_off(), as_json=as_json)


@app.command()
def clear(as_json: JsonOption = False) -> None:
    """Remove all traces from the disk."""
    result = ClearResult(removed=trace_file.clear(), folder=str(trace_file.folder()))
    output.show(result, _clear_lines, as_json=as_json)


@app.command()
def show(id: IdArgument, full: FullOption = False, as_json: JsonOption = False) -> None:
    """Show one request, both sides of it as they went over the wire."""
    found = view.found(id)
    if as_json:
        output.show_json(found)
    else:
        view.show(found, full=full)


@app.command()
def replay(id: IdArgument, model: ModelOption = None, as_json: JsonOption = False) -> None:
    """Send a client's request again, and show what is different this time."""
    result = replayed(view.found(id), model)
    output.show(result, replay_lines, as_json=as_json)


@app.command()
def export(id: IdArgument, to: ToOption = None, as_json: JsonOption = False) -> None:
    """Make a recording of it, in the form of c2o's own tests: a bug report that is a test."""
    result = exported(view.found(id), to)
    output.show(result, export_lines, as_json=as_json)


_DURATION = re.compile(r"(\d{1,6})\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _duration(text: str) -> float:
    given = _DURATION.fullmatch(text.strip())
    seconds = int(given[1]) * _SECONDS[given[2]] if given else 0
    if not 0 < seconds <= LONGEST:
        raise UsageError(f"--for: {text!r} won't do. Say 90s, 10m or 2h; 24h at most.")
    return seconds


_SIZE = re.compile(r"(\d{1,6})\s*([kmg]?)i?b?", re.IGNORECASE)
_BYTES = {"k": 1024, "m": 1024**2, "g": 1024**3}


def _bounded(text: str, until: float) -> Switch:
    given = _SIZE.fullmatch(text.strip())
    number, unit = (int(given[1]), given[2].lower()) if given else (0, "")
    fits = _BYTES["m"] <= number * _BYTES[unit] <= 4 * _BYTES["g"] if unit else number and text.strip().isdigit()
    if not fits:
        raise UsageError(f"--max: {text!r} won't do. Say 100 (requests) or 64MB; 1MB to 4GB.")
    return Switch(until=until, largest=number * _BYTES[unit]) if unit else Switch(until=until, most=number)


def _until(switch: Switch) -> str:
    return datetime.fromtimestamp(switch.until, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _show_switch(switch: Switch | None, *, changed: bool, as_json: bool) -> None:
    result = SwitchResult(
        on=switch is not None,
        changed=changed,
        until=_until(switch) if switch else None,
        folder=str(trace_file.folder()),
        most_requests=switch.most if switch else None,
        largest=switch.largest if switch else None,
    )
    output.show(result, _switch_lines, as_json=as_json)


def _switch_lines(result: SwitchResult) -> Iterator[Line]:
    if not result.on:
        yield [("○ ", "dim"), "requests are traced no more" if result.changed else "requests were not being traced"]
        if kept := len(trace_file.files()):
            yield [f"  {counted(kept, 'trace')} stay on the disk; remove them with: c2o trace clear"]
        return
    assert result.until is not None
    assert result.largest is not None
    yield [("● ", "green"), f"requests are traced until {_local(result.until):%H:%M:%S}; end it with: c2o trace off"]
    yield [
        ("! ", "yellow"),
        f"prompts and answers are written to this machine's disk, readable by you alone: {output.short(result.folder)}",
    ]
    size = result.largest // 1024**2
    yield [f"  the last {result.most_requests} requests are kept, {size} MB at most; remove them: c2o trace clear"]
    if result.largest > LARGEST:
        yield [("  that is much: look at it with c2o trace, and clear it soon", "dim")]


def _clear_lines(result: ClearResult) -> Iterator[Line]:
    yield [("✓ ", "green"), f"removed {counted(result.removed, 'trace')}" if result.removed else "there were no traces"]


def _all_listed() -> Iterator[Listed]:
    """One is read after the other: together they may be larger than the memory."""
    for path, size in trace_file.sizes().items():
        if found := trace_file.read(path):
            yield _listed(found, size)


def _listed(trace: Trace, size: int) -> Listed:
    ended: Any = trace.about("ended")
    way = trace.about("routed")
    return Listed(
        id=trace.id,
        time=trace.time,
        asked=view.asked_model(trace) or "-",
        target=f"{way['upstream']}/{way['model']}" if way else None,
        status=trace.status("told"),
        stop_reason=ended.get("stop_reason"),
        error=ended.get("error"),
        seconds=ended.get("seconds", 0.0) if ended else None,
        cut=view.is_cut(trace),
        bytes=size,
    )


def _list_lines(result: TracesResult) -> Iterator[Line]:
    if result.until:
        yield [("● ", "green"), f"requests are traced until {_local(result.until):%H:%M:%S}"]
    else:
        yield [("○ ", "dim"), "requests are not being traced; turn it on with: c2o trace on --for 10m"]
    for each in result.traces:
        yield list(_row(each))
    if result.traces:
        yield [("look at one with: c2o trace show ID", "dim")]


def _row(each: Listed) -> Iterator[output.Span]:
    failed = each.error is not None
    yield (f"{_local(each.time):%m-%d %H:%M:%S}  ", "dim")
    yield (each.id, "red" if failed else "")
    yield f"  {printable(each.asked)} → {printable(each.target or '-')}  "
    yield (
        printable(each.error or each.stop_reason or view.without_end(cut=each.cut))[:60],
        "red" if failed else "dim",
    )


def _local(time: str) -> datetime:
    return datetime.fromisoformat(time).astimezone()
