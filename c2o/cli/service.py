"""``c2o service``: have the system keep the service running, from login to login."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import typer
from msgspec import Struct

from c2o import config, paths
from c2o import service as managers
from c2o.cli import output, terminal
from c2o.cli.claude.change import ChangedFile, SessionShown, off_lines, put_back
from c2o.cli.output import JsonOption, Line
from c2o.cli.start import StartResult, start_result
from c2o.cli.start import lines as start_lines
from c2o.cli.stop import known_token
from c2o.config import Config
from c2o.service import installing, launcher, linger, record, unit_files
from c2o.service.installing import Installed
from c2o.service.probe import look

Manager = Literal["systemd", "launchd", "detached"]

ManagerOption = Annotated[
    Manager | None, typer.Option("--manager", show_default=False, help="Instead of the best that works here.")
]
NowOption = Annotated[bool, typer.Option("--now", help="Start the service as well, and hand over one that runs.")]
NoLingerOption = Annotated[bool, typer.Option("--no-linger", help="Run only while you are logged in (systemd).")]
SaveKeysOption = Annotated[
    bool, typer.Option("--save-keys", help="Keep keys that only this shell has in a file that only you can read.")
]

app = typer.Typer(no_args_is_help=True, help="Have systemd or launchd keep the service running.")


class InstallResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.service-install/1"
    manager: str
    already: bool
    """It was installed, and as it should be."""
    files: list[str]
    lingers: bool
    """It runs while nobody is logged in."""
    saved_keys: list[str]
    """Names of variables that went into ``key_file``."""
    key_file: str | None
    started: StartResult | None
    handed_over: str | None
    """Who ran the service before."""


class UninstallResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.service-uninstall/1"
    manager: str | None
    """Null if nothing was installed."""
    stopped: bool
    lingering_ended: bool
    settings: list[ChangedFile] = []
    """Claude's settings that led to the service and were put back."""
    sessions: list[SessionShown] = []
    """Clients that will miss it."""


class File(Struct, frozen=True):
    path: str
    state: unit_files.State


