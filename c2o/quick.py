"""The commands that people's shells wait for, answered before anything heavy is loaded.

A command here answers only what it can answer with certainty, exactly as its Typer command would: everything else
(an option that it doesn't know, a service that doesn't run, whatever is in doubt) it leaves to that one, without
having done anything.

Only json, os, socket, sys and C modules of Python's own may be loaded here: ``pathlib`` or ``typing`` each cost
as much as half of an interpreter's start.
"""

from __future__ import annotations

import sys

import c2o

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def answer(arguments: list[str]) -> int | None:
    """The exit code of a command that was answered; None leaves it to Typer."""
    command = COMMANDS.get(arguments[0]) if arguments else None
    if command is None or sys.platform == "win32" or sys.stdout is None or sys.stderr is None:
        return None
    return command(arguments[1:])


def _version(arguments: list[str]) -> int | None:
    if arguments:
        return None
    sys.stdout.write(f"c2o {c2o.__version__}\n")
    return 0


def _complete(arguments: list[str]) -> int:
    """For the completion scripts."""
    from c2o import quick_values  # noqa: PLC0415 - with the json that it needs, for it alone

    return quick_values.main(arguments)


COMMANDS: dict[str, Callable[[list[str]], int | None]] = {
    "--version": _version,
    "__complete": _complete,
}
"""What is answered here: given the arguments behind the name, the exit code, or None."""
