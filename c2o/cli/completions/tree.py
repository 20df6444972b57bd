"""The command tree as completions see it: commands, their options and arguments, and what may stand in each.

Choices and paths are known by their types.  What the types don't say is in VALUES: an option or argument that takes
text needs a row there, and without one there are no scripts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
import typer.main

from c2o import imports
from c2o.cli import app
from c2o.cli.config.keys import type_at
from c2o.config import TABLES
from c2o.doctor import CHECKS
from c2o.presets import PRESETS
from c2o.routing import TIERS
from c2o.translate.dialect import Dialect
from c2o.translate.dialects import DIALECTS

Kind = Literal[
    "nothing", "words", "files", "words or files", "command", "variables", "references", "tiers", "settings",
    "models", "ids", "targets", "upstreams", "keys", "requests", "traces",
]  # fmt: skip
"""``command`` is a program and its own words, ``variables`` are names of those that are set, ``references`` the same as
``env:NAME``, ``tiers`` TIER=MODEL, ``settings`` what the configuration may hold at the key before.  The last row is
asked of ``c2o __complete``."""

Word = tuple[str, str]
"""What may be typed, and what it means; that may be empty."""


class Value(NamedTuple):
    """What may stand behind an option, or in the place of an argument."""

    kind: Kind
    words: tuple[Word, ...] = ()
    """With ``words``, alone or with files, ``tiers`` and ``keys``: known beforehand."""


class Option(NamedTuple):
    names: tuple[str, ...]
    help: str
    value: Value | None
    """None for a flag."""
    repeated: bool = False


class Argument(NamedTuple):
    name: str
    value: Value


class Command(NamedTuple):
    path: tuple[str, ...]
    """``("config", "set")``; empty for c2o itself."""
    help: str
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]
    commands: tuple[Command, ...]
    """Of a group: what may follow."""

    @property
    def name(self) -> str:
        """``c2o config set``"""
        return " ".join(("c2o", *self.path))

    def all(self) -> Iterator[Command]:
        """It and those below it."""
        yield self
        for command in self.commands:
            yield from command.all()


def words(*each: str) -> Value:
    return Value("words", tuple((word, "") for word in each))


def described(words: Iterable[Word]) -> Value:
    return Value("words", tuple(words))


NOTHING = Value("nothing")

TRUTH = words("true", "false")

CHECK_IDS = described(
    (id, "" if id == check.id else f"with {check.id}") for check in CHECKS for id in sorted(check.ids)
)

VALUES: dict[str, Value] = {
    "init --upstream": described((name, preset.title) for name, preset in PRESETS.items()),
    "init --import": Value("words or files", tuple((name, tool.title) for name, tool in imports.TOOLS.items())),
    "init --name": NOTHING,
    "init --model": Value("ids"),
    "init --map": Value("tiers", tuple((tier, "") for tier in TIERS)),
    "--key-env": Value("variables"),
    "--model": Value("models"),
    "--upstream": Value("upstreams"),
    "--since": described([("10m", "ten minutes"), ("1h", "an hour"), ("1d", "a day")]),
    "usage --since": described([("1d", "today"), ("7d", "the last seven days"), ("31d", "the last 31 days")]),
    "--request": Value("requests"),
    "ID": Value("traces"),
    "--trace": Value("traces"),
    "--for": described([("10m", "ten minutes"), ("1h", "an hour")]),
    "--max": described([("100", "requests"), ("64MB", "of all of them")]),
    "--only": CHECK_IDS,
    "config set VALUE": Value("settings"),
    "KEY": Value("keys"),
    "models WORDS": Value("upstreams"),
    "test MODEL": Value("models"),
    "learned TARGET": Value("targets"),
    "COMMAND": Value("command"),
    "demo claude ARGUMENTS": Value("command"),
}
"""By command and option or argument; or by the option or argument alone, wherever it is."""

SETTINGS: dict[str, Value] = {
    "upstreams.*.dialect": words(*sorted(DIALECTS)),
    "upstreams.*.api_key": Value("references"),
    "models.*": Value("models"),
}
"""What the configuration may hold at a key, where its types don't say it."""


def tree() -> Command:
    """All commands, as the command line declares them."""
    return _command((), typer.main.get_command(app))


def _command(path: tuple[str, ...], command: Any) -> Command:
    types = get_type_hints(command.callback) if command.callback else {}
    inner: dict[str, Any] = getattr(command, "commands", {})
    shown: list[Any] = [each for each in command.params if not getattr(each, "hidden", False)]
    return Command(
        path,
        first_sentence(command.help),
        tuple(_option(path, each, types) for each in shown if each.opts[0].startswith("-")),
        tuple(_argument(path, each, types) for each in shown if not each.opts[0].startswith("-")),
        tuple(_command((*path, name), inner[name]) for name in sorted(inner) if not inner[name].hidden),
    )


