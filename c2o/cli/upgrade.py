"""``c2o upgrade``: the newest c2o, by the installer that brought it, and a service of that version."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Annotated

import typer
from msgspec import Struct

import c2o
from c2o import origin
from c2o.cli import output, terminal
from c2o.cli.completions import files as completion_files
from c2o.cli.output import JsonOption, Line
from c2o.cli.stop import known_token
from c2o.errors import C2oError
from c2o.origin import Origin
from c2o.service import launcher
from c2o.service.probe import look


class UpgradeResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.upgrade/1"
    installer: str
    commands: list[str]
    """What renews c2o here, line by line as a shell takes it."""
    run: bool
    """They were run."""
    before: str
    after: str
    """Versions; the same if nothing was newer, or nothing was run."""
    service: str | None
    """The version of the running service; null if it doesn't run."""
    restarted: bool


YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Run the command without asking.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


def upgrade(yes: YesOption = False, dry_run: DryOption = False, as_json: JsonOption = False) -> None:
    """Renew c2o by the installer that brought it.

    A service that is of another version is restarted.
    """
    python = launcher.interpreter()
    found = origin.mine(python)
    run = not dry_run and _agreed(found, yes=yes)
    if run:
        _run(found)
    after = _version(python) if run else c2o.__version__
    runs = _service_version()
    restarts = runs is not None and runs != after and not dry_run
    if restarts:
        _call((python, "-P", "-m", "c2o", "restart"), "the service could not be restarted")
    for shell in completion_files.shells() if after != c2o.__version__ else ():
        _call((python, "-P", "-m", "c2o", "completions", "install", shell), "the completions could not be renewed")
    result = UpgradeResult(
        installer=found.installer,
        commands=[shlex.join(each) for each in found.upgrade],
        run=run,
        before=c2o.__version__,
        after=after,
        service=_service_version() if restarts else runs,
        restarted=restarts,
    )
    output.show(result, _lines, as_json=as_json)


def _agreed(found: Origin, *, yes: bool) -> bool:
    if not found.alone:
        return False
    if yes or not terminal.present():
        return yes
    terminal.say("c2o ", c2o.__version__, (f" was installed by {found.installer}.  To renew it:", "dim"))
    for each in found.upgrade:
        terminal.say("  ", (shlex.join(each), "cyan"))
    return terminal.confirm("Run that?", default=True)


def _run(found: Origin) -> None:
    """Raises C2oError for the first command that fails."""
    for each in found.upgrade:
        output.talk([("$ ", "dim"), (shlex.join(each), "dim")])
        _call(each, "c2o could not be renewed")


def _call(command: origin.Command, failed: str) -> None:
    """What it says is talk.  Raises C2oError."""
    try:
        code = subprocess.run(command, stdout=sys.stderr, check=False).returncode  # noqa: S603 - of the table in ``origin``
    except OSError as error:
        raise C2oError(
            f"{failed}: {command[0]} can't be run ({error.strerror}). By hand: {shlex.join(command)}"
        ) from None
    if code:
        raise C2oError(f"{failed}: it ended with code {code}. By hand, to see why: {shlex.join(command)}")


def _version(python: str) -> str:
    """That of the files that are there now; we are still the old one."""
    command = [python, "-P", "-m", "c2o", "--version"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise C2oError(f"{python} is gone ({error.strerror}). To look at what there is now: c2o --version") from None
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it doesn't say why"])[-1]
        raise C2oError(
            f"c2o was renewed, but doesn't work now: {why}. A service that runs goes on as it was. "
            f"By hand, to see why: {shlex.join(command)}"
        )
    return done.stdout.strip().removeprefix("c2o ")


def _service_version() -> str | None:
    there = look(known_token()).instance
    return there.version if there else None


def _lines(result: UpgradeResult) -> Iterator[Line]:
    if not result.run:
        yield [("○ ", "dim"), f"c2o {result.before}, installed by {result.installer}   to renew it:"]
        for command in result.commands:
            yield ["  ", (command, "cyan")]
    elif result.before == result.after:
        yield [("✓ ", "green"), f"c2o {result.after} stays: {result.installer} has nothing newer for it"]
    else:
        yield [("✓ ", "green"), f"c2o {result.before} → {result.after}"]
    yield from _service_lines(result)


def _service_lines(result: UpgradeResult) -> Iterator[Line]:
    if result.restarted:
        yield [("✓ ", "green"), f"the service is {result.service} now; running streams finish where they began"]
    elif result.service not in (None, result.after):
        yield [("! ", "yellow"), f"the service that runs is still {result.service}: c2o restart"]
