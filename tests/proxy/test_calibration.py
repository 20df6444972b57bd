"""What is learned from the tokens that upstreams count, and that it outlives the service."""

from __future__ import annotations

import http.client
import json
import stat
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2o.proxy.calibration import HIGHEST, LOWEST, MODELS, SAVE_EVERY, Calibration, Ratio
from c2o.translate.prompt_estimate import estimate
from c2o.wire.anthropic import Message, MessagesRequest
from tests.clients.service import Service, configuration, running
from tests.fake_upstream import FakeUpstream, Reply, usage_of
from tests.proxy.fake_clock import FakeClock
from tests.translate import o200k
from tests.translate.token_corpus import Text, judged

# The ratio ------------------------------------------------------------------------------------------


def learned(*answers: tuple[int, float]) -> Ratio:
    ratio = Ratio()
    for counted, estimated in answers:
        ratio.learn(counted, estimated)
    return ratio


def test_nothing_learned_changes_nothing() -> None:
    assert Ratio().factor == 1.0


def test_one_answer_is_believed_at_once() -> None:
    assert learned((1300, 1000)).factor == pytest.approx(1.3)


def test_a_large_prompt_says_more_than_a_small_one() -> None:
    """Between two turns of a conversation, Claude Code asks for a title."""
    assert learned((50_000, 40_000), (30, 60)).factor == pytest.approx(1.25, rel=0.01)


def test_another_tokenizer_is_learned() -> None:
    """The model behind a name was replaced."""
    answers = [(1300, 1000)] * 20 + [(800, 1000)] * 5

    assert learned(*answers).factor == pytest.approx(0.84, abs=0.01)


def test_a_tokenizer_that_does_not_know_a_script() -> None:
    assert learned((3200, 1000)).factor == HIGHEST


@pytest.mark.parametrize("counted", [-5, 0, 1, 499, 4001, 10_000_000])
def test_what_cannot_be_the_prompt_is_not_believed(counted: int) -> None:
    """Upstreams that count uncached tokens only, or the tokens of all requests so far."""
    assert learned((1200, 1000), (counted, 1000)).factor == pytest.approx(1.2)


@given(st.lists(st.tuples(st.integers(-5, 10**12), st.floats(-5, 10**9))))
def test_the_factor_stays_within_bounds(answers: list[tuple[int, float]]) -> None:
    ratio = learned(*answers)

    assert LOWEST <= ratio.factor <= HIGHEST


# Ten answers ----------------------------------------------------------------------------------------

TURNS = 12


@cache
def corpus() -> list[Text]:
    return judged()