def _option(path: tuple[str, ...], parameter: Any, types: dict[str, Any]) -> Option:
    names = (*parameter.opts, *parameter.secondary_opts)
    value = None if parameter.is_flag else _value(path, names[0], types[parameter.name])
    return Option(names, first_sentence(parameter.help), value, bool(parameter.multiple))


def _argument(path: tuple[str, ...], parameter: Any, types: dict[str, Any]) -> Argument:
    name = parameter.name.upper()
    return Argument(name, _value(path, name, types[parameter.name]))


def _value(path: tuple[str, ...], name: str, declared: Any) -> Value:
    type = _single(declared)
    if choices := _choices(type):
        return words(*choices)
    if type is Path:
        return Value("files")
    if type in (int, float):
        return NOTHING
    written = " ".join((*path, name))
    value = VALUES.get(written) or VALUES.get(name)
    if value is None:
        raise LookupError(f"completions don't know what to offer for {written}: give it a row in VALUES")
    return value._replace(words=tuple(static_keys())) if value.kind == "keys" else value


def _single(declared: Any) -> Any:
    """The type of one value, of what may be absent or repeated."""
    kinds: list[Any] = [each for each in get_args(declared) if each is not NoneType]
    return _single(kinds[0]) if get_origin(declared) in (list, Union, UnionType) else declared


def _choices(type: Any) -> tuple[str, ...]:
    return get_args(type) if get_origin(type) is Literal else ()


def first_sentence(text: str | None) -> str:
    return (text or "").partition("\n")[0].split(". ")[0].rstrip(".")


# The configuration


def static_keys() -> Iterator[Word]:
    """The keys that every configuration may have; those with names of its own in them come from ``c2o __complete``."""
    yield from ((table, "all of it") for table in TABLES)
    yield from ((".".join(place), "") for place in places() if "*" not in place and len(place) > 1)
    yield from ((f"models.{name}", "") for name in ("default", *TIERS))


def named_tables() -> list[str]:
    """``limits:context_window,…``: the tables that hold one for each name, and what is in those; for ``__complete``."""
    found: dict[str, list[str]] = {}
    for table, _, *keys in (place for place in places() if place[1:2] == ("*",)):
        found.setdefault(table, []).append(".".join(keys))
    return [f"{table}:{','.join(keys)}" for table, keys in found.items()]


def settings() -> dict[str, Value]:
    """What may be set at which keys, with * for names that the configuration makes up."""
    found = {".".join(place): value for place, type in _leaves(()) if (value := _setting(place, type))}
    return found | SETTINGS


def places() -> list[tuple[str, ...]]:
    """Where the configuration may hold a value, with * for names that it makes up."""
    return [place for place, _ in _leaves(())]


def _setting(place: tuple[str, ...], type: Any) -> Value | None:
    if type is bool:
        return TRUTH
    if place[0] == "routes" and get_origin(type) is tuple:
        return Value("models")
    return words(*choices) if (choices := _choices(type)) else None


def _leaves(place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All places that hold a single value."""
    type = type_at(place)
    names: tuple[str, ...] = ()
    if not place:
        names = TABLES
    elif isinstance(type, msgspec.StructMeta) and type is not Dialect:
        names = type.__struct_fields__
    elif get_origin(type) is dict and isinstance(get_args(type)[1], msgspec.StructMeta):
        names = ("*",)
    if not names:
        yield place, type
    for name in names:
        yield from _leaves((*place, name))


# What all scripts ask of the tree


HELP = Option(("--help", "-h"), "Show the help", None)


def options_of(command: Command) -> tuple[Option, ...]:
    """With --help, where the command doesn't pass it on."""
    return command.options if passes_all_on(command) else (*command.options, HELP)


def passes_all_on(command: Command) -> bool:
    """Are all words behind it another program's, options too, so that it is called like that one?"""
    return command.path == ("demo", "claude")


def places_of_commands(root: Command) -> list[tuple[str, int]]:
    """Where another program begins: behind which command, and after how many of its own words."""
    return [
        (each.name, 0 if passes_all_on(each) else at + 1)
        for each in root.all()
        for at, argument in enumerate(each.arguments)
        if argument.value.kind == "command"
    ]


def places_of_values(root: Command) -> list[tuple[str, str]]:
    """Behind which options of which command a value stands."""
    return [
        (each.name, name) for each in root.all() for option in each.options if option.value for name in option.names
    ]
