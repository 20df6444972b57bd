"""What leaves this machine in a bug report: without keys, whatever form they have taken."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from c2o import secret
from c2o.config import Config
from c2o.doctor.machine import Machine
from c2o.urls import without_credentials

HIDDEN = "***"

SHORTEST = 12
"""Characters below which a text is taken for no secret: to hide ``ollama`` would garble whatever is said of it.
Of a longer one, any piece of this length is hidden."""

_LOOKS_LIKE_A_KEY = re.compile(
    r"\b(?:sk|nvapi|gsk|xai|hf|r8|pk|tgp|fw|csk|ghp|gho|github_pat|c2o|AIza)[-_]?[A-Za-z0-9_\-]{16,}"
    r"|(?i:bearer\s+)[A-Za-z0-9._~+/=\-]{8,}"
)
"""Keys that we weren't told of: as providers make them, and whatever stands behind ``Bearer``."""


def secrets_of(machine: Machine) -> set[str]:
    """All that must not be shown, as far as it is known here."""
    found = {value for name, value in machine.environ.items() if _names_a_secret(name)}
    for place in machine.scopes:
        found |= {value for name, value in place.settings.env.items() if _names_a_secret(name)}
    config = machine.config_or_error
    if isinstance(config, Config):
        found.add(config.server.auth_token.reveal())
        found |= set(_of_upstreams(config))
        found |= {key for key in machine.keys.values() if isinstance(key, str)}
    return {value for value in found if len(value) >= SHORTEST}


def _of_upstreams(config: Config) -> Iterator[str]:
    for upstream in config.upstreams.values():
        yield from upstream.headers.values()
        yield from (word for value in upstream.headers.values() for word in value.split())
        if upstream.api_key and secret.describe(upstream.api_key.reveal()) != upstream.api_key.reveal():
            yield upstream.api_key.reveal()


def _names_a_secret(variable: str) -> bool:
    return bool(re.search("KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL|HEADERS", variable, re.IGNORECASE))


class Redactor:
    """Hides what it was told, in plain and encoded, and what looks like a key."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for value in secrets for form in _forms(value)}
        self._pieces = {form[at : at + SHORTEST] for form in forms for at in range(len(form) - SHORTEST + 1)}

    def __call__(self, text: str) -> str:
        return _LOOKS_LIKE_A_KEY.sub(HIDDEN, self._without_pieces(text))

    def _without_pieces(self, text: str) -> str:
        """Every place is looked at where a piece of a secret could stand; what overlaps is hidden in one."""
        kept: list[str] = []
        at = shown = 0
        while at <= len(text) - SHORTEST:
            if text[at : at + SHORTEST] not in self._pieces:
                at += 1
                continue
            kept += (text[shown:at], HIDDEN)
            while text[at : at + SHORTEST] in self._pieces:
                at += 1
            at = shown = at + SHORTEST - 1
        return "".join([*kept, text[shown:]])


def _forms(value: str) -> Iterator[str]:
    """As it is, in base64 at any of the three offsets, and in a URL."""
    yield value
    yield quote(value, safe="")
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + value.encode()).decode()
        yield encoded[4 if offset else 0 : len(encoded) - 4]


def of_tables(tables: dict[str, Any]) -> dict[str, Any]:
    """A configuration as its author may show it: who is asked for what, without keys."""
    upstreams = {name: _of_upstream(each) for name, each in tables.get("upstreams", {}).items()}
    server = tables.get("server", {}) | {"auth_token": HIDDEN}
    return tables | {"server": server, "upstreams": upstreams}


def _of_upstream(table: dict[str, Any]) -> dict[str, Any]:
    shown = dict(table)
    if "base_url" in table:
        shown["base_url"] = without_credentials(str(table["base_url"]))
    if "api_key" in table:
        shown["api_key"] = secret.describe(str(table["api_key"]))
    for name in ("headers", "extra_body"):
        if name in table:
            shown[name] = dict.fromkeys(table[name], HIDDEN)
    return shown
