"""``c2o uninstall``: everything that c2o has put onto this machine, taken away again, path by path."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from msgspec import Struct

from c2o import origin, paths
from c2o.claude import takeover
from c2o.cli import output, terminal
from c2o.cli.claude.change import ChangedFile, SessionShown, off_lines, put_back
from c2o.cli.completions import files as completion_files
from c2o.cli.output import JsonOption, Line, Span
from c2o.cli.stop import known_token
from c2o.cli.uninstall import files as uninstall_files
from c2o.cli.uninstall.files import Kept
from c2o.config import DEFAULT_PORT
from c2o.errors import C2oError, Cancelled, RefusedFile, UsageError
from c2o.service import installing, launcher, lifecycle, record, unit_files
from c2o.service.manager import Program
from c2o.service.probe import look


class KeptShown(Struct, frozen=True):
    path: str
    what: str


class UninstallResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.uninstall/1"
    dry_run: bool
    settings: list[ChangedFile]
    """Claude's settings that led to c2o: put back."""
    sessions: list[SessionShown]
    """Clients that will miss it."""
    stopped: bool
    """The service was running."""
    manager: str | None
    """Who kept it running; null if nobody did."""
    removed: list[str]
    kept: list[KeptShown]
    """What stays without ``--purge``."""
    problems: list[str]
    package: str
    """The command that takes c2o itself away."""


class Plan(NamedTuple):
    """What is there."""

    settings: list[Path]
    manager: str | None
    runs: bool
    units: list[Path]
    files: list[Path]
    kept: list[Kept]

    @property
    def removed(self) -> list[Path]:
        return [*self.units, *self.files]


PurgeOption = Annotated[bool, typer.Option("--purge", help="Also the configuration, keys, and what was counted.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


def uninstall(
    purge: PurgeOption = False, dry_run: DryOption = False, yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Take away the service and every file that c2o has made.

    Claude's settings are put back.
    """
    plan = _plan(purge=purge)
    if not dry_run and not yes:
        _agree(plan)
    result = _shown(plan) if dry_run else _done(plan, purge=purge)
    output.show(result, _lines, as_json=as_json)
    if result.problems:
        raise C2oError("not everything could be taken away. Put that right, then once more: c2o uninstall")


def _plan(*, purge: bool) -> Plan:
    there = record.read()
    belongings = uninstall_files.belongings()
    purged = [each.path for each in belongings] if purge else []
    return Plan(
        settings=takeover.patched(),
        manager=there.manager if there else None,
        runs=look(known_token()).instance is not None,
        units=_units(there.manager) if there else [],
        files=list(dict.fromkeys([*completion_files.installed(), *uninstall_files.runtime(), *purged])),
        kept=[] if purge else belongings,
    )


def _units(manager: str) -> list[Path]:
    """Where they are doesn't depend on what is in them.  Raises C2oError if the manager can't be reached."""
    anything = Program(command=(), variables={}, host="", port=DEFAULT_PORT, log=paths.log_file(), writes=())
    return [path for path in installing.removable(manager).files(anything) if unit_files.ours(path)]


def _agree(plan: Plan) -> None:
    """Raises Cancelled, and UsageError where nobody can be asked."""
    if not terminal.present():
        raise UsageError("c2o uninstall asks before it does anything. Without a terminal: c2o uninstall --yes")
    for line in _lines(_shown(plan)):
        output.talk(line)
    if not terminal.confirm("Do that?", default=False):
        raise Cancelled("nothing was changed.")


def _shown(plan: Plan) -> UninstallResult:
    return UninstallResult(
        dry_run=True,
        settings=put_back(plan.settings, dry_run=True).files,
        sessions=[],
        stopped=plan.runs,
        manager=plan.manager,
        removed=[str(path) for path in plan.removed],
        kept=_kept(plan),
        problems=[],
        package=_package(),
    )


def _kept(plan: Plan) -> list[KeptShown]:
    return [KeptShown(str(each.path), each.what) for each in plan.kept]


def _package() -> str:
    return shlex.join(origin.mine(launcher.interpreter()).remove)


def _done(plan: Plan, *, purge: bool) -> UninstallResult:
    """Settings first: what follows is for a machine where nothing leads to c2o any more."""
    back = put_back(plan.settings)
    if back.refused:
        raise RefusedFile(f"{back.refused} Nothing else was taken away.")
    with output.progress() as tell:
        installing.uninstall(known_token(), tell=tell)
        if plan.runs:
            lifecycle.stop(known_token(), tell=tell)
    after = _plan(purge=purge)
    files = list(dict.fromkeys([*plan.files, *after.files]))
    problems = [str(each) for each in uninstall_files.remove(files)]
    uninstall_files.remove_empty_folders()
    return UninstallResult(
        dry_run=False,
        settings=back.files,
        sessions=back.sessions,
        stopped=plan.runs,
        manager=plan.manager,
        removed=[str(path) for path in [*plan.units, *files] if not path.exists()],
        kept=_kept(after),
        problems=problems,
        package=_package(),
    )


def _lines(result: UninstallResult) -> Iterator[Line]:
    mark: Span = ("- ", "dim") if result.dry_run else ("✓ ", "green")
    anything = bool(result.settings or result.stopped or result.removed)
    if result.dry_run:
        if anything:
            yield [("This would go:", "bold")]
        for changed in result.settings:
            yield [mark, output.short(changed.path), ("  put back as it was", "dim")]
    else:
        yield from off_lines(result.settings, result.sessions)
    if result.stopped:
        yield [mark, f"the service{f' of {result.manager}' if result.manager else ''}, stopped"]
    for path in result.removed:
        yield [mark, output.short(path)]
    if not anything:
        yield [("○ ", "dim"), "there is nothing to take away"]
    for problem in result.problems:
        yield [("✗ ", "red"), problem]
    for each in result.kept:
        yield [("○ ", "dim"), output.short(each.path), (f"  stays: {each.what} (--purge takes it away)", "dim")]
    yield ["c2o itself goes with: ", (result.package, "cyan")]
