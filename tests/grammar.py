"""An independent judge of Messages streams: it shares no code with c2o.

``events`` is strict about the framing, ``read`` about the grammar, and what comes out is the message that a
client would put together.  Each broken rule is an AssertionError that names it.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

STOP_REASONS = {
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
}

ERRORS = {
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "api_error",
    "timeout_error",
    "overloaded_error",
}

BEGINNINGS: dict[str, Json] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
    "web_search_tool_result": {},
}
"""What a ``content_block_start`` holds: all content comes in deltas, but for what a server's tool has found."""

CALLS = ("tool_use", "server_tool_use")

DELTAS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("thinking", "signature"),
    "input_json_delta": ("tool_use", "partial_json"),
    "citations_delta": ("text", "citation"),
}
"""Delta → the kind of block that it belongs to, and the field with its text."""


@dataclass
class Message:
    """What a stream told."""

    id: str = ""
    model: str = ""
    content: list[Json] = field(default_factory=list)
    """The blocks that were closed, whole."""
    open: Json | None = None
    """The block that was open when an error came; of a tool call, ``partial_json`` is what had been said."""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Json | None = None
    usage: Json = field(default_factory=dict)
    estimate: Json = field(default_factory=dict)
    """The usage in ``message_start``."""
    error: Json | None = None
    life_signs: int = 0

    @property
    def calls(self) -> list[Json]:
        return [block for block in self.content if block["type"] == "tool_use"]

    def said(self, kind: str) -> str:
        """All text of one kind of block."""
        return "".join(block[kind] for block in self.content if block["type"] == kind)


def events(raw: bytes) -> list[Json]:
    """The data of each event.  Each has a name that equals its type, and one line of data."""
    assert raw == b"" or raw.endswith(b"\n\n"), "the stream ends inside an event"
    assert b"\r" not in raw, "a carriage return"
    found = []
    for block in raw.decode().split("\n\n")[:-1]:
        lines = block.split("\n")
        assert len(lines) == 2, f"an event has a name and one line of data, not {lines}"
        name, data = lines
        assert name.startswith("event: "), name
        assert data.startswith("data: "), data
        value = strict_json(data.removeprefix("data: "))
        assert value["type"] == name.removeprefix("event: "), "the name is the type"
        found.append(value)
    return found


