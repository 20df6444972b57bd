"""What upstreams answer with a good status, in every way that has been seen: A01 to E15 of ``responses.toml``.

Each stream is cut at every offset, byte by byte, in sevens and with other line ends; each is also given where a whole
answer was asked for; and what can be said as one whole completion is said that way too.
"""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from c2o.translate.answers import STATUS
from tests import grammar
from tests.fake_upstream import DONE, event
from tests.translate.talk import Json, completion, cuts, request, stream, tool, translator

CUT_EVERYWHERE = 8 * 1024

HEAD: Json = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}


class Case:
    """An upstream's answer and what the client gets, in the words of ``responses.toml``."""

    def __init__(self, name: str, fields: Json) -> None:
        self.name = name
        self.lines: list[str] = fields["upstream"].strip().splitlines()
        self.expected: list[str] = fields["expect"].strip().splitlines()
        self.through_service = fields.get("through") == "service"
        self.dialect: str = fields.get("dialect", "generic")
        self.quirks: Json = fields.get("quirks", {})
        self.fields = {name: fields[name] for name in ("stop_sequences", "messages") if name in fields}
        self.tools: list[str] = fields.get("tools", self.called())

    def __repr__(self) -> str:
        return self.name

    def called(self) -> list[str]:
        return [line.split()[2] for line in self.expected if line.startswith("tool ")]

    @property
    def body(self) -> bytes:
        return b"".join(map(said, self.lines))

    @property
    def is_stream(self) -> bool:
        return not self.lines[0].startswith("B")

    @property
    def request(self) -> Json:
        tools = [tool(name, {"timeout": {"type": "integer"}}) for name in dict.fromkeys(self.tools)]
        return request(stream=True, thinking={"type": "adaptive"}, tools=tools or None, **self.fields)

    def translator(self) -> Any:
        return translator(self.request, self.dialect, quirks=self.quirks)

    def translated(self, pieces: Iterable[bytes]) -> bytes:
        return stream(self.translator(), pieces)

    @property
    def error(self) -> str | None:
        """``error TYPE ~ words``, if there must be one."""
        return next((line for line in self.expected if line.startswith("error ")), None)


def said(line: str) -> bytes:
    """The bytes that a line of ``upstream`` stands for."""
    word, _, rest = line.partition(" ")
    return WORDS[word](rest)


def chunk(delta: str, reason: str | None = None) -> bytes:
    return event(HEAD | {"choices": [{"index": 0, "delta": json.loads(delta), "finish_reason": reason}]})


def end(rest: str) -> bytes:
    reason, _, delta = rest.partition(" ")
    return chunk(delta, reason.strip('"'))


WORDS: dict[str, Callable[[str], bytes]] = {
    "K": chunk,
    "F": end,
    "U": lambda usage: event(HEAD | {"choices": [], "usage": json.loads(usage)}),
    "C": lambda text: b"data: " + text.encode() + b"\n\n",
    "D": lambda _: DONE,
    "R": lambda literal: ast.literal_eval("b" + literal),
    "LONG": lambda size: chunk(json.dumps({"content": "a" * int(size)})),
    "B": str.encode,
}


CASES = {
    name: Case(name, fields)
    for name, fields in tomllib.loads((Path(__file__).parent / "responses.toml").read_text()).items()
}
PURE = [case for case in CASES.values() if not case.through_service]
STREAMS = [case for case in PURE if case.is_stream]
WHOLE = [case for case in PURE if not case.is_stream]


def of(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=repr)


def test_the_list_is_complete() -> None:
    counts = {"A": 23, "B": 25, "C": 42, "D": 25, "E": 15}
    expected = {f"{letter}{number:02}" for letter, count in counts.items() for number in range(1, count + 1)}

    assert {name[:3] for name in CASES} == expected


# ---- what is expected


def check(case: Case, found: grammar.Message) -> None:
    blocks = list(found.content)
    if found.open is not None:
        blocks.append(found.open)
    for line in case.expected:
        word, _, rest = line.partition(" ")
        match word:
            case "text" | "think":
                kind = "text" if word == "text" else "thinking"
                block = blocks.pop(0)
                assert (block["type"], block[kind]) == (kind, words(rest))
            case "tool":
                id, name, input = rest.split(" ", 2)
                block = blocks.pop(0)
                assert block["type"] == "tool_use"
                assert (block["name"], block["input"]) == (name, json.loads(input))
                assert id in ("*", block["id"])
            case "stop":
                reason, _, sequence = rest.partition(" ")
                assert (found.stop_reason, found.stop_sequence) == (reason, sequence or None)
            case "use":
                check_usage(rest, found.usage)
            case "error":
                kind, _, part = rest.partition(" ~ ")
                assert found.error is not None
                assert found.error["type"] == kind
                assert part in found.error["message"]
            case _:
                raise AssertionError(line)
    assert blocks == []
    assert (found.error is not None) == (case.error is not None), found.error


