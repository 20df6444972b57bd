"""The configuration file as ``c2o init`` finds and leaves it: what isn't the choice's own stays, with its comments."""

from __future__ import annotations

import os
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from c2o import config, paths, secret
from c2o.cli.init_choice import Choice
from c2o.config import DEFAULT_PORT, Config, Limits, Upstream
from c2o.errors import ConfigError, RefusedFile
from c2o.secret import Secret

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


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
        if not force:
            raise ConfigError(f"{error} Correct it, or begin anew with --force; the old file is kept.") from None
        loaded = None
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise RefusedFile(f"{path} can't be read: {error.strerror}. Make it readable, then: c2o init") from None
    return Before(path, text, None if force else loaded, loaded.server.auth_token if loaded else None)


def written(before: Before, choice: Choice) -> str:
    """The whole new text."""
    if before.text is None or before.config is None:
        return _fresh(choice, before.token)
    return _edited(before.text, choice)


def _fresh(choice: Choice, token: Secret | None) -> str:
    return config.render(
        token=token.reveal() if token else f"c2o-{secrets.token_urlsafe(32)}",
        upstreams={choice.name: _table(choice)},
        models=choice.models,
        limits={f"{choice.name}/{model}": _limits(each) for model, each in choice.limits.items()},
        port=DEFAULT_PORT if choice.port is None else choice.port,
    )


def _table(choice: Choice) -> dict[str, str]:
    table = {"base_url": choice.base_url, "api_key": choice.api_key, "dialect": choice.dialect}
    return {key: value for key, value in table.items() if value is not None}


def _limits(limits: Limits) -> dict[str, int]:
    table = {"context_window": limits.context_window, "max_output_tokens": limits.max_output_tokens}
    return {key: value for key, value in table.items() if value is not None}


def _edited(text: str, choice: Choice) -> str:
    """The old text with the choice in it; limits that somebody has set by hand stay."""
    import tomlkit  # noqa: PLC0415 - only where there is something to edit

    document: Any = tomlkit.parse(text.rstrip("\n") + "\n\n")
    _put_table(document, "upstreams", choice.name, {**_table(choice), "api_key": choice.api_key})
    _put(document["models"], choice.models)
    if choice.port is not None:
        _put(document["server"], {"port": choice.port})
    for model, each in choice.limits.items():
        known = document.get("limits", {}).get(f"{choice.name}/{model}", {})
        _put_table(document, "limits", f"{choice.name}/{model}", {**_limits(each), **known})
    edited = tomlkit.dumps(document).rstrip("\n") + "\n"
    return text if tomllib.loads(edited) == tomllib.loads(text) else edited


def _put_table(document: Any, group: str, name: str, values: Mapping[str, Any]) -> None:
    """``values`` into ``[group.name]``; a new one gets an empty line after it."""
    import tomlkit  # noqa: PLC0415

    if group not in document:
        document[group] = tomlkit.table(is_super_table=True)
    if name in document[group]:
        _put(document[group][name], values)
        return
    document[group][name] = {key: value for key, value in values.items() if value is not None}
    if isinstance(document[group][name], tomlkit.items.Table):
        document[group][name].add(tomlkit.nl())


def _put(table: Any, values: Mapping[str, Any]) -> None:
    """Only what differs, so that a value keeps its comment; None takes a key away."""
    for key, value in values.items():
        if value is None:
            table.pop(key, None)
        elif table.get(key) != value:
            table[key] = value


def save(before: Before, text: str) -> Path | None:
    """Put the new text in place, whole and for its owner only.  The old file's copy, if there was one.

    Raises RefusedFile where that can't be.
    """
    target = before.path.resolve()  # a link, as people who keep their dot files elsewhere have it, stays one
    backup = target.with_name(f"{target.name}.bak") if before.text is not None else None
    try:
        paths.private_dir(target.parent)
        if backup:
            _write(backup, target.read_bytes())
        _write(target, text.encode())
    except OSError as error:
        raise RefusedFile(
            f"{target} can't be written: {error.strerror}. Make its folder writable, or set C2O_HOME to one that is."
        ) from None
    return backup


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NO_FOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def masked(text: str, after: Config) -> str:
    """For showing: without the token and keys."""
    keys = [each.api_key.reveal() for each in after.upstreams.values() if each.api_key]
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
    lines += [f"{_mark(name, before.models)} {name}: {_from(before.models.get(name))}{target}"
              for name, target in after.models.items() if before.models.get(name) != target]  # fmt: skip
    if before.server.port != after.server.port:
        lines.append(f"~ port: {before.server.port} → {after.server.port}")
    return lines


def _mark(name: str, before: Mapping[str, object]) -> str:
    return "~" if name in before else "+"


def _from(target: str | None) -> str:
    return f"{target} → " if target else ""
