"""MessagesRequest → ChatRequest: the request's fields and messages, one small function each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec
from msgspec import UNSET, Raw, UnsetType

from c2o.errors import RequestError
from c2o.translate import content, server_tools, steps, structured, thinking
from c2o.translate.conversation import Item, Turn
from c2o.translate.dialect import Dialect
from c2o.translate.media import Media
from c2o.translate.reasoning import Replay
from c2o.translate.tool_results import tool_message
from c2o.translate.tools import Toolbox
from c2o.wire.anthropic import Block, MessagesRequest
from c2o.wire.chat import (
    CacheBreakpoint,
    ChatMessage,
    ChatRequest,
    FunctionCall,
    FunctionTool,
    Part,
    StreamOptions,
    TextPart,
    ToolCall,
    UserPart,
)

ATTRIBUTION = "x-anthropic-billing-header:"
"""Claude Code's first system block: of no use upstream, and different in each conversation, so that it
would spoil the upstream's prompt cache."""


def chat_request(
    request: MessagesRequest,
    turns: list[Turn],
    tools: Toolbox,
    replay: Replay,
    *,
    model: str,
    dialect: Dialect,
    conversation: str,
    max_output_tokens: int | None,
    media: Media,
    notes: list[str],
) -> ChatRequest:
    """The request for a chat-completions upstream.  Raises RequestError that names the place.

    ``conversation`` is the same text in each of a conversation's requests.
    """
    limit = _max_tokens(request, max_output_tokens)
    chat = ChatRequest(
        model=model,
        messages=_messages(request, turns, tools, replay, dialect, media),
        max_tokens=limit if dialect.max_tokens_field == "max_tokens" else UNSET,
        max_completion_tokens=limit if dialect.max_tokens_field == "max_completion_tokens" else UNSET,
        stream=True if request.stream else UNSET,
        stream_options=StreamOptions() if request.stream and dialect.stream_usage else UNSET,
        temperature=_temperature(request, dialect),
        top_p=_given(request.top_p, dialect),
        top_k=_top_k(request, dialect, notes),
        tools=_at_most(dialect.most_tools, tools.functions(dialect), notes),
        tool_choice=tools.tool_choice(dialect, notes),
        parallel_tool_calls=tools.parallel_tool_calls(dialect),
        response_format=structured.response_format(structured.schema_of(request), dialect),
        safety_identifier=_safety_identifier(request, dialect),
        prompt_cache_key=conversation if conversation and dialect.prompt_cache_key else UNSET,
    )
    for field, value in dialect.fields.items():
        chat.put(field, value)
    thinking.tell(request, chat, dialect, notes)
    steps.take(chat, dialect.steps)
    return chat


def _given(value: float | None, dialect: Dialect) -> float | UnsetType:
    return UNSET if value is None or not dialect.sampling else value


def _temperature(request: MessagesRequest, dialect: Dialect) -> float | UnsetType:
    given = _given(request.temperature, dialect)
    return given if given is UNSET else max(given, dialect.lowest_temperature)


def _at_most(
    most: int | None, tools: list[FunctionTool] | UnsetType, notes: list[str]
) -> list[FunctionTool] | UnsetType:
    if most is None or tools is UNSET or len(tools) <= most:
        return tools
    notes.append(f"{len(tools) - most} tools dropped: the upstream takes {most}")
    return tools[:most]


def _safety_identifier(request: MessagesRequest, dialect: Dialect) -> str | UnsetType:
    """Who asks, hashed: Claude Code's id is longer than OpenAI takes, and nobody's business."""
    user = request.metadata.user_id if request.metadata else None
    return hashlib.sha256(user.encode()).hexdigest() if user and dialect.safety_identifier else UNSET


def _max_tokens(request: MessagesRequest, cap: int | None) -> int:
    """The client's limit, cut down to the model's: stopping earlier is what the API allows."""
    if not isinstance(request.max_tokens, int):
        raise RequestError("max_tokens: Field required")
    if request.max_tokens < 1:
        raise RequestError("max_tokens: must be at least 1")
    return min(request.max_tokens, cap or request.max_tokens)


