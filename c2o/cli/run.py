"""``c2o run``: start the service if need be, and become the command, with c2o as its Anthropic API."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from c2o import config, facts, paths
from c2o.claude.environment import environment
from c2o.claude.launch import become, find, with_settings
from c2o.claude.models import Models, choose
from c2o.claude.settings import managed_elsewhere
from c2o.claude.takeover import in_the_way
from c2o.cli import output
from c2o.cli.remembering import remember
from c2o.config import Config
from c2o.errors import NotRunning, Unhealthy
from c2o.instance import Instance
from c2o.service import following, lifecycle
from c2o.service.probe import look

ModelOption = Annotated[
    str | None,
    typer.Option(metavar="MODEL", show_default=False, help="A configured name, or upstream/model."),
]
UpstreamOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", show_default=False, help="Everything goes to this upstream."),
]
NoStartOption = Annotated[bool, typer.Option("--no-start", help="Fail if the service isn't running.")]
CommandArgument = Annotated[
    list[str] | None, typer.Argument(metavar="COMMAND", help="What to run; claude if nothing is given.")
]

FailureJsonOption = Annotated[
    bool, typer.Option("--json", callback=output.remember_json, is_eager=True, help="Tell of a failure in JSON.")
]

CONTEXT = {"allow_interspersed_args": False, "ignore_unknown_options": False}
"""What follows the command is the command's own."""


def run(
    command: CommandArgument = None,
    model: ModelOption = None,
    upstream: UpstreamOption = None,
    no_start: NoStartOption = False,
    as_json: FailureJsonOption = False,  # noqa: ARG001 - read where failures are shown
) -> None:
    """Run claude, or any other command, on c2o.

    Its exit code and signals are its own.
    """
    loaded = config.load(paths.config_file())
    arguments = command or ["claude"]
    file = find(arguments[0], os.environ.get("PATH", os.defpath))
    models = choose(loaded, model, upstream)
    there = running(loaded, start=not no_start)
    tell_of_keys(loaded, models)
    remember(loaded, model, upstream)
    inner = environment(there.url, loaded.server.auth_token, models, os.environ, facts.known())
    _tell_of_managed(there.url)
    become(file, with_settings(arguments, in_the_way(inner.set, paths.current_folder())), inner.onto(os.environ))


def _tell_of_managed(url: str) -> None:
    """The one thing that is stronger than we are."""
    for settings, found in managed_elsewhere(url):
        output.note(
            f"{settings.path} is managed by your organisation and sets {', '.join(found)}: Claude Code obeys it, and "
            "not c2o. Ask those who manage it."
        )


def tell_of_keys(loaded: Config, models: Models) -> None:
    """Of upstreams without a key that are to answer, and have no fallback that can."""
    report = look(loaded.server.auth_token).report
    lacking = {each.name: each.without_key for each in report.upstreams if each.without_key} if report else {}
    if not report or not lacking:
        return
    routes = [route for route in (models.main, *models.tiers.values(), models.long) if route]
    asked = [[each.name for each in (route, *route.fallbacks)] for route in routes]
    hints = [lacking[names[0]] for names in asked if lacking.keys() >= set(names)]
    for hint in (*dict.fromkeys(hints), *(lifecycle.set_since(report) if hints else ())):
        output.note(hint)


def running(loaded: Config, *, start: bool) -> Instance:
    """The service, verified: a stranger on its port must never see a prompt.

    Raises NotRunning, or why it can't start.
    """
    there = _started(loaded) if start else _found(loaded)
    return there if there.config_digest == loaded.digest else _following(there, loaded)


def _following(there: Instance, loaded: Config) -> Instance:
    """The same service, as soon as it has taken the configuration; if it doesn't, that is told."""
    seen = following.look(loaded)
    if refused := following.said(seen, following.BROKEN):
        output.note(refused)
    elif not following.works_with(seen, loaded):
        output.note("the configuration has changed, and the service doesn't follow; to apply it: c2o restart")
    return seen.instance or there


def _started(loaded: Config) -> Instance:
    with output.progress() as tell:
        return lifecycle.start(loaded, tell=tell).instance


def _found(loaded: Config) -> Instance:
    status = look(loaded.server.auth_token)
    if status.state == "running" and status.instance:
        return status.instance
    if status.state == "unhealthy":
        raise Unhealthy(f"the service runs, but isn't well. {status.why} Try: c2o restart")
    raise NotRunning(f"the service is {status.state}. Start it with: c2o start")
