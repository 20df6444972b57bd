"""An answer that ends too early, or never: an ``error`` event, no end of message, no closed tool call."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import psutil
import pytest

from c2o.wire.sse import LIMIT, SSEDecoder, TooLong
from tests.fake_upstream import (
    BREAK,
    CUT,
    DONE,
    Answer,
    FakeUpstream,
    Hold,
    Piece,
    arguments,
    chunk,
    event,
    finish,
    reasoning,
    role,
    stream,
    text,
    tool_call,
    usage,
    whole,
)
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.talk import Event, RawServer, check_grammar, hello, names, text_in, told

TOOL = {
    "name": "Bash",
    "input_schema": {
        "type": "object",
        "properties": {"command": {"type": "string"}, "timeout": {"type": "integer"}},
        "required": ["command"],
    },
}

STORY: list[bytes] = [
    role(),
    reasoning("Let me "),
    reasoning("see."),
    text("I will "),
    text("look."),
    tool_call(0, "call_a", "Bash", '{"comm'),
    arguments(0, 'and": "rm -rf bu'),
    arguments(0, 'ild", "timeout": 5'),
    tool_call(1, "call_b", "Bash", '{"command": "ls"'),
    arguments(0, "}"),
    arguments(1, "}"),
    finish("tool_calls"),
    usage(),
    DONE,
]
FINISHED = STORY.index(finish("tool_calls"))


def closed_tool_calls(found: list[Event]) -> list[Event]:
    starts = {each.data["index"]: each for each in found if each.name == "content_block_start"}
    stops = [starts[each.data["index"]] for each in found if each.name == "content_block_stop"]
    return [start for start in stops if start.data["content_block"]["type"] == "tool_use"]


def input_of(found: list[Event], start: Event) -> Any:
    parts = [
        each.data["delta"]
        for each in found
        if each.name == "content_block_delta" and each.data["index"] == start.data["index"]
    ]
    return json.loads("".join(part["partial_json"] for part in parts) or "{}")


async def streamed(service: Service) -> list[Event]:
    """The events in front of a stream that ends as the pieces say; the connection to us stays in order."""
    peer = await service.call(stream=True, tools=[TOOL], thinking={"type": "enabled", "budget_tokens": 1024})
    await peer.finished()
    assert peer.complete, "the framing must end well, or the SDKs see a network error instead of ours"
    return peer.events


@pytest.mark.parametrize("end", [BREAK, CUT], ids=["reset", "closed"])
@pytest.mark.parametrize("count", range(FINISHED + 1))
async def test_a_stream_that_breaks_off_after_any_chunk(
    service: Service, upstream: FakeUpstream, count: int, end: Piece
) -> None:
    """Claude Code runs a tool call as soon as its block is closed, even if the stream then dies.

    As long as nothing has been said, it is an honest 502; the first chunk has only the role.
    """
    upstream.play(stream(*STORY[:count], end))
    if count < 2:
        answer = await service.stream()
        assert (answer.status, answer.error["type"]) == (502, "api_error")
        return
    found = await streamed(service)

    check_grammar(found)
    assert found[-1].name == "error"
    assert found[-1].data["error"]["type"] == "api_error"
    assert not [each for each in found if each.name in ("message_stop", "message_delta")]
    assert closed_tool_calls(found) == []
    assert service.counters.failed == 1
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("end", [BREAK, CUT], ids=["reset", "closed"])
@pytest.mark.parametrize("count", range(FINISHED + 1, len(STORY) + 1))
async def test_an_answer_that_was_finished_is_kept(
    service: Service, upstream: FakeUpstream, count: int, end: Piece
) -> None:
    upstream.play(stream(*STORY[:count], end))
    found = await streamed(service)

    check_grammar(found)
    assert found[-1].name == "message_stop"
    assert [input_of(found, call) for call in closed_tool_calls(found)] == [
        {"command": "rm -rf build", "timeout": 5},
        {"command": "ls"},
    ]


@pytest.mark.parametrize("offset", range(0, 120, 7))
async def test_a_stream_that_breaks_off_inside_a_chunk(service: Service, upstream: FakeUpstream, offset: int) -> None:
    upstream.play(stream(text("Hi"), STORY[6][:offset], CUT))
    found = await streamed(service)

    check_grammar(found)
    assert (found[-1].name, text_in(found)) == ("error", "Hi")


async def test_a_clean_end_without_a_finish_is_no_end(service: Service, upstream: FakeUpstream) -> None:
    """The framing is complete, the answer isn't."""
    upstream.play(stream(text("Hi")))
    found = await streamed(service)

    assert names(found)[-1] == "error"
    assert "before the answer was finished" in found[-1].data["error"]["message"]


