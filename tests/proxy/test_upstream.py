"""The calls that go out: to whom, with what, and what becomes of it when they fail."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from c2o import __version__
from tests.fake_upstream import (
    BREAK,
    CUT,
    DONE,
    Answer,
    Delay,
    FakeUpstream,
    Hold,
    Reply,
    error,
    finish,
    role,
    stream,
    text,
    usage,
    whole,
)
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import KEY, TOKEN, RawServer, check_grammar, events, eventually, hello, names, text_in


class Saying(RawServer):
    """A server that says exactly these bytes to whoever comes, once it has heard ``after``."""

    def __init__(self, said: bytes, after: bytes = b"\r\n\r\n") -> None:
        super().__init__(self.say)
        self.calls: list[bytes] = []
        self._said, self._after = said, after

    async def say(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls.append(await reader.readuntil(self._after))
        writer.write(self._said)
        await writer.drain()


# ---- what goes out


CANARY = "canary-5f3a"
CLIENT_HEADERS: list[dict[str, str]] = [
    {},
    {"Authorization": f"Bearer {TOKEN}"},
    {"Authorization": f"Bearer {CANARY}", "Cookie": f"session={CANARY}", "Proxy-Authorization": f"Basic {CANARY}"},
    {
        "User-Agent": f"claude-cli/2.1.329 {CANARY}",
        "x-app": CANARY,
        "anthropic-beta": CANARY,
        "anthropic-version": CANARY,
    },
    {"X-Forwarded-For": CANARY, "Forwarded": f"for={CANARY}", "Via": CANARY, "Referer": f"http://{CANARY}/"},
    {
        "x-claude-code-session-id": CANARY,
        "X-Stainless-Retry-Count": "3",
        "X-Stainless-Lang": CANARY,
        "traceparent": CANARY,
    },
    {"Accept-Encoding": "gzip, br, zstd", "Accept": "text/html", "Accept-Language": CANARY, "TE": "trailers"},
    {"api-key": CANARY, "x-goog-api-key": CANARY, "X-Upstream-Base-Url": f"http://{CANARY}/", "x-c2o-upstream": CANARY},
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("headers", CLIENT_HEADERS)
async def test_nothing_of_the_client_s_headers_goes_out(
    service: Service, upstream: FakeUpstream, headers: dict[str, str], streamed: bool
) -> None:
    upstream.play(Reply(text="Hi"))
    await service.post(f"/v1/messages?beta=true&{CANARY}=1", hello(stream=streamed), headers=headers)
    sent = upstream.requests[0]

    assert sent.headers == {
        "host": f"127.0.0.1:{upstream.port}",
        "authorization": f"Bearer {KEY}",
        "content-type": "application/json",
        "content-length": str(len(sent.body)),
        "accept": "application/json, text/event-stream",
        "accept-encoding": "identity",
        "user-agent": f"c2o/{__version__}",
    }
    assert sent.path == "/v1/chat/completions"
    assert CANARY.encode() not in sent.body


OVERRIDES = [
    "base_url",
    "api_base",
    "api_key",
    "api",
    "upstream",
    "endpoint",
    "url",
    "provider",
    "extra_headers",
    "extra_body",
    "headers",
    "proxy",
    "custom_llm_provider",
    "host",
    "metadata",
    "mcp_servers",
    "container",
]


async def test_no_field_of_a_request_leads_elsewhere(
    service: Service, upstream: FakeUpstream, canary: FakeUpstream
) -> None:
    """The destination comes from the configuration alone."""
    upstream.think(lambda _: Reply(text="Hi"))
    for field in OVERRIDES:
        await service.post(body=hello(**{field: canary.base_url}), params={field: canary.base_url})
        await service.post(
            body=hello(**{field: {"url": canary.base_url}}), headers={f"x-{field.replace('_', '-')}": canary.base_url}
        )
    await service.post(body=hello(model=f"{canary.base_url}/model"))

    assert len(upstream.requests) > len(OVERRIDES)
    assert canary.requests == []


async def test_an_image_s_url_is_not_fetched_by_us(
    service: Service, upstream: FakeUpstream, canary: FakeUpstream
) -> None:
    image = {"type": "image", "source": {"type": "url", "url": f"{canary.url}/cat.png"}}
    upstream.play(Reply(text="A cat."))
    await service.post(body=hello(messages=[{"role": "user", "content": [image]}]))

    assert f"{canary.url}/cat.png" in upstream.requests[0].body.decode()
    assert canary.requests == []


async def test_the_environment_s_proxies_and_netrc_are_not_asked(
    service: Service, upstream: FakeUpstream, canary: FakeUpstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, canary.url)
    (tmp_path / "netrc").write_text(f"default login me password {CANARY}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    upstream.play(Reply(text="Hi"))

    assert (await service.post()).status == 200
    assert upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert canary.requests == []


async def test_cookies_are_not_kept(service: Service, upstream: FakeUpstream) -> None:
    with_cookie = whole(
        {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}, headers={"set-cookie": "a=b; Path=/"}
    )
    upstream.play(with_cookie, Reply(text="Hi"))
    answer = await service.post()
    await service.post()

    assert "set-cookie" not in answer.headers
    assert "cookie" not in upstream.requests[1].headers


async def test_headers_of_the_configuration_win_in_any_case(serve: Serve) -> None:
    given = {"X-Title": "c2o", "user-agent": "mine/1", "AUTHORIZATION": "Custom scheme"}
    async with Saying(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") as raw:
        await (await serve(configuration(raw.url, headers=given))).post()
    lines = raw.calls[0].decode().lower().split("\r\n")

    assert sorted(line for line in lines if line.startswith(("authorization", "user-agent", "x-title"))) == [
        "authorization: custom scheme",
        "user-agent: mine/1",
        "x-title: c2o",
    ]


async def test_an_empty_header_of_the_configuration_takes_ours_away(serve: Serve) -> None:
    given = {"authorization": "", "User-agent": "", "x-empty": ""}
    async with Saying(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") as raw:
        await (await serve(configuration(raw.url, headers=given))).post()
    names = [line.partition(":")[0] for line in raw.calls[0].decode().lower().split("\r\n")]

    assert not {"authorization", "x-empty"} & set(names), "not even as an empty line"
    assert "accept" in names, "others stay"


async def test_an_upstream_without_a_key_gets_none(serve: Serve, upstream: FakeUpstream) -> None:
    tables = configuration(upstream.base_url)
    del tables["upstreams"]["fake"]["api_key"]
    service = await serve(tables)
    upstream.play(Reply(text="Hi"))
    await service.post()

    assert "authorization" not in upstream.requests[0].headers


async def test_connections_are_used_again(service: Service, upstream: FakeUpstream) -> None:
    """A new connection costs a TLS handshake for each request of an agent's loop."""
    upstream.think(lambda _: Reply(text="Hi there you"))
    for _ in range(3):
        await service.post()
        await service.stream()

    assert upstream.connections == 1


