"""What of its history a client doesn't want the model to see any more: it sends all, and says what to leave out.

https://platform.claude.com/docs/en/build-with-claude/context-editing
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from msgspec import Raw, structs

from c2o.translate.prompt_estimate import estimate
from c2o.translate.usage import BYTES_PER_TOKEN, estimated, size_in
from c2o.wire.anthropic import (
    AppliedEdit,
    Block,
    ClearedThinking,
    ClearedToolUses,
    ContextEdit,
    Message,
    MessagesRequest,
)

CLEARED = Raw(b'"[Old tool result cleared to save context]"')
NO_INPUT = Raw(b"{}")

CLEAR_ABOVE = 100_000
"""Input tokens above which tool uses are cleared, where the client names no trigger."""
KEEP_TOOL_USES, KEEP_THINKING_TURNS = 3, 1

THINKING = ("thinking", "redacted_thinking")


class Edited(NamedTuple):
    request: MessagesRequest
    applied: list[AppliedEdit]
    """What was left out, for the answer; of unknown edits nothing is."""


def edited(request: MessagesRequest) -> Edited:
    """The request without what it says should be left out.  Messages keep their numbers: errors name them."""
    request = _without_passed_words(request)
    applied: list[AppliedEdit] = []
    for edit in request.context_management.edits if request.context_management else ():
        if apply := _EDITS.get(edit.type):
            request, done = apply(request, edit)
            applied += [done] if done else []
    return Edited(request, applied)


def _without_passed_words(request: MessagesRequest) -> MessagesRequest:
    """System messages that are shown until the next user message lose their words once that has come.

    What else they say (which tools there are, how hard to think) holds on.
    """
    if not any(message.clear_at for message in request.messages):
        return request
    last = max((n for n, message in enumerate(request.messages) if message.role == "user"), default=-1)
    messages = [
        _silent(m) if m.clear_at == "next_user_message" and n < last else m for n, m in enumerate(request.messages)
    ]
    return structs.replace(request, messages=messages)


def _silent(message: Message) -> Message:
    kept = [] if isinstance(message.content, str) else [block for block in message.content if block.type != "text"]
    return structs.replace(message, content=kept)


def _tokens(request: MessagesRequest) -> int:
    """A prompt's tokens, estimated by sizes alone: this is asked before every answer."""
    return estimate(request, count=lambda texts: sum(map(size_in, texts)) / BYTES_PER_TOKEN).total()


# Tool uses -----------------------------------------------------------------------------------------


def _clear_tool_uses(request: MessagesRequest, edit: ContextEdit) -> tuple[MessagesRequest, ClearedToolUses | None]:
    before = _tokens(request)
    if not _triggered(request, edit, before):
        return request, None
    old = _old_tool_uses(request, edit)
    cleared = structs.replace(
        request, messages=[_with_blocks(m, lambda b: [_emptied(b, old, edit)]) for m in request.messages]
    )
    saved = before - _tokens(cleared)
    wanted = edit.clear_at_least.value if edit.clear_at_least else 0
    if not old or saved < wanted:
        return request, None
    return cleared, ClearedToolUses(cleared_tool_uses=len(old), cleared_input_tokens=max(0, saved))


def _triggered(request: MessagesRequest, edit: ContextEdit, tokens: int) -> bool:
    if edit.trigger and edit.trigger.type == "tool_uses":
        return sum(block.type == "tool_use" for block in _blocks(request.messages)) > edit.trigger.value
    return tokens > (edit.trigger.value if edit.trigger else CLEAR_ABOVE)


def _old_tool_uses(request: MessagesRequest, edit: ContextEdit) -> set[object]:
    """The ids of the tool uses that may go: all but the last, and those of excluded tools."""
    excluded = set(edit.exclude_tools or ())
    uses = [b.id for b in _blocks(request.messages) if b.type == "tool_use" and b.name not in excluded]
    answered = {block.tool_use_id for block in _blocks(request.messages) if block.type == "tool_result"}
    return {use for use in uses[: max(0, len(uses) - _kept(edit, KEEP_TOOL_USES))] if use in answered}


def _emptied(block: Block, old: set[object], edit: ContextEdit) -> Block:
    """The block, without its result if it is old, or without its input where that is wanted."""
    if block.type == "tool_result" and block.tool_use_id in old:
        return structs.replace(block, content=CLEARED)
    if block.type == "tool_use" and block.id in old and _empties_inputs(edit, block.name):
        return structs.replace(block, input=NO_INPUT)
    return block


def _empties_inputs(edit: ContextEdit, tool: object) -> bool:
    inputs = edit.clear_tool_inputs
    return tool in inputs if isinstance(inputs, list) else bool(inputs)


# Thinking ------------------------------------------------------------------------------------------


def _clear_thinking(request: MessagesRequest, edit: ContextEdit) -> tuple[MessagesRequest, ClearedThinking | None]:
    if edit.keeps_all:
        return request, None
    messages = request.messages
    thought = [turn for turn in _turns(messages) if any(_thoughts(messages[number]) for number in turn)]
    old = thought[: max(0, len(thought) - _kept(edit, KEEP_THINKING_TURNS))]
    if not old:
        return request, None
    silenced = {number for turn in old for number in turn}
    left = [_without_thinking(m) if n in silenced else m for n, m in enumerate(messages)]
    cleared = structs.replace(request, messages=left)
    saved = sum(size_in(block.thinking or "") for n in silenced for block in _thoughts(messages[n]))
    return cleared, ClearedThinking(cleared_thinking_turns=len(old), cleared_input_tokens=estimated(saved))


def _turns(messages: list[Message]) -> list[list[int]]:
    """The messages' numbers, by turn: one goes from what a person says to the next time, tool calls and all."""
    turns: list[list[int]] = []
    for number, message in enumerate(messages):
        if not turns or (message.role == "user" and not _only_results(message)):
            turns.append([])
        turns[-1].append(number)
    return turns


def _only_results(message: Message) -> bool:
    return isinstance(message.content, list) and all(block.type == "tool_result" for block in message.content)


def _thoughts(message: Message) -> list[Block]:
    return [block for block in _blocks([message]) if block.type in THINKING]


def _without_thinking(message: Message) -> Message:
    return _with_blocks(message, lambda block: [] if block.type in THINKING else [block])


# Both ----------------------------------------------------------------------------------------------


def _kept(edit: ContextEdit, usual: int) -> int:
    return usual if edit.keep is None or isinstance(edit.keep, str) else max(0, edit.keep.value)


def _blocks(messages: Iterable[Message]) -> Iterator[Block]:
    for message in messages:
        if isinstance(message.content, list):
            yield from message.content


def _with_blocks(message: Message, change: Callable[[Block], list[Block]]) -> Message:
    """The message, each of its blocks replaced by what becomes of it."""
    if isinstance(message.content, str):
        return message
    return structs.replace(message, content=[left for block in message.content for left in change(block)])


_Apply = Callable[[MessagesRequest, ContextEdit], tuple[MessagesRequest, AppliedEdit | None]]

_EDITS: dict[str, _Apply] = {
    "clear_tool_uses_20250919": _clear_tool_uses,
    "clear_thinking_20251015": _clear_thinking,
}
"""What each edit does.  An edit that isn't here is ignored: the context only grows then."""
