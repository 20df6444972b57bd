"""Start, stop and restart, whoever manages the service.  Saying it twice is harmless."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import msgspec
from msgspec import Struct

from c2o import draining, instance, key_file, missing_keys, paths, secret, service, shown
from c2o.config import Config
from c2o.errors import C2oError, CredentialError, PortTaken, Unhealthy
from c2o.instance import DRAIN_LIMIT, SYSTEMS_OWN, Instance, Lock
from c2o.secret import Secret
from c2o.service import following, launcher, processes, unit_files
from c2o.service.manager import ServiceManager, ServiceSpec
from c2o.service.probe import Report, ServiceStatus, UpstreamReport, is_c2o, listens, look

START_WAIT = 15.0
"""Seconds within which ``start`` wants an answer."""

MARGIN = 5.0
"""Seconds that the service may need for its last words after DRAIN_LIMIT."""

POLL = 0.03
"""Seconds between two looks at whether it has ended."""

counted = shown.counted

Tell = Callable[[str], None]
"""Told what is being waited for, in a few words."""


class Started(Struct, frozen=True):
    """A service that has answered a request of ours."""

    instance: Instance
    report: Report
    already: bool
    """It ran before."""
    seconds: float


class Stopped(Struct, frozen=True):
    """A service that doesn't run any more."""

    before: Instance | None
    """As it was; None if it had not written itself down."""
    already: bool
    """It didn't run before either."""
    finished: int
    """Requests that were running, and got to their end."""
    killed: bool
    """It didn't end when asked."""
    seconds: float
    handed_over: bool = False
    """Its successor had its socket before it let go of it, so that nobody was refused."""
    finishing: int = 0
    """Requests that were running when it handed over; they finish on their own."""


def start(config: Config, *, port: int | None = None, wait: float = START_WAIT, tell: Tell = lambda _: None) -> Started:
    """The running service; started if need be.

    Raises CredentialError where no upstream has its key, PortTaken with who has it, Unhealthy if it
    isn't ready in time, and what else the service ended with.
    """
    began = time.monotonic()
    with _alone(wait, tell):
        return _start(config, port, wait, began, tell)


def stop(token: Secret | None, *, tell: Tell = lambda _: None) -> Stopped:
    """Ask the service to end, and wait until it has: running requests may finish.  Raises Unhealthy if it can't be."""
    with _alone(DRAIN_LIMIT + MARGIN, tell):
        return _stop(token, tell)


def restart(
    config: Config, *, port: int | None = None, wait: float = START_WAIT, tell: Tell = lambda _: None
) -> tuple[Stopped, Started]:
    """A new service in the place of the running one, at the same address, without a refused connection.

    Where it can't be handed over, stop, then start.  Nothing is stopped that couldn't start again.
    """
    with _alone(wait + DRAIN_LIMIT + MARGIN, tell):
        check_keys(config, service.choose().environ(), look(config.server.auth_token).report)
        if port is None and (stopped := _replaced(config, tell)):
            started = _start(config, None, wait, time.monotonic(), tell)
            return stopped, msgspec.structs.replace(started, already=False)
        status = following.look(config)
        moved = following.said(status, following.RESTART) is not None
        wanted = _same_port(config, status.instance, moved=moved) if port is None else port
        if status.instance and _hands_over(status, config):
            return _handed_over(status.instance, config, wanted, wait, tell)
        return _stop(config.server.auth_token, tell), _start(config, wanted, wait, time.monotonic(), tell)


def _hands_over(status: ServiceStatus, config: Config) -> bool:
    """Can a new service take the running one's place?  Not if that is an older version, hangs, or has another host."""
    there = status.instance
    if there is None or not there.handover or service.chosen() != "detached" or there.manager in SYSTEMS_OWN:
        return False
    host = "127.0.0.1" if config.server.host == "localhost" else config.server.host
    return host == there.host and (status.state == "running" or is_c2o(there.host, there.port))


def _handed_over(there: Instance, config: Config, port: int | None, wait: float, tell: Tell) -> tuple[Stopped, Started]:
    """Raises what the new service failed with; then the one of before has gone on."""
    began = time.monotonic()
    tell("starting a new service")
    try:
        _launch(service.choose(), config, port, wait, take_over=True)
    except C2oError as error:
        error.args = (f"{error}\nUntil then the service goes on as it was (pid {there.pid}).",)
        raise
    finishing = sum(each.requests for each in draining.services() if each.pid == there.pid)
    seconds = round(time.monotonic() - began, 2)
    stopped = Stopped(there, False, 0, False, seconds, handed_over=True, finishing=finishing)
    return stopped, _started(_just_started(config), began, already=False)


