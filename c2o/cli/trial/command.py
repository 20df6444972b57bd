"""``c2o test``: real requests through the running service, as a client makes them; what comes of each, and how fast."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Annotated, Literal

import typer
from msgspec import Struct

from c2o import __version__, config, paths, routing
from c2o.claude.models import choose
from c2o.cli import output
from c2o.cli.output import JsonOption, Line
from c2o.cli.run import NoStartOption, running
from c2o.cli.trial.abilities import NEEDED, TRIALS, Failed, Shown
from c2o.cli.trial.client import Client
from c2o.config import Config
from c2o.errors import CredentialError, RequestError, UpstreamError, UsageError
from c2o.instance import Instance
from c2o.printable import printable
from c2o.routing import TIERS, Route
from c2o.translate.answers import without_id
from c2o.wire.log import Finished

ModelArgument = Annotated[
    str | None,
    typer.Argument(metavar="[MODEL]", show_default=False, help="A tier, a configured name, or upstream/model."),
]
AllOption = Annotated[bool, typer.Option("--all", help="Each model that [models] names.")]
TextOption = Annotated[bool, typer.Option("--text", help="Only what is named: a whole answer.")]
StreamOption = Annotated[bool, typer.Option("--stream", help="A streamed answer.")]
ToolsOption = Annotated[bool, typer.Option("--tools", help="A tool call and its result, and two calls at once.")]
ThinkingOption = Annotated[bool, typer.Option("--thinking", help="Thinking that can be seen.")]
ImageOption = Annotated[bool, typer.Option("--image", help="An image.")]


class Tried(Struct, frozen=True, kw_only=True):
    """One ability."""

    name: str
    verdict: Literal["yes", "partly", "no", "failed", "untried"]
    detail: str
    """A sentence."""
    helped: list[str] = []
    """What c2o mended or left out."""
    answered_by: str | None = None
    """``upstream/model``, if it is another than what was asked for: by a route, or as a fallback."""
    first_seconds: float | None = None
    """Until the first piece of content; of the last of its requests."""
    seconds: float | None = None
    """Of all its requests."""
    tokens_per_second: float | None = None
    request_ids: list[str] = []
    """``c2o logs --request ID`` explains them."""
    error_type: str | None = None
    """Anthropic's, of a failed one."""


class ModelTrial(Struct, frozen=True, kw_only=True):
    asked: str
    """The name that the service was asked for."""
    target: str
    """``upstream/model``: where that leads."""
    tried: list[Tried]


class TrialResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.test/1"
    ok: bool
    version: str = __version__
    url: str
    models: list[ModelTrial]


def trial(
    *,
    model: ModelArgument = None,
    all: AllOption = False,
    text: TextOption = False,
    stream: StreamOption = False,
    tools: ToolsOption = False,
    thinking: ThinkingOption = False,
    image: ImageOption = False,
    no_start: NoStartOption = False,
    as_json: JsonOption = False,
) -> None:
    """Try a model through the service with a few short requests.

    Text, stream, tools, thinking, image.
    """
    loaded = config.load(paths.config_file())
    wanted = {"text": text, "stream": stream, "tools": tools, "parallel": tools, "thinking": thinking, "image": image}
    named = [name for name in TRIALS if wanted[name]]
    routes = _every(loaded) if all else dict([_one(loaded, model)])
    there = running(loaded, start=not no_start)
    models = [
        _tried(loaded, there, asked, route, named or list(TRIALS), quiet=as_json) for asked, route in routes.items()
    ]
    exit_code = max(_exit_code(each, named) for each in models)
    if as_json:
        output.show(TrialResult(ok=not exit_code, url=there.url, models=models), lambda _: (), as_json=True)
    raise typer.Exit(exit_code)


# Which models --------------------------------------------------------------------------------------


def _one(loaded: Config, model: str | None) -> tuple[str, Route]:
    """The name to ask for, and where it leads.  Raises UsageError for one that leads nowhere."""
    asked = model or "default"
    if asked in loaded.models and "*" not in asked:
        return asked, routing.resolve(loaded, asked)
    try:
        route = choose(loaded, model).main
    except RequestError as error:
        raise UsageError(str(error)) from None
    if route is None:
        raise UsageError("which model? There is no default in [models]: c2o test UPSTREAM/MODEL")
    return route.target, route


def _every(loaded: Config) -> dict[str, Route]:
    """Each target once, by the first name that leads to it."""
    names = [name for name in ("default", *TIERS, *loaded.models) if name in loaded.models and "*" not in name]
    found: dict[str, tuple[str, Route]] = {}
    for name in names:
        route = routing.resolve(loaded, name)
        found.setdefault(route.target, (name, route))
    if not found:
        raise UsageError("no entry of [models] names a model. Name one: c2o test UPSTREAM/MODEL")
    return dict(found.values())


