"""The grammar of a Messages stream, in one place.

One ``message_start``; blocks that open and close strictly one after another, numbered from 0 without a
gap; one ``message_delta``; one ``message_stop``; or an ``error`` that ends it all.  Upstream code only says what
arrived.  Blocks wait in a queue in the order of their first appearance: the first is open and streams,
the others hold what they were told.  Text and thinking close when something follows them.  A tool call
closes only when it is told to be finished, because Claude Code runs a call as soon as its block is closed.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable

from msgspec import UNSET, Raw, structs

from c2o.wire.anthropic import (
    AppliedEdit,
    AppliedEdits,
    Citation,
    CitationsDelta,
    ContentBlock,
    ContentBlockDelta,
    ContentBlockStart,
    ContentBlockStop,
    Delta,
    Error,
    Event,
    InputJSONDelta,
    MessageDelta,
    MessageEnd,
    MessagesResponse,
    MessageStart,
    MessageStop,
    Ping,
    ServerToolUseBlock,
    SignatureDelta,
    StopDetails,
    StopReason,
    StreamError,
    TextBlock,
    TextDelta,
    ThinkingBlock,
    ThinkingDelta,
    ToolUseBlock,
    Usage,
    WebSearchResultBlock,
)


class _Block:
    """A block that is open or waits to be."""

    __slots__ = ("finished", "held", "start")

    def __init__(self, start: ContentBlock) -> None:
        self.start = start
        self.held: list[Delta] = []
        self.finished = False


class MessageBuilder:
    """Told what arrived, it makes the events; ``take`` hands them over."""

    def __init__(self, *, id: str, model: str, usage: Usage, edits: list[AppliedEdit] | None = None) -> None:
        """``edits``: what was left out of the prompt, told with the end."""
        self._message = MessagesResponse(id=id, model=model, content=[], usage=usage)
        self._edits = AppliedEdits(edits) if edits else UNSET
        self._usage = usage
        self._events: list[Event] = []
        self._queue: deque[_Block] = deque()
        self._tools: dict[Hashable, _Block] = {}
        self._open: _Block | None = None
        self._index = -1
        self._started = False
        self.spoke = False
        """Has anything been said but reasoning?"""

    @property
    def empty(self) -> bool:
        """Has no block been opened yet?"""
        return self._index < 0

    def start(self) -> None:
        """Begin the message, if it hasn't begun."""
        if not self._started:
            self._started = True
            self._events.append(MessageStart(self._message))

    def text(self, text: str) -> None:
        self.spoke = True
        self._say(self._last(TextBlock) or self._add(TextBlock()), TextDelta(text))

    def thinking(self, text: str) -> None:
        self._say(self._last(ThinkingBlock) or self._add(ThinkingBlock()), ThinkingDelta(text))

    def begin_thinking(self) -> None:
        """Open a thinking block whose text isn't shown."""
        if not self._last(ThinkingBlock):
            self._add(ThinkingBlock())

    def signature(self, signature: str) -> None:
        self._say(self._last(ThinkingBlock) or self._add(ThinkingBlock()), SignatureDelta(signature))

    def tool_use(self, key: Hashable, *, id: str, name: str, toolset: str | None = None) -> None:
        """A tool call begins; ``key`` names it in the calls that follow."""
        self.spoke = True
        self._tools[key] = self._add(ToolUseBlock(id=id, name=name, toolset_name=toolset or UNSET))

    def tool_input(self, key: Hashable, partial_json: str) -> None:
        self._say(self._tools[key], InputJSONDelta(partial_json))

    def tool_finished(self, key: Hashable) -> None:
        """The call's input is complete and valid: its block may be closed."""
        self._tools[key].finished = True
        self._advance()

    def search(self, call: ServerToolUseBlock, found: WebSearchResultBlock) -> None:
        """A search that the upstream has made itself: what it looked for, and what it found."""
        self.spoke = True
        self._say(self._add(structs.replace(call, input=Raw(b"{}"))), InputJSONDelta(bytes(call.input).decode()))
        self._add(found)

    def cite(self, citation: Citation) -> None:
        """Where a part of the last text comes from; nothing if something has followed it."""
        if text := self._last(TextBlock):
            self._say(text, CitationsDelta(citation))

    def usage(self, usage: Usage) -> None:
        """What the answer cost, as known by now; the last word counts."""
        self._usage = usage

    def keep_alive(self, *, parsed: bool) -> None:
        """A sign of life: a ping, or an event that clients parse (an empty ``message_delta``)."""
        self.start()
        self._events.append(MessageDelta(MessageEnd(), self._usage) if parsed else Ping())

    def stop(self, reason: StopReason, sequence: str | None = None, details: StopDetails | None = None) -> None:
        """The end of a good answer.  All tool calls must be finished."""
        self.start()
        for block in self._queue:
            block.finished = True
        self._advance()
        end = MessageEnd(stop_reason=reason, stop_sequence=sequence, stop_details=details or UNSET)
        self._events += (MessageDelta(end, self._usage, self._edits), MessageStop())

    def fail(self, error: Error) -> None:
        """The end of a bad one: the open block stays open, so that nobody acts on half a call."""
        self._events.append(StreamError(error=error))

    def take(self) -> list[Event]:
        """The events since the last time."""
        events, self._events = self._events, []
        return events

    def _last(self, kind: type[ContentBlock]) -> _Block | None:
        """The last block of the queue, if it is of this kind."""
        queue = self._queue
        return queue[-1] if queue and type(queue[-1].start) is kind else None

    def _add(self, start: ContentBlock) -> _Block:
        self.start()
        block = _Block(start)
        if self._queue and type(self._queue[-1].start) is not ToolUseBlock:
            self._queue[-1].finished = True
        self._queue.append(block)
        self._advance()
        return block

    def _say(self, block: _Block, delta: Delta) -> None:
        if block is self._open:
            self._events.append(ContentBlockDelta(self._index, delta))
        else:
            block.held.append(delta)

    def _advance(self) -> None:
        """Close what is finished at the head of the queue and open what is next."""
        while self._queue:
            head = self._queue[0]
            if head is not self._open:
                self._show(head)
            if not head.finished:
                return
            self._events.append(ContentBlockStop(self._index))
            self._queue.popleft()
            self._open = None

    def _show(self, block: _Block) -> None:
        self._open = block
        self._index += 1
        self._events.append(ContentBlockStart(self._index, block.start))
        self._events += [ContentBlockDelta(self._index, delta) for delta in block.held]
        block.held.clear()


