"""F12 to F20: there is no connection, or an old one."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp.resolver import ThreadedResolver

from c2o.proxy.upstream import CONNECT_AGAIN, STALE_WITHIN
from tests.fake_upstream import DONE, FakeUpstream, Reply, finish, text
from tests.proxy.conftest import Serve, configuration
from tests.proxy.fake_clock import FakeClock
from tests.proxy.faults.scripted import CLOSE, END, RESET, SILENCE, Scripted, sse
from tests.proxy.talk import RawServer, events, eventually, text_in

HI = (*sse(text("Hi"), finish(), DONE), END)


async def test_f12_refused(serve: Serve, upstream: FakeUpstream) -> None:
    upstream.go_away()
    service = await serve(configuration(upstream.base_url))
    start = time.monotonic()

    answer = await service.stream()

    assert (answer.status, answer.error["type"]) == (502, "api_error")
    assert "Is it running?" in answer.error["message"]
    assert time.monotonic() - start < 8


async def test_f12_refused_for_a_moment(serve: Serve, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is being restarted: the client doesn't notice."""
    upstream.play(Reply("Hi"))
    upstream.go_away()
    service = await serve(configuration(upstream.base_url))
    pauses = []

    def pause(*within: float) -> float:
        pauses.append(within)
        upstream.come_back()
        return 0.0

    monkeypatch.setattr("c2o.proxy.upstream.random.uniform", pause)

    assert text_in(events((await service.stream()).body)) == "Hi"
    assert pauses == [CONNECT_AGAIN]