@pytest.mark.parametrize(
    ("status", "message", "type"),
    [
        (503, "The server is overloaded", "overloaded_error"),
        (429, "Rate limit reached for requests", "rate_limit_error"),
        (None, "Internal error, sorry", "api_error"),
    ],
)
async def test_an_error_object_in_mid_stream(
    service: Service, upstream: FakeUpstream, status: int | None, message: str, type: str
) -> None:
    upstream.play(
        stream(text("Hi"), event({"error": {"message": message, "code": status}}), text("no more"), finish(), DONE)
    )
    found = await streamed(service)

    check_grammar(found)
    assert (found[-1].name, text_in(found)) == ("error", "Hi")
    assert message in found[-1].data["error"]["message"]
    assert found[-1].data["error"]["type"] in (type, "api_error")


@pytest.mark.parametrize(
    "line", [b'data: {"choices": [{"delta": {"content": "x"}\n\n', b"data: [1, 2\n\n", b"data: {]\n\n"]
)
async def test_a_line_that_is_broken_json(service: Service, upstream: FakeUpstream, line: bytes) -> None:
    upstream.play(stream(text("Hi"), line, text(" there"), finish(), DONE))
    found = await streamed(service)

    check_grammar(found)
    assert (found[-1].name, text_in(found)) == ("error", "Hi")


@pytest.mark.parametrize(
    "noise",
    [
        b": OPENROUTER PROCESSING\n\n",
        b"\n\n\n",
        b"event: ping\n\n",
        b"retry: 10\nid: 5\n\n",
        b"data: hello\n\n",
        b"data:\n\n",
    ],
)
async def test_noise_in_a_stream_is_harmless(service: Service, upstream: FakeUpstream, noise: bytes) -> None:
    upstream.play(stream(noise, text("Hi"), noise, finish(), noise, DONE, noise))
    found = await streamed(service)

    check_grammar(found)
    assert (found[-1].name, text_in(found)) == ("message_stop", "Hi")


async def test_bytes_that_are_no_text_are_replaced(service: Service, upstream: FakeUpstream) -> None:
    broken = text("a€b").replace("€".encode(), b"\xe2\x82")
    upstream.play(stream(broken, text("c"), finish(), DONE))
    found = await streamed(service)

    check_grammar(found)
    assert text_in(found) == "a\ufffdbc"
    assert found[-1].name == "message_stop"


async def test_characters_cut_in_two_are_joined(service: Service, upstream: FakeUpstream) -> None:
    data = text("€😀") + finish() + DONE
    upstream.play(stream(*(data[n : n + 1] for n in range(len(data)))))
    found = await streamed(service)

    check_grammar(found)
    assert text_in(found) == "€😀"


@pytest.mark.parametrize("end", [BREAK, CUT], ids=["reset", "closed"])
async def test_a_whole_answer_that_breaks_off(service: Service, upstream: FakeUpstream, end: Piece) -> None:
    half = whole({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]})
    assert isinstance(half.pieces[0], bytes)
    upstream.play(Answer((half.pieces[0][:-5], end), 200, half.headers), Answer((half.pieces[0][:-5], end), 200, {}))
    for _ in range(2):
        answer = await service.post()
        assert (answer.status, answer.error["type"]) == (502, "api_error")
        assert "broke off" in answer.error["message"]


# ---- too much


MIB = 1024 * 1024


class Flood(RawServer):
    """An upstream that says the same for ever, as fast as it is taken; it watches what this costs us."""

    def __init__(self, first: bytes, piece: bytes, status: int = 200, most: int = 256 * MIB) -> None:
        super().__init__(self.flow)
        self.first, self.piece, self.status, self.left = first, piece, status, most
        self.growth = 0
        self.ended = asyncio.Event()

    async def flow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d X\r\n\r\n%s" % (self.status, self.first))
        process = psutil.Process()
        before = process.memory_info().rss
        try:
            while self.left > 0:
                writer.write(self.piece)
                await writer.drain()
                self.left -= len(self.piece)
                self.growth = max(self.growth, process.memory_info().rss - before)
            await reader.read()  # nobody has hung up: let the test see it
        finally:
            self.ended.set()

    async def is_left(self) -> bool:
        """Has it been hung up on, and not because it had nothing more to say?"""
        await asyncio.wait_for(self.ended.wait(), 20)
        return self.left > 0


