"""``c2o init`` without a person: flags alone, tried for real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from c2o import imports, key_file, service, urls
from c2o.cli import output
from c2o.cli.completions import command as completions
from c2o.cli.init import imported_keys, probe
from c2o.cli.init.choice import Choice, Given
from c2o.cli.init.choice import from_flags as chosen
from c2o.cli.init.detect import Around
from c2o.cli.init.file import Before
from c2o.cli.init.plan import Plan, Tried, Wishes
from c2o.cli.init.trial import Target, targets
from c2o.cli.init.upstream import DEMO
from c2o.printable import printable
from c2o.service import probe as service_probe
from c2o.wire.probe import Found


def from_flags(given: Given, before: Before, *, test: bool) -> Plan:
    """Raises UsageError, ConfigError, CredentialError, UpstreamError."""
    shell = completions.own_shell() if given.completions else None
    wishes = Wishes(bool(given.service), given.save_keys, bool(given.claude), shell)
    plan = Plan(given, before, Around([], "", service.preferred(), []), test=test, wishes=wishes)
    if given.imported:
        return _tried(_imported(plan, given.imported))
    choice = chosen(given, before.upstreams)
    plan = plan.with_choice(choice)
    if not test or (choice.name == DEMO and not _listens(choice)):
        return plan
    return _tried(plan._replace(key=probe.key_for(choice)))


def _imported(plan: Plan, what: str) -> Plan:
    found = imported_keys.ready(imports.read(what, Path.home(), key_file.beside()), what, test=plan.test)
    for note in found.notes:
        output.note(printable(note))
    return plan._replace(imported=found, saved=found.keys)


def _listens(choice: Choice) -> bool:
    parts = urls.parse(choice.base_url)
    return service_probe.listens(parts.hostname or "", parts.port or 80)


def _tried(plan: Plan) -> Plan:
    if not plan.test:
        return plan
    with output.progress() as tell:
        for target in targets(plan):
            tell(f"trying {printable(target.model)}")
            found = list(_found(plan, target))
            listed = [model for each in found for model in each.models]
            plan = plan._replace(listed=plan.listed or listed)
            if failed := probe.failure(found):
                choice = plan.choice or Choice(target.upstream, _address(plan, target), target.key or None)
                raise probe.as_error(choice, target.model, failed, plan.listed)
            if plan.choice:
                base_url = next((each.base_url for each in found if each.base_url), plan.choice.base_url)
                plan = plan.with_choice(plan.choice._replace(base_url=base_url))
            plan = plan._replace(tried=[*plan.tried, Tried(target.upstream, target.model, found)])
    return plan


def _address(plan: Plan, target: Target) -> str:
    return str(plan.draft.upstreams[target.upstream]["base_url"])


def _found(plan: Plan, target: Target) -> Iterator[Found]:
    """The list of models first, once for each upstream."""
    again = any(each.upstream == target.upstream for each in plan.tried)
    checks = probe.checks(plan, target.upstream, target.model)
    return probe.ask(plan, *target, checks if again else ["models", *checks])
