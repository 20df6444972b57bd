"""A model's reasoning both ways: shown as thinking blocks, and carried back to the upstream that wants it.

Some upstreams answer 400 unless a turn's reasoning comes back with the next one (DeepSeek), or want
opaque state of theirs with it (OpenRouter, Gemini).  Anthropic's clients return a thinking block's
``signature`` untouched, so that is where the state travels: stateless, through restarts of c2o.  For
clients that drop thinking, the service remembers it for a while by the id of the tool call.

A signature is ``c2o1.`` and then base64url of zlib of JSON.  One that isn't ours (a session that began
on Claude, another proxy) is never an error: its state is dropped, its visible text still counts.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from c2o.translate.conversation import Item, Turn
from c2o.translate.dialect import Dialect
from c2o.translate.message_builder import MessageBuilder
from c2o.wire.anthropic import Block, MessagesRequest, Thinking
from c2o.wire.chat import ChatMessage, TextPart, ThinkingPart

PREFIX = "c2o1."

LARGEST = 4 * 1024 * 1024
"""Bytes that a signature may unpack to."""

Mode = Literal["show", "omit", "state", "hide"]
"""What the client sees: the text; a block without its text; a block only where state must travel; nothing."""


class Sealed(Struct, omit_defaults=True):
    """What a signature holds."""

    p: str
    """The upstream's name."""
    m: str
    """The model's id: another model's state is of no use."""
    k: Literal["t", "rd", "gs", "ri"]
    """Text, OpenRouter's reasoning details, Gemini's thought signatures by tool call, or reasoning items of the
    Responses API."""
    d: Any = None
    """The state; for text, None where the block shows it."""


def seal(sealed: Sealed) -> str:
    return PREFIX + base64.urlsafe_b64encode(zlib.compress(msgspec.json.encode(sealed))).decode()


def unseal(signature: str | None) -> Sealed | None:
    """What our signature holds; None for anybody else's, and for a damaged one."""
    if not signature or not signature.startswith(PREFIX):
        return None
    try:
        packed = base64.urlsafe_b64decode(signature.removeprefix(PREFIX))
        return msgspec.json.decode(zlib.decompressobj().decompress(packed, LARGEST), type=Sealed)
    except (binascii.Error, ValueError, zlib.error, msgspec.DecodeError):
        return None


def mode_of(thinking: Thinking | None) -> Mode:
    """What a request wants to see of the reasoning."""
    if thinking is None:
        return "state"
    if thinking.type not in ("enabled", "adaptive"):
        return "hide"
    return "omit" if thinking.display == "omitted" else "show"


