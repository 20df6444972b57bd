"""Long conversations of the real Claude Code: what an upstream must get back of earlier turns, and what is compacted.

A restart of c2o between two turns takes all that it remembers: what comes back then has travelled with the client.
"""

from __future__ import annotations

import itertools
import json
import shlex
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.claude import Claude
from tests.clients.service import Service, configuration, write_configuration
from tests.clients.test_claude_code import conversation, steps
from tests.fake_upstream import (
    DONE,
    Answer,
    Call,
    FakeUpstream,
    Reply,
    Request,
    Scripted,
    as_text,
    chunk,
    error,
    finish,
    role,
    stream,
    too_long,
    usage,
)

Json = dict[str, Any]

RESTART = f"{shlex.quote(sys.executable)} -m c2o restart --json"

COMMANDS = {"undisturbed": ["echo one", "echo two", "echo three"], "restarted": ["echo one", RESTART, "echo three"]}
"""Three turns, one command each.  The restart happens while the upstream waits for the result of its call."""

DEEPSEEK_SAYS = "The `reasoning_content` in the thinking mode must be passed back to the API."
"""https://api-docs.deepseek.com/guides/thinking_mode"""

GEMINI_SAYS = "Function call is missing a thought_signature in functionCall parts."
"""https://ai.google.dev/gemini-api/docs/thought-signatures"""


@pytest.fixture
def stopped_after(claude: Claude) -> Iterator[None]:
    """``c2o run`` starts the service; the test ends it."""
    yield
    stopped = claude.c2o("stop")
    assert stopped.returncode == 0, stopped


@pytest.fixture(params=list(COMMANDS))
def commands(request: pytest.FixtureRequest) -> list[str]:
    found: list[str] = COMMANDS[request.param]
    return found


def called(request: Request) -> list[Json]:
    """The assistant's messages that call tools."""
    return [message for message in request.messages if message.get("tool_calls")]


def results(request: Request) -> Json:
    """What each command has printed."""
    ids = {call["id"]: call["function"] for message in called(request) for call in message["tool_calls"]}
    answers = [message for message in request.messages if message["role"] == "tool"]
    return {
        json.loads(ids[answer["tool_call_id"]]["arguments"])["command"]: as_text(answer["content"])
        for answer in answers
    }


def assert_ran(commands: list[str], upstream: FakeUpstream) -> None:
    """Each command has run, nothing was asked twice, and what should be restarted has been."""
    assert len(conversation(upstream)) == len(commands) + 1
    printed = results(conversation(upstream)[-1])
    assert (printed["echo one"], printed["echo three"]) == ("one", "three")
    if RESTART in commands:
        restarted = json.loads(printed[RESTART])
        assert (restarted["schema"], restarted["stopped"]["already"]) == ("c2o.restart/1", False)


# Reasoning that must come back ----------------------------------------------------------------------


@pytest.mark.usefixtures("stopped_after")
def test_deepseek_gets_its_reasoning_back(claude: Claude, upstream: FakeUpstream, commands: list[str]) -> None:
    thoughts = [f"Turn {number}: “first” this,\n\n then that. 🤔" for number in range(3)]
    calls = [Call("Bash", {"command": command}, id=f"call_{n}_{n}") for n, command in enumerate(commands)]
    script = steps(
        *(Reply(reasoning=thought, calls=(call,)) for thought, call in zip(thoughts, calls, strict=True)),
        Reply(text="All three ran."),
    )

    def think(request: Request) -> Scripted:
        passed_back = [message.get("reasoning_content") for message in called(request)]
        if passed_back != thoughts[: len(passed_back)]:
            return error(400, DEEPSEEK_SAYS)
        return script(request)

    upstream.think(think)
    write_configuration(claude.home, configuration(upstream.base_url, dialect="deepseek"))

    done = claude.through_c2o("-p", "Run three commands", "--allowedTools", "Bash")

    assert (done.stdout.strip(), done.returncode) == ("All three ran.", 0), done
    assert_ran(commands, upstream)
    assert len(called(conversation(upstream)[-1])) == 3


def step_of_gemini(number: int, command: str) -> Answer:
    """A step as Gemini streams it: of calls at once, the first has the signature."""
    signed = {"extra_content": {"google": {"thought_signature": signature(number)}}}
    calls = [gemini_call(number, 0, command) | signed, gemini_call(number, 1, f"echo beside-{number}")]
    return stream(role(), *(chunk({"tool_calls": [call]}) for call in calls), finish("tool_calls"), usage(), DONE)


def gemini_call(step: int, index: int, command: str) -> Json:
    function = {"name": "Bash", "arguments": json.dumps({"command": command})}
    return {"index": index, "id": f"function-call-{step}-{index}", "type": "function", "function": function}


def signature(step: int) -> str:
    return f"CiQB+{step}/kAXG9Aa=="


def thought_signatures(message: Json) -> list[str | None]:
    """The signature on each call of a step."""
    return [call.get("extra_content", {}).get("google", {}).get("thought_signature") for call in message["tool_calls"]]


