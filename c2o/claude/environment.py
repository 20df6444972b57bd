"""The variables that lead a client to c2o, and those that would lead it elsewhere.

What Claude Code does with each is in https://code.claude.com/docs/en/env-vars.  Its ``settings.json`` beats the
environment, unless ``CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST`` says that the environment is the host's
business; then only settings managed by an enterprise are stronger.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from c2o import urls
from c2o.claude.models import Models
from c2o.facts import Fact
from c2o.routing import ALIAS, Route
from c2o.secret import Secret

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

HOST = "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"

LOOPBACK = ("127.0.0.1", "localhost", "::1")

FEATURES = {
    "CLAUDE_CODE_AUTO_MODE_SERVER": "0",  # Anthropic's own safety check can't run here; the client's does
    "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
    "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",  # would spoil the upstream's prompt cache
    "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",  # our models in /model
    "CLAUDE_CODE_DISABLE_1M_CONTEXT": "1",  # the client would put [1m] behind the name of its opus
}

# DISABLE_AUTOUPDATER isn't here: updates bring Claude Code's security fixes, and c2o takes versions it doesn't know.

PATIENCE = {
    "API_TIMEOUT_MS": "3600000",
    "API_FORCE_IDLE_TIMEOUT": "0",
    "CLAUDE_STREAM_IDLE_TIMEOUT_MS": "1800000",
    "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": "1800000",
}
"""For an upstream on this machine, which may think for a long time before it says anything."""

UNKNOWN_WINDOW = 200_000
"""Tokens.  Of a model that it doesn't know, Claude Code would expect a million, and warn of it at each start."""

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
    url: str, token: Secret, models: Models, outer: Mapping[str, str], learned: Collection[Fact]
) -> Environment:
    """What a client needs to talk to the service at ``url``; ``learned`` is what upstreams have told of their models.

    What the person has set in ``outer`` and what doesn't lead elsewhere is kept.
    """
    main, tiers = models
    ours = {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_AUTH_TOKEN": token.reveal(),
        "ANTHROPIC_API_KEY": "",  # a key in the shell would raise a dialog, and reach us for nothing
        HOST: "1",
        **({"ANTHROPIC_MODEL": _alias(main)} if main else {}),
        **{f"ANTHROPIC_DEFAULT_{tier.upper()}_MODEL": _alias(route) for tier, route in tiers.items()},
        **_without_proxy(url, outer),
    }
    suggested = {**FEATURES, **_suited_to(main or next(iter(tiers.values()), None), learned)}
    new, gone = _unless_set(suggested, outer)
    return Environment({**new, **ours}, [*(name for name in SELECTORS if name in outer), *gone])


def for_settings(
    url: str, token: Secret, models: Models, outer: Mapping[str, str], learned: Collection[Fact]
) -> dict[str, str]:
    """The same for the ``env`` of a settings file, which can't take a variable away: an empty one has that effect.

    ``outer`` is the environment as it would be without us, the file's own ``env`` included.
    """
    found = environment(url, token, models, outer, learned).set
    del found[HOST]  # it would have the client ignore the very file it stands in
    return {**found, **dict.fromkeys(SELECTORS, "")}


def _unless_set(suggested: dict[str, str], outer: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Our suggestions where the person has set nothing, and the names of outer ones that hold no longer."""
    earlier = suggestions(outer)
    theirs = {name for name in {*suggested, *earlier} if outer.get(name, "") not in ("", earlier.get(name))}
    new = {name: value for name, value in suggested.items() if name not in theirs}
    gone = [name for name in earlier if name in outer and name not in {*new, *theirs}]
    return {**new, SUGGESTED: " ".join(f"{name}={value}" for name, value in new.items())}, gone


def suggestions(env: Mapping[str, str]) -> dict[str, str]:
    """What an environment of ours says that it has suggested."""
    return dict(entry.split("=", 1) for entry in env.get(SUGGESTED, "").split() if "=" in entry)


def _alias(route: Route) -> str:
    """A name that is no Claude model's, so that the client takes the window it is told instead of one it knows."""
    return f"{ALIAS}{route.name}/{route.model}"


def _suited_to(route: Route | None, learned: Collection[Fact]) -> dict[str, str]:
    """What the client must know of the model, as far as it is known."""
    if route is None:
        return {}
    patience = PATIENCE if urls.is_loopback(route.upstream.base_url) else {}
    known = route.known_limits(route.learned(learned))
    window, answer = known.context_window, known.max_output_tokens
    if window and not answer and window < SMALL_WINDOW:
        answer = window // 4
    told = {
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": window or UNKNOWN_WINDOW,
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS": answer,
    }
    return {**patience, **{name: str(limit) for name, limit in told.items() if limit}}


def _without_proxy(url: str, outer: Mapping[str, str]) -> dict[str, str]:
    """Claude Code sends even loopback through HTTP_PROXY unless NO_PROXY names it."""
    wanted = dict.fromkeys([*LOOPBACK, urlsplit(url).hostname or ""])
    merged = {}
    for name in ("NO_PROXY", "no_proxy"):
        listed = [host.strip() for host in outer.get(name, "").split(",") if host.strip()]
        merged[name] = ",".join([*listed, *(host for host in wanted if host not in listed)])
    return merged
