"""Which path leads where: aliases, queries, slashes, sizes."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import Any

import pytest

from c2o.proxy.app import PREFIXES
from tests.fake_upstream import FakeUpstream, Reply
from tests.proxy.conftest import Service
from tests.proxy.talk import check_grammar, events, hello, request, text_in

MIB = 1024 * 1024


@pytest.mark.parametrize("query", ["", "?beta=true", "?beta=true&x=%2F..%2F"])
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("prefix", PREFIXES)
async def test_each_spelling_of_a_base_url_works(
    service: Service, upstream: FakeUpstream, prefix: str, slash: str, query: str
) -> None:
    upstream.play(Reply(text="Hi"))

    assert (await service.post(f"{prefix}/messages{slash}{query}")).json["content"][0]["text"] == "Hi"
    assert (await service.post(f"{prefix}/messages/count_tokens{slash}{query}")).json["input_tokens"] > 0
    assert (await service.get(f"{prefix}/models{slash}{query}")).json["data"]
    assert (await service.get(f"{prefix}/models/c2o-claude/fake/fake-model{query}")).json["id"]
    assert upstream.requests[0].path == "/v1/chat/completions"


def test_the_aliases_are_those_that_people_write() -> None:
    assert {"/v1", "", "/v1/v1", "/anthropic/v1"} == set(PREFIXES)


# ---- sizes


def of_size(size: int) -> dict[str, Any]:
    return hello(messages=[{"role": "user", "content": "a" * size}])


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_twenty_megabytes_are_served(service: Service, upstream: FakeUpstream, path: str) -> None:
    upstream.play(Reply(text="Hi"))
    answer = await service.post(path, of_size(20 * MIB))

    assert answer.status == 200, answer
    if path == "/v1/messages":
        assert len(upstream.requests[0].prompt) == 20 * MIB


async def test_a_large_streamed_request_is_served(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="Hi there"))
    answer = await service.post(body=of_size(2 * MIB) | {"stream": True})

    check_grammar(events(answer.body))
    assert text_in(events(answer.body)) == "Hi there"


@pytest.mark.parametrize("chunked", [False, True])
async def test_forty_megabytes_are_too_large(service: Service, upstream: FakeUpstream, chunked: bool) -> None:
    body = json.dumps(of_size(40 * MIB)).encode()
    peer = await service.connect()
    head = request(host=service.host, body=b"").partition(b"\r\n\r\n")[0]
    length = b"Content-Length: 0"
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    data = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    heard = await peer.answer_to(head.replace(length, framing) + b"\r\n\r\n" + data)

    assert heard.startswith(b"HTTP/1.1 413")
    assert json.loads(heard.partition(b"\r\n\r\n")[2])["error"]["type"] == "request_too_large"
    assert upstream.requests == []


# ---- packed bodies


async def packed(service: Service, data: bytes, encoding: str) -> Any:
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    return await service.ask("POST", "/v1/messages", data=data, headers=headers)


async def test_packed_bodies_are_unpacked(service: Service, upstream: FakeUpstream) -> None:
    data = json.dumps(hello()).encode()
    upstream.play(Reply(text="one"), Reply(text="two"))

    assert (await packed(service, gzip.compress(data), "gzip")).status == 200
    assert (await packed(service, zlib.compress(data), "deflate")).status == 200
    assert upstream.requests[0].prompt == upstream.requests[1].prompt == "Hello"
    assert "content-encoding" not in upstream.requests[0].headers


INVALID, UNSUPPORTED = "request_body_encoding_invalid", "request_body_encoding_unsupported"


@pytest.mark.parametrize(
    ("data", "encoding", "code"),
    [
        (b"not gzip at all", "gzip", INVALID),
        (gzip.compress(b'{"model": "x"}' * 1000, mtime=0)[:40], "gzip", INVALID),
        (gzip.compress(b"{}", mtime=0) + b"more", "gzip", INVALID),
        (b"", "gzip", INVALID),
        (b"{}", "deflate", INVALID),
        (b"\x28\xb5\x2f\xfd junk", "zstd", UNSUPPORTED),
        (b"junk", "br", UNSUPPORTED),
        (b"{}", "x-unknown", UNSUPPORTED),
        (gzip.compress(b"{}", mtime=0), "gzip, gzip", UNSUPPORTED),
    ],
)
async def test_badly_packed_bodies_are_the_client_s_mistake(
    service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture, data: bytes, encoding: str, code: str
) -> None:
    """Told in Anthropic's shape, and no traceback in the log."""
    answer = await packed(service, data, encoding)

    assert answer.status == 400
    assert (answer.error["type"], answer.error["details"]["error_code"]) == ("invalid_request_error", code)
    assert upstream.requests == []
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_bomb_is_too_large(service: Service, upstream: FakeUpstream) -> None:
    """A hundred megabytes of blanks, packed a thousand times smaller."""
    answer = await packed(service, gzip.compress(b" " * 100 * MIB), "gzip")

    assert answer.status == 413
    assert answer.error["details"]["error_code"] == "request_body_too_large_after_decoding"
    assert upstream.requests == []


# ---- many at once


async def test_fifty_counts_at_once(service: Service, upstream: FakeUpstream) -> None:
    """Claude Code's /context sends 25."""
    answers = await asyncio.gather(
        *(service.post("/v1/messages/count_tokens", of_size(size * 4000)) for size in range(50))
    )
    counts = [answer.json["input_tokens"] for answer in answers]

    assert counts == sorted(counts)
    assert counts[0] > 0
    assert upstream.requests == []


async def test_fifty_pipelined_requests_are_answered_in_order(service: Service) -> None:
    peer = await service.connect()
    one = request("/v1/messages/count_tokens", host=service.host)
    peer.say(one * 49)
    heard = await peer.answer_to(one)

    assert heard.count(b"HTTP/1.1 200") == 50


async def test_twenty_equal_requests_are_twenty_calls(service: Service, upstream: FakeUpstream) -> None:
    upstream.think(lambda _: Reply(text="Hi"))
    answers = await asyncio.gather(*(service.stream() for _ in range(20)))

    assert {answer.status for answer in answers} == {200}
    assert len(upstream.requests) == 20
    ids = {events(answer.body)[0].data["message"]["id"] for answer in answers}
    assert len(ids) == 20
