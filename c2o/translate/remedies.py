"""A refusal that says what to change: understood, and the request corrected before anything was generated.

Tables of what each upstream takes go stale; its own words don't.  What was learned holds for the upstream and
model, so that the next request is right at once.  A fact is text: ``drop:temperature``,
``max_tokens_field:max_completion_tokens``, ``max_output_tokens:8192``, ``without:image``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from msgspec import UNSET

from c2o.translate.media_remedies import media_remedy, without
from c2o.translate.structured import ask_in_prompt
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
        _APPLY[name](request, value)


def _drop(request: ChatRequest, field: str) -> None:
    if field == "response_format":
        ask_in_prompt(request)
    setattr(request, field, UNSET)


def _rename_limit(request: ChatRequest, field: str) -> None:
    limit = request.max_tokens if request.max_tokens is not UNSET else request.max_completion_tokens
    request.max_tokens = request.max_completion_tokens = UNSET
    setattr(request, field, limit)


def _cap(request: ChatRequest, limit: str) -> None:
    for field in ("max_tokens", "max_completion_tokens"):
        asked = getattr(request, field)
        if asked is not UNSET:
            setattr(request, field, min(asked, int(limit)))


_APPLY: dict[str, Callable[[ChatRequest, str], object]] = {
    "drop": _drop,
    "max_tokens_field": _rename_limit,
    "max_output_tokens": _cap,
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


def _other_limit_field(told: Told, request: ChatRequest) -> Remedy | None:
    fields = ("max_tokens", "max_completion_tokens")
    for field, other in (fields, fields[::-1]):
        refused = re.search(rf"\b{field}\b", told.words) and _REFUSED.search(told.words)
        if refused and getattr(request, field) is not UNSET and f"{other} is not supported" not in told.words:
            _rename_limit(request, other)
            return Remedy(f"max_tokens_field:{other}")
    return None


def _drop_field(told: Told, request: ChatRequest) -> Remedy | None:
    if not _REFUSED.search(told.words):
        return None
    for field in DROPPABLE:
        if getattr(request, field) is not UNSET and re.search(rf"\b{field}\b", told.words):
            _drop(request, field)
            return Remedy(f"drop:{field}")
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


_REMEDIES = (_smaller_answer, _capped_answer, _other_limit_field, _drop_field)
