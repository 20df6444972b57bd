"""How long to wait, in everybody's own way."""

from __future__ import annotations

import pytest

from c2o.translate.retry_after import retry_after, seconds

WAITS: dict[str, tuple[dict[str, str], str | None]] = {
    "seconds": ({"retry-after": "12"}, "12"),
    "parts of seconds": ({"retry-after": "1.2"}, "2"),
    "milliseconds": ({"retry-after-ms": "1500", "retry-after": "9"}, "2"),
    "relayed by LiteLLM": ({"llm_provider-retry-after": "7"}, "7"),
    "LiteLLM's own": ({"llm_provider-retry-after": "7", "retry-after": "5"}, "5"),
    "a moment": ({"retry-after-ms": "3"}, "1"),
    "a date": ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "Wed, 21 Oct 2026 07:28:00 GMT"),
    "nothing": ({}, None),
    "the past": ({"retry-after": "-5"}, None),
    "words": ({"retry-after": "soon"}, None),
    "no number": ({"retry-after": "nan"}, None),
    "for ever": ({"retry-after": "inf"}, None),
    "a date, and today's": (
        {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:27:30 GMT"},
        "30",
    ),
    "a date of the past": (
        {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:29:00 GMT"},
        "0",
    ),
    "no date": ({"retry-after": "Wed, 99 Oct 2026 07:28:00 GMT"}, None),
    "Groq": ({"x-ratelimit-reset-tokens": "1m2.5s", "x-ratelimit-reset-requests": "2m59.56s"}, "63"),
    "Groq, out of requests": (
        {"x-ratelimit-reset-tokens": "7s", "x-ratelimit-reset-requests": "20s", "x-ratelimit-remaining-requests": "0"},
        "20",
    ),
    "OpenRouter": ({"x-ratelimit-reset": "1792567680000", "date": "Wed, 21 Oct 2026 07:27:50 GMT"}, "10"),
    "OpenRouter, without a date": ({"x-ratelimit-reset": "1792567680000"}, None),
    "more than one line": ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT\r\nx: y"}, None),
}


@pytest.mark.parametrize("what", WAITS)
def test_the_headers(what: str) -> None:
    headers, expected = WAITS[what]

    assert retry_after(headers) == expected


WORDS: dict[str, tuple[str, str | None]] = {
    "Gemini": ('{"@type":"type.googleapis.com/google.rpc.retryinfo","retrydelay":"13.2s"}', "14"),
    "Azure API Management": ("rate limit is exceeded. try again in 26 seconds.", "26"),
    "minutes": ("please retry after 2 minutes", "120"),
    "OpenAI": ("please try again in 1.5s. visit https://platform.openai.com", "2"),
    "Groq": ("please try again in 7m12.48s. need more tokens?", "433"),
    "a server that loads": ("unavailable_error loading model", "5"),
    "nothing": ("slow down", None),
    "garbage": ("try again in ..s", None),
}


@pytest.mark.parametrize("who", WORDS)
def test_the_words(who: str) -> None:
    words, expected = WORDS[who]

    assert retry_after({}, words) == expected


def test_a_header_beats_the_words() -> None:
    assert retry_after({"retry-after": "3"}, "try again in 26 seconds") == "3"


@pytest.mark.parametrize(
    ("duration", "expected"),
    [("6m0s", 360), ("1.57s", 1.57), ("20ms", 0.02), ("7", 7), ("2d", 172800), ("", None), ("1x", None), ("s", None)],
)
def test_durations(duration: str, expected: float | None) -> None:
    assert seconds(duration) == (None if expected is None else pytest.approx(expected))
