"""Two steps of ``c2o init`` with a person: asking an upstream for its models, and trying those that were chosen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from c2o.cli import terminal
from c2o.cli.doctor.probe import TITLES
from c2o.cli.init import probe
from c2o.cli.init.mishap import what_now
from c2o.cli.init.models import first
from c2o.cli.init.plan import Plan, Tried
from c2o.cli.init.suggest import suggest
from c2o.cli.init.upstream import DEMO
from c2o.cli.output import Line
from c2o.cli.terminal.asking import LABELS, Asking, more, told
from c2o.errors import CredentialError
from c2o.presets import PRESETS
from c2o.printable import printable
from c2o.wire.probe import Check, Found

LABEL = "Test"


def listing(asking: Asking, plan: Plan) -> Plan:
    """What the upstream lists, at the address under which it answers.  Raises Back."""
    while plan.test or not plan.given.model:
        found = _listed(plan)
        if found.base_url:
            plan = plan.with_choice(plan.its._replace(base_url=found.base_url))
            asking.say([("! ", "yellow"), f"it answers at {printable(found.base_url)}, so that is what is kept"])
        if found.ok:
            return plan._replace(listed=found.models)
        if found.fault in ("list", "url", "answer"):  # it may answer all the same
            asking.say([("! ", "yellow"), probe.sentence(printable(found.detail))])
            return plan
        plan = what_now(asking, plan, found)
        if not plan.test:
            return plan
    return plan


def _listed(plan: Plan) -> Found:
    """Raises KeyboardInterrupt: Ctrl-C has ended the asking."""
    asking = probe.ask(plan, plan.its.name, "", plan.key, ["catalogue"])
    if (found := _next(asking, f"asking {plan.its.name} for its models")) is None:
        raise KeyboardInterrupt
    return found


class Target(NamedTuple):
    """A model to be tried."""

    upstream: str
    model: str
    key: str


def trial(asking: Asking, plan: Plan) -> Plan:
    """Every model that was chosen, until it works or the person wants it as it is.  Raises Back."""
    done: list[Tried] = []
    wanted = plan.test
    while plan.test and (target := next((each for each in targets(plan) if not _has(done, each)), None)):
        each = tried(plan, target)
        failed = probe.failure(each.found)
        if bad := failed or probe.without_tools(each.found):
            after = what_now(asking, plan, bad, target.model)
            if after.test or failed:
                plan = after
                continue
        asking.say(line(plan, each, first=not done))
        done.append(each)
    if not plan.test and wanted:
        asking.say([("! ", "yellow"), f"{LABEL:{LABELS}} ", "not passed: saved as it is"])
    return plan._replace(tried=done)


def _has(done: list[Tried], target: Target) -> bool:
    return any((each.upstream, each.model) == (target.upstream, target.model) for each in done)


def targets(plan: Plan) -> list[Target]:
    """What the plan is about.  Raises CredentialError."""
    if plan.choice and plan.choice.name == DEMO:
        return []
    if plan.choice:
        names = plan.choice.chosen or [suggest(plan.listed)["default"]] * bool(plan.listed)
        return [Target(plan.choice.name, model, plan.key) for model in names]
    return [target for name in plan.draft.upstreams if (target := _of_import(plan, name))]


def _of_import(plan: Plan, upstream: str) -> Target | None:
    """The main model of an upstream that was imported."""
    named = [first(each) for each in plan.draft.models.values()]
    model = next((each.partition("/")[2] for each in named if each.partition("/")[0] == upstream), None)
    if model is None or "*" in model or plan.imported is None:
        return None
    try:
        key = probe.key_of(plan.draft.upstreams[upstream].get("api_key"), plan.imported.keys)
    except CredentialError:
        return None
    return Target(upstream, model, key)


def tried(plan: Plan, target: Target) -> Tried:
    """Raises KeyboardInterrupt: Ctrl-C has ended the asking."""
    found: list[Found] = []
    checks = probe.checks(plan, target.upstream, target.model)
    asking = probe.ask(plan, target.upstream, target.model, target.key, checks)
    for check in checks:
        if (each := _next(asking, f"trying {target.model}: {_what(check)}")) is None:
            break
        found.append(each)
    if not found:
        raise KeyboardInterrupt
    return Tried(target.upstream, target.model, found)


def _what(check: Check) -> str:
    return TITLES[check]


def _next(asking: Iterator[Found], text: str) -> Found | None:
    with terminal.waiting(printable(text)):
        return next(asking, None)


def line(plan: Plan, done: Tried, *, first: bool) -> Line:
    """What became of a model; the first line tells of the key and the list, too."""
    keyed = bool(plan.key) and first
    several = len(targets(plan)) > 1
    verdicts = probe.verdicts(done, keyed=keyed, models=len(plan.listed) if first else None)
    name: Line = [(f"{printable(done.model)}  ", "bold")] if several else []
    return told(LABEL, *name, *verdicts) if first else more(*name, *verdicts)


def demo(plan: Plan) -> Plan:
    """The embedded upstream needs neither key nor test."""
    return plan.with_choice(plan.its.mapping({"default": plan.given.model or PRESETS[DEMO].model or ""}))
