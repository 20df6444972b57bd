"""How long an upstream wants to be left alone: said in five headers' ways, or in the body's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from math import ceil

LOADING = 5
"""Seconds after which a server that loads its model may be asked again; it doesn't say itself."""

SHORT = 10
"""Seconds that are better waited for here than told to the client, which waits longer and counts it as a failure."""

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(duration: str) -> float | None:
    """``6m0s``, ``1.57s``, ``20ms``, or plain seconds; None for anything else."""
    if re.fullmatch(r"\d{1,7}(\.\d+)?", duration):
        return float(duration)
    parts = _PART.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration or len(duration) > 24:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def retry_after(headers: Mapping[str, str], words: str = "") -> str | None:
    """``retry-after`` in whole seconds, or an HTTP date that can't be turned into them; None if nothing is said.

    ``headers`` have lower-case names; ``words`` are the body's, in lower case.
    """
    headers = _with_relayed(headers)
    for read in _READERS:
        if (wait := read(headers)) is not None:
            return str(max(1, ceil(wait)))
    if date := _date(headers.get("retry-after", "")):
        return headers["retry-after"] if (wait := _until(date, headers)) is None else str(ceil(wait))
    wait = _in_words(words)
    return None if wait is None else str(max(1, ceil(wait)))


def is_short(headers: Mapping[str, str]) -> bool:
    """Does an upstream ask for a wait, in so many words, that is worth it?"""
    headers = _with_relayed(headers)
    wait = next((wait for read in (_milliseconds, _seconds) if (wait := read(headers)) is not None), None)
    return wait is not None and wait <= SHORT


def _with_relayed(headers: Mapping[str, str]) -> dict[str, str]:
    """With what LiteLLM passes on of its own upstream (https://docs.litellm.ai/docs/proxy/response_headers)."""
    prefix = "llm_provider-"
    relayed = {name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix)}
    return relayed | dict(headers)


def _milliseconds(headers: Mapping[str, str]) -> float | None:
    """OpenAI, Azure."""
    wait = _number(headers.get("retry-after-ms", ""))
    return None if wait is None else wait / 1000


def _seconds(headers: Mapping[str, str]) -> float | None:
    return _number(headers.get("retry-after", ""))


def _resets(headers: Mapping[str, str]) -> float | None:
    """Groq, OpenAI: when each kind of allowance is full again.  The used-up one counts, else the one that is soonest.

    https://console.groq.com/docs/rate-limits
    """
    waits = {kind: seconds(headers.get(f"x-ratelimit-reset-{kind}", "").strip()) for kind in ("requests", "tokens")}
    used_up = [kind for kind in waits if headers.get(f"x-ratelimit-remaining-{kind}") == "0"]
    return min((wait for kind, wait in waits.items() if wait and (kind in used_up or not used_up)), default=None)


def _epoch(headers: Mapping[str, str]) -> float | None:
    """OpenRouter: the time in milliseconds, to be held against the answer's own date.

    https://openrouter.ai/docs/api-reference/limits
    """
    at, now = _number(headers.get("x-ratelimit-reset", "")), _date(headers.get("date", ""))
    return max(0.0, at / 1000 - now.timestamp()) if at and at > 1e12 and now else None


_READERS: tuple[Callable[[Mapping[str, str]], float | None], ...] = (_milliseconds, _seconds, _resets, _epoch)


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*\d{1,16}(\.\d{1,9})?\s*", text) else None


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if re.fullmatch(r"\w{3}, [\w :+-]{20,28}", text) else None
    except ValueError:
        return None


def _until(date: datetime, headers: Mapping[str, str]) -> float | None:
    now = _date(headers.get("date", ""))
    try:
        return max(0.0, (date - now).total_seconds()) if now else None
    except TypeError:  # one of them names no zone
        return None


_WORDS = re.compile(
    r'"retrydelay"\s*:\s*"(?P<delay>[\d.]+s)"'  # Gemini: google.rpc.RetryInfo
    r"|(?:again|retry) (?:in|after) (?P<plain>[\d.]+) ?(?P<unit>seconds?|minutes?)\b"  # Azure API Management
    r"|(?:again|retry) (?:in|after) (?P<go>[\d.hms]+s)\b"  # OpenAI, Groq
)


def _in_words(words: str) -> float | None:
    match = _WORDS.search(words)
    if match is None:
        return LOADING if "loading model" in words else None
    if plain := match["plain"]:
        wait = _number(plain)
        return wait * 60 if wait is not None and match["unit"].startswith("minute") else wait
    return seconds(match["delay"] or match["go"])
