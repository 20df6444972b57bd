"""The configuration file as ``c2o init`` finds and leaves it: what isn't the choice's own stays, with its comments."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import UNSET

from c2o import config, paths, private_file, secret
from c2o.cli.config import file as config_file
from c2o.cli.config import keys as config_keys
from c2o.cli.config.keys import Place
from c2o.cli.init.choice import Draft
from c2o.config import DEFAULT_PORT, Config, Targets, Upstream
from c2o.errors import ConfigError, RefusedFile
from c2o.secret import Secret

ANEW = "c2o init --force"
"""It keeps the old file as ``config.toml.bak``."""


class Before(NamedTuple):
    """The file as it was."""

    path: Path
    text: str | None = None
    """None: there is none."""
    config: Config | None = None
    """None: there is none, or it is to be replaced."""
    token: Secret | None = None
    """Clients that run know it, so it stays."""

    @property
    def upstreams(self) -> dict[str, Upstream]:
        return self.config.upstreams if self.config else {}


def find(path: Path, *, force: bool) -> Before:
    """What is there.  Raises ConfigError for a file that isn't valid; with ``force`` it is to be replaced."""
    if not path.exists():
        return Before(path)
    try:
        loaded = config.load(path)
    except ConfigError as error:
        if not (force or _is_empty(path)):
            raise error if ANEW in str(error) else ConfigError(f"{error} Or write a new one: {ANEW}") from None
        loaded = None
    return Before(path, _text(path), None if force else loaded, loaded.server.auth_token if loaded else None)


def _text(path: Path) -> str:
    """Raises RefusedFile."""
    try:
        return path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise RefusedFile(f"{path} can't be read: {error.strerror}. Make it readable, then: c2o init") from None


def check_unchanged(before: Before) -> None:
    """Questions take a while: what another command has written meanwhile isn't lost.  Raises RefusedFile."""
    there = _text(before.path) if before.path.exists() else None
    if there != before.text:
        raise RefusedFile(
            f"{before.path} was changed by another command meanwhile, so nothing was written. "
            "Begin again with: c2o init"
        )


def _is_empty(path: Path) -> bool:
    try:
        return not path.read_bytes().strip()
    except OSError:
        return False


def written(before: Before, draft: Draft) -> str:
    """The whole new text."""
    if before.text is None or before.config is None:
        return _fresh(draft, before.token)
    return _edited(before.text, draft)


def _fresh(draft: Draft, token: Secret | None) -> str:
    text = config.render(
        token=token.reveal() if token else f"c2o-{secrets.token_urlsafe(32)}",
        upstreams={name: _without_none(table) for name, table in draft.upstreams.items()},
        models=draft.models,
        limits=draft.limits,
        port=DEFAULT_PORT if draft.port is None else draft.port,
    )
    return _edited(text, Draft(routes=draft.routes)) if draft.routes else text


def _edited(text: str, draft: Draft) -> str:
    """The old text with the draft in it; limits that somebody has set by hand stay."""

    def change(document: Any) -> None:
        for name, table in draft.upstreams.items():
            _merge(document, ("upstreams", name), table)
        if draft.models:
            _merge(document, ("models",), draft.models)
        if draft.routes:
            _merge(document, ("routes",), draft.routes)
        if draft.port is not None:
            config_file.put(document, ("server", "port"), draft.port)
        for target, limits in draft.limits.items():
            known = document.get("limits", {}).get(target, {})
            _merge(document, ("limits", target), {**limits, **known})

    return config_file.edited(text, change)


def _without_none(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value is not None}


def _merge(document: Any, place: Place, values: Mapping[str, Any]) -> None:
    """What else is in the table stays, the rest of a list that begins with the value too; a new table is put as one, so
    that an empty line can end it."""
    if config_keys.find(document, place) is UNSET:
        config_file.put(document, place, _without_none(values))
    else:
        for key, value in values.items():
            if config.texts(_plain(config_keys.find(document, (*place, key))))[:1] != (value,):
                config_file.put(document, (*place, key), value)


def _plain(value: Any) -> Any:
    """Out of a tomlkit document."""
    return value.unwrap() if hasattr(value, "unwrap") else value


def save(before: Before, text: str) -> Path | None:
    """Put the new text in place, whole and for its owner only.  The old file's copy, if there was one.

    Raises RefusedFile where that can't be.
    """
    target = paths.real(before.path)
    backup = target.with_name(f"{target.name}.bak") if before.text is not None else None
    if backup:
        private_file.write(backup, target.read_bytes())
    config_file.save(target, text)
    return backup


def masked(text: str, after: Config) -> str:
    """For showing: without the token and keys."""
    keys = [source for each in after.upstreams.values() for source in each.key_sources()]
    hidden = [key for key in keys if secret.describe(key) != key]
    headers = [value for each in after.upstreams.values() for value in each.headers.values()]
    for value in [after.server.auth_token.reveal(), *hidden, *headers]:
        text = text.replace(value, "***")
    return text


def changes(before: Config | None, after: Config) -> list[str]:
    """What is new, line by line: ``+ upstream nim``, ``~ default: a → b``."""
    if before is None:
        return []
    lines = [f"{_mark(name, before.upstreams)} upstream {name}" for name, each in after.upstreams.items()
             if before.upstreams.get(name) != each]  # fmt: skip
    lines += [f"{_mark(name, before.models)} {name}: {_from(before.models.get(name, ()))}{_either(targets)}"
              for name, targets in after.models.items() if before.models.get(name) != targets]  # fmt: skip
    if before.server.port != after.server.port:
        lines.append(f"~ port: {before.server.port} → {after.server.port}")
    return lines


def _mark(name: str, before: Mapping[str, object]) -> str:
    return "~" if name in before else "+"


def _from(targets: Targets) -> str:
    return f"{_either(targets)} → " if targets else ""


def _either(targets: Targets) -> str:
    return ", else ".join(targets)
