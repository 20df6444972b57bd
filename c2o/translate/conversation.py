"""The turns of a request: same roles merged, tool calls and their results paired.

The rules are Anthropic's and are answered in its words, because Claude Code acts on them:
every ``tool_use`` is answered by a ``tool_result`` in the very next user message, and nothing else is.
https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from msgspec import Raw

from c2o.errors import RequestError
from c2o.wire.anthropic import Block, Message

ROLES = ("user", "assistant", "system")

NO_RESULT = Raw(b'"[no result]"')


class Item(NamedTuple):
    """A block and where the client put it."""

    block: Block
    message: int
    position: int
    inside: str = ""
    """Where it is in that block, if it is inside of one: ``.tool_result.content.0``."""

    @property
    def place(self) -> str:
        return f"messages.{self.message}.content.{self.position}{self.inside}"


class Turn:
    """Consecutive messages of one role."""

    __slots__ = ("calls", "items", "results", "role", "summary")

    def __init__(self, role: str, items: Iterable[Item] = ()) -> None:
        self.role = role
        self.items: list[Item] = []
        self.calls: list[str] = []
        """The ids of the tool calls."""
        self.results: list[Item] = []
        """The results of tools, in the order in which they came."""
        self.summary: int | None = None
        """The position of the last compaction: it stands for everything before it."""
        for item in items:
            self.add(item)

    def add(self, item: Item) -> None:
        self.items.append(item)
        kind = item.block.type
        if kind == "tool_use":
            self.calls.append(_text(item.block.id))
        elif kind == "tool_result":
            self.results.append(item)
        elif kind == "compaction" and isinstance(item.block.content, Raw) and bytes(item.block.content) != b"null":
            self.summary = len(self.items) - 1


def turns(messages: list[Message], *, repair: bool, notes: list[str]) -> list[Turn]:
    """The conversation, checked.  With ``repair`` what doesn't pair is mended and noted.

    Raises RequestError that names the place.
    """
    if not messages:
        raise RequestError("messages: at least one message is required")
    merged = _after_compaction(_merged(messages))
    _check_system_turns(merged)
    _check_unique_calls(merged)
    if repair:
        merged = _repaired(merged, notes)
    _check_pairs(merged)
    return merged


def _merged(messages: list[Message]) -> list[Turn]:
    merged: list[Turn] = []
    for number, message in enumerate(messages):
        if message.role not in ROLES:
            raise RequestError(f"messages.{number}.role: {message.role!r} must be one of user, assistant, system")
        if message.role == "user" and message.content == []:
            raise RequestError(f"messages.{number}: user messages must have non-empty content")
        if not merged or merged[-1].role != message.role:
            merged.append(Turn(message.role))
        _add(message, number, merged[-1])
    return merged


def _add(message: Message, number: int, turn: Turn) -> None:
    if isinstance(message.content, str):
        turn.add(Item(Block(type="text", text=message.content), number, 0))
        return
    for position, block in enumerate(message.content):
        turn.add(Item(block, number, position))


def _after_compaction(merged: list[Turn]) -> list[Turn]:
    """The conversation from its last summary on, which becomes the user's: what it sums up needn't be sent again.

    https://platform.claude.com/docs/en/build-with-claude/compaction
    """
    last = next((number for number in reversed(range(len(merged))) if merged[number].summary is not None), None)
    if last is None:
        return merged
    turn, at = merged[last], merged[last].summary or 0
    rest = [Turn(turn.role, turn.items[at + 1 :]), *merged[last + 1 :]]
    following = [each for each in rest if each.items]
    with_it = following.pop(0).items if following and following[0].role == "user" else []
    return [Turn("user", [turn.items[at], *with_it]), *following]


def _check_system_turns(merged: list[Turn]) -> None:
    if merged[0].role == "system":
        raise RequestError(
            "messages.0.role: a system message can't be the first one. Use the top-level `system` parameter."
        )


def _check_unique_calls(merged: list[Turn]) -> None:
    seen: set[str] = set()
    for turn in merged:
        for call in turn.calls:
            if call in seen:
                again = [item for item in turn.items if _text(item.block.id) == call][-1]
                raise RequestError(f"{again.place}: `tool_use` ids must be unique: {call}")
            seen.add(call)


def _check_pairs(merged: list[Turn]) -> None:
    for turn, following in pairwise([*merged, None]):
        if turn is not None and turn.role == "assistant" and turn.calls:
            _check_answered(turn, following)
    for before, turn in pairwise([None, *merged]):
        if turn is not None and turn.results:
            _check_asked(turn, before.calls if before and before.role == "assistant" else [])


def _check_asked(turn: Turn, calls: list[str]) -> None:
    seen: set[str] = set()
    asked = set(calls)
    for item in turn.results:
        answered = _text(item.block.tool_use_id)
        if answered in seen:
            raise RequestError(
                f"{item.place}: each tool_use must have a single result. "
                f"Found multiple `tool_result` blocks with id: {answered}"
            )
        seen.add(answered)
        if answered not in asked:
            raise RequestError(
                f"{item.place}: unexpected `tool_use_id` found in `tool_result` blocks: {answered}. "
                "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )


def _check_answered(turn: Turn, following: Turn | None) -> None:
    missing = _unanswered(turn, following)
    if missing:
        raise RequestError(
            f"messages.{turn.items[-1].message}: `tool_use` ids were found without `tool_result` blocks "
            f"immediately after: {', '.join(missing)}. "
            "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
        )


def _unanswered(turn: Turn, following: Turn | None) -> list[str]:
    answered = {_text(item.block.tool_use_id) for item in following.results} if following else ()
    return [call for call in turn.calls if call not in answered]


def _repaired(merged: list[Turn], notes: list[str]) -> list[Turn]:
    """Results without a call, or beside another one, dropped; calls without a result answered with a placeholder."""
    mended: list[Turn] = []
    for turn in merged:
        calls = mended[-1].calls if mended and mended[-1].role == "assistant" else []
        kept = _asked(turn, calls)
        if len(kept) < len(turn.items):
            notes.append("tool results without a call dropped")
        missing = _unanswered(mended[-1], Turn(turn.role, kept)) if calls else []
        mended += _with_placeholders(missing, Turn(turn.role, kept), notes)
    if mended[-1].role == "assistant" and mended[-1].calls:
        mended += _with_placeholders(mended[-1].calls, Turn("user"), notes)
    return [turn for turn in mended if turn.items]


def _asked(turn: Turn, calls: list[str]) -> list[Item]:
    """The blocks of a turn without the results that no call waits for."""
    waiting = set(calls)
    kept = []
    for item in turn.items:
        if item.block.type == "tool_result":
            if (answered := _text(item.block.tool_use_id)) not in waiting:
                continue
            waiting.discard(answered)
        kept.append(item)
    return kept


def _with_placeholders(missing: list[str], turn: Turn, notes: list[str]) -> list[Turn]:
    if not missing:
        return [turn]
    notes.append(f"{len(missing)} tool calls without a result answered with a placeholder")
    results = [Item(Block(type="tool_result", tool_use_id=call, content=NO_RESULT), 0, 0) for call in missing]
    if turn.role == "user":
        return [Turn("user", [*results, *turn.items])]
    return [Turn("user", results), turn]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
