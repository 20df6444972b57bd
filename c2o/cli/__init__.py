"""The ``c2o`` command.  Each of its commands is a file of its name, or, where it takes several, ``command`` in a folder
of its name (``trial`` is ``c2o test``).  Beside them:

- ``program``      what was typed becomes a command, and a mistake in it a sentence
- ``output``       what people and programs see: text, JSON, errors
- ``terminal``     questions to a person
- ``messages``     a request to the running service, as a client sends it
- ``signals``      those that mean something else for a while
- ``remembering``  what the next ``run``, ``env`` and ``status`` need to be quick

A command reads: load, do, show.  A new one is a file and a line below.  Nothing here loads the server: it is started
as a process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

import c2o
from c2o import paths
from c2o.cli import output
from c2o.cli.claude.command import app as claude
from c2o.cli.completions import command as completions
from c2o.cli.config.command import app as config
from c2o.cli.demo.command import app as demo
from c2o.cli.doctor.command import doctor
from c2o.cli.env import env
from c2o.cli.init.command import init
from c2o.cli.learned import learned
from c2o.cli.logs.command import logs
from c2o.cli.models.command import models
from c2o.cli.output import Line
from c2o.cli.restart import restart
from c2o.cli.run import CONTEXT, run
from c2o.cli.serve import serve
from c2o.cli.service import app as service
from c2o.cli.start import start
from c2o.cli.status import status
from c2o.cli.stop import stop
from c2o.cli.trace.command import app as trace
from c2o.cli.trial.command import trial
from c2o.cli.uninstall.command import uninstall
from c2o.cli.upgrade import upgrade
from c2o.cli.usage.command import usage
from c2o.errors import UsageError

HELP = ["-h", "--help"]

app = typer.Typer(
    name="c2o",
    help="Claude Code, and everything that speaks the Anthropic API, on any OpenAI-compatible model.",
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": HELP},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"c2o {c2o.__version__}")
        raise typer.Exit


def _install_completion(asked: bool) -> None:
    if asked:
        completions.install()
        raise typer.Exit


def _show_completion(asked: bool) -> None:
    if asked:
        completions.show()
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    install_completion: Annotated[
        bool,
        typer.Option(
            "--install-completion",
            callback=_install_completion,
            is_eager=True,
            help="The same as: c2o completions install.",
        ),
    ] = False,
    show_completion: Annotated[
        bool,
        typer.Option(
            "--show-completion", callback=_show_completion, is_eager=True, help="The same as: c2o completions show."
        ),
    ] = False,
) -> None:
    del version, install_completion, show_completion  # their callbacks have done it
    if context.invoked_subcommand is None:
        for line in first_steps():
            output.say(line)
        raise typer.Exit(UsageError.exit_code)


def first_steps() -> Iterator[Line]:
    """For who says ``c2o`` alone: on the smallest screen what to begin with is still in sight."""
    yield [("c2o ", "bold"), (f"{c2o.__version__}  Claude Code on any OpenAI-compatible model", "dim")]
    yield []
    for command, what in FIRST_STEPS.items():
        yield [(f"  {command:16}", "bold"), f"  {what}"]
    yield []
    if not paths.config_file().exists():
        yield ["It isn't set up yet. Begin with: ", ("c2o init", "bold")]
    yield ["All commands: ", ("c2o --help", "bold")]


FIRST_STEPS = {
    "c2o init": "set it up: finds what is here, asks little, tries it",
    "c2o run claude": "Claude Code, on that model",
    "c2o status": "where the service runs, and with which models",
    "c2o doctor": "what is wrong, and how to fix it",
    "c2o demo": "see it work on a scripted upstream, without a key",
}

BEGIN, LOOK, SERVICE, ITSELF = "Begin", "Look and try", "The service", "c2o itself"
"""Under which heading a command is listed."""


app.command(rich_help_panel=BEGIN)(init)
app.command(context_settings=CONTEXT, rich_help_panel=BEGIN)(run)
app.command(rich_help_panel=BEGIN)(env)
app.add_typer(claude, name="claude", rich_help_panel=BEGIN)
app.add_typer(demo, name="demo", rich_help_panel=BEGIN)
app.command(rich_help_panel=LOOK)(status)
app.command(rich_help_panel=LOOK)(doctor)
app.command(rich_help_panel=LOOK)(logs)
app.command(rich_help_panel=LOOK)(models)
app.command("test", rich_help_panel=LOOK)(trial)
app.command(rich_help_panel=LOOK)(usage)
app.command(rich_help_panel=LOOK)(learned)
app.add_typer(trace, name="trace", rich_help_panel=LOOK)
app.command(rich_help_panel=SERVICE)(start)
app.command(rich_help_panel=SERVICE)(stop)
app.command(rich_help_panel=SERVICE)(restart)
app.command(rich_help_panel=SERVICE)(serve)
app.add_typer(service, name="service", rich_help_panel=SERVICE)
app.add_typer(config, name="config", rich_help_panel=ITSELF)
app.add_typer(completions.app, name="completions", rich_help_panel=ITSELF)
app.command(rich_help_panel=ITSELF)(upgrade)
app.command(rich_help_panel=ITSELF)(uninstall)
