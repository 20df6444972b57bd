"""``c2o doctor --fix``: what can be put right is shown, asked about, and done."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator

from msgspec import Struct

from c2o.claude import journal, settings_file
from c2o.cli import output, terminal
from c2o.cli.claude.change import diff
from c2o.doctor import Finding, Machine, mending
from c2o.doctor.mending import Edit
from c2o.errors import C2oError
from c2o.printable import printable


class Fixed(Struct, frozen=True):
    """What was done about a finding, or would be."""

    id: str
    what: str
    """The command, or the file that was changed."""
    done: bool
    problem: str = ""


def mend(machine: Machine, findings: list[Finding], *, sure: bool) -> list[Fixed]:
    """Go through what can be fixed; each is shown, and done if the person agrees or is ``sure``."""
    wrong = [each for each in findings if each.level in ("fail", "warn")]
    fixed = [*_edited(machine, wrong, sure=sure), *_commanded(wrong, sure=sure)]
    if not fixed:
        output.note("there is nothing here that c2o can put right by itself.")
    return fixed


def _edited(machine: Machine, wrong: list[Finding], *, sure: bool) -> Iterator[Fixed]:
    for id in dict.fromkeys(each.id for each in wrong):
        for edit in mending.edits(machine, id):
            for line in output.diff(diff(edit.path, edit.before, edit.after)):
                output.talk(line)
            agreed = _agreed(f"Write this to {output.short(edit.path)}?", sure=sure)
            yield Fixed(id, str(edit.path), agreed, _written(edit) if agreed else "")


def _written(edit: Edit) -> str:
    """Why it couldn't be; empty if it is done.  The old content stays beside c2o's state."""

    def change(found: bytes | None) -> bytes:
        if found != edit.before:
            raise ValueError("has just been changed by somebody else")
        return edit.after

    try:
        journal.back_up(edit.path.resolve(), edit.before)
        settings_file.rewrite(edit.path, change)
    except C2oError as error:
        output.note(str(error))
        return str(error)
    return ""


def _commanded(wrong: list[Finding], *, sure: bool) -> Iterator[Fixed]:
    commands = {each.fix.command: each.id for each in wrong if each.fix and each.fix.safe and each.fix.command}
    for command, id in commands.items():
        if id in mending.MENDERS:
            continue
        output.talk([("$ ", "dim"), (printable(command), "cyan")])
        agreed = _agreed("Run this?", sure=sure)
        yield Fixed(id, command, agreed, _run(command) if agreed else "")


def _run(command: str) -> str:
    words = shlex.split(command)
    ours = [sys.executable, "-m", "c2o"] if words[0] == "c2o" else words[:1]
    try:
        done = subprocess.run([*ours, *words[1:]], stdout=sys.stderr, check=False)  # noqa: S603 - one of our own fixes
    except OSError as error:
        return str(error.strerror)
    return f"it ended with code {done.returncode}" if done.returncode else ""


def _agreed(question: str, *, sure: bool) -> bool:
    """Without a terminal nobody can agree: then it is only shown."""
    return sure or (terminal.present() and terminal.confirm(question, default=False))
