"""Put a service manager in charge, and take it away again.  Saying it twice is harmless."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from c2o import key_file, paths, service
from c2o.config import Config
from c2o.errors import C2oError, UsageError
from c2o.secret import Secret
from c2o.service import launcher, lifecycle, linger, record, systemd, tools, unit_files
from c2o.service.lifecycle import Started, Tell
from c2o.service.manager import Program, ServiceManager
from c2o.service.probe import look
from c2o.service.record import Record


class Installed(Struct, frozen=True, kw_only=True):
    manager: str
    files: list[Path]
    already: bool
    """It was installed, and as it should be."""
    lingers: bool
    """It runs while nobody is logged in."""
    not_lingering: str | None
    """Why it doesn't, though it was to."""
    saved: list[str]
    """The variables that went from this shell into the key file."""
    key_file: Path | None
    started: Started | None
    handed_over: str | None
    """Who ran the service until now, if somebody else did."""
    still: str | None
    """Who goes on running it until a restart."""


def install(
    config: Config,
    name: str | None = None,
    *,
    now: bool = False,
    stay: bool = True,
    save_keys: bool = False,
    tell: Tell = lambda _: None,
) -> Installed:
    """Have ``name``, or the best manager of this machine, keep the service; ``now`` starts it.

    ``stay`` lets it run while nobody is logged in.  Keys that only this shell has go into the key file with
    ``save_keys``.  Raises, before anything is changed: UsageError where the manager doesn't work, CredentialError for a
    key that the service wouldn't find, RefusedFile for a file that isn't ours.
    """
    name = name or service.preferred()
    manager = available(name)
    program = launcher.program(config, name)
    files = manager.files(program)
    unit_files.check(files)
    saved = _save_keys(config, name) if save_keys else []
    lifecycle.check_only_here(config, manager.environ())
    lifecycle.check_keys(config, manager.environ())
    before = record.read()
    if before and before.manager != name:
        uninstall(config.server.auth_token, tell=tell)
    already = before is not None and before.manager == name and unit_files.current(files)
    before, token = record.read(), config.server.auth_token
    with _taken_away_after(C2oError, KeyboardInterrupt, unless=before, token=token):
        problem = _put(manager, name, program, stay=stay)
    runs = _running(token)
    with _taken_away_after(KeyboardInterrupt, unless=before, token=token):  # why it doesn't start can be mended
        started = _hand_over(config, name, runs, already, tell) if now else None
    return Installed(
        manager=name,
        files=list(files),
        already=already,
        lingers=name == "systemd" and linger.on(),
        not_lingering=problem,
        saved=saved,
        key_file=paths.key_file() if saved else None,
        started=started,
        handed_over=runs if now and runs != name else None,
        still=runs if not now and runs != name else None,
    )


def shortcomings(done: Installed) -> Iterator[str]:
    """When it will end though it was to be kept, why, and what to do."""
    if done.not_lingering:
        yield f"the service will end when you log out: {done.not_lingering}"
    if done.manager == "detached" and (why := service.out_of_reach()):
        yield f"nothing starts the service again when the machine does. {why}"


def available(name: str) -> ServiceManager:
    """Raises UsageError for a manager that doesn't work here."""
    manager = service.MANAGERS[name]
    if not manager.available():
        why = systemd.away() if name == systemd.NAME else None
        raise UsageError(why or f"{name} doesn't work here: it needs {manager.needs}. Without it: c2o start")
    return manager


def removable(name: str) -> ServiceManager:
    """Raises C2oError where the manager that keeps the service can't be reached, so that it would go on keeping it."""
    manager = service.MANAGERS[name]
    if not manager.available():
        raise C2oError(
            f"{name} keeps the service, and can't be reached from here: that needs {manager.needs}. Try again from a "
            f"login of your own; if {name} is gone for good, remove {record.path()} first."
        )
    return manager


def missing_keys(config: Config, name: str) -> list[str]:
    """The variables with keys that this shell has, and a service under this manager wouldn't have."""
    found = key_file.beside(service.MANAGERS[name].environ())
    return sorted(each for each in lifecycle.key_variables(config) if not found.get(each) and os.environ.get(each))


def _save_keys(config: Config, name: str) -> list[str]:
    missing = missing_keys(config, name)
    if missing:
        key_file.save({each: os.environ[each] for each in missing})
    return missing


def _put(manager: ServiceManager, name: str, program: Program, *, stay: bool) -> str | None:
    """The record comes before what it is of, so that whatever happens in between can be taken away.

    Returns why the user doesn't linger, though that was to be.
    """
    before = record.read()
    ours = before is not None and before.lingers
    wants = stay and name == systemd.NAME and not linger.on()
    record.write(Record(name, ours or wants))
    manager.install(program)
    try:
        if wants:
            linger.switch(enable=True)
    except C2oError as error:
        record.write(Record(name, ours))
        return str(error)
    return None


@contextmanager
def _taken_away_after(*failures: type[BaseException], unless: Record | None, token: Secret) -> Iterator[None]:
    """Half of an installation is none: what was put there goes again, unless it was there before."""
    try:
        yield
    except failures:
        if unless is None:
            _take_back(token)
        raise


def _take_back(token: Secret) -> None:
    """As ``uninstall``, but for a service that somebody else still runs.  Raises C2oError if that can't be done."""
    there = record.read()
    try:
        with tools.undisturbed():
            if there and _running(token) in (None, there.manager):
                lifecycle.stop(token)
            if there:
                _remove(there)
    except C2oError as error:
        raise C2oError(f"the service is half installed: {error} To take it away: c2o service uninstall") from None


def _remove(there: Record) -> None:
    """The record goes last, so that what fails can be tried again."""
    service.MANAGERS[there.manager].uninstall()
    if there.lingers:
        linger.switch(enable=False)
    record.remove()


def _running(token: Secret) -> str | None:
    """Who runs the service, if it runs."""
    there = look(token).instance
    return there.manager if there else None


def _hand_over(config: Config, name: str, runs: str | None, already: bool, tell: Tell) -> Started:
    """Running requests finish where they began."""
    if runs == name and not already:
        return lifecycle.restart(config, tell=tell)[1]
    if runs and runs != name:
        lifecycle.stop(config.server.auth_token, tell=tell)
    return lifecycle.start(config, tell=tell)


class Uninstalled(Struct, frozen=True, kw_only=True):
    manager: str | None
    """None if nothing was installed."""
    stopped: bool
    lingers: bool
    """We had switched lingering on, and have switched it off."""


def uninstall(token: Secret | None, *, tell: Tell = lambda _: None) -> Uninstalled:
    """Stop the service of the manager that is installed, and take away all that ``install`` has made."""
    there = record.read()
    if there is None:
        return Uninstalled(manager=None, stopped=False, lingers=False)
    removable(there.manager)
    stopped = lifecycle.stop(token, tell=tell)
    _remove(there)
    return Uninstalled(manager=there.manager, stopped=not stopped.already, lingers=there.lingers)
