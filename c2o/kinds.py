"""What kind of request it is: who asks (the conversation, a subagent, the client on its own account), and for what.

Pure: the same request is always of the same kind, so that a conversation stays with the model whose cache has it.
Claude Code says who asks in a header where ``CLAUDE_CODE_GATEWAY_HINT_HEADERS`` is set, as ``c2o run`` does
(https://code.claude.com/docs/en/llm-gateway-protocol).  Where it doesn't, its requests have signs of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, get_args

import msgspec
from msgspec import Raw

from c2o.wire.anthropic import Block, Message, MessagesRequest

Asker = Literal["main", "background", "subagent", "web_search"]
"""Who asks: the conversation itself, the client on its own account (titles, summaries of pages, safety checks), an
agent that the conversation has sent out, or the client's search for the web."""

Kind = Literal["main", "background", "subagent", "think", "image", "web_search", "long_context"]
"""By what a request is routed.  Whoever asks, it may be about more than usual."""

Effort = Literal["low", "medium", "high", "xhigh", "max"]
"""https://platform.claude.com/docs/en/build-with-claude/effort, weakest first."""

EFFORTS: tuple[str, ...] = get_args(Effort)


class Sign(NamedTuple):
    """By what a kind of request is known."""

    asker: Asker
    seen: Callable[[Mapping[str, str], MessagesRequest], bool]
    """The headers' names are in lower case, or looked up in any."""
    where: str
    """Where it was seen."""


REQUEST_CLASS, AGENT_ID = "x-claude-code-request-class", "x-claude-code-agent-id"

WEB_SEARCH = "web_search_"
"""Begins the type of Anthropic's own search, which the client asks to be run for it
(https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool)."""

VERDICTS = ("</block>", "</severity>")
"""Stop sequences of the safety checks in Claude Code's auto mode."""

ULTRATHINK = 'The user included the keyword "ultrathink"'
"""Claude Code's reminder to a model that it doesn't know (2.1.197 and 2.1.329); others get an effort of ``xhigh``."""

MONITOR = "You are a security monitor for autonomous AI coding agents"
GENERAL_AGENT = "You are an agent for Claude Code"


def _hinted(*classes: str) -> Callable[[Mapping[str, str], MessagesRequest], bool]:
    return lambda headers, _: headers.get(REQUEST_CLASS) in classes


def _searches(_: Mapping[str, str], message: MessagesRequest) -> bool:
    return is_search(message)


def _judges(_: Mapping[str, str], message: MessagesRequest) -> bool:
    return any(sequence in VERDICTS for sequence in message.stop_sequences or ())


def _is_agent(headers: Mapping[str, str], _: MessagesRequest) -> bool:
    return AGENT_ID in headers


def _instructed(beginning: str) -> Callable[[Mapping[str, str], MessagesRequest], bool]:
    return lambda _, message: any(text.startswith(beginning) for text in _instructions(message))


def _has_no_tools(_: Mapping[str, str], message: MessagesRequest) -> bool:
    """No tools, said in so many words, and no thinking: a program that has no tools leaves the field out."""
    return message.tools == [] and message.thinking is None


def _small_model(_: Mapping[str, str], message: MessagesRequest) -> bool:
    return not message.tools and "haiku" in message.model


SIGNS: tuple[Sign, ...] = (
    Sign("web_search", _searches, "Claude Code 2.1.197 and 2.1.329: the only tool is the server's search"),
    Sign("background", _judges, "Claude Code 2.1.197 and 2.1.329 in auto mode"),
    Sign("background", _instructed(MONITOR), "2.1.197 and 2.1.329 in auto mode: what is looked at twice"),
    Sign("background", _hinted("auxiliary"), "2.1.329: titles, WebFetch, prompt suggestions"),
    Sign("subagent", _hinted("subagent", "workflow"), "2.1.329: the Agent tool"),
    Sign("main", _hinted("main", "compaction", "side_reply"), "2.1.329"),
    Sign("subagent", _is_agent, "2.1.197 and 2.1.329, with hints or without"),
    Sign("subagent", _instructed(GENERAL_AGENT), "2.1.197: for versions before the header"),
    Sign("background", _has_no_tools, "2.1.197: titles, WebFetch"),
    Sign("background", _small_model, "2.1.197 without a model of its own for background work"),
)
"""In the order in which they count."""


def asker(headers: Mapping[str, str], message: MessagesRequest) -> Asker:
    """Who asks; the conversation itself where there is no sign of another."""
    return next((sign.asker for sign in SIGNS if sign.seen(headers, message)), "main")


def is_search(message: MessagesRequest) -> bool:
    """Is the server asked to search the web, and for nothing else?"""
    return bool(message.tools) and all((tool.type or "").startswith(WEB_SEARCH) for tool in message.tools or ())


def thinks(message: MessagesRequest, least: Effort = "xhigh") -> bool:
    """Is more thinking wanted than usual: a budget of its own, an effort of ``least`` and above, or the person's word?

    Thinking as such is no sign: Claude Code says ``adaptive`` with every request.
    """
    if any(ULTRATHINK in text for each in _last_turn(message.messages) for text in _texts(each)):
        return True
    if message.thinking is None or message.thinking.type == "disabled":
        return False
    if message.thinking.type == "enabled":
        return True
    effort = _effort(message)
    return effort in EFFORTS and EFFORTS.index(effort) >= EFFORTS.index(least)


def _texts(message: Message) -> list[str]:
    if isinstance(message.content, str):
        return [message.content]
    return [block.text for block in message.content if isinstance(block.text, str)]


def _effort(message: MessagesRequest) -> str:
    """The last that was said: a system message may change it on the way."""
    said = [message.output_config, *(each.output_config for each in message.messages)]
    return next((config.effort for config in reversed(said) if config and config.effort), "")


def shows_image(message: MessagesRequest) -> bool:
    """Is there an image in the person's last turn, or in what tools have brought since?

    The whole turn counts, not its newest message alone: a model that sees nothing would read the picture again.
    """
    return any(_has_image(each) for each in _last_turn(message.messages))


def _last_turn(messages: list[Message]) -> list[Message]:
    """From the last message on that the person wrote: one of the user's, without results of tools."""
    start = next((at for at in range(len(messages) - 1, -1, -1) if _is_persons(messages[at])), 0)
    return messages[start:]


def _is_persons(message: Message) -> bool:
    if message.role != "user":
        return False
    return isinstance(message.content, str) or not any(block.type == "tool_result" for block in message.content)


def _has_image(message: Message) -> bool:
    return not isinstance(message.content, str) and any(map(_is_image, message.content))


def _is_image(block: Block) -> bool:
    return block.type == "image" or (block.type == "tool_result" and _holds_image(block.content))


class _Part(msgspec.Struct):
    type: str = ""


def _holds_image(content: object) -> bool:
    """Results are carried as they came: only one with the word in it is read."""
    if not isinstance(content, Raw) or b'"image"' not in bytes(content):
        return False
    try:
        parts = msgspec.json.decode(content, type=list[_Part])
    except msgspec.ValidationError:  # a text
        return False
    return any(part.type == "image" for part in parts)


def _instructions(message: MessagesRequest) -> list[str]:
    if isinstance(message.system, str):
        return [message.system]
    return [block.text for block in message.system or () if isinstance(block.text, str)]