def fold(events: Iterable[Event]) -> MessagesResponse:
    """A stream's events as one whole message.  Events must end well (no ``error``)."""
    folded: MessagesResponse | None = None
    pieces: list[str] = []
    citations: list[Citation] = []
    signature = ""
    for event in events:
        match event:
            case MessageStart(message):
                folded = structs.replace(message, content=[])
            case ContentBlockStart(_, start):
                block, pieces, citations, signature = start, [], [], ""
            case ContentBlockDelta(_, SignatureDelta(text)):
                signature = text
            case ContentBlockDelta(_, CitationsDelta(citation)):
                citations.append(citation)
            case ContentBlockDelta(_, delta):
                pieces.append(_piece(delta))
            case ContentBlockStop():
                assert folded is not None
                folded.content.append(_whole(block, "".join(pieces), citations, signature))
            case MessageDelta(end, usage, edits):
                assert folded is not None
                folded.context_management = edits
                folded.stop_reason, folded.stop_sequence = end.stop_reason, end.stop_sequence
                folded.stop_details, folded.usage = end.stop_details, usage
    assert folded is not None
    return folded


def _piece(delta: Delta) -> str:
    match delta:
        case TextDelta(text) | ThinkingDelta(text) | SignatureDelta(text) | InputJSONDelta(text):
            return text
        case CitationsDelta():
            return ""


def _whole(block: ContentBlock, text: str, citations: list[Citation], signature: str) -> ContentBlock:
    match block:
        case TextBlock():
            return TextBlock(text, citations or UNSET)
        case ThinkingBlock():
            return ThinkingBlock(text, signature)
        case WebSearchResultBlock():
            return block
        case ToolUseBlock() | ServerToolUseBlock():
            return structs.replace(block, input=Raw(text.encode())) if text else block
