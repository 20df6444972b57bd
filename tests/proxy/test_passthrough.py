"""``api = "anthropic"``: what comes out at the other end of the service, byte for byte."""

from __future__ import annotations

import asyncio
import json
import threading
from io import BytesIO
from typing import Any

import pytest

from c2o.proxy.counting import SILENT_FOR
from tests.anthropic_answers import as_asked, call, event, message, refusal, start, stream_of, streamed, text
from tests.fake_upstream import BREAK, CUT, FakeUpstream, Hold, Request, error, whole
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import (
    KEY,
    Answer,
    Json,
    RawServer,
    check_grammar,
    events,
    eventually,
    hello,
    names,
    request,
    unchunked,
)

ODD = (
    b'\r\n{"x-new" :[1e400, 12345678901234567890123, "\\u0000\\ud83c\\udf89"],\t"model":"claude-sonnet-5",'
    b'"messages": [{"role":"user","content":"\\"model\\": \\"claude-sonnet-5\\" \\u00e9 \xc3\xa9"}] ,'
    b'"max_tokens":1000 , "stream" : true, "metadata":{"model":"claude-sonnet-5"}}  '
)


JSON = "application/json"
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})


@pytest.fixture
async def service(serve: Serve, upstream: FakeUpstream) -> Service:
    return await serve(configuration(upstream.base_url, api="anthropic"))


async def sent(service: Service, body: bytes, **headers: str) -> Answer:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return await service.ask("POST", "/v1/messages", data=BytesIO(body), headers={"Content-Type": JSON} | more)


async def test_on_the_wire_only_the_models_name_and_the_headers_of_ours_differ(serve: Serve) -> None:
    """Against bare TCP, so that nobody reads the bytes but this test."""
    said = b"".join(stream_of(message(text("Grüße 🎉"))))
    asked = bytearray()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        asked.extend(head + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(said), 11):
            piece = said[at : at + 11]
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await reader.read()

    async with RawServer(answer) as raw:
        service = await serve(configuration(f"http://127.0.0.1:{raw.port}/anthropic", headers={"x-team": "blue"}))
        peer = await service.connect()
        heard = await peer.answer_to(request("/v1/messages?beta=true", ODD, host=service.host, anthropic_beta="a,b"))

    head, _, body = bytes(asked).partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert body == ODD.replace(b'"claude-sonnet-5","messages"', b'"fake-model","messages"')
    assert line == "POST /anthropic/v1/messages HTTP/1.1"
    assert dict(each.lower().split(": ", 1) for each in headers) == {
        "host": f"127.0.0.1:{raw.port}",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "accept": "application/json, text/event-stream",
        "accept-encoding": "identity",
        "user-agent": next(each for each in headers if each.startswith("User-Agent: c2o/"))[12:],
        "authorization": f"bearer {KEY}",
        "anthropic-version": "2023-06-01",
        "x-team": "blue",
    }
    got = unchunked(heard.partition(b"\r\n\r\n")[2])
    first, rest = said.split(b"\n\n", 1)
    assert got == first.replace(b'"fake-model"', b'"claude-sonnet-5"') + b"\n\n" + rest


async def test_anthropic_itself_gets_its_header_and_the_clients_betas(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configuration(upstream.base_url, api="anthropic", dialect="anthropic"))
    upstream.think(lambda request: as_asked(request, message(text("Hi"))))

    await sent(service, ODD, anthropic_version="2026-10-21", anthropic_beta="one-2026,two-2026")

    (asked,) = upstream.requests
    assert asked.headers["x-api-key"] == KEY
    assert "authorization" not in asked.headers
    assert (asked.headers["anthropic-version"], asked.headers["anthropic-beta"]) == ("2026-10-21", "one-2026,two-2026")


async def test_a_header_of_the_configuration_wins(serve: Serve, upstream: FakeUpstream) -> None:
    given = {"anthropic-version": "2023-01-01"}
    service = await serve(configuration(upstream.base_url, api="anthropic", headers=given))
    upstream.think(lambda request: as_asked(request, message(text("Hi"))))

    await sent(service, ODD, anthropic_version="2026-10-21")

    assert upstream.requests[0].headers["anthropic-version"] == "2023-01-01"


async def test_a_whole_answer(service: Service, upstream: FakeUpstream) -> None:
    of = message(text("Hi"), call("Bash", {"command": "ls"}), {"type": "of_tomorrow", "x": 1.10})
    upstream.play(whole(of))

    answer = await service.post(body=hello())

    assert answer.status == 200
    assert answer.body == json.dumps(of | {"model": "claude-sonnet-5"}, ensure_ascii=False).encode()


async def test_limits_of_the_upstream_are_passed_on(service: Service, upstream: FakeUpstream) -> None:
    given = {"anthropic-ratelimit-tokens-remaining": "17"}
    upstream.play(whole(message(text("Hi")), headers=given), refusal(429, "rate_limit_error", "slow", retry_after="30"))

    answer, refused = await service.post(), await service.post()

    assert answer.headers["anthropic-ratelimit-tokens-remaining"] == "17"
    assert (refused.status, refused.headers["retry-after"]) == (429, "30")
    assert refused.error == {"type": "rate_limit_error", "message": "slow"}


