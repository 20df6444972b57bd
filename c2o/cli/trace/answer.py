"""What a client was told, read back: a whole answer, or a stream put together again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from c2o.translate.answers import without_id
from c2o.wire.sse import SSEDecoder


class Told(Struct, frozen=True, kw_only=True):
    """An answer in the parts in which two of them are compared."""

    status: int | None = None
    stop_reason: str | None = None
    text: str = ""
    thinking: str = ""
    calls: list[str] = []
    """``Name {input}``"""
    usage: dict[str, Any] = {}
    error: str | None = None
    first_byte: float | None = None
    """Seconds until the answer began, and until it had ended."""
    seconds: float | None = None


def told(status: int | None, body: bytes, first_byte: float | None, seconds: float | None) -> Told:
    """Never fails: of what isn't an answer in Anthropic's shape, the text is all there is."""
    try:
        message = msgspec.json.decode(body)
    except msgspec.DecodeError:
        message = _folded(body)
    if not isinstance(message, dict) or message == NOTHING:
        return Told(status=status, text=body.decode(errors="replace"), first_byte=first_byte, seconds=seconds)
    blocks = [each for each in message.get("content") or [] if isinstance(each, dict)]
    error = message.get("error") or {}
    return Told(
        status=status,
        stop_reason=message.get("stop_reason"),
        text=_all(blocks, "text"),
        thinking=_all(blocks, "thinking"),
        calls=[f"{each.get('name')} {_input(each)}" for each in blocks if each.get("type") == "tool_use"],
        usage=message.get("usage") or {},
        error=without_id(error["message"]) if error else None,
        first_byte=first_byte,
        seconds=seconds,
    )


def _all(blocks: list[dict[str, Any]], kind: str) -> str:
    return "".join(str(each.get(kind, "")) for each in blocks if each.get("type") == kind)


def _input(block: dict[str, Any]) -> str:
    given = block.get("input")
    return given if isinstance(given, str) else msgspec.json.encode(given, order="sorted").decode()


NOTHING: dict[str, Any] = {"content": []}
"""What a text amounts to that is no stream."""


def _folded(body: bytes) -> dict[str, Any]:
    """The message that a stream amounts to, as far as it goes."""
    message: dict[str, Any] = NOTHING | {"content": []}
    for event in _events(body):
        match event.get("type"):
            case "message_start":
                message |= event["message"] | {"content": []}
            case "content_block_start":
                message["content"].append(dict(event["content_block"]) | {"input": ""})
            case "content_block_delta" if message["content"]:
                _add(message["content"][-1], event["delta"])
            case "message_delta":
                message |= event["delta"]
                message["usage"] = event.get("usage") or {}
            case "error":
                message["error"] = event["error"]
    return message


def _events(body: bytes) -> Iterator[dict[str, Any]]:
    for event in SSEDecoder().feed(body + b"\n\n"):
        try:
            value = msgspec.json.decode(event.data)
        except msgspec.DecodeError:
            continue
        if isinstance(value, dict):
            yield value


DELTAS = {"text_delta": ("text", "text"), "thinking_delta": ("thinking", "thinking")}
DELTAS |= {"input_json_delta": ("input", "partial_json")}


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    place, name = DELTAS.get(delta.get("type", ""), ("", ""))
    if place:
        block[place] = block.get(place, "") + delta[name]
