"""What is known of a model, and from where: configured, learned by asking it, told by its upstream, or documented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from c2o import facts, limits, routing
from c2o.config import Config
from c2o.doctor import Machine
from c2o.routing import Route
from c2o.wire.probe import ListedModel, Price

Source = Literal["configured", "learned", "told", "documented"]
"""By whom: a person, the model itself (its refusals, its answers, questions to it), its upstream, a table of ours."""

FIELDS = ("context_window", "max_output_tokens", "tools", "vision", "thinking")


class Known(Struct, frozen=True, kw_only=True):
    """A model; what nobody knows is null."""

    id: str
    listed: bool
    """Is it in its upstream's list?"""
    names: list[str]
    """The names of ``[models]`` and the routes that lead to it."""
    context_window: int | None = None
    max_output_tokens: int | None = None
    tools: bool | None = None
    vision: bool | None = None
    thinking: bool | None = None
    sources: dict[str, Source]
    """Whence each of these is known."""
    price: Price | None
    """As its upstream tells it."""


def known_of(machine: Machine, upstream: str, model: ListedModel, *, listed: bool, names: list[str]) -> Known:
    """The strongest word on each thing."""
    route = routing.route_to(machine.config, f"{upstream}/{model.id}")
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for source, said in _said(machine, route, model):
        for field in FIELDS:
            if values.get(field) is None and (value := said.get(field)) is not None:
                values[field], sources[field] = value, source
    return Known(id=model.id, listed=listed, names=names, sources=sources, price=model.price, **values)


def _said(machine: Machine, route: Route, model: ListedModel) -> Iterator[tuple[Source, dict[str, Any]]]:
    yield "configured", {name: getattr(route.limits, name) for name in FIELDS[:2]}
    yield "learned", _learned(route.learned(machine.facts))
    yield "told", {name: getattr(model, name) for name in FIELDS}
    yield "documented", _documented(route)


def _learned(known: list[str]) -> dict[str, Any]:
    said: dict[str, Any] = {name: facts.number(known, name) for name in FIELDS[:2]}
    for fact in known:
        name, value = MEANINGS.get(fact, MEANINGS.get(fact.partition(":")[0], ("", None)))
        said[name] = value
    return said


MEANINGS = {
    "can:tools": ("tools", True),
    "cannot:tools": ("tools", False),
    "can:vision": ("vision", True),
    "without:image": ("vision", False),
    "reasoning_field": ("thinking", True),
}
"""What facts say of abilities."""


def _documented(route: Route) -> dict[str, Any]:
    dialect = route.upstream.dialect_name()
    known = limits.known(dialect, route.model)
    said: dict[str, Any] = {} if route.upstream.habits().of(route.model).vision else {"vision": False}
    return said if known is None else {**said, **{name: getattr(known, name) for name in FIELDS[:2]}}


def names_of(config: Config, upstream: str) -> dict[str, list[str]]:
    """The names of ``[models]`` and ``[routes]`` by the model of this upstream that they lead to."""
    names: dict[str, list[str]] = {}
    for name, target in _targets(config, upstream):
        if target != "*":
            names.setdefault(target, []).append(name)
    return names


def passed_on(config: Config, upstream: str) -> list[str]:
    """The names of ``[models]`` that an upstream gets as they are."""
    return [name for name, target in _targets(config, upstream) if target == "*"]


def _targets(config: Config, upstream: str) -> Iterator[tuple[str, str]]:
    """Each name and the upstream's model that it leads to; ``*`` for any."""
    routes = {f"{kind} ({ROUTE})": targets for kind, targets in config.routes.targets().items()}
    for name, targets in {**config.models, **routes}.items():
        for number, target in enumerate(targets):
            if target.startswith(f"{upstream}/"):
                yield f"{name} ({FALLBACK})" if number else name, target.removeprefix(f"{upstream}/")


FALLBACK, ROUTE = "fallback", "route"
