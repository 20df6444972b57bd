"""What models get wrong in tool arguments, over all tools that the real Claude Code declares.

``claude_tools.json`` was recorded by ``tests.clients.record_tools``.  The judge of what reaches the client is an
independent JSON Schema validator, and the value that was meant.
"""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
from msgspec import Raw

from c2o.translate.tool_input import ToolInput
from tests import grammar
from tests.fake_upstream import DONE, arguments, finish, tool_call
from tests.translate.talk import Json, request, stream, translator

RECORDED: dict[str, dict[str, Json]] = json.loads((Path(__file__).parent / "claude_tools.json").read_text())

TOOLS = {
    (name, json.dumps(schema)): pytest.param(name, schema, id=f"{version}-{name}")
    for version, tools in RECORDED.items()
    for name, schema in tools.items()
}
"""Each once, though most are the same in both versions."""

SIZES = [
    pytest.param(1, id="bytes", marks=pytest.mark.slow),
    pytest.param(7, id="sevens"),
    pytest.param(10**9, id="whole", marks=pytest.mark.slow),
]


# ---- values that fit


STRINGS = {"uri": "https://a.example/x", "^wf_": "wf_abc-123", "^[!#": "one.word"}
"""By a format, or the beginning of a pattern."""


def fitting(schema: Json) -> Any:  # noqa: PLR0911 - a table
    """A value with all optional members that a schema takes."""
    if "anyOf" in schema:
        return fitting(schema["anyOf"][0])
    match schema:
        case {"enum": [first, *_]}:
            return first
        case {"type": "string"}:
            return STRINGS.get(schema.get("format") or schema.get("pattern", "")[:4], "two words")
        case {"type": "boolean"}:
            return True
        case {"type": "number" | "integer"}:
            return schema.get("minimum", 0) + 5
        case {"type": "array"}:
            return [fitting(schema["items"]) for _ in range(schema.get("minItems", 1))]
        case {"type": "object"}:
            if "properties" in schema:
                return {name: fitting(each) for name, each in schema["properties"].items()}
            return {"any-name": fitting(schema["additionalProperties"])}
    return {"anything": ["goes", None, ""]}


class Place(NamedTuple):
    """A member somewhere in a value."""

    path: tuple[Any, ...]
    schema: Json
    required: bool


