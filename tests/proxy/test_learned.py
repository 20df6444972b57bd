"""What refusals and answers teach outlives the service, and can be forgotten while it runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from c2o import facts
from c2o.facts import Fact, number
from c2o.proxy.learned import Learned
from c2o.routing import route_to
from tests.fake_upstream import FakeUpstream, Reply, completion, error
from tests.proxy.conftest import Serve, Service, configuration, loaded
from tests.proxy.talk import KEY, Json, hello

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
URL = "http://127.0.0.1:9/v1"
CONFIG = loaded(configuration(URL))
ROUTE = route_to(CONFIG, "fake/fake-model")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "learned.toml"


def learned(path: Path | None, at: datetime = NOW, config: Any = CONFIG) -> Learned:
    return Learned(config, path, lambda: at)


def test_it_is_there_again(path: Path) -> None:
    learned(path).note(ROUTE, "drop:temperature", "Unsupported parameter: 'temperature'")

    again = learned(path, NOW + timedelta(days=29))

    assert again.of(ROUTE) == ["drop:temperature"]
    assert facts.read(path, NOW).facts[0].said == "Unsupported parameter: 'temperature'"


def test_it_is_forgotten_after_a_month(path: Path) -> None:
    learned(path).note(ROUTE, "drop:temperature")

    assert learned(path, NOW + timedelta(days=31)).of(ROUTE) == []


def test_it_is_forgotten_at_another_address(path: Path) -> None:
    learned(path).note(ROUTE, "drop:temperature")
    moved = loaded(configuration("http://127.0.0.1:10/v1"))

    assert learned(path, config=moved).of(ROUTE) == []


def test_an_address_in_another_spelling_is_the_same(path: Path) -> None:
    learned(path).note(ROUTE, "drop:temperature")

    assert learned(path, config=loaded(configuration(f"{URL}/chat/completions"))).of(ROUTE) == ["drop:temperature"]


def test_a_running_service_hears_of_what_was_cleared_and_of_what_was_added(path: Path) -> None:
    running = learned(path)
    running.note(ROUTE, "drop:temperature")
    facts.write(path, [])
    assert running.of(ROUTE) == []

    probed = Fact(upstream="fake", model="fake-model", base_url=URL, fact="context_window:4096", learned_at=NOW)
    facts.add(path, [probed], NOW)
    running.note(ROUTE, "drop:top_p")

    assert number(running.of(ROUTE), "context_window") == 4096
    assert [fact.fact for fact in facts.read(path, NOW).facts] == ["context_window:4096", "drop:top_p"]


def test_a_damaged_file_is_told_once_and_learning_goes_on(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_text("[[")

    damaged = learned(path)
    damaged.note(ROUTE, "drop:top_p")

    assert learned(path).of(ROUTE) == damaged.of(ROUTE) == ["drop:top_p"]
    assert caplog.text.count("is damaged;") == 1


def test_a_full_disk_costs_the_memory_of_it_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")

    unwritable = learned(tmp_path / "file" / "learned.toml")
    unwritable.note(ROUTE, "drop:top_p")

    assert unwritable.of(ROUTE) == ["drop:top_p"]
    assert "can't be written" in caplog.text


def test_without_a_folder_it_ends_with_the_service() -> None:
    mortal = learned(None)
    mortal.note(ROUTE, "drop:top_p")

    assert mortal.of(ROUTE) == ["drop:top_p"]


def test_what_was_not_a_number_is_none(path: Path) -> None:
    learned(path).note(ROUTE, "context_window:many")

    assert number(learned(path).of(ROUTE), "context_window") is None


# ---- through the service


async def test_after_a_restart_the_first_request_is_right(serve: Serve, upstream: FakeUpstream, tmp_path: Path) -> None:
    tables = configuration(upstream.base_url)
    upstream.play(error(400, f"Unsupported parameter: 'temperature' for key {KEY}"), Reply("a"), Reply("b"))

    await (await serve(tables, folder=tmp_path)).post(body=hello(temperature=0.5))
    await (await serve(tables, folder=tmp_path)).post(body=hello(temperature=0.5))

    assert ["temperature" in request.json for request in upstream.requests] == [True, False, False]
    file = (tmp_path / "learned.toml").read_text()
    assert KEY not in file
    assert "Unsupported parameter" in file


# ---- answers that are nothing but reasoning


def thought_away(tokens: int = 64) -> Any:
    usage: Json = {"prompt_tokens": 10, "completion_tokens": tokens, "total_tokens": 10 + tokens}
    return completion(Reply(reasoning="Is this command safe? Let me", finish="length", usage=usage))


CHECK: Json = {"max_tokens": 64, "thinking": {"type": "disabled"}}
"""As Claude Code asks whether a command is safe."""


def limits(upstream: FakeUpstream) -> list[int]:
    return [request.json["max_tokens"] for request in upstream.requests]


async def test_a_tiny_limit_is_lifted_where_it_is_thought_away(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(thought_away(), Reply("yes"), Reply("yes"))

    answers = [await service.post(body=hello(**CHECK)) for _ in range(2)]

    for answer in answers:
        assert [block["text"] for block in answer.json["content"]] == ["yes"]
        assert answer.json["stop_reason"] == "end_turn"
    assert limits(upstream) == [64, 2048, 2048]


async def test_a_stream_learns_too_but_is_not_repeated(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(Reply(reasoning="Is this safe?", finish="length"), Reply("yes"))

    await service.stream(**CHECK)
    await service.stream(**CHECK)

    assert limits(upstream) == [64, 2048]


async def test_it_is_repeated_once_only(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(thought_away(), thought_away(2048))

    answer = await service.post(body=hello(**CHECK))

    assert answer.json["stop_reason"] == "max_tokens"
    assert limits(upstream) == [64, 2048]


NOT_LIFTED: dict[str, tuple[Json, Reply]] = {
    "with words": (CHECK, Reply("no", reasoning="Is this safe?", finish="length")),
    "without reasoning": (CHECK, Reply("x", finish="length")),
    "a limit that is no tiny one": (CHECK | {"max_tokens": 513}, Reply(reasoning="Hm", finish="length")),
    "at its end": (CHECK, Reply(reasoning="Hm", finish="stop")),
}


@pytest.mark.parametrize("what", NOT_LIFTED)
async def test_other_answers_are_passed_on(service: Service, upstream: FakeUpstream, what: str) -> None:
    fields, reply = NOT_LIFTED[what]
    upstream.play(reply, Reply("yes"))

    await service.post(body=hello(**fields))
    await service.post(body=hello(**fields))

    assert limits(upstream) == [fields["max_tokens"]] * 2


async def test_who_could_switch_thinking_off_and_did_not_gets_what_was_asked(
    serve: Serve, upstream: FakeUpstream
) -> None:
    service = await serve(configuration(upstream.base_url, dialect="llamacpp"))
    upstream.play(thought_away())

    answer = await service.post(body=hello(max_tokens=64))

    assert answer.json["stop_reason"] == "max_tokens"
    assert json.loads(upstream.requests[0].body)["max_tokens"] == 64
