"""``c2o start``: the service runs and answers when this returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from msgspec import Struct

from c2o import __version__, config, paths
from c2o.cli import output
from c2o.cli.output import JsonOption, Line
from c2o.cli.remembering import remember
from c2o.config import Config
from c2o.service import lifecycle
from c2o.service.lifecycle import START_WAIT, Started

PortOption = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, metavar="PORT", show_default=False, help="Instead of the configuration's; 0 takes a free one."
    ),
]
WaitOption = Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long the service may take to be ready.")]


class StartResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.start/1"
    already: bool
    """It ran before; nothing was done."""
    url: str
    pid: int
    version: str
    """The service's; ``cli_version`` is this command's."""
    cli_version: str = __version__
    manager: str
    uptime: float
    seconds: float
    """Until it answered."""
    config_changed: bool
    """The configuration isn't the one that the service started with."""


def start(port: PortOption = None, wait: WaitOption = START_WAIT, as_json: JsonOption = False) -> None:
    """Start the service, unless it runs; return when it answers."""
    loaded = config.load(paths.config_file())
    with output.progress() as tell:
        started = lifecycle.start(loaded, port=port, wait=wait, tell=tell)
    remember(loaded)
    result = start_result(started, loaded)
    output.show(result, lines, as_json=as_json)
    problems = (problem.hint for problem in started.report.problems)
    for hint in (*hints(result), *problems, *lifecycle.set_since(started.report)):
        output.note(hint)
    if started.already and port not in (None, 0, started.instance.port):
        output.note(f"to move it to port {port}: c2o restart --port {port}")


def start_result(started: Started, loaded: Config) -> StartResult:
    there = started.instance
    return StartResult(
        already=started.already,
        url=there.url,
        pid=there.pid,
        version=started.report.version,
        manager=there.manager,
        uptime=started.report.uptime,
        seconds=started.seconds,
        config_changed=loaded.digest not in (there.config_digest, started.report.config.refused),
    )


def lines(result: StartResult) -> Iterator[Line]:
    who = f"pid {result.pid}, {result.manager}"
    if result.already:
        how, details = " already runs on ", f"({who}, for {output.duration(result.uptime)})"
    else:
        how, details = " ready on ", f"in {result.seconds:.1f} s  ({who})"
    yield [("● ", "green"), (f"c2o {result.version}", "bold"), how, (result.url, "cyan"), "  ", (details, "dim")]


def hints(result: StartResult) -> Iterator[str]:
    """What a running service doesn't know yet."""
    if result.config_changed:
        yield "the configuration has changed, and the service doesn't follow; to apply it: c2o restart"
    if result.version != result.cli_version:
        yield f"the service is c2o {result.version}, this command is {result.cli_version}; to update it: c2o restart"
