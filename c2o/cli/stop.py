"""``c2o stop``: running streams finish, then the service ends."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from c2o import config, paths
from c2o.cli import output
from c2o.cli.output import JsonOption, Line
from c2o.errors import ConfigError
from c2o.instance import DRAIN_LIMIT
from c2o.secret import Secret
from c2o.service import lifecycle
from c2o.service.lifecycle import Stopped, counted


class StopResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.stop/1"
    already: bool
    """It didn't run."""
    pid: int | None
    finished: int
    """Streams that were running, and got to their end."""
    killed: bool
    """It didn't end when asked."""
    seconds: float


def stop(as_json: JsonOption = False) -> None:
    """Stop the service; running streams finish first."""
    with output.progress() as tell:
        stopped = lifecycle.stop(known_token(), tell=tell)
    output.show(stop_result(stopped), lines, as_json=as_json)


def known_token() -> Secret | None:
    """The token, if the configuration can be read: a service can be stopped and looked at without it."""
    try:
        return config.load(paths.config_file()).server.auth_token
    except ConfigError:
        return None


def stop_result(stopped: Stopped) -> StopResult:
    return StopResult(
        already=stopped.already,
        pid=stopped.before.pid if stopped.before else None,
        finished=stopped.finished,
        killed=stopped.killed,
        seconds=stopped.seconds,
    )


def lines(result: StopResult) -> Iterator[Line]:
    if result.already:
        yield [("○ ", "dim"), "c2o isn't running"]
    elif result.killed:
        yield [("! ", "yellow"), f"c2o didn't end within {DRAIN_LIMIT:.0f} s and was killed"]
    else:
        yield [("✓ ", "green"), "c2o stopped", (_drained(result), "dim")]


def _drained(result: StopResult) -> str:
    if not result.finished:
        return ""
    return f"  ({counted(result.finished, 'running stream')} finished first, {result.seconds:.1f} s)"
