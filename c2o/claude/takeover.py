"""Leading a plainly started Claude Code to c2o by its settings, and back again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Literal, NamedTuple

from c2o import paths
from c2o.claude import journal, patch, settings, settings_file
from c2o.claude.journal import Entry
from c2o.claude.patch import Variables
from c2o.errors import RefusedFile
from c2o.variables import SUGGESTED, suggestions

Scope = Literal["user", "project"]


class Changed(NamedTuple):
    """One settings file, before and after."""

    path: Path
    scope: str
    before: bytes | None
    after: bytes | None
    left: tuple[str, ...] = ()
    """Variables that somebody else had changed; they were left alone."""
    exact: bool = False
    """Byte for byte as it was before c2o."""

    @property
    def changed(self) -> bool:
        return self.before != self.after


def place(scope: Scope, folder: Path) -> Path:
    """The file of a scope.

    A project's is the person's own: the one that is shared is committed, and a token has no business there.
    """
    return paths.claude_settings_file() if scope == "user" else paths.claude_local_settings_file(folder)


def on(path: Path, scope: Scope, variables: Variables, *, dry_run: bool = False) -> Changed:
    """Lead to c2o whoever reads this file.  Saying it twice brings it up to date.  Raises RefusedFile, C2oError."""
    real = settings_file.resolved(path)
    seen: list[bytes | None] = []

    def change(data: bytes | None) -> bytes:
        entry = journal.find(real)
        new, record = patch.applied(data, variables, entry.record if entry else None)
        if new != data and not seen and not dry_run:
            journal.back_up(real, data)
        if (new != data or entry is None) and not dry_run:
            journal.put(path, real, scope, record)
        seen.append(data)
        return new

    with _alone(dry_run=dry_run):
        after = _rewritten(path, real, change, dry_run=dry_run)
    return Changed(path, scope, seen[0], after)


def off(path: Path, *, dry_run: bool = False) -> Changed:
    """Put a file back as it was: byte for byte if nobody else wrote since, otherwise variable by variable.

    Raises RefusedFile, C2oError.
    """
    real = settings_file.resolved(path)
    seen: list[bytes | None] = []
    done = patch.Undone(None, [])

    def change(data: bytes | None) -> bytes | None:
        nonlocal done
        entry = journal.find(real)
        done = patch.undone(data, entry.record) if entry else patch.Undone(data, [])
        new = patch.recognised(done.data)
        if new != data and not seen and not dry_run:
            journal.back_up(real, data)
        seen.append(data)
        return new

    with _alone(dry_run=dry_run):
        after = _rewritten(path, real, change, dry_run=dry_run)
        entry = journal.find(real)
        if not dry_run:
            journal.drop(real)
    exact = entry is not None and after == entry.record.original
    return Changed(path, entry.scope if entry else "user", seen[0], after, tuple(done.left), exact)


def _alone(*, dry_run: bool) -> AbstractContextManager[object]:
    """A file and its record change together: no other c2o may come in between.  Raises C2oError."""
    return nullcontext() if dry_run else journal.lock()


def _rewritten(path: Path, real: Path, change: settings_file.Change, *, dry_run: bool) -> bytes | None:
    """What the file holds then, or would."""
    if not dry_run:
        return settings_file.rewrite(path, change)
    try:
        return change(settings_file.read(real))
    except ValueError as error:
        raise settings_file.unreadable(path, error) from None


def patched(scope: Scope | None = None, folder: Path | None = None) -> list[Path]:
    """The files that lead to c2o by our doing; of one scope, or all.

    Each by the name it was given, unless that is a link which leads elsewhere now.
    The person's own settings count even where the record of them is lost, if they look like ours.
    """
    own = place(scope or "user", folder or paths.current_folder())
    named = {Path(entry.real): Path(entry.path) for entry in journal.entries()}
    if _looks_like_ours(own):
        named.setdefault(paths.real(own), own)
    return [
        path if path.exists() and paths.real(path) == real else real
        for real, path in named.items()
        if scope is None or path == own or real == paths.real(own)
    ]


def _looks_like_ours(path: Path) -> bool:
    with suppress(OSError, ValueError):
        return patch.is_ours(patch.Document.of(path.read_bytes()).env_strings())
    return False


def in_the_way(wanted: Mapping[str, str], project: Path) -> dict[str, str]:
    """What settings of ours say otherwise than ``wanted``, as it should be; an empty value is none.

    With CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST the environment decides about endpoint and models, but a window or a
    time limit in a settings file is still stronger (seen with 2.1.197 and 2.1.329).
    """
    found: dict[str, str] = {}
    for each in settings.in_scopes(project):
        env = each.settings.env
        names = [SUGGESTED, *suggestions(env)] if patch.is_ours(env) else []
        found |= {name: wanted.get(name, "") for name in names if env.get(name, "") != wanted.get(name, "")}
    return found


def all_off(found: list[Path], *, dry_run: bool = False) -> Iterator[Changed | RefusedFile]:
    """Put them all back; one that can't be doesn't keep the others from it."""
    for path in found:
        try:
            yield off(path, dry_run=dry_run)
        except RefusedFile as error:
            yield error


def entry_of(path: Path) -> Entry | None:
    """What is recorded of a file."""
    return journal.find(paths.real(path))
