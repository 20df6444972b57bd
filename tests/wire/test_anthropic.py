"""The Messages API: tolerant in what is read, exact in what is sent."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, Raw

from c2o.wire.anthropic import (
    ContentBlockDelta,
    ContentBlockStart,
    ContentBlockStop,
    Error,
    MessageDelta,
    MessageEnd,
    MessagesResponse,
    MessageStart,
    MessageStop,
    Ping,
    SignatureDelta,
    StopDetails,
    StreamError,
    TextBlock,
    TextDelta,
    ThinkingBlock,
    ToolUseBlock,
    Usage,
    decode_content,
    decode_request,
    encode,
    encode_events,
)
from tests import grammar

SMALLEST: dict[str, Any] = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}

# ---- what clients send


def read(**fields: Any) -> Any:
    return decode_request(json.dumps(SMALLEST | fields).encode())


def test_fields_that_nobody_has_heard_of_are_no_mistake() -> None:
    """A refused field costs six requests: Claude Code tries what it may leave out."""
    block = {"type": "hologram", "depth": 3, "text": "a", "cache_control": {"type": "ephemeral"}}

    request = read(of_tomorrow={"a": [1]}, service_tier="auto", messages=[{"role": "user", "content": [block]}])

    assert request.messages[0].content[0].type == "hologram"


def test_json_that_is_carried_stays_as_the_client_wrote_it() -> None:
    body = (
        b'{"model":"m","messages":[{"role":"user","content":[{"type":"tool_use","input":{"b": 1.0,\n"a":"\\u00e9"}}]}]}'
    )

    [block] = decode_request(body).messages[0].content

    assert isinstance(block, msgspec.Struct)
    assert bytes(block.input) == b'{"b": 1.0,\n"a":"\\u00e9"}'  # type: ignore[attr-defined]


def test_absent_and_null_are_told_apart() -> None:
    assert read().max_tokens == 5
    assert decode_request(b'{"model":"m","messages":[]}').max_tokens is UNSET
    assert read(system=None).system is None
    assert read(tools=None, tool_choice=None, thinking=None, metadata=None, stop_sequences=None).tools is None


@pytest.mark.parametrize("content", ["text", [{"type": "text", "text": "a"}], None])
def test_the_content_of_a_result(content: Any) -> None:
    found = decode_content(Raw(json.dumps(content).encode()))

    assert found == content or (isinstance(found, list) and found[0].text == "a")


# ---- what we send

MESSAGE = MessagesResponse(id="msg_1", model="m", content=[], usage=Usage(input_tokens=1, output_tokens=2))


def test_events_are_what_the_documentation_shows() -> None:
    """https://platform.claude.com/docs/en/build-with-claude/streaming"""
    usage = Usage(input_tokens=3, output_tokens=4)
    raw = encode_events(
        [
            MessageStart(MESSAGE),
            Ping(),
            ContentBlockStart(0, ThinkingBlock()),
            ContentBlockDelta(0, SignatureDelta("s")),
            ContentBlockStop(0),
            ContentBlockStart(1, TextBlock()),
            ContentBlockDelta(1, TextDelta("line\nend – é\u2028")),
            ContentBlockStop(1),
            ContentBlockStart(2, ToolUseBlock(id="t", name="n")),
            ContentBlockStop(2),
            MessageDelta(MessageEnd(stop_reason="refusal", stop_details=StopDetails(explanation="no")), usage),
            MessageStop(),
        ]
    )

    events = grammar.events(raw)
    assert [event["type"] for event in events] == [
        *("message_start", "ping"),
        *("content_block_start", "content_block_delta", "content_block_stop") * 2,
        *("content_block_start", "content_block_stop"),
        *("message_delta", "message_stop"),
    ]
    assert events[0]["message"] == {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 1,
            "output_tokens": 2,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
        },
    }
    assert events[2]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}
    assert events[6]["delta"] == {"type": "text_delta", "text": "line\nend – é\u2028"}
    assert events[8]["content_block"] == {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    assert events[-2]["delta"] == {
        "stop_reason": "refusal",
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": None, "explanation": "no"},
    }
    assert events[-1] == {"type": "message_stop"}


def test_an_error_event_and_an_error_body_are_one() -> None:
    error = StreamError(error=Error("overloaded_error", "busy"))

    assert json.loads(encode(error)) == {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    assert encode_events([error]) == b"event: error\ndata: " + encode(error) + b"\n\n"