def _replaced(config: Config, tell: Tell) -> Stopped | None:
    """The service of before, whose place a new one takes without a gap; None where that can't be had."""
    began, before, chosen = time.monotonic(), look(config.server.auth_token), service.chosen()
    if before.state != "running" or before.instance is None or before.instance.manager != chosen:
        return None
    refresh(config)
    if _moves(config, before.instance) or not service.MANAGERS[chosen].replace():
        return None
    running = before.report.requests.active if before.report else 0
    finished, ended = _drained(began + DRAIN_LIMIT + MARGIN, running, tell, before.instance)
    return Stopped(before.instance, False, finished, not ended, round(time.monotonic() - began, 1)) if ended else None


def _moves(config: Config, there: Instance) -> bool:
    program = launcher.program(config, there.manager)
    return (program.host, program.port) != (there.host, there.port)


def refresh(config: Config) -> None:
    """Bring the files of an installed manager up to date, unless a person has changed them."""
    name = service.chosen()
    manager, program = service.MANAGERS[name], launcher.program(config, name)
    states = {unit_files.state(path, text) for path, text in manager.files(program).items()}
    if states & {"missing", "outdated"} and not states & {"edited", "foreign"}:
        manager.install(program)


def _same_port(config: Config, before: Instance | None, *, moved: bool = False) -> int | None:
    """The port that clients know, unless the configuration has been changed and names one, or a unit does.

    ``moved``: the running service says that another address is configured now.
    """
    if before is None or service.chosen() != "detached":
        return None
    if config.server.port and (moved or config.digest != before.config_digest):
        return None
    return before.port


@contextmanager
def _alone(wait: float, tell: Tell) -> Iterator[None]:
    """One command at a time: of twenty that start the service, one does, and the others find it running."""
    with Lock(paths.state_dir() / "command.lock") as lock:
        if not lock.acquire():
            tell("waiting for another c2o command")
            if not lock.acquire(wait):
                raise Unhealthy("another c2o command is starting or stopping the service. Try again when it is done.")
        yield


def _start(config: Config, port: int | None, wait: float, began: float, tell: Tell) -> Started:
    status = _settled(config.server.auth_token, began + wait, tell)
    if already := status.state == "running":
        followed = following.look(config)
        return _started(followed if followed.report else status, began, already=already)
    manager = service.choose()
    check_keys(config, manager.environ())
    tell("starting")
    refresh(config)
    _launch(manager, config, port, max(1.0, began + wait - time.monotonic()))
    return _started(_just_started(config), began, already=False)


def _just_started(config: Config) -> ServiceStatus:
    status = look(config.server.auth_token)
    if status.state != "running":
        raise Unhealthy(f"the service has started, but is {status.state}. {status.why} See {paths.log_file()}")
    return status


def _started(status: ServiceStatus, began: float, *, already: bool) -> Started:
    assert status.instance is not None
    assert status.report is not None
    return Started(status.instance, status.report, already, round(time.monotonic() - began, 2))


def _settled(token: Secret, deadline: float, tell: Tell) -> ServiceStatus:
    """Running or stopped, once a service that is starting or ending has done so.  Raises Unhealthy if it isn't well."""
    while (status := look(token)).state in ("starting", "stopping"):
        tell(f"waiting for a service that is {status.state}")
        if time.monotonic() >= deadline:
            raise Unhealthy(f"the service is still {status.state}. Look again with: c2o status")
        time.sleep(POLL)
    if status.state == "unhealthy":
        assert status.instance is not None
        raise Unhealthy(f"the service runs (pid {status.instance.pid}), but isn't well. {status.why} Try: c2o restart")
    return status


def _launch(manager: ServiceManager, config: Config, port: int | None, wait: float, *, take_over: bool = False) -> None:
    try:
        manager.start(ServiceSpec(port=port, wait=wait, variables=key_variables(config), take_over=take_over))
    except PortTaken as error:
        raise _taken(config, config.server.port if port is None else port) from error


def _taken(config: Config, port: int) -> PortTaken:
    """The same, with the one who has the port, where the system shows it."""
    stop = "Stop it, or take another" if processes.holder(port) else "Take another"
    return PortTaken(f"port {port} is taken by {_who_has(config.server.host, port)}. {stop}: {_another(port)}")


def _who_has(host: str, port: int) -> str:
    if found := processes.holder(port):
        return str(found)
    return "another user's c2o" if is_c2o(host, port) else "another program"


def _another(port: int) -> str:
    other = port + 1 if port < 65535 else 1024
    once = f", or for this once: c2o start --port {other}" if service.chosen() == "detached" else ""
    return f"c2o config set server.port {other}{once}"


def free_port(host: str, usual: int, others: Iterable[int]) -> tuple[int, str]:
    """The usual port, and an empty text; where that is taken, the first of the others that is free, and by whom."""
    if not listens(host, usual):
        return usual, ""
    return next((port for port in others if not listens(host, port)), 0), _who_has(host, usual)


