"""A refusal that says what to change: understood, and the request corrected before anything was generated.

Tables of what each upstream takes go stale; its own words don't.  What was learned holds for the upstream and
model, so that the next request is right at once.  A fact is text: ``drop:temperature``,
``max_tokens_field:max_completion_tokens``, ``max_output_tokens:8192``, ``without:image``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import UNSET

from c2o.translate.media_remedies import media_remedy, without
from c2o.translate.message_remedies import message_remedy, reshape
from c2o.translate.structured import ask_in_prompt
from c2o.translate.thinking import EFFORTS
from c2o.translate.types import Remedy
from c2o.translate.upstream_errors import Told, output_limit, room_for_answer
from c2o.wire.chat import ChatRequest

CORRECTIONS = 3
"""How often one request may be corrected."""

MARGIN = 64
"""Tokens to stay below a limit that an upstream named: its count of the prompt may include a template."""


def remedy_for(told: Told, request: ChatRequest) -> Remedy | None:
    """Correct ``request`` if the refusal says how; None if it doesn't, or if that has been tried."""
    if (remedy := media_remedy(told, request)) is not None:
        return remedy
    if told.status not in (400, 422):
        return None
    for understand in _REMEDIES:
        if (remedy := understand(told, request)) is not None:
            return remedy
    return None


def apply(facts: Iterable[str], request: ChatRequest) -> None:
    """What was learned earlier, onto a new request."""
    for fact in facts:
        name, _, value = fact.partition(":")
        if change := _APPLY.get(name):
            change(request, value)


def _drop(request: ChatRequest, field: str) -> None:
    if field == "response_format":
        ask_in_prompt(request)
    setattr(request, field, UNSET)


def _rename_limit(request: ChatRequest, field: str) -> None:
    limit = request.max_tokens if request.max_tokens is not UNSET else request.max_completion_tokens
    request.max_tokens = request.max_completion_tokens = UNSET
    setattr(request, field, limit)


def _cap(request: ChatRequest, limit: str) -> None:
    if (asked := _limit(request)) is not None:
        _set_limit(request, min(asked, int(limit)))


def _set_limit(request: ChatRequest, limit: int) -> None:
    for field in ("max_tokens", "max_completion_tokens"):
        if getattr(request, field) is not UNSET:
            setattr(request, field, limit)


def _think_always(request: ChatRequest, _: str) -> None:
    for field in _switched_off(request):
        setattr(request, field, UNSET)


def _switched_off(request: ChatRequest) -> list[str]:
    """The fields that switch thinking off, in any dialect's words."""
    return [field for field, off in _OFF.items() if (value := getattr(request, field)) is not UNSET and off(value)]


_OFF: dict[str, Callable[[Any], bool]] = {
    "reasoning_effort": lambda value: value == "none",
    "thinking": lambda value: value.get("type") == "disabled",
    "reasoning": lambda value: value.get("enabled") is False or value.get("effort") == "none",
    "chat_template_kwargs": lambda value: not all(value.values()),
}


def _think_never(request: ChatRequest, _: str) -> None:
    for field in _OFF:
        setattr(request, field, UNSET)


def _set_effort(request: ChatRequest, efforts: str) -> None:
    """The nearest of the words that are taken, at or below the one that was to be sent, else the weakest."""
    asked, known = request.reasoning_effort, [word for word in EFFORTS if word in efforts.split(",")]
    if asked is UNSET or asked in known or not known:
        return
    place = EFFORTS.index(asked) if asked in EFFORTS else 0
    below = [word for word in known if EFFORTS.index(word) <= place]
    request.reasoning_effort = below[-1] if below else known[0]


def _no_effort_with_tools(request: ChatRequest, _: str) -> None:
    if request.tools is not UNSET:
        request.reasoning_effort = "none"


def _stream(request: ChatRequest, _: str) -> None:
    request.stream = True


TINY, ROOM = 512, 2048
"""The largest limit for an answer that reasoning alone is known to use up, and what is sent instead.  Claude Code's
safety checks ask for 64 tokens, and take an answer without text as "no"."""


def _lift(request: ChatRequest, least: str) -> None:
    if (asked := _limit(request)) is not None and asked <= TINY:
        _set_limit(request, max(asked, int(least)))


def more_room(request: ChatRequest) -> str | None:
    """What an answer of nothing but reasoning teaches about a request with a tiny limit."""
    asked = _limit(request)
    return f"min_output_tokens:{ROOM}" if asked is not None and asked <= TINY else None


_APPLY: dict[str, Callable[[ChatRequest, str], object]] = {
    "drop": _drop,
    "efforts": _set_effort,
    "messages": reshape,
    "stream": _stream,
    "thinking": lambda request, when: (_think_always if when == "always" else _think_never)(request, when),
    "tools_without_effort": _no_effort_with_tools,
    "max_tokens_field": _rename_limit,
    "max_output_tokens": _cap,
    "min_output_tokens": _lift,
    "without": without,
}