class ReasoningStream:
    """Reasoning as it arrives, told to the MessageBuilder.  One per answer."""

    def __init__(
        self, builder: MessageBuilder, *, mode: Mode, dialect: Dialect, upstream: str, model: str, conversation: str
    ) -> None:
        self._builder = builder
        self._conversation = conversation
        self._mode = mode
        self._style = dialect.reasoning_replay
        self._upstream, self._model = upstream, model
        self._open = False
        self._text: list[str] = []
        self._details: list[dict[str, Any]] = []
        self._sealed_details = 0
        """How many of them the signatures of earlier blocks hold."""
        self._unsealed = False
        self._thought_signatures: dict[str, str] = {}
        self.came = False
        """Has the upstream reasoned at all?"""

    def text(self, text: str) -> None:
        self.came = self._unsealed = True
        self._text.append(text)
        if self._mode == "show":
            self._builder.thinking(text)
            self._open = True
        elif self._mode == "omit" and not self._open:
            self._builder.begin_thinking()
            self._open = True

    def details(self, details: list[Any]) -> None:
        """Pieces of OpenRouter's ``reasoning_details``, put together by their index and type; or whole items."""
        self.came = self._unsealed = True
        for piece in details:
            if isinstance(piece, dict):
                _merge(self._details, piece)

    def before_text(self) -> None:
        """Text begins: a thinking block that is open ends with its signature."""
        if self._open or (self._unsealed and self._details and self._mode in ("show", "omit")):
            self._sign()

    def before_call(self, id: str, thought_signature: str | None) -> None:
        """A tool call begins: state that came with it travels in an empty thinking block before it."""
        wanted = self._mode in ("show", "omit") or (self._mode == "state" and self._style != "drop")
        if self._open or (self._unsealed and wanted):
            self._sign()
        if thought_signature:
            self._thought_signatures[id] = thought_signature
            if self._mode != "hide":
                self._builder.signature(self._seal("gs", {id: thought_signature}))

    def close(self, calls: list[str]) -> dict[str, str]:
        """The answer ends.  What to remember by its conversation and tool calls."""
        if self._open:
            self._sign()
        if self._style == "drop" or not calls:
            return {}
        self._sealed_details = 0
        state = self._state(with_text=True)
        return dict.fromkeys([_memory_key(self._conversation, call) for call in calls], seal(state)) if state else {}

    def _sign(self) -> None:
        state = self._state(with_text=self._mode != "show")
        self._builder.signature(seal(state) if state else self._seal("t", None))
        self._open = self._unsealed = False
        if self._style == "response_items":  # each block stands before what its own items led to
            self._sealed_details = len(self._details)

    def _state(self, *, with_text: bool) -> Sealed | None:
        if self._thought_signatures:
            return self._sealed("gs", self._thought_signatures)
        if self._style == "reasoning_details" and self._details:
            return self._sealed("rd", self._details)
        if self._style == "response_items":
            items = self._details[self._sealed_details :]
            return self._sealed("ri", items) if items else None
        if self._text and self._style != "drop":
            return self._sealed("t", "".join(self._text) if with_text else None)
        return None

    def _seal(self, kind: Literal["t", "gs"], data: Any) -> str:
        return seal(self._sealed(kind, data))

    def _sealed(self, kind: Literal["t", "rd", "gs", "ri"], data: Any) -> Sealed:
        return Sealed(self._upstream, self._model, kind, data)


def _merge(details: list[dict[str, Any]], piece: dict[str, Any]) -> None:
    """Add a piece to the detail that it continues, else as a new one."""
    last = details[-1] if details else {}
    same = piece.get("index") is not None and all(last.get(key) == piece.get(key) for key in ("index", "type"))
    if not same:
        details.append(dict(piece))
        return
    for key, value in piece.items():
        grows = key in ("text", "summary", "data") and isinstance(value, str) and isinstance(last.get(key), str)
        last[key] = last[key] + value if grows else value


# What c2o remembers --------------------------------------------------------------------------------


TELLING = 2048
"""Characters at the end of a text by which conversations are told apart: clients put what they always say first."""


def conversation_of(request: MessagesRequest, turns: list[Turn]) -> str:
    """A name for a conversation that holds from turn to turn: whose it is, and how it began.

    Servers that count their calls (Kimi's ``functions.Bash:0``) give the same ids in every conversation.
    """
    user = request.metadata.user_id if request.metadata else None
    texts = (item.block.text for item in turns[0].items)
    said = [user or "", *(f"{len(text)} {text[-TELLING:]}" for text in texts if isinstance(text, str))]
    return hashlib.blake2b("\0".join(said).encode(), digest_size=12).hexdigest()


def _memory_key(conversation: str, call: str) -> str:
    return f"{conversation}/{call}"


# Back to the upstream ------------------------------------------------------------------------------


