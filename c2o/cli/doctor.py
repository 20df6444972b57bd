"""``c2o doctor``: everything is looked at, and each finding ends with its fix."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from c2o import __version__
from c2o.cli import output
from c2o.cli.output import JsonOption, Line
from c2o.doctor import CHECKS, Finding, Level, Machine, diagnose
from c2o.printable import printable
from c2o.service.lifecycle import counted

StrictOption = Annotated[bool, typer.Option("--strict", help="Fail on warnings too.")]
ProbeOption = Annotated[bool, typer.Option("--probe/--no-probe", help="Ask the upstreams, with a few tokens each.")]


class Diagnosis(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.doctor/1"
    ok: bool
    version: str = __version__
    checks: list[Finding]


def doctor(strict: StrictOption = False, probe: ProbeOption = True, as_json: JsonOption = False) -> None:
    """Check everything: configuration, port, service, upstreams and Claude's settings; say how to fix it."""
    checks = tuple(check for check in CHECKS if probe or check.group != "upstream")
    with output.progress() as tell:
        findings = list(diagnose(Machine(os.environ), checks=checks, tell=tell))
    fatal = {"fail", "warn"} if strict else {"fail"}
    result = Diagnosis(ok=not any(each.level in fatal for each in findings), checks=findings)
    output.show(result, lines, as_json=as_json)
    raise typer.Exit(0 if result.ok else 1)


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
    """In one line, harmless, and with ``~`` for the home folder."""
    home = str(Path.home())
    return printable(text if home == "/" else text.replace(home + os.sep, "~" + os.sep))


def _summary(result: Diagnosis) -> Line:
    count = Counter(each.level for each in result.checks)
    parts = [counted(count["fail"], "problem")] if count["fail"] else []
    parts += [counted(count["warn"], "warning")] if count["warn"] else []
    if not parts:
        return [("✓ ", "green"), "everything is well"]
    skipped = f", {count['skip']} not checked because of them" if count["skip"] else ""
    symbol, style = LOOK["fail" if count["fail"] else "warn"]
    return [(f"{symbol} ", style), ", ".join(parts), (skipped, "dim")]
