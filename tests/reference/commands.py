"""The page about all commands, made from the tree of commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from c2o.cli import program
from tests.reference.docstrings import cell

HEAD = """\
<!-- Made from c2o/cli by: python -m tests.reference -->

# Commands

All of them, with all options. Each also has `-h`, `--help`. The [README](../../README.md#commands) tells what they are
for, [json.md](json.md) what `--json` prints.
"""


def page() -> str:
    return "\n".join([HEAD, *_command(program.command(), "c2o")]) + "\n"


def _command(command: Any, path: str) -> Iterator[str]:
    inside = getattr(command, "commands", {})
    if path != "c2o" or command.params:
        yield f"## `{' '.join([path, *map(_argument, _arguments(command))])}`\n"
        yield f"{cell(command.help or '')}\n"
        if options := [each for each in command.params if not _is_argument(each) and not each.hidden]:
            yield "| option | |\n|---|---|"
            yield from (f"| {_names(each)} | {cell(each.help or '')}{_default(each)} |" for each in options)
            yield ""
    for name, each in inside.items():
        if not each.hidden:
            yield from _command(each, f"{path} {name}")


def _arguments(command: Any) -> list[Any]:
    return [each for each in command.params if _is_argument(each)]


def _is_argument(parameter: Any) -> bool:
    return not parameter.opts[0].startswith("-")


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name.upper()).strip("[]")
    name = name if parameter.nargs == 1 or name.endswith("...") else f"{name}..."
    return name if parameter.required else f"[{name}]"


WORDS = {"int range": "N", "<int>": "N", "<float>": "SECONDS", "<str>": "TEXT", "<path>": "PATH"}
"""For Typer's names of types, where an option has no word of its own."""


def _names(option: Any) -> str:
    value = "" if option.is_flag else f" {_value(option)}"
    return ", ".join(
        f"`{name}{value if name.startswith('--') else ''}`" for name in [*option.opts, *option.secondary_opts]
    )


def _value(option: Any) -> str:
    shown = option.metavar or option.display_type_rich(typer.Context(program.command())) or "VALUE"
    return WORDS.get(shown, shown).strip("<>").replace("|", "\\|")


def _default(option: Any) -> str:
    shown = not option.is_flag and option.default not in (None, "", []) and getattr(option, "show_default", True)
    return f" Otherwise: `{option.default}`." if shown else ""
