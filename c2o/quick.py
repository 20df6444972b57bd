"""The commands that people's shells wait for, answered before anything heavy is loaded.

A command here answers only what it can answer with certainty, exactly as its Typer command would: everything else
(an option that it doesn't know, a service that doesn't run, whatever is in doubt) it leaves to that one, without
having done anything.  ``c2o.prompt`` has what they do; ``tests/test_quick.py`` compares the two.

Only json, os, socket, sys and C modules of Python's own may be loaded here: ``pathlib`` or ``typing`` each cost
as much as half of an interpreter's start.
"""

from __future__ import annotations

import os
import sys

import c2o

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Prepare = Callable[[list[str]], Callable[[], int]]


def answer(arguments: list[str]) -> int | None:
    """The exit code of a command that was answered; None leaves it to Typer."""
    command = COMMANDS.get(arguments[0]) if arguments else None
    if command is None or sys.platform == "win32" or None in (sys.stdin, sys.stdout, sys.stderr):
        return None
    if "_C2O_COMPLETE" in os.environ:  # click's own way to ask for completions
        return None
    return command(arguments[1:])


def _version(arguments: list[str]) -> int | None:
    return None if arguments else _done(lambda _: _say_version, arguments)


def _say_version() -> int:
    sys.stdout.write(f"c2o {c2o.__version__}\n")
    sys.stdout.flush()
    return 0


def _complete(arguments: list[str]) -> int:
    """For the completion scripts."""
    from c2o import quick_values  # noqa: PLC0415 - with the json that it needs, for it alone

    return quick_values.main(arguments)


def _status(arguments: list[str]) -> int | None:
    from c2o.prompt.status import prepared  # noqa: PLC0415 - each command loads what it needs

    return _done(prepared, arguments)


def _env(arguments: list[str]) -> int | None:
    from c2o.prompt.client import prepared_env  # noqa: PLC0415

    return _done(prepared_env, arguments)


def _run(arguments: list[str]) -> int | None:
    from c2o.prompt.client import prepared_run  # noqa: PLC0415

    return _done(prepared_run, arguments)


def _done(prepare: Prepare, arguments: list[str]) -> int | None:
    """Nothing is done as long as anything can be in doubt."""
    try:
        deed = prepare(arguments)
    except KeyboardInterrupt:
        return 130
    except Exception:
        return None
    try:
        return deed()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # as Typer takes it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError:  # nothing was written, or the system refuses the program: Typer's command says why
        return None


COMMANDS: dict[str, Callable[[list[str]], int | None]] = {
    "--version": _version,
    "__complete": _complete,
    "status": _status,
    "env": _env,
    "run": _run,
}
"""What is answered here: given the arguments behind the name, the exit code, or None."""
