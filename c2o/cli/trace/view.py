"""How a trace looks: the client's side beside the upstream's on a wide terminal, one after the other elsewhere."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec

from c2o import trace_file
from c2o.cli import output
from c2o.cli.output import Line
from c2o.errors import C2oError
from c2o.printable import printable, printable_lines
from c2o.trace_file import Frame, Trace

WIDE = 140
"""Columns from which on two sides fit beside each other."""

LONGEST = 300
"""Characters of a text in a body, unless all of it is wanted."""

HEADINGS = {
    "asked": "the client asks",
    "sent": "c2o asks the upstream",
    "heard": "the upstream answers",
    "told": "the client gets",
    "cut": "from here on nothing was kept: it was too much",
}
UPSTREAMS = ("sent", "heard", "cut")


def found(id: str) -> Trace:
    """The trace of a request.  Raises C2oError if there is none."""
    path = trace_file.find(id)
    trace = trace_file.read(path) if path else None
    if trace is None:
        raise C2oError(
            f"there is no trace of {id}, or more than one begins so. See which there are: c2o trace. "
            "Requests are traced after: c2o trace on"
        )
    return trace


def show(trace: Trace, *, full: bool) -> None:
    """On stdout."""
    output.say(_title(trace))
    frames = [frame for frame in trace.frames if frame.what in HEADINGS]
    if sys.stdout.isatty() and shutil.get_terminal_size().columns >= WIDE and output.colourful(sys.stdout):
        _beside(frames, full)
        return
    for line in _side(frames, full):
        output.say(line)


def _title(trace: Trace) -> Line:
    way, ended = trace.about("routed"), trace.about("ended")
    target = f"{way['upstream']}/{way['model']}" if way else "?"
    when = datetime.fromisoformat(trace.time).astimezone()
    end = ended.get("error") or ended.get("stop_reason") or ("" if ended else without_end(cut=is_cut(trace)))
    asked = f"{asked_model(trace) or '-'} → {target}"
    return [(trace.id, "bold"), f"  {when:%Y-%m-%d %H:%M:%S}  {printable(asked)}  {printable(str(end))}"]


def is_cut(trace: Trace) -> bool:
    return bool(trace.of("cut"))


def without_end(*, cut: bool) -> str:
    return "only its beginning was kept" if cut else "no end is known"


def _beside(frames: list[Frame], full: bool) -> None:
    from rich.table import Table  # noqa: PLC0415 - slow to load, and not needed for a pipe
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, expand=True, padding=(0, 1), show_header=False)
    table.add_column(ratio=1, overflow="fold")
    table.add_column(ratio=1, overflow="fold")
    for sides in _rows(frames):
        table.add_row(*(Text("\n").join(Text.assemble(*line) for line in _side(each, full)) for each in sides))
    output.console(sys.stdout).print(table)


def _rows(frames: list[Frame]) -> Iterator[tuple[list[Frame], list[Frame]]]:
    """The request beside all that was sent for it, and the answer beside the one that it was made of."""
    last = max((number for number, each in enumerate(frames) if each.what == "sent"), default=-1)
    for what, part in (("asked", frames[: last + 1]), ("told", frames[last + 1 :])):
        yield [each for each in frames if each.what == what], [each for each in part if each.what in UPSTREAMS]


def _side(frames: list[Frame], full: bool) -> Iterator[Line]:
    """What these frames say, under a heading wherever somebody else speaks."""
    for _, group in groupby(frames, key=lambda each: each.what):
        said = list(group)
        yield [""]
        yield [("── " + HEADINGS[said[0].what], "bold cyan"), (f"  {_offset(said[0])}", "dim")]
        for frame in said:
            yield from _frame(frame, full)


def _offset(frame: Frame) -> str:
    return f"+{frame.at:.3f} s"


def _frame(frame: Frame, full: bool) -> Iterator[Line]:
    if frame.line or frame.status:
        yield [(printable(frame.line or str(frame.status)), "bold")]
    for name, value in (frame.headers or {}).items():
        yield [(f"{printable(name)}: {printable(value)}", "dim")]
    if frame.data:
        yield from _body(frame, full)


def _body(frame: Frame, full: bool) -> Iterator[Line]:
    """JSON laid out; a stream's lines, the first of each piece with its time."""
    try:
        body = msgspec.json.decode(frame.data)
    except msgspec.DecodeError:
        lines = [line for line in frame.data.splitlines() if line]
        for number, line in enumerate(lines):
            offset = _offset(frame) if number == 0 else ""
            yield [(f"{offset:12}", "dim"), printable(line if full else shortened(line, 4 * LONGEST))]
        return
    text = msgspec.json.format(msgspec.json.encode(body if full else _brief(body)), indent=2).decode()
    for line in text.splitlines():
        yield [printable_lines(line)]


def _brief(value: Any) -> Any:
    """With its long texts shortened."""
    match value:
        case str():
            return shortened(value, LONGEST)
        case list():
            return [_brief(each) for each in value]
        case dict():
            return {name: _brief(each) for name, each in value.items()}
        case _:
            return value


def shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text) - longest} more characters: --full)"


def asked_model(trace: Trace) -> str | None:
    """The model that the client named."""
    try:
        model = msgspec.json.decode(trace.text("asked"))["model"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return None
    return model if isinstance(model, str) else None
