"""Carrying out what ``c2o init`` was told: the configuration first, then the service, then Claude's settings."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from c2o import config, key_file, known_models, paths, secret, service
from c2o.claude.launch import own_python
from c2o.cli import output
from c2o.cli.claude.change import ChangedFile
from c2o.cli.claude.command import check_lasting, led
from c2o.cli.completions import command as completions
from c2o.cli.config import file as config_file
from c2o.cli.doctor.probe import remembered
from c2o.cli.init import file, probe
from c2o.cli.init.plan import Plan
from c2o.cli.init.result import InitCompletions, InitResult, InitService, InitTested, InitUpstream, Step, Text
from c2o.cli.init.trial import line
from c2o.cli.init.upstream import DEMO
from c2o.cli.output import Line
from c2o.cli.terminal.asking import more
from c2o.config import Config
from c2o.errors import C2oError, Cancelled, CredentialError
from c2o.printable import printable
from c2o.service import installing, launcher, tools
from c2o.service import probe as service_probe


def carried_out(plan: Plan, *, dry_run: bool) -> InitResult:
    """Raises C2oError; Cancelled says what was done by then."""
    text = file.written(plan.before, plan.draft)
    after = config.parse(text.encode(), plan.before.path)
    changed = text != plan.before.text
    _check(plan, after)
    done = _Done(None, {}, None, None, None) if dry_run else _done(plan, text if changed else None, after)
    completed = _completions(plan, dry_run=True) if dry_run else done.completions
    return InitResult(
        path=str(plan.before.path),
        written=changed and not dry_run,
        backup=str(done.backup) if done.backup else None,
        upstream=_upstream(plan),
        models=_models(after),
        changes=file.changes(plan.before.config, after),
        tested=[InitTested(*each, done.learned.get(each[:2], [])) for each in plan.tried],
        text=file.masked(text, after) if dry_run else None,
        diff=_diff(plan, text, after) if dry_run else None,
        key_file=str(paths.key_file()) if plan.saved else None,
        service=_service_dry(plan, after) if dry_run else done.service,
        claude=_claude_dry(plan, after) if dry_run else done.claude,
        completions=completed,
        next=list(_next(plan, after)),
    )


class _Done(NamedTuple):
    backup: Path | None
    learned: dict[tuple[str, str], list[str]]
    """The facts about a model of an upstream."""
    service: InitService | None
    claude: ChangedFile | None
    completions: InitCompletions | None


def _check(plan: Plan, after: Config) -> None:
    """What would fail later fails before anything is changed.  Raises C2oError."""
    if plan.wishes.service:
        manager = plan.around.manager
        installing.available(manager)
        there = service.MANAGERS[manager].environ()
        unset = [name for name in probe.not_set(plan) if not there.get(name)]
        if unset and probe.nobody_answers(plan, there):
            raise CredentialError(
                f"{', '.join(unset)} is not set, so no service would start. Try again after: export {unset[0]}=…  "
                "Or without --service"
            )
        missing = [name for name in installing.missing_keys(after, manager) if name not in plan.saved]
        if missing and not plan.wishes.save_keys:
            raise CredentialError(
                f"{', '.join(missing)}: only this shell knows it, and a service doesn't see your shell. "
                f"Let c2o keep it in {output.short(paths.key_file())}, which only you can read: --save-keys"
            )
    if plan.wishes.claude:
        check_lasting(after, plan.around.manager if plan.wishes.service else service.chosen())


def _done(plan: Plan, text: str | None, after: Config) -> _Done:
    """Raises Cancelled where the person stops in between, and tells what was done."""
    backup, so_far = None, ["nothing was changed"]
    with _telling(so_far):
        if text is not None or plan.saved:
            with config_file.alone(), tools.undisturbed():  # or of two files one is without the other
                file.check_unchanged(plan.before)
                if plan.saved:
                    key_file.save(plan.saved)
                backup = file.save(plan.before, text) if text is not None else None
                so_far[:] = [f"{output.short(plan.before.path)} was written"]
        learned = _remembered(plan, after)
        _remember_models(plan)
        kept = _serve(plan, after, so_far) if plan.wishes.service else None
        so_far += [f"{kept.manager} keeps the service running"] if kept else []
        claude = led(after, "user", dry_run=False, force=False).files[0] if plan.wishes.claude else None
        so_far += [f"{output.short(claude.path)} leads to c2o"] if claude else []
        completed = _completions(plan, dry_run=False)
    return _Done(backup, learned, kept, claude, completed)


@contextmanager
def _telling(so_far: list[str]) -> Iterator[None]:
    """Of a failure, or of a person who stops, in the middle."""
    try:
        yield
    except KeyboardInterrupt:
        raise Cancelled(f"stopped; {', '.join(so_far)}. Look at it with: c2o doctor") from None
    except C2oError as error:
        if so_far != ["nothing was changed"]:
            error.args = (f"{error}\nBefore that, {', '.join(so_far)}.",)
        raise


def _remembered(plan: Plan, after: Config) -> dict[tuple[str, str], list[str]]:
    """The facts in what was found."""
    return {each[:2]: remembered(after, each.upstream, each.model, each.found).facts for each in plan.tried}


def _remember_models(plan: Plan) -> None:
    """For completions, and whoever asks for the models next; nothing depends on it."""
    if plan.choice and plan.listed:
        listed = known_models.listed(plan.choice.base_url, plan.listed, known_models.now())
        known_models.try_to_remember(known_models.path(), {plan.choice.name: listed})


def _serve(plan: Plan, after: Config, so_far: list[str]) -> InitService:
    manager = plan.around.manager
    try:
        with output.progress() as tell:
            tell(f"having {manager} keep the service running")
            done = installing.install(after, manager, now=True, save_keys=plan.wishes.save_keys, tell=tell)
    except C2oError:
        if service.chosen() == manager != "detached":
            so_far += [f"the service was installed for {manager}"]
        raise
    for hint in installing.shortcomings(done):
        output.note(hint)
    files = [Text(str(path), path.read_text()) for path in done.files if path.exists()]
    url = done.started.instance.url if done.started else None
    return InitService(manager=done.manager, files=files, url=url)


def _completions(plan: Plan, *, dry_run: bool) -> InitCompletions | None:
    if plan.wishes.completions is None:
        return None
    with output.progress() as tell:
        tell(f"asking {plan.wishes.completions} where it looks for completions")
        done = completions.installed(plan.wishes.completions, dry_run=dry_run)
    return InitCompletions(done.shell, done.path, done.startup, done.lines)


# With --dry-run ----------------------------------------------------------------------------------------


def _diff(plan: Plan, text: str, after: Config) -> str | None:
    if plan.before.text is None:
        return None
    name = output.short(plan.before.path)
    old, new = (_masked(each, plan, after).splitlines() for each in (plan.before.text, text))
    return "\n".join(difflib.unified_diff(old, new, name, name, lineterm="", n=2))


def _masked(text: str, plan: Plan, after: Config) -> str:
    hidden = file.masked(text, after)
    return file.masked(hidden, plan.before.config) if plan.before.config else hidden


def _service_dry(plan: Plan, after: Config) -> InitService | None:
    if not plan.wishes.service:
        return None
    name = plan.around.manager
    files = service.MANAGERS[name].files(launcher.program(after, name))
    return InitService(manager=name, files=[Text(str(path), text) for path, text in files.items()], url=None)


def _claude_dry(plan: Plan, after: Config) -> ChangedFile | None:
    return led(after, "user", dry_run=True, force=True).files[0] if plan.wishes.claude else None


# What is told ------------------------------------------------------------------------------------------


def _upstream(plan: Plan) -> InitUpstream | None:
    if plan.choice is None:
        return None
    key = secret.describe(plan.choice.api_key) if plan.choice.api_key else None
    return InitUpstream(plan.choice.name, plan.choice.base_url, key)


def _models(after: Config) -> dict[str, str]:
    return {name: ", else ".join(targets) for name, targets in after.models.items()}


def verdicts(plan: Plan) -> Iterator[Line]:
    """What the tests found."""
    for number, tried in enumerate(plan.tried):
        yield line(plan, tried, first=number == 0)
        if bad := probe.without_tools(tried.found):
            yield more(printable(bad.detail), ("  Claude Code does its work by calling tools.", "dim"))


def _next(plan: Plan, after: Config) -> Iterator[Step]:
    if plan.choice and plan.choice.name == DEMO:
        yield Step(f"{own_python()} -m c2o.demo --port 8227", "the scripted upstream; keep it running")
    for variable in probe.not_set(plan):
        yield Step(f"export {variable}=…", "the service takes the key from there")
    there = service_probe.look(after.server.auth_token)
    if there.instance and there.instance.config_digest != after.digest:
        yield Step("c2o restart", "the service runs, with the configuration of before")
    yield Step("c2o run claude", "Claude Code on it")
