"""Which models a session is to have: what the person asks for, else what is configured."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple

from c2o import routing
from c2o.config import Config
from c2o.errors import UsageError
from c2o.routing import ALIAS, TIERS, Route


class Models(NamedTuple):
    main: Route | None
    """None where each name that the client asks for is passed on as it is."""
    tiers: dict[str, Route]
    long: Route | None = None
    """Where long prompts go, if they leave the main model."""


def choose(config: Config, model: str | None = None, upstream: str | None = None) -> Models:
    """With ``upstream`` nothing goes elsewhere; with ``model`` alone, tiers that are configured keep theirs.

    Raises UsageError for an upstream that isn't configured, or a model that could be anybody's.
    """
    main = _main_route(config, model, upstream)
    return Models(main, _tiers(config, main, everything=upstream is not None), _long(config, main))


def _long(config: Config, main: Route | None) -> Route | None:
    """A model that was picked keeps its conversation, however long."""
    targets = config.routes.of("long_context")
    picked = main is not None and routing.is_picked(config, main.target)
    return routing.route_to(config, *targets) if targets and not picked else None


def _main_route(config: Config, model: str | None, upstream: str | None) -> Route | None:
    """The model of the session; None where each name that the client asks for is passed on as it is."""
    if upstream is not None:
        return _of_upstream(config, model, upstream)
    if model is not None and _means_something(config, model):
        return routing.resolve(config, model)
    usual = config.models.get("default", ("",))
    if model is not None:
        return routing.route_to(config, f"{_upstream_of(config, usual[0], model)}/{model}")
    return routing.route_to(config, *usual) if usual[0] and not usual[0].endswith("/*") else None


def _of_upstream(config: Config, model: str | None, upstream: str) -> Route:
    if upstream not in config.upstreams:
        raise UsageError(f"there is no upstream {upstream!r}; there are: {', '.join(config.upstreams)}.")
    if model is not None:
        return routing.route_to(config, f"{upstream}/{model.removeprefix(upstream + '/')}")
    configured = (target for target in config.targets() if target.startswith(f"{upstream}/"))
    target = next((target for target in configured if not target.endswith("/*")), None)
    if target is None:
        raise UsageError(f"no model of {upstream} is configured: name one with --model.")
    return routing.route_to(config, target)


def _means_something(config: Config, model: str) -> bool:
    """Does the routing know this name, other than by sending it to the default?"""
    return (
        model in config.models
        or any("*" in pattern and fnmatchcase(model, pattern) for pattern in config.models)
        or model.removeprefix(ALIAS).partition("/")[0] in config.upstreams
        or model in TIERS
        or "claude" in model
    )


def _upstream_of(config: Config, usual: str, model: str) -> str:
    """Where a bare model id is taken to be."""
    if usual:
        return usual.partition("/")[0]
    if len(config.upstreams) == 1:
        return next(iter(config.upstreams))
    raise UsageError(f"whose model is {model!r}? Name its upstream with --upstream: {', '.join(config.upstreams)}.")


def _tiers(config: Config, main: Route | None, *, everything: bool) -> dict[str, Route]:
    """A tier without a model of its own follows the main one."""
    routes = {}
    for tier in TIERS:
        targets = () if everything else config.models.get(tier, ())
        if targets and not targets[0].endswith("/*"):
            routes[tier] = routing.route_to(config, *targets)
        elif main and not targets:
            routes[tier] = main
    return routes
