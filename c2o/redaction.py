"""Texts without secrets: for logs, errors and reports, whatever an upstream repeats and in whatever form."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

HIDDEN = "***"

SHORTEST = 12
"""Characters below which a text is taken for no secret: to hide ``ollama`` would garble whatever is said of it.
Of a longer one, any piece of this length is hidden."""

WINDOW = SHORTEST // 2
STRIDE = SHORTEST - WINDOW + 1
"""A text that holds a piece of a secret has WINDOW characters of it at one of the places that are STRIDE apart."""

NAME, NAMES = 80, 200
"""Characters up to which a text may be one that comes again, and how many of these are remembered."""

HARMLESS_HEADERS = {"accept", "content-type", "user-agent", "referer", "http-referer", "x-title"}
"""What a configured header with another name holds may be a key."""

_KEY = re.compile(
    r"\b(?:(?:sk|nvapi|gsk|xai|hf|r8|pk|tgp|fw|csk|ghp|gho|github_pat)[-_](?=[A-Za-z0-9_-]*[0-9])|AIza)[A-Za-z0-9_-]{16,}"
    r"|(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}"
)
"""Keys that we weren't told of: as providers make them, and whatever stands behind ``Bearer``."""


def in_headers(headers: Mapping[str, str]) -> Iterator[str]:
    """The words in configured headers that may be secrets."""
    for name, value in headers.items():
        if name.lower() not in HARMLESS_HEADERS:
            yield from value.split()


class Redactor:
    """Hides what it was told: whole or in pieces, in plain, in base64, and as JSON and URLs have it."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for value in secrets if len(value) >= SHORTEST for form in _forms(value)}
        self._pieces = {form[at : at + SHORTEST] for form in forms for at in range(len(form) - SHORTEST + 1)}
        self._windows = {form[at : at + WINDOW] for form in forms for at in range(len(form) - WINDOW + 1)}
        self._harmless: set[str] = set()

    def __call__(self, text: str) -> str:
        if text in self._harmless:
            return text
        if not any(text[at : at + WINDOW] in self._windows for at in range(0, len(text), STRIDE)):  # nearly always
            self._remember(text)
            return text
        kept: list[str] = []
        at = shown = 0
        while at <= len(text) - SHORTEST:
            if text[at : at + SHORTEST] not in self._pieces:
                at += 1
                continue
            kept += (text[shown:at], HIDDEN)
            while text[at : at + SHORTEST] in self._pieces:  # pieces overlap: all of it is hidden in one
                at += 1
            at = shown = at + SHORTEST - 1
        return "".join([*kept, text[shown:]])

    def _remember(self, text: str) -> None:
        """That there is no secret in it: names of models and clients come again with each request."""
        if len(text) <= NAME:
            if len(self._harmless) >= NAMES:
                self._harmless.clear()
            self._harmless.add(text)


def _forms(value: str) -> Iterator[str]:
    yield value
    yield value.replace("/", "\\/")  # as PHP writes JSON
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield quote(value, safe="")
    for offset in range(3):  # where it begins in a longer text that is encoded
        encoded = base64.b64encode(b"\0" * offset + value.encode()).decode()
        inner = encoded[4 if offset else 0 : len(encoded) - 4]
        yield inner
        yield inner.translate(_OF_URLS)


_OF_URLS = str.maketrans("+/", "-_")


def without_what_looks_like_a_key(text: str) -> str:
    return _KEY.sub(HIDDEN, text)
