"""Upstreams that do what nobody would expect: the client gets a well-formed answer or an honest error, and soon."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from typing import Any

import pytest

from tests.fake_upstream import DONE, SSE, FakeUpstream, arguments, chunk, finish, role, stream, text, tool_call, whole
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.talk import RawServer, check_grammar, events, names, text_in

Json = dict[str, Any]

TOOLS = [
    {"name": "Write", "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}}},
    {"name": "mcp__" + "x" * 95, "input_schema": {"type": "object", "properties": {}}},
]


def say(*deltas: Json, **more: Any) -> list[bytes]:
    return [chunk(delta, **more) for delta in deltas]


def whole_answer(**fields: Any) -> Json:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    return {"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice]} | fields


def calls(*given: tuple[Any, str, str]) -> Json:
    made = [{"id": id, "type": "function", "function": {"name": name, "arguments": args}} for id, name, args in given]
    choice = {"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": made}}
    return whole_answer(choices=[choice | {"finish_reason": "tool_calls"}])


ODD_BODIES: dict[str, bytes] = {
    "an id that is a number": json.dumps(whole_answer(id=7, created="now", model=None)).encode(),
    "a finish reason that is an object": json.dumps(
        whole_answer(choices=[{"message": {"content": "Hi"}, "finish_reason": {"type": "stop"}}])
    ).encode(),
    "a negative usage": json.dumps(whole_answer(usage={"prompt_tokens": -5, "completion_tokens": -1})).encode(),
    "a huge usage": json.dumps(whole_answer(usage={"prompt_tokens": 10**30, "completion_tokens": 10**40})).encode(),
    "a usage of floats": json.dumps(whole_answer(usage={"prompt_tokens": 1.5, "completion_tokens": 1e300})).encode(),
    "a usage that is no object": json.dumps(whole_answer(usage="none")).encode(),
    "choices in an object": json.dumps(whole_answer(choices={"0": {"message": {"content": "Hi"}}})).encode(),
    "not UTF-8": '{"choices":[{"message":{"content":"für"},"finish_reason":"stop"}]}'.encode("latin-1"),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(whole_answer()).encode(),
    "NaN": b'{"choices":[{"message":{"content":"Hi"},"logprobs":NaN,"finish_reason":"stop"}]}',
    "very deep": b'{"choices":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "half a surrogate": b'{"choices":[{"message":{"content":"\\ud83d"},"finish_reason":"stop"}]}',
    "two calls with one id": json.dumps(
        calls(("same", "Write", '{"text":"a"}'), ("same", "Write", '{"text":"b"}'))
    ).encode(),
    "a call with a number for an id": json.dumps(calls((5, "Write", '{"text":"a"}'))).encode(),
    "a tool name with spaces": json.dumps(calls(("c", " Write file ", '{"text":"a"}'))).encode(),
    "a tool name in another script": json.dumps(calls(("c", "Écrire_文件", "{}"))).encode(),
    "a tool name of a hundred characters": json.dumps(calls(("c", "mcp__" + "x" * 95, "{}"))).encode(),
    "five megabytes of arguments": json.dumps(calls(("c", "Write", json.dumps({"text": "a" * 5_000_000})))).encode(),
    "nothing at all": b"",
    "a bare word": b"OK",
    "a web page": b"<!doctype html><title>Welcome</title>",
    "null": b"null",
}


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def check(status: int, body: bytes, log: pytest.LogCaptureFixture, *, streamed: bool) -> None:
    """Well-formed, or an honest error; nothing of ours broke."""
    assert status != 500, body[:500]
    assert not [record for record in log.records if record.exc_info], "a traceback"
    assert b"Traceback" not in body
    if streamed and status == 200:
        said = events(body)
        check_grammar(said)
        assert names(said)[-1] in ("message_stop", "error")
        usage_is_sane([event.data for event in said])
        return
    found = json.loads(body)
    assert found["type"] in ("message", "error")
    assert found["type"] == "message" if status == 200 else found["error"]["message"]
    usage_is_sane([found])


def usage_is_sane(found: list[Json]) -> None:
    for each in found:
        usage = each.get("usage") or each.get("message", {}).get("usage") or {}
        for name in ("input_tokens", "output_tokens"):
            assert 0 <= usage.get(name, 0) < 10**9, usage


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("body", ODD_BODIES.values(), ids=ODD_BODIES)
async def test_odd_answers(
    service: Service, upstream: FakeUpstream, quiet: pytest.LogCaptureFixture, body: bytes, streamed: bool
) -> None:
    upstream.think(lambda _: whole(body))

    async with asyncio.timeout(20):
        answer = await service.post(body=_request(streamed))

    check(answer.status, answer.body, quiet, streamed=streamed)


def _request(streamed: bool) -> Json:
    content = [{"role": "user", "content": "Hi"}]
    return {"model": "claude-x", "max_tokens": 99, "messages": content, "tools": TOOLS, "stream": streamed}


ODD_STREAMS: dict[str, list[bytes]] = {
    "ten thousand fragments": [
        role(),
        tool_call(0, "c", "Write", '{"text":"'),
        *(arguments(0, "x") for _ in range(10_000)),
        arguments(0, '"}'),
        finish("tool_calls"),
        DONE,
    ],
    "a finish reason that is a list": [role(), text("Hi"), chunk({}, finish_reason=["stop"]), DONE],  # type: ignore[arg-type]
    "ids that are numbers": [*say({"content": "Hi"}, id=5, created=None), finish(), DONE],
    "a delta that is text": [role(), chunk("Hi"), text("Hi"), finish(), DONE],  # type: ignore[arg-type]
    "content that is a number": [role(), *say({"content": 5}), finish(), DONE],
    "tool calls in an object": [role(), *say({"tool_calls": {"0": {"id": "c"}}}), text("Hi"), finish(), DONE],
    "an index that is text": [
        role(),
        *say({"tool_calls": [{"index": "0", "id": "c", "function": {"name": "Write", "arguments": "{}"}}]}),
        finish("tool_calls"),
        DONE,
    ],
    "an index below zero": [
        role(),
        *say({"tool_calls": [{"index": -3, "id": "c", "function": {"name": "Write", "arguments": "{}"}}]}),
        finish("tool_calls"),
        DONE,
    ],
    "two calls with one id": [
        role(),
        tool_call(0, "c", "Write", '{"text":"a"}'),
        tool_call(1, "c", "Write", '{"text":"b"}'),
        finish("tool_calls"),
        DONE,
    ],
    "usage in every chunk, each another": [
        *say({"content": "a"}, usage={"prompt_tokens": 5, "completion_tokens": -1}),
        *say({"content": "b"}, usage={"prompt_tokens": 10**25, "completion_tokens": 2.7}),
        *say({"content": "c"}, usage=[]),
        finish(),
        DONE,
    ],
    "a retry and comments": [b": hi\n\nretry: 5\n\nid: 9\n\n", role(), text("Hi"), b":\n" * 5000, finish(), DONE],
    "the end first": [DONE, text("Hi"), finish()],
    "an error that is a number": [role(), text("Hi"), b'data: {"error": 5}\n\n', DONE],
}


@pytest.mark.parametrize(
    "kind", [SSE, "application/json", "text/plain; charset=latin-1", "application/octet-stream", ""]
)
async def test_odd_content_types(
    service: Service, upstream: FakeUpstream, quiet: pytest.LogCaptureFixture, kind: str
) -> None:
    """What comes is looked at, not what it's called."""
    headers = {"Content-Type": kind}
    upstream.play(stream(role(), text("Hi"), finish(), DONE, headers=headers))

    answer = await service.post(body=_request(streamed=True))

    check(answer.status, answer.body, quiet, streamed=True)
    assert text_in(events(answer.body)) == "Hi"


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("pieces", ODD_STREAMS.values(), ids=ODD_STREAMS)
async def test_odd_streams(
    service: Service, upstream: FakeUpstream, quiet: pytest.LogCaptureFixture, pieces: list[bytes], streamed: bool
) -> None:
    upstream.think(lambda _: stream(*pieces))

    async with asyncio.timeout(30):
        answer = await service.post(body=_request(streamed))

    check(answer.status, answer.body, quiet, streamed=streamed)


