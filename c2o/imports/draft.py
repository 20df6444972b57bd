"""What an import collects: tables of a configuration, as TOML has them, and what must be said about them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard
from urllib.parse import urlsplit

from c2o import urls
from c2o.presets import PRESETS


class Unreadable(Exception):
    """A file isn't there, isn't what it should be, or has nothing to take over; in words for its owner."""


class Import(NamedTuple):
    """A configuration of another tool, told as c2o's."""

    title: str
    """The tool's name."""
    path: Path
    upstreams: dict[str, dict[str, Any]]
    models: dict[str, str | list[str]]
    routes: dict[str, Any]
    limits: dict[str, dict[str, int]]
    keys: dict[str, str]
    """Variables for ``keys.env``: keys that stand in the tool's own file and nowhere else."""
    notes: list[str]
    """What c2o could not take over, a sentence each."""

    @property
    def summary(self) -> str:
        """As the choice of upstreams shows it."""
        return "1 upstream" if len(self.upstreams) == 1 else f"{len(self.upstreams)} upstreams"


class Draft:
    """An import in the making."""

    def __init__(self, title: str, path: Path, environ: Mapping[str, str]) -> None:
        self._title = title
        self._path = path
        self._environ = environ
        self.upstreams: dict[str, dict[str, Any]] = {}
        self.models: dict[str, list[str]] = {}
        self.routes: dict[str, Any] = {}
        self.limits: dict[str, dict[str, int]] = {}
        self._keys: dict[str, str] = {}
        self._referred: set[str] = set()
        """Variables that the other configuration names itself."""
        self.notes: list[str] = []

    def upstream(self, name: str, base_url: object, key: object, **more: Any) -> str | None:
        """Take one over; its name in the configuration, or None (and a note) if it has no address that is one.

        The same address with the same key is one upstream.
        """
        if not isinstance(base_url, str) or not _is_address(base_url):
            self.notes.append(f"{name}: it has no address that c2o could ask, so it was left out.")
            return None
        table = {"base_url": base_url, **self._taken(name, more)}
        if (reference := self.key(name, base_url, key)) is not None:
            table["api_key"] = reference
        for known, each in self.upstreams.items():
            if each == table:
                return known
        free = _free(_name(name), self.upstreams)
        self.upstreams[free] = table
        return free

    def _taken(self, name: str, more: Mapping[str, Any]) -> dict[str, Any]:
        """What c2o takes of other settings; a note about each that it doesn't, without its value."""
        given = {key: _without_null(value) for key, value in more.items() if value}
        bad = [key for key, value in given.items() if not _CAN_BE.get(key, bool)(value)]
        self.notes += [f"{name}: its {key} is nothing that c2o could use, so it was left out." for key in bad]
        return {key: value for key, value in given.items() if key not in bad}

    def key(self, name: str, base_url: str, written: object) -> str | None:
        """How the configuration refers to a key that another one has as text, or as ``$NAME``."""
        if not isinstance(written, str) or not written.strip():
            return None
        if variable := _variable(written):
            self._referred.add(variable)
            return f"env:{variable}"
        if _is_placeholder(written, base_url):
            return None
        same = [each for each, value in self._environ.items() if value == written and _looks_like_a_key(each)]
        if same:
            return f"env:{min(same)}"
        return f"env:{self._kept(written, _usual_variable(base_url), _variable_for(name))}"

    def _kept(self, key: str, usual: str | None, other: str) -> str:
        """The variable under which ``keys.env`` will have it; one that means another key is left alone."""
        taken = {*self._keys, *self._referred, *(name for name, value in self._environ.items() if value)}
        known = next((each for each, value in self._keys.items() if value == key), None)
        variable = known or (_free(usual, taken) if usual else _free(other, taken | _VENDORS))
        self._keys[variable] = key
        return variable

    def done(self) -> Import:
        """All of it.  Raises Unreadable if there is nothing."""
        if not self.upstreams:
            raise Unreadable(" ".join(["it has no upstream that c2o could use.", *self.notes]))
        if "default" not in self.models:
            first = next(iter(self.models.values()), None)
            if first is None:
                self.notes.append(f"{self._title} names no model: choose one for default.")
            else:
                self.models["default"] = first
        if not all(map(str.isprintable, _texts([self.upstreams, self.models, self.routes, self.limits]))):
            raise Unreadable("it has control characters in its names or values.")
        models = {name: targets[0] if len(targets) == 1 else targets for name, targets in self.models.items()}
        return Import(self._title, self._path, self.upstreams, models, self.routes, self.limits, self._keys, self.notes)