def conversation(text: str, turns: int) -> list[str]:
    size = -(-len(text) // TURNS)
    return [text[start : start + size] for start in range(0, len(text), size)][:turns]


@cache
def estimated(text: str, turns: int) -> float:
    messages = [Message(role="user", content=turn) for turn in conversation(text, turns)]
    return estimate(MessagesRequest(model="m", messages=messages)).text


def counted(text: str, turns: int, vocabulary: str) -> int:
    """What an upstream with this vocabulary counts, whose template takes seven tokens for a message."""
    return 3 + sum(7 + o200k.tokens(turn, vocabulary) for turn in conversation(text, turns))


@pytest.mark.parametrize("vocabulary", o200k.VOCABULARIES)
def test_within_two_percent_after_ten_answers(vocabulary: str) -> None:
    """A growing conversation about one thing, with three tokenizers that differ by up to a third."""
    off = {}
    for text in corpus():
        ratio = learned(*((counted(text.text, n, vocabulary), estimated(text.text, n)) for n in range(1, 11)))
        for turns in (11, 12):
            truth = counted(text.text, turns, vocabulary)
            off[text.kind, text.name, turns] = estimated(text.text, turns) * ratio.factor / truth - 1

    worst = max(off, key=lambda name: abs(off[name]))
    assert abs(off[worst]) <= 0.02, (worst, off[worst])


# The file -------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "calibration.json"


def test_learned_numbers_are_there_again(path: Path, clock: FakeClock) -> None:
    calibration = Calibration(clock, path)
    calibration.learn("nim/llama", counted=1300, by_size=1000)
    calibration.learn("nim/llama", counted=1300, by_text=1200)
    calibration.save()

    factors = Calibration(clock, path).of("nim/llama")

    assert factors.by_size.factor == pytest.approx(1.3)
    assert factors.by_text.factor == pytest.approx(1300 / 1200)
    assert (factors.by_size.answers, factors.by_text.answers) == (1, 1)
    assert Calibration(clock, path).of("nim/other").by_size.factor == 1.0


def test_the_file_is_the_owners_alone(path: Path, clock: FakeClock) -> None:
    calibration = Calibration(clock, path)
    calibration.learn("nim/llama", counted=1300, by_size=1000)
    calibration.save()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


async def test_it_is_written_every_thirty_seconds_at_most(path: Path, clock: FakeClock) -> None:
    calibration = Calibration(clock, path)
    calibration.learn("nim/llama", counted=1300, by_size=1000)
    assert not path.exists()

    await clock.advance(SAVE_EVERY)
    calibration.learn("nim/llama", counted=1300, by_size=1000)
    written = path.read_bytes()

    calibration.learn("nim/llama", counted=1900, by_size=1000)
    assert path.read_bytes() == written
    calibration.save()
    assert path.read_bytes() != written


def test_nothing_learned_writes_nothing(path: Path, clock: FakeClock) -> None:
    Calibration(clock, path).save()

    assert not path.exists()


def test_only_so_many_models_are_remembered(path: Path, clock: FakeClock) -> None:
    calibration = Calibration(clock, path)
    for number in range(MODELS + 10):
        calibration.learn(f"nim/{number}", counted=1300, by_size=1000)
        calibration.learn("nim/busy", counted=1300, by_size=1000)
    calibration.save()

    models = json.loads(path.read_bytes())["models"]

    assert len(models) == MODELS
    assert "nim/busy" in models
    assert "nim/0" not in models


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"schema":"c2o.calibration/2","models":{}}', b'{"models":{"a":3}}'],
)
def test_a_broken_file_is_no_obstacle(path: Path, clock: FakeClock, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    calibration = Calibration(clock, path)
    calibration.learn("nim/llama", counted=1300, by_size=1000)
    calibration.save()

    assert Calibration(clock, path).of("nim/llama").by_size.factor == pytest.approx(1.3)


def test_a_folder_that_cannot_be_written_is_said_in_the_log(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.write_text("a file where the folder should be")

    calibration = Calibration(clock, path)
    calibration.learn("nim/llama", counted=1300, by_size=1000)
    calibration.save()

    assert "calibration.json" in caplog.text
    assert calibration.of("nim/llama").by_size.factor == pytest.approx(1.3)


# Over a restart --------------------------------------------------------------------------------------

PROMPT = "The quick brown fox jumps over the lazy dog. " * 40


def ask(service: Service, path: str) -> dict[str, Any]:
    body = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": PROMPT}]}
    host = service.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        headers = {"x-api-key": service.token, "content-type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        answered: dict[str, Any] = json.loads(connection.getresponse().read())
        return answered
    finally:
        connection.close()


def test_a_restarted_service_still_knows(tmp_path: Path, upstream: FakeUpstream) -> None:
    with running(tmp_path, configuration(upstream.base_url)) as service:
        before = ask(service, "/v1/messages/count_tokens")["input_tokens"]
        upstream.play(Reply("ok", usage=usage_of(prompt=round(before * 1.5))))
        ask(service, "/v1/messages")

    with running(tmp_path, configuration(upstream.base_url)) as service:
        after = ask(service, "/v1/messages/count_tokens")["input_tokens"]

    assert after == pytest.approx(before * 1.5, rel=0.01)
