"""Cases of ``responses.toml`` that are about more than bytes: the HTTP around them, time, and the turn that follows."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from tests import grammar
from tests.dialects.test_responses import CASES, Case, check
from tests.fake_upstream import BREAK, Answer, FakeUpstream, Hold, Piece
from tests.proxy.conftest import Service
from tests.proxy.fake_clock import FakeClock, settle
from tests.proxy.talk import Peer, eventually, names
from tests.translate.talk import Json, assistant, request, sent, tool_result, user

# ---- HTTP

TYPES: dict[str, str] = {
    # what the upstream says it sends
    "A01": "text/event-stream",
    "A16": "text/plain",
    "A17": "application/json",
    "A18": "text/event-stream",
    "A22": "application/octet-stream",
    "B21": "application/json",
    "E13": "application/x-ndjson",
}


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("name", TYPES)
async def test_the_body_says_what_it_is_not_its_content_type(
    service: Service, upstream: FakeUpstream, name: str, streams: bool
) -> None:
    upstream.play(played(CASES[name], TYPES[name]))

    answer = await service.post(body=CASES[name].request | {"stream": streams})

    assert answer.status == 200
    if streams:
        check(CASES[name], grammar.read(answer.body))
    else:
        value = answer.json
        fields = {key: value[key] for key in ("content", "stop_reason", "stop_sequence", "usage")}
        check(CASES[name], grammar.Message(**fields))


FAILED = {
    "E02": (429, "rate_limit_error"),
    "E08": (502, "api_error"),
    "E11": (402, "billing_error"),
    "E12": (502, "api_error"),
}


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("name", FAILED)
async def test_an_error_in_a_good_answer_becomes_an_honest_status(
    service: Service, upstream: FakeUpstream, name: str, streams: bool
) -> None:
    upstream.play(played(CASES[name], "text/event-stream"))

    answer = await service.post(body=CASES[name].request | {"stream": streams})

    assert (answer.status, answer.error["type"]) == FAILED[name]


def played(case: Case, content_type: str, *pieces: Piece) -> Answer:
    return Answer((*pieces, case.body), 200, {"content-type": content_type})


async def test_a20_reset_mid_stream(service: Service, upstream: FakeUpstream) -> None:
    case = CASES["A20"]
    upstream.play(Answer((case.body, BREAK), 200, {"content-type": "text/event-stream"}))

    answer = await service.post(body=case.request)

    check(case, grammar.read(answer.body))


async def test_a23_silent_for_a_minute(timed: Service, upstream: FakeUpstream, clock: FakeClock) -> None:
    case, more = CASES["A23"], threading.Event()
    upstream.play(played(case, "text/event-stream", Hold(more)))
    peer = await timed.call(**case.request)
    await asyncio.to_thread(upstream.wait_for, 1)
    await settle()

    await clock.advance(60)
    await eventually(lambda: names(peer.events).count("ping") >= 2, "two pings")
    more.set()
    await peer.finished()

    check(case, message_in(peer))


def message_in(peer: Peer) -> grammar.Message:
    frames = (f"event: {each.name}\ndata: {json.dumps(each.data)}\n\n" for each in peer.events)
    return grammar.read("".join(frames).encode(), life_signs=True)


# ---- the turn that follows

BACK: dict[str, tuple[str, Any]] = {
    # case → what the assistant's message has upstream, in the next request
    "B09": (
        "reasoning_details",
        [{"type": "reasoning.text", "text": "hm", "signature": "SIG", "format": "anthropic-claude-v1", "index": 0}],
    ),
    "B10": (
        "reasoning_details",
        [{"type": "reasoning.encrypted", "data": "ENC", "format": "openai-responses-v1", "id": "rs_1", "index": 0}],
    ),
    "C26": (
        "tool_calls",
        [{"id": "functions.Bash:0", "type": "function", "function": {"name": "Bash", "arguments": "{}"}}],
    ),
    "C28": (
        "tool_calls",
        [
            {
                "id": "a",
                "type": "function",
                "function": {"name": "F", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": "SIG"}},
            }
        ],
    ),
}


@pytest.mark.parametrize("name", BACK)
def test_what_came_goes_back_with_the_next_turn(name: str) -> None:
    case, (field, expected) = CASES[name], BACK[name]
    said = grammar.read(case.translated([case.body])).content
    results = [tool_result(block["id"]) for block in said if block["type"] == "tool_use"]
    history: list[Json] = [user("Hi"), assistant(*said), user(*results or ["Go on."])]

    body = sent(request(messages=history, thinking={"type": "adaptive"}, tools=case.request.get("tools")), case.dialect)

    assert body["messages"][1][field] == expected


def test_d25_ids_of_messages_are_ours() -> None:
    """Ollama draws them from a thousand, and Claude Code merges turns with the same one."""
    assert grammar.read(CASES["D25"].translated([CASES["D25"].body])).id == "msg_recorded"
