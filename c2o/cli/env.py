"""``c2o env``: the variables that ``c2o run`` sets, for what people start themselves."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer
from msgspec import Struct

from c2o import config, facts, paths
from c2o.claude.environment import Environment, environment
from c2o.claude.models import choose
from c2o.cli import output
from c2o.cli.output import JsonOption
from c2o.cli.run import ModelOption, NoStartOption, UpstreamOption, running

Shell = Literal["bash", "fish", "pwsh"]
Format = Literal["shell", "dotenv", "json", "vscode"]

ShellOption = Annotated[
    Shell | None, typer.Option(show_default=False, help="Whose words to use; your shell's, if it isn't said.")
]
FormatOption = Annotated[Format, typer.Option(help="Commands for a shell, a .env file, JSON, or VS Code's settings.")]


class EnvResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.env/1"
    env: dict[str, str]
    unset: list[str]


def env(
    shell: ShellOption = None,
    format: FormatOption = "shell",
    model: ModelOption = None,
    upstream: UpstreamOption = None,
    no_start: NoStartOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print the environment in which any client finds c2o: eval "$(c2o env)"."""
    loaded = config.load(paths.config_file())
    models = choose(loaded, model, upstream)
    there = running(loaded, start=not no_start)
    found = environment(there.url, loaded.server.auth_token, models, os.environ, facts.known())
    if as_json or format == "json":
        output.show(EnvResult(env=found.set, unset=found.unset), lambda _: [], as_json=True)
        return
    sys.stdout.write(FORMATS.get(format, SHELLS[shell or _own_shell()])(found))


def _own_shell() -> Shell:
    name = Path(os.environ.get("SHELL", "")).name
    return name if name in ("fish", "pwsh") else "pwsh" if os.name == "nt" else "bash"  # type: ignore[return-value]


def _bash(found: Environment) -> str:
    lines = [f"unset {name}" for name in found.unset]
    return _joined([*lines, *(f"export {name}={shlex.quote(value)}" for name, value in found.set.items())])


def _fish(found: Environment) -> str:
    lines = [f"set -e {name}" for name in found.unset]
    return _joined([*lines, *(f"set -gx {name} {_fish_quoted(value)}" for name, value in found.set.items())])


def _pwsh(found: Environment) -> str:
    lines = [f"Remove-Item Env:{name} -ErrorAction SilentlyContinue" for name in found.unset]
    return _joined([*lines, *(f"$env:{name} = {_pwsh_quoted(value)}" for name, value in found.set.items())])


def _dotenv(found: Environment) -> str:
    """Such a file can't take a variable away; an empty one has the same effect."""
    values = {**dict.fromkeys(found.unset, ""), **found.set}
    return _joined([f"{name}={_dotenv_quoted(value)}" for name, value in values.items()])


def _dotenv_quoted(value: str) -> str:
    """Bare where it can be: ``docker --env-file`` takes quotes for a part of the value."""
    return value if re.fullmatch(r"[\w./:@,+*%=\[\] -]*", value, re.ASCII) else json.dumps(value)


def _vscode(found: Environment) -> str:
    """What its extension starts Claude Code with: https://code.claude.com/docs/en/vs-code.  Comments are allowed there.

    The extension asks for a login unless it is told not to.
    """
    values = {**dict.fromkeys(found.unset, ""), **found.set}
    rows = ",\n".join(f"    {json.dumps({'name': name, 'value': value})}" for name, value in values.items())
    return f"""\
// For VS Code: "Preferences: Open User Settings (JSON)" in its command palette, which opens
//   {_vscode_settings()}
// Paste this inside the outermost braces, with a comma before and after where there are other settings.
// For a window on another machine it is "Open Remote Settings (JSON)", with a c2o on that machine.
"claudeCode.disableLoginPrompt": true,
"claudeCode.environmentVariables": [
{rows}
]
"""


def _vscode_settings() -> str:
    """https://code.visualstudio.com/docs/configure/settings"""
    places = {
        "darwin": "~/Library/Application Support/Code/User/settings.json",
        "win32": r"%APPDATA%\Code\User\settings.json",
    }
    return places.get(sys.platform, "~/.config/Code/User/settings.json")


def _fish_quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _pwsh_quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


SHELLS: dict[str, Callable[[Environment], str]] = {"bash": _bash, "fish": _fish, "pwsh": _pwsh}

FORMATS: dict[str, Callable[[Environment], str]] = {"dotenv": _dotenv, "vscode": _vscode}
