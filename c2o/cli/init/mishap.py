"""Something doesn't work: what it is, in a sentence, and the ways on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from c2o.cli.init import key, models, probe
from c2o.cli.init.choice import checked_url
from c2o.cli.init.plan import Plan
from c2o.cli.output import Line
from c2o.cli.terminal.asking import LABELS, Asking, Back
from c2o.cli.terminal.menu import Option
from c2o.errors import UsageError
from c2o.presets import PRESETS
from c2o.printable import printable
from c2o.secret import Secret
from c2o.wire.probe import Fault, Found

UPSTREAM = "upstream"
"""The step in which another one is chosen."""


class Way(NamedTuple):
    """A way on."""

    title: str
    go: Callable[[Asking, Plan, str], Plan]
    """Given the model that it is about, empty for none; raises Back."""
    note: str = ""


def _again(_: Asking, plan: Plan, __: str) -> Plan:
    return plan


def _key(asking: Asking, plan: Plan, _: str) -> Plan:
    rows = asking.rows
    if plan.key:
        asking.say([("✗ ", "red"), (f"{key.LABEL:{LABELS}} ", "dim"), (Secret(plan.key).hint(), "bold"), "  not used"])
    try:
        return key.ask(asking, plan)
    except Back:
        asking.take_back(rows)
        raise


def _model(asking: Asking, plan: Plan, model: str) -> Plan:
    return models.another(asking, plan, model)


def _address(asking: Asking, plan: Plan, _: str) -> Plan:
    def check(typed: str) -> str:
        try:
            return checked_url(typed)
        except UsageError as error:
            raise ValueError(str(error)) from None

    base_url = asking.enter("Address", "Its address", plan.its.base_url, check)
    return plan.with_choice(plan.its._replace(base_url=base_url, as_it_is=False))


def _upstream(_: Asking, __: Plan, ___: str) -> Plan:
    raise Back(UPSTREAM)


def _as_it_is(_: Asking, plan: Plan, __: str) -> Plan:
    return plan._replace(test=False)


def _quit(_: Asking, __: Plan, ___: str) -> Plan:
    raise KeyboardInterrupt


WAYS: dict[str, Way] = {
    "again": Way("Try again", _again),
    "key": Way("Enter a key", _key),
    "model": Way("Choose another model", _model),
    "address": Way("Change the address", _address),
    "upstream": Way("Choose another upstream", _upstream),
    "save": Way("Save it anyway", _as_it_is, "c2o doctor tells later whether it works"),
    "quit": Way("Quit", _quit, "nothing is changed"),
}

LIKELY: dict[Fault | None, tuple[str, ...]] = {
    "key": ("key",),
    "model": ("model",),
    "no_call": ("model",),
    "url": ("address", "again"),
    "connection": ("again", "address"),
    "quota": ("again", "key", "model"),
    None: ("again", "model"),
}
"""What helps, by what went wrong; the first is what Enter does."""

ALWAYS = ("upstream", "save", "quit")


def what_now(asking: Asking, plan: Plan, failed: Found, model: str = "") -> Plan:
    """The plan to go on with; one without ``test`` isn't tried any more.  Raises Back, KeyboardInterrupt."""
    names = [name for name in (*LIKELY.get(failed.fault, LIKELY[None]), *ALWAYS) if _possible(name, plan, model)]
    options = [Option(name, WAYS[name].title, WAYS[name].note) for name in names]
    answered = asking.answered
    while True:
        rows, asking.answered = asking.rows, answered
        for line in _told(plan, failed, model):
            asking.say(line)
        try:
            way = asking.choose("", "What now?", options)
        finally:
            asking.take_back(rows)
        try:
            return WAYS[way].go(asking, plan, model)
        except Back as back:
            if back.to:
                raise


def _told(plan: Plan, failed: Found, model: str) -> Iterator[Line]:
    yield [("✗ ", "red"), probe.sentence(printable(failed.detail))]
    if advice := _advice(plan, failed, model):
        yield ["  ", (advice, "dim")]


def _possible(name: str, plan: Plan, model: str) -> bool:
    if plan.choice is None:
        return name in ("again", *ALWAYS)
    return bool(model) or name != "model"


def _advice(plan: Plan, failed: Found, model: str) -> str:
    if plan.choice is None:
        return "It was imported as it is; c2o config edit changes it later."
    preset = PRESETS.get(plan.choice.name)
    if failed.fault == "key" and preset and preset.keys:
        return f"Keys are at {preset.keys}"
    return printable(probe.advice(plan.choice, model, failed, plan.listed))
