"""What the events of a Responses stream say, in the words of chat completions, which ``ChatStream`` understands.

An answer is a list of items: reasoning, messages, calls.  A delta belongs to the item that its ``item_id`` names, else
to the one at its ``output_index``, because some gateways give an item another id in each event.  The forms that end in
``.done`` repeat what came in pieces; they count where nothing came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from c2o.translate.content import PARAGRAPH
from c2o.wire.chat import Choice, Chunk, FunctionDelta, MessageDelta, ToolCallDelta
from c2o.wire.responses import OutputItem, Response, ResponseEvent

KINDS = {"message": "text", "reasoning": "reasoning", "function_call": "call"}
"""What an item is made of, by its type."""

PIECES: Mapping[str, tuple[str, Callable[[ResponseEvent], Any]]] = {
    "response.output_text.delta": ("text", lambda event: event.delta),
    "response.output_text.done": ("text", lambda event: event.text),
    "response.refusal.delta": ("refusal", lambda event: event.delta),
    "response.refusal.done": ("refusal", lambda event: event.refusal),
    "response.reasoning_summary_text.delta": ("reasoning", lambda event: event.delta),
    "response.reasoning_summary_text.done": ("reasoning", lambda event: event.text),
    "response.reasoning_text.delta": ("reasoning", lambda event: event.delta),
    "response.reasoning_text.done": ("reasoning", lambda event: event.text),
    "response.function_call_arguments.delta": ("call", lambda event: event.delta),
    "response.function_call_arguments.done": ("call", lambda event: event.arguments),
}
"""What events bring, and where.  Unknown ones are no matter: more come with each of OpenAI's own tools."""

ENDS = ("response.completed", "response.incomplete", "response.failed", "response.cancelled", "response.done")

FAILED = ("failed", "cancelled")

REASONING_FIELDS = ("type", "id", "summary", "content", "encrypted_content")
"""What of a reasoning item goes back; ``status`` is refused there."""


class _Item:
    """An item of the answer."""

    def __init__(self, number: int, kind: str) -> None:
        self.number = number
        self.kind = kind
        self.named = False
        """Has a call's name been told?"""
        self.parts: set[tuple[str, int]] = set()
        """Of which of its parts something has come: the family of the events, and their index."""


