"""What is wrong with a configuration, in a person's words: the place, and what should stand there."""

from __future__ import annotations

import difflib
import re
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
    "auth_token": 'Run c2o init, or add auth_token = "c2o-…" with any long random text.',
    "base_url": 'Add base_url = "https://…", the address under which the upstream\'s API stands.',
}
"""What to do where a key is missing."""

_PLACE = re.compile(r" - at `\$\.?(?P<key>[^`]*)`$")


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


def _unknown(said: Complaint) -> str:
    name, table, type = said.words["name"], said.table, said.type
    for part in filter(None, said.key.split(".")):
        table, type = f"{table}.{part}", get_type_hints(type)[part]
    return f"[{table}] {name}: {unknown('key', name, (field.name for field in msgspec.structs.fields(type)))}"


def _missing(said: Complaint) -> str:
    name = said.words["name"]
    return f"[{said.table}] {name} is missing. {ADD.get(name, 'Add it.')}"


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
