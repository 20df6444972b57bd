"""Answers that must be JSON: what an upstream wraps around them goes, and what they aren't is noted."""

from __future__ import annotations

import pytest
from msgspec import Raw

from c2o.translate.structured import Structured, keeps_strict_rules
from tests.translate.talk import Json, request, sent

NOTE = "the answer is not the JSON that was asked for"


def through(text: str, size: int) -> tuple[str, list[str]]:
    """What comes out of a filter that is fed in pieces of this size, and what it notes."""
    notes: list[str] = []
    each = Structured(notes)
    pieces = [each.feed(text[start : start + size]) for start in range(0, len(text), size)]
    return "".join([*pieces, each.close()]), notes


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("said", "shown", "notes"),
    [
        ('{"a": 1}', '{"a": 1}', []),
        (' \n{"a": "```"}\n', ' \n{"a": "```"}\n', []),
        ('```json\n{"a": 1}\n```', '{"a": 1}', []),
        ("```\n[1]\n```\n", "[1]", []),
        ("Sure! Here it is: {}", "Sure! Here it is: {}", [NOTE]),
        ('{"a": 1', '{"a": 1', [NOTE]),
        ('```json\n{"a": ', '{"a":', [NOTE]),
        ("`code`", "`code`", [NOTE]),
        ("\ud800", "\ud800", [NOTE]),
        ("", "", []),
    ],
)
def test_an_answer_that_must_be_json(said: str, shown: str, notes: list[str], size: int) -> None:
    assert through(said, size) == (shown, notes)


def test_what_is_no_fence_passes_at_once() -> None:
    each = Structured([])
    assert [each.feed(piece) for piece in ("  ", '{"a"', ": 1}")] == ["", '  {"a"', ": 1}"]


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"properties": {"a": {}}, "required": ["a"]}, True),
        ({}, True),
        ({"properties": {"a": {}}}, False),
        ({"properties": {"a": {}}, "required": ["a"], "additionalProperties": True}, False),
        ({"properties": {"a": {"type": "object"}}, "required": ["a"]}, False),
        ({"properties": {"a": {}}, "required": None}, False),
        ({"properties": {"a": {}}, "required": 5}, False),
        ({"properties": {"a": {}}, "required": [["a"], {}]}, False),
        ({"properties": 5}, False),
        ({"properties": [["a"]], "required": []}, False),
        ({"properties": None, "required": None}, False),
    ],
)
def test_only_a_schema_that_keeps_the_rules_is_asked_for_strictly(schema: Json, strict: bool) -> None:
    """What isn't even a schema is the upstream's to refuse; here it must do no harm."""
    body = {"type": "object", "additionalProperties": False} | schema
    wanted = {"format": {"type": "json_schema", "schema": body}}
    assert sent(request(output_config=wanted), "openai")["response_format"]["json_schema"]["strict"] is strict


def test_a_schema_that_is_too_deep_to_look_through() -> None:
    deep = Raw(b'{"a":' * 5000 + b"{}" + b"}" * 5000)
    assert not keeps_strict_rules(deep)