class ResponseReader:
    """Events in, chunks out.  One per answer."""

    def __init__(self) -> None:
        self.over = False
        """The upstream has said that this was all."""
        self._items: list[_Item] = []
        self._by_id: dict[str, _Item] = {}
        self._by_index: dict[tuple[str, int | None], _Item] = {}
        self._last: tuple[str, int, int] = ("", -1, -1)
        """Where the last text or reasoning belonged: kind, item, part."""

    def event(self, event: ResponseEvent) -> Chunk:
        """What an event says; ``Chunk.error`` where it says that something failed."""
        if event.type in PIECES:
            return _chunk(self._piece(event))
        if event.type in ENDS:
            return self._end(event.type, event.response or Response())
        if event.type == "error" or event.error:
            return Chunk(error=event.error or {"code": event.code, "message": event.message})
        if event.item is not None and event.type == "response.output_item.added":
            return _chunk(self._begun(event, event.item))
        if event.item is not None and event.type == "response.output_item.done":
            return _chunk(self._done(event, event.item))
        return Chunk(choices=[])

    def whole(self, response: Response) -> Chunk:
        """What a whole answer says."""
        if response.error or response.status in FAILED:
            return Chunk(error=response.error or {"message": f"the response was {response.status}"})
        told = [delta for item in response.output or [] for delta in self._done(ResponseEvent(), item)]
        return Chunk(choices=[*_choices(told), Choice(finish_reason=_reason(response))], usage=response.usage)

    def _end(self, type: str, response: Response) -> Chunk:
        self.over = True
        status = response.status or type.removeprefix("response.")
        unsaid = [item for item in response.output or [] if self._is_unsaid(item)]
        return self.whole(msgspec.structs.replace(response, status=status, output=unsaid))

    def _is_unsaid(self, item: OutputItem) -> bool:
        """Has nothing come of an item that stands in the whole answer at the end?"""
        known = self._by_id.get(item.id or "")
        return not self._items or (known is not None and known.kind != "reasoning" and not known.parts)

    def _piece(self, event: ResponseEvent) -> Iterator[MessageDelta]:
        kind, value = PIECES[event.type]
        family, _, form = event.type.rpartition(".")
        item = self._item("text" if kind == "refusal" else kind, event)
        part = (family, event.content_index or event.summary_index or 0)
        if form == "done" and part in item.parts:
            return
        if piece := value(event):
            yield from self._said(item, kind, part, piece)

    def _said(self, item: _Item, kind: str, part: tuple[str, int], piece: Any) -> Iterator[MessageDelta]:
        if kind == "reasoning" and any(family != part[0] for family, _ in item.parts):
            return  # a summary beside the reasoning itself: one of them is enough
        item.parts.add(part)
        if kind == "call":
            yield MessageDelta(tool_calls=[ToolCallDelta(FunctionDelta(arguments=piece), index=item.number)])
            self._last = ("call", item.number, 0)
        elif isinstance(piece, str):
            yield DELTAS[kind](self._apart(item, kind, part[1]) + piece)

    def _apart(self, item: _Item, kind: str, part: int) -> str:
        """What stands between two parts that would run into each other otherwise."""
        before, self._last = self._last, (kind, item.number, part)
        if before[0] != kind:
            return ""
        another = before != self._last if kind == "reasoning" else before[1] != item.number
        return PARAGRAPH if another else ""

    def _begun(self, event: ResponseEvent, given: OutputItem) -> Iterator[MessageDelta]:
        if kind := KINDS.get(given.type):
            known = self._by_id.get(given.id or "")
            yield from self._named(known or self._new(kind, given.id, event.output_index), given)

    def _done(self, event: ResponseEvent, given: OutputItem) -> Iterator[MessageDelta]:
        """An item is finished: what of it hasn't been told yet."""
        kind = KINDS.get(given.type)
        if given.type == "web_search_call":
            yield MessageDelta(annotations=[{"type": given.type, "action": given.action}])
        if kind is None:
            return
        known = self._by_id.get(given.id or "") or self._by_index.get((kind, event.output_index))
        item = known or self._new(kind, given.id, event.output_index)
        yield from self._named(item, given)
        if not item.parts:
            for each, part, text in _parts_of(given):
                yield from self._said(item, each, part, text)
        if kind == "reasoning":
            yield MessageDelta(reasoning_details=[_kept(given)])
        elif kind == "text" and (annotations := _annotations(given)):
            yield MessageDelta(annotations=annotations)

    def _named(self, item: _Item, given: OutputItem) -> Iterator[MessageDelta]:
        if item.kind == "call" and given.name and not item.named:
            item.named = True
            self._last = ("call", item.number, 0)
            function = FunctionDelta(name=given.name)
            yield MessageDelta(tool_calls=[ToolCallDelta(function, id=given.call_id or given.id, index=item.number)])

    def _item(self, kind: str, event: ResponseEvent) -> _Item:
        """The item that a piece belongs to; where nothing tells, the last of its kind."""
        id, index = event.item_id or "", event.output_index
        item = self._by_id.get(id) or self._by_index.get((kind, index))
        if item is None and index is None:
            item = next((each for each in reversed(self._items) if each.kind == kind), None)
        return item if item is not None and item.kind == kind else self._new(kind, id, index)

    def _new(self, kind: str, id: str | None, index: int | None) -> _Item:
        item = _Item(len(self._items), kind)
        self._items.append(item)
        if id:
            self._by_id[id] = item
        if index is not None:
            self._by_index[kind, index] = item
        return item


DELTAS: Mapping[str, Callable[[str], MessageDelta]] = {
    "text": lambda text: MessageDelta(content=text),
    "refusal": lambda text: MessageDelta(refusal=text),
    "reasoning": lambda text: MessageDelta(reasoning=text),
}

PARTS = {"output_text": "text", "text": "text", "refusal": "refusal"}


def _parts_of(item: OutputItem) -> Iterator[tuple[str, tuple[str, int], Any]]:
    """What a whole item says, part by part."""
    if item.type == "function_call":
        if item.arguments:
            yield "call", ("arguments", 0), item.arguments
        return
    reasons = item.type == "reasoning"
    for number, part in enumerate(_dicts(item.summary or item.content if reasons else item.content)):
        kind = "reasoning" if reasons else PARTS.get(str(part.get("type")), "")
        if kind and (text := part.get("refusal" if kind == "refusal" else "text")):
            yield kind, (kind, number), text


def _annotations(item: OutputItem) -> list[Any]:
    """Where the parts of a text come from.  They also come one by one, while the text does."""
    return [each for part in _dicts(item.content) for each in part.get("annotations") or ()]


def _dicts(parts: Any) -> Iterable[Mapping[str, Any]]:
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _kept(item: OutputItem) -> dict[str, Any]:
    """A reasoning item as it goes back with the next turn."""
    fields = {name: getattr(item, name) for name in REASONING_FIELDS}
    return {name: value for name, value in fields.items() if value or name == "summary"} | {
        "summary": item.summary if isinstance(item.summary, list) else []
    }


def _reason(response: Response) -> str | None:
    if response.status == "incomplete":
        return (response.incomplete_details and response.incomplete_details.reason) or "length"
    return "stop"


def _choices(told: Iterable[MessageDelta]) -> list[Choice]:
    return [Choice(delta=delta) for delta in told]


def _chunk(told: Iterable[MessageDelta]) -> Chunk:
    return Chunk(choices=_choices(told))