def _top_k(request: MessagesRequest, dialect: Dialect, notes: list[str]) -> int | UnsetType:
    if request.top_k is None:
        return UNSET
    if not dialect.top_k:
        notes.append("top_k dropped: the upstream has no such parameter")
        return UNSET
    return request.top_k


# Messages ------------------------------------------------------------------------------------------


def _messages(
    request: MessagesRequest, turns: list[Turn], tools: Toolbox, replay: Replay, dialect: Dialect, media: Media
) -> list[ChatMessage]:
    messages = _system_messages(request, dialect)
    _extend(messages, _conversation(turns, tools, replay, dialect, media))
    return messages


def _system_messages(request: MessagesRequest, dialect: Dialect) -> list[ChatMessage]:
    """The instructions as one text; as parts only where one of them is marked for the prompt cache."""
    format = TextPart(structured.instruction(structured.schema_of(request), dialect))
    parts: list[Part] = [part for part in (*_instructions(request, dialect), format) if part.text]
    if not parts:
        return []
    marked = any(_has_mark(part) for part in parts)
    said = parts if marked else content.PARAGRAPH.join(part.text for part in parts if isinstance(part, TextPart))
    return [ChatMessage(role=dialect.system_role, content=said)]


def _instructions(request: MessagesRequest, dialect: Dialect) -> Iterator[TextPart]:
    blocks = [Block(type="text", text=request.system)] if isinstance(request.system, str) else request.system or []
    for block in blocks:
        if isinstance(block.text, str):
            marked = _is_marked(block)
            breakpoint = CacheBreakpoint() if marked and dialect.cache_breakpoints else UNSET
            mark = MARK if marked and dialect.cache_control else UNSET
            yield TextPart(_without_attribution(block.text), breakpoint, mark)


MARK = {"type": "ephemeral"}
"""All that a mark for the prompt cache says; how long it lasts isn't known elsewhere."""


def _has_mark(part: Part) -> bool:
    return isinstance(part, TextPart) and (part.prompt_cache_breakpoint, part.cache_control) != (UNSET, UNSET)


def _is_marked(block: Block) -> bool:
    return isinstance(block.cache_control, Raw) and bytes(block.cache_control) != b"null"


def _without_attribution(text: str) -> str:
    """A block of its own in Claude Code; clients that send one text have it as the first line."""
    return text.partition("\n")[2].lstrip("\n") if text.startswith(ATTRIBUTION) else text


def _conversation(
    turns: list[Turn], tools: Toolbox, replay: Replay, dialect: Dialect, media: Media
) -> list[ChatMessage]:
    messages: list[ChatMessage] = []
    calls: list[str] = []
    for turn in turns:
        if turn.role == "assistant":
            calls = turn.calls
            messages += _assistant(turn, tools, replay, dialect, media)
        elif turn.role == "user":
            _extend(messages, _user(turn, calls, media))
        elif dialect.system_messages == "anywhere":
            messages += _system(turn, dialect, media)
        else:
            _extend(messages, _reminder(turn, media))
        if dialect.cache_control and messages and any(_is_marked(item.block) for item in turn.items):
            _mark(messages[-1])
    if not messages:
        raise RequestError("messages: text content blocks must be non-empty")
    return messages


def _extend(messages: list[ChatMessage], more: list[ChatMessage]) -> None:
    """Add messages; two of the user in a row become one, since strict templates want roles to alternate."""
    if more and messages and messages[-1].role == more[0].role == "user":
        messages[-1] = ChatMessage(role="user", content=_together(messages[-1].content, more[0].content))
        more = more[1:]
    messages += more


def _together(first: object, second: object) -> str | list[Part]:
    if isinstance(first, str) and isinstance(second, str):
        return first + content.PARAGRAPH + second
    return [*_as_parts(first), *_as_parts(second)]


def _as_parts(said: object) -> list[Part]:
    if isinstance(said, Raw):
        said = msgspec.json.decode(said)
    return [TextPart(said)] if isinstance(said, str) else list(said) if isinstance(said, list) else []


