"""F21 to F33: the upstream answers, but with no answer."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from tests.fake_upstream import DONE, finish, text
from tests.proxy.conftest import Serve, configuration
from tests.proxy.fake_clock import FakeClock
from tests.proxy.faults.scripted import CLOSE, END, HEAD, SILENCE, Script, Scripted, sse, whole
from tests.proxy.talk import KEY, Answer, check_grammar, events, eventually, text_in


def said(status: str, message: str, *headers: str, code: str | None = None) -> Script:
    """An error as OpenAI words it."""
    return whole(json.dumps({"error": {"message": message, "code": code}}).encode(), status, *headers)


async def told(serve: Serve, script: Script, *, streamed: bool = True) -> Answer:
    """What the client is told, of one request."""
    async with Scripted(script) as upstream:
        service = await serve(configuration(upstream.url))
        answer = await (service.stream() if streamed else service.post())
        assert len(upstream.requests) == 1
    return answer


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
async def test_f21_the_key_is_refused(serve: Serve, status: str) -> None:
    answer = await told(serve, said(status, f"Incorrect API key provided: {KEY}"))

    assert (answer.status, answer.error["type"]) == (401, "authentication_error")
    assert answer.headers["x-should-retry"] == "false"
    assert "fake refused the key" in answer.error["message"]
    assert KEY.encode() not in answer.body


WAITS = {
    "seconds": (("retry-after: 12",), "12", None),
    "minutes": (("retry-after: 300",), "300", "false"),
    "a date": (
        ("retry-after: Wed, 21 Oct 2026 07:28:00 GMT", "date: Wed, 21 Oct 2026 07:27:30 GMT"), "30", None,
    ),
    "nothing": ((), None, None),
}  # fmt: skip


@pytest.mark.parametrize("what", WAITS)
async def test_f22_limited(serve: Serve, what: str) -> None:
    headers, seconds, retry = WAITS[what]
    answer = await told(serve, said("429 Too Many Requests", "slow down", *headers))

    assert (answer.status, answer.error["type"]) == (429, "rate_limit_error")
    assert (answer.headers.get("retry-after"), answer.headers.get("x-should-retry")) == (seconds, retry)


async def test_f22_limited_for_a_moment(serve: Serve, clock: FakeClock) -> None:
    """Two seconds are waited for here, once."""
    limited = said("429 Too Many Requests", "slow down", "retry-after: 2")
    async with Scripted(limited, (*sse(text("Hi"), finish(), DONE), END)) as upstream:
        service = await serve(configuration(upstream.url), clock)
        asking = asyncio.create_task(service.stream())
        await eventually(lambda: clock.pending > 1 and not asking.done() and upstream.requests, "the wait")
        while not asking.done():
            await clock.advance(0.5)
            await asyncio.sleep(0.01)
        assert text_in(events((await asking).body)) == "Hi"
        assert len(upstream.requests) == 2


async def test_f23_out_of_quota(serve: Serve) -> None:
    answer = await told(serve, said("429 Too Many Requests", "You exceeded your quota", code="insufficient_quota"))

    assert (answer.status, answer.error["type"], answer.headers["x-should-retry"]) == (402, "billing_error", "false")


@pytest.mark.parametrize(
    ("status", "told_status", "type"),
    [("500 X", 500, "api_error"), ("502 X", 502, "api_error"), ("503 X", 529, "overloaded_error"),
     ("529 X", 529, "overloaded_error")],
)  # fmt: skip
async def test_f24_broken_or_overloaded(serve: Serve, status: str, told_status: int, type: str) -> None:
    answer = await told(serve, said(status, "try later"))

    assert (answer.status, answer.error["type"]) == (told_status, type)
    assert "x-should-retry" not in answer.headers


PAGE = b"<html><head><title>Hotel WiFi</title></head><body>Please log in</body></html>"
NOT_AN_ANSWER = {
    "a page under 502": whole(PAGE, "502 Bad Gateway", type="text/html"),
    "a page under 200": whole(PAGE, type="text/html"),
    "nothing": whole(b""),
    "an empty stream": (*sse(), END),
}


@pytest.mark.parametrize("what", NOT_AN_ANSWER)
@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "whole"])
async def test_f25_no_answer_at_all(serve: Serve, what: str, streamed: bool) -> None:
    answer = await told(serve, NOT_AN_ANSWER[what], streamed=streamed)

    assert (answer.status, answer.error["type"]) == (502, "api_error")
    assert "page" not in what or "Hotel WiFi" in answer.error["message"]


async def test_f26_the_model_is_unknown(serve: Serve) -> None:
    """A 404 would have Claude Code blame its own model name, and hide the sentence."""
    answer = await told(serve, said("404 Not Found", "The model does not exist", code="model_not_found"))

    assert (answer.status, answer.headers["x-should-retry"]) == (400, "false")
    assert "does not know the model 'fake-model'" in answer.error["message"]
    assert "[models]" in answer.error["message"]


OVERFLOWS = {
    "OpenAI": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
    "vLLM": "This model's maximum context length is 8192 tokens. However, you requested 9001 tokens in the messages.",
    "llama.cpp": "the request exceeds the available context size (8192 tokens), 9001 tokens given",
    "Groq": "Please reduce the length of the messages: 9001 tokens, the limit is 8192",
    "Gemini": "The input token count (9001) exceeds the maximum number of tokens allowed (8192).",
}


@pytest.mark.parametrize("vendor", OVERFLOWS)
async def test_f27_the_prompt_is_too_long(serve: Serve, vendor: str) -> None:
    """The words on which Claude Code compacts the conversation."""
    answer = await told(serve, said("400 Bad Request", OVERFLOWS[vendor]))

    assert answer.status == 400
    assert answer.error["message"] == "prompt is too long: 9001 tokens > 8192 maximum"


@pytest.mark.parametrize("status", ["301 X", "302 X", "307 X", "308 X"])
async def test_f28_a_redirect(serve: Serve, status: str) -> None:
    async with Scripted((SILENCE,)) as elsewhere:
        answer = await told(serve, whole(b"", status, f"Location: {elsewhere.url}"))

        assert (answer.status, answer.headers["x-should-retry"]) == (502, "false")
        assert "base_url" in answer.error["message"]
        assert not elsewhere.requests


async def test_f29_headers_after_half_a_minute(serve: Serve, clock: FakeClock) -> None:
    go_on = asyncio.Event()
    async with Scripted((go_on, *sse(text("Hi"), finish(), DONE), END)) as upstream:
        service = await serve(configuration(upstream.url), clock)
        peer = await service.call(stream=True)
        await eventually(lambda: upstream.requests, "the request")
        await clock.advance(9)
        assert not peer.heard, "a refusal could still have its own status"
        await clock.advance(21)
        await eventually(lambda: b"event: ping" in peer.heard, "a sign of life")
        go_on.set()
        await peer.finished()

    check_grammar(peer.events)
    assert text_in(peer.events) == "Hi"


@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "whole"])
async def test_f30_headers_never(serve: Serve, clock: FakeClock, streamed: bool) -> None:
    async with Scripted((SILENCE,)) as upstream:
        service = await serve(configuration(upstream.url, timeouts={"first_byte": 8}), clock)
        asking = asyncio.create_task(service.stream() if streamed else service.post())
        await eventually(lambda: upstream.requests, "the request")
        await clock.advance(8.1)
        answer = await asking
        await asyncio.wait_for(upstream.left.wait(), 20)

    assert (answer.status, answer.error["type"], answer.headers["x-should-retry"]) == (504, "timeout_error", "false")
    assert "raise first_byte" in answer.error["message"]


HI = b'{"choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}'
STREAM = text("Hi") + finish() + DONE
ODD_HTTP: dict[str, Script] = {
    "a 100 and a 103 before": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
        *sse(STREAM),
        END,
    ),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + STREAM, CLOSE),
    "no content type": (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(STREAM), STREAM),),
    "JSON instead of a stream": whole(HI),
}


@pytest.mark.parametrize("what", ODD_HTTP)
async def test_f31_odd_http(serve: Serve, what: str) -> None:
    answer = await told(serve, ODD_HTTP[what])

    check_grammar(events(answer.body))
    assert text_in(events(answer.body)) == "Hi"


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02", b"SSH-2.0-OpenSSH_9.6\r\n", b"\0" * 100, b"220 smtp\r\n"])
async def test_f32_no_http(serve: Serve, garbage: bytes) -> None:
    start = time.monotonic()
    answer = await told(serve, (garbage, CLOSE))

    assert (answer.status, answer.error["type"]) == (502, "api_error")
    assert time.monotonic() - start < 8


@pytest.mark.parametrize(
    "headers",
    [
        b"X-Long: " + b"x" * 1_000_000 + b"\r\n",
        b"".join(b"X-Header-%d: %0200d\r\n" % (n, n) for n in range(20000)),
    ],
    ids=["a long one", "many"],
)
async def test_f33_headers_without_measure(serve: Serve, headers: bytes) -> None:
    answer = await told(serve, (HEAD[:-2] + headers + b"\r\n", *sse(STREAM)[1:], END))

    assert (answer.status, answer.error["type"]) == (502, "api_error")
