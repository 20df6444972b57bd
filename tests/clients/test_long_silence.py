"""Half an hour in which a local model reads the prompt: Claude Code waits, and asks once."""

from __future__ import annotations

import time

import pytest

from tests.clients.claude import Claude, by_hand
from tests.clients.service import Service
from tests.clients.test_claude_code import conversation, steps
from tests.fake_upstream import DONE, Delay, FakeUpstream, finish, role, stream, text

SILENCE = 1860
"""Seconds.  Without help Claude Code gives up after 300 s of silence, and after 610 s of pings alone."""


@pytest.mark.long
@pytest.mark.timeout(SILENCE + 120)
@pytest.mark.parametrize("way", ["plain", "run"])
def test_half_an_hour_before_the_first_token_is_one_request(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream, way: str
) -> None:
    upstream.think(steps(stream(role(), text("At last."), finish(), DONE).after(Delay(SILENCE))))
    patient = claude.waiting(SILENCE + 60)
    since = time.monotonic()

    if way == "run":
        done = patient.through_c2o("-p", "Hi")
    else:
        done = patient.run("-p", "Hi", environment=claude.environment(**by_hand(c2o_service)))

    assert (done.stdout.strip(), done.returncode) == ("At last.", 0), done
    assert time.monotonic() - since >= SILENCE
    assert len(conversation(upstream)) == 1
