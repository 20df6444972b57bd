"""An upstream's rate-limit headers as Anthropic's.

https://platform.openai.com/docs/guides/rate-limits and https://platform.claude.com/docs/en/api/rate-limits.
Claude Code reads the ``unified`` family as its own plan's limits, so that one is never made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from c2o.translate.retry_after import seconds

KINDS = ("requests", "tokens")


OWN = "anthropic-ratelimit-"
"""How the names of Anthropic's own headers begin, for upstreams that send them already."""


def states_limits(headers: Mapping[str, str]) -> bool:
    """Does an upstream say anything about its limits?"""
    known = ("x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens")
    return any(name in headers for name in known) or any(name.lower().startswith(OWN) for name in headers)


def rate_limit_headers(headers: Mapping[str, str], now: datetime) -> dict[str, str]:
    """The limits that an upstream stated; ``now`` turns its durations into times.  Names in any case."""
    found = {name.lower(): value for name, value in headers.items() if name.lower().startswith(OWN)}
    for kind in KINDS:
        for what in ("limit", "remaining"):
            value = headers.get(f"x-ratelimit-{what}-{kind}", "")
            if value.isascii() and value.isdigit():
                found[f"anthropic-ratelimit-{kind}-{what}"] = value
        if (reset := seconds(headers.get(f"x-ratelimit-reset-{kind}", ""))) is not None:
            at = now.astimezone(UTC) + timedelta(seconds=reset)
            found[f"anthropic-ratelimit-{kind}-reset"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return found
