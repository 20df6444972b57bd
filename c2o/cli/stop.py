"""``c2o stop``: Claude's settings are put back, running streams finish, then the service ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from msgspec import Struct, structs

from c2o import config, paths
from c2o.cli import output
from c2o.cli.claude.change import ChangedFile, SessionShown, off_lines, put_back
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
    settings: list[ChangedFile] = []
    """Claude's settings that led here and were put back."""
    sessions: list[SessionShown] = []
    """Clients that will miss it."""


KeepOption = Annotated[
    bool, typer.Option("--keep-settings", help="Leave Claude's settings as they are, for a service that comes back.")
]


def stop(keep_settings: KeepOption = False, as_json: JsonOption = False) -> None:
    """Stop the service; running streams finish first.

    Claude's settings are put back.
    """
    done = put_back(keep=keep_settings)
    with output.progress() as tell:
        stopped = lifecycle.stop(known_token(), tell=tell)
    result = structs.replace(stop_result(stopped), settings=done.files, sessions=done.sessions)
    output.show(result, lines, as_json=as_json)
    if done.refused:
        raise done.refused


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
    yield from off_lines(result.settings, result.sessions)
    if result.already:
        yield [("○ ", "dim"), "c2o isn't running"]
    elif result.killed:
        yield [("! ", "yellow"), f"c2o didn't end within {DRAIN_LIMIT:.0f} s and was killed"]
    else:
        yield [("✓ ", "green"), "c2o stopped", (_drained(result), "dim")]
    if result.settings:
        yield ["  plain claude is on its own again; to lead it back: c2o claude on"]


def _drained(result: StopResult) -> str:
    if not result.finished:
        return ""
    return f"  ({counted(result.finished, 'running stream')} finished first, {result.seconds:.1f} s)"
