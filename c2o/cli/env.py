"""``c2o env``: the variables that ``c2o run`` sets, for what people start themselves."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer
from msgspec import Struct

from c2o import config, env_text, facts, paths
from c2o.claude.environment import environment
from c2o.claude.models import choose
from c2o.cli import output
from c2o.cli.output import JsonOption
from c2o.cli.remembering import remember
from c2o.cli.run import ModelOption, NoStartOption, UpstreamOption, running, tell_of_keys

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
    """Print the environment in which any client finds c2o.

    Use it with: eval "$(c2o env)".
    """
    loaded = config.load(paths.config_file())
    models = choose(loaded, model, upstream)
    there = running(loaded, start=not no_start)
    tell_of_keys(loaded, models)
    remember(loaded, model, upstream)
    found = environment(there.url, loaded.server.auth_token, models, os.environ, facts.known())
    if as_json or format == "json":
        output.show(EnvResult(env=found.set, unset=found.unset), lambda _: [], as_json=True)
        return
    print(env_text.text(found.set, found.unset, format=format, shell=shell), end="", flush=True)
