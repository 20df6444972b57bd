"""An upstream without its key: nobody is asked there, the client hears why at once, and the others go on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import tomli_w

from c2o.proxy.prepared import prepared
from c2o.proxy.reload import ASK_AGAIN, Reloader, Source
from c2o.proxy.state import STATE
from c2o.wire.log import Finished
from tests.fake_upstream import FakeUpstream, Reply, error
from tests.proxy.conftest import Serve, Service, configuration, loaded
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import Answer, Json, eventually, hello

MISSING = "env:C2O_TEST_NO_SUCH_KEY"

WHY = "upstream bare is without its key: C2O_TEST_NO_SUCH_KEY is not set: export C2O_TEST_NO_SUCH_KEY=…"


def with_bare(upstream: FakeUpstream, **more: object) -> Json:
    """Another upstream, which lacks its key; ``opus`` has it alone, ``sonnet`` with a fallback."""
    tables = configuration(upstream.base_url)
    tables["upstreams"]["bare"] = {"base_url": upstream.base_url, "api_key": MISSING, **more}
    tables["models"] |= {"opus": "bare/bare-model", "sonnet": ["bare/bare-model", "fake/fake-model"]}
    tables["limits"]["bare/bare-model"] = {"context_window": 10**9}
    return tables


@pytest.fixture
async def service(serve: Serve, upstream: FakeUpstream) -> Service:
    return await serve(with_bare(upstream))


def text_of(answer: Answer) -> str:
    assert answer.status == 200, answer.json
    text: str = answer.json["content"][0]["text"]
    return text


def asked(upstream: FakeUpstream) -> list[str]:
    return [request.json["model"] for request in upstream.requests]


async def ask(service: Service, model: str, **more: object) -> Answer:
    return await service.post(body=hello(model=model, **more))


@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "whole"])
async def test_the_client_is_told_at_once_and_nobody_is_asked(
    service: Service, upstream: FakeUpstream, streamed: bool
) -> None:
    for model in ("claude-opus-4-8", "bare/whatever"):
        answer = await ask(service, model, stream=streamed)

        assert answer.status == 401
        assert answer.json["error"]["type"] == "authentication_error"
        assert answer.json["error"]["message"].startswith(WHY)
        assert "into keys.env" in answer.json["error"]["message"]
        assert answer.headers["x-should-retry"] == "false"
    assert not upstream.requests


async def test_the_others_are_served(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(Reply("ok"))

    assert text_of(await ask(service, "claude-haiku-4-5")) == "ok"


async def test_a_fallback_serves_each_time_and_the_journal_says_why(
    service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.play(Reply("one"), Reply("two"))

    assert [text_of(await ask(service, "claude-sonnet-5")) for _ in range(2)] == ["one", "two"]

    assert asked(upstream) == ["fake-model", "fake-model"]
    lines = [record.msg for record in caplog.records if isinstance(record.msg, Finished)]
    assert [(line.target, [each.target for each in line.attempts]) for line in lines] == [
        ("fake/fake-model", ["bare/bare-model"]),
        ("fake/fake-model", ["bare/bare-model"]),
    ]
    assert lines[1].attempts[0].why.startswith(WHY)


async def test_the_fallbacks_failure_is_its_own(service: Service, upstream: FakeUpstream) -> None:
    """It may pass, other than a missing key."""
    upstream.play(error(429, "Too many requests", headers={"retry-after": "40"}))

    answer = await ask(service, "claude-sonnet-5")

    assert answer.status == 429
    assert answer.headers["retry-after"] == "40"


async def test_one_that_is_not_asked_takes_nobodys_turn(serve: Serve, upstream: FakeUpstream) -> None:
    """Two upstreams may be asked for one request: both of those that can."""
    tables = with_bare(upstream)
    tables["models"]["sonnet"] = ["bare/bare-model", "fake/first", "fake/second"]
    upstream.play(error(500, "oops"), Reply("ok"))

    assert text_of(await ask(await serve(tables), "claude-sonnet-5")) == "ok"
    assert asked(upstream) == ["first", "second"]


async def test_a_fallback_that_cannot_hold_the_prompt_is_no_help(serve: Serve, upstream: FakeUpstream) -> None:
    """Its window isn't the client's: what is told is the key."""
    tables = with_bare(upstream)
    tables["limits"]["fake/fake-model"] = {"context_window": 50}

    told = (await ask(await serve(tables), "claude-sonnet-5", system="word " * 500)).json["error"]

    assert told["type"] == "authentication_error"
    assert told["message"].startswith(WHY)
    assert not upstream.requests


async def test_nothing_else_asks_it_either(service: Service, upstream: FakeUpstream) -> None:
    """A count of tokens is an estimate, and the list of models what is configured."""
    counted = await service.post("/v1/messages/count_tokens", body=hello(model="bare/m"))
    listed = await service.get("/v1/models")

    assert counted.json["input_tokens"] > 0
    assert listed.status == 200
    assert not upstream.requests


async def test_it_is_shown(service: Service) -> None:
    shown = (await service.get("/c2o/status")).json

    assert [(each["name"], each["missing"]) for each in shown["upstreams"]] == [("fake", []), ("bare", [MISSING])]
    assert shown["upstreams"][0]["without_key"] is None
    assert shown["upstreams"][1]["without_key"].startswith(WHY)
    assert [problem["id"] for problem in shown["problems"]] == ["upstream.key_missing"]
    assert shown["problems"][0]["hint"].startswith(WHY)


async def test_of_several_keys_those_that_are_there_take_turns(serve: Serve, upstream: FakeUpstream) -> None:
    keys = ["sk-one-0123456789abcdef", MISSING, "sk-three-0123456789abcdef", "file:/nonexistent/key"]
    service = await serve(with_bare(upstream, api_key=keys))
    upstream.think(lambda _: Reply("ok"))

    assert [(await ask(service, "bare/bare-model")).status for _ in range(6)] == [200] * 6

    used = [request.headers["authorization"].removeprefix("Bearer ") for request in upstream.requests]
    assert sorted(used) == sorted([keys[0], keys[2]] * 3)
    shown = (await service.get("/c2o/status")).json
    assert shown["upstreams"][1]["missing"] == [MISSING, "file:/nonexistent/key"]
    assert shown["upstreams"][1]["without_key"] is None
    assert [problem["hint"].partition(":")[0] for problem in shown["problems"]] == [
        f"upstream bare does without key {number} of 4 ({kind}" for number, kind in ((2, "env"), (4, "file"))
    ]


async def test_a_single_one_of_several_never_rests(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(with_bare(upstream, api_key=[MISSING, "sk-two-0123456789abcdef"]))
    upstream.think(lambda _: error(401, "Incorrect API key provided", code="invalid_api_key"))

    assert [(await ask(service, "bare/m", stream=streamed)).status for streamed in (True, False)] == [401, 401]
    assert "key 2 of 2 (the configuration file)" in (await ask(service, "bare/n")).json["error"]["message"]
    assert (await service.get("/c2o/status")).json["problems"][1:] == []


async def test_all_of_several_missing(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(with_bare(upstream, api_key=[MISSING, "file:/nonexistent/key"]))

    told = (await ask(service, "bare/m")).json["error"]["message"]

    assert told.startswith("upstream bare is without all of its 2 keys: C2O_TEST_NO_SUCH_KEY is not set")


async def test_a_key_that_has_come_is_used_at_once(service: Service, upstream: FakeUpstream) -> None:
    """Nothing is remembered of the time without."""
    upstream.play(Reply("spare"), Reply("own"), Reply("own"))
    assert (await ask(service, "claude-opus-4-8", stream=True)).status == 401
    assert text_of(await ask(service, "claude-sonnet-5")) == "spare"

    await service.app[STATE].follow(
        prepared(loaded(with_bare(upstream)), {"C2O_TEST_NO_SUCH_KEY": "sk-bare-0123456789"})
    )

    assert [text_of(await ask(service, f"claude-{tier}-5")) for tier in ("opus", "sonnet")] == ["own", "own"]
    assert asked(upstream) == ["fake-model", "bare-model", "bare-model"]
    assert (await service.get("/c2o/status")).json["problems"] == []


# ---- what is read again


def test_a_key_that_has_gone_is_gone_on_with(tmp_path: Path, upstream: FakeUpstream) -> None:
    """Its file may be written just now; a restart would lose it."""
    file = tmp_path / "key"
    file.write_text("sk-bare-0123456789")
    config = loaded(with_bare(upstream, api_key=f"file:{file}"))
    first = prepared(config)
    file.unlink()

    second = prepared(config, before=first)

    assert second.whys() == {}
    assert [key.reveal() for key in second.secrets()][1] == "sk-bare-0123456789"
    (told,) = second.missing()
    assert told.startswith(f"upstream bare goes on with the key that it had from file:{file}, for now: the key file ")
    assert told.endswith("can't be read: No such file or directory. Put the key there.")
    assert list(prepared(config, before=second).secrets()) == list(first.secrets()), "and again"
    assert prepared(config).whys().keys() == {"bare"}, "a new service hasn't got it"
    file.write_text("sk-bare-9876543210")
    assert [key.reveal() for key in prepared(config, before=second).secrets()][1] == "sk-bare-9876543210"


async def test_whoever_is_asked_for_keys_is_asked_again_when_one_is_missed(
    serve: Serve, upstream: FakeUpstream, clock: FakeClock, tmp_path: Path
) -> None:
    """A password manager may have been locked when the service started; not more often than once a minute."""
    key, times = tmp_path / "key", tmp_path / "times"
    command = tmp_path / "tell"
    command.write_text(f"#!/bin/sh\necho >> {times}\ncat {key}\n")
    command.chmod(0o700)
    tables = with_bare(upstream, api_key=f"command:{command}")
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps(tables))
    source = Source(path, {"PATH": "/usr/bin:/bin"})
    reading = source.read()
    service = await serve(tables, clock)
    state = service.app[STATE]
    await state.follow(reading.good)
    following = asyncio.create_task(Reloader(state, source, reading).follow())
    key.write_text("sk-bare-0123456789")

    assert (await ask(service, "bare/m")).status == 401
    assert len(times.read_text()) == 2, "the test's own service asked, and the one who follows"
    await clock.advance(ASK_AGAIN)
    assert (await ask(service, "bare/m")).status == 401, "nobody waits for a password manager"

    await eventually(lambda: not state.setup.prepared.whys(), "the key")
    upstream.play(Reply("ok"))
    assert text_of(await ask(service, "bare/m")) == "ok"
    assert len(times.read_text()) == 3
    following.cancel()
