"""What an upstream that speaks Anthropic answers: messages, streamed or whole, as a FakeUpstream plays them.

Written as Anthropic documents them (https://platform.claude.com/docs/en/build-with-claude/streaming).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.fake_upstream import SSE, Answer, Piece, Request, whole

Json = dict[str, Any]

MODEL = "fake-model"


def text(words: str) -> Json:
    return {"type": "text", "text": words}


def call(name: str, input: Json, id: str = "toolu_1") -> Json:
    return {"type": "tool_use", "id": id, "name": name, "input": input}


def message(*blocks: Json, stop_reason: str | None = None, id: str = "msg_upstream") -> Json:
    called = any(block["type"] == "tool_use" for block in blocks)
    return {
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": list(blocks),
        "stop_reason": stop_reason or ("tool_use" if called else "end_turn"),
        "stop_sequence": None,
        "usage": {"input_tokens": 25, "cache_read_input_tokens": 7, "output_tokens": 15},
    }


def event(name: str, **fields: Any) -> bytes:
    """One event, with the spaces that Anthropic's have."""
    data = json.dumps({"type": name, **fields}, ensure_ascii=False)
    return f"event: {name}\ndata: {data}\n\n".encode()


def start(of: Json) -> bytes:
    begun = of | {"content": [], "stop_reason": None, "usage": of["usage"] | {"output_tokens": 1}}
    return event("message_start", message=begun)


def block_events(index: int, block: Json) -> Iterator[bytes]:
    """A block in two deltas, and a ping in between."""
    field = "text" if block["type"] == "text" else "input"
    said = block["text"] if field == "text" else json.dumps(block["input"], ensure_ascii=False)
    empty = block | {field: "" if field == "text" else {}}
    kind, name = ("text_delta", "text") if field == "text" else ("input_json_delta", "partial_json")
    half = len(said) // 2
    yield event("content_block_start", index=index, content_block=empty)
    yield event("content_block_delta", index=index, delta={"type": kind, name: said[:half]})
    yield event("ping")
    yield event("content_block_delta", index=index, delta={"type": kind, name: said[half:]})
    yield event("content_block_stop", index=index)


def stream_of(of: Json) -> list[bytes]:
    blocks = [each for index, block in enumerate(of["content"]) for each in block_events(index, block)]
    delta = {"stop_reason": of["stop_reason"], "stop_sequence": None}
    end = event("message_delta", delta=delta, usage={"output_tokens": of["usage"]["output_tokens"]})
    return [start(of), *blocks, end, event("message_stop")]


def streamed(*pieces: Piece) -> Answer:
    return Answer(pieces, 200, SSE)


def as_asked(request: Request, of: Json) -> Answer:
    return streamed(*stream_of(of)) if request.json.get("stream") else whole(of)


def refusal(status: int, type: str, words: str, **headers: str) -> Answer:
    body = {"type": "error", "error": {"type": type, "message": words}, "request_id": "req_upstream"}
    return whole(body, status, {name.replace("_", "-"): value for name, value in headers.items()})
