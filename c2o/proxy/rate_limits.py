"""An upstream's rate-limit headers as Anthropic's.

https://platform.openai.com/docs/guides/rate-limits and https://platform.claude.com/docs/en/api/rate-limits.
Claude Code reads the ``unified`` family as its own plan's limits, so that one is never made up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

KINDS = ("requests", "tokens")

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def states_limits(headers: Mapping[str, str]) -> bool:
    """Does an upstream say anything about its limits?"""
    return "x-ratelimit-remaining-requests" in headers or "x-ratelimit-remaining-tokens" in headers


def rate_limit_headers(headers: Mapping[str, str], now: datetime) -> dict[str, str]:
    """The limits that an upstream stated; ``now`` turns its durations into times.  Names in any case."""
    found: dict[str, str] = {}
    for kind in KINDS:
        for what in ("limit", "remaining"):
            value = headers.get(f"x-ratelimit-{what}-{kind}", "")
            if value.isascii() and value.isdigit():
                found[f"anthropic-ratelimit-{kind}-{what}"] = value
        if (reset := _seconds(headers.get(f"x-ratelimit-reset-{kind}", ""))) is not None:
            at = now.astimezone(UTC) + timedelta(seconds=reset)
            found[f"anthropic-ratelimit-{kind}-reset"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return found


def _seconds(duration: str) -> float | None:
    """``6m0s``, ``1.57s``, ``20ms``, or plain seconds; None for anything else."""
    if re.fullmatch(r"\d{1,7}(\.\d+)?", duration):
        return float(duration)
    parts = _PART.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration or len(duration) > 24:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
