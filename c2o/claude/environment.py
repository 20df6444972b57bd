"""The variables that lead a client to c2o, and those that would lead it elsewhere.

What Claude Code does with each is in https://code.claude.com/docs/en/env-vars.  Its ``settings.json`` beats the
environment, unless ``CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST`` says that the environment is the host's
business; then only settings managed by an enterprise are stronger.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from c2o import routing, urls
from c2o.config import Config
from c2o.errors import UsageError
from c2o.routing import ALIAS, TIERS, Route

SELECTORS = (
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_ANTHROPIC_AWS",
    "CLAUDE_CODE_USE_MANTLE",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_UNIX_SOCKET",
)
"""Each of them would send the client to another provider, or credentials of another one to us."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

FEATURES = {
    "CLAUDE_CODE_AUTO_MODE_SERVER": "0",  # Anthropic's own safety check can't run here; the client's does
    "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
    "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",  # would spoil the upstream's prompt cache
    "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",  # our models in /model
}

PATIENCE = {
    "API_TIMEOUT_MS": "3600000",
    "API_FORCE_IDLE_TIMEOUT": "0",
    "CLAUDE_STREAM_IDLE_TIMEOUT_MS": "1800000",
    "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": "1800000",
}
"""For an upstream on this machine, which may think for a long time before it says anything."""


class Environment(NamedTuple):
    """Changes to an environment."""

    set: dict[str, str]
    unset: list[str]

    def onto(self, outer: Mapping[str, str]) -> dict[str, str]:
        """``outer`` with these changes."""
        return {name: value for name, value in outer.items() if name not in self.unset} | self.set


def environment(
    config: Config, port: int, outer: Mapping[str, str], *, model: str | None = None, upstream: str | None = None
) -> Environment:
    """What a client needs to talk to the service on ``port``.

    ``model`` and ``upstream`` are what the person asked for.  What they have set themselves and what doesn't
    lead elsewhere is kept.  Raises UsageError for a model or an upstream that isn't configured.
    """
    main = _main_route(config, model, upstream)
    tiers = {tier: main if upstream else routing.resolve(config, tier) for tier in TIERS}
    ours = {
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}",
        "ANTHROPIC_AUTH_TOKEN": config.server.auth_token.reveal(),
        "ANTHROPIC_API_KEY": "",  # a key in the shell would raise a dialog, and reach us for nothing
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",
        "ANTHROPIC_MODEL": _alias(main),
        **{f"ANTHROPIC_DEFAULT_{tier.upper()}_MODEL": _alias(route) for tier, route in tiers.items()},
        **_without_proxy(outer),
    }
    suggested = {**FEATURES, **_limits(main), **(PATIENCE if urls.is_loopback(main.upstream.base_url) else {})}
    kept = {name: outer.get(name) or value for name, value in suggested.items()}
    return Environment({**kept, **ours}, [name for name in SELECTORS if name in outer])


def _main_route(config: Config, model: str | None, upstream: str | None) -> Route:
    if upstream is None:
        return routing.resolve(config, model or "default")
    if upstream not in config.upstreams:
        raise UsageError(f"there is no upstream {upstream!r}; there are: {', '.join(config.upstreams)}.")
    if model is not None:
        return routing.route_to(config, f"{upstream}/{model.removeprefix(upstream + '/')}")
    target = next(
        (each for each in config.models.values() if each.startswith(f"{upstream}/") and "*" not in each), None
    )
    if target is None:
        raise UsageError(f"no model of {upstream} is configured: name one with --model.")
    return routing.route_to(config, target)


def _alias(route: Route) -> str:
    """A name that is no Claude model's, so that the client takes the window it is told instead of one it knows."""
    return f"{ALIAS}{route.name}/{route.model}"


def _limits(route: Route) -> dict[str, str]:
    """What the client must know of the model; without it, it assumes a window of a million tokens."""
    limits = {}
    if route.limits.context_window:
        limits["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] = str(route.limits.context_window)
        limits["CLAUDE_CODE_DISABLE_1M_CONTEXT"] = "1"
    if route.limits.max_output_tokens:
        limits["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = str(route.limits.max_output_tokens)
    return limits


def _without_proxy(outer: Mapping[str, str]) -> dict[str, str]:
    """Claude Code sends even loopback through HTTP_PROXY unless NO_PROXY names it."""
    merged = {}
    for name in ("NO_PROXY", "no_proxy"):
        listed = [host.strip() for host in outer.get(name, "").split(",") if host.strip()]
        merged[name] = ",".join([*listed, *(host for host in LOOPBACK if host not in listed)])
    return merged
