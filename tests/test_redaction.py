"""Secrets in the forms in which upstreams have repeated them."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from c2o.redaction import HIDDEN, Redactor

KEY = "sk/with+odd=letters/and+more=of+them"

FORMS = {
    "plain": KEY,
    "a piece": KEY[5:25],
    "in a URL": quote(KEY, safe=""),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 behind one letter": base64.b64encode(b"u" + KEY.encode()).decode(),
    "base64 behind two": base64.b64encode(b"u:" + KEY.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_hidden_in_every_form(form: str) -> None:
    shown = Redactor([KEY])(f"before <{FORMS[form]}> after")
    assert shown.startswith("before <")
    assert shown.endswith("> after")
    assert HIDDEN in shown
    assert len(shown) < len("before <> after") + 16


def test_words_stay_as_they_are() -> None:
    assert Redactor([KEY, "ollama"])("ollama said sk/with+od") == "ollama said sk/with+od"
