"""JSON as models miswrite it, read where it can mean but one thing.

Comments, commas before a closing bracket, single quotes, Python's names for true, false and null, raw line
breaks inside of strings.  Anything else (missing quotes, unknown escapes, text between values) has more than
one reading, and then there is none: a command that was read wrongly would be run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
    | (?P<comment>//[^\n]*|/\*.*?\*/|\#[^\n]*)
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<word>[A-Za-z]+)
    | (?P<number>-?\d[\d.eE+-]*)
    | (?P<mark>[{}\[\]:,])
    """,
    re.VERBOSE | re.DOTALL,
)

_TO_ESCAPE = re.compile(r"""\\.|"|[\x00-\x1f]""", re.DOTALL)

WORDS = {word: word for word in ("true", "false", "null")} | {"True": "true", "False": "false", "None": "null"}


class Reading(NamedTuple):
    """The one thing that a text can mean."""

    json: str
    """The first value, its keys and values not checked any further."""
    rest: str
    """What follows it."""
    repairs: list[str]
    """What was wrong, in words."""


class _Token(NamedTuple):
    kind: str
    text: str
    end: int


def read(text: str) -> Reading | None:
    """The first value in ``text``; None if there is none that is whole and means one thing."""
    repairs: list[str] = []
    said: list[str] = []
    before = last = ""  # the two tokens before that aren't space
    depth = 0
    for token in _tokens(text):
        strict = _strict(token, repairs)
        if strict is None:
            return None
        if strict in _CLOSING and last == "," and before not in _OPENING:
            repairs.append("comma before a closing bracket removed")
            _remove_comma(said)
        said.append(strict)
        if strict.isspace():
            continue
        before, last = last, strict
        depth += (strict in _OPENING) - (strict in _CLOSING)
        if depth == 0:
            return _one_meaning(Reading("".join(said), text[token.end :], list(dict.fromkeys(repairs))))
    return None


_OPENING, _CLOSING = ("{", "["), ("}", "]")


def _remove_comma(said: list[str]) -> None:
    """The last one; only space stands behind it."""
    spaces = 0
    while said[-1 - spaces] != ",":
        spaces += 1
    del said[-1 - spaces]


def _tokens(text: str) -> Iterator[_Token]:
    """The tokens, up to what is none; that is one of its own kind."""
    at = 0
    while at < len(text):
        if (found := _TOKEN.match(text, at)) is None:
            yield _Token("other", text[at:], len(text))
            return
        at = found.end()
        yield _Token(str(found.lastgroup), found.group(), at)


def _strict(token: _Token, repairs: list[str]) -> str | None:
    """A token as JSON has it: space for what JSON hasn't, None for what can't be told."""
    match token.kind:
        case "comment":
            repairs.append("comment removed")
            # An odd quote: rather the end of a string in which a quote wasn't escaped.
            return " " if token.text.count('"') % 2 == 0 else None
        case "word":
            if token.text not in ("true", "false", "null"):
                repairs.append("Python's name for a value replaced")
            return WORDS.get(token.text)
        case "string":
            return _string(token.text, repairs)
        case "other":
            return None
    return token.text


def _string(text: str, repairs: list[str]) -> str:
    if text.startswith("'"):
        repairs.append("single quotes replaced")

    def escaped(found: re.Match[str]) -> str:
        part = found.group()
        if part == r"\'":
            return "'"
        if part < " ":
            repairs.append("control character in text escaped")
            return json.dumps(part)[1:-1]
        return r"\"" if part == '"' else part

    return f'"{_TO_ESCAPE.sub(escaped, text[1:-1])}"'


def _one_meaning(reading: Reading) -> Reading | None:
    """Single quotes and comments don't go together: ``'rm -rf '//tmp`` may be one command."""
    both = {"comment removed", "single quotes replaced"} <= set(reading.repairs)
    return None if both else reading
