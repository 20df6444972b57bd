"""F34 to F48: an answer has begun, and then."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

from tests.fake_upstream import DONE, arguments, chunk, event, finish, role, text, tool_call
from tests.proxy.conftest import Serve, configuration
from tests.proxy.fake_clock import FakeClock
from tests.proxy.faults.scripted import CLOSE, END, HEAD, RESET, SILENCE, Piece, Script, Scripted, sse
from tests.proxy.faults.scripted import chunk as framed
from tests.proxy.talk import Event, check_grammar, eventually, hello, names, text_in, told

BASH = {
    "name": "Bash",
    "input_schema": {
        "type": "object",
        "properties": {"command": {"type": "string"}, "timeout": {"type": "integer"}},
        "required": ["command"],
    },
}


async def heard(serve: Serve, script: Script, **limits: Any) -> list[Event]:
    """What the client hears of the stream; it is in order, and the upstream was asked once."""
    async with Scripted(script) as upstream:
        service = await serve(configuration(upstream.url, **limits))
        answer = await service.post(body=hello(stream=True, tools=[BASH]))
        assert len(upstream.requests) == 1
    found = told(answer.status, answer.body)
    check_grammar(found)
    return found


def calls(found: list[Event]) -> list[Json]:
    """The tool calls that were closed, with their whole input: Claude Code runs these."""
    starts = {each.data["index"]: each.data["content_block"] for each in found if each.name == "content_block_start"}
    closed = [each.data["index"] for each in found if each.name == "content_block_stop"]
    return [
        starts[index] | {"input": json.loads(_input(found, index) or "{}")}
        for index in closed
        if starts[index]["type"] == "tool_use"
    ]


Json = dict[str, Any]


def _input(found: list[Event], index: int) -> str:
    deltas = [e.data["delta"] for e in found if e.name == "content_block_delta" and e.data["index"] == index]
    return "".join(delta["partial_json"] for delta in deltas)


def failed(found: list[Event], type: str = "api_error") -> bool:
    """An error, no end of the message, and no call that could be run."""
    assert found[-1].name == "error", names(found)
    assert found[-1].data["error"]["type"] == type
    assert not {"message_stop", "message_delta"} & set(names(found))
    assert not calls(found)
    return True


STORY = [
    role(), text("I will "), text("look."), tool_call(0, "call_a", "Bash", '{"comm'), arguments(0, 'and": "rm -rf bu'),
    arguments(0, 'ild"}'), finish("tool_calls"), DONE,
]  # fmt: skip
FINISHED = 6


@pytest.mark.parametrize("count", range(FINISHED + 1))
async def test_f34_reset_after_any_event(serve: Serve, count: int) -> None:
    assert failed(await heard(serve, (*sse(*STORY[:count]), RESET)))


@pytest.mark.parametrize("count", range(FINISHED + 1))
@pytest.mark.parametrize("end", [CLOSE, END], ids=["connection", "framing"])
async def test_f35_the_end_without_a_finish(serve: Serve, count: int, end: Piece) -> None:
    assert failed(await heard(serve, (*sse(*STORY[:count]), end)))


@pytest.mark.parametrize("end", [CLOSE, END, RESET], ids=["connection", "framing", "reset"])
async def test_f36_the_end_after_a_finish_is_the_end(serve: Serve, end: Piece) -> None:
    """All has been said, but for ``[DONE]``."""
    found = await heard(serve, (*sse(*STORY[: FINISHED + 1]), end))

    assert found[-1].name == "message_stop"
    assert [call["input"] for call in calls(found)] == [{"command": "rm -rf build"}]


@pytest.mark.parametrize(
    ("code", "type"), [(429, "rate_limit_error"), (503, "overloaded_error"), (None, "api_error"), (401, "api_error")]
)
async def test_f37_an_error_in_the_stream(serve: Serve, code: int | None, type: str) -> None:
    error = event({"error": {"message": "Sorry", "code": code}})
    found = await heard(serve, (*sse(text("Hi"), error, text("no more"), finish(), DONE), END))

    assert (found[-1].name, text_in(found)) == ("error", "Hi")
    assert "Sorry" in found[-1].data["error"]["message"]
    assert found[-1].data["error"]["type"] in (type, "authentication_error")


async def test_f38_a_stall(serve: Serve, clock: FakeClock) -> None:
    async with Scripted(sse(text("Hi"), SILENCE)) as upstream:
        service = await serve(configuration(upstream.url, timeouts={"idle": 60, "first_byte": 60}), clock)
        peer = await service.call(stream=True)
        await eventually(lambda: b"Hi" in peer.heard, "the first word")
        await clock.advance(59)
        assert peer.heard.count(b"event: ping") >= 5
        assert b"event: error" not in peer.heard
        await clock.advance(2)
        await peer.finished()
        await asyncio.wait_for(upstream.left.wait(), 20)

    check_grammar(peer.events)
    assert (peer.events[-1].name, text_in(peer.events)) == ("error", "Hi")
    assert "raise idle" in peer.events[-1].data["error"]["message"]


PLAIN = HEAD.replace(b"Transfer-Encoding: chunked\r\n", b"")
BROKEN_FRAMING: dict[str, Script] = {
    "a length that isn't reached": (PLAIN[:-2] + b"Content-Length: 5000\r\n\r\n" + text("Hi"), CLOSE),
    "a size that is none": (*sse(text("Hi")), b"zz\r\n" + text("no") + b"\r\n", CLOSE),
    "a chunk that ends early": (*sse(text("Hi")), b"ffff\r\ndata: ", CLOSE),
}


@pytest.mark.parametrize("what", BROKEN_FRAMING)
async def test_f39_broken_framing(serve: Serve, what: str) -> None:
    assert failed(await heard(serve, BROKEN_FRAMING[what]))


async def test_f39_packed_unasked(serve: Serve) -> None:
    packed = gzip.compress(text("Hi") * 100)[:-20]
    head = HEAD.replace(b"Transfer", b"Content-Encoding: gzip\r\nTransfer")

    assert failed(await heard(serve, (head, framed(packed), CLOSE)))


ODD_TEXT = {
    "cut characters": ([text("€😀")[:n + 1][n:] for n in range(len(text("€😀")))], "€😀"),
    "no UTF-8": ([text("a€b").replace("€".encode(), b"\xe2\x82")], "a\ufffdb"),
    "a lone surrogate": ([b'data: {"choices":[{"delta":{"content":"a\\ud83db"}}]}\n\n'], "a\ufffdb"),
    "a pair of surrogates in two pieces": (
        [b'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\n',
         b'data: {"choices":[{"delta":{"content":"\\ude00"}}]}\n\n'],
        "😀",
    ),
    "a byte-order mark": ([b"\xef\xbb\xbf" + text("ab")], "ab"),
    "NUL": ([text("a\0b")], "a\0b"),
}  # fmt: skip


@pytest.mark.parametrize("what", ODD_TEXT)
async def test_f40_text_that_is_none(serve: Serve, what: str) -> None:
    pieces, expected = ODD_TEXT[what]
    found = await heard(serve, (*sse(*pieces, finish(), DONE), END))

    assert (found[-1].name, text_in(found)) == ("message_stop", expected)


@pytest.mark.parametrize("line", [b'data: {"choices": [{"delta": {"content"\n\n', b"data: [1, 2\n\n"])
async def test_f41_a_line_of_broken_json(serve: Serve, line: bytes) -> None:
    found = await heard(serve, (*sse(text("Hi"), line, text("more"), finish(), DONE), END))

    assert (found[-1].name, text_in(found)) == ("error", "Hi")


NOISE = [b": OPENROUTER PROCESSING\n\n", b":\n\n", b"event: ping\ndata: {}\n\n", b"data:\n\n", b"data: hello\n\n"]


@pytest.mark.parametrize("noise", NOISE)
async def test_f42_noise(serve: Serve, noise: bytes) -> None:
    found = await heard(serve, (*sse(noise, text("Hi"), noise, finish(), noise, DONE), END))

    assert (found[-1].name, text_in(found)) == ("message_stop", "Hi")


async def test_f42_comments_are_signs_of_life(serve: Serve, clock: FakeClock) -> None:
    """For them and from us: the client is pinged meanwhile."""
    go_on = [asyncio.Event() for _ in range(5)]
    comments = [piece for each in go_on for piece in (each, b": PROCESSING\n\n")]
    async with Scripted((*sse(*comments, text("Hi"), finish(), DONE), END)) as upstream:
        service = await serve(configuration(upstream.url, timeouts={"first_byte": 200, "idle": 50}), clock)
        peer = await service.call(stream=True)
        await eventually(lambda: upstream.requests, "the request")
        for each in go_on:
            await clock.advance(30)
            each.set()
            await asyncio.sleep(0.05)
        await peer.finished()

    assert peer.heard.count(b"event: ping") >= 10
    assert text_in(peer.events) == "Hi"


LINES = b"".join([role(), text("Hi "), text("there"), finish(), DONE])
SPELLINGS: dict[str, list[bytes]] = {
    "CRLF": [LINES.replace(b"\n", b"\r\n")],
    "CR": [LINES.replace(b"\n", b"\r")],
    "no space": [LINES.replace(b"data: ", b"data:")],
    "names": [LINES.replace(b"data: ", b"event: message\ndata: ")],
    "byte by byte": [LINES[n : n + 1] for n in range(len(LINES))],
    "all in one": [LINES],
    "cut in lines": LINES.splitlines(keepends=True),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_f43_every_spelling_of_a_stream(serve: Serve, spelling: str) -> None:
    found = await heard(serve, (*sse(*SPELLINGS[spelling]), END))

    assert (found[-1].name, text_in(found)) == ("message_stop", "Hi there")


async def test_f43_a_thousand_events_in_one_piece(serve: Serve) -> None:
    found = await heard(serve, (*sse(b"".join([text("x")] * 1000 + [finish(), DONE])), END))

    assert text_in(found) == "x" * 1000


def piece(**call: Any) -> bytes:
    return chunk({"tool_calls": [call]})


NAMED = {"name": "Bash", "arguments": ""}
ODD_CALLS: dict[str, tuple[list[bytes], list[Json]]] = {
    "no id": ([piece(index=0, function=NAMED | {"arguments": '{"command":"ls"}'})], [{"command": "ls"}]),
    "no index": ([piece(id="a", function=NAMED | {"arguments": '{"command":"ls"}'})], [{"command": "ls"}]),
    "the name later": (
        [piece(index=0, id="a"), piece(index=0, function=NAMED), arguments(0, '{"command":"ls"}')],
        [{"command": "ls"}],
    ),
    "two with one index": (
        [tool_call(0, "a", "Bash", '{"command":"ls"}'), tool_call(0, "b", "Bash", '{"command":"pwd"}')],
        [{"command": "ls"}, {"command": "pwd"}],
    ),
    "closers missing": ([tool_call(0, "a", "Bash", '{"command":"ls"')], [{"command": "ls"}]),
}


@pytest.mark.parametrize("what", ODD_CALLS)
async def test_f44_odd_calls(serve: Serve, what: str) -> None:
    said, inputs = ODD_CALLS[what]
    found = await heard(serve, (*sse(*said, finish("tool_calls"), DONE), END))

    assert [call["input"] for call in calls(found)] == inputs
    assert len({call["id"] for call in calls(found)}) == len(inputs)


@pytest.mark.parametrize("cut", range(1, len('{"command":"rm -rf build"}')))
async def test_f44_arguments_that_are_cut_off_are_not_run(serve: Serve, cut: int) -> None:
    said = tool_call(0, "a", "Bash", '{"command":"rm -rf build"}'[:cut])

    assert failed(await heard(serve, (*sse(said), RESET)))


async def test_f45_half_an_hour_for_the_prompt(serve: Serve, clock: FakeClock) -> None:
    go_on = asyncio.Event()
    async with Scripted((go_on, *sse(text("At last"), finish(), DONE), END)) as upstream:
        service = await serve(configuration(upstream.url), clock)
        peer = await service.call(stream=True)
        await eventually(lambda: upstream.requests, "the request")
        quiet = 0.0
        for _ in range(180):
            before = len(peer.heard)
            await clock.advance(10)
            quiet = 0.0 if len(peer.heard) > before else quiet + 10
            assert quiet <= 20, "Claude Code warns after 20 s"
        go_on.set()
        await peer.finished()
        assert len(upstream.requests) == 1

    check_grammar(peer.events)
    assert text_in(peer.events) == "At last"
    assert sum(each.name == "message_delta" for each in peer.events) >= 8, "what clients parse"


ENDLESS = {
    "a line": (b"data: ", b"x" * 65536),
    "the input of a call": (tool_call(0, "a", "Bash", '{"command": "'), arguments(0, "x" * 65536)),
}


@pytest.mark.parametrize("what", ENDLESS)
async def test_f46_no_end_of_it(serve: Serve, what: str) -> None:
    first, more = ENDLESS[what]
    found = await heard(serve, sse(first, *[more] * 2000))

    assert failed(found)


async def test_f46_no_end_of_comments(serve: Serve, clock: FakeClock) -> None:
    turns = [asyncio.Event() for _ in range(60)]
    comments = [piece for each in turns for piece in (each, b": PROCESSING\n\n")]
    async with Scripted(sse(*comments, SILENCE)) as upstream:
        service = await serve(configuration(upstream.url, timeouts={"first_byte": 100, "idle": 20}), clock)
        peer = await service.call(stream=True)
        await eventually(lambda: upstream.requests, "the request")
        for turn in turns:
            turn.set()
            await asyncio.sleep(0.01)
            if not peer.complete:
                await clock.advance(5)
        await peer.finished()

    assert peer.events[-1].name == "error"
    assert "nothing but signs of life" in peer.events[-1].data["error"]["message"]


ODD_ENDS: dict[str, list[bytes]] = {
    "no usage": [finish(), DONE],
    "a negative one": [event({"choices": [], "usage": {"prompt_tokens": -5, "completion_tokens": -1}})],
    "texts": [event({"choices": [], "usage": {"prompt_tokens": "12", "completion_tokens": "x"}})],
    "null": [event({"choices": [], "usage": None})],
    "a list": [event({"choices": [], "usage": [1]})],
    "an unknown finish": [finish("because")],
    "a null finish, then one": [chunk({}, finish=None), finish()],
}


@pytest.mark.parametrize("what", ODD_ENDS)
async def test_f47_odd_counts_and_ends(serve: Serve, what: str) -> None:
    found = await heard(serve, (*sse(text("Hi"), finish(), *ODD_ENDS[what], DONE), END))

    (delta,) = [each.data for each in found if each.name == "message_delta"]
    assert delta["delta"]["stop_reason"] == "end_turn"
    assert all(type(count) is int and count >= 0 for count in delta["usage"].values() if not isinstance(count, dict))
    assert delta["usage"]["output_tokens"] > 0


@pytest.mark.parametrize("more", [text("more"), event({"error": {"message": "late"}}), b"garbage\n\n", b"data: {\n\n"])
async def test_f48_words_after_the_end(serve: Serve, more: bytes) -> None:
    hi = sse(text("Hi"), finish(), DONE)
    async with Scripted((*hi, framed(more), SILENCE), (*hi, END)) as upstream:
        service = await serve(configuration(upstream.url))
        answers = [await service.stream() for _ in range(2)]

        assert [text_in(told(each.status, each.body)) for each in answers] == ["Hi", "Hi"]
        assert len(upstream.connections) == 2, "a connection that isn't in order isn't used again"
