"""What a change of Claude's settings did, for ``c2o claude`` and ``c2o stop``, and who hangs on them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec import Struct

from c2o import instance, paths
from c2o.claude import takeover
from c2o.claude.takeover import Changed
from c2o.cli import output
from c2o.cli.output import Line
from c2o.errors import RefusedFile
from c2o.instance import Instance
from c2o.printable import printable
from c2o.secret import Secret
from c2o.service import sessions


class ChangedFile(Struct, frozen=True, kw_only=True):
    path: str
    scope: str
    changed: bool
    exact: bool
    """``off``: byte for byte as it was before c2o."""
    left: list[str]
    """``off``: variables that somebody else had changed; they were left alone."""
    diff: str | None = None
    """With --dry-run; keys and tokens are hidden."""


class SessionShown(Struct, frozen=True):
    pid: int
    name: str
    folder: str | None


class ClaudeChange(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.claude/1"
    action: Literal["on", "off"]
    url: str | None
    dry_run: bool
    files: list[ChangedFile]
    sessions: list[SessionShown]
    """Clients that these files, or their environment, lead to c2o now."""


def file(changed: Changed, *, dry_run: bool = False) -> ChangedFile:
    return ChangedFile(
        path=str(changed.path),
        scope=changed.scope,
        changed=changed.changed,
        exact=changed.exact,
        left=list(changed.left),
        diff=diff(changed.path, changed.before, changed.after) if dry_run else None,
    )


SECRET = re.compile(
    r'("[^"]*(?:TOKEN|KEY|SECRET|PASSWORD|HEADERS|CREDENTIAL)[^"]*"\s*:\s*)"((?:[^"\\]|\\.)+)"', re.IGNORECASE
)


def diff(path: Path, old: bytes | None, new: bytes | None) -> str:
    """What changes in a settings file, with keys and tokens hidden, theirs and ours."""
    before, after = ((data or b"").decode("utf-8-sig").splitlines() for data in (old, new))
    name = output.short(path)
    lines = difflib.unified_diff(before, after, name, name, lineterm="", n=1)
    return "\n".join(SECRET.sub(_hidden, line) for line in lines)


def _hidden(match: re.Match[str]) -> str:
    return f'{match[1]}"{Secret(match[2]).hint()}"'


def attached(there: Instance | None, files: list[Path]) -> list[SessionShown]:
    found = sessions.attached(there.port if there else 0, [paths.real(path) for path in files])
    return [SessionShown(each.pid, each.name, each.folder) for each in found]


class PutBack(NamedTuple):
    """What was done, and whom it concerns."""

    files: list[ChangedFile]
    sessions: list[SessionShown]
    """Clients that will miss it."""
    refused: RefusedFile | None
    """A file that couldn't be put back."""


def put_back(led_here: list[Path] | None = None, *, keep: bool = False, dry_run: bool = False) -> PutBack:
    """Claude's settings, as they were before they led to c2o: these files, or all that do."""
    led_here = takeover.patched() if led_here is None else led_here
    there = instance.read() if instance.running() else None
    found = attached(there, led_here) if there or led_here else []
    done = [] if keep else list(takeover.all_off(led_here, dry_run=dry_run))
    refused = next((each for each in done if isinstance(each, RefusedFile)), None)
    return PutBack([file(each, dry_run=dry_run) for each in done if isinstance(each, Changed)], found, refused)


def lines(result: ClaudeChange) -> Iterator[Line]:
    if not result.files:
        yield [("○ ", "dim"), "Claude's settings don't lead to c2o"]
    if result.dry_run:
        for each in result.files:
            yield from output.diff(each.diff or f"{output.short(each.path)}: nothing to change")
    elif result.action == "on":
        yield from (_on(each, result.url or "") for each in result.files)
        yield from _running(result.sessions, "a running session follows at its next request:")
    else:
        yield from off_lines(result.files, result.sessions)


def _on(each: ChangedFile, url: str) -> Line:
    verb = "leads" if each.changed else "already leads"
    how = f" {verb} plain claude to c2o at "
    return [("✓ ", "green"), (output.short(each.path), "bold"), how, (url, "cyan"), ("   undo: c2o claude off", "dim")]


def off_lines(files: list[ChangedFile], found: list[SessionShown]) -> Iterator[Line]:
    for each in files:
        how = "as it was, to the byte" if each.exact else "c2o's variables are out of it; the rest stays"
        yield [("↺ ", "green"), (output.short(each.path), "bold"), f" put back  ({how})"]
        if each.left:
            yield [("! ", "yellow"), f"changed by somebody else since, so they stay: {', '.join(each.left)}"]
    yield from _running(found, "until it is started again, this one goes on with c2o:")


def _running(found: list[SessionShown], words: str) -> Iterator[Line]:
    """Removed variables stay in a running session (https://code.claude.com/docs/en/settings)."""
    for each in found:
        where = f", in {output.short(each.folder)}" if each.folder else ""
        yield [("! ", "yellow"), f"{words} {printable(each.name)} (pid {each.pid}{where})"]
