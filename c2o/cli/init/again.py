"""``c2o init`` where there is a configuration already: what it says, and what of it is to change."""

from __future__ import annotations

from c2o import secret, urls
from c2o.cli import output
from c2o.cli.init import key, models, probe, trial
from c2o.cli.init.choice import Choice
from c2o.cli.init.plan import Plan, Tried
from c2o.cli.init.upstream import LABEL
from c2o.cli.terminal.asking import Asking, told
from c2o.cli.terminal.menu import Option
from c2o.config import Config, Upstream
from c2o.errors import CredentialError, UpstreamError
from c2o.printable import printable

MODELS, KEY, TEST, ADD, ANEW, OFFERS = "models", "key", "test", "add", "anew", "offers"


def shown(config: Config) -> list[output.Line]:
    """What is configured."""
    lines: list[output.Line] = []
    width = max(map(len, config.upstreams))
    for number, (name, upstream) in enumerate(config.upstreams.items()):
        address = (urls.printable(upstream.base_url), "cyan")
        lines.append(_row("" if number else "upstreams", f"{name:{width}}  ", address, (f"  {_key(upstream)}", "dim")))
    width = max(map(len, config.models))
    for number, (name, target) in enumerate(config.models.items()):
        lines.append(_row("" if number else "models", f"{name:{width}}  ", (models.first(target), "dim")))
    return lines


def _row(label: str, *spans: output.Span) -> output.Line:
    return [(f"  {label:10} ", "dim"), *spans]


def _key(upstream: Upstream) -> str:
    sources = upstream.key_sources()
    return f"key from {', '.join(map(secret.describe, sources))}" if sources else "no key"


def what(asking: Asking, plan: Plan) -> str:
    """What is to be done.  Raises Back."""
    several = len(plan.before.upstreams) > 1
    options = [
        Option(MODELS, "Change models"),
        Option(KEY, "Change a key" if several else "Change the key"),
        Option(TEST, "Test it again", "nothing is changed"),
        Option(ADD, "Add an upstream"),
        Option(OFFERS, "Service, and Claude's settings"),
        Option(ANEW, "Begin anew", "the old file is kept as config.toml.bak"),
    ]
    return asking.choose("", "What shall be changed?", options, at=2)


def upstream(asking: Asking, plan: Plan) -> Plan:
    """The configured upstream that it is about.  Raises Back."""
    there = plan.before.upstreams
    options = [Option(name, name, urls.printable(each.base_url)) for name, each in there.items()]
    name = options[0].value if len(options) == 1 else asking.choose("", "Which upstream?", options)
    choice = _choice(name, there[name])
    asking.say(told(LABEL, (name, "bold"), (f"  {urls.printable(choice.base_url)}", "cyan")))
    return plan.with_choice(choice)


def _choice(name: str, upstream: Upstream) -> Choice:
    return Choice(name, upstream.base_url, next(iter(upstream.key_sources()), None), as_it_is=True)


def another_key(asking: Asking, plan: Plan) -> Plan:
    """Raises Back."""
    if (count := len(plan.before.upstreams[plan.its.name].key_sources())) > 1:
        asking.say([("! ", "yellow"), f"{plan.its.name} has {count} keys that take turns; a new one replaces them all"])
    plan = key.ask(asking, plan.with_choice(plan.its._replace(as_it_is=False)))
    return _of_it(plan)


def _of_it(plan: Plan) -> Plan:
    """With the models that ``[models]`` has of it, so that they are tried."""
    assert plan.before.config is not None
    targets = {name: models.first(target) for name, target in plan.before.config.models.items()}
    mine = {name: target for name, target in targets.items() if target.startswith(f"{plan.its.name}/")}
    return plan.with_choice(plan.its._replace(models={name: each for name, each in mine.items() if "*" not in each}))


def tested(asking: Asking, plan: Plan) -> Plan:
    """Every upstream, with the models that are used of it.  Raises UpstreamError if one doesn't work."""
    done: list[Tried] = []
    bad = 0
    for name, there in plan.before.upstreams.items():
        each = _of_it(plan.with_choice(_choice(name, there)))
        try:
            each = each._replace(key=probe.key_of(each.its.api_key))
        except CredentialError as error:
            asking.say([("✗ ", "red"), printable(f"{name}: {error}")])
            bad += 1
            continue
        for target in trial.targets(each):
            tried = trial.tried(each, target)
            asking.say(trial.line(each, tried, first=not done))
            if failed := probe.failure(tried.found) or probe.without_tools(tried.found):
                asking.say([("✗ ", "red"), probe.sentence(printable(failed.detail))])
                bad += 1
            done.append(tried)
    if bad:
        raise UpstreamError("not everything works as it is configured. Change what is wrong with: c2o init")
    return plan._replace(tried=done)
