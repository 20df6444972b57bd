"""Secrets in the forms in which upstreams have repeated them."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote

import pytest

from c2o.redaction import HIDDEN, NAMES, SHORTEST, SLICE, Redactor, without_what_looks_like_a_key

QUOTED = 'sk-"quoted"-and-\\-grün-0123456789'

KEY = "sk/with+odd=letters/and+more=of+them"

FORMS = {
    "plain": KEY,
    "a piece": KEY[5:25],
    "in a URL": quote(KEY, safe=""),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 behind one letter": base64.b64encode(b"u" + KEY.encode()).decode(),
    "JSON with slashes escaped": KEY.replace("/", "\\/"),
    "base64 of URLs": base64.urlsafe_b64encode(KEY.encode()).decode(),
    "base64 behind two": base64.b64encode(b"u:" + KEY.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_hidden_in_every_form(form: str) -> None:
    shown = Redactor([KEY])(f"before <{FORMS[form]}> after")
    assert shown.startswith("before <")
    assert shown.endswith("> after")
    assert HIDDEN in shown
    assert len(shown) < len("before <> after") + 16


@pytest.mark.parametrize("before", range(8))
def test_the_smallest_piece_is_hidden_wherever_it_stands(before: int) -> None:
    """Not every place of a long text is looked at."""
    for start in range(len(KEY) - SHORTEST + 1):
        piece = KEY[start : start + SHORTEST]
        assert Redactor([KEY])("." * before + piece) == "." * before + HIDDEN


def test_words_stay_as_they_are() -> None:
    assert Redactor([KEY, "ollama"])("ollama said sk/with+od") == "ollama said sk/with+od"


def test_what_was_harmless_once_is_remembered_within_bounds() -> None:
    """Names come again with each request; what comes but once must not pile up."""
    redact = Redactor([KEY])
    for n in range(5 * NAMES):
        assert redact(f"model-{n}") == f"model-{n}"
        assert redact("x" * 200) == "x" * 200
    assert redact(f"of {KEY}") == redact(f"of {KEY}") == f"of {HIDDEN}"
    assert len(redact._harmless) <= NAMES


@pytest.mark.parametrize("ascii", [True, False])
def test_a_secret_is_hidden_as_json_writes_it(ascii: bool) -> None:
    shown = Redactor([QUOTED])(json.dumps({"said": QUOTED}, ensure_ascii=ascii))
    assert json.loads(shown) == {"said": HIDDEN}


@pytest.mark.parametrize("before", [*range(SLICE - 40, SLICE + 3), 2 * SLICE - 20])
def test_a_large_text_is_searched_without_gaps(before: int) -> None:
    found = Redactor([KEY])("ä" * before + KEY + "." * SLICE + KEY)
    assert found == "ä" * before + HIDDEN + "." * SLICE + HIDDEN
    looks_like_keys = "github_pat_0123456789abcdef", "AIza0123456789abcdef", "Bearer 0123456789"
    for key in looks_like_keys:
        assert without_what_looks_like_a_key("." * before + key) == "." * before + HIDDEN


def test_two_redactors_together_hide_what_each_does() -> None:
    both = Redactor([KEY]) | Redactor([QUOTED])
    assert both(f"{KEY} and {QUOTED}") == f"{HIDDEN} and {HIDDEN}"


def test_a_text_of_beginnings_takes_time_by_its_length() -> None:
    """Not by the square of it: each could go on to the end."""

    def seconds(times: int) -> float:
        began = time.process_time()
        without_what_looks_like_a_key("sk-" * times)
        return time.process_time() - began

    assert seconds(40_000) < 8 * max(seconds(10_000), seconds(10_000))
