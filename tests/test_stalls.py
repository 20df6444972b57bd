"""No stream waits for the request of another, however large that is, and whether it is traced or not.

While another process has a service work on something large, ticks go through the same service.  Were it worked on in
one go, a tick would wait for nearly all of the time that it takes; it may wait for half.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.service import Service, running
from tests.command_line import until
from tests.stalls import Heavy, Ticks, configuration, heavy, listening, ticking_upstream, trace

pytestmark = pytest.mark.slow

IDLE = 1.0
"""Seconds of nothing, to see how long a tick takes on this machine when nothing else happens."""


@contextmanager
def _ticking(home: Path, other: Heavy) -> Iterator[tuple[Service, Ticks]]:
    with (
        ticking_upstream() as ticking,
        running(home, configuration(ticking, other.port)) as service,
        listening(service.url, "ticking") as ticks,
    ):
        yield service, ticks


@pytest.fixture(scope="module")
def other() -> Iterator[Heavy]:
    with heavy() as process:
        yield process


@pytest.fixture(scope="module")
def untraced(tmp_path_factory: pytest.TempPathFactory, other: Heavy) -> Iterator[tuple[Service, Ticks]]:
    with _ticking(tmp_path_factory.mktemp("untraced"), other) as running:
        yield running


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, other: Heavy) -> Iterator[tuple[Service, Ticks]]:
    with _ticking(tmp_path_factory.mktemp("traced"), other) as running:
        trace(running[0].home)
        yield running


@pytest.mark.parametrize("case", ["20,000 messages, 2 MB", "count of 5 MB", "half characters, 5 MB"])
def test_a_large_request_holds_no_stream_up(untraced: tuple[Service, Ticks], other: Heavy, case: str) -> None:
    service, ticks = untraced
    usual = _idle(ticks)
    done = other(service.url, case)
    assert done["status"] == 200
    time.sleep(0.1)  # the last ticks of that time are still on their way
    assert ticks.longest_since(done["began"]) - usual < done["seconds"] / 2


@pytest.mark.parametrize("case", ["picture of 10 MB", "answer of 10 MB", "stream of one 5 MB chunk"])
def test_nor_does_writing_it_down(traced: tuple[Service, Ticks], other: Heavy, case: str) -> None:
    """It may go on after the answer."""
    service, ticks = traced
    usual = _idle(ticks)
    done = other(service.url, case)
    assert done["status"] == 200
    until(lambda: b'"what":"ended"' in _end_of_last_trace(service), 60)
    assert ticks.longest_since(done["began"]) - usual < (time.monotonic() - done["began"]) / 2


def _idle(ticks: Ticks) -> float:
    began = time.monotonic()
    time.sleep(IDLE)
    return ticks.longest_since(began)


def _end_of_last_trace(service: Service) -> bytes:
    last = max((service.home / "state" / "trace").glob("*.jsonl"))
    return last.read_bytes()[-1000:]
