"""Values for the completion scripts: ``c2o __complete WHAT [PREFIX]`` prints one a line, and its meaning behind a tab.

A shell calls it at each press of Tab.  So it loads nothing but json, os and sys, looks at files only, and what isn't
there, or can't be understood, has no values: nobody wants to read of a broken configuration while they type.
"""

from __future__ import annotations

import json
import os
import sys

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

OF_AN_UPSTREAM = (
    *("base_url", "api_key", "api", "dialect", "quirks", "headers", "extra_body", "omit", "requests_per_minute"),
    *("max_concurrency", "timeouts", "timeouts.connect", "timeouts.first_byte", "timeouts.idle", "timeouts.total"),
)
"""The keys of ``[upstreams.NAME]``, which the types in ``config`` declare; to load them takes too long here."""

OF_LIMITS = ("context_window", "max_output_tokens")
"""Those of ``[limits."UPSTREAM/MODEL"]``."""


def main(arguments: list[str]) -> int:
    """Print the values of a kind that begin with a prefix."""
    what, prefix = [*arguments, "", ""][:2]
    found = {value: meaning for value, meaning in KINDS.get(what, _nothing)() if _fits(value, prefix)}
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


def _nothing() -> Iterator[Value]:
    return iter(())


# What is configured


class Configured:
    """The names in the configuration, if they stand on lines of their own: to load ``tomllib`` would take too long."""

    def __init__(self, text: str) -> None:
        self.upstreams: dict[str, str] = {}
        """Name → base URL."""
        self.models: dict[str, list[str]] = {}
        """What a client asks for → ``upstream/model``, in order."""
        self.limits: list[str] = []
        table: list[str] = []
        for line in map(str.strip, text.splitlines()):
            if line.startswith("["):
                table = _names(line.strip("[").partition("]")[0])
                self._take(table, "")
            elif "=" in line and not line.startswith("#"):
                names, value = _cut(line)
                self._take([*table, *names], value)

    def _take(self, place: list[str], value: str) -> None:
        match place:
            case ["upstreams", name, *rest]:
                self.upstreams.setdefault(name, "")
                if rest == ["base_url"]:
                    self.upstreams[name] = "".join(_texts(value)[:1])
            case ["models", name]:
                self.models[name] = [text for text in _texts(value) if "/" in text]
            case ["limits", name, *_] if name not in self.limits:
                self.limits.append(name)


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
    quotes = ("\"'"[line[0] == "'"]) if line[0] in "\"'" else ""
    end = line.find(quotes, 1) + 1 if quotes else 0
    key, _, value = line[end:].partition("=")
    return _names(line[:end] + key), value


def _texts(value: str) -> list[str]:
    """The texts in a value: it, or those of a list.  A comment behind it has none that look like ours."""
    quote = "'" if value.lstrip(" [").startswith("'") else '"'
    return value.partition(" #")[0].split(quote)[1::2]


def _configured() -> Configured:
    return Configured(_read(config_file()))


# What is known


def _models() -> Iterator[Value]:
    """What ``c2o run --model`` takes: configured names, then ``upstream/model``."""
    configured = _configured()
    yield from ((name, _in_order(targets)) for name, targets in configured.models.items() if "*" not in name)
    for targets in configured.models.values():
        yield from ((target, "configured") for target in targets if not target.endswith("*"))
    yield from ((f"{upstream}/{id}", about) for upstream, id, about in _known())


def _ids() -> Iterator[Value]:
    """The same without the upstream, as upstreams call them."""
    yield from ((id, upstream) for upstream, id, _ in _known())


def _targets() -> Iterator[Value]:
    """Upstreams, and their models."""
    configured = _configured()
    yield from configured.upstreams.items()
    yield from (value for value in _models() if "/" in value[0])


def _upstreams() -> Iterator[Value]:
    yield from _configured().upstreams.items()


def _in_order(targets: Iterable[str]) -> str:
    return ", then ".join(targets)