def places(schema: Json, value: Any, path: tuple[Any, ...] = ()) -> Iterator[Place]:
    if isinstance(value, dict):
        for name, each in schema.get("properties", {}).items():
            yield Place((*path, name), each, name in schema.get("required", []))
            yield from places(each, value[name], (*path, name))
    elif isinstance(value, list) and "items" in schema:
        yield from places(schema["items"], value[0], (*path, 0))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def changed(value: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """A copy, of which ``change`` gets the container and the key."""
    value = copy.deepcopy(value)
    change(at(value, path[:-1]), path[-1])
    return value


def with_value(value: Any, place: Place, new: Any) -> Any:
    return changed(value, place.path, lambda container, key: container.__setitem__(key, new))


def without(value: Any, place: Place) -> Any:
    return changed(value, place.path, lambda container, key: container.__delitem__(key))


def fits(schema: Json, value: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


def judge(schema: Json, value: Any) -> None:
    """Raises what is wrong about the value.  The schemas themselves are judged once, in a test of their own."""
    jsonschema.Draft202012Validator(schema).validate(value)


@pytest.mark.parametrize(("name", "schema"), TOOLS.values())
def test_the_schemas_are_schemas(name: str, schema: Json) -> None:
    jsonschema.validators.validator_for(schema).check_schema(schema)
    assert jsonschema.validators.validator_for(schema) is jsonschema.Draft202012Validator


# ---- the faults

Case = tuple[str, Any]
"""What the model says, and what it means."""


def nothing(word: Any) -> Callable[[Json, Any], Iterator[Case]]:
    """``word`` where an optional member could have been left out."""

    def cases(schema: Json, value: Any) -> Iterator[Case]:
        for place in places(schema, value):
            if not place.required and not fits(place.schema, word):
                yield json.dumps(with_value(value, place, word)), without(value, place)

    return cases


def dressed_keys(schema: Json, value: Any) -> Iterator[Case]:
    for place in places(schema, value):
        for dress in (" {} ", '"{}"', "'{}'", "`{}`", "{}\n"):

            def undress(container: Json, key: str, dress: str = dress) -> None:
                renamed = [(dress.format(name) if name == key else name, each) for name, each in container.items()]
                container.clear()
                container.update(renamed)

            yield json.dumps(changed(value, place.path, undress)), value


def as_text(kinds: tuple[type, ...], *spellings: Callable[[Any], str]) -> Callable[[Json, Any], Iterator[Case]]:
    """A member of one of these kinds as a string."""

    def cases(schema: Json, value: Any) -> Iterator[Case]:
        for place in places(schema, value):
            member = at(value, place.path)
            if type(member) in kinds and "type" in place.schema:
                for spell in spellings:
                    yield json.dumps(with_value(value, place, spell(member))), value

    return cases


def unwrapped_arrays(schema: Json, value: Any) -> Iterator[Case]:
    for place in places(schema, value):
        if place.schema.get("type") == "array" and place.schema.get("minItems", 1) == 1:
            yield json.dumps(with_value(value, place, at(value, place.path)[0])), value


def fenced(schema: Json, value: Any) -> Iterator[Case]:
    for inside in (json.dumps(value), json.dumps(value, indent=2)):
        yield f"```json\n{inside}\n```", value
        yield f"```\n{inside}\n```\n", value


def outside_strings(pattern: str, replacement: str, text: str) -> str:
    """``re.sub`` that leaves strings alone."""
    parts = re.split(r'("(?:[^"\\]|\\.)*")', text)
    return "".join(part if n % 2 else re.sub(pattern, replacement, part) for n, part in enumerate(parts))


def trailing_commas(schema: Json, value: Any) -> Iterator[Case]:
    for text in (json.dumps(value), json.dumps(value, indent=2)):
        if value:
            yield re.sub(r"\s*\}$", ",}", text), value
            yield outside_strings(r"(?<![{\[,:\s])(?=\s*[}\]])|^(?=\s*[}\]])", " ,", text), value


def encoded_twice(schema: Json, value: Any) -> Iterator[Case]:
    once = json.dumps(json.dumps(value))
    yield from ((once, value), (json.dumps(once), value), (f"```json\n{once}\n```", value))


def commented(schema: Json, value: Any) -> Iterator[Case]:
    if not value:
        return
    text = json.dumps(value, indent=2)
    yield outside_strings(r"\n", " // it's a {\n", text) + "// the end", value
    yield outside_strings(r"\n", "\n/* two\nlines } */ ", text), value
    yield '{ # why, "really"\n' + text[1:], value


def python(schema: Json, value: Any) -> Iterator[Case]:
    """Single quotes, True, None: https://docs.python.org/3/library/functions.html#repr"""
    if value:
        yield repr(value), value


FAULTS: dict[str, Callable[[Json, Any], Iterator[Case]]] = {
    "null for an optional": nothing(None),
    "empty text for an optional": nothing(""),
    "spaces and quotes around keys": dressed_keys,
    "number as text": as_text((int, float), str, lambda number: f" {number}.0 "),
    "boolean as text": as_text((bool,), lambda value: "true", lambda value: "True"),
    "encoded member": as_text((dict, list), json.dumps, lambda value: json.dumps(value, indent=1), repr),
    "single value for an array": unwrapped_arrays,
    "code fence": fenced,
    "trailing comma": trailing_commas,
    "encoded twice": encoded_twice,
    "comments": commented,
    "single quotes": python,
}

CASES = [
    pytest.param(name, schema, fault, id=f"{fault}: {tool.id}")
    for (name, _), tool in TOOLS.items()
    for schema in [tool.values[1]]
    for fault in FAULTS
    if any(FAULTS[fault](schema, fitting(schema)))
]


def called(name: str, schema: Json, said: str, size: int) -> tuple[str, list[str]]:
    """The input that the client gets, and what was noted."""
    pieces = [arguments(0, said[begin : begin + size]) for begin in range(0, len(said), size)]
    of = translator(request(stream=True, tools=[{"name": name, "input_schema": schema}]))
    raw = stream(of, [tool_call(0, "call_1", name), *pieces, finish("tool_calls"), DONE])
    assert len(grammar.read(raw).calls) == 1
    deltas = [event["delta"] for event in grammar.events(raw) if event["type"] == "content_block_delta"]
    return "".join(delta["partial_json"] for delta in deltas), of.outcome.repairs


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("name", "schema", "fault"), CASES)
def test_the_client_gets_what_was_meant(name: str, schema: Json, fault: str, size: int) -> None:
    for said, meant in FAULTS[fault](schema, fitting(schema)):
        told, notes = called(name, schema, said, size)

        assert json.loads(told) == meant, said
        judge(schema, json.loads(told))
        assert notes, said
        assert all(note.startswith(f"input of {name}: ") for note in notes)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("name", "schema"), TOOLS.values())
def test_what_fits_passes_byte_for_byte(name: str, schema: Json, size: int) -> None:
    value = fitting(schema)
    judge(schema, value)
    for said in (json.dumps(value), json.dumps(value, indent=2), json.dumps(value, separators=(",", ":"))):
        told, notes = called(name, schema, said, size)

        assert (told, notes) == (said, [])


@pytest.mark.parametrize(("name", "schema"), TOOLS.values())
def test_no_pair_waits_for_the_next(name: str, schema: Json) -> None:
    input = ToolInput(Raw(json.dumps(schema).encode()), [].append)
    members = fitting(schema)
    assert input.feed("{") == ""
    for number, (key, value) in enumerate(members.items()):
        pair = f"{json.dumps(key)}: {json.dumps(value)}"
        assert input.feed(pair) == ""
        end = "}" if number == len(members) - 1 else ","
        assert input.feed(end) == ("," if number else "{") + pair + end.strip(",")


def test_each_fault_is_tried_on_many_tools() -> None:
    tried = Counter(str(case.values[2]) for case in CASES)

    assert min(tried[fault] for fault in FAULTS) >= 5, tried
    assert {str(case.values[0]) for case in CASES} == {name for tools in RECORDED.values() for name in tools}
