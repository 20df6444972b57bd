"""How much the upstream shall think, in its dialect's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from c2o.translate.dialect import Dialect
from c2o.wire.anthropic import MessagesRequest
from c2o.wire.chat import ChatRequest

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""All words that there are, weakest first."""

OFF = ("disabled", "between_tools")


def tell(request: MessagesRequest, chat: ChatRequest, dialect: Dialect, notes: list[str]) -> None:
    """Put the client's wish into the request, as far as the upstream has words for it."""
    effort = _wished(request)
    if not dialect.forced_calls_think and _forced(chat):
        effort = _beside_force(effort, chat, notes)
    if effort == "none":
        _put(chat, dialect.thinking_off)
    elif effort is not None:
        _put(chat, dialect.thinking_on)
    if not dialect.effort_with_tools and chat.tools is not UNSET:
        if effort not in (None, "none"):
            notes.append('reasoning_effort none: beside tools this model thinks through api = "responses" alone')
        effort = "none"
    if (word := nearest(effort, dialect.reasoning_efforts)) is not None:
        chat.put(
            *(("reasoning", {"effort": word}) if dialect.effort_field == "reasoning" else ("reasoning_effort", word))
        )


def in_any_case(request: MessagesRequest, dialect: Dialect) -> bool:
    """Is there no way to switch thinking off, or was it tried?"""
    return not dialect.thinking_off or _wished(request) == "none"


def _put(chat: ChatRequest, fields: Mapping[str, Any]) -> None:
    for field, value in fields.items():
        chat.put(field, value)


def nearest(effort: str | None, known: tuple[str, ...]) -> str | None:
    """The nearest word at or below what is wished for, else the weakest that the upstream knows."""
    if effort not in EFFORTS or not known or (effort == "none" and "none" not in known):
        return None
    below = [word for word in known if EFFORTS.index(word) <= EFFORTS.index(effort)]
    return below[-1] if below else known[0]


def _wished(request: MessagesRequest) -> str | None:
    """The effort that the client asks for; None where it leaves that to the model."""
    if request.thinking is not None and request.thinking.type in OFF:
        return "none"
    said = [request.output_config, *(message.output_config for message in request.messages)]
    if efforts := [config.effort for config in said if config and config.effort]:
        return efforts[-1]
    budget = request.thinking.budget_tokens if request.thinking else None
    return _effort_of_budget(budget) if budget else None


def _effort_of_budget(budget: int) -> str:
    steps = ((4096, "low"), (16384, "medium"), (32768, "high"))
    return next((word for above, word in steps if budget < above), "xhigh")


def _forced(chat: ChatRequest) -> bool:
    return chat.tool_choice is not UNSET and chat.tool_choice not in ("auto", "none")


def _beside_force(effort: str | None, chat: ChatRequest, notes: list[str]) -> str:
    """A call can't be forced while the model thinks: who wants it to think gets that, everybody else the call."""
    if effort in (None, "none"):
        return "none"
    chat.tool_choice = UNSET
    notes.append("tool_choice weakened to auto: the upstream can't be made to call a tool while it thinks")
    return str(effort)
