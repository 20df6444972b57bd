"""``c2o init``: find what is there, ask little, try it for real, write the configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from c2o import config, paths, secret, urls
from c2o.claude.launch import own_python
from c2o.cli import init_file, init_questions, init_trial, output, terminal
from c2o.cli.doctor_probe import LIGHT, MORE_REQUESTS, checks_for, remembered
from c2o.cli.init_choice import Choice, Given, from_flags, parsed_map
from c2o.cli.init_file import Before
from c2o.cli.init_questions import DEMO, Asked
from c2o.cli.output import JsonOption, Line
from c2o.config import Config
from c2o.errors import Cancelled
from c2o.presets import PRESETS
from c2o.service import probe as service_probe
from c2o.wire.probe import Found

UpstreamOption = Annotated[
    str | None,
    typer.Option(metavar="NAME|URL", show_default=False, help=f"One of {', '.join(PRESETS)}; or any address."),
]
NameOption = Annotated[
    str | None, typer.Option(metavar="NAME", show_default=False, help="What to call it in the configuration.")
]
KeyEnvOption = Annotated[
    str | None, typer.Option(metavar="NAME", show_default=False, help="The variable that its key is in.")
]
NoKeyOption = Annotated[bool, typer.Option("--no-key", help="It needs no key.")]
ModelOption = Annotated[str | None, typer.Option(metavar="MODEL", show_default=False, help="The model for everything.")]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="TIER=MODEL", show_default=False, help="Another one for opus, sonnet or haiku."),
]
PortOption = Annotated[
    int | None,
    typer.Option(min=0, max=65535, show_default=False, help="Where c2o is to listen; 0 takes a free one."),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be written; try and change nothing.")]
ProbeOption = Annotated[
    bool | None,
    typer.Option(
        "--probe/--no-probe",
        show_default=False,
        help=f"Try all that the model can do, with {MORE_REQUESTS} more short requests; or don't ask whether to.",
    ),
]
NoTestOption = Annotated[bool, typer.Option("--no-test", help="Write it without trying it.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Begin anew; the old file is kept as config.toml.bak.")]


class InitUpstream(Struct, frozen=True):
    name: str
    base_url: str
    key: str | None
    """Where it comes from."""


class Step(Struct, frozen=True):
    """What to do next."""

    command: str
    why: str


class InitResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.init/1"
    path: str
    written: bool
    """False if it was like this before, or with --dry-run."""
    backup: str | None
    """The file as it was before."""
    upstream: InitUpstream
    models: dict[str, str]
    """``[models]`` as it is now."""
    changes: list[str]
    tested: list[Found]
    learned: list[str]
    """The facts in that, which are kept: see ``c2o learned``."""
    text: str | None = None
    """With --dry-run: what would be written, without token and keys."""
    next: list[Step]


def init(
    *,
    upstream: UpstreamOption = None,
    name: NameOption = None,
    key_env: KeyEnvOption = None,
    no_key: NoKeyOption = False,
    model: ModelOption = None,
    mapped: MapOption = None,
    port: PortOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    no_test: NoTestOption = False,
    probe: ProbeOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Set up an upstream, its key and a model, and try them; what was configured before stays."""
    given = Given(upstream, name, key_env, no_key, model, parsed_map(mapped or []), port, probe)
    before = init_file.find(paths.config_file(), force=force)
    test = not (no_test or dry_run)
    if terminal.present() and not (yes or as_json):
        asked = _from_person(given, before, test=test, sure=dry_run)
    else:
        asked = _from_flags(given, before, test=test)
    result = _finished(asked, before, dry_run=dry_run)
    output.show(result, lines, as_json=as_json)


def _from_person(given: Given, before: Before, *, test: bool, sure: bool) -> Asked:
    """Raises Cancelled; until then nothing has been written."""
    try:
        asked = init_questions.ask(given, before, test=test)
        agreed = sure or _agreed(asked, before)
    except (KeyboardInterrupt, EOFError):
        sys.stderr.write("\n")
        agreed = False
    if not agreed:
        raise Cancelled("nothing was written. Begin again with: c2o init")
    return asked


def _agreed(asked: Asked, before: Before) -> bool:
    """What is there is never changed unasked."""
    if before.text is None:
        return True
    changes = init_file.changes(before.config, _config(_text(asked, before), before))
    for change in changes:
        terminal.say(f"  {change}")
    return not changes or terminal.confirm(f"Write this to {output.short(before.path)}?", default=True)