@pytest.mark.parametrize("end", [DONE, DONE.strip(), b"data: [DONE]\r\n\r\n: bye\n\n"])
async def test_a_connection_is_used_again_after_every_kind_of_end(
    service: Service, upstream: FakeUpstream, end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("c2o.proxy.upstream.REST_WITHIN", 20.0)
    upstream.think(lambda _: stream(text("Hi"), finish(), usage(), end, Delay(0.02)))
    for _ in range(3):
        assert text_in(events((await service.stream()).body)) == "Hi"

    assert upstream.connections == 1
    assert [await asyncio.to_thread(request.answered.wait, 20) for request in upstream.requests] == [True] * 3


async def test_an_upstream_that_says_done_and_stays_is_not_waited_for(
    timed: Service, upstream: FakeUpstream, clock: FakeClock
) -> None:
    upstream.play(stream(text("Hi"), finish(), DONE, Hold(threading.Event())))
    answer = await asyncio.wait_for(timed.stream(), 20)

    check_grammar(events(answer.body))
    assert await asyncio.to_thread(upstream.requests[0].hung_up.wait, 8)


# ---- redirects


@pytest.fixture
async def canary() -> AsyncIterator[FakeUpstream]:
    """A server that nobody may call."""
    server = FakeUpstream().start()
    server.think(lambda _: Reply(text="You should not be here."))
    yield server
    server.close()


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_redirects_are_not_followed(
    service: Service, upstream: FakeUpstream, canary: FakeUpstream, status: int, streamed: bool
) -> None:
    upstream.play(whole(b"", status, {"location": f"{canary.base_url}/chat/completions"}))
    answer = await service.post(body=hello(stream=streamed))

    assert (answer.status, answer.headers["x-should-retry"]) == (502, "false")
    assert "location" not in answer.headers
    assert "base_url under [upstreams.fake]" in answer.error["message"]
    assert (len(upstream.requests), canary.requests) == (1, [])


# ---- nobody there


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_refused_connection_is_told_with_the_address(serve: Serve, host: str, streamed: bool) -> None:
    url = f"http://{host}:{free_port()}/v1"
    answer = await (await serve(configuration(url + "/?key=secret-in-query"))).post(body=hello(stream=streamed))

    assert (answer.status, answer.error["type"], answer.headers["x-should-retry"]) == (502, "api_error", "false")
    assert url in answer.error["message"]
    assert "connection refused" in answer.error["message"]
    assert "secret" not in answer.error["message"]


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_upstream_that_has_answered_lately_may_be_back_in_a_moment(
    timed: Service, upstream: FakeUpstream, clock: FakeClock, streamed: bool
) -> None:
    """A restart of the upstream is survived: the client tries for three minutes."""
    upstream.play(Reply(text="Hi"))
    await timed.post()
    await asyncio.to_thread(upstream.go_away)

    lately = await timed.post(body=hello(stream=streamed))
    await clock.advance(599)
    still = await timed.post(body=hello(stream=streamed))
    await clock.advance(2)
    for_good = await timed.post(body=hello(stream=streamed))

    assert [answer.status for answer in (lately, still, for_good)] == [502] * 3
    assert "x-should-retry" not in lately.headers
    assert "x-should-retry" not in still.headers
    assert for_good.headers["x-should-retry"] == "false"


async def test_an_upstream_that_comes_back_is_used_at_once(service: Service, upstream: FakeUpstream) -> None:
    """No memory of dead connections: they had been kept alive."""
    upstream.think(lambda _: Reply(text="Hi"))
    await service.post()
    await asyncio.to_thread(upstream.go_away)
    assert (await service.post()).status == 502
    await asyncio.to_thread(upstream.come_back)

    assert (await service.post()).status == 200


@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"HTTP/1.1 200 OK\r\n\r\n{}"])
async def test_a_connection_that_was_closed_meanwhile_is_not_used(serve: Serve, said: bytes) -> None:
    """Servers close connections that are idle; the next request must not die of it."""
    async with Saying(said) as closing:
        service = await serve(configuration(closing.url))
        for _ in range(3):
            answer = await service.post()
            assert "status 200" in answer.error["message"]  # not: it closed the connection
            await asyncio.sleep(0.02)
        assert len(closing.calls) == 3


