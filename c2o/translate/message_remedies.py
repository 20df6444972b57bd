"""An upstream that refuses the shape of a conversation: it gets the same words in the shape that it names.

The wordings are those of chat templates (Mistral, Gemma, Llama), of vLLM, DeepSeek, Moonshot and serde-based servers:
https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html, https://api-docs.deepseek.com/guides/thinking_mode
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator

import msgspec
from msgspec import UNSET, Raw

from c2o.translate.types import Remedy
from c2o.translate.upstream_errors import Told
from c2o.wire.chat import ChatMessage, ChatRequest, Part, TextPart

EMPTY = " "
"""Reasoning where there was none: an empty text counts as missing."""

FILLER = "Understood."

_REFUSED: dict[str, re.Pattern[str]] = {
    "reasoning": re.compile(r"reasoning_content\W.{0,60}must be passed back|missing `?reasoning_content"),
    "short_ids": re.compile(r"tool call id was .{0,80}length of 9"),
    "filler": re.compile(r"unexpected role 'user' after role 'tool'"),
    "system_role": re.compile(r"(role|variant)\W{1,4}developer\b|developer\W.{0,30}not (one of|supported|allowed)"),
    "system_first": re.compile(r"system message must be (at|in) the (beginning|first)|unexpected role 'system'"),
    "no_system": re.compile(
        r"only user(, assistant)? and (assistant|model|tool) roles|system role (is )?not supported"
        r"|(conversation )?roles must alternate"
    ),
    "plain": re.compile(
        r"\bcontent\W.{0,60}(must be|should be|expected|not|input should be) an? ?(valid )?string"
        r"|expected (a )?string,? (but )?(got|found) (an )?(array|list|sequence)"
        r"|invalid type: sequence, expected a string"
    ),
}
"""What a refusal says, by the shape that it wants."""


def message_remedy(told: Told, request: ChatRequest) -> Remedy | None:
    """Change the shape of a conversation, if the upstream refused it for that."""
    for shape, refused in _REFUSED.items():
        if refused.search(told.words) and reshape(request, shape):
            return Remedy(f"messages:{shape}")
    return None


def reshape(request: ChatRequest, shape: str) -> bool:
    """Bring a conversation into a shape.  Was it in another?"""
    before = msgspec.json.encode(request.messages)
    request.messages = _SHAPES[shape](request.messages) if shape in _SHAPES else request.messages
    return msgspec.json.encode(request.messages) != before


def _with_reasoning(messages: list[ChatMessage]) -> list[ChatMessage]:
    for message in messages:
        if message.role == "assistant" and not message.reasoning_content:
            message.reasoning_content = EMPTY
    return messages


def _with_short_ids(messages: list[ChatMessage]) -> list[ChatMessage]:
    """Nine letters and digits, the same for the same id, and for call and result alike."""
    for message in messages:
        for call in message.tool_calls or []:
            call.id = _short(call.id)
        if message.tool_call_id is not UNSET:
            message.tool_call_id = _short(message.tool_call_id)
    return messages


def _short(id: str) -> str:
    return id if re.fullmatch("[a-zA-Z0-9]{9}", id) else hashlib.sha256(id.encode()).hexdigest()[:9]


def _with_filler(messages: list[ChatMessage]) -> list[ChatMessage]:
    filled: list[ChatMessage] = []
    for message in messages:
        if message.role == "user" and filled and filled[-1].role == "tool":
            filled.append(ChatMessage(role="assistant", content=FILLER))
        filled.append(message)
    return filled


def _with_system_role(messages: list[ChatMessage]) -> list[ChatMessage]:
    for message in messages:
        if message.role == "developer":
            message.role = "system"
    return messages


def _system_first(messages: list[ChatMessage]) -> list[ChatMessage]:
    """All instructions as one message at the beginning."""
    rest = [message for message in messages if message.role != "system"]
    instructions = _instructions(messages)
    return [ChatMessage(role="system", content=instructions), *rest] if instructions else rest


def _without_system(messages: list[ChatMessage]) -> list[ChatMessage]:
    """All instructions at the beginning of what the user says, and nobody speaks twice in a row."""
    rest = [message for message in messages if message.role != "system"]
    if instructions := _instructions(messages):
        rest.insert(0, ChatMessage(role="user", content=instructions))
    alternating: list[ChatMessage] = []
    for message in rest:
        if alternating and message.role == "user" == alternating[-1].role:
            alternating[-1].content = _joined(alternating[-1], message)
        else:
            alternating.append(message)
    return alternating


def _instructions(messages: list[ChatMessage]) -> str:
    return "\n\n".join(text for message in messages if message.role == "system" and (text := _text(message)))


def _joined(one: ChatMessage, other: ChatMessage) -> str | list[Part]:
    parts = [*_parts(one), *_parts(other)]
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    return "\n\n".join(texts) if len(texts) == len(parts) else parts


def _parts(message: ChatMessage) -> Iterator[Part]:
    if isinstance(message.content, list):
        yield from message.content
    else:
        yield TextPart(_text(message))


def _text(message: ChatMessage) -> str:
    content = message.content
    if isinstance(content, Raw):
        return msgspec.json.decode(content, type=str)
    if isinstance(content, list):
        return "\n\n".join(part.text for part in content if isinstance(part, TextPart))
    return content if isinstance(content, str) else ""


def _plain(messages: list[ChatMessage]) -> list[ChatMessage]:
    """Texts instead of lists of parts, where a list has nothing but text."""
    for message in messages:
        parts = message.content
        if isinstance(parts, list) and all(isinstance(part, TextPart) for part in parts):
            message.content = _text(message)
    return messages


_SHAPES: dict[str, Callable[[list[ChatMessage]], list[ChatMessage]]] = {
    "reasoning": _with_reasoning,
    "short_ids": _with_short_ids,
    "filler": _with_filler,
    "system_role": _with_system_role,
    "system_first": _system_first,
    "no_system": _without_system,
    "plain": _plain,
}