async def test_no_cache_is_warmed_where_nobody_knows_how(serve: Serve, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: whole(message(stop_reason="max_tokens")))
    for dialect, asked in (("generic", 0), ("anthropic", 1)):
        service = await serve(configuration(upstream.base_url, api="anthropic", dialect=dialect))

        answer = await service.post(body=hello(max_tokens=0))

        assert (answer.status, answer.json["stop_reason"]) == (200, "max_tokens")
        assert len(upstream.requests) == asked


# ---- what goes wrong


FAULTS: list[Any] = [
    pytest.param(streamed(*stream_of(message(text("Hi")))[:3], BREAK), 200, "api_error", id="reset"),
    pytest.param(streamed(*stream_of(message(text("Hi")))[:3], b'event: content_block_delta\ndata: {"ty', CUT), 200,
                 "api_error", id="cut in an event"),
    pytest.param(streamed(), 502, "api_error", id="nothing at all"),
    pytest.param(streamed(start(message()), OVERLOADED),
                 200, "overloaded_error", id="overloaded in the stream"),
    pytest.param(streamed(OVERLOADED), 529,
                 "overloaded_error", id="overloaded at once"),
    pytest.param(refusal(529, "overloaded_error", "Overloaded"), 529, "overloaded_error", id="529"),
    pytest.param(refusal(429, "rate_limit_error", "slow down"), 429, "rate_limit_error", id="429"),
    pytest.param(refusal(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"), 400,
                 "invalid_request_error", id="too long"),
    pytest.param(whole(b"<html><title>Bad gateway</title></html>", 502, {"content-type": "text/html"}), 502,
                 "api_error", id="an error page"),
    pytest.param(whole(b"<html><title>Sign in</title></html>", 200, {"content-type": "text/html"}), 502, "api_error",
                 id="a login page"),
    pytest.param(error(400, "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens"),
                 400, "invalid_request_error", id="an error in OpenAI's shape"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "status", "type"), FAULTS)
async def test_a_fault(service: Service, upstream: FakeUpstream, fault: Any, status: int, type: str) -> None:
    upstream.play(fault)

    answer = await service.stream()

    assert answer.status == status
    if status == 200:
        told = events(answer.body)
        check_grammar(told)
        assert names(told).count("error") == 1
        assert told[-1].data["error"]["type"] == type
    else:
        assert answer.error["type"] == type


async def test_a_refused_key_is_not_the_persons_login(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(refusal(401, "authentication_error", f"invalid x-api-key {KEY}"))

    answer = await service.stream()

    assert (answer.status, answer.headers["x-should-retry"]) == (401, "false")
    assert KEY not in answer.error["message"]
    assert "fake refused the key" in answer.error["message"]


async def test_signs_of_life_stand_between_events(serve: Serve, upstream: FakeUpstream, clock: FakeClock) -> None:
    service = await serve(configuration(upstream.base_url, api="anthropic"), clock)
    first, second, third, *rest = stream_of(message(text("Hello")))
    held = threading.Event()
    upstream.play(streamed(first, second, third[:30], Hold(held), third[30:], *rest))
    peer = await service.call(stream=True)
    await eventually(lambda: b"content_block_start" in peer.heard, "the beginning")
    await clock.advance(11)
    await eventually(lambda: b'{"type":"ping"}' in peer.heard, "a ping")
    held.set()
    await peer.finished()

    told = peer.events
    check_grammar(told)
    assert names(told)[2] == "ping"


# ---- counting


async def test_a_local_upstream_counts_for_itself(service: Service, upstream: FakeUpstream) -> None:
    def count(request: Request) -> Any:
        assert request.path.endswith("/v1/messages/count_tokens")
        assert request.json == {"model": "fake-model", "messages": hello()["messages"], "tools": []}
        return whole({"input_tokens": 4321})

    upstream.think(count)
    body: Json = {"model": "claude-sonnet-5", "messages": hello()["messages"], "tools": []}

    for _ in range(2):
        assert (await service.post("/v1/messages/count_tokens", body)).json == {"input_tokens": 4321}
    assert len(upstream.requests) == 1


async def test_one_that_can_not_is_left_alone(serve: Serve, upstream: FakeUpstream, clock: FakeClock) -> None:
    service = await serve(configuration(upstream.base_url, api="anthropic"), clock)
    upstream.play(refusal(404, "not_found_error", "no such path"))

    for _ in range(2):
        answer = await service.post("/v1/messages/count_tokens", hello())
        assert answer.json["input_tokens"] > 0
    assert len(upstream.requests) == 1
    await clock.advance(SILENT_FOR)
    upstream.play(whole({"input_tokens": 77}))
    assert (await service.post("/v1/messages/count_tokens", hello())).json == {"input_tokens": 77}
