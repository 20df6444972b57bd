"""Which models do the work: what an upstream lists, what is known of each, and which tier gets which."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from c2o import urls
from c2o.cli.init.plan import Plan
from c2o.cli.init.probe import candidate
from c2o.cli.init.suggest import TIERS, suggest
from c2o.cli.models.knowledge import Known, known_of
from c2o.cli.output import Line
from c2o.cli.terminal.asking import Asking, Back, more, told
from c2o.cli.terminal.menu import Option
from c2o.doctor import Machine
from c2o.presets import PRESETS
from c2o.printable import printable

LABEL = "Models"

ROWS = ("default", *TIERS)

USE, KEEP = "use", "keep"

CHANGE = "or choose a line to change its model"

Names = dict[str, str]
"""``default`` or a tier → model of the upstream."""


def models(asking: Asking, plan: Plan) -> Plan:
    """Suggests a model for each tier; Enter takes them all.  Raises Back."""
    if plan.given.model:
        mapped = {"default": plan.given.model, **plan.given.mapped}
    elif not plan.listed:
        usual = PRESETS[plan.its.name].model if plan.its.name in PRESETS else None
        mapped = {"default": asking.enter("", "Which model?", usual or "", _named), **plan.given.mapped}
    else:
        chosen = _mapping(asking, plan, {**_first(plan), **plan.given.mapped})
        if chosen is None:
            return plan.with_choice(plan.its._replace(models={}))
        mapped = chosen
    plan = plan.with_choice(plan.its.mapping(_worth_writing(mapped, plan)))
    asking.say(*summary(mapped))
    return plan


def _named(typed: str) -> str:
    if not typed:
        raise ValueError("A model is needed: its id, as the upstream has it.")
    return typed


def _first(plan: Plan) -> Names:
    """What is configured of this upstream, else what suits."""
    preset = PRESETS.get(plan.its.name)
    local = urls.is_loopback(plan.its.base_url)
    suggested = suggest(plan.listed, usual=(preset.model if preset else None) or "", local=local)
    if not plan.its.as_it_is or plan.before.config is None:
        return suggested
    return suggested | {name: model for name, model in _configured(plan).items() if name in ROWS}


def _configured(plan: Plan) -> Names:
    """What ``[models]`` says of this upstream; a tier that it doesn't name follows the default."""
    assert plan.before.config is not None
    prefix = f"{plan.its.name}/"
    named = {name: first(target) for name, target in plan.before.config.models.items()}
    mine = {name: target.removeprefix(prefix) for name, target in named.items() if target.startswith(prefix)}
    if "default" not in mine:
        return mine
    return {name: mine["default"] for name in TIERS if name not in named} | mine


def first(target: str | Sequence[str]) -> str:
    """Of a model and its fallbacks the model."""
    return target if isinstance(target, str) else target[0]


def _worth_writing(mapped: Mapping[str, str], plan: Plan) -> Names:
    """A tier that follows the default needs no line, unless it has one that says otherwise."""
    there = plan.before.config.models if plan.before.config else {}
    return {name: model for name, model in mapped.items()
            if name == "default" or model != mapped.get("default") or name in there}  # fmt: skip


def summary(mapped: Mapping[str, str]) -> list[Line]:
    """``✓ Models  one``, or a line for each that differs."""
    by_model: dict[str, list[str]] = {}
    for name, model in mapped.items():
        by_model.setdefault(model, []).append(name)
    lines: list[Line] = []
    for model, names in by_model.items():
        who = "" if len(by_model) == 1 else f"  for {' and '.join(names) if len(names) < 3 else ', '.join(names)}"
        lines.append([(printable(model), "bold"), (who, "dim")])
    return [told(LABEL, *lines[0]), *(more(*line) for line in lines[1:])] if lines else []


# The table of tiers --------------------------------------------------------------------------------


def _mapping(asking: Asking, plan: Plan, mapped: Names) -> Names | None:
    """The table, until it is taken; None to keep what is configured.  Raises Back."""
    answered = asking.answered
    while True:
        asking.answered = answered  # a look into a list is no answer that one could go back to
        picked = asking.choose("", _question(mapped), _rows(plan, mapped))
        if picked in (USE, KEEP):
            return mapped if picked == USE else None
        try:
            mapped = _with(mapped, picked, _one(asking, plan, f"Which model for {picked}?", mapped[picked]))
        except Back:
            continue


def _with(mapped: Names, name: str, model: str) -> Names:
    """The tiers that had the default's model go on having it."""
    names = [each for each in mapped if each == name or (name == "default" and mapped[each] == mapped[name])]
    return {**mapped, **dict.fromkeys(names, model)}


def _question(mapped: Mapping[str, str]) -> str:
    return "Which models shall it use?" if len(set(mapped.values())) > 1 else "Which model shall it use?"


def _rows(plan: Plan, mapped: Names) -> list[Option[str]]:
    use = Option(USE, "Use these" if len(set(mapped.values())) > 1 else "Use this one", CHANGE, strong=True)
    about = known(plan)
    rows = [Option(name, f"{name:8} {mapped[name]}", about.get(mapped[name], "")) for name in ROWS]
    if plan.before.config is None or plan.its.as_it_is or plan.its.name in plan.before.upstreams:
        return [use, *rows]
    return [use, *rows, Option(KEEP, "Keep the models that are configured", "this upstream is there to be asked for")]


def another(asking: Asking, plan: Plan, model: str) -> Plan:
    """Another model wherever this one is meant.  Raises Back."""
    target, prefix = f"{plan.its.name}/{model}", f"{plan.its.name}/"
    chosen = _one(asking, plan, f"Which model instead of {model}?", model)
    mapped = {name: prefix + chosen if first(each) == target else each for name, each in plan.its.models.items()}
    return plan.with_choice(plan.its._replace(models=mapped))


def _one(asking: Asking, plan: Plan, question: str, current: str) -> str:
    """Raises Back."""
    if not plan.listed:
        return asking.enter("", question, current, _named)
    about = known(plan)
    options = [Option(each.id, each.id, about[each.id]) for each in plan.listed]
    at = next((number for number, each in enumerate(options) if each.value == current), 0)
    return asking.choose("", question, options, at=at, written=_written)


def _written(typed: str) -> Option[str]:
    """A model that the list doesn't have."""
    return Option(typed, typed, "as typed")


# What is known of a model --------------------------------------------------------------------------


def known(plan: Plan) -> dict[str, str]:
    """By model: ``262k window, tools, images``."""
    machine = Machine(os.environ)
    machine.config_or_error = candidate(plan)
    return {each.id: _words(known_of(machine, plan.its.name, each, listed=True, names=[])) for each in plan.listed}


def _words(model: Known) -> str:
    window = f"{thousands(model.context_window)} window" if model.context_window else ""
    tools = {True: "tools", False: "no tools", None: ""}[model.tools]
    return ", ".join(word for word in (window, tools, "images" if model.vision else "") if word)


def thousands(tokens: int) -> str:
    """``131072`` → ``131k``, ``1000000`` → ``1M``"""
    return f"{tokens / 1e6:.3g}M" if tokens >= 1_000_000 else f"{tokens // 1000}k" if tokens >= 1000 else str(tokens)
