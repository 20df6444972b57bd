"""``c2o restart``: the same address with the configuration and version of now."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from c2o import config, paths
from c2o.cli import output
from c2o.cli import start as starting
from c2o.cli import stop as stopping
from c2o.cli.output import JsonOption, Line
from c2o.service import lifecycle
from c2o.service.lifecycle import START_WAIT


class RestartResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.restart/1"
    stopped: stopping.StopResult
    started: starting.StartResult


def restart(
    port: starting.PortOption = None, wait: starting.WaitOption = START_WAIT, as_json: JsonOption = False
) -> None:
    """Stop the service and start it again at the same address; running streams finish first."""
    loaded = config.load(paths.config_file())
    with output.progress() as tell:
        stopped, started = lifecycle.restart(loaded, port=port, wait=wait, tell=tell)
    result = RestartResult(
        stopped=stopping.stop_result(stopped),
        started=starting.start_result(started, loaded),
    )
    output.show(result, lines, as_json=as_json)


def lines(result: RestartResult) -> Iterator[Line]:
    if not result.stopped.already:
        yield from stopping.lines(result.stopped)
    yield from starting.lines(result.started)
