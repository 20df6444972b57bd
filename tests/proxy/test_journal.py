"""One line for each request: names, counts and times; and the three counters."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from typing import Any

import pytest

from c2o.proxy.journal import REFUSALS, Counters, client_of
from c2o.wire.log import Finished
from tests.fake_upstream import (
    CUT,
    DONE,
    Call,
    FakeUpstream,
    Hold,
    Reply,
    Scripted,
    error,
    event,
    finish,
    stream,
    text,
    too_long,
    usage,
)
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import KEY, TOKEN, eventually, hello, told

CANARY = "canary7b1e"

JSON = {"Content-Type": "application/json"}


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "c2o.journal"]


async def test_a_line_tells_names_counts_and_times(
    timed: Service, upstream: FakeUpstream, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    more, end = threading.Event(), threading.Event()
    upstream.play(stream(text("Hi"), Hold(end), finish(), usage(812, 40, 90), DONE).after(Hold(more)))
    peer = await timed.call(stream=True)
    await asyncio.to_thread(upstream.wait_for, 1)
    await clock.advance(1.5)
    more.set()
    await eventually(lambda: b"Hi" in peer.heard, "the first word")
    await clock.advance(2)
    end.set()
    await peer.finished()
    await eventually(lambda: lines(caplog), "the line")

    id = re.search(rb"(?i)request-id: (\S+)", peer.heard)
    assert id
    assert lines(caplog) == [
        f"{id[1].decode()} claude-sonnet-5 → fake/fake-model stream in=722+90 out=40 first=1.50s took=3.50s end_turn"
    ]


async def test_a_failure_is_a_warning_with_its_reason(
    service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.play(error(500, "CUDA error"))
    await service.post()

    (record,) = [record for record in caplog.records if record.name == "c2o.journal"]
    assert record.levelno == logging.WARNING
    assert "whole" in record.getMessage()
    assert record.getMessage().endswith("error='fake: CUDA error'")


async def test_the_line_names_the_client_and_what_was_tried_before(
    service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    upstream.play(error(400, refusal), Reply(text="Hi"))
    await service.post(headers={"User-Agent": "claude-cli/2.1.329 (external, sdk-cli)"})

    (request,) = [record.msg for record in caplog.records if isinstance(record.msg, Finished)]
    assert (request.client, request.kind, request.error) == ("claude-cli/2.1.329", "main", None)
    (tried,) = request.attempts
    assert tried.target == "fake/fake-model"
    assert tried.why == f"{refusal}; asked again with max_tokens_field:max_completion_tokens"
    assert f"tried=fake/fake-model why={tried.why!r}" in str(request)


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ({"User-Agent": "claude-cli/2.1.329 (external, cli)"}, "claude-cli/2.1.329"),
        ({"User-Agent": "Anthropic/Python 0.75.0"}, "Anthropic/Python 0.75.0"),
        ({"User-Agent": "x" * 500}, "x" * 60),
        ({"User-Agent": "a\x1b[2J\u202eb"}, "a\\x1b[2J\\u202eb"),
        ({"x-app": "cli"}, "cli"),
        ({"User-Agent": "(none)"}, None),
        ({}, None),
    ],
)
def test_a_client_is_named_as_it_names_itself(headers: dict[str, str], client: str | None) -> None:
    assert client_of(headers) == client


async def test_what_was_dropped_is_told(
    service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.play(stream(text("Hi"), b"data: what is this\n\n", finish(), DONE))
    await service.stream()

    assert "warning=" in lines(caplog)[0]


# ---- what was refused at the door, and the id in every error


async def test_what_is_refused_at_the_door_has_a_line(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    agent = {"User-Agent": "curl/8.5.0"}
    refused = [
        await service.post(token=None, headers=agent),
        await service.get("/v1/models", token="wrong", headers=agent),
        await service.get("/nowhere", headers=agent),
        await service.ask("DELETE", "/v1/messages", headers=agent),
        await service.post("/v1/messages/count_tokens", body={}, headers=agent),
    ]
    found = [record.msg for record in caplog.records if isinstance(record.msg, Finished)]
    assert [(each.path, each.status, each.client) for each in found] == [
        ("POST /v1/messages", 401, "curl/8.5.0"),
        ("GET /v1/models", 401, "curl/8.5.0"),
        ("GET /nowhere", 404, "curl/8.5.0"),
        ("DELETE /v1/messages", 405, "curl/8.5.0"),
        ("POST /v1/messages/count_tokens", 400, "curl/8.5.0"),
    ]
    assert [each.id for each in found] == [answer.headers["request-id"] for answer in refused]
    assert service.counters == Counters()


async def test_a_key_in_the_path_is_not_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    await service.get("/v1/sk-ant-api03-of-somebody-else-0123")
    (line,) = [str(record.msg) for record in caplog.records if isinstance(record.msg, Finished)]
    assert "GET /v1/***" in line
    assert "somebody" not in line


async def test_a_flood_of_refusals_doesn_t_drive_the_others_out(
    timed: Service, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(REFUSALS + 7):
        await timed.get("/v1/models", token="wrong")
    assert len(lines(caplog)) == REFUSALS
    await clock.advance(61)
    await timed.get("/v1/models", token="wrong")
    assert len(lines(caplog)) == REFUSALS + 1
    assert "'requests refused before this one that have no line' ×7" in lines(caplog)[-1]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "played",
    [error(500, "CUDA error"), stream(text("Hi"), CUT), stream(CUT), stream(event({"error": {"message": "busy"}}))],
    ids=["refused", "cut", "closed", "in a good answer"],
)
async def test_every_error_ends_with_the_command_that_explains_it(
    service: Service, upstream: FakeUpstream, played: Any, streamed: bool
) -> None:
    """A person sees the text alone: Claude Code shows neither the header nor what stands beside the text."""
    upstream.play(played)
    answer = await service.post(body=hello(stream=streamed))

    error = told(answer.status, answer.body)[-1].data
    assert error["type"] == "error"
    assert error["request_id"] == answer.headers["request-id"]
    assert error["error"]["message"].endswith(f" (c2o logs --request {error['request_id']})")


@pytest.mark.parametrize("streamed", [False, True])
async def test_texts_that_clients_act_on_stay_as_anthropic_writes_them(
    service: Service, upstream: FakeUpstream, streamed: bool
) -> None:
    upstream.play(too_long(140_000, 131_072))
    answer = await service.post(body=hello(stream=streamed))
    body = answer.json
    assert body["error"]["message"] == "prompt is too long: 140000 tokens > 131072 maximum"
    assert body["request_id"] == answer.headers["request-id"]


# ---- counters


async def test_the_counters_count(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="a"), Reply(text="b"), error(500, "x"), error(500, "x"), stream(text("a"), CUT))
    await service.post()
    await service.stream()
    assert service.counters == Counters(total=2, failed=0, active=0)

    await service.post()
    await service.stream()
    await service.stream()
    assert service.counters == Counters(total=5, failed=3, active=0)

    await service.post(body=hello(max_tokens="many"))
    await service.ask("POST", "/v1/messages", data="no json", headers=JSON)
    assert service.counters == Counters(total=7, failed=5, active=0)


async def test_what_is_no_message_is_not_counted(service: Service) -> None:
    await service.post(token=None)
    await service.post("/v1/messages/count_tokens")
    await service.get("/v1/models")
    await service.get("/health")
    await service.get("/nowhere")
    assert service.counters == Counters()


async def test_active_requests_are_counted_while_they_run(service: Service, upstream: FakeUpstream) -> None:
    more = threading.Event()
    upstream.think(lambda _: stream(text("Hi"), Hold(more), finish(), DONE))
    peers = [await service.call(stream=True) for _ in range(3)]
    await eventually(lambda: service.counters.active == 3, "three requests")
    assert (await service.get("/c2o/status")).json["requests"] == {"total": 3, "failed": 0, "active": 3}

    peers[0].slam()
    await eventually(lambda: service.counters.active == 2, "one has left")
    more.set()
    for peer in peers[1:]:
        await peer.finished()
    await eventually(lambda: not service.counters.active, "the end")
    assert service.counters == Counters(total=3, failed=1, active=0)


async def test_the_counters_survive_a_crowd(service: Service, upstream: FakeUpstream) -> None:
    kinds: list[Scripted] = [Reply(text="Hi"), error(429, "x"), stream(text("Hi"), CUT), stream(CUT)]
    upstream.think(lambda request: kinds[int(request.prompt) % 4])
    bodies = [hello(stream=n % 8 < 4, messages=[{"role": "user", "content": str(n)}]) for n in range(80)]
    await asyncio.gather(*(service.post(body=body) for body in bodies))

    assert service.counters == Counters(total=80, failed=60, active=0)


# ---- what must never be in a log


SECRETIVE: dict[str, Any] = {
    "system": f"system {CANARY}",
    "messages": [
        {"role": "user", "content": f"prompt {CANARY}"},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": CANARY}}],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": f"result {CANARY}"},
                {"type": "of_tomorrow", "text": CANARY},
                {"type": "text", "text": CANARY},
            ],
        },
    ],
    "tools": [{"name": "Read", "description": CANARY, "input_schema": {"type": "object", "description": CANARY}}],
    "metadata": {"user_id": CANARY},
    "stop_sequences": [CANARY],
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "played",
    [
        Reply(
            text=f"answer {CANARY.upper()}", reasoning=CANARY.upper(), calls=(Call("Read", {"path": CANARY.upper()}),)
        ),
        stream(text(CANARY.upper()), CUT),
        stream(text(CANARY.upper()), b'data: {"choices": [{"delta": {"content": "CANARY7B1E\n\n'),
        stream(text(CANARY.upper()), b"data: CANARY7B1E\n\n", finish(), DONE),
        error(503, "busy"),
        stream(CUT),
    ],
    ids=["good", "cut", "broken line", "remark", "refused", "closed"],
)
async def test_no_content_and_no_secret_is_logged(
    service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture, played: Any, streamed: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.play(played)
    await service.post(
        body=hello(stream=streamed) | SECRETIVE, headers={"x-note": CANARY, "Authorization": f"Bearer {TOKEN}"}
    )

    assert lines(caplog)
    said = "\n".join(f"{record.getMessage()} {record.exc_text or ''}" for record in caplog.records)
    for secret in (CANARY, CANARY.upper(), TOKEN, KEY):
        assert secret not in said


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "user", "content": [{"type": "text", "text": [CANARY]}]}]},
        {"messages": [{"role": "user", "content": [CANARY]}]},
        {"system": {"text": CANARY}},
        {"max_tokens": CANARY},
    ],
)
async def test_a_refusal_of_ours_quotes_no_content(
    service: Service, caplog: pytest.LogCaptureFixture, fields: dict[str, Any]
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await service.post(body=hello(**fields))

    assert answer.status == 400
    assert CANARY not in caplog.text
    assert CANARY.encode() not in answer.body


async def test_broken_json_is_not_quoted(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await service.ask("POST", "/v1/messages", data=json.dumps(hello(system=CANARY))[:-3], headers=JSON)

    assert answer.status == 400
    assert CANARY not in caplog.text
    assert CANARY.encode() not in answer.body


@pytest.mark.parametrize(
    "model", ["x" * 5_000_000, "two\nlines\r\n2026-11-21 INFO forged", "\x1b[2Jcleared", "a\u202eb"]
)
async def test_a_model_s_name_forges_no_line(
    serve: Serve, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture, model: str
) -> None:
    """The client chooses it, so it's as little to be believed as anything else."""
    tables = configuration(upstream.base_url)
    for service in (await serve(tables), await serve(tables | {"models": {"gpt-*": "fake/*"}})):
        upstream.play(Reply(text="Hi"))
        await service.post(body=hello(model=model))

    for line in lines(caplog):
        assert line.isprintable()
        assert len(line) < 2000


async def test_a_chatty_upstream_fills_no_line(
    service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.play(stream(b"data: what is this\n\n" * 10_000, text("Hi"), finish(), DONE))
    await service.stream()

    (line,) = lines(caplog)
    assert len(line) < 1000
