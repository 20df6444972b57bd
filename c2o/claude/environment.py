"""The variables for a session's models, and for a settings file; ``c2o.variables`` has those that never differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from c2o import urls, variables
from c2o.claude.models import Models
from c2o.facts import Fact
from c2o.routing import ALIAS, Route
from c2o.secret import Secret
from c2o.variables import HOST, SELECTORS

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


class Environment(NamedTuple):
    """Changes to an environment."""

    set: dict[str, str]
    unset: list[str]

    def onto(self, outer: Mapping[str, str]) -> dict[str, str]:
        """``outer`` with these changes."""
        return variables.onto(outer, self.set, self.unset)


def environment(
    url: str, token: Secret, models: Models, outer: Mapping[str, str], learned: Collection[Fact]
) -> Environment:
    """What a client needs to talk to the service at ``url``; ``learned`` is what upstreams have told of their models.

    What the person has set in ``outer`` and what doesn't lead elsewhere is kept.
    """
    return Environment(*variables.changes(url, token.reveal(), of_models(models, learned), outer))


def of_models(models: Models, learned: Collection[Fact]) -> variables.Models:
    """What the variables say of a session's models."""
    main, tiers, long = models
    named = {f"ANTHROPIC_DEFAULT_{tier.upper()}_MODEL": _alias(route) for tier, route in tiers.items()}
    titles = {f"ANTHROPIC_DEFAULT_{tier.upper()}_MODEL_NAME": route.title for tier, route in tiers.items()}
    return variables.Models(
        {**({"ANTHROPIC_MODEL": _alias(main)} if main else {}), **named, **titles},
        _suited_to(main or next(iter(tiers.values()), None), long, learned),
    )


def for_settings(
    url: str, token: Secret, models: Models, outer: Mapping[str, str], learned: Collection[Fact]
) -> dict[str, str]:
    """The same for the ``env`` of a settings file, which can't take a variable away: an empty one has that effect.

    ``outer`` is the environment as it would be without us, the file's own ``env`` included.
    """
    found = environment(url, token, models, outer, learned).set
    del found[HOST]  # it would have the client ignore the very file it stands in
    return {**found, **dict.fromkeys(SELECTORS, "")}


def _alias(route: Route) -> str:
    """A name that is no Claude model's, so that the client takes the window it is told instead of one it knows."""
    return f"{ALIAS}{route.name}/{route.model}"


def _suited_to(route: Route | None, long: Route | None, learned: Collection[Fact]) -> dict[str, str]:
    """What the client must know of the model, as far as it is known.  A session may grow as long as the model for long
    prompts takes."""
    if route is None:
        return {}
    patience = PATIENCE if urls.is_loopback(route.upstream.base_url) else {}
    known = route.known_limits(route.learned(learned))
    window, answer = known.context_window, known.max_output_tokens
    if long and (longest := long.known_limits(long.learned(learned)).context_window):
        window = max(window or 0, longest)
    if window and not answer and window < SMALL_WINDOW:
        answer = window // 4
    told = {
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": window or UNKNOWN_WINDOW,
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS": answer,
    }
    return {**patience, **{name: str(limit) for name, limit in told.items() if limit}}
