"""Answers and errors of a good status that stand where a chat completion has neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from c2o.wire.chat import Choice, Chunk, FunctionDelta, MessageDelta, ToolCallDelta, decode_chunk

FINISH_REASONS = {"tool_use": "tool_calls", "max_tokens": "length", "end_turn": "stop", "stop_sequence": "stop"}
"""Anthropic's stop reasons that a chat completion has another word for."""


def completion_in(body: bytes) -> Chunk | None:
    """The answer in a body without ``choices``.

    OpenRouter nests one under ``provider`` (https://github.com/pydantic/pydantic-ai/issues/3994); Copilot passes on
    Anthropic's own for Claude models (https://github.com/BerriAI/litellm/issues/29391).
    """
    value = _object_in(body)
    nested = value.get("provider")
    if isinstance(nested, dict) and nested.get("choices"):
        return decode_chunk(msgspec.json.encode(nested))
    if value.get("type") == "message" and isinstance(value.get("content"), list):
        return _from_anthropic(value)
    return None


def is_error(event: str, data: bytes) -> bool:
    """Is it an error, though there is no ``error`` in it?  ``event`` is the name that came with it."""
    value = _object_in(data)
    if event == "error" or value.get("object") == "error":  # Mistral, SGLang, older vLLM
        return True
    base = value.get("base_resp")
    if isinstance(base, dict) and base.get("status_code"):  # MiniMax
        return True
    return "choices" not in value and any(isinstance(value.get(name), str) for name in ("detail", "message", "msg"))


def is_web_page(body: bytes) -> bool:
    return body.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))


def _object_in(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _from_anthropic(message: Mapping[str, Any]) -> Chunk:
    """A message as parts of a completion, so that its blocks keep their order."""
    parts = [_part(block) for block in message["content"] if isinstance(block, dict)]
    reason = str(message.get("stop_reason") or "")
    end = Choice(finish_reason=FINISH_REASONS.get(reason, reason))
    chunk = decode_chunk(msgspec.json.encode({"choices": [], "usage": message.get("usage")}))
    return msgspec.structs.replace(chunk, choices=[*(Choice(message=part) for part in parts), end])


def _part(block: Mapping[str, Any]) -> MessageDelta:
    match block.get("type"):
        case "text":
            return MessageDelta(content=block.get("text"))
        case "thinking":
            return MessageDelta(reasoning=block.get("thinking"))
        case "tool_use":
            function = FunctionDelta(str(block.get("name") or ""), block.get("input"))
            return MessageDelta(tool_calls=[ToolCallDelta(function, str(block.get("id") or ""))])
    return MessageDelta()
