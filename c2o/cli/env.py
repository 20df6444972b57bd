"""``c2o env``: the variables that ``c2o run`` sets, for what people start themselves."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from typing import Annotated, Literal

import typer
from msgspec import Struct

from c2o import config, paths
from c2o.claude.environment import Environment, environment
from c2o.cli import output
from c2o.cli.output import JsonOption
from c2o.cli.run import ModelOption, NoStartOption, UpstreamOption, running

Shell = Literal["bash", "fish", "pwsh"]
Format = Literal["shell", "dotenv", "json"]

ShellOption = Annotated[Shell, typer.Option(help="Whose words to use.")]
FormatOption = Annotated[Format, typer.Option(help="Commands for a shell, a .env file, or JSON.")]


class EnvResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.env/1"
    env: dict[str, str]
    unset: list[str]


def env(
    shell: ShellOption = "bash",
    format: FormatOption = "shell",
    model: ModelOption = None,
    upstream: UpstreamOption = None,
    no_start: NoStartOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print the environment in which any client finds c2o: eval "$(c2o env)"."""
    loaded = config.load(paths.config_file())
    there = running(loaded, start=not no_start)
    found = environment(loaded, there.port, os.environ, model=model, upstream=upstream)
    if as_json or format == "json":
        output.show(EnvResult(env=found.set, unset=found.unset), lambda _: [], as_json=True)
        return
    sys.stdout.write(_dotenv(found) if format == "dotenv" else SHELLS[shell](found))


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
    return _joined([f"{name}={json.dumps(value)}" for name, value in found.set.items()])


def _fish_quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _pwsh_quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


SHELLS: dict[str, Callable[[Environment], str]] = {"bash": _bash, "fish": _fish, "pwsh": _pwsh}
