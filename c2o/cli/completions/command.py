"""``c2o completions``: have the shell complete commands, options and values."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from c2o.cli import output
from c2o.cli.completions import files
from c2o.cli.completions.files import SHELLS, Shell, place
from c2o.cli.output import JsonOption, Line
from c2o.errors import UsageError
from c2o.service import processes

app = typer.Typer(help="Have your shell complete commands, options and values.", no_args_is_help=True)

ShellArgument = Annotated[
    Shell | None,
    typer.Argument(metavar="[bash|zsh|fish]", show_default=False, help="Your shell, if it isn't said."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Also over a file that isn't c2o's, or that was changed.")]


class Installed(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.completions-install/1"
    shell: Shell
    path: str
    changed: bool
    """False if the file was like this before; with ``--dry-run``, whether it would be changed."""
    dry_run: bool
    startup: str | None
    """The shell's startup file, which needs ``lines``; null if the shell finds the script as it is."""
    lines: list[str]


class Shown(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.completions-show/1"
    shell: Shell
    script: str


class Removed(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.completions-uninstall/1"
    removed: list[str]
    kept: list[str]
    """What a person has changed."""


@app.command()
def install(
    shell: ShellArgument = None, dry_run: DryRunOption = False, force: ForceOption = False, as_json: JsonOption = False
) -> None:
    """Put the completions where your shell looks for them; saying it again renews them."""
    output.show(installed(shell or own_shell(), dry_run=dry_run, force=force), _installed, as_json=as_json)


@app.command()
def show(shell: ShellArgument = None, as_json: JsonOption = False) -> None:
    """Print the completions, to put them anywhere yourself."""
    result = Shown(shell=shell or own_shell(), script=script(shell or own_shell()))
    if as_json:
        output.show(result, lambda _: [], as_json=True)
    else:
        sys.stdout.write(result.script)


@app.command()
def uninstall(as_json: JsonOption = False) -> None:
    """Take away what install has written; never a file that isn't c2o's."""
    gone = files.remove()
    result = Removed(removed=list(map(str, gone)), kept=list(map(str, files.edited())))
    output.show(result, _removed, as_json=as_json)


def installed(shell: Shell, *, dry_run: bool = False, force: bool = False) -> Installed:
    """Install them, for ``c2o init`` too.  Raises RefusedFile for a file that isn't ours or can't be written."""
    where = place(shell)
    text = script(shell)
    files.check(where.path, force=force)
    changed = _differs(where.path, text) if dry_run else files.put(where.path, text, force=force)
    return Installed(
        shell=shell,
        path=str(where.path),
        changed=changed,
        dry_run=dry_run,
        startup=str(where.startup) if where.startup else None,
        lines=list(where.lines),
    )


def wanted() -> Shell | None:
    """The shell that we were called from, if it has no completions of c2o yet: for ``c2o init`` to offer them."""
    try:
        shell = own_shell()
    except UsageError:
        return None
    return None if files.there(shell) else shell


def script(shell: Shell) -> str:
    from c2o.cli.completions.scripts import of  # noqa: PLC0415 - it is made of all commands, this one too

    return of(shell)


def own_shell() -> Shell:
    """The shell that we were called from, or the person's.  Raises UsageError."""
    names = (*processes.ancestors(), Path(os.environ.get("SHELL", "")).name)
    for name in (name.lstrip("-") for name in names):
        if name in SHELLS:
            return name
    raise UsageError(f"your shell isn't one that c2o knows. Say which: c2o completions install {'|'.join(SHELLS)}")


def _differs(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") != text
    except (OSError, ValueError):
        return True


def _installed(result: Installed) -> Iterator[Line]:
    file = (output.short(result.path), "bold")
    if not result.changed:
        yield [("✓ ", "green"), f"{result.shell} has the completions of this version  ", (str(file[0]), "dim")]
    elif result.dry_run:
        yield [("- ", "dim"), "would write ", file]
    else:
        yield [("✓ ", "green"), "wrote ", file]
    yield from _next(result)


def _next(result: Installed) -> Iterator[Line]:
    if result.startup:
        yield [f"  for {result.shell} to find it, add to ", (output.short(result.startup), "bold"), ":"]
        for line in result.lines:
            yield ["    ", (line, "cyan")]
    if result.changed and not result.dry_run:
        yield ["  then open a new shell, and press Tab behind ", ("c2o ", "bold")]


def _removed(result: Removed) -> Iterator[Line]:
    for path in result.removed:
        yield [("✓ ", "green"), "removed ", (output.short(path), "bold")]
    if not result.removed:
        yield [("○ ", "dim"), "there is nothing of c2o's to remove"]
    for path in result.kept:
        yield [("! ", "yellow"), f"{output.short(path)} stays: it was changed.  To remove it: rm {output.short(path)}"]
