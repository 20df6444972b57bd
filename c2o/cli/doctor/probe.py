"""``c2o doctor --probe``: what each upstream's model can do, asked of it, shown, and kept as facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from msgspec import Struct, structs

from c2o import facts
from c2o.cli import output
from c2o.cli.output import Line
from c2o.config import Config, Upstream
from c2o.doctor import Machine, probing
from c2o.errors import CredentialError
from c2o.facts import Fact
from c2o.printable import printable
from c2o.wire.probe import Check, Found

CHECKS: list[Check] = ["models", "stream", "window", "limit", "tool", "parallel", "required", "named", "vision"]
"""In this order: a local server knows its window when the model has been loaded."""

LIGHT: list[Check] = ["models", "stream", "window", "tool"]
"""What ``init`` asks in any case.  They don't depend on how chat completions are asked for."""

REQUESTS, MORE_REQUESTS = 9, 6
"""How many of its requests have a model answer, at most: of all, and of those that aren't light."""

TITLES: dict[Check, str] = {
    "models": "list of models",
    "catalogue": "list of models, and what is told of each",
    "stream": "streaming",
    "window": "limits, as told",
    "limit": "keeps to max_tokens",
    "tool": "tools",
    "parallel": "parallel tools",
    "required": "a required tool",
    "named": "a named tool",
    "vision": "images",
}

Verdict = Literal["yes", "no", "unknown"]


class Ability(Struct, frozen=True):
    """What was asked, and what came out; ``unknown`` where nothing could be found out."""

    name: str
    verdict: Verdict
    detail: str
    ms: int | None = None


class Probe(Struct, frozen=True, kw_only=True):
    """All that was found out about one model."""

    upstream: str
    model: str
    abilities: list[Ability]
    facts: list[str]
    """What was learned, as ``c2o learned`` has it."""


def probes(machine: Machine, tell: Callable[[str], None]) -> Iterator[Probe]:
    """Ask the main model of each upstream that can be asked; what is learned is written down at once."""
    config = machine.config
    for name in config.upstreams:
        key, model = machine.first_key(name), probing.main_model(config, name)
        if model is None or isinstance(key, CredentialError):
            continue
        output.note(f"{printable(f'{name}/{model}')} gets up to {REQUESTS} short requests, which may cost something")
        job = structs.replace(probing.job_for(config, name, key), checks=checks_for(config.upstreams[name], model))
        found = []
        tell(f"asking {name}: {TITLES[CHECKS[0]]}")
        for each in probing.ask(job):
            found.append(each)
            following = CHECKS[min(CHECKS.index(each.check) + 1, len(CHECKS) - 1)]
            tell(f"asking {name}: {TITLES[following]}")
        yield remembered(config, name, model, found)


def checks_for(upstream: Upstream, model: str) -> list[Check]:
    """All that can be asked of a model there."""
    return CHECKS if upstream.api_name(model) == "chat" else LIGHT


def remembered(config: Config, name: str, model: str, found: list[Found]) -> Probe:
    """What was found out, as it is shown; its facts are written down.  Raises C2oError."""
    probe = Probe(upstream=name, model=model, abilities=list(abilities(found)), facts=list(learned(found)))
    if probe.facts:
        _remember(config, probe, found)
    return probe


def abilities(found: Iterable[Found]) -> Iterator[Ability]:
    for each in found:
        yield Ability(TITLES[each.check], _verdict(each), each.detail, each.ms)
        if each.check == "stream" and each.ok:
            counts = "it counts tokens" if each.usage else "it doesn't count tokens, so c2o estimates them"
            yield Ability("usage in the stream", "yes" if each.usage else "no", counts)
            field = next((fact.partition(":")[2] for fact in each.facts if fact.startswith("reasoning_field:")), "")
            yield Ability("reasoning", "yes" if field else "unknown", f"in {field}" if field else "none came")


def _verdict(found: Found) -> Verdict:
    if found.fault not in (None, "no_call"):
        return "unknown"
    return "yes" if found.ok and (found.check != "stream" or found.streamed) else "no"


def learned(found: Iterable[Found]) -> Iterator[str]:
    """The facts in what was found, each once; what was tried is stronger than what an upstream says of itself."""
    found = list(found)
    refuted = {other for each in found for fact in _tried(each) for other in _refuted_by(fact)}
    facts = dict.fromkeys(fact for each in found for fact in (*each.facts, *_tried(each)))
    yield from (fact for fact in facts if fact not in refuted)


def _tried(found: Found) -> Iterator[str]:
    if (verdict := _verdict(found)) != "unknown" and (word := ABILITY.get(found.check)):
        yield f"{'can' if verdict == 'yes' else 'cannot'}:{word}"
    if found.check == "stream" and found.ok:
        yield f"{'can' if found.usage else 'cannot'}:usage_in_stream"


ABILITY: dict[Check, str] = {"stream": "streaming", "tool": "tools"}

REFUTES = {"can:vision": "without:image", "without:image": "can:vision", "can:required_tools": "drop:tool_choice"}
"""What can't be true together with a new fact, beside its own opposite."""

OPPOSITES = {"can": "cannot", "cannot": "can"}


def _remember(config: Config, probe: Probe, found: Iterable[Found]) -> None:
    """What an earlier probe said gives way: to the same questions asked again, or to the opposite of an answer."""
    path, now = facts.path(), facts.now()
    refuted = {other for fact in probe.facts for other in _refuted_by(fact)}
    whole = not {each.check for each in found} <= set(LIGHT)
    kept = [
        fact
        for fact in facts.read(path, now).facts
        if (fact.upstream, fact.model) != (probe.upstream, probe.model)
        or (fact.fact not in refuted and not (whole and fact.source == "probe"))
    ]
    said = {fact: each.detail for each in found for fact in each.facts}
    new = [
        Fact(
            upstream=probe.upstream,
            model=probe.model,
            base_url=facts.address(config.upstreams[probe.upstream].base_url),
            fact=fact,
            source="probe",
            learned_at=now,
            said=facts.shortened(said.get(fact, "")),
        )
        for fact in probe.facts
    ]
    facts.write(path, facts.bounded([*kept, *new]))


def _refuted_by(fact: str) -> Iterator[str]:
    verb, _, ability = fact.partition(":")
    yield REFUTES.get(fact, "")
    yield f"{OPPOSITES.get(verb, '')}:{ability}"


LOOK: dict[Verdict, tuple[str, str]] = {"yes": ("✓", "green"), "no": ("✗", "yellow"), "unknown": ("?", "dim")}


def lines(probe: Probe) -> Iterator[Line]:
    yield [(printable(f"{probe.upstream}/{probe.model}"), "bold")]
    width = max((len(each.name) for each in probe.abilities), default=0)
    for each in probe.abilities:
        symbol, style = LOOK[each.verdict]
        yield [(f"  {symbol} ", style), f"{each.name:{width}}  ", (printable(each.detail), "dim")]
    if probe.facts:
        yield [("    kept for the requests to come; see it with: c2o learned", "dim")]
