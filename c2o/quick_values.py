"""Values for completion scripts: ``c2o __complete WHAT [PREFIX …]`` prints one a line, and its meaning behind a tab.

A shell calls it at each press of Tab.  So it loads nothing but json and os, looks at files only, and what isn't
there, or can't be understood, has no values: nobody wants to read of a broken configuration while they type.
"""

from __future__ import annotations

import json
import os

from c2o.prompt import home

TYPE_CHECKING = False
if TYPE_CHECKING:  # each of them takes as long to load as a tenth of Python
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

Value = tuple[str, str]
"""A word, and what it means; that may be empty."""

MOST = 2000
"""Values that are shown."""

LARGEST = 16 * 1024 * 1024
"""Bytes of a file that may be ours."""

TAIL = 256 * 1024
"""Bytes of the log that are looked through for requests."""


def main(arguments: list[str]) -> int:
    """Print the values of a kind that begin with a prefix; what stands behind that, the kind needs."""
    what, prefix, *more = (*arguments, *[""] * (2 - len(arguments)))
    found = {value: meaning for value, meaning in KINDS.get(what, _nothing)(more) if _fits(value, prefix)}
    lines = [f"{value}\t{_in_one_line(meaning)}\n" for value, meaning in list(found.items())[:MOST]]
    _write("".join(lines).encode(errors="replace"))
    return 0


def _fits(value: object, prefix: str) -> bool:
    """What could steer the terminal is no value: an upstream may call its models anything."""
    return isinstance(value, str) and value != "" and value.startswith(prefix) and value.isprintable()


def _in_one_line(meaning: str) -> str:
    return "".join(character if character.isprintable() else " " for character in meaning)


def _write(data: bytes) -> None:
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError:
        pass  # the shell has lost interest


def _nothing(_: list[str]) -> Iterator[Value]:
    return iter(())


# What is configured


class Configured:
    """The names in the configuration, if they stand on lines of their own: to load ``tomllib`` would take too long."""

    def __init__(self, text: str) -> None:
        self.upstreams: dict[str, str] = {}
        """Name → host."""
        self.models: dict[str, list[str]] = {}
        """What a client asks for → ``upstream/model``, in order."""
        self.names: dict[str, list[str]] = {}
        """Table → the names in it."""
        table: list[str] = []
        for line in _whole_lines(text):
            if line.startswith("["):
                table = _names(line.strip("[").partition("]")[0])
                self._take(table, "")
            elif "=" in line:
                names, value = _cut(line)
                self._take([*table, *names], value)

    def _take(self, place: list[str], value: str) -> None:
        if len(place) > 1:
            self.names.setdefault(place[0], []).append(place[1])
        match place:
            case ["upstreams", name, *rest]:
                self.upstreams.setdefault(name, "")
                if rest == ["base_url"]:
                    self.upstreams[name] = _host("".join(_texts(value)[:1]))
            case ["models", name]:
                self.models[name] = [text for text in _texts(value) if "/" in text]


def _whole_lines(text: str) -> Iterator[str]:
    """Without comments; those of a list as one."""
    begun = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("#"):
            continue
        begun += line.partition(" #")[0].strip()
        if "[" not in begun.partition("=")[2] or begun.endswith("]"):
            yield begun
            begun = ""
    yield begun


def _host(url: str) -> str:
    """Names and keys may stand before it, and behind."""
    rest = url.partition("://")[2]
    for end in "/?#":
        rest = rest.partition(end)[0]
    return rest.rpartition("@")[2]


def _names(text: str) -> list[str]:
    """``limits."nim/m".x`` → limits, nim/m, x"""
    names, quote = [""], ""
    for character in text:
        if character == quote:
            quote = ""
        elif not quote and character in "\"'":
            quote = character
        elif character == "." and not quote:
            names.append("")
        elif quote or not character.isspace():
            names[-1] += character
    return names


def _cut(line: str) -> tuple[list[str], str]:
    """A line's key and value.  A quoted key may have an equals sign in it."""
    end = line.find(line[0], 1) + 1 if line[0] in "\"'" else 0
    key, _, value = line[end:].partition("=")
    return _names(line[:end] + key), value


def _texts(value: str) -> list[str]:
    """The texts in a value: it, or those of a list."""
    quote = "'" if value.lstrip(" [").startswith("'") else '"'
    return value.split(quote)[1::2]