DROPPABLE = (
    "temperature", "top_p", "top_k", "parallel_tool_calls", "tool_choice", "stream_options", "response_format",
    "reasoning_effort", "chat_template_kwargs", "reasoning", "thinking", "safety_identifier",
)  # fmt: skip
"""Fields without which the request still means the same, or nearly."""

_REFUSED = re.compile(
    "unsupported|not support|unrecogni[sz]ed|unknown (name|parameter|argument|field)"
    "|unexpected (field|keyword|parameter)|extra inputs are not permitted|extra_forbidden|additional properties"
    "|not permitted|is not allowed|invalid parameter|type is unavailable"
)


def is_refused(told: Told) -> bool:
    """Is a refusal about a field, or about a value of it, that the upstream doesn't take?"""
    return bool(_REFUSED.search(told.words))


def _other_limit_field(told: Told, request: ChatRequest) -> Remedy | None:
    fields = ("max_tokens", "max_completion_tokens")
    for field, other in (fields, fields[::-1]):
        refused = re.search(rf"\b{field}\b", told.words) and _REFUSED.search(told.words)
        if refused and getattr(request, field) is not UNSET and not re.search(rf"\buse\W+{field}\b", told.words):
            _rename_limit(request, other)
            return Remedy(f"max_tokens_field:{other}")
    return None


def _drop_field(told: Told, request: ChatRequest) -> Remedy | None:
    if not _REFUSED.search(told.words) or TOOLS_AND_EFFORT in told.words:
        return None
    for field in DROPPABLE:
        if getattr(request, field) is not UNSET and re.search(rf"\b{field}\b", told.words):
            _drop(request, field)
            return Remedy(f"drop:{field}")
    return None


def _thinking(told: Told, request: ChatRequest) -> Remedy | None:
    """It must think, and was told not to; or it can't, and was told how to."""
    if re.search(r"reasoning is mandatory|(reasoning|thinking) (can ?not|can't) be disabled", told.words):
        if _switched_off(request):
            _think_always(request, "")
            return Remedy("thinking:always")
    elif re.search(r"(not|n't) support (thinking|reasoning)\b", told.words) and _any_set(request, _OFF):
        _think_never(request, "")
        return Remedy("thinking:never")
    return None


def _any_set(request: ChatRequest, fields: Iterable[str]) -> bool:
    return any(getattr(request, field) is not UNSET for field in fields)


def _other_effort(told: Told, request: ChatRequest) -> Remedy | None:
    """OpenAI lists the words that it takes: ``Supported values are: 'low', 'medium', and 'high'.``"""
    supported = re.search(
        r"(supported|allowed|valid) values are:? ?(.{3,120})|must be one of:? ?(.{3,120})", told.words
    )
    if supported is None or request.reasoning_effort is UNSET or "effort" not in told.words:
        return None
    before, known = request.reasoning_effort, ",".join(re.findall("|".join(EFFORTS), supported[0]))
    _set_effort(request, known)
    return Remedy(f"efforts:{known}") if request.reasoning_effort != before else None


TOOLS_AND_EFFORT = "function tools with reasoning_effort are not supported"

TOOLS_AND_EFFORT_FACT = "tools_without_effort:"


def _tools_without_effort(told: Told, request: ChatRequest) -> Remedy | None:
    """OpenAI from gpt-5.4 on: https://github.com/openai/openai-openapi/issues/541"""
    if TOOLS_AND_EFFORT not in told.words or request.reasoning_effort == "none" or request.tools is UNSET:
        return None
    request.reasoning_effort = "none"
    return Remedy(TOOLS_AND_EFFORT_FACT)


def _streamed(told: Told, request: ChatRequest) -> Remedy | None:
    """Qwen's thinking models answer in streams only: https://www.alibabacloud.com/help/en/model-studio/deep-thinking"""
    if request.stream is UNSET and re.search(r"non-streaming|only support stream", told.words):
        _stream(request, "")
        return Remedy("stream:")
    return None


def _smaller_answer(told: Told, request: ChatRequest) -> Remedy | None:
    """The prompt fits the window, but not together with the answer's limit."""
    room = room_for_answer(told.words)
    asked = _limit(request)
    if room is None or room - MARGIN < 1 or asked is None or room - MARGIN >= asked:
        return None
    _cap(request, str(room - MARGIN))
    return Remedy(None)


def _capped_answer(told: Told, request: ChatRequest) -> Remedy | None:
    limit, asked = output_limit(told.words), _limit(request)
    if limit is None or asked is None or limit >= asked:
        return None
    _cap(request, str(limit))
    return Remedy(f"max_output_tokens:{limit}")


def _limit(request: ChatRequest) -> int | None:
    return next((v for v in (request.max_tokens, request.max_completion_tokens) if isinstance(v, int)), None)


_REMEDIES = (
    _smaller_answer, _capped_answer, _tools_without_effort, _streamed, _thinking, _other_effort, message_remedy,
    _other_limit_field, _drop_field,
)  # fmt: skip
