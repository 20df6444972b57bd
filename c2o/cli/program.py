"""``c2o`` as a program: what was typed becomes a command, and a mistake in it a sentence."""

from __future__ import annotations

import re
import sys
from typing import Any

import typer
import typer.main

from c2o.cli import HELP, app, output
from c2o.errors import C2oError, Cancelled, UsageError

_Mistake: type[Exception] = typer.BadParameter.__mro__[2]
"""The base of everything that is wrong with what was typed; Typer's own module for it is private."""


def main() -> int:
    """Run the command that was given; its exit code.  Bugs show their traceback, everything else is a C2oError."""
    output.prepare()
    output.remember_json("--json" in sys.argv)
    try:
        return _run()
    except C2oError as error:
        return output.fail(error)


def _run() -> int:
    try:
        return command()(prog_name="c2o", standalone_mode=False) or 0
    except typer.Abort:
        raise Cancelled("cancelled.") from None
    except _Mistake as mistake:
        raise _in_words(mistake) from None


def command() -> Any:
    """The tree of commands, as Typer makes it, its flags shown without a type."""
    root = typer.main.get_command(app)
    _without_types(root)
    return root


def _without_types(command: Any) -> None:
    help_option = command.get_help_option(typer.Context(command, help_option_names=HELP))
    for option in (*command.params, *filter(None, [help_option])):
        if getattr(option, "is_flag", False):
            option.metavar = ""
    for inside in getattr(command, "commands", {}).values():
        _without_types(inside)


def _in_words(mistake: Any) -> C2oError:
    context = mistake.ctx
    if type(mistake).__name__ == "NoArgsIsHelpError":  # it has shown the help
        raise SystemExit(UsageError.exit_code)
    where = f" See: {context.command_path} --help" if context else ""
    said = mistake.format_message().replace("Value error, ", "")  # pydantic's, which Typer leaves to choose
    said = _POSSIBLE.sub(r". Did you mean \1?", said)
    return UsageError(f"{said}{'' if said.endswith(('.', '?')) else '.'}{where}")


_POSSIBLE = re.compile(r" \(Possible options?: (.+)\)$")
"""How Typer asks what was meant, of options."""
