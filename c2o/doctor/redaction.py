"""What leaves this machine in a bug report: without keys, in whatever form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from c2o import redaction, secret
from c2o.config import Config, texts
from c2o.doctor.machine import Machine
from c2o.redaction import HIDDEN, Redactor, without_what_looks_like_a_key
from c2o.urls import without_credentials

_NAMES_A_SECRET = re.compile("KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL|HEADERS", re.IGNORECASE)


def redactor(machine: Machine) -> Callable[[str], str]:
    """Hides all that is known here to be secret, and what looks like a key."""
    hide = Redactor(_secrets(machine))
    return lambda text: without_what_looks_like_a_key(hide(text))


def _secrets(machine: Machine) -> Iterator[str]:
    for variables in (machine.environ, *(place.settings.env for place in machine.scopes)):
        yield from (value for name, value in variables.items() if _NAMES_A_SECRET.search(name))
    config = machine.config_or_error
    if isinstance(config, Config):
        yield config.server.auth_token.reveal()
        yield from (key for several in machine.keys.values() for key in several if isinstance(key, str))
        for upstream in config.upstreams.values():
            yield from redaction.in_headers(upstream.headers)


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
        shown["api_key"] = ", ".join(map(secret.describe, texts(table["api_key"])))
    for name in ("headers", "extra_body"):
        if name in table:
            shown[name] = dict.fromkeys(table[name], HIDDEN)
    return shown