@pytest.mark.usefixtures("stopped_after")
def test_gemini_gets_its_thought_signatures_back(claude: Claude, upstream: FakeUpstream, commands: list[str]) -> None:
    script = steps(*(step_of_gemini(*each) for each in enumerate(commands)), Reply(text="All three ran."))

    def think(request: Request) -> Scripted:
        passed_back = [thought_signatures(message) for message in called(request)]
        if passed_back != [[signature(step), None] for step in range(len(passed_back))]:
            return error(400, GEMINI_SAYS, code="INVALID_ARGUMENT")
        return script(request)

    upstream.think(think)
    write_configuration(claude.home, configuration(upstream.base_url, dialect="gemini"))

    done = claude.through_c2o("-p", "Run three commands", "--allowedTools", "Bash")

    assert (done.stdout.strip(), done.returncode) == ("All three ran.", 0), done
    assert_ran(commands, upstream)
    assert len(called(conversation(upstream)[-1])) == 3


# A conversation that grows too long -----------------------------------------------------------------

WINDOW = 32_768
"""Tokens; the upstream here counts four bytes as one."""

SUMMARY = "This is all that is left of what was said."

PAGE = 25_000
"""Characters that a command prints; Claude Code shows a model 30,000 of them at most."""


def tokens(request: Request) -> int:
    return len(request.body) // 4


def wants_summary(request: Request) -> bool:
    return "<summary>" in request.prompt


def summary() -> Reply:
    return Reply(text=f"<analysis>It was long.</analysis>\n<summary>\n{SUMMARY}\n</summary>")


def said(request: Request) -> str:
    """Everything in the conversation, in one piece."""
    return "\n".join(as_text(message["content"]) for message in request.messages)


def is_compacted(request: Request) -> bool:
    return SUMMARY in said(request)


def reader_with_a_small_window(request: Request) -> Scripted:
    """Reads page after page until it is given a summary of what it has read; refuses what doesn't fit."""
    if tokens(request) > WINDOW:
        return too_long(tokens(request), WINDOW)
    if wants_summary(request):
        return summary()
    if not request.tool_names:
        return Reply(text='{"title": "A test"}')
    if is_compacted(request):
        return after_the_summary(request)
    page = len(called(request))
    command = f"head -c {PAGE} /dev/zero | tr '\\0' {page}"
    return Reply(text=f"Page {page}.", calls=(Call("Bash", {"command": command}),))


def after_the_summary(request: Request) -> Scripted:
    """One more command, then the answer."""
    if request.tool_results == ["still at work"]:
        return Reply(text="It will be sunny.")
    return Reply(calls=(Call("Bash", {"command": "echo still at work"}),))


def test_an_overflow_leads_to_a_summary_and_on(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    upstream.think(reader_with_a_small_window)

    done = claude.through_c2o("-p", "Read the weather report", "--allowedTools", "Bash")

    assert (done.stdout.strip(), done.returncode) == ("It will be sunny.", 0), done
    refused = [request for request in upstream.requests if tokens(request) > WINDOW]
    summarized = [request for request in upstream.requests if wants_summary(request)]
    assert (len(refused), len(summarized)) == (1, 1)
    assert called(summarized[0]), "what was summarized is not the conversation"
    after = upstream.requests[upstream.requests.index(summarized[0]) + 1 :]
    assert all(is_compacted(request) and request.tool_names for request in after)
    assert len(after) == 2


def test_compact_by_hand(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    """``/compact``: a summary, and the next turn begins with it instead of with all that was said."""
    upstream.think(lambda request: summary() if wants_summary(request) else Reply(text="So noted."))
    claude.through_c2o("-p", "The treasure is under the oak.")
    claude.through_c2o("-p", "Nobody else knows it.", "--continue")  # 2.1.197 doesn't compact a single turn

    compacted = claude.through_c2o("-p", "/compact", "--continue")
    continued = claude.through_c2o("-p", "Where is it?", "--continue")

    assert compacted.returncode == 0, compacted
    assert (continued.stdout.strip(), continued.returncode) == ("So noted.", 0), continued
    (summarized,) = [request for request in upstream.requests if wants_summary(request)]
    assert "The treasure is under the oak." in said(summarized)
    last = conversation(upstream)[-1]
    assert last is upstream.requests[-1]
    assert is_compacted(last)
    assert "The treasure is under the oak." not in said(last)


@pytest.mark.slow
def test_each_request_begins_with_all_of_the_one_before(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream
) -> None:
    """By that an upstream knows its prompt cache.  What differs may only be added, over a second run too."""
    calls = (Reply(calls=(Call("Bash", {"command": f"echo {number}"}),)) for number in range(3))
    upstream.think(steps(*calls, Reply("Done."), Reply("More.")))

    for words in (("-p", "Begin"), ("-p", "Go on", "--continue")):
        done = claude.through_c2o(*words, "--allowedTools", "Bash")
        assert done.returncode == 0, done

    asked = conversation(upstream)
    assert len(asked) >= 5
    for before, after in itertools.pairwise(asked):
        assert after.messages[: len(before.messages)] == before.messages
        assert after.json["tools"] == before.json["tools"]