def strict_json(text: str) -> Any:
    """JSON without Python's own additions (NaN, Infinity)."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def read(raw: bytes, *, life_signs: bool = False) -> Message:
    """The message that a whole stream tells.  ``life_signs``: events that only keep it alive may be in it."""
    return _Reader(life_signs).read(events(raw))


class _Reader:
    def __init__(self, life_signs: bool) -> None:
        self.message = Message()
        self.life_signs = life_signs
        self.state = "before"
        self.index = -1
        self.pieces: list[str] = []
        self.ids: set[str] = set()

    def read(self, all_events: list[Json]) -> Message:
        for event in all_events:
            assert self.state != "after", f"{event['type']} after the end"
            getattr(self, event["type"])(event)
        assert self.state == "after", "the stream has no end"
        return self.message

    def message_start(self, event: Json) -> None:
        assert self.state == "before", "a second message_start"
        self.state = "between"
        message = event["message"]
        assert {key: message[key] for key in ("type", "role", "content", "stop_reason", "stop_sequence")} == {
            "type": "message",
            "role": "assistant",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
        }
        assert message["id"].startswith("msg_")
        self.message.id, self.message.model, self.message.estimate = message["id"], message["model"], message["usage"]
        assert_usage(message["usage"])

    def content_block_start(self, event: Json) -> None:
        assert self.state == "between", f"a block begins {self.state} another"
        self.state, self.index, self.pieces = "inside", self.index + 1, []
        assert event["index"] == self.index, "blocks are numbered without a gap"
        block = dict(event["content_block"])
        for key, value in BEGINNINGS[block["type"]].items():
            assert block[key] == value, f"{key} of a block comes in deltas"
        if block["type"] in CALLS:
            assert block["id"], "a tool call has an id"
            assert block["id"] not in self.ids, f"two calls have the id {block['id']}"
            assert isinstance(block["name"], str)
            self.ids.add(block["id"])
        if block["type"] == "web_search_tool_result":
            assert self.message.content[-1]["id"] == block["tool_use_id"], "a result follows its call"
        self.message.open = block

    def content_block_delta(self, event: Json) -> None:
        block = self.opened(event)
        kind, name = DELTAS[event["delta"]["type"]]
        text = event["delta"][name]
        given = "tool_use" if block["type"] in CALLS else block["type"]
        assert kind == given, f"{event['delta']['type']} in a block of {block['type']}"
        assert set(event["delta"]) == {"type", name}
        assert text, "an empty delta"
        assert not (name == "thinking" and block["signature"]), "thinking after its signature"
        if kind == "tool_use":
            self.pieces.append(text)
            block["partial_json"] = "".join(self.pieces)
        elif name == "citation":
            block.setdefault("citations", []).append(text)
        else:
            block[name] += text

    def content_block_stop(self, event: Json) -> None:
        block = self.opened(event)
        if block["type"] in CALLS:
            block["input"] = tool_input(block.pop("partial_json", ""))
        if block["type"] == "text":
            assert block["text"], "an empty text block"
        self.message.content.append(block)
        self.message.open = None
        self.state = "between"

    def opened(self, event: Json) -> Json:
        assert self.state == "inside", f"{event['type']} without an open block"
        assert event["index"] == self.index, f"{event['type']} for a block that isn't the open one"
        assert self.message.open is not None
        return self.message.open

    def message_delta(self, event: Json) -> None:
        assert_usage(event["usage"])
        delta = event["delta"]
        if delta["stop_reason"] is None:
            self.life_sign()
            return
        assert self.state == "between", f"message_delta {self.state}"
        self.state = "ending"
        assert delta["stop_reason"] in STOP_REASONS, delta
        assert (delta["stop_reason"] == "stop_sequence") == (delta["stop_sequence"] is not None), delta
        if delta["stop_reason"] == "tool_use":
            assert self.message.calls, "stop_reason tool_use without a call"
        self.message.stop_reason, self.message.stop_sequence = delta["stop_reason"], delta["stop_sequence"]
        self.message.stop_details = delta.get("stop_details")
        self.message.usage = event["usage"]

    def message_stop(self, event: Json) -> None:
        assert self.state == "ending", f"message_stop {self.state}"
        assert event == {"type": "message_stop"}
        self.state = "after"

    def ping(self, event: Json) -> None:
        assert event == {"type": "ping"}
        self.life_sign()

    def life_sign(self) -> None:
        assert self.life_signs, "a life sign that nobody asked for"
        assert self.state in ("between", "inside"), f"a life sign {self.state} the message"
        self.message.life_signs += 1

    def error(self, event: Json) -> None:
        assert self.state != "ending", "an error between message_delta and message_stop"
        assert {"type", "error"} <= set(event) <= {"type", "error", "request_id"}
        assert event["error"]["type"] in ERRORS, event
        assert event["error"]["message"].strip(), "an error without words"
        self.message.error = event["error"]
        self.state = "after"


def tool_input(partial_json: str) -> Json:
    """The input of a call whose block was closed: always an object, since clients act on it."""
    value = strict_json(partial_json or "{}")
    assert isinstance(value, dict), f"tool input is an object, not {partial_json}"
    return value


def assert_usage(usage: Json) -> None:
    """Whole numbers, and never a prompt of nothing: Claude Code decides by them when to compact."""
    prompt = [usage["input_tokens"], usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]]
    for number in (*prompt, usage["output_tokens"]):
        assert type(number) is int, usage
        assert number >= 0, usage
    assert sum(prompt) > 0, "usage says that the prompt was empty"
