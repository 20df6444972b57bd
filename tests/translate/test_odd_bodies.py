"""Answers and errors of a good status that stand where a chat completion has neither."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fake_upstream import DONE, event, finish, text
from tests.translate.talk import Json, answered, streamed, tool, whole

BASH = [tool("Bash", {"command": {"type": "string"}})]


def anthropic(*content: Any, stop_reason: str | None = "end_turn") -> Json:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": list(content),
        "stop_reason": stop_reason,
        "usage": {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 4},
    }


def test_anthropic_s_own_blocks_keep_their_order() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}}
    blocks = [{"type": "thinking", "thinking": "Hm", "signature": "x"}, {"type": "text", "text": "So"}, call]

    found = answered(anthropic(*blocks, stop_reason="tool_use"), tools=BASH, thinking={"type": "adaptive"})

    assert [block["type"] for block in found["content"]] == ["thinking", "text", "tool_use"]
    assert (found["content"][0]["thinking"], found["content"][2]) == ("Hm", call)
    assert found["usage"]["cache_read_input_tokens"] == 4


STOPS = {
    "end_turn": "end_turn",
    "stop_sequence": "end_turn",
    "max_tokens": "max_tokens",
    "refusal": "refusal",
    None: "end_turn",
}


@pytest.mark.parametrize("reason", STOPS)
def test_anthropic_s_own_stop_reasons(reason: str | None) -> None:
    body = anthropic({"type": "text", "text": "Hi"}, {"type": "news"}, "odd", stop_reason=reason)

    assert answered(body, max_tokens=2)["stop_reason"] == STOPS[reason]


ODD: list[Json] = [
    anthropic(),
    {"type": "message", "content": "Hi"},
    {"choices": None, "provider": {"choices": None}},
    {"choices": None, "provider": {"choices": 5}},
    {"choices": None, "provider": "Somebody"},
]


@pytest.mark.parametrize("body", ODD, ids=str)
def test_what_holds_no_answer_is_an_error(body: Json) -> None:
    assert whole(body).status == 502


ERRORS: dict[str, tuple[bytes, str]] = {
    "Mistral, flat": (event({"object": "error", "message": "Too bad", "type": "x", "code": "3505"}), "Too bad"),
    "MiniMax": (event({"choices": None, "base_resp": {"status_code": 1000, "status_msg": "Too bad"}}), "Too bad"),
    "FastAPI": (event({"detail": "Too bad"}), "Too bad"),
    "a message": (event({"message": "Too bad", "request_id": "1"}), "Too bad"),
    "named": (b'event: error\ndata: {"text": "Too bad"}\n\n', ""),
}


@pytest.mark.parametrize("who", ERRORS)
def test_an_error_without_that_name_ends_a_stream(who: str) -> None:
    line, words = ERRORS[who]

    told = streamed(text("Hi"), line, finish(), DONE)

    assert told.error is not None
    assert words in told.error["message"]


def test_a_good_status_of_minimax_is_none() -> None:
    told = streamed(event({"choices": None, "base_resp": {"status_code": 0}}), text("Hi"), finish(), DONE)

    assert told.said("text") == "Hi"


def test_a_web_page_is_called_one_and_says_what_to_do() -> None:
    found = json.loads(whole(b"<!DOCTYPE html><html><title>Log in</title></html>").body)["error"]["message"]

    assert "web page (HTML)" in found
    assert "Log in" in found
    assert "Check base_url under [upstreams.up]" in found