def _mark(message: ChatMessage) -> None:
    """The client's mark on a turn, at the end of its last message; there must be words to carry it."""
    parts = _as_parts(message.content)
    if parts and isinstance(parts[-1], TextPart):
        message.content = [*parts[:-1], TextPart(parts[-1].text, cache_control=MARK)]


NO_WORDS: dict[str, str | UnsetType | None] = {"null": None, "omit": UNSET, "empty": ""}


def _assistant(turn: Turn, tools: Toolbox, replay: Replay, dialect: Dialect, media: Media) -> list[ChatMessage]:
    """One message with the text and all calls; more where reasoning must stand between them."""
    answered = server_tools.answered(turn.items)
    steps = replay.steps(turn if answered is turn.items else Turn(turn.role, answered))
    said = (_step(step, tools, replay, dialect, media, recall=len(steps) == 1) for step in steps)
    return [message for message in said if message is not None]


def _step(
    turn: Turn, tools: Toolbox, replay: Replay, dialect: Dialect, media: Media, *, recall: bool
) -> ChatMessage | None:
    calls = [_call(item, tools) for item in turn.items if item.block.type == "tool_use"]
    others = (item for item in turn.items if item.block.type != "tool_use")
    texts = [content.text_of(item, media) for item in others]
    text = content.PARAGRAPH.join(text for text in texts if text)
    if not calls and not text:
        return None
    message = ChatMessage(role="assistant", content=text or NO_WORDS[dialect.empty_content], tool_calls=calls or UNSET)
    replay.onto(message, turn, recall=recall)
    return message


def _call(item: Item, tools: Toolbox) -> ToolCall:
    block = item.block
    if not isinstance(block.id, str) or not isinstance(block.name, str):
        raise RequestError(f"{item.place}: a tool_use block needs an id and a name")
    function = FunctionCall(tools.called(block), _arguments(block.input))
    return ToolCall(id=block.id, function=function, type="function")


def _arguments(given: Raw | UnsetType) -> str:
    """The input as JSON text.  Claude Code sends back a string for arguments that it couldn't parse, and
    servers check that they are an object (llama.cpp answers 500 otherwise)."""
    text = bytes(given).decode() if isinstance(given, Raw) else "{}"
    return text if text.startswith("{") else f'{{"input":{text}}}'


def _user(turn: Turn, calls: list[str], media: Media) -> list[ChatMessage]:
    """Tool messages first and in the order of the calls, then one user message with everything else.

    OpenAI wants each call answered before anything else is said; some chat templates pair calls and
    results by position.  A tool message takes text only, so its images go first into the user message.
    """
    place = {call: number for number, call in enumerate(calls)}
    results = sorted(turn.results, key=lambda item: place[str(item.block.tool_use_id)])
    tool_messages: list[ChatMessage] = []
    moved: list[UserPart] = []
    for item in results:
        message, found = tool_message(item, media)
        tool_messages.append(message)
        moved += found
    others = [item for item in turn.items if item.block.type != "tool_result"]
    rest = content.parts(others, media)
    if not rest and not tool_messages:
        raise RequestError(f"messages.{turn.items[0].message}: text content blocks must be non-empty")
    said = [*moved, *rest]
    return [*tool_messages, *([ChatMessage(role="user", content=content.joined(said))] if said else [])]


def _system_text(turn: Turn, media: Media) -> str:
    return content.PARAGRAPH.join(text for item in turn.items if (text := content.text_of(item, media)))


def _system(turn: Turn, dialect: Dialect, media: Media) -> Iterator[ChatMessage]:
    if text := _system_text(turn, media):
        yield ChatMessage(role=dialect.system_role, content=text)


def _reminder(turn: Turn, media: Media) -> list[ChatMessage]:
    """A system message as the user's text, in Claude Code's own form of a reminder."""
    text = _system_text(turn, media)
    return [ChatMessage(role="user", content=f"<system-reminder>\n{text}\n</system-reminder>")] if text else []