async def test_an_untrusted_certificate_is_told_and_nothing_is_sent(serve: Serve, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is needed to make a certificate")
    made = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    subject = ["-subj", "/CN=127.0.0.1", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate")]
    subprocess.run([*made, *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    async with RawServer(tls=context) as server:
        answer = await (await serve(configuration(server.url.replace("http:", "https:")))).post()

    assert (answer.status, answer.headers["x-should-retry"]) == (502, "false")
    assert "TLS certificate isn't accepted" in answer.error["message"]
    assert server.connections == []  # none got past the handshake


async def test_localhost_is_found_where_it_listens(serve: Serve, upstream: FakeUpstream) -> None:
    """The name may mean ::1 first, where nobody is."""
    service = await serve(configuration(upstream.base_url.replace("127.0.0.1", "localhost")))
    upstream.play(Reply(text="Hi"))
    start = time.monotonic()

    assert (await service.post()).status == 200
    assert time.monotonic() - start < 5


async def test_an_unknown_name_is_told(serve: Serve) -> None:
    service = await serve(configuration("http://no-such-host.invalid/v1"))
    answer = await service.post()

    assert (answer.status, answer.headers["x-should-retry"]) == (502, "false")
    assert "http://no-such-host.invalid/v1" in answer.error["message"]
    assert "can't be resolved" in answer.error["message"]


async def test_a_plain_server_behind_https_is_told(serve: Serve) -> None:
    async with Saying(b"HTTP/1.1 400 Bad Request\r\n\r\n", after=b"\x16") as raw:
        answer = await (await serve(configuration(f"https://127.0.0.1:{raw.port}/v1"))).post()

    assert (answer.status, answer.headers["x-should-retry"]) == (502, "false")
    assert f"https://127.0.0.1:{raw.port}/v1" in answer.error["message"]
    assert "TLS" in answer.error["message"]


async def test_a_tls_handshake_that_stalls_ends_with_the_connect_limit(serve: Serve) -> None:
    async with RawServer() as silent:
        service = await serve(configuration(silent.url.replace("http:", "https:"), timeouts={"connect": 0.2}))
        answer = await service.post()

    assert (answer.status, answer.error["type"]) == (504, "timeout_error")
    assert "no connection within the time limit" in answer.error["message"]


# ---- refusals, before the first byte


class Case:
    """What an upstream answers, and what the client is told: status, type, headers, words."""

    def __init__(
        self, name: str, played: Answer, status: int, type: str, words: str = "", **headers: str | None
    ) -> None:
        self.name, self.played, self.status, self.type, self.words = name, played, status, type, words
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def __repr__(self) -> str:
        return self.name


HTML = b"<!doctype html><html><head><script>var a = 1</script></head><body>Hotel <b>WiFi</b></body></html>"
NEVER: dict[str, Any] = {"x_should_retry": "false"}
PERHAPS: dict[str, Any] = {"x_should_retry": None}
QUOTA = "You exceeded your current quota, please check your plan and billing details."


def html(status: int) -> Answer:
    return whole(HTML, status, {"content-type": "text/html"})


REFUSALS = [
    Case(
        "401", error(401, "Incorrect API key provided."), 401, "authentication_error", "refused the key from", **NEVER
    ),
    Case("403", error(403, "Forbidden"), 401, "authentication_error", "refused the key from", **NEVER),
    Case(
        "400 about the key",
        error(400, "API key not valid", code="invalid_api_key"),
        401,
        "authentication_error",
        **NEVER,
    ),
    Case("402", error(402, "Insufficient Balance"), 402, "billing_error", "Insufficient Balance", **NEVER),
    Case("429 quota", error(429, QUOTA, code="insufficient_quota"), 402, "billing_error", "quota", **NEVER),
    Case("404 path", error(404, "Not Found"), 502, "api_error", "base_url under [upstreams.fake]", **NEVER),
    Case("404 page", html(404), 502, "api_error", "Hotel WiFi", **NEVER),
    Case(
        "404 model",
        error(404, "The model `x` does not exist", code="model_not_found"),
        400,
        "invalid_request_error",
        "does not know the model 'fake-model'",
        **NEVER,
    ),
    Case(
        "400", error(400, "messages must alternate"), 400, "invalid_request_error", "messages must alternate", **PERHAPS
    ),
    Case("422", error(422, "top_k: extra field"), 400, "invalid_request_error", "top_k", **PERHAPS),
    Case("413", error(413, "Payload Too Large"), 413, "request_too_large", **PERHAPS),
    Case("429", error(429, "slow down"), 429, "rate_limit_error", "slow down", retry_after=None, **PERHAPS),
    Case(
        "429 in 12 s", error(429, "slow down", headers={"retry-after": "12"}), 429, "rate_limit_error", retry_after="12"
    ),
    Case(
        "429 in 300 s",
        error(429, "slow down", headers={"Retry-After": "300"}),
        429,
        "rate_limit_error",
        retry_after="300",
    ),
    Case(
        "429 in 11.2 s",
        error(429, "slow down", headers={"retry-after": "11.2"}),
        429,
        "rate_limit_error",
        retry_after="12",
    ),
    Case(
        "429 in ms",
        error(429, "slow down", headers={"retry-after-ms": "11500"}),
        429,
        "rate_limit_error",
        retry_after="12",
    ),
    Case(
        "429 at a date",
        error(429, "x", headers={"retry-after": "Sat, 21 Nov 2026 10:00:00 GMT"}),
        429,
        "rate_limit_error",
        retry_after="Sat, 21 Nov 2026 10:00:00 GMT",
    ),
    Case(
        "429 nonsense", error(429, "x", headers={"retry-after": "soon <b>"}), 429, "rate_limit_error", retry_after=None
    ),
    Case("429 infinite", error(429, "x", headers={"retry-after": "inf"}), 429, "rate_limit_error", retry_after=None),
    Case(
        "429 not a number",
        error(429, "x", headers={"retry-after-ms": "nan"}),
        429,
        "rate_limit_error",
        retry_after=None,
    ),
    Case("500", error(500, "CUDA error"), 500, "api_error", "CUDA error", **PERHAPS),
    Case("500 page", html(500), 500, "api_error", "Hotel WiFi"),
    Case("502 page", html(502), 502, "api_error", "Hotel WiFi", **PERHAPS),
    Case("503", error(503, "busy", headers={"retry-after": "20"}), 529, "overloaded_error", "busy", retry_after="20"),
    Case("529", error(529, "Overloaded"), 529, "overloaded_error", **PERHAPS),
    Case("504", error(504, "Gateway Timeout"), 504, "timeout_error", **PERHAPS),
    Case("500 without a body", whole(b"", 500), 500, "api_error", "status 500"),
    Case("204", Answer((), 204, {"content-length": "0"}), 502, "api_error"),
    Case("201", whole({"choices": []}, 201), 502, "api_error"),
    Case("418", error(418, "teapot"), 502, "api_error", "teapot"),
    Case("999", error(999, "denied"), 502, "api_error", "denied"),
    Case(
        "text",
        whole(b"upstream connect error", 503, {"content-type": "text/plain"}),
        529,
        "overloaded_error",
        "connect error",
    ),
    Case(
        "a list",
        whole(b'[{"error": {"message": "Gemini says no"}}]', 400),
        400,
        "invalid_request_error",
        "Gemini says no",
    ),
    Case(
        "bytes that are no text",
        whole('{"error": {"message": "größer"}}'.encode("latin-1"), 400),
        400,
        "invalid_request_error",
        "gr",
    ),
    Case("deep", whole(b"[" * 900 + b"]" * 900, 500), 500, "api_error"),
    Case("deep objects", whole(b'{"message":' * 900 + b"1" + b"}" * 900, 500), 500, "api_error"),
    Case(
        "a long number",
        whole(b'{"error": {"message": "maximum context length", "code": "' + b"9" * 5000 + b'"}}', 400),
        400,
        "invalid_request_error",
        "prompt is too long",
    ),
    Case("control characters", error(400, "a\x1b[2Jb\x07\u202ec\r\nx: y"), 400, "invalid_request_error", "a"),
    Case("endless", stream(*[b"x" * 65536] * 64, CUT, status=500), 500, "api_error"),
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("case", REFUSALS, ids=repr)
async def test_a_refusal_keeps_its_meaning(
    service: Service, upstream: FakeUpstream, case: Case, streamed: bool
) -> None:
    upstream.play(case.played)
    answer = await service.post(body=hello(stream=streamed))

    assert (answer.status, answer.error["type"]) == (case.status, case.type)
    assert case.words in answer.error["message"]
    assert {name: answer.headers.get(name) for name in case.headers} == case.headers
    assert answer.error["message"].isprintable()
    assert len(answer.error["message"]) < 1000
    assert len(upstream.requests) == 1


async def test_only_known_headers_of_the_upstream_come_through(service: Service, upstream: FakeUpstream) -> None:
    strange = {
        "x-request-id": "u-1",
        "server": CANARY,
        "set-cookie": CANARY,
        "location": CANARY,
        "x-evil": CANARY,
        "request-id": CANARY,
    }
    upstream.play(error(500, "x", headers=strange), stream(text("Hi"), finish(), DONE, headers=strange))
    for answer in (await service.post(), await service.stream()):
        assert CANARY not in json.dumps(answer.headers)


# ---- 200, and yet no answer


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "body",
    [b"", HTML, b"null", b"[]", b"OK", b'{"choices": null}', b'{"choices": []}', b'{"error": {"message": "it broke"}}'],
)
async def test_what_is_no_answer_becomes_an_error(
    service: Service, upstream: FakeUpstream, body: bytes, streamed: bool
) -> None:
    upstream.play(whole(body))
    answer = await service.post(body=hello(stream=streamed))

    found = events(answer.body) if answer.status == 200 else []
    assert names(found) in ([], ["error"])
    assert found or (answer.status, answer.error["type"]) == (502, "api_error")
    assert "message_stop" not in names(found)
    assert service.counters.failed == 1


async def test_a_stream_where_none_was_asked_for(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(stream(text("Hi "), text("there"), finish(), usage(), DONE))
    answer = await service.post()
    assert (answer.status, answer.json["content"][0]["text"]) == (200, "Hi there")


async def test_a_whole_answer_where_a_stream_was_asked_for(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(whole({"choices": [{"message": {"content": "Hi there"}, "finish_reason": "stop"}]}))
    found = events((await service.stream()).body)

    check_grammar(found)
    assert text_in(found) == "Hi there"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "x-unknown", "gzip, identity"])
async def test_packed_answers_are_refused(
    service: Service, upstream: FakeUpstream, encoding: str, streamed: bool
) -> None:
    upstream.play(whole(b"\x1f\x8b packed", headers={"content-encoding": encoding}))
    answer = await service.post(body=hello(stream=streamed))

    assert (answer.status, answer.error["type"], answer.headers["x-should-retry"]) == (502, "api_error", "false")
    assert "compressed" in answer.error["message"]
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
async def test_answers_that_say_they_are_not_packed_are_taken(
    service: Service, upstream: FakeUpstream, encoding: str
) -> None:
    upstream.play(stream(text("Hi"), finish(), DONE, headers={"content-encoding": encoding}))
    answer = await service.stream()

    check_grammar(events(answer.body))
    assert "content-encoding" not in answer.headers


# ---- what isn't HTTP


HUGE_HEADER = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n{}"
MANY_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n{}"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"Hello\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00" * 100,
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        HUGE_HEADER,
        MANY_HEADERS,
    ],
    ids=[
        "nothing",
        "text",
        "ssh",
        "zeros",
        "no status",
        "half a head",
        "no length",
        "no chunk size",
        "huge header",
        "many headers",
    ],
)
async def test_what_is_no_http_is_told(serve: Serve, said: bytes, streamed: bool) -> None:
    async with Saying(said) as raw:
        service = await serve(configuration(raw.url))
        answer = await service.post(body=hello(stream=streamed))

    assert answer.status == 502
    assert answer.error["type"] == "api_error"
    assert f"http://127.0.0.1:{raw.port}/v1" in answer.error["message"]
    assert len(raw.calls) == 1


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200\r\nConnection: close\r\n\r\n",
    ],
    ids=["HTTP/1.0", "no length", "100", "103", "no reason"],
)
async def test_old_and_odd_http_is_understood(serve: Serve, said: bytes) -> None:
    async with Saying(said + text("Hi") + finish() + DONE) as raw:
        answer = await (await serve(configuration(raw.url))).stream()

    assert text_in(events(answer.body)) == "Hi"