def _from_flags(given: Given, before: Before, *, test: bool) -> Asked:
    """Raises UsageError, CredentialError, UpstreamError."""
    choice = from_flags(given, before.upstreams)
    if not test or (choice.name == DEMO and not _listens(choice)):
        return Asked(choice, [], [])
    key = init_trial.key_of(choice)
    candidate = _config(init_file.written(before, choice), before)
    found = []
    with output.progress() as tell:
        tell(f"trying {choice.name}")
        checks = checks_for(candidate.upstreams[choice.name], choice.model) if given.probe else LIGHT
        found = list(init_trial.ask(candidate, choice, key, *checks))
    listed = [model for each in found for model in each.models]
    if failed := init_trial.failure(found):
        raise init_trial.as_error(choice, failed, listed)
    base_url = next((each.base_url for each in found if each.base_url), choice.base_url)
    return Asked(choice._replace(base_url=base_url), found, listed)


def _listens(choice: Choice) -> bool:
    parts = urls.parse(choice.base_url)
    return service_probe.listens(parts.hostname or "", parts.port or 80)


def _text(asked: Asked, before: Before) -> str:
    return init_file.written(before, asked.choice.with_limits(asked.listed))


def _config(text: str, before: Before) -> Config:
    return config.parse(text.encode(), before.path)


def _finished(asked: Asked, before: Before, *, dry_run: bool) -> InitResult:
    text = _text(asked, before)
    after = _config(text, before)
    changed = text != before.text
    backup = init_file.save(before, text) if changed and not dry_run else None
    choice = asked.choice
    learned = remembered(after, choice.name, choice.model, asked.found).facts if not dry_run else []
    key = secret.describe(choice.api_key) if choice.api_key else None
    return InitResult(
        path=str(before.path),
        written=changed and not dry_run,
        backup=str(backup) if backup else None,
        upstream=InitUpstream(choice.name, choice.base_url, key),
        models={name: ", else ".join(targets) for name, targets in after.models.items()},
        changes=init_file.changes(before.config, after),
        tested=asked.found,
        learned=learned,
        text=init_file.masked(text, after) if dry_run else None,
        next=list(_next(choice, after)),
    )


def _next(choice: Choice, after: Config) -> Iterator[Step]:
    if choice.name == DEMO:
        yield Step(f"{own_python()} -m c2o.demo --port 8227", "the scripted upstream; keep it running")
    if choice.api_key and choice.api_key.startswith("env:") and not os.environ.get(choice.api_key[4:]):
        yield Step(f"export {choice.api_key[4:]}=…", "the service takes the key from there")
    there = service_probe.look(after.server.auth_token)
    if there.instance and there.instance.config_digest != after.digest:
        yield Step("c2o restart", "the service runs, with the configuration of before")
    yield Step("c2o run claude", "Claude Code on it")


def lines(result: InitResult) -> Iterator[Line]:
    if result.text is not None:
        for line in result.text.splitlines():
            yield [line]
        return
    yield from _tests(result)
    path = output.short(result.path)
    if result.written:
        kept = f"; the old one is {Path(result.backup).name}" if result.backup else ""
        yield [("✓ ", "green"), "wrote ", (path, "bold"), (f"  (readable by you alone{kept})", "dim")]
    else:
        yield [("✓ ", "green"), (path, "bold"), " has all of this already"]
    there = result.upstream
    key = f"key from {there.key}" if there.key else "no key"
    yield from _row("upstream", [f"{there.name}  ", (there.base_url, "cyan"), (f"  {key}", "dim")])
    models: list[Line] = [[f"{name} → {target}"] for name, target in result.models.items()]
    yield from _row("models", *models)
    width = max(len(step.command) for step in result.next)
    steps: list[Line] = [[(f"{step.command:{width}}", "bold"), (f"  {step.why}", "dim")] for step in result.next]
    yield from _row("next", *steps)


def _row(label: str, *rows: Line) -> Iterator[Line]:
    for number, row in enumerate(rows):
        yield [(f"  {'' if number else label:8}  ", "dim"), *row]


def _tests(result: InitResult) -> Iterator[Line]:
    """On a terminal they have been told as they came."""
    if terminal.present():
        return
    for found in result.tested:
        yield init_trial.line(result.upstream.name, found)