BODY = json.dumps(whole_answer()).encode()
HTTP: dict[str, bytes] = {
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + BODY,
    "gzip though identity was asked": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
    % (len(gzip.compress(BODY)), gzip.compress(BODY)),
    "chunks with a trailer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n"
    b"%x\r\n%b\r\n0\r\nx-sum: 5\r\n\r\n" % (len(BODY), BODY),
    "a length that is too long": b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + BODY,
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n" + BODY,
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a header without end": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n" + BODY,
    "a latin-1 error": "HTTP/1.1 400 Non\r\nContent-Type: text/plain; charset=latin-1\r\n\r\nmodèle inconnu".encode(
        "latin-1"
    ),
    "a latin-1 reason": "HTTP/1.1 503 Indisponible é\r\nContent-Length: 0\r\n\r\n".encode("latin-1"),
    "an error of a megabyte": b"HTTP/1.1 400 No\r\n\r\n" + b'{"error":{"message":"' + b"x" * 1_000_000 + b'"}}',
    "an error without a body": b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n",
    "a status of its own": b"HTTP/1.1 999 Go away\r\nContent-Length: 0\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("said", HTTP.values(), ids=HTTP)
async def test_odd_http(serve: Serve, quiet: pytest.LogCaptureFixture, said: bytes, streamed: bool) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()

    async with RawServer(speak) as raw:
        service = await serve(configuration(raw.url))
        async with asyncio.timeout(20):
            answer = await service.post(body=_request(streamed))

    check(answer.status, answer.body, quiet, streamed=streamed)
    assert len(answer.body) < 20_000, "a long error is shortened"


async def test_comments_for_ever_end_with_the_client(serve: Serve) -> None:
    """An upstream that only says that it lives is waited for, and left when the client leaves."""
    left = asyncio.Event()

    async def live(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        try:
            while True:
                writer.write(b": OPENROUTER PROCESSING\n\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            left.set()

    async with RawServer(live) as raw:
        service = await serve(configuration(raw.url))
        peer = await service.call(stream=True)
        await asyncio.sleep(0.2)
        peer.slam()
        await asyncio.wait_for(left.wait(), 10)