def _known() -> Iterator[tuple[str, str, str]]:
    """Upstream, model and what is known of it, from the list that the service keeps."""
    for upstream, catalogue in _table(_json(_read(state_file("models.json"))), "upstreams").items():
        models = catalogue.get("models") if isinstance(catalogue, dict) else None
        for model in models if isinstance(models, list) else []:
            if isinstance(model, dict) and isinstance(model.get("id"), str):
                yield upstream, model["id"], _window(model.get("context_window"))


def _window(tokens: object) -> str:
    return f"{tokens // 1000}k tokens" if isinstance(tokens, int) and tokens >= 1000 else ""


def _keys() -> Iterator[Value]:
    """Keys of the configuration that have names of its own in them; the scripts hold the others."""
    configured = _configured()
    for name in configured.upstreams:
        yield f"upstreams.{name}", "all of it"
        yield from ((f"upstreams.{name}.{key}", "") for key in OF_AN_UPSTREAM)
    yield from ((f"models.{name}", _in_order(targets)) for name, targets in configured.models.items())
    for name in configured.limits:
        yield f"limits.{name}", "all of it"
        yield from ((f"limits.{name}.{key}", "") for key in OF_LIMITS)


def _requests() -> Iterator[Value]:
    """The ids of the last requests in the log, the newest first."""
    for line in reversed(_tail(log_file()).splitlines()):
        record = _json(line)
        request = _table(record, "request") or _table(record, "begun")
        if isinstance(request.get("id"), str):
            yield request["id"], _told(request)


def _told(request: dict[str, Any]) -> str:
    """``claude-sonnet-5 → nim/qwen3 end_turn``"""
    end = request.get("error") or request.get("stop_reason") or ""
    return f"{request.get('asked', '-')} → {request.get('target', '-')} {end}".rstrip()


def _traces() -> Iterator[Value]:
    """The ids of the requests that were traced, the newest first: ``20261121T165002.123-req_….jsonl``."""
    try:
        names = os.listdir(state_file("trace"))
    except OSError:
        return
    for name in sorted(names, reverse=True):
        if "-req_" in name:
            yield name.partition("-")[2].removesuffix(".jsonl"), name[:15]


KINDS: dict[str, Callable[[], Iterator[Value]]] = {
    "models": _models,
    "ids": _ids,
    "targets": _targets,
    "upstreams": _upstreams,
    "keys": _keys,
    "requests": _requests,
    "traces": _traces,
}


# Files: where ``paths`` says, which takes platformdirs longer to find out than all the rest takes


def config_file() -> str:
    return _expanded(os.environ.get("C2O_CONFIG")) or os.path.join(_folder("config", ""), "config.toml")


def state_file(name: str) -> str:
    return os.path.join(_folder("state", "state"), name)


def log_file() -> str:
    return os.path.join(_folder("log", "log"), "c2o.log")


def _folder(kind: str, at_home: str) -> str:
    if home := _expanded(os.environ.get("C2O_HOME")):
        return os.path.join(home, at_home)
    if sys.platform == "win32":
        return os.path.join(os.environ.get("LOCALAPPDATA", ""), "c2o", *(["Logs"] if kind == "log" else []))
    variable, inside, default = (MAC if sys.platform == "darwin" else UNIX)[kind]
    given = os.environ.get(variable, "")
    return os.path.join(given, "c2o", inside) if os.path.isabs(given) else os.path.expanduser(default)


UNIX = {
    "config": ("XDG_CONFIG_HOME", "", "~/.config/c2o"),
    "state": ("XDG_STATE_HOME", "", "~/.local/state/c2o"),
    "log": ("XDG_STATE_HOME", "log", "~/.local/state/c2o/log"),
}
MAC = {
    "config": ("XDG_CONFIG_HOME", "", "~/Library/Application Support/c2o"),
    "state": ("XDG_STATE_HOME", "", "~/Library/Application Support/c2o"),
    "log": ("", "", "~/Library/Logs/c2o"),
}
"""The variable that names a folder, what is inside of it, and where it is else."""


def _expanded(path: str | None) -> str:
    return os.path.expanduser(path or "")


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(LARGEST).decode(errors="replace")
    except (OSError, ValueError):
        return ""


def _tail(path: str) -> str:
    """The end of a file; its first line may be cut."""
    try:
        with open(path, "rb") as file:
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