async def test_f13_a_black_hole(serve: Serve) -> None:
    """The kernel drops what doesn't fit into a full backlog: the connection is neither made nor refused."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        service = await serve(configuration(f"http://127.0.0.1:{full.getsockname()[1]}/v1", timeouts={"connect": 0.2}))
        answer = await service.post()
        for each in waiting:
            each.close()

    assert (answer.status, answer.error["type"], answer.headers["x-should-retry"]) == (504, "timeout_error", "false")


async def test_f14_a_name_that_is_none(serve: Serve) -> None:
    service = await serve(configuration("http://no-such-host.invalid/v1"))
    asking = asyncio.create_task(service.post())
    assert (await service.get("/health")).status == 200
    answer = await asking

    assert (answer.status, answer.headers["x-should-retry"]) == (502, "false")
    assert "can't be resolved" in answer.error["message"]


async def test_f14_a_name_that_takes_its_time_blocks_nobody(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, found = threading.Event(), threading.Event()

    def slow(*_: Any, **__: Any) -> Any:
        asked.set()
        found.wait(20)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    service = await serve(configuration("http://slow.example/v1"))
    monkeypatch.setattr(socket, "getaddrinfo", slow)
    asking = asyncio.create_task(service.post())
    await asyncio.to_thread(asked.wait, 20)
    for _ in range(5):
        assert (await service.get("/health")).status == 200
    assert not asking.done()
    found.set()
    assert (await asking).status == 502


async def test_f15_a_name_that_moves(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old address refuses; the new one is asked for before anything is told."""
    found: list[int] = []

    async def resolve(_: object, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        address = {"hostname": host, "host": "127.0.0.1", "port": found[-1], "family": socket.AF_INET}
        return [address | {"proto": 0, "flags": socket.AI_NUMERICHOST}]

    monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
    async with Scripted(HI) as new:
        async with Scripted((*HI, CLOSE)) as old:
            found.append(old.port)
            service = await serve(configuration("http://moving.example/v1"))
            assert (await service.stream()).status == 200
        found.append(new.port)
        assert text_in(events((await service.stream()).body)) == "Hi"
        assert len(new.requests) == 1


def certificate(folder: Path, name: str, days: int) -> ssl.SSLContext:
    """A server's own certificate, valid for so many days from now on."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is needed to make a certificate")
    key, wanted, made = (str(folder / each) for each in ("key", "request", "certificate"))
    new = ["-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}"]
    signed = ["-req", "-in", wanted, "-signkey", key, "-days", str(days), "-out", made]
    subprocess.run([openssl, "req", *new, "-keyout", key, "-out", wanted], check=True, capture_output=True)
    subprocess.run([openssl, "x509", *signed], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return context


UNTRUSTED = {
    "nobody's": ("localhost", 1, False, "nobody whom this machine trusts"),
    "another's": ("elsewhere.example", 1, True, "it is for another name"),
    "yesterday's": ("localhost", -1, True, "it has expired"),
}


@pytest.mark.parametrize("whose", UNTRUSTED)
async def test_f16_a_certificate_that_is_not_accepted(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    """The reason is told, and nothing is sent."""
    name, days, trusted, why = UNTRUSTED[whose]
    context = certificate(tmp_path, name, days)
    if trusted:
        known = ssl.create_default_context(cafile=str(tmp_path / "certificate"))
        monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", known)
    async with RawServer(tls=context) as server:
        service = await serve(configuration(f"https://localhost:{server.port}/v1"))
        answer = await service.post()

    assert (answer.status, answer.headers["x-should-retry"]) == (502, "false")
    assert f"certificate isn't accepted: {why}" in answer.error["message"]
    assert server.connections == []


async def test_f17_a_handshake_that_stalls(serve: Serve) -> None:
    async with RawServer() as silent:
        service = await serve(configuration(silent.url.replace("http:", "https:"), timeouts={"connect": 0.2}))
        answer = await service.post()

    assert (answer.status, answer.error["type"]) == (504, "timeout_error")


async def test_f18_the_first_address_is_dead(serve: Serve) -> None:
    """``localhost`` may mean ::1 first, where nobody is."""
    async with Scripted(HI) as upstream:
        service = await serve(configuration(upstream.url.replace("127.0.0.1", "localhost")))
        start = time.monotonic()
        assert (await service.stream()).status == 200
        assert time.monotonic() - start < 8


@pytest.mark.parametrize("end", [CLOSE, RESET], ids=["closed", "reset"])
async def test_f19_a_connection_that_has_gone_stale(serve: Serve, end: Any) -> None:
    """It ends when the second request comes, without a byte: that one goes out once more, on a new connection."""
    async with Scripted(HI, (end,), HI) as upstream:
        service = await serve(configuration(upstream.url))
        answers = [await service.stream() for _ in range(2)]

        assert [text_in(events(each.body)) for each in answers] == ["Hi", "Hi"]
        assert len(upstream.requests) == 3
        first, second = (each.partition(b"\r\n\r\n")[2] for each in upstream.requests[1:])
        assert first == second


async def test_f19_a_new_connection_that_ends_too_is_the_end(serve: Serve) -> None:
    async with Scripted(HI, (CLOSE,)) as upstream:
        service = await serve(configuration(upstream.url))
        assert [(await service.stream()).status for _ in range(2)] == [200, 502]
        assert len(upstream.requests) == 3


async def test_f19_what_ends_after_a_while_had_been_read(serve: Serve, clock: FakeClock) -> None:
    """A server that dies over a request does so again, and whoever bills for it does so twice."""
    dies = asyncio.Event()
    async with Scripted(HI, (dies, CLOSE), HI) as upstream:
        service = await serve(configuration(upstream.url), clock)
        await service.stream()
        asked = asyncio.create_task(service.stream())
        await eventually(lambda: len(upstream.requests) == 2, "the second request")
        await clock.advance(STALE_WITHIN)
        dies.set()

        assert (await asked).status == 502
        assert len(upstream.requests) == 2


async def test_f19_half_an_answer_is_no_stale_connection(serve: Serve) -> None:
    async with Scripted(HI, (b"HTTP/1.1 200 OK\r\nContent-", CLOSE)) as upstream:
        service = await serve(configuration(upstream.url))
        assert [(await service.stream()).status for _ in range(2)] == [200, 502]
        assert len(upstream.requests) == 2


@pytest.mark.parametrize("end", [CLOSE, RESET], ids=["closed", "reset"])
async def test_f20_a_new_connection_that_ends_without_an_answer(serve: Serve, end: Any) -> None:
    """The upstream may have read the request, and may be at work on it."""
    async with Scripted((end,)) as upstream:
        service = await serve(configuration(upstream.url))
        answer = await service.stream()

        assert (answer.status, answer.error["type"]) == (502, "api_error")
        assert len(upstream.requests) == 1


async def test_f20_so_is_silence(serve: Serve) -> None:
    async with Scripted((SILENCE,)) as upstream:
        service = await serve(configuration(upstream.url, timeouts={"first_byte": 0.3}))
        assert (await service.stream()).status == 504
        assert len(upstream.requests) == 1
