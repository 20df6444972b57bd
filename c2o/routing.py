"""Which upstream and model a client's model name means.

Where ``[routes]`` has the kind of request, that alone counts.  Else the order is: an exact name in
``[models]``, the longest matching glob, ``upstream/model`` written out (also under the alias that
``/v1/models`` lists), the tier in the name (opus, sonnet, haiku, fable), the default.  A list is a model and
its fallbacks.  A ``claude-*`` name, known or future, always finds a way: Claude Code asks for names of its
own (subagents, the permission classifier) and takes a 404 for a broken set-up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from c2o import limits
from c2o.config import NO_LIMITS, Config, Limits, Targets, Upstream
from c2o.errors import RequestError
from c2o.facts import Fact, address, number
from c2o.kinds import Kind

TIERS = ("opus", "sonnet", "haiku", "fable")

ALIAS = "c2o-claude/"
"""Claude Code's ``/model`` lists only ids with "claude" in them; a real Claude id inside would
give the model that id's window, so the alias is a word of our own."""

_WINDOW_SUFFIX = re.compile(r"\[\d+m\]$")


class Route(NamedTuple):
    """Where one request goes."""

    name: str
    """The upstream's name in the configuration."""
    upstream: Upstream
    model: str
    """The model's id at the upstream."""
    limits: Limits
    """As configured."""
    fallbacks: tuple[Route, ...] = ()
    """Who is asked instead if this one can't answer, in order."""

    def known_limits(self, learned: Iterable[str]) -> Limits:
        """As configured, else as learned of the model (``c2o.facts``), else as documented for it."""
        facts, documented = list(learned), limits.known(self.upstream.dialect_name(), self.model)

        def best(name: str) -> int | None:
            return getattr(self.limits, name) or number(facts, name) or getattr(documented, name, None)

        return Limits(context_window=best("context_window"), max_output_tokens=best("max_output_tokens"))

    def learned(self, facts: Iterable[Fact]) -> list[str]:
        """Those of the facts that are of this model, where it is now."""
        here = address(self.upstream.base_url)
        mine = (self.name, self.model, here)
        return [each.fact for each in facts if (each.upstream, each.model, each.base_url) == mine]

    @property
    def target(self) -> str:
        """``upstream/model``, as the configuration writes it."""
        return f"{self.name}/{self.model}"

    @property
    def title(self) -> str:
        """What Claude Code's ``/model`` shows."""
        return f"{self.model} ({self.name})"


def resolve(config: Config, asked: str, kind: Kind = "main") -> Route:
    """The route for the model name that a client asked for, in a request of a kind.

    Raises RequestError (404) if there is none.
    """
    if targets := config.routes.of(kind):
        return route_to(config, *targets)
    name = _WINDOW_SUFFIX.sub("", asked)
    targets = _mapped(config.models, name) or _written_out(config, name) or _by_tier(config.models, name)
    if not targets:
        known = ", ".join(sorted(config.models))
        raise RequestError(
            f"model: {asked}: no entry of [models] covers it (there are: {known}). "
            'Add it, or add default = "upstream/model".',
            status=404,
            type="not_found_error",
        )
    return route_to(config, *targets)


def is_picked(config: Config, asked: str) -> bool:
    """Has somebody chosen this model for the session: is it written out, and other than the default?

    ``c2o run`` writes out the default itself, so that Claude Code takes the window that it is told.
    """
    chosen = _written_out(config, _WINDOW_SUFFIX.sub("", asked))
    return bool(chosen) and asked not in config.models and chosen[0] not in config.models.get("default", ())[:1]


def route_to(config: Config, target: str, *fallbacks: str) -> Route:
    """The route of an ``upstream/model`` that the configuration has been checked for."""
    upstream, _, model = target.partition("/")
    others = tuple(route_to(config, each) for each in fallbacks)
    return Route(upstream, config.upstreams[upstream], model, config.limits.get(target, NO_LIMITS), others)


def listed(config: Config) -> dict[str, Route]:
    """What ``/v1/models`` shows: the names of ``[models]`` that are models', then our alias of each target, of
    ``[routes]`` too.

    Claude Code keeps only ids with "claude" or "anthropic" in them, hence the alias.
    """
    names = {
        name: resolve(config, name) for name in config.models if "*" not in name and name not in (*TIERS, "default")
    }
    targets = (target for target in config.targets() if not target.endswith("/*"))
    return names | {ALIAS + target: route_to(config, target) for target in targets}


def _mapped(models: dict[str, Targets], name: str) -> Targets:
    if name in models:
        return _keep_name(models[name], name)
    globs = [pattern for pattern in models if "*" in pattern and fnmatchcase(name, pattern)]
    return _keep_name(models[max(globs, key=len)], name) if globs else ()


def _keep_name(targets: Targets, name: str) -> Targets:
    """``openai/*`` keeps the client's own name."""
    return tuple(target[:-1] + name if target.endswith("/*") else target for target in targets)


def _written_out(config: Config, name: str) -> Targets:
    """Who writes out a model means that one.  Our alias of it brings its fallbacks: ``c2o run`` has clients use it.

    One that would keep the client's own name is none then: the alias has taken that name's place.
    """
    target = name.removeprefix(ALIAS)
    upstream, slash, model = target.partition("/")
    if not slash or not model or upstream not in config.upstreams:
        return ()
    lists = config.models.values() if target != name else ()
    found = next((targets for targets in lists if targets[0] == target), (target,))
    return tuple(each for each in found if not each.endswith("/*"))


def _by_tier(models: dict[str, Targets], name: str) -> Targets:
    tier = next((tier for tier in TIERS if tier in name and tier in models), None)
    targets = models.get(tier or "default") or (next(iter(models.values()), ()) if "claude" in name else ())
    return _keep_name(targets, name)
