"""``c2o status``: whether the service runs, where, and how it is."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import typer
from msgspec import Struct

from c2o import __version__, config, draining, facts, paths, status_lines
from c2o.cli import output
from c2o.cli.claude import status as claude_status
from c2o.cli.claude.status import Plain
from c2o.cli.output import JsonOption, Line
from c2o.config import Config
from c2o.draining import Draining
from c2o.errors import ConfigError, NotRunning, Unhealthy
from c2o.service import following, probe
from c2o.service.probe import Problem, Requests, RouteReport, ServiceStatus, UpstreamReport

EXIT_CODES: dict[probe.State, int] = {
    "running": 0,
    "stopped": NotRunning.exit_code,
    "starting": Unhealthy.exit_code,
    "stopping": Unhealthy.exit_code,
    "unhealthy": Unhealthy.exit_code,
}


class Listen(Struct, frozen=True):
    host: str
    port: int


class ConfigState(Struct, frozen=True):
    path: str
    changed: bool | None
    """Does it say something else than what the service works with?  None if that can't be told."""


class Claude(Struct, frozen=True):
    plain: Plain
    decided_by: str | None
    """The file, or ``shell``."""
    sessions: int
    """Clients that are at work now, by c2o."""


class Status(Struct, frozen=True, kw_only=True):
    """What is null isn't known in this state."""

    schema: str = "c2o.status/1"
    state: probe.State
    version: str | None
    """The service's; ``cli_version`` is this command's."""
    cli_version: str = __version__
    pid: int | None
    manager: str | None
    url: str | None
    listen: Listen | None
    started_at: str | None
    uptime: float | None
    """Seconds."""
    config: ConfigState
    upstreams: list[UpstreamReport]
    models: dict[str, str]
    fallbacks: dict[str, list[str]] = {}
    """Of those names that have any, in order."""
    routes: dict[str, RouteReport] = {}
    """By kind of request; where there is one, it counts before ``models``."""
    requests: Requests | None
    draining: int | None
    """While it stops: the streams that it waits for."""
    learned: int
    """What upstreams have taught, in facts; ``c2o learned`` shows them."""
    finishing: list[Draining] = []
    """Services of before, which have handed over and only finish their streams."""
    claude: Claude = Claude("anthropic", None, 0)
    log: str
    problems: list[Problem]


def status(as_json: JsonOption = False) -> None:
    """Say whether the service runs, where, and with which models."""
    current = current_status()
    output.show(current, lines, as_json=as_json)
    raise typer.Exit(EXIT_CODES[current.state])


def current_status() -> Status:
    loaded, broken = _loaded()
    seen = following.look(loaded)
    if loaded and seen.state == "running":
        _remember(loaded)
    there, report = seen.instance, seen.report
    changed = there.config_digest != loaded.digest if there and loaded else None
    said = following.said(seen, following.BROKEN) or ""
    broken = [each for each in broken if each.hint not in said]  # or the service says the same, and what it does
    led = claude_status.current(loaded, seen)
    return Status(
        state=seen.state,
        version=there.version if there else None,
        pid=there.pid if there else None,
        manager=there.manager if there else None,
        url=there.url if there else None,
        listen=Listen(there.host, there.port) if there else None,
        started_at=there.started_at if there else None,
        uptime=report.uptime if report else None,
        config=ConfigState(str(paths.config_file()), changed),
        upstreams=report.upstreams if report else [],
        models=report.models if report else {},
        fallbacks=report.fallbacks if report else {},
        routes=report.routes if report else {},
        requests=report.requests if report else None,
        draining=there.draining if there else None,
        learned=len(facts.known()),
        finishing=draining.services(),
        claude=Claude(led.plain, led.decided_by, len(led.sessions)),
        log=str(paths.log_file()),
        problems=[*broken, *_problems(seen, changed), *(report.problems if report else [])],
    )


def _remember(loaded: Config) -> None:
    from c2o.cli.remembering import remember  # noqa: PLC0415 - which needs to know Status

    remember(loaded)


def _loaded() -> tuple[Config | None, list[Problem]]:
    try:
        return config.load(paths.config_file()), []
    except ConfigError as error:
        return None, [Problem("config.invalid", str(error))]


def _problems(seen: ServiceStatus, changed: bool | None) -> Iterator[Problem]:
    if seen.state == "unhealthy":
        yield Problem("service.unhealthy", f"{seen.why} Try: c2o restart")
    if changed and not following.said(seen, following.BROKEN):
        hint = "The configuration has changed, and the service doesn't follow; to apply it: c2o restart"
        yield Problem("config.changed", hint)
    if seen.instance and seen.instance.version != __version__:
        yield Problem("daemon.version_skew", f"This command is c2o {__version__}; to update the service: c2o restart")


def lines(shown: Status) -> Iterator[Line]:
    return status_lines.lines(msgspec.to_builtins(shown))
