"""One request with everything in it that a coding client sends, and an answer with everything that upstreams do.

Translators tend to get each of these right alone and some of them wrong together.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.sdks import SDKError, SyncPythonSDK
from tests.clients.service import Service, configuration
from tests.clients.test_sdks import PIXEL
from tests.fake_upstream import (
    DONE,
    FakeUpstream,
    Request,
    arguments,
    chunk,
    finish,
    reasoning,
    role,
    stream,
    text,
    too_long,
    usage,
)
from tests.pdf import as_base64, text_pdf

IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
PDF = {
    "type": "document",
    "title": "contract.pdf",
    "source": {
        "type": "base64",
        "media_type": "application/pdf",
        "data": as_base64(text_pdf("The parties agree.")),
    },
}
DOMAINS = {"type": "array", "items": {"type": "string"}}
WEB_SEARCH = {
    "name": "WebSearch",
    "description": "Searches the web.",
    "input_schema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 2},
            "allowed_domains": DOMAINS,
            "blocked_domains": DOMAINS,
        },
        "required": ["query"],
        "additionalProperties": False,
    },
}
REQUEST: dict[str, Any] = {
    "model": "claude-opus-5",
    "max_tokens": 32000,
    "thinking": {"type": "adaptive"},
    "output_config": {"effort": "high"},
    "tools": [WEB_SEARCH],
    "stop_sequences": ["</block>"],
    "extra_body": {"top_p": 0.9},  # the SDK has no parameter for it any more; older clients send it
    "metadata": {"user_id": '{"device_id":"d","session_id":"s"}'},
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.329; cc_entrypoint=cli;"},
        {"type": "text", "text": "You are a coding agent.", "cache_control": {"type": "ephemeral"}},
    ],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Look at these."}, IMAGE, PDF]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Old thoughts.", "signature": "somebody-else's"},
                {"type": "text", "text": "I will search."},
                {"type": "tool_use", "id": "toolu_1", "name": "WebSearch", "input": {"query": "c2o"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "is_error": True,
                    "content": [{"type": "text", "text": "No network."}, IMAGE],
                },
                {"type": "text", "text": "Try again."},
            ],
        },
        {"role": "system", "content": "Remember the date."},
    ],
}


def call(index: int, query: str) -> list[bytes]:
    """A call whose optional arrays are null, in three chunks, with null for all that isn't said."""
    given = json.dumps({"query": query, "allowed_domains": None, "blocked_domains": None})
    head = {
        "index": index,
        "id": f"call_{query}",
        "type": "function",
        "function": {"name": "WebSearch", "arguments": ""},
    }
    first = chunk({"role": None, "content": None, "tool_calls": [head], "refusal": None})
    return [first, arguments(index, given[:17]), arguments(index, given[17:])]


ANSWER = stream(
    role(),
    reasoning("Again, "),
    reasoning("then."),
    text("Searching "),
    text("again."),
    *call(0, "first"),
    *call(1, "second"),
    finish("tool_calls"),
    usage(prompt=1000, completion=50, cached=900),
    DONE,
)


@pytest.fixture
def sdk(start_c2o: Callable[..., Service], upstream: FakeUpstream) -> SyncPythonSDK:
    configured = configuration(upstream.base_url)
    configured["models"]["haiku"] = "fake/small-model"
    service = start_c2o(configured)
    upstream.think(lambda request: too_long() if request.json["model"] == "small-model" else ANSWER)
    return SyncPythonSDK(service.url, service.token, streamed=True)


def asked(upstream: FakeUpstream) -> Request:
    (request,) = upstream.requests
    return request


def test_the_answer_has_all_its_parts_in_order(sdk: SyncPythonSDK) -> None:
    message = sdk.ask(**REQUEST, tool_choice={"type": "any"})

    thought, said, first, second = message["content"]
    assert thought["thinking"] == "Again, then."
    assert said["text"] == "Searching again."
    assert [block["type"] for block in (first, second)] == ["tool_use", "tool_use"]
    assert [block["input"] for block in (first, second)] == [{"query": "first"}, {"query": "second"}]
    assert first["id"] != second["id"]
    assert message["stop_reason"] == "tool_use"


def test_usage_is_the_upstream_s_with_the_cached_part_apart(sdk: SyncPythonSDK) -> None:
    counted = sdk.ask(**REQUEST, tool_choice={"type": "any"})["usage"]
    assert (counted["input_tokens"], counted["cache_read_input_tokens"], counted["output_tokens"]) == (100, 900, 50)


def test_one_call_was_asked_for_so_one_comes(sdk: SyncPythonSDK) -> None:
    message = sdk.ask(**REQUEST, tool_choice={"type": "any", "disable_parallel_tool_use": True})
    assert [block["input"] for block in message["content"] if block["type"] == "tool_use"] == [{"query": "first"}]


def test_the_upstream_gets_the_smallest_request_that_says_it_all(sdk: SyncPythonSDK, upstream: FakeUpstream) -> None:
    sdk.ask(**REQUEST, tool_choice={"type": "any"})

    body = asked(upstream).json
    assert set(body) == {"model", "messages", "max_tokens", "stream", "stream_options", "tools", "tool_choice", "top_p"}
    assert (body["model"], body["max_tokens"], body["tool_choice"]) == ("fake-model", 32000, "required")
    schema = WEB_SEARCH["input_schema"]
    assert {"$schema": schema["$schema"]} | body["tools"][0]["function"]["parameters"] == schema


def test_the_conversation_arrives_whole_and_in_order(sdk: SyncPythonSDK, upstream: FakeUpstream) -> None:
    sdk.ask(**REQUEST, tool_choice={"type": "any"})

    system, question, said, result, *rest = asked(upstream).messages
    assert system == {"role": "system", "content": "You are a coding agent."}
    parts = {part["type"]: part for part in question["content"]}
    assert parts["image_url"]["image_url"]["url"].endswith(PIXEL)
    assert any(word in json.dumps(question["content"]) for word in ("contract.pdf", "The parties agree."))
    assert (said["role"], said["content"]) == ("assistant", "I will search.")
    assert json.loads(said["tool_calls"][0]["function"]["arguments"]) == {"query": "c2o"}
    assert (result["role"], result["tool_call_id"]) == ("tool", said["tool_calls"][0]["id"])
    assert "No network." in result["content"]
    later = json.dumps(rest)
    assert all(message["role"] == "user" for message in rest)
    assert PIXEL in later
    assert later.index("Try again.") < later.index("Remember the date.")


def test_nothing_arrives_that_is_not_the_upstream_s_business(sdk: SyncPythonSDK, upstream: FakeUpstream) -> None:
    sdk.ask(**REQUEST, tool_choice={"type": "any"})

    sent = asked(upstream).body.decode()
    for private in ("x-anthropic-billing-header", "device_id", "somebody-else's", "cache_control", "</block>"):
        assert private not in sent


def test_another_model_whose_window_is_too_small_says_so(sdk: SyncPythonSDK) -> None:
    with pytest.raises(SDKError, match="prompt is too long: 140000 tokens > 131072 maximum") as raised:
        sdk.ask(**REQUEST | {"model": "claude-haiku-5"})
    assert (raised.value.status, raised.value.error["type"]) == (400, "invalid_request_error")
