"""The real Claude Code doesn't notice that c2o is restarted, whatever it is doing at that moment."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from c2o import draining
from tests.clients.claude import Claude
from tests.clients.service import configuration, write_configuration
from tests.clients.test_claude_code import conversation, steps
from tests.clients.test_claude_code_turns import RESTART, stopped_after
from tests.command_line import until
from tests.fake_upstream import DONE, Answer, FakeUpstream, Hold, finish, role, stream, text, tool_call, usage

__all__ = ["stopped_after"]

COMMANDS = ["echo one", RESTART, "echo three", f"{RESTART} && {RESTART}"]
"""Twice it restarts c2o itself, between a call and its result."""


@pytest.fixture
def held() -> Iterator[list[threading.Event]]:
    """What each stream waits for in its middle."""
    events = [threading.Event() for _ in range(len(COMMANDS) + 1)]
    yield events
    for event in events:
        event.set()


def step(number: int, go_on: threading.Event) -> Answer:
    """Some words, a wait, and a call; in the end more words."""
    begun = [role(), text(f"Step {number}. "), Hold(go_on)]
    if number == len(COMMANDS):
        return stream(*begun, text("All ran."), finish(), usage(), DONE)
    call = tool_call(0, f"call_{number}", "Bash", json.dumps({"command": COMMANDS[number], "description": "A step"}))
    return stream(*begun, call, finish("tool_calls"), usage(), DONE)


@pytest.mark.slow
@pytest.mark.usefixtures("stopped_after")
def test_restarts_in_its_streams_and_between_call_and_result(
    claude: Claude, upstream: FakeUpstream, held: list[threading.Event]
) -> None:
    upstream.think(steps(*(step(number, event) for number, event in enumerate(held))))
    write_configuration(claude.home, configuration(upstream.base_url))
    restarted: list[Any] = []

    def restart_in_the_middle_of_each_stream() -> None:
        for number, event in enumerate(held):
            until(lambda wanted=number + 1: len(conversation(upstream)) == wanted, 60)
            restarted.append(json.loads(claude.c2o("restart", "--json").stdout))
            event.set()

    restarting = threading.Thread(target=restart_in_the_middle_of_each_stream)
    restarting.start()
    ran = claude.through_c2o("-p", "Go", "--allowedTools", "Bash", "--output-format", "stream-json", "--verbose")
    restarting.join(60)

    events = [json.loads(line) for line in ran.stdout.splitlines()]
    result = events[-1]
    assert (ran.returncode, result["subtype"], result["is_error"]) == (0, "success", False), ran
    assert result["result"] == f"Step {len(COMMANDS)}. All ran."
    assert len(conversation(upstream)) == len(COMMANDS) + 1, "nothing was asked twice"
    assert not [event for event in events if "retry" in json.dumps(event.get("subtype", ""))]
    assert [each["handed_over"] for each in restarted] == [True] * len(held)
    assert all(each["finishing"] >= 1 for each in restarted), "each of them in the middle of a stream"
    until(lambda: not draining.services())