class ServiceState(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.service/1"
    installed: bool
    manager: str
    """Who starts the service; ``detached`` unless another is installed."""
    works: bool
    """Can the manager be reached from here?"""
    runs: str | None
    """Who runs it now; null if it doesn't run."""
    files: list[File]
    details: dict[str, str]
    """In the manager's own words."""
    lingers: bool | None
    """Null where there is no such thing."""


class Text(Struct, frozen=True):
    path: str
    text: str


class PrintResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.service-print/1"
    manager: str
    files: list[Text]


@app.command()
def install(
    manager: ManagerOption = None,
    now: NowOption = False,
    no_linger: NoLingerOption = False,
    save_keys: SaveKeysOption = False,
    as_json: JsonOption = False,
) -> None:
    """Have the system start the service at login, and again whenever it fails."""
    loaded = config.load(paths.config_file())
    save = save_keys or _consent(loaded, manager or managers.preferred())
    with output.progress() as tell:
        done = installing.install(loaded, manager, now=now, stay=not no_linger, save_keys=save, tell=tell)
    output.show(_install_result(done, loaded), _install_lines, as_json=as_json)
    for hint in _hints(done):
        output.note(hint)


def _consent(loaded: Config, manager: str) -> bool:
    """May keys that only this shell has be kept in the key file?  Nobody is asked where nobody is there."""
    missing = installing.missing_keys(loaded, manager)
    if not missing or not terminal.present():
        return False
    terminal.say(f"  {', '.join(missing)}: only this shell knows, and the service won't see your shell.")
    return terminal.confirm(f"Keep it in {output.short(paths.key_file())}, for your eyes only?", default=True)


def _install_result(done: Installed, loaded: Config) -> InstallResult:
    return InstallResult(
        manager=done.manager,
        already=done.already,
        files=[str(path) for path in done.files],
        lingers=done.lingers,
        saved_keys=done.saved,
        key_file=str(done.key_file) if done.key_file else None,
        started=start_result(done.started, loaded) if done.started else None,
        handed_over=done.handed_over,
    )


def _install_lines(result: InstallResult) -> Iterator[Line]:
    if result.saved_keys:
        yield [("✓ ", "green"), f"{', '.join(result.saved_keys)} kept in {output.short(result.key_file or '')}"]
    how = "is installed already" if result.already else "installed"
    what = f"the service {how}: {result.manager}"
    yield [("✓ ", "green"), what, ("  it runs while you are logged out, too" if result.lingers else "", "dim")]
    for file in result.files:
        yield [("  ", "dim"), (output.short(file), "dim")]
    if result.started:
        yield from start_lines(result.started)


def _hints(done: Installed) -> Iterator[str]:
    yield from installing.shortcomings(done)
    if done.still:
        yield f"the service that runs now isn't {done.manager}'s ({done.still}); to hand it over: c2o restart"
    elif not done.started and done.manager != "detached":
        yield "it begins with your next login; to start it now: c2o start"


@app.command()
def uninstall(as_json: JsonOption = False) -> None:
    """Stop the service, and take away what `c2o service install` has made; keys stay where they are."""
    before = put_back()
    with output.progress() as tell:
        done = installing.uninstall(known_token(), tell=tell)
    result = UninstallResult(
        manager=done.manager,
        stopped=done.stopped,
        lingering_ended=done.lingers,
        settings=before.files,
        sessions=before.sessions,
    )
    output.show(result, _uninstall_lines, as_json=as_json)
    if before.refused:
        raise before.refused


def _uninstall_lines(result: UninstallResult) -> Iterator[Line]:
    yield from off_lines(result.settings, result.sessions)
    if result.manager is None:
        yield [("○ ", "dim"), "nothing is installed"]
        return
    stopped = ", and stopped" if result.stopped else ""
    yield [("✓ ", "green"), f"the service is no longer {result.manager}'s{stopped}"]
    if result.lingering_ended:
        yield [("✓ ", "green"), "lingering is off again, as it was before"]


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Say who keeps the service running, and how that looks from the system's side."""
    output.show(_state(), _state_lines, as_json=as_json)


def _state() -> ServiceState:
    there, name = record.read(), managers.chosen()
    manager = managers.MANAGERS[name]
    works = manager.available()
    loaded = config.load(paths.config_file())
    files = manager.files(launcher.program(loaded, name))
    running = look(loaded.server.auth_token).instance
    return ServiceState(
        installed=there is not None,
        manager=name,
        works=works,
        runs=running.manager if running else None,
        files=[File(str(path), unit_files.state(path, text)) for path, text in files.items()],
        details=dict(manager.details()) if works else {},
        lingers=linger.on() if name == "systemd" else None,
    )


def _state_lines(state: ServiceState) -> Iterator[Line]:
    if not state.installed:
        yield [("○ ", "dim"), "nothing is installed   have the system keep the service running: c2o service install"]
        return
    symbol, style = ("●", "green") if state.works else ("!", "yellow")
    yield [
        (f"{symbol} ", style),
        f"installed for {state.manager}",
        ("" if state.works else ", not reached here", style),
    ]
    for file in state.files:
        yield [("  file       ", "dim"), output.short(file.path), (_FILE_STATES[file.state], "dim")]
    for name, value in state.details.items():
        yield [(f"  {name:10} ", "dim"), value]
    if state.lingers is not None:
        yield [("  logged out ", "dim"), "it goes on" if state.lingers else "it ends: loginctl enable-linger"]
    if state.runs != state.manager:
        yield [("  runs       ", "dim"), state.runs or "not now: c2o start"]


_FILE_STATES: dict[unit_files.State, str] = {
    "current": "",
    "missing": "  is gone: c2o service install",
    "outdated": "  is renewed with the next start",
    "edited": "  was changed by hand",
    "foreign": "  isn't c2o's",
}


@app.command("print")
def print_files(manager: ManagerOption = None, as_json: JsonOption = False) -> None:
    """Show the files that `install` would write, and write nothing."""
    loaded = config.load(paths.config_file())
    name = manager or managers.preferred()
    files = managers.MANAGERS[name].files(launcher.program(loaded, name))
    result = PrintResult(manager=name, files=[Text(str(path), text) for path, text in files.items()])
    output.show(result, _print_lines, as_json=as_json)


def _print_lines(result: PrintResult) -> Iterator[Line]:
    if not result.files:
        yield [("○ ", "dim"), f"{result.manager} needs no files"]
    for file in result.files:
        yield [(f"# {output.short(file.path)}", "dim")]
        for line in file.text.splitlines():
            yield [line]
