"""Chat completions: exact in what is sent, tolerant in what is read."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from c2o.wire.chat import ChatMessage, ChatRequest, ImagePart, ImageURL, TextPart, decode_chunk, encode_request

# ---- what is sent


def test_what_is_not_set_is_left_out() -> None:
    """Several upstreams refuse null and unknown fields."""
    body = encode_request(ChatRequest(model="m", messages=[ChatMessage(role="user", content="hi")]))

    assert json.loads(body) == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_null_is_not_the_same_as_absent() -> None:
    messages = [ChatMessage(role="assistant", content=None), ChatMessage(role="assistant")]

    body = json.loads(encode_request(ChatRequest(model="m", messages=messages)))

    assert body["messages"] == [{"role": "assistant", "content": None}, {"role": "assistant"}]


def test_content_is_text_parts_or_what_the_client_wrote() -> None:
    parts = [TextPart("a"), ImagePart(ImageURL("data:image/png;base64,AA"))]
    messages = [ChatMessage(role="user", content=parts), ChatMessage(role="tool", content=Raw(rb'"\u00e9 as written"'))]

    body = encode_request(ChatRequest(model="m", messages=messages))

    assert json.loads(body)["messages"][0]["content"] == [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
    ]
    assert rb"\u00e9 as written" in body


# ---- what is read


def choice(**fields: Any) -> bytes:
    return json.dumps({"choices": [fields]}).encode()


def test_a_chunk_and_a_whole_completion_are_one_type() -> None:
    chunk = decode_chunk(choice(delta={"content": "a"}))
    whole = decode_chunk(choice(message={"content": "a"}, finish_reason="stop"))

    assert chunk.choices is not None
    assert chunk.choices[0].delta is not None
    assert chunk.choices[0].delta.content == "a"
    assert whole.choices is not None
    assert whole.choices[0].message is not None
    assert whole.choices[0].message.content == "a"


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        ({"prompt_tokens": "12", "completion_tokens": 3.0}, (12, 3)),  # numbers in strings, and whole floats
        ({"prompt_tokens": 12, "completion_tokens": "three"}, (12, None)),
        ({"prompt_tokens": 12, "prompt_tokens_details": "none"}, (12, None)),
        ({"prompt_tokens": {}, "completion_tokens": 3}, (None, 3)),
    ],
)
def test_numbers_are_read_where_they_are_numbers(body: Any, usage: tuple[int | None, int | None]) -> None:
    found = decode_chunk(json.dumps({"choices": [], "usage": body}).encode()).usage

    assert found is not None
    assert (found.prompt_tokens, found.completion_tokens) == usage


WRONG_FIELDS: dict[str, dict[str, Any]] = {
    "id as number": {"tool_calls": [{"id": 7, "index": 0, "function": {"name": "F", "arguments": "{}"}}]},
    "index as text": {"tool_calls": [{"id": "a", "index": "zero", "function": {"name": "F", "arguments": "{}"}}]},
    "an item that is none": {"tool_calls": [None, 5, {"id": "a", "function": {"name": "F", "arguments": "{}"}}]},
    "refusal as list": {"refusal": ["no"], "tool_calls": [{"id": "a", "function": {"name": "F", "arguments": "{}"}}]},
    "legacy call as text": {"function_call": "F", "tool_calls": [{"function": {"name": "F", "arguments": "{}"}}]},
}


@pytest.mark.parametrize("what", WRONG_FIELDS)
def test_one_wrong_field_does_not_lose_the_others(what: str) -> None:
    chunk = decode_chunk(choice(index=0, delta={"content": "a"} | WRONG_FIELDS[what], finish_reason=["odd"]))

    assert chunk.choices is not None
    delta = chunk.choices[0].delta
    assert delta is not None
    assert delta.content == "a"
    assert delta.tool_calls is not None
    [call] = delta.tool_calls
    assert call.function is not None
    assert (call.function.name, call.function.arguments) == ("F", "{}")
    assert chunk.choices[0].finish_reason is None


@pytest.mark.parametrize(
    "body", [b"{}", b'{"choices": null}', b'{"choices": "none"}', b'{"choices": {}}', b'{"usage": 5}']
)
def test_an_object_of_any_shape_is_a_chunk(body: bytes) -> None:
    assert not decode_chunk(body).choices


def test_choices_of_any_shape() -> None:
    assert decode_chunk(b'{"choices": [null, 5]}').choices == []
    assert decode_chunk(b'{"choices": [{"delta": null}, {"delta": 5}]}').choices is not None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"5", b'"text"', b"data"])
def test_what_is_no_object_is_no_chunk(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_chunk(body)
