"""What is wrong with a configuration, in a person's words: the place, and what should stand there."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec

KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "object": "a table",
    "array": "a list",
}
"""msgspec's words for types, and a person's."""

ADD = {
    "auth_token": 'Run c2o init --force, or add auth_token = "c2o-…" with any long random text.',
    "model": 'Add model = "upstream/model".',
    "base_url": 'Add base_url = "https://…", the address under which the upstream\'s API stands.',
}
"""What to do where a key is missing."""

_PLACE = re.compile(r" - at `\$\.?(?P<key>[^`]*)`$")


def tables_in(text: str) -> dict[str, Any]:
    """TOML.  Raises tomllib.TOMLDecodeError, whatever is wrong with it."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except (ValueError, RecursionError):  # Python itself has limits
        raise tomllib.TOMLDecodeError("a number is too long, or too many lists or tables are in each other") from None


class Complaint(NamedTuple):
    """What msgspec says about one value."""

    words: re.Match[str]
    table: str
    key: str
    """Empty where the table as a whole is meant."""
    type: Any
    """The table's struct type."""

    @property
    def place(self) -> str:
        return f"[{self.table}] {self.key}"

    @property
    def inner(self) -> str:
        """The table itself, or the one in it that ``key`` is."""
        return f"{self.table}.{self.key}" if self.key else self.table


def mistake(complaint: str, table: str, type: type) -> str:
    """msgspec's complaint about a table of this struct type, as a sentence with its place."""
    place = _PLACE.search(complaint)
    key = place["key"] if place else ""
    complaint = _PLACE.sub("", complaint)
    for pattern, explain in _EXPLAIN.items():
        if words := re.fullmatch(pattern, complaint):
            return explain(Complaint(words, table, key, type))
    return f"[{table}] {key}: {complaint}."


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """``what`` isn't among the known ones; the nearest is the likely remedy."""
    known = list(known)
    if near := difflib.get_close_matches(name, known, n=1):
        return f"there is no such {what}. Did you mean {near[0]}?"
    return f"there is no such {what}. There are: {', '.join(known)}."


_SAID_OF = re.compile(r'\[(?P<table>(?:"[^"]*"|[^\]"])+)\](?: (?P<key>"[^"]*"|[\w.-]+))?')
"""The place that a sentence about the configuration names."""


def line_of(sentence: str, text: str) -> int | None:
    """The line of the file that the sentence is about: where the key stands, else its table."""
    said = _SAID_OF.search(sentence)
    if not said:
        return None
    table = path_of(said["table"])
    key = path_of(said["key"]) if said["key"] else ()
    return _line(text, (*table, *key)) or _line(text, table)


def path_of(key: str) -> tuple[str, ...]:
    """The parts of a key as TOML writes it: ``limits."nim/m".context_window``.  Raises tomllib.TOMLDecodeError."""
    found: list[str] = []
    inside: Any = tables_in(f"{key} = 0")
    while isinstance(inside, dict):
        name, inside = next(iter(inside.items()))
        found.append(name)
    return tuple(found)


def _line(text: str, path: tuple[str, ...]) -> int | None:
    """Where ``path`` begins to be there: the parser itself knows best what the lines above hold."""
    for begins, _, tables in _beginnings(text):
        if _holds(tables, path):
            return begins
    return None


def broken_line(text: str) -> int:
    """Where that begins which isn't TOML."""
    return max((ends for _, ends, _ in _beginnings(text)), default=0) + 1


def _beginnings(text: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Each piece of the text, first and last line, and what the file is up to there."""
    lines = text.splitlines()
    begins = 1
    for ends in range(1, len(lines) + 1):
        try:
            yield begins, ends, tables_in("\n".join(lines[:ends]))
        except tomllib.TOMLDecodeError:  # in the middle of a value
            continue
        begins = ends + 1


def _holds(tables: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if not isinstance(tables, dict) or name not in tables:
            return False
        tables = tables[name]
    return True


def _unknown(said: Complaint) -> str:
    name, type = said.words["name"], said.type
    for part in filter(None, said.key.split(".")):
        type = get_type_hints(type)[part]
    return f"[{said.inner}] {name}: {unknown('key', name, (field.name for field in msgspec.structs.fields(type)))}"


def _missing(said: Complaint) -> str:
    name = said.words["name"]
    return f"[{said.inner}] {name} is missing. {ADD.get(name, 'Add it.')}"


def _kind(said: Complaint) -> str:
    wanted = " or ".join(_in_words(word) for word in said.words["wanted"].split(" | ") if word != "null")
    return f"{said.place} must be {wanted}, not {_in_words(said.words['got'])}."


def _range(said: Complaint) -> str:
    return f"{said.place} must be {_in_words(said.words['wanted'])} {said.words['range']}."


def _choice(said: Complaint) -> str:
    return f"{said.place} must be one of: {', '.join(_words(get_type_hints(said.type)[said.key]))}."


def _words(hint: Any) -> Iterator[str]:
    """The words of a Literal, which may be one part of a union."""
    for part in get_args(hint):
        yield from [part] if isinstance(part, str) else _words(part)


def _in_words(word: str) -> str:
    return KINDS.get(word, word)


_EXPLAIN: dict[str, Callable[[Complaint], str]] = {
    "Object contains unknown field `(?P<name>.*)`": _unknown,
    r"Object missing required field `(?P<name>\w+)`": _missing,
    "Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`": _kind,
    "Expected `(?P<wanted>[^`]*)` (?P<range>[<>].*)": _range,
    "Invalid enum value .*": _choice,
}
