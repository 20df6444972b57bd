"""What is kept for a while is bounded, and forgotten in time."""

from __future__ import annotations

import gc
import json
import weakref
from typing import Any

import pytest

from c2o.errors import RequestError
from c2o.proxy.memory import MOST_FAILURES, REPEATED_WITHIN, Failures, Remembered, of_body
from tests.fake_upstream import CUT, FakeUpstream, Reply, error, stream, text
from tests.proxy.conftest import Service
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import hello


def test_the_oldest_is_forgotten_first() -> None:
    remembered = Remembered(entries=2)
    remembered.update({"a": "1", "b": "2"})
    remembered.update({"a": "1 again", "c": "3"})
    assert dict(remembered) == {"a": "1 again", "c": "3"}


def test_no_more_is_kept_than_the_size_allows() -> None:
    remembered = Remembered(size=10)
    remembered.update({"a": "12345", "b": "12345"})
    remembered.update({"b": "123", "c": "1234567"})
    assert dict(remembered) == {"b": "123", "c": "1234567"}
    remembered.update({"d": "x" * 11})
    assert dict(remembered) == {}


@pytest.mark.parametrize(("passed", "there"), [(REPEATED_WITHIN - 1, True), (REPEATED_WITHIN, False)])
async def test_a_failure_is_forgotten_in_time(clock: FakeClock, passed: float, there: bool) -> None:
    failures = Failures(clock)
    failures.note("key", RequestError("no"))
    await clock.advance(passed)
    assert (failures.recall("key") is not None) == there
    assert failures.recall("another") is None


def test_failures_are_few(clock: FakeClock) -> None:
    failures = Failures(clock)
    for number in range(MOST_FAILURES + 5):
        failures.note(str(number), RequestError(str(number)))
    assert failures.recall("4") is None
    assert failures.recall("5") is not None


def test_a_recalled_failure_holds_nothing_of_the_request_that_it_ended(clock: FakeClock) -> None:
    """An exception that is raised keeps its frames, and these the request's body."""
    failures = Failures(clock)
    failures.note("key", RequestError("no", status=404, type="not_found_error", retry=False, code="x"))

    class Body:
        pass

    def request() -> weakref.ref[Body]:
        body = Body()
        failure = failures.recall("key")
        assert failure is not None
        with pytest.raises(RequestError) as raised:
            raise failure
        again = raised.value
        assert (again.status, again.type, again.retry, again.code) == (404, "not_found_error", False, "x")
        return weakref.ref(body)

    held = request()
    gc.collect()
    assert held() is None


def test_a_request_is_the_same_streamed_or_not() -> None:
    bodies = [hello(stream=True), hello(stream=False), hello(), {"stream": True} | hello()]
    keys = {of_body(json.dumps(body).encode()) for body in bodies}
    keys |= {of_body(json.dumps(body, separators=(",", ":")).encode()) for body in bodies}
    assert len(keys) == 2  # by spacing alone
    assert of_body(json.dumps(hello(max_tokens=5)).encode()) not in keys


# ---- through the service


async def in_turn(service: Service, *bodies: dict[str, Any]) -> list[int]:
    return [(await service.post(body=body)).status for body in bodies]


async def test_a_failed_stream_s_repetition_costs_nothing(
    timed: Service, upstream: FakeUpstream, clock: FakeClock
) -> None:
    """Claude Code repeats it at once with ``stream: false``."""
    upstream.play(error(401, "no such key"), Reply(text="Hi"))
    first = await timed.post(body=hello(stream=True))
    second = await timed.post(body=hello(stream=False))
    assert (first.status, second.status) == (401, 401)
    assert first.error["message"] == second.error["message"]
    assert second.headers["x-should-retry"] == "false"
    assert len(upstream.requests) == 1

    await clock.advance(REPEATED_WITHIN)
    assert (await timed.post(body=hello(stream=False))).status == 200


async def test_another_request_is_not_held_to_it(timed: Service, upstream: FakeUpstream) -> None:
    upstream.play(error(400, "no such field"), Reply(text="Hi"), Reply(text="Hi"))
    other = hello(messages=[{"role": "user", "content": "Something else"}])
    assert await in_turn(timed, hello(stream=True), other, hello(stream=True)) == [400, 200, 200]


async def test_a_model_that_is_not_there_is_asked_for_once(
    timed: Service, upstream: FakeUpstream, clock: FakeClock
) -> None:
    upstream.play(error(404, "The model does not exist", code="model_not_found"), Reply(text="Hi"))
    other = hello(messages=[{"role": "user", "content": "Something else"}])
    assert await in_turn(timed, hello(stream=True), other, hello(stream=True), hello()) == [400] * 4
    assert len(upstream.requests) == 1

    await clock.advance(REPEATED_WITHIN)
    assert (await timed.post()).status == 200


async def test_a_broken_stream_may_go_better(timed: Service, upstream: FakeUpstream) -> None:
    upstream.play(stream(text("Hi"), CUT), Reply(text="Hi"))
    assert await in_turn(timed, hello(stream=True), hello()) == [200, 200]
    assert len(upstream.requests) == 2
