"""cc-switch (https://github.com/farion1231/cc-switch): providers as environments for Claude Code.

They are in a SQLite database, table ``providers``; older versions kept them in ``config.json``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from c2o.imports.draft import Draft, Import, Unreadable, table, text_of

APIS = {"anthropic": "anthropic", "openai_chat": "chat", "openai_responses": "responses"}
"""``apiFormat``; without one a provider speaks Anthropic's API."""

TIERS = {
    "default": "ANTHROPIC_MODEL",
    "opus": "ANTHROPIC_DEFAULT_OPUS_MODEL",
    "sonnet": "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "haiku": "ANTHROPIC_DEFAULT_HAIKU_MODEL",
}


class Provider(NamedTuple):
    name: str
    settings: dict[str, Any]
    meta: dict[str, Any]
    current: bool


def read(path: Path, environ: Mapping[str, str]) -> Import:
    """Raises Unreadable."""
    providers = _from_database(path) if path.suffix == ".db" else _from_file(path)
    draft = Draft("cc-switch", path, environ)
    for each in sorted(providers, key=lambda each: not each.current):
        _provider(draft, each)
    return draft.done()


def _from_database(path: Path) -> list[Provider]:
    if not path.is_file():
        raise Unreadable("it can't be read: No such file or directory.")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute(
                "SELECT name, settings_config, meta, is_current FROM providers WHERE app_type = 'claude'"
            ).fetchall()
    except sqlite3.Error as error:
        raise Unreadable(f"it isn't a database of cc-switch: {error}.") from None
    return [Provider(str(name), _json(settings), _json(meta), bool(current)) for name, settings, meta, current in rows]


def _from_file(path: Path) -> list[Provider]:
    found = _json(text_of(path))
    claude = table(found.get("claude")) or found
    return [
        Provider(
            str(table(each).get("name") or id),
            table(table(each).get("settingsConfig")),
            table(table(each).get("meta")),
            id == claude.get("current"),
        )
        for id, each in table(claude.get("providers")).items()
    ]


def _json(text: object) -> dict[str, Any]:
    try:
        return table(json.loads(str(text)))
    except (ValueError, RecursionError):
        return {}


def _provider(draft: Draft, provider: Provider) -> None:
    variables = table(provider.settings.get("env"))
    if not variables.get("ANTHROPIC_BASE_URL"):
        return  # Anthropic's own, by login
    form = str(provider.meta.get("apiFormat") or provider.settings.get("api_format") or "anthropic")
    if form not in APIS:
        draft.notes.append(f"{provider.name}: c2o doesn't speak {form}, so it was left out.")
        return
    key = variables.get("ANTHROPIC_AUTH_TOKEN") or variables.get("ANTHROPIC_API_KEY")
    upstream = draft.upstream(provider.name, variables["ANTHROPIC_BASE_URL"], key, api=APIS[form])
    if upstream is not None and not draft.models:
        _models(draft, upstream, variables)


def _models(draft: Draft, upstream: str, variables: dict[str, Any]) -> None:
    """Those of the provider in use.  One that names none gets the client's own names."""
    for tier, variable in TIERS.items():
        if model := variables.get(variable):
            draft.models[tier] = [f"{upstream}/{str(model).removesuffix('[1m]')}"]
    draft.models.setdefault("default", [f"{upstream}/*"])