def _configured() -> Configured:
    return Configured(_read(_path(home.config_file)))


# What is known


def _models(_: list[str]) -> Iterator[Value]:
    """What ``c2o run --model`` takes: configured names, then ``upstream/model``."""
    configured = _configured()
    yield from ((name, _in_order(targets)) for name, targets in configured.models.items() if "*" not in name)
    for targets in configured.models.values():
        yield from ((target, "configured") for target in targets if not target.endswith("*"))
    yield from ((f"{upstream}/{id}", about) for upstream, id, about in _known())


def _ids(_: list[str]) -> Iterator[Value]:
    """The same without the upstream, as upstreams call them."""
    yield from ((id, upstream) for upstream, id, _ in _known())


def _targets(_: list[str]) -> Iterator[Value]:
    """Upstreams, and their models."""
    configured = _configured()
    yield from configured.upstreams.items()
    yield from (value for value in _models([]) if "/" in value[0])


def _upstreams(_: list[str]) -> Iterator[Value]:
    yield from _configured().upstreams.items()


def _in_order(targets: Iterable[str]) -> str:
    return ", then ".join(targets)


def _known() -> Iterator[tuple[str, str, str]]:
    """Upstream, model and what is known of it, from the list that the service keeps."""
    for upstream, catalogue in _table(_json(_read(_path(home.state_file, "models.json"))), "upstreams").items():
        models = catalogue.get("models") if isinstance(catalogue, dict) else None
        for model in models if isinstance(models, list) else []:
            if isinstance(model, dict) and isinstance(model.get("id"), str):
                yield upstream, model["id"], _window(model.get("context_window"))


def _window(tokens: object) -> str:
    return f"{tokens // 1000}k tokens" if isinstance(tokens, int) and tokens >= 1000 else ""


def _keys(tables: list[str]) -> Iterator[Value]:
    """Keys with names of the configuration's own in them; ``limits:context_window,…`` says what such a table holds."""
    configured = _configured()
    yield from ((f"models.{name}", _in_order(targets)) for name, targets in configured.models.items())
    for table, _, keys in (each.partition(":") for each in tables):
        for name in configured.names.get(table, []):
            yield f"{table}.{name}", "all of it"
            yield from ((f"{table}.{name}.{key}", "") for key in keys.split(","))


def _requests(_: list[str]) -> Iterator[Value]:
    """The ids of the last requests in the log, the newest first."""
    for line in reversed(_tail(_path(home.log_file)).splitlines()):
        record = _json(line)
        request = _table(record, "request") or _table(record, "begun")
        if isinstance(request.get("id"), str):
            yield request["id"], _told(request)


def _told(request: dict[str, Any]) -> str:
    """``claude-sonnet-5 → nim/qwen3 end_turn``"""
    end = request.get("error") or request.get("stop_reason") or ""
    return f"{request.get('asked', '-')} → {request.get('target', '-')} {end}".rstrip()


def _traces(_: list[str]) -> Iterator[Value]:
    """The ids of the requests that were traced, the newest first: ``20261121T165002.123-req_….jsonl``."""
    try:
        names = os.listdir(_path(home.state_file, "trace"))
    except OSError:
        return
    for name in sorted(names, reverse=True):
        if "-req_" in name:
            yield name.partition("-")[2].removesuffix(".jsonl"), name[:15]


KINDS: dict[str, Callable[[list[str]], Iterator[Value]]] = {
    "models": _models,
    "ids": _ids,
    "targets": _targets,
    "upstreams": _upstreams,
    "keys": _keys,
    "requests": _requests,
    "traces": _traces,
}


# Files


def _path(place: Callable[..., str], *name: str) -> str:
    """Empty where it is in doubt."""
    try:
        return place(*name)
    except home.Unsure:
        return ""


def _read(path: str) -> str:
    try:
        with open(path if os.path.isfile(path) else "", "rb") as file:  # a pipe would never end
            return file.read(LARGEST).decode(errors="replace")
    except (OSError, ValueError):
        return ""


def _tail(path: str) -> str:
    """The end of a file; its first line may be cut."""
    try:
        with open(path if os.path.isfile(path) else "", "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            return file.read(TAIL).decode(errors="replace")
    except (OSError, ValueError):
        return ""


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _table(value: object, name: str) -> dict[str, Any]:
    inside = value.get(name) if isinstance(value, dict) else None
    return inside if isinstance(inside, dict) else {}