@pytest.mark.parametrize("end", [BREAK, CUT])
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_connection_that_ends_without_an_answer_is_told(
    service: Service, upstream: FakeUpstream, end: Any, streamed: bool
) -> None:
    upstream.play(stream().after(end))
    answer = await service.post(body=hello(stream=streamed))

    assert (answer.status, answer.error["type"]) == (502, "api_error")
    assert "closed the connection without an answer" in answer.error["message"]
    assert len(upstream.requests) == 1


# ---- keys


SAYS_THE_KEY = f"Incorrect API key provided: {KEY}. You can find yours at https://example.com."


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "played",
    [
        error(401, SAYS_THE_KEY),
        error(400, SAYS_THE_KEY),
        error(500, "x" * 580 + KEY),
        error(500, KEY * 40),
        whole(f"<html>{KEY}</html>".encode(), 502),
        whole({"error": {"message": SAYS_THE_KEY}}),
        whole(json.dumps({"error": {"message": SAYS_THE_KEY}}).replace("-", "\\u002d").encode(), 401),
        whole(f"no json: {KEY}".encode()),
        stream(b"data: " + json.dumps({"error": {"message": SAYS_THE_KEY}}).encode() + b"\n\n"),
        stream(text("Hi"), b"data: " + json.dumps({"error": {"message": SAYS_THE_KEY}}).encode() + b"\n\n"),
        stream(text("Hi"), finish(f"error {KEY}"), DONE),
    ],
    ids=[
        "401",
        "400",
        "cut off",
        "often",
        "page",
        "in a 200",
        "escaped",
        "no json",
        "in a stream",
        "after text",
        "reason",
    ],
)
async def test_a_key_that_the_upstream_repeats_is_not_shown(
    service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture, played: Answer, streamed: bool
) -> None:
    upstream.play(played)
    answer = await service.post(body=hello(stream=streamed))

    for part in (KEY, KEY[:20], KEY[-20:]):
        assert part.encode() not in answer.body
        assert part not in caplog.text


@pytest.mark.slow
async def test_two_hundred_streams_at_once_wait_for_no_connection(serve: Serve, upstream: FakeUpstream) -> None:
    """aiohttp's own pools have a hundred."""
    all_there = threading.Event()
    upstream.think(lambda _: stream(role(), Hold(all_there), text("Hi"), finish(), DONE))
    service = await serve(configuration(upstream.base_url))
    peers = [await service.call(stream=True) for _ in range(200)]

    await eventually(lambda: len(upstream.requests) == 200, lambda: f"200 requests, not {len(upstream.requests)}", 20)
    all_there.set()
    for peer in peers:
        await peer.finished(20)

    assert {text_in(peer.events) for peer in peers} == {"Hi"}
