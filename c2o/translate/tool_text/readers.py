"""One reader for each shape in which the arguments of a call are written.

Text of any cut goes in.  What was not said is never completed here either: a value without an end goes out as JSON
text without its end, and ``ToolInput`` decides what becomes of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from c2o.translate.tool_text.families import Family, Parameters

HELD = 64 * 1024
"""Characters after which a call that must be read as a whole is taken for text."""

VALUE = 5 * 1024 * 1024
"""Characters of a value after which it is passed on as it is, to be refused."""


class Written(NamedTuple):
    """A piece of a call.  With a name it begins one."""

    name: str
    arguments: str = ""


Said = str | Written


class Read(NamedTuple):
    """What a reader makes of a text."""

    said: list[Said]
    rest: str | None = None
    """What stands behind the call, once that is over."""


class Reader(Protocol):
    def feed(self, text: str) -> Read: ...

    def close(self) -> list[Said]:
        """The answer ends inside of the call."""


def reader_of(family: Family, name: str, opening: str, names: Sequence[str]) -> Reader:
    """The reader for what follows ``opening``, which began a call of the tool ``name``."""
    match family.shape:
        case "parameters":
            assert family.parameters is not None
            return ParameterReader(family.parameters)
        case "object":
            return ObjectReader(opening, names)
        case "python":
            return PythonReader(name, opening)
        case "empty":
            return EmptyReader()
        case "json":
            return JSONReader(family.skip_to)


class EmptyReader:
    """There are no arguments."""

    def feed(self, text: str) -> Read:
        return Read([Written("", "{}")], text)

    def close(self) -> list[Said]:
        return [Written("", "{}")]


_MARK = re.compile(r'["{}\[\]]')
_IN_STRING = re.compile(r'["\\]')
_SCALAR = re.compile(r"[\w.+-]+")

MOST_BETWEEN = 200
"""Characters that may stand between a beginning and the arguments."""

UNENDED = '{"'
"""JSON that nothing can complete: it stands for arguments that never came."""


class JSONReader:
    """A JSON value, passed on as it comes; its end is where its last bracket or quote closes."""

    def __init__(self, skip_to: str = "") -> None:
        self._skip_to = skip_to
        self._kept = ""
        self._begun = False
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, text: str) -> Read:
        if not self._begun:
            text = self._value_in(text)
            if len(self._kept) > MOST_BETWEEN:
                return Read([Written("", UNENDED)], self._kept)
            if text and text[0] not in '{["':
                return self._scalar(text)
            self._begun = bool(text)
        end = self._end(text)
        if end < 0:
            return Read([Written("", text)] if text else [])
        return Read([Written("", text[:end])], text[end:])

    def close(self) -> list[Said]:
        return [] if self._begun else [Written("", UNENDED)]

    def _value_in(self, text: str) -> str:
        """The text from where the value begins; empty where it doesn't yet."""
        text, self._kept = self._kept + text, ""
        found = text.find(self._skip_to)
        if found < 0:
            self._kept = text
            return ""
        found, self._skip_to = found + len(self._skip_to), ""
        return text[found:].lstrip()

    def _scalar(self, text: str) -> Read:
        """Something that is neither an object nor text; there is no end to it but what follows."""
        if _SCALAR.fullmatch(text):
            self._kept = text
            return Read([])
        scalar = _SCALAR.match(text)
        end = scalar.end() if scalar else 0
        return Read([Written("", text[:end])], text[end:])

    def _end(self, text: str) -> int:
        """Where the value ends in ``text``, else -1."""
        at = 1 if self._escaped and text else 0
        self._escaped = self._escaped and not text
        while mark := (_IN_STRING if self._in_string else _MARK).search(text, at):
            at = mark.end()
            if mark.group() == "\\":
                self._escaped = at >= len(text)
                at += 1
            elif self._closes(mark.group()):
                return at
        return -1

    def _closes(self, mark: str) -> bool:
        """Take note of one mark; is it the end of the value?"""
        if mark == '"':
            self._in_string = not self._in_string
        else:
            self._depth += 1 if mark in "{[" else -1
        return self._depth <= 0 and not self._in_string