def words(literal: str) -> str:
    if repeated := re.fullmatch(r'"(.)" x (\d+)', literal):
        return repeated[1] * int(repeated[2])
    text: str = json.loads(literal)
    return text


USAGE = {
    "in": "input_tokens",
    "out": "output_tokens",
    "read": "cache_read_input_tokens",
    "create": "cache_creation_input_tokens",
}


def check_usage(expected: str, usage: Json) -> None:
    for name, least, number in re.findall(r"(\w+)(>?)=?(\d+)", expected):
        found = usage[USAGE[name]]
        assert found > int(number) if least else found == int(number), (name, usage)


# ---- streams


@of(STREAMS)
def test_a_stream(case: Case) -> None:
    check(case, grammar.read(case.translated([case.body])))


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@of(STREAMS)
def test_a_stream_cut_anywhere(case: Case, line_end: bytes) -> None:
    expected = case.translated([case.body])
    data = case.body.replace(b"\r\n", b"\n").replace(b"\n", line_end)
    if len(data) > CUT_EVERYWHERE:
        assert case.translated(cuts(data, 4096)) == expected
        return

    assert case.translated(cuts(data, 1)) == expected
    assert case.translated(cuts(data, 7)) == expected
    for at in range(len(data) if line_end != b"\r" else 0):
        assert case.translated((data[:at], data[at:])) == expected, f"cut at {at}"


@of(STREAMS)
def test_a_stream_where_a_whole_answer_was_asked_for(case: Case) -> None:
    check_whole(case, case.translator().complete(case.body))


# ---- whole answers


@of(WHOLE)
def test_a_whole_answer(case: Case) -> None:
    check_whole(case, case.translator().complete(case.body))


@of(WHOLE)
def test_a_whole_answer_where_a_stream_was_asked_for(case: Case) -> None:
    check(case, grammar.read(case.translated([case.body])))
    check(case, grammar.read(case.translated(cuts(case.body, 7))))


def as_whole(case: Case) -> bytes | None:
    """The stream's chunks as one completion, where their order isn't lost by it."""
    message: Json = {}
    reason: str | None = None
    for line in case.lines:
        word, _, rest = line.partition(" ")
        if word == "F":
            reason, _, rest = rest.partition(" ")
            reason = reason.strip('"')
        if word == "D":
            break
        if word not in ("K", "F") or not add(message, json.loads(rest)):
            return None
    return json.dumps(completion(message, reason)).encode() if message and reason is not None else None


ORDER = ["reasoning_content", "reasoning", "reasoning_text", "content", "refusal", "tool_calls"]


def add(message: Json, delta: Json) -> bool:
    """Put a delta behind what the message has; False where a whole message can't say it."""
    for key, value in delta.items():
        if key not in ORDER or not value:
            if key not in ("role", *ORDER):
                return False
        elif any(ORDER.index(later) > ORDER.index(key) for later in message):
            return False
        elif key == "tool_calls":
            if any(not call.get("id") or not call.get("function", {}).get("name") for call in value):
                return False
            message[key] = message.get(key, []) + value
        elif isinstance(value, str):
            message[key] = message.get(key, "") + value
        else:
            return False
    return True


@of([case for case in STREAMS if as_whole(case)])
def test_a_stream_s_chunks_as_one_completion(case: Case) -> None:
    body = as_whole(case)
    assert body is not None

    check_whole(case, case.translator().complete(body))


def check_whole(case: Case, answer: Any) -> None:
    value = json.loads(answer.body)
    if case.error is not None:
        kind, _, part = case.error.removeprefix("error ").partition(" ~ ")
        assert (answer.status, value["error"]["type"]) == (STATUS[kind], kind)
        assert part in value["error"]["message"]
        return
    assert answer.status == 200, value
    grammar.assert_usage(value["usage"])
    found = grammar.Message(
        content=value["content"],
        stop_reason=value["stop_reason"],
        stop_sequence=value["stop_sequence"],
        usage=value["usage"],
    )
    check(case, found)
