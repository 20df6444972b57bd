"""What kind of request it is, told by what clients really send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from c2o import kinds
from c2o.wire.anthropic import MessagesRequest, decode_request

Json = dict[str, Any]

TITLE: Json = {
    "tools": [],
    "output_config": {
        "effort": "high",
        "format": {"type": "json_schema", "schema": {"type": "object", "properties": {"title": {"type": "string"}}}},
    },
}
BASH: Json = {"name": "Bash", "input_schema": {"type": "object", "properties": {}}}
SEARCH: Json = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8, "allowed_domains": None}
ADAPTIVE: Json = {"type": "adaptive", "display": "omitted"}
MAIN: Json = {"tools": [BASH], "thinking": ADAPTIVE, "output_config": {"effort": "high"}}


def request(**fields: Any) -> MessagesRequest:
    usual = {"model": "c2o-claude/nim/m", "max_tokens": 32000, "messages": [{"role": "user", "content": "hi"}]}
    return decode_request(json.dumps(usual | fields).encode())


def hinted(kind: str, **more: str) -> dict[str, str]:
    return {"x-claude-code-request-class": kind, **more}


ASKERS: list[tuple[str, dict[str, str], Json, str]] = [
    # Claude Code 2.1.329 with hints
    ("main", hinted("main"), MAIN, "the conversation"),
    ("main", hinted("compaction"), MAIN, "/compact"),
    ("main", hinted("main"), {"tools": []}, "a session without tools"),
    ("subagent", hinted("subagent", **{"x-claude-code-agent-id": "a1"}), MAIN, "an agent"),
    ("subagent", hinted("workflow"), MAIN, "a workflow's agent"),
    ("background", hinted("auxiliary"), TITLE, "a title"),
    ("background", hinted("auxiliary"), MAIN, "a suggestion for the next prompt"),
    (
        "background",
        hinted("auxiliary", **{"x-claude-code-agent-id": "a1"}),
        {"tools": []},
        "a page for an agent",
    ),
    ("background", hinted("main"), {"stop_sequences": ["</block>"], "max_tokens": 64}, "a safety check"),
    ("web_search", hinted("auxiliary"), {"tools": [SEARCH], "tool_choice": {"type": "auto"}}, "a search"),
    # 2.1.197, or without hints
    ("main", {}, MAIN, "the conversation"),
    ("subagent", {"x-claude-code-agent-id": "a1"}, MAIN, "an agent"),
    ("subagent", {}, MAIN | {"system": [{"type": "text", "text": "You are an agent for Claude Code, …"}]}, "an agent"),
    ("background", {}, TITLE, "a title"),
    ("background", {}, {"stop_sequences": ["</severity>"]}, "a safety check"),
    (
        "background",
        {},
        {"system": "You are a security monitor for autonomous AI coding agents.\n\n…"},
        "its second stage",
    ),
    ("background", {}, {"model": "claude-haiku-4-5-20251001", "max_tokens": 1}, "a small model, asked beside"),
    ("web_search", {}, {"tools": [SEARCH]}, "a search"),
    # other clients
    ("main", {}, {}, "a program"),
    ("main", {}, {"model": "claude-haiku-4-5", "tools": [BASH]}, "a program whose model is small"),
    ("main", {}, {"tools": [BASH, SEARCH]}, "a program that may search"),
    ("main", hinted("a class of tomorrow"), MAIN, "nobody knows"),
]


@pytest.mark.parametrize(("expected", "headers", "fields", "what"), ASKERS)
def test_who_asks(expected: str, headers: dict[str, str], fields: Json, what: str) -> None:
    assert kinds.asker(headers, request(**fields)) == expected, what


def test_each_sign_says_where_it_was_seen() -> None:
    assert all(sign.where for sign in kinds.SIGNS)


THINKING: list[tuple[bool, Json]] = [
    (False, {}),
    (False, MAIN),
    (False, {"output_config": {"effort": "max"}}),  # of a title call: no thinking at all
    (False, {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}}),
    (False, {"thinking": ADAPTIVE, "output_config": {"effort": "tomorrow's"}}),
    (True, {"thinking": {"type": "enabled", "budget_tokens": 4096}}),
    (True, {"thinking": ADAPTIVE, "output_config": {"effort": "xhigh"}}),
    (True, {"thinking": ADAPTIVE, "output_config": {"effort": "max"}}),
]


@pytest.mark.parametrize(("expected", "fields"), THINKING)
def test_more_thinking_than_usual(expected: bool, fields: Json) -> None:
    assert kinds.thinks(request(**fields)) is expected


WORD = '<system-reminder>\nThe user included the keyword "ultrathink", requesting deeper reasoning.\n</system-reminder>'


def test_the_person_s_own_word_for_it_counts_for_the_turn() -> None:
    asked = [{"role": "user", "content": [{"type": "text", "text": "ultrathink"}, {"type": "text", "text": WORD}]}]
    apart = [{"role": "user", "content": "ultrathink"}, {"role": "system", "content": WORD}]

    assert kinds.thinks(request(messages=asked))
    assert kinds.thinks(request(messages=[*apart, CALL, result("done")]))
    assert not kinds.thinks(request(messages=[*asked, SAID, PROMPT]))
    assert not kinds.thinks(request(messages=[{"role": "user", "content": "What does ultrathink do?"}]))


def test_the_effort_that_a_later_message_sets_counts() -> None:
    later = {"role": "system", "content": "x", "output_config": {"effort": "max"}}
    said = request(**MAIN | {"messages": [{"role": "user", "content": "hi"}, later]})

    assert kinds.thinks(said)


def test_from_which_effort_on_may_be_chosen() -> None:
    assert kinds.thinks(request(**MAIN), "high")
    assert kinds.thinks(request(**MAIN), "low")
    assert not kinds.thinks(request(**MAIN), "max")


PICTURE: Json = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
PROMPT: Json = {"role": "user", "content": [{"type": "text", "text": "What is this?"}]}
PASTED: Json = {"role": "user", "content": [{"type": "text", "text": "What is this?"}, PICTURE]}
CALL: Json = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Read", "input": {}}]}
SAID: Json = {"role": "assistant", "content": [{"type": "text", "text": "A cat."}]}
REMINDER: Json = {"role": "system", "content": "# Environment"}


def result(content: Any) -> Json:
    block = {"type": "tool_result", "tool_use_id": "t1", "content": content}
    return {
        "role": "user",
        "content": [block, {"type": "text", "text": "<system-reminder>smaller</system-reminder>"}],
    }


IMAGES: list[tuple[bool, list[Json]]] = [
    (False, [PROMPT]),
    (True, [PASTED]),
    (True, [PASTED, REMINDER]),
    (True, [PROMPT, REMINDER, CALL, result([PICTURE])]),
    (True, [PROMPT, CALL, result([PICTURE]), CALL, result("done")]),  # the turn goes on with what has seen it
    (False, [PROMPT, CALL, result([PICTURE]), SAID, PROMPT]),
    (False, [PASTED, SAID, PROMPT, CALL, result("done")]),
    (False, [PROMPT, CALL, result('a text with "image" in it')]),
    (False, [PROMPT, CALL, result([{"type": "text", "text": 'a text with {"type": "image"} in it'}])]),
    (True, [{"role": "user", "content": "hi"}, CALL, result([{"type": "text", "text": "here:"}, PICTURE])]),
]


@pytest.mark.parametrize(("expected", "messages"), IMAGES)
def test_an_image_in_the_last_turn(expected: bool, messages: list[Json]) -> None:
    assert kinds.shows_image(request(messages=messages)) is expected
