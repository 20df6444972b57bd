"""``c2o doctor``: everything is looked at, and each finding ends with its fix."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct, structs

from c2o import __version__
from c2o.cli import output
from c2o.cli.doctor.bundle import write as write_bundle
from c2o.cli.doctor.fix import Fixed, mend
from c2o.cli.doctor.probe import Probe, probes
from c2o.cli.doctor.probe import lines as probe_lines
from c2o.cli.output import JsonOption, Line
from c2o.cli.trace import view as trace_view
from c2o.doctor import CHECKS, Check, Finding, Level, Machine, diagnose
from c2o.errors import UsageError
from c2o.printable import printable
from c2o.service.lifecycle import counted

StrictOption = Annotated[bool, typer.Option("--strict", help="Fail on warnings too.")]
ProbeOption = Annotated[
    bool | None,
    typer.Option(
        "--probe/--no-probe",
        show_default=False,
        help="Ask each upstream for all that it can do, and remember it; or don't ask the upstreams at all.",
    ),
]
FixOption = Annotated[bool, typer.Option("--fix", help="Show what can be put right here, and do it if you agree.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="With --fix: agree to everything.")]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="ID", help="Only what finds this, and what it needs; more than once."),
]
BundleOption = Annotated[
    Path | None,
    typer.Option("--bundle", metavar="FILE", show_default=False, help="Write a zip for a bug report, without secrets."),
]
TraceOption = Annotated[
    str | None,
    typer.Option(
        "--trace", metavar="ID", show_default=False, help="In the bundle: this request, prompt and answer too."
    ),
]


class Diagnosis(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.doctor/1"
    ok: bool
    version: str = __version__
    checks: list[Finding]
    fixed: list[Fixed] = []
    probes: list[Probe] = []
    """With ``--probe``: what each upstream's model can do."""
    bundle: list[str] = []
    """The files in it."""


def doctor(
    strict: StrictOption = False,
    probe: ProbeOption = None,
    only: OnlyOption = None,
    fix: FixOption = False,
    yes: YesOption = False,
    bundle: BundleOption = None,
    trace: TraceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check everything, and say how to fix it.

    Configuration, port, service, upstreams and Claude's settings.
    """
    if trace and not bundle:
        raise UsageError("--trace says what else goes into a bundle: c2o doctor --bundle FILE --trace ID")
    traced = trace_view.found(trace) if trace else None
    checks = [check for check in _chosen(only) if probe is not False or check.group != "upstream"]
    machine, findings = _looked(checks)
    fixed = mend(machine, findings, sure=yes) if fix else []
    if any(each.done for each in fixed):
        machine, findings = _looked(checks)
    fatal = {"fail", "warn"} if strict else {"fail"}
    ok = not any(each.level in fatal for each in findings)
    result = Diagnosis(ok=ok, checks=findings, fixed=fixed, probes=_probed(machine) if probe else [])
    if bundle:
        result = structs.replace(result, bundle=write_bundle(bundle, machine, result, traced))
    output.show(result, lines, as_json=as_json)
    if bundle:
        output.note(f"{bundle} has {', '.join(result.bundle)}. Look through it before you send it.")
    raise typer.Exit(0 if ok else 1)


def _looked(checks: list[Check]) -> tuple[Machine, list[Finding]]:
    machine = Machine(os.environ)
    with output.progress() as tell:
        return machine, list(diagnose(machine, checks=tuple(checks), tell=tell))


def _probed(machine: Machine) -> list[Probe]:
    with output.progress() as tell:
        return [] if isinstance(machine.config_or_error, Exception) else list(probes(machine, tell))


def _chosen(only: list[str] | None) -> list[Check]:
    """The checks with these ids, and what they need.  Raises UsageError for an unknown one."""
    if not only:
        return list(CHECKS)
    if unknown := set(only) - {id for check in CHECKS for id in check.ids}:
        raise UsageError(f"there is no check {min(unknown)}. The ids are in what c2o doctor --json prints.")
    wanted = {check.id for check in CHECKS if not check.ids.isdisjoint(only)}
    for check in reversed(CHECKS):
        wanted |= set(check.needs) if check.id in wanted else set()
    return [check for check in CHECKS if check.id in wanted]


LOOK: dict[Level, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "warn": ("!", "yellow"),
    "fail": ("✗", "red"),
    "skip": ("·", "dim"),
}


def lines(result: Diagnosis) -> Iterator[Line]:
    told = [each for each in result.checks if each.level != "skip"]
    for group, findings in groupby(told, key=lambda each: each.group):
        yield [(group, "bold")]
        for finding in findings:
            yield from _finding(finding)
        yield []
    for probe in result.probes:
        yield from probe_lines(probe)
        yield []
    yield _summary(result)


def _finding(finding: Finding) -> Iterator[Line]:
    symbol, style = LOOK[finding.level]
    line: Line = [(f"  {symbol} ", style), _shown(finding.title)]
    if finding.detail:
        line.append((f"  ({_shown(finding.detail)})", "dim"))
    yield line
    if finding.fix:
        yield [("      fix: ", "dim"), (_shown(finding.fix.text), "cyan")]


def _shown(text: str) -> str:
    """In one line, harmless, and with ``~`` for the home folder, but where it is in quotes: no shell reads it there."""
    home = str(Path.home())
    return printable(text if home == "/" else re.sub(rf"(?<!'){re.escape(home + os.sep)}", "~" + os.sep, text))


def _summary(result: Diagnosis) -> Line:
    count = Counter(each.level for each in result.checks)
    parts = [counted(count["fail"], "problem")] if count["fail"] else []
    parts += [counted(count["warn"], "warning")] if count["warn"] else []
    if not parts:
        return [("✓ ", "green"), "everything is well"]
    skipped = f", {count['skip']} not checked because of them" if count["skip"] else ""
    symbol, style = LOOK["fail" if count["fail"] else "warn"]
    return [(f"{symbol} ", style), ", ".join(parts), (skipped, "dim")]
