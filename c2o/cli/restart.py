"""``c2o restart``: the same address with the configuration and version of now."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from c2o import config, paths
from c2o.cli import output
from c2o.cli.output import JsonOption, Line
from c2o.cli.remembering import remember
from c2o.cli.start import PortOption, StartResult, WaitOption, start_result
from c2o.cli.start import lines as start_lines
from c2o.cli.stop import StopResult, stop_result
from c2o.cli.stop import lines as stop_lines
from c2o.config import Config
from c2o.service import lifecycle
from c2o.service.lifecycle import START_WAIT, counted
from c2o.service.probe import Problem


class RestartResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.restart/1"
    stopped: StopResult
    started: StartResult
    handed_over: bool
    """The new service had the socket before the one of before let go of it: no connection was refused."""
    finishing: int
    """Streams that were running then; they finish where they began."""


def restart(port: PortOption = None, wait: WaitOption = START_WAIT, as_json: JsonOption = False) -> None:
    """Put a new service in the place of the running one.

    Running streams finish, and no connection is refused.
    """
    result, problems = restarted(config.load(paths.config_file()), port=port, wait=wait)
    output.show(result, lines, as_json=as_json)
    for problem in problems:
        output.note(problem.hint)


def restarted(
    loaded: Config, *, port: int | None = None, wait: float = START_WAIT
) -> tuple[RestartResult, list[Problem]]:
    """Do it; what the new service has to say comes with it."""
    with output.progress() as tell:
        stopped, started = lifecycle.restart(loaded, port=port, wait=wait, tell=tell)
    remember(loaded)
    result = RestartResult(
        stopped=stop_result(stopped),
        started=start_result(started, loaded),
        handed_over=stopped.handed_over,
        finishing=stopped.finishing,
    )
    return result, started.report.problems


def lines(result: RestartResult) -> Iterator[Line]:
    if result.handed_over:
        yield [("✓ ", "green"), "c2o handed over", (f"  ({_handed_over(result)})", "dim")]
    elif not result.stopped.already:
        yield from stop_lines(result.stopped)
    yield from start_lines(result.started)


def _handed_over(result: RestartResult) -> str:
    if not result.finishing:
        return "no connection was refused"
    streams = counted(result.finishing, "running stream")
    return f"no connection was refused; pid {result.stopped.pid} finishes {streams}"