# Trying --------------------------------------------------------------------------------------------


def _tried(loaded: Config, there: Instance, asked: str, route: Route, names: list[str], *, quiet: bool) -> ModelTrial:
    if not quiet:
        for line in _head(asked, route):
            output.say(line)
    tried: list[Tried] = []
    with closing(Client(there, loaded.server.auth_token, asked)) as client:
        for name in names:
            tried.append(_ability(client, name, route, tried))
            if not quiet:
                for line in _row(tried[-1]):
                    output.say(line)
    return ModelTrial(asked=asked, target=route.target, tried=tried)


def _ability(client: Client, name: str, route: Route, before: list[Tried]) -> Tried:
    """One row.  Where the very first request failed, the others would as well, and may cost something."""
    if before and before[0].verdict in ("failed", "untried"):
        return Tried(name=name, verdict="untried", detail="not tried")
    with output.progress() as tell:
        tell(f"asking {route.target}: {name}")
        try:
            return _shown(client, name, route, TRIALS[name](client))
        except Failed as failed:
            return _failure(name, failed)


def _shown(client: Client, name: str, route: Route, shown: Shown) -> Tried:
    logged = [found for heard in shown.heard if (found := client.logged(heard.request_id))]
    helped = _helped(logged)
    mended = [each for finished in logged for each in finished.repairs]
    by = next((each.target for each in logged if each.target and each.target != route.target), None)
    advice = IMAGE_ADVICE if name == "image" and shown.verdict == "no" and by is None else ""
    return Tried(
        name=name,
        verdict="partly" if mended and shown.verdict == "yes" else shown.verdict,
        detail=shown.detail + advice,
        helped=helped,
        answered_by=by,
        first_seconds=round(shown.heard[-1].first, 3),
        seconds=round(sum(heard.whole for heard in shown.heard), 3),
        tokens_per_second=shown.heard[-1].speed,
        request_ids=[heard.request_id for heard in shown.heard],
    )


IMAGE_ADVICE = ". Another one looks at images if you set: c2o config set routes.image UPSTREAM/MODEL"


def _helped(logged: list[Finished]) -> list[str]:
    notes = [each.text for finished in logged for each in (*finished.repairs, *finished.warnings)]
    return list(dict.fromkeys(notes))


def _failure(name: str, failed: Failed) -> Tried:
    return Tried(
        name=name,
        verdict="failed",
        detail=failed.error.message,
        seconds=round(failed.heard.whole, 3),
        request_ids=[failed.heard.request_id],
        error_type=failed.error.type,
    )


def _exit_code(model: ModelTrial, named: list[str]) -> int:
    """What is needed, or was named, must be there; an answer that never came says why."""
    failed = next((each for each in model.tried if each.verdict == "failed"), None)
    if failed:
        return ERRORS.get(failed.error_type or "", UpstreamError.exit_code)
    must = [name for name in named if name != "parallel"] or NEEDED
    return 1 if any(each.verdict == "no" and each.name in must for each in model.tried) else 0


ERRORS = {
    "authentication_error": CredentialError.exit_code,
    "permission_error": CredentialError.exit_code,
    "billing_error": CredentialError.exit_code,
    "invalid_request_error": 1,
    "request_too_large": 1,
}
"""Exit codes by Anthropic's error types; any other is the upstream's failure."""


# What a person sees --------------------------------------------------------------------------------


def _head(asked: str, route: Route) -> Iterator[Line]:
    leads = "" if asked == route.target else f" → {route.target}"
    yield [(printable(f"{asked}{leads}"), "bold")]
    yield [("               first     all  tokens/s", "dim")]


LOOK = {
    "yes": ("✓", "green"),
    "partly": ("!", "yellow"),
    "no": ("✗", "yellow"),
    "failed": ("✗", "red"),
    "untried": ("·", "dim"),
}


def _row(tried: Tried) -> Iterator[Line]:
    symbol, style = LOOK[tried.verdict]
    times = f"{_seconds(tried.first_seconds):>8}{_seconds(tried.seconds):>8}{tried.tokens_per_second or '-':>10}"
    dim = "dim" if tried.verdict == "untried" else ""
    detail = without_id(printable(tried.detail))  # which has a line of its own
    yield [(f"  {symbol} ", style), f"{tried.name:8}", (times, "dim"), "  ", (detail, dim)]
    for note in tried.helped:
        yield [("      c2o: ", "dim"), (printable(note), "dim")]
    if tried.answered_by:
        yield [("      answered by ", "dim"), (printable(tried.answered_by), "cyan")]
    if tried.verdict in ("failed", "no", "partly") and tried.request_ids:
        yield [(f"      c2o logs --request {tried.request_ids[-1]}", "dim")]


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"
