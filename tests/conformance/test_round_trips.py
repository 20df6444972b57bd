"""E: what an upstream gave comes back to it, through a client that is the SDK, and through restarts of c2o."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from anthropic.types import Message

from tests.conformance.judges import Judges
from tests.conformance.proxy import Json, Proxy
from tests.conformance.rules import Deepseek, Gemini, Rule, completion, messages_of, openai, strict, tools_of
from tests.conformance.stream_cases import TOOLS
from tests.fake_upstream import (
    DONE,
    Answer,
    FakeUpstream,
    Request,
    chunk,
    event,
    finish,
    stream,
    usage_of,
)

THINKING: dict[str, Json] = {
    "shown": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    "omitted": {"thinking": {"type": "adaptive", "display": "omitted"}},
    "not_asked_for": {},
    "disabled": {"thinking": {"type": "disabled"}},
}
CARRIED = ["shown", "omitted", "not_asked_for"]
"""Where the state travels with the client; a client that wants no thinking must rely on c2o's memory."""


class Conversation:
    """A client that keeps its history as the SDK gives it, and answers every call with a result."""

    def __init__(self, judges: Judges, proxy: Proxy, model: str, *, streamed: bool = True, **fields: Any) -> None:
        self._judges = judges
        self._streamed = streamed
        self.proxy = proxy
        self.model = model
        self.fields: Json = {"max_tokens": 4000, **TOOLS, **fields}
        self.history: list[Any] = [{"role": "user", "content": "go"}]
        self.answers: list[Message] = []

    def turn(self) -> Message:
        """Ask, and put the answer and the results of its calls into the history."""
        message = self._ask({"model": self.model, "messages": self.history, **self.fields})
        self.answers.append(message)
        calls = [block.id for block in message.content if block.type == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": call, "content": f"result of {call}"} for call in calls]
        self.history = [
            *self.history,
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": results or [{"type": "text", "text": f"on, {len(self.history)}"}]},
        ]
        return message

    def _ask(self, request: Json) -> Message:
        sdk = self._judges.sync(self.proxy.url)
        if not self._streamed:
            return sdk.messages.create(**request)
        with sdk.messages.stream(**request) as answer:
            return answer.get_final_message()

    def strip_thinking(self) -> None:
        """As some clients do, and Claude Code after some errors."""
        for message in self.history:
            if message["role"] == "assistant":
                message["content"] = [block for block in message["content"] if block.type != "thinking"]


@pytest.fixture(params=[True, False], ids=["streamed", "whole"])
def streamed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def say(request: Request, message: Json, finish_reason: str) -> Answer:
    """A message as the request wants it: streamed in small pieces, or whole."""
    if not request.json.get("stream"):
        return completion(message, finish_reason, usage=usage_of())
    calls = message.get("tool_calls", [])
    details = message.get("reasoning_details", [])
    pieces = [chunk({"role": "assistant", "content": ""})]
    pieces += [chunk({"reasoning_content": word}) for word in _words(message.get("reasoning_content"))]
    pieces += [chunk({"reasoning_details": [piece]}) for detail in details for piece in _in_pieces(detail)]
    pieces += [chunk({"content": word}) for word in _words(message.get("content"))]
    pieces += [chunk({"tool_calls": [call]}) for call in calls]
    return stream(*pieces, finish(finish_reason), event({"choices": [], "usage": usage_of()}), DONE)


def _words(text: str | None) -> list[str]:
    return [text[at : at + 7] for at in range(0, len(text), 7)] if text else []


def _in_pieces(detail: Json) -> list[Json]:
    """OpenRouter streams text in pieces of the same index; what else there is comes with the last."""
    if "text" not in detail:
        return [detail]
    head = {key: detail[key] for key in ("type", "index", "format")}
    return [*[head | {"text": word} for word in _words(detail["text"])], {**detail, "text": ""}]


def called(index: int, id: str, **more: Any) -> Json:
    function = {"name": "Bash", "arguments": '{"command": "ls"}'}
    return {"index": index, "id": id, "type": "function", "function": function} | more


def turn_of(request: Request) -> int:
    """How many answers the upstream has given in this conversation."""
    return sum(message["role"] == "assistant" for message in request.messages)


def went_well(upstream: FakeUpstream, turns: int) -> None:
    """No request was refused, hence none repeated."""
    assert len(upstream.requests) == turns


# ---- E01: DeepSeek


class DeepseekServer(Deepseek):
    """Reasons before each of its calls, and wants that back."""

    def answer(self, request: Request) -> Answer:
        turn = turn_of(request)
        if turn == 3:
            return say(request, {"reasoning_content": "Done, I think.", "content": "Done."}, "stop")
        reasoning = f"Step {turn}: I should look, “carefully”.\n"
        self.given[f"call_{turn}"] = reasoning
        return say(request, {"reasoning_content": reasoning, "tool_calls": [called(0, f"call_{turn}")]}, "tool_calls")


Play = Callable[[Any], None]


@pytest.mark.parametrize("thinking", THINKING)
def test_e01_deepseek(proxy: Proxy, upstream: FakeUpstream, judges: Judges, streamed: bool, thinking: str) -> None:
    server = DeepseekServer()
    upstream.think(strict([server], server.answer))
    talk = Conversation(judges, proxy, "deepseek/m", streamed=streamed, **THINKING[thinking])
    for _ in range(4):
        talk.turn()
    went_well(upstream, 4)
    assert talk.answers[-1].stop_reason == "end_turn"


@pytest.mark.parametrize("thinking", CARRIED)
def test_e01_deepseek_with_restarts(
    start: Callable[..., Proxy], upstream: FakeUpstream, judges: Judges, streamed: bool, thinking: str
) -> None:
    server = DeepseekServer()
    upstream.think(strict([server], server.answer))
    talk = Conversation(judges, start(), "deepseek/m", streamed=streamed, **THINKING[thinking])
    for _ in range(4):
        talk.turn()
        talk.proxy = start()
    went_well(upstream, 4)


# ---- E02: OpenRouter

DETAILS = [
    {
        "type": "reasoning.text",
        "text": "I should look there.",
        "signature": "sig",
        "format": "anthropic-claude-v1",
        "index": 0,
    },
    {"type": "reasoning.encrypted", "data": "gAAAAAB", "id": "rs_1", "format": "openai-responses-v1", "index": 1},
    {"type": "reasoning.summary", "summary": "Look.", "format": "openai-responses-v1", "index": 2},
]


@pytest.mark.parametrize("restarted", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize("thinking", CARRIED)
def test_e02_openrouter(
    start: Callable[..., Proxy], upstream: FakeUpstream, judges: Judges, streamed: bool, thinking: str, restarted: bool
) -> None:
    upstream.think(
        lambda request: say(
            request, {"reasoning_details": DETAILS, "tool_calls": [called(0, f"call_{turn_of(request)}")]}, "tool_calls"
        )
    )
    talk = Conversation(judges, start(), "openrouter/m", streamed=streamed, **THINKING[thinking])
    for _ in range(3):
        talk.turn()
        talk.proxy = start() if restarted else talk.proxy
    went_well(upstream, 3)
    said = [message for message in upstream.requests[-1].messages if message["role"] == "assistant"]
    assert [message["reasoning_details"] for message in said] == [DETAILS, DETAILS]


# ---- E03: Gemini


class GeminiServer(Gemini):
    """Two calls a turn; signatures on the first, or on both."""

    def __init__(self, signed: int) -> None:
        super().__init__()
        self._signed = signed

    def answer(self, request: Request) -> Answer:
        turn = turn_of(request)
        calls = [called(index, f"call_{turn}_{index}") for index in range(2)]
        for call in calls[: self._signed]:
            sign = self.given[call["id"]] = f"signature of {call['id']}"
            call["extra_content"] = {"google": {"thought_signature": sign}}
        return say(request, {"content": "Look.", "tool_calls": calls}, "tool_calls")


@pytest.mark.parametrize("restarted", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize("signed", [1, 2])
@pytest.mark.parametrize("thinking", CARRIED)
def test_e03_gemini(
    start: Callable[..., Proxy],
    upstream: FakeUpstream,
    judges: Judges,
    streamed: bool,
    thinking: str,
    signed: int,
    restarted: bool,
) -> None:
    server = GeminiServer(signed)
    upstream.think(strict([server], server.answer))
    talk = Conversation(judges, start(), "gemini/m", streamed=streamed, **THINKING[thinking])
    for _ in range(3):
        talk.turn()
        talk.proxy = start() if restarted else talk.proxy
    went_well(upstream, 3)


# ---- E04: Kimi


def test_e04_kimi_s_ids(proxy: Proxy, upstream: FakeUpstream, judges: Judges, streamed: bool) -> None:
    """It counts its calls through the conversation, and knows them by these ids only."""
    upstream.think(
        lambda request: say(request, {"tool_calls": [called(0, f"functions.Bash:{turn_of(request)}")]}, "tool_calls")
    )
    talk = Conversation(judges, proxy, "generic/m", streamed=streamed)
    for _ in range(3):
        talk.turn()
    ids = ["functions.Bash:0", "functions.Bash:1"]
    messages = upstream.requests[-1].messages
    assert [call["id"] for message in messages for call in message.get("tool_calls", [])] == ids
    assert [message["tool_call_id"] for message in messages if message["role"] == "tool"] == ids


# ---- E06: clients that don't send thinking back


@pytest.mark.parametrize("thinking", THINKING)
def test_e06_remembered_for_deepseek(proxy: Proxy, upstream: FakeUpstream, judges: Judges, thinking: str) -> None:
    server = DeepseekServer()
    upstream.think(strict([server], server.answer))
    talk = Conversation(judges, proxy, "deepseek/m", **THINKING[thinking])
    for _ in range(4):
        talk.turn()
        talk.strip_thinking()
    went_well(upstream, 4)


def test_e06_remembered_for_openrouter(proxy: Proxy, upstream: FakeUpstream, judges: Judges) -> None:
    call = {"reasoning_details": DETAILS, "tool_calls": [called(0, "call_0")]}
    upstream.think(lambda request: say(request, call if turn_of(request) == 0 else {"content": "Done."}, "stop"))
    talk = Conversation(judges, proxy, "openrouter/m", **THINKING["shown"])
    talk.turn()
    talk.strip_thinking()
    talk.turn()
    assert upstream.requests[-1].messages[1]["reasoning_details"] == DETAILS


@pytest.mark.parametrize("signed", [1, 2])
@pytest.mark.parametrize("thinking", THINKING)
def test_e06_remembered_for_gemini(
    proxy: Proxy, upstream: FakeUpstream, judges: Judges, thinking: str, signed: int
) -> None:
    server = GeminiServer(signed)
    upstream.think(strict([server], server.answer))
    talk = Conversation(judges, proxy, "gemini/m", **THINKING[thinking])
    for _ in range(3):
        talk.turn()
        talk.strip_thinking()
    went_well(upstream, 3)


@pytest.mark.parametrize("dialect", ["vllm", "deepseek"])
def test_e06_no_conversation_gets_another_s_reasoning(
    proxy: Proxy, upstream: FakeUpstream, judges: Judges, dialect: str
) -> None:
    """Servers that count their calls give the same ids in every conversation."""

    def answer(request: Request) -> Answer:
        reasoning = {"reasoning_content": "A secret."} if request.prompt == "mine" else {}
        return say(request, reasoning | {"tool_calls": [called(0, "functions.Bash:0")]}, "tool_calls")

    upstream.think(answer)
    mine, yours = (Conversation(judges, proxy, f"{dialect}/m", **THINKING["shown"]) for _ in range(2))
    mine.history[0]["content"] = "mine"
    mine.turn()
    for _ in range(2):
        yours.turn()
    assert "A secret." not in upstream.requests[-1].body.decode()


def test_e06_stripped_and_restarted(start: Callable[..., Proxy], upstream: FakeUpstream, judges: Judges) -> None:
    """All is lost then: DeepSeek gets the empty text that it takes, Gemini Google's own stand-in."""
    upstream.think(
        lambda request: say(request, {"reasoning_content": "r", "tool_calls": [called(0, "call_0")]}, "stop")
    )
    for dialect in ("deepseek", "gemini"):
        talk = Conversation(judges, start(), f"{dialect}/m", **THINKING["shown"])
        talk.turn()
        talk.strip_thinking()
        talk.proxy = start()
        talk.turn()
    deepseek, gemini = (upstream.requests[at].messages[1] for at in (1, 3))
    assert deepseek["reasoning_content"] == ""
    sign = {"google": {"thought_signature": "skip_thought_signature_validator"}}
    assert gemini["tool_calls"][0]["extra_content"] == sign


# ---- E07: another model in the middle of a conversation

NEXT = ["deepseek/other", "generic/m", "openai/m", "gemini/m", "openrouter/m", "mistral/m"]


@pytest.mark.parametrize("model", NEXT)
@pytest.mark.parametrize("first", ["deepseek/m", "openrouter/m", "gemini/m"])
def test_e07_the_model_is_switched(
    proxy: Proxy, upstream: FakeUpstream, judges: Judges, first: str, model: str
) -> None:
    state = {"extra_content": {"google": {"thought_signature": "opaque"}}} if first == "gemini/m" else {}
    details = [{"type": "reasoning.encrypted", "data": "opaque", "index": 0}] if first == "openrouter/m" else []
    upstream.think(
        lambda request: say(
            request,
            {"reasoning_details": details, "tool_calls": [called(0, f"call_{turn_of(request)}", **state)]},
            "stop",
        )
    )
    talk = Conversation(judges, proxy, first, **THINKING["shown"])
    talk.turn()
    talk.model = model
    if model != first:
        talk.turn()
        assert "opaque" not in upstream.requests[-1].body.decode()


# ---- E08 and E09: long sessions


class Coder:
    """An upstream that does what coding models do, turn by turn; deterministic."""

    def __init__(self, *, usage: bool) -> None:
        self._usage = usage

    def answer(self, request: Request) -> Answer:
        turn = turn_of(request)
        kinds: tuple[tuple[Json, str], ...] = (
            ({"reasoning_content": f"Plan {turn}.", "tool_calls": [called(0, f"call_{turn}")]}, "tool_calls"),
            (
                {"content": f"Step {turn}.", "tool_calls": [called(0, f"a_{turn}"), called(1, f"b_{turn}")]},
                "tool_calls",
            ),
            ({"tool_calls": [called(0, f"call_{turn}")]}, "stop"),
            ({"reasoning_content": "Hm.", "content": f'Ünïcödé “{turn}” 雪\n\t<tag> \\ "quoted"'}, "stop"),
        )
        message, reason = kinds[turn % len(kinds)]
        if not request.json.get("stream_options") or not self._usage:
            return stream(*_pieces(message), finish(reason), DONE)
        tokens = len(request.body) // 4
        return stream(*_pieces(message), finish(reason), event({"choices": [], "usage": usage_of(tokens, 20)}), DONE)


def _pieces(message: Json) -> list[bytes]:
    said = [chunk({name: message[name]}) for name in ("reasoning_content", "content") if name in message]
    return said + [chunk({"tool_calls": [call]}) for call in message.get("tool_calls", [])]


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class ClaudeCode(Conversation):
    """A client that talks as Claude Code does: reminders, marks of the cache that move, failed tools, pictures."""

    def turn(self) -> Message:
        number = len(self.answers)
        self.fields["system"] = [
            {"type": "text", "text": f"x-anthropic-billing-header: cc_version=2.1.329; cch={number};"},
            {"type": "text", "text": "You are Claude Code.", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "Environment: Linux.", "cache_control": {"type": "ephemeral"}},
        ]
        self.fields["metadata"] = {"user_id": json.dumps({"session_id": "s"})}
        self._mark_the_last()
        message = super().turn()
        self._dress(self.history[-1]["content"], number)
        return message

    def _mark_the_last(self) -> None:
        for message in self.history:
            if message["role"] == "user" and isinstance(message["content"], list):
                for block in message["content"]:
                    block.pop("cache_control", None)
        last = self.history[-1]
        if isinstance(last["content"], str):
            last["content"] = [{"type": "text", "text": last["content"]}]
        last["content"][-1]["cache_control"] = {"type": "ephemeral"}

    @staticmethod
    def _dress(blocks: list[Json], number: int) -> None:
        """The results and words of the user, as they differ from turn to turn."""
        first = blocks[0]
        if first["type"] == "tool_result" and number % 3 == 0:
            first["content"] = [
                {"type": "text", "text": f"1\tline {number}\n2\t“ü”"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
            ]
        if first["type"] == "tool_result" and number % 4 == 1:
            first |= {"is_error": True, "content": "<tool_use_error>no such file</tool_use_error>"}
        if number % 5 == 2:
            blocks.append({"type": "text", "text": f"<system-reminder>\nReminder {number}\n</system-reminder>"})


def check_prefixes(requests: list[Request]) -> None:
    """An upstream's prompt cache serves what begins as the request before did, byte by byte."""
    for before, after in pairwise(requests):
        assert messages_of(after).startswith(messages_of(before) + b",")
        assert tools_of(after) == tools_of(before)


@pytest.mark.parametrize("thinking", CARRIED)
@pytest.mark.parametrize(
    "dialect", ["generic", "openai", "deepseek", "openrouter", "gemini", "mistral", "ollama", "vllm"]
)
def test_e08_each_request_begins_as_the_one_before(
    proxy: Proxy, upstream: FakeUpstream, judges: Judges, dialect: str, thinking: str
) -> None:
    upstream.think(Coder(usage=True).answer)
    talk = ClaudeCode(judges, proxy, f"{dialect}/m", **THINKING[thinking])
    for _ in range(8):
        talk.turn()
    went_well(upstream, 8)
    check_prefixes(upstream.requests)


PLANS = {f"call_{turn}": f"Plan {turn}." for turn in range(0, 30, 4)}

RULES: dict[str, list[Rule]] = {"generic": [openai], "deepseek": [Deepseek(PLANS)], "ollama": []}


@pytest.mark.parametrize("usage", [True, False], ids=["counted", "estimated"])
@pytest.mark.parametrize("dialect", RULES)
def test_e09_thirty_turns(
    start: Callable[..., Proxy], upstream: FakeUpstream, judges: Judges, dialect: str, usage: bool
) -> None:
    """With a restart in the middle.  No request is refused, and the context that the client counts only grows."""
    upstream.think(strict(RULES[dialect], Coder(usage=usage).answer))
    talk = ClaudeCode(judges, start(), f"{dialect}/m", **THINKING["shown"])
    for number in range(30):
        if number == 15:
            talk.proxy = start()
        talk.turn()
    went_well(upstream, 30)
    check_prefixes(upstream.requests)
    context = [_context(message) for message in talk.answers]
    assert all(before < after for before, after in pairwise(context)), context


def _context(message: Message) -> int:
    """What Claude Code's meter shows."""
    usage = message.usage
    cached = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    return usage.input_tokens + cached + usage.output_tokens