def text_of(path: Path) -> str:
    """Raises Unreadable."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"it can't be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}.") from None


def items(value: object) -> Iterable[dict[str, Any]]:
    """The tables in a list that somebody may have written otherwise."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def listed(value: object) -> list[Any]:
    """A list that somebody may have written otherwise."""
    return value if isinstance(value, list) else []


def table(value: object) -> dict[str, Any]:
    """A table that somebody may have written otherwise."""
    return value if isinstance(value, dict) else {}


def is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_proxy(value: object) -> bool:
    try:
        urls.parse_proxy(str(value))
    except ValueError:
        return False
    return isinstance(value, str)


_CAN_BE: dict[str, Callable[[Any], bool]] = {
    "proxy": _is_proxy,
    "headers": lambda headers: all(isinstance(value, str) for value in headers.values()),
    "requests_per_minute": is_count,
    "max_concurrency": is_count,
}


def _without_null(value: Any) -> Any:
    """TOML has no null."""
    if isinstance(value, dict):
        return {key: _without_null(each) for key, each in value.items() if each is not None}
    return [_without_null(each) for each in value if each is not None] if isinstance(value, list) else value


def _texts(value: object) -> Iterator[str]:
    """All that there are in it, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts([*value.keys(), *value.values()])
    elif isinstance(value, list):
        yield from (text for each in value for text in _texts(each))


def _is_address(text: str) -> bool:
    try:
        urls.parse(text)
    except ValueError:
        return False
    return True


def _name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-.").lower() or "upstream"


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, or with the first number behind it that makes it one of its own."""
    known, separator = set(taken), "_" if name.isupper() else "-"
    numbered = (f"{name}{separator}{number}" for number in range(2, len(known) + 3))
    return name if name not in known else next(each for each in numbered if each not in known)


def _variable_for(name: str) -> str:
    return re.sub(r"\W+", "_", _name(name)).upper() + "_API_KEY"


_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)\}|(?P<bare>\w+))|os\.environ/(?P<litellm>\w+)")


def _variable(written: str) -> str | None:
    """The variable that ``$NAME``, ``${NAME}`` (claude-code-router) or ``os.environ/NAME`` (LiteLLM) means."""
    found = _VARIABLE.fullmatch(written.strip())
    return next(name for name in found.groups() if name) if found else None


_LOCAL_FILLERS = ("ollama", "dummy", "dummy-key", "none", "null", "lm-studio", "not-needed", "no-key", "anything")


def _is_placeholder(written: str, base_url: str) -> bool:
    """Is it what people write where a client insists on a key, or what an example has?"""
    text = written.strip().lower()
    return (
        "your-" in text
        or text in ("sk-xxx", "sk-...", "sk-")
        or (urls.is_loopback(base_url) and (text in _LOCAL_FILLERS or len(text) < 8))
    )


def _looks_like_a_key(variable: str) -> bool:
    return variable.endswith(("_KEY", "_TOKEN")) or "API_KEY" in variable


_VENDORS = {preset.key_env for preset in PRESETS.values() if preset.key_env}
"""Variables that mean the key of one certain address."""


def _usual_variable(base_url: str) -> str | None:
    """The variable in which the documentation of this address' owner keeps its key."""
    host = urlsplit(base_url).hostname
    return next((each.key_env for each in PRESETS.values() if urlsplit(each.base_url).hostname == host), None)
