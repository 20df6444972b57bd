"""The ``c2o`` command.  Each of its commands is a file of its name, or, where it takes several, ``command`` in a folder
of its name (``trial`` is ``c2o test``).  Beside them:

- ``program``      what was typed becomes a command, and a mistake in it a sentence
- ``output``       what people and programs see: text, JSON, errors
- ``terminal``     questions to a person
- ``remembering``  what the next ``run``, ``env`` and ``status`` need to be quick

A command reads: load, do, show.  A new one is a file and a line below.  Nothing here loads the server: it is started
as a process.
"""

from __future__ import annotations

from typing import Annotated

import typer

import c2o
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

HELP = ["-h", "--help"]

app = typer.Typer(
    name="c2o",
    help="Claude Code, and everything that speaks the Anthropic API, on any OpenAI-compatible model.",
    add_completion=False,
    no_args_is_help=True,
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
    pass


app.command()(init)
app.command(context_settings=CONTEXT)(run)
app.command()(env)
app.command()(start)
app.command()(stop)
app.command()(restart)
app.command()(status)
app.command()(logs)
app.add_typer(trace, name="trace")
app.command()(serve)
app.command()(doctor)
app.command()(models)
app.command("test")(trial)
app.command()(usage)
app.command()(learned)
app.command()(upgrade)
app.command()(uninstall)
app.add_typer(claude, name="claude")
app.add_typer(config, name="config")
app.add_typer(service, name="service")
app.add_typer(completions.app, name="completions")
app.add_typer(demo, name="demo")
