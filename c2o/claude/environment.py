"""The variables that lead a client to c2o, and those that would lead it elsewhere.

What Claude Code does with each is in https://code.claude.com/docs/en/env-vars.  Its ``settings.json`` beats the
environment, unless ``CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST`` says that the environment is the host's
business; then only settings managed by an enterprise are stronger.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple
from urllib.parse import urlsplit

from c2o import routing, urls
from c2o.config import Config
from c2o.errors import UsageError
from c2o.routing import ALIAS, TIERS, Route

PROVIDERS = (
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_MANTLE",
    "CLAUDE_CODE_USE_ANTHROPIC_AWS",
    "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
    "CLAUDE_CODE_USE_GATEWAY",
)
"""Each of them chooses another provider, whatever the base URL says."""

SELECTORS = (*PROVIDERS, "ANTHROPIC_UNIX_SOCKET", "ANTHROPIC_CUSTOM_HEADERS")
"""Would send the client to another place (a socket beats the base URL), or credentials of another one to us."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

FEATURES = {
    "CLAUDE_CODE_AUTO_MODE_SERVER": "0",  # Anthropic's own safety check can't run here; the client's does
    "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
    "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",  # would spoil the upstream's prompt cache
    "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",  # our models in /model
    "CLAUDE_CODE_DISABLE_1M_CONTEXT": "1",  # of a name that it doesn't know, the client would expect a million tokens
}

PATIENCE = {
    "API_TIMEOUT_MS": "3600000",
    "API_FORCE_IDLE_TIMEOUT": "0",
    "CLAUDE_STREAM_IDLE_TIMEOUT_MS": "1800000",
    "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": "1800000",
}
"""For an upstream on this machine, which may think for a long time before it says anything."""

SMALL_WINDOW = 128_000
"""Tokens.  Claude Code keeps 32,000 for an answer: of a smaller window, that would leave too little for the prompt."""

SUGGESTED = "C2O_SUGGESTED"
"""Remembers which values were our own suggestions: a c2o inside a c2o must not take them for the person's."""


class Environment(NamedTuple):
    """Changes to an environment."""

    set: dict[str, str]
    unset: list[str]

    def onto(self, outer: Mapping[str, str]) -> dict[str, str]:
        """``outer`` with these changes."""
        return {name: value for name, value in outer.items() if name not in self.unset} | self.set


def environment(
    config: Config, url: str, outer: Mapping[str, str], *, model: str | None = None, upstream: str | None = None
) -> Environment:
    """What a client needs to talk to the service at ``url``.

    ``model`` and ``upstream`` are what the person asked for.  What they have set themselves and what doesn't
    lead elsewhere is kept.  Raises UsageError for a model or an upstream that isn't configured.
    """
    main = _main_route(config, model, upstream)
    tiers = _tiers(config, main, everything=upstream is not None)
    ours = {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_AUTH_TOKEN": config.server.auth_token.reveal(),
        "ANTHROPIC_API_KEY": "",  # a key in the shell would raise a dialog, and reach us for nothing
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",
        **({"ANTHROPIC_MODEL": _alias(main)} if main else {}),
        **{f"ANTHROPIC_DEFAULT_{tier.upper()}_MODEL": _alias(route) for tier, route in tiers.items()},
        **_without_proxy(url, outer),
    }
    suggested = {**FEATURES, **_suited_to(main or next(iter(tiers.values()), None))}
    old = dict(entry.split("=", 1) for entry in outer.get(SUGGESTED, "").split())
    own = {name for name in (*suggested, *old) if outer.get(name) and outer[name] != old.get(name)}
    new = {name: value for name, value in suggested.items() if name not in own}
    gone = [name for name in old if name in outer and name not in own and name not in new]
    remembered = " ".join(f"{name}={value}" for name, value in new.items())
    return Environment({**new, SUGGESTED: remembered, **ours}, [*(name for name in SELECTORS if name in outer), *gone])


def _main_route(config: Config, model: str | None, upstream: str | None) -> Route | None:
    """The model of the session; None where each name that the client asks for is passed on as it is."""
    if upstream is not None:
        return _of_upstream(config, model, upstream)
    if model is not None and _means_something(config, model):
        return routing.resolve(config, model)
    usual = config.models.get("default", "")
    if model is not None:
        return routing.route_to(config, f"{_upstream_of(config, usual, model)}/{model}")
    return routing.route_to(config, usual) if usual and not usual.endswith("/*") else None


def _of_upstream(config: Config, model: str | None, upstream: str) -> Route:
    if upstream not in config.upstreams:
        raise UsageError(f"there is no upstream {upstream!r}; there are: {', '.join(config.upstreams)}.")
    if model is not None:
        return routing.route_to(config, f"{upstream}/{model.removeprefix(upstream + '/')}")
    configured = (target for target in config.models.values() if target.startswith(f"{upstream}/"))
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
        target = "" if everything else config.models.get(tier, "")
        if target and not target.endswith("/*"):
            routes[tier] = routing.route_to(config, target)
        elif main and not target:
            routes[tier] = main
    return routes


def _alias(route: Route) -> str:
    """A name that is no Claude model's, so that the client takes the window it is told instead of one it knows."""
    return f"{ALIAS}{route.name}/{route.model}"


def _suited_to(route: Route | None) -> dict[str, str]:
    """What the client must know of the model, as far as it is known."""
    if route is None:
        return {}
    patience = PATIENCE if urls.is_loopback(route.upstream.base_url) else {}
    window, answer = route.limits.context_window, route.limits.max_output_tokens
    if window and not answer and window < SMALL_WINDOW:
        answer = window // 4
    limits = {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": window, "CLAUDE_CODE_MAX_OUTPUT_TOKENS": answer}
    return {**patience, **{name: str(limit) for name, limit in limits.items() if limit}}


def _without_proxy(url: str, outer: Mapping[str, str]) -> dict[str, str]:
    """Claude Code sends even loopback through HTTP_PROXY unless NO_PROXY names it."""
    wanted = dict.fromkeys([*LOOPBACK, urlsplit(url).hostname or ""])
    merged = {}
    for name in ("NO_PROXY", "no_proxy"):
        listed = [host.strip() for host in outer.get(name, "").split(",") if host.strip()]
        merged[name] = ",".join([*listed, *(host for host in wanted if host not in listed)])
    return merged
