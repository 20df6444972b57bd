"""Adjustments of a finished request that a dialect can list by their names, where a field doesn't say it.

Those of the conversation's shape are the ones that refusals ask for too: see ``message_remedies``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping

from msgspec import UNSET

from c2o.translate.dialect import Dialect, Step
from c2o.translate.message_remedies import reshape
from c2o.wire.chat import ChatRequest, ImagePart, StreamOptions

LONGEST_ID = 40
"""Characters of a tool call's id that OpenAI takes, where other vendors' ids have hundreds
(https://github.com/badlogic/pi-mono/blob/main/packages/ai/src/providers/openai-completions.ts)."""


def take(chat: ChatRequest, steps: Iterable[Step]) -> None:
    """Adjust a request."""
    for step in steps:
        STEPS[step](chat)


def _capped_ids(chat: ChatRequest) -> None:
    """Ids of another upstream's making, cut down; the same one is cut alike in each request."""
    for message in chat.messages:
        for call in message.tool_calls or []:
            call.id = capped(call.id)
        if message.tool_call_id is not UNSET:
            message.tool_call_id = capped(message.tool_call_id)


def capped(id: str) -> str:
    if len(id) <= LONGEST_ID:
        return id
    digest = hashlib.sha256(id.encode()).hexdigest()[:12]
    return f"{id[: LONGEST_ID - 13]}_{digest}"


def _named_results(chat: ChatRequest) -> None:
    """Each tool message says which tool it is of."""
    names: dict[str, str] = {}
    for message in chat.messages:
        names |= {call.id: call.function.name for call in message.tool_calls or []}
        if message.role == "tool" and isinstance(message.tool_call_id, str):
            message.name = names.get(message.tool_call_id, UNSET)


def _stream_when_thinking(chat: ChatRequest) -> None:
    """Qwen thinks in streams only; a client that asked for a whole answer gets the stream folded."""
    if chat.enable_thinking is True and chat.stream is UNSET:
        chat.stream, chat.stream_options = True, StreamOptions()


def _tool_stream(chat: ChatRequest) -> None:
    if chat.stream is True and chat.tools is not UNSET:
        chat.tool_stream = True


STEPS: Mapping[Step, Callable[[ChatRequest], object]] = {
    "short_ids": lambda chat: reshape(chat, "short_ids"),
    "capped_ids": _capped_ids,
    "named_results": _named_results,
    "filler": lambda chat: reshape(chat, "filler"),
    "stream_when_thinking": _stream_when_thinking,
    "tool_stream": _tool_stream,
}


def headers(chat: ChatRequest, dialect: Dialect) -> Mapping[str, str]:
    """Headers that tell what the request is about."""
    if not dialect.initiator:
        return {}
    seen = any(isinstance(part, ImagePart) for message in chat.messages for part in _parts(message.content))
    by_person = chat.messages[-1].role == "user"
    return {"X-Initiator": "user" if by_person else "agent", **({"Copilot-Vision-Request": "true"} if seen else {})}


def _parts(content: object) -> list[object]:
    return content if isinstance(content, list) else []