LINE = b"data: " + b"x" * 57 + b"\n"

NEVER_ENDING = {
    "a line": (b"data: ", b"x" * 65536),
    "a string": (b'data: {"choices": [{"delta": {"content": "', b"x" * 65536),
    "an event of many lines": (LINE, LINE * 1024),
    "JSON without an end": (b'{"choices": [{"message": {"content": "', b"x" * 65536),
    "white space": (b"", b" " * 65536),
    "the input of a call": (tool_call(0, "a", "Bash", '{"command": "'), arguments(0, "x" * 32768)),
}


@pytest.mark.parametrize(("first", "piece"), NEVER_ENDING.values(), ids=NEVER_ENDING)
async def test_what_never_ends_is_ended(serve: Serve, first: bytes, piece: bytes) -> None:
    async with Flood(first, piece) as flood:
        service = await serve(configuration(flood.url))
        start = time.process_time()
        answer = await service.post(body=hello(stream=True, tools=[TOOL]))
        assert await flood.is_left()

    found = told(answer.status, answer.body)
    check_grammar(found)
    assert found[-1].name == "error"
    assert closed_tool_calls(found) == []
    assert flood.growth < 100 * MIB
    assert time.process_time() - start < 10


def test_an_event_in_small_pieces_costs_no_more_than_in_large_ones() -> None:
    """A hundred thousand lines of one event: each was joined to all before it."""
    decoder = SSEDecoder()
    start = time.process_time()
    for _ in range(LIMIT // len(LINE)):
        decoder.feed(LINE)
    with pytest.raises(TooLong):
        decoder.feed(LINE)
    assert time.process_time() - start < 5


async def test_a_whole_answer_that_never_ends_is_ended(serve: Serve) -> None:
    async with Flood(b'{"choices": [{"message": {"content": "', b"x" * 65536) as flood:
        service = await serve(configuration(flood.url))
        start = time.process_time()
        answer = await service.post()
        assert await flood.is_left()

    assert (answer.status, answer.error["type"]) == (502, "api_error")
    assert flood.growth < 250 * MIB
    assert time.process_time() - start < 3


async def test_an_error_that_never_ends_is_ended(serve: Serve) -> None:
    async with Flood(b"", b"<p>no</p>" * 1000, status=500) as flood:
        answer = await (await serve(configuration(flood.url))).post()
        assert await flood.is_left()

    assert (answer.status, answer.error["type"]) == (500, "api_error")
    assert flood.growth < 20 * MIB


async def test_others_are_served_while_one_upstream_floods(serve: Serve) -> None:
    slowest = 0.0
    async with Flood(LINE, LINE * 1024) as flood:
        service = await serve(configuration(flood.url))
        flooding = asyncio.create_task(service.stream())
        while not flooding.done():
            start = time.thread_time()  # of this thread: whatever else this machine does
            await service.get("/health")
            slowest = max(slowest, time.thread_time() - start)

    assert (await flooding).error["type"] == "api_error"
    assert slowest < 0.5


# ---- odd ends


@pytest.mark.parametrize("reason", ["error", "network_error", "abort"])
async def test_a_finish_that_says_it_failed(service: Service, upstream: FakeUpstream, reason: str) -> None:
    upstream.play(stream(text("Hi"), tool_call(0, "a", "Bash", '{"command": "ls"}'), finish(reason), DONE))
    found = await streamed(service)

    check_grammar(found)
    assert found[-1].name == "error"
    assert closed_tool_calls(found) == []


async def test_nothing_is_said_after_the_end(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(stream(text("Hi"), finish(), DONE, text("more"), chunk({"content": "and more"}), DONE))
    found = await streamed(service)

    assert (names(found).count("message_stop"), text_in(found)) == (1, "Hi")


async def test_a_stop_sequence_ends_the_answer_and_the_upstream(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(stream(text("one ST"), text("OP two"), Hold(threading.Event())))
    answer = await service.post(body=hello(stream=True, stop_sequences=["STOP"]))

    found = told(answer.status, answer.body)
    check_grammar(found)
    assert (text_in(found), found[-2].data["delta"]["stop_sequence"]) == ("one ", "STOP")
    assert await asyncio.to_thread(upstream.requests[0].hung_up.wait, 8)
