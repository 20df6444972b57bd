"""The configuration file in the hands of the commands that change it: by one at a time, with its comments kept,
whole and for its owner only."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from c2o import config, paths, private_file
from c2o.cli.config.keys import Place
from c2o.config import Config
from c2o.config_mistakes import tables_in
from c2o.errors import ConfigError, RefusedFile
from c2o.instance import Lock

WAIT = 10.0
"""Seconds that a change waits for others; each takes milliseconds."""


class Change(NamedTuple):
    """The file, before and after."""

    before: str
    after: str
    config: Config

    @property
    def changed(self) -> bool:
        return self.before != self.after


def read(path: Path) -> str:
    """The text as it stands.  Raises ConfigError."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"there is no configuration at {path}. Run: c2o init") from None
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}. Make it a file that you can read.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text. Save it as UTF-8, or write a new one: c2o init --force") from None


def tables(text: str, path: Path) -> dict[str, Any]:
    """What the text says, be it right or wrong.  Raises ConfigError if it isn't TOML."""
    try:
        return tables_in(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}. Correct it with: c2o config edit") from None


def change(path: Path, edit: Callable[[str], str]) -> Change:
    """Put what ``edit`` makes of the text in its place, if that is valid.  Raises ConfigError, RefusedFile."""
    with alone():
        before = read(path)
        after = edit(before)
        loaded = _valid(after, path)
        if after != before:
            save(path, after)
    return Change(before, after, loaded)


def _valid(text: str, path: Path) -> Config:
    try:
        return config.parse(text.encode(), path)
    except ConfigError as error:
        raise ConfigError(f"{error} Nothing was changed.", line=error.line) from None


def save(path: Path, text: str) -> None:
    """A link, as people who keep their dot files elsewhere have it, stays one.  Raises RefusedFile."""
    with _elsewhere():
        private_file.write(paths.real(path), text)


def check(path: Path) -> None:
    """Can it be written, as far as permissions tell?  Raises RefusedFile."""
    with _elsewhere():
        private_file.check(paths.real(path))


@contextmanager
def _elsewhere() -> Iterator[None]:
    """All of c2o's files can be in another place."""
    try:
        yield
    except RefusedFile as error:
        raise RefusedFile(f"{str(error).removesuffix('.')}, or set C2O_HOME to a folder elsewhere.") from None


@contextmanager
def alone() -> Iterator[None]:
    """So that of two changes at once none is lost."""
    with Lock(paths.state_dir() / "config.lock") as lock:
        if not lock.acquire(WAIT):
            raise RefusedFile("another c2o command is changing the configuration. Try again when it is done.")
        yield


def edited(text: str, change: Callable[[Any], None]) -> str:
    """The text with a change to its tomlkit document; the same text if that changes no value."""
    import tomlkit  # noqa: PLC0415 - slow to load, and only where there is something to edit

    document = tomlkit.parse(text.rstrip("\n") + "\n\n")
    change(document)
    after = tomlkit.dumps(document).rstrip("\n") + "\n"
    return text if tomllib.loads(after) == tomllib.loads(text) else after


def with_value(text: str, path: Place, value: Any) -> str:
    """The text with a value at ``path``; None takes it away.  Raises RefusedFile rather than change anything else."""
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    wanted = copy.deepcopy(tomllib.loads(text))
    try:
        _set(wanted, path, value)
        after = edited(text, lambda document: put(document, path, value))
        exact = _without_empty(tomllib.loads(after)) == _without_empty(wanted)
    except (TOMLKitError, tomllib.TOMLDecodeError, AttributeError, TypeError):
        exact = False
    if not exact:
        raise RefusedFile("the file is laid out so that this can't be changed safely. Do it by hand: c2o config edit")
    return after


def _without_empty(tables: dict[str, Any]) -> dict[str, Any]:
    """``[upstreams]`` goes with the last of them, which makes no difference."""
    within = {name: _without_empty(each) if isinstance(each, dict) else each for name, each in tables.items()}
    return {name: each for name, each in within.items() if each != {}}


def _set(inside: dict[str, Any], path: Place, value: Any) -> None:
    *above, last = path
    for name in above:
        if value is None and name not in inside:
            return
        inside = inside.setdefault(name, {})
    if value is None:
        inside.pop(last, None)
    else:
        inside[last] = value


def put(inside: Any, place: Place, value: Any, depth: int = 1) -> None:
    """A value into a document, only if it differs, so that it keeps its comment; None takes a key away."""
    name, *rest = place
    if rest and name not in inside and value is not None:
        for each in reversed(rest):
            value = {each: value}
        rest = []
    if rest and name in inside:
        put(inside[name], tuple(rest), value, depth + 1)
    elif value is None:
        inside.pop(name, None)
    elif not _same(inside.get(name), value):
        inside[name] = _item(value, depth)


def _same(one: Any, other: Any) -> bool:
    """To Python, 1 and true are the same."""
    return type(getattr(one, "unwrap", lambda: one)()) is type(other) and bool(one == other)


def _item(value: Any, depth: int) -> Any:
    """A table as ``[name]`` or ``[above.name]`` with an empty line after it; deeper ones as ``name = { … }``."""
    if not isinstance(value, dict):
        return value
    if depth > 2:
        return inline(value)
    import tomlkit  # noqa: PLC0415

    holds_tables = depth == 1 and all(isinstance(each, dict) for each in value.values())
    table = tomlkit.table(is_super_table=holds_tables)
    for name, each in value.items():
        table[name] = _item(each, depth + 1)
    if not holds_tables:
        table.add(tomlkit.nl())
    return table


def inline(value: Mapping[str, Any]) -> Any:
    """``{ a = 1 }``"""
    import tomlkit  # noqa: PLC0415

    table = tomlkit.inline_table()
    table.update(value)
    return table


def in_one_line(value: Any) -> str:
    """As a person would write it behind ``name =``; text without quotes."""
    import tomlkit  # noqa: PLC0415

    if isinstance(value, str):
        return value
    return str((inline(value) if isinstance(value, dict) else tomlkit.item(value)).as_string())