class ParameterReader:
    """Parameters in tags.  The end of a value counts only where another parameter follows, or the end of the call:
    what is written into files may hold such tags too."""

    TAIL = 400
    """Characters that a tag may have, together with the one behind it."""

    def __init__(self, parameters: Parameters) -> None:
        another = re.sub(r"\?P<[a-z]+>", "?:", parameters.open)
        self._open = re.compile(rf"\s*{parameters.open}")
        self._end = re.compile(rf"\s*(?:{parameters.end})")
        self._tag = re.compile(parameters.close)
        self._close = re.compile(rf"{parameters.close}(?=\s*(?:{another}|{parameters.end}))")
        self._last = re.compile(rf"{parameters.close}\s*\Z")
        self._held: list[str] = []
        self._size = 0
        self._tail = ""
        self._key: str | None = None
        self._literal = False
        self._count = 0
        self._json: JSONReader | None = None

    def feed(self, text: str) -> Read:
        if self._json is not None:
            return self._json.feed(text)
        self._keep(text)
        if self._size > VALUE:
            return Read(self.close())
        return self._read("".join(self._held)) if self._ripe(text) else Read([])

    def close(self) -> list[Said]:
        if self._json is not None:
            return self._json.close()
        held = "".join(self._held)
        if self._key is not None:
            last = self._last.search(held)
            return [self._pair(held[: last.start()]) if last else self._half(held)]
        if held.strip():
            return [Written("", self._separator() + '"')]
        return [] if self._count else [Written("", "{")]

    def _keep(self, text: str) -> None:
        self._held.append(text)
        self._size += len(text)

    def _ripe(self, text: str) -> bool:
        """Is it worth looking at all that is held?  It is read anew each time, and may be a whole file."""
        self._tail += text
        ripe = self._key is None or self._tag.search(self._tail) is not None
        self._tail = self._tail[-self.TAIL :]
        return ripe

    def _read(self, text: str) -> Read:
        said: list[Said] = []
        while text:
            if self._key is not None:
                if (closed := self._close.search(text)) is None:
                    break
                said.append(self._pair(text[: closed.start()]))
                text = text[closed.end() :]
            elif opened := self._open.match(text):
                self._key = opened["key"].strip()
                self._literal = bool(opened.groupdict().get("literal"))
                text = text[opened.end() :]
            elif ended := self._end.match(text):
                said.append(Written("", "}" if self._count else "{}"))
                return Read(said, text[ended.end() :])
            elif not self._count and text.lstrip().startswith("{"):
                self._json = JSONReader()
                return self._json.feed(text)
            elif strange := self._strange(text):
                text = text[strange:]
            else:
                break
        self._held, self._size, self._tail = [text], len(text), text[-self.TAIL :]
        return Read(said)

    def _strange(self, text: str) -> int:
        """How much of ``text`` is neither a parameter nor the end, nor may become it."""
        said = text.lstrip()
        if not said or (said[0] == "<" and len(said) < self.TAIL):
            return 0
        tag = text.find("<", len(text) - len(said) + 1)
        return tag if tag > 0 else len(text)

    def _separator(self) -> str:
        return "," if self._count else "{"

    def _pair(self, value: str) -> Written:
        """A parameter as a member of a JSON object; a line end on either side belongs to the tags."""
        value = value.removeprefix("\n").removesuffix("\n")
        text = value if self._literal and _is_json(value) else _json(value)
        pair = Written("", f"{self._separator()}{_json(self._key)}: {text}")
        self._key, self._count = None, self._count + 1
        return pair

    def _half(self, value: str) -> Written:
        """The beginning of a value that never ended."""
        return Written("", f"{self._separator()}{_json(self._key)}: {_json(value)[:-1]}")


class ObjectReader:
    """An object in which the tool's name stands behind the arguments."""

    def __init__(self, opening: str, names: Sequence[str]) -> None:
        self._said = [opening]
        self._names = {name.lower(): name for name in names}
        self._json = JSONReader()
        self._json.feed(opening[opening.index("{") :])

    def feed(self, text: str) -> Read:
        _, rest = self._json.feed(text)
        self._said.append(text if rest is None else text.removesuffix(rest))
        if rest is None:
            return Read([]) if sum(map(len, self._said)) < HELD else Read(self.close(), "")
        return Read(self._call() or self.close(), rest)

    def close(self) -> list[Said]:
        return ["".join(self._said)]

    def _call(self) -> list[Said]:
        text = "".join(self._said)
        try:
            call = msgspec.json.decode(text[text.index("{") :], type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError):
            return []
        name = self._names.get(str(call.get("name")).lower())
        arguments = call.get("arguments", call.get("parameters"))
        return [Written(name, _json(arguments))] if name else []


class PythonReader:
    """Keyword arguments of Python, all of them literals."""

    def __init__(self, name: str, opening: str) -> None:
        self._name = name
        self._opening = opening
        self._text = ""

    def feed(self, text: str) -> Read:
        begin, self._text = len(self._text), self._text + text
        for bracket in re.finditer(r"\)", self._text):
            if bracket.end() > begin and (arguments := _keywords(self._text[: bracket.start()])) is not None:
                return Read([Written(self._name, _json(arguments))], self._text[bracket.end() :])
        return Read([]) if len(self._text) < HELD else Read(self.close(), "")

    def close(self) -> list[Said]:
        return [self._opening + self._text]


def _keywords(text: str) -> dict[str | None, Any] | None:
    """The arguments of a call; None where they aren't keywords and literals."""
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        assert isinstance(call, ast.Call)
        return None if call.args else {each.arg: ast.literal_eval(each.value) for each in call.keywords}
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
