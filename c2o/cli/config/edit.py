"""A person's editor on a copy of the configuration, which takes its place only when it is valid."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from c2o.cli import terminal
from c2o.cli.config import file
from c2o.cli.config.file import Change
from c2o.errors import C2oError, Cancelled, ConfigError, RefusedFile, UsageError
from c2o.printable import printable_lines

USUAL = ("sensible-editor", "nano", "vim", "vi")
"""Looked for where no variable names one."""


def edit(path: Path) -> Change:
    """Let the person edit until it is valid, or they give up.  Raises Cancelled, ConfigError, RefusedFile."""
    text = file.read(path)
    command = _editor()
    with tempfile.TemporaryDirectory(prefix="c2o-") as folder:  # 0700: what editors leave beside the copy goes with it
        copy = Path(folder, path.name)
        copy.touch(0o600)
        copy.write_bytes(text.encode())
        while True:
            _run(command, copy)
            try:
                return file.change(path, _replacing(text, file.read(copy)))
            except ConfigError as error:
                _go_on(error, "Go on editing?")
            except RefusedFile as error:
                _go_on(error, "Go on editing? What you save then replaces it.")
                text = file.read(path)


def _editor() -> list[str]:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    try:
        command = shlex.split(named) if named else [name for name in USUAL if shutil.which(name)][:1]
    except ValueError:
        command = []
    if not command or not (named or terminal.present()):
        raise UsageError("there is no editor to start. Name one: export EDITOR=nano")
    return command


def _run(command: list[str], copy: Path) -> None:
    try:
        done = subprocess.run([*command, copy], stdout=_screen(), check=False)  # noqa: S603 - the person's own editor
    except OSError as error:
        raise UsageError(f"{command[0]} can't be started: {error.strerror}. Name another: export EDITOR=nano") from None
    if done.returncode:
        raise C2oError(f"{command[0]} ended with code {done.returncode}, so nothing was changed. Try again.")


def _screen() -> int | None:
    """stdout is for the result; an editor is talk."""
    return None if sys.stdout.isatty() else sys.stderr.fileno()


def _replacing(before: str, after: str) -> Callable[[str], str]:
    def replace(now: str) -> str:
        if now != before:
            raise RefusedFile(
                "the configuration was changed by another while you edited. Edit it anew: c2o config edit"
            )
        return after

    return replace


def _go_on(error: C2oError, question: str) -> None:
    """Raises the error where nobody can be asked, and Cancelled if the person has had enough."""
    if not terminal.present():
        raise error
    terminal.say(("✗ ", "red"), printable_lines(str(error)))
    try:
        more = terminal.confirm(question, default=True)
    except (EOFError, KeyboardInterrupt):
        more = False
    if not more:
        raise Cancelled("nothing was changed. Begin again with: c2o config edit")