class Replay:
    """Puts the reasoning of earlier turns where the upstream wants it."""

    def __init__(
        self,
        dialect: Dialect,
        *,
        upstream: str,
        model: str,
        remembered: Mapping[str, str],
        conversation: str,
        tools: bool,
    ) -> None:
        self._style = dialect.reasoning_replay
        self._filler = dialect.reasoning_filler if dialect.reasoning_required else None
        self._tools = tools
        self._conversation = conversation
        self._upstream, self._model = upstream, model
        self._remembered = remembered

    def steps(self, turn: Turn) -> list[Turn]:
        """A turn as the messages that the upstream wants of it: one; or one for each time that the model thought,
        where reasoning stands before what it led to."""
        begins = [number for number in range(1, len(turn.items)) if self._begins_step(turn.items, number)]
        if not begins:
            return [turn]
        return [Turn(turn.role, turn.items[start:end]) for start, end in pairwise([0, *begins, len(turn.items)])]

    def _begins_step(self, items: list[Item], number: int) -> bool:
        thinks, thought = (items[at].block.type == "thinking" for at in (number, number - 1))
        return self._style == "response_items" and thinks and not thought

    def onto(self, message: ChatMessage, turn: Turn, *, recall: bool = True) -> None:
        """Complete an assistant message with the reasoning of its turn.  ``recall``: what clients that drop thinking
        don't send may be put there."""
        if self._style == "drop":
            return
        blocks = [item.block for item in turn.items if item.block.type == "thinking"]
        states = [state for state in map(self._state_of, blocks) if state]
        if recall and not states and not any(block.thinking for block in blocks):
            states = [state for call in turn.calls[:1] if (state := self._recalled(call))]
        filler = self._filler if self._tools or turn.calls else None
        _PUT[self._style](message, _text(blocks, states), states, filler)

    def _recalled(self, call: str) -> Sealed | None:
        return self._ours(unseal(self._remembered.get(_memory_key(self._conversation, call))))

    def _state_of(self, block: Block) -> Sealed | None:
        return self._ours(unseal(block.signature))

    def _ours(self, state: Sealed | None) -> Sealed | None:
        mine = state is not None and (state.p, state.m) == (self._upstream, self._model)
        return state if mine else None


def _text(blocks: list[Block], states: list[Sealed]) -> str:
    """What was thought: as shown, else as carried."""
    shown = "".join(block.thinking for block in blocks if isinstance(block.thinking, str))
    return shown or "".join(state.d for state in states if state.k == "t" and isinstance(state.d, str))


Put = Callable[[ChatMessage, str, list[Sealed], str | None], None]
"""Message, text, states, and what to say where there was no reasoning; None: nothing."""


def _put_field(name: str) -> Put:
    def put(message: ChatMessage, text: str, states: list[Sealed], filler: str | None) -> None:
        if text or filler is not None:
            setattr(message, name, text or filler)

    return put


def _put_details(message: ChatMessage, text: str, states: list[Sealed], filler: str | None) -> None:
    details = [detail for state in states if state.k == "rd" and isinstance(state.d, list) for detail in state.d]
    if details:
        message.reasoning_details = Raw(msgspec.json.encode(details))


SKIP_VALIDATION = "skip_thought_signature_validator"
"""Google's own stand-in for a signature that is lost (https://ai.google.dev/gemini-api/docs/thought-signatures)."""


def _put_thought_signatures(message: ChatMessage, text: str, states: list[Sealed], filler: str | None) -> None:
    """On the calls that came with one; the first call of a step must have one."""
    found = {
        id: sign for state in states if state.k == "gs" and isinstance(state.d, dict) for id, sign in state.d.items()
    }
    for number, call in enumerate(message.tool_calls or []):
        sign = found.get(call.id) or (SKIP_VALIDATION if number == 0 else None)
        if sign:
            call.extra_content = {"google": {"thought_signature": sign}}


def _put_parts(message: ChatMessage, text: str, states: list[Sealed], filler: str | None) -> None:
    """Mistral: a content part of its own (https://docs.mistral.ai/capabilities/reasoning)."""
    if text:
        said = [TextPart(message.content)] if isinstance(message.content, str) and message.content else []
        message.content = [ThinkingPart([TextPart(text)]), *said]


def _put_tags(message: ChatMessage, text: str, states: list[Sealed], filler: str | None) -> None:
    """In the words themselves, as the model's template has it."""
    if text:
        said = message.content if isinstance(message.content, str) else ""
        message.content = f"<think>{text}</think>\n{said}"


def _put_items(message: ChatMessage, text: str, states: list[Sealed], filler: str | None) -> None:
    """Responses: those that the upstream can read again.  It kept none (``store``), so that an id alone is nothing."""
    items = [item for state in states if state.k == "ri" and isinstance(state.d, list) for item in state.d]
    readable = [item for item in items if isinstance(item, dict) and item.keys() & {"encrypted_content", "content"}]
    if readable:
        message.reasoning_details = Raw(msgspec.json.encode(readable))


_PUT: dict[str, Put] = {
    "response_items": _put_items,
    "reasoning_content": _put_field("reasoning_content"),
    "reasoning": _put_field("reasoning"),
    "reasoning_details": _put_details,
    "thought_signature": _put_thought_signatures,
    "thinking_parts": _put_parts,
    "think_tags": _put_tags,
}