def check_keys(config: Config, environ: Mapping[str, str] = os.environ, there: Report | None = None) -> None:
    """Raises CredentialError for keys without which a service is of no use, or of less than the one that is ``there``.

    ``environ`` is the environment that the service will have.  One that can answer anything does without the others.
    """
    found = key_file.beside(environ)
    whys = {
        name: {source: _only_here(source, found) or why for source, why in each.items()}
        for name, each in missing_keys.seen_from(found, config).items()
    }
    if nobody := missing_keys.nobody_answers(config, whys):
        raise nobody
    for upstream in there.upstreams if there else ():
        for source, why in whys.get(upstream.name, {}).items():
            if _has(upstream, source):
                raise CredentialError(f"upstream {upstream.name} would lose a key that the running service has: {why}")


def _has(upstream: UpstreamReport, source: str) -> bool:
    place = secret.describe(source)
    return place in (upstream.key or "").split(", ") and place not in upstream.missing


def check_only_here(config: Config, environ: Mapping[str, str]) -> None:
    """Raises CredentialError for a key that this shell has, and a service with this environment hasn't."""
    found = key_file.beside(environ)
    for name, upstream in config.upstreams.items():
        for source in upstream.key_sources():
            if why := _only_here(source, found):
                raise CredentialError(f"upstream {name}: {why}")


def _only_here(source: str, found: Mapping[str, str]) -> str | None:
    """What to do about a key that this shell has, and the service hasn't."""
    name = source.removeprefix("env:")
    if not source.startswith("env:") or found.get(name) or not os.environ.get(name):
        return None
    return (
        f"{name} is set in this shell, but a service that starts by itself doesn't see your shell. "
        f"Let c2o keep it in {paths.key_file()}, which only you can read: c2o service install --save-keys"
    )


def set_since(report: Report) -> Iterator[str]:
    """What to do about keys that this shell has, and the running service does without."""
    for name in sorted({place.removeprefix("env:") for upstream in report.upstreams for place in upstream.missing}):
        if os.environ.get(name):
            how = "c2o restart" if service.chosen() == "detached" else "c2o service install --save-keys"
            yield f"{name} is set in this shell, but not where the service was started. Let it have the key: {how}"


def key_variables(config: Config) -> frozenset[str]:
    """The environment variables that upstream keys are in."""
    sources = [source for upstream in config.upstreams.values() for source in upstream.key_sources()]
    return frozenset(source.removeprefix("env:") for source in sources if source.startswith("env:"))


def check_port(config: Config, port: int | None) -> None:
    """Raises PortTaken, with who has it, if a program listens where the service would."""
    wanted = config.server.port if port is None else port
    if wanted and listens(config.server.host, wanted):
        raise _taken(config, wanted)


def _stop(token: Secret | None, tell: Tell) -> Stopped:
    began = time.monotonic()
    status = look(token)
    if status.state == "stopped":
        service.MANAGERS[service.chosen()].rest()
        _left_alone(began + DRAIN_LIMIT + MARGIN, tell)
        return Stopped(None, already=True, finished=0, killed=False, seconds=0.0)
    manager = _manager_of(status.instance)
    elsewhere = _finishing()
    if status.state != "stopping":  # a second signal would cut running requests
        manager.stop()
    running = status.report.requests.active if status.report else 0
    finished, ended = _drained(began + DRAIN_LIMIT + MARGIN, running, tell)
    if not ended:
        tell("killing it")
        manager.kill()
        _wait_for_the_lock(time.monotonic() + MARGIN)
    finished += max(elsewhere, _left_alone(began + DRAIN_LIMIT + MARGIN, tell))
    seconds = round(time.monotonic() - began, 1)
    return Stopped(status.instance, already=False, finished=finished, killed=not ended, seconds=seconds)


def _manager_of(there: Instance | None) -> ServiceManager:
    """Whoever started it; what was started in a foreground is asked to end as if it were detached."""
    return service.MANAGERS.get(there.manager if there else "", service.MANAGERS["detached"])


def _drained(deadline: float, running: int, tell: Tell, before: Instance | None = None) -> tuple[int, bool]:
    """How many requests it waited for, and whether it ended in time; ``before`` knows it from its successor."""
    while instance.running():
        there = instance.read()
        if before and there and there._replace(draining=None) != before:
            break
        if time.monotonic() >= deadline:
            return running, False
        left = there.draining if there and there.draining is not None else running
        running = max(running, left)
        tell(f"waiting for {counted(left, 'running stream')}" if left else "stopping")
        time.sleep(POLL)
    return running, True


def _left_alone(deadline: float, tell: Tell) -> int:
    """Wait for services that have handed over and still finish something.  How many requests that were."""
    running = 0
    while (left := _finishing()) and time.monotonic() < deadline:
        running = max(running, left)
        tell(f"waiting for {counted(left, 'running stream')}")
        time.sleep(POLL)
    return running


def _finishing() -> int:
    """The requests of services that have handed over."""
    return sum(each.requests for each in draining.services())


def _wait_for_the_lock(deadline: float) -> None:
    while instance.running():
        if time.monotonic() >= deadline:
            raise Unhealthy("the service can't be ended, not even by force. Look at its process with `ps`.")
        time.sleep(POLL)
