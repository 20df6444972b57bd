"""The real Claude Code works through c2o, in each pinned version.

The upstream is scripted by looking at the conversation, not by counting requests: Claude Code sends
requests of its own beside the person's.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.claude import Claude, by_hand
from tests.clients.service import Service, configuration, write_configuration
from tests.clients.terminal import terminal
from tests.fake_upstream import (
    DONE,
    Call,
    Delay,
    FakeUpstream,
    Reply,
    Request,
    Scripted,
    Thinker,
    error,
    finish,
    role,
    stream,
    text,
    tool_call,
)

SECONDS = 30
"""A failure that the person can't mend by waiting is told within this time (the client's own patience: 180 s)."""


def steps(*replies: Scripted) -> Thinker:
    """An upstream that gives the next of these replies after each turn of its own."""

    def think(request: Request) -> Scripted:
        if not request.tool_names:  # a title, say
            return Reply(text='{"title": "A test"}')
        turns: int = sum(message["role"] == "assistant" for message in request.messages)
        return replies[turns]

    return think


def conversation(upstream: FakeUpstream) -> list[Request]:
    """The requests of the conversation itself."""
    return [request for request in upstream.requests if request.tool_names]


def test_a_text_answer(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    upstream.think(steps(Reply(text="Greetings from the fake upstream. 🎉")))

    done = claude.through_c2o("-p", "Say hello")

    assert (done.stdout.strip(), done.returncode) == ("Greetings from the fake upstream. 🎉", 0), done
    (asked,) = conversation(upstream)
    assert "Say hello" in asked.prompt
    assert "x-anthropic-billing-header" not in asked.body.decode()


def test_a_bash_tool_loop(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    command = Call("Bash", {"command": "echo computed-$((6 * 7))", "description": "Compute"})
    upstream.think(steps(Reply(text="Let me see.", calls=(command,)), Reply(text="It is forty-two.")))

    done = claude.through_c2o("-p", "Compute", "--allowedTools", "Bash")

    assert (done.stdout.strip(), done.returncode) == ("It is forty-two.", 0), done
    assert conversation(upstream)[-1].tool_results == ["computed-42"]


def written(content: str, reason: str = "stop") -> Scripted:
    """A stream of this text, in pieces as models make them."""
    pieces = [text(content[at : at + 5]) for at in range(0, len(content), 5)]
    return stream(role(), *pieces, finish(reason), DONE)


@pytest.mark.parametrize(
    "call",
    [
        (
            "\n<tool_call>\n<function=Bash>\n<parameter=command>\necho computed-$((6 * 7))\n</parameter>\n"
            "<parameter=timeout>\n5000\n</parameter>\n</function>\n</tool_call>"
        ),
        (
            '<|tool_calls_section_begin|><|tool_call_begin|>functions.Bash:0<|tool_call_argument_begin|>{"command": '
            '"echo computed-$((6 * 7))"}<|tool_call_end|><|tool_calls_section_end|>'
        ),
    ],
    ids=["tags", "special tokens"],
)
def test_a_call_that_the_model_wrote_as_text_is_run(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream, call: str
) -> None:
    upstream.think(steps(written("Let me see." + call), Reply(text="It is forty-two.")))

    done = claude.through_c2o("-p", "Compute", "--allowedTools", "Bash")

    assert (done.stdout.strip(), done.returncode) == ("It is forty-two.", 0), done
    assert conversation(upstream)[-1].tool_results == ["computed-42"]


def test_half_a_command_that_the_model_wrote_as_text_is_not_run(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream
) -> None:
    half = "<tool_call>\n<function=Bash>\n<parameter=command>\ntouch half"
    upstream.think(steps(written(half, "length"), Reply(text="Too long."), Reply(text="Too long.")))

    claude.through_c2o("-p", "Compute", "--allowedTools", "Bash")

    assert not list(claude.project.glob("half*"))
    assert "__c2o_truncated__" in conversation(upstream)[-1].body.decode()


def test_a_file_is_read_and_then_really_changed(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    letter = claude.project / "letter.txt"
    letter.write_text("Dear Bob,\n“quoted” text\n")
    edit = {"file_path": str(letter), "old_string": "Dear Bob,\n“quoted”", "new_string": "Dear Alice,\n“cited”"}
    upstream.think(
        steps(
            Reply(calls=(Call("Read", {"file_path": str(letter)}),)),
            Reply(calls=(Call("Edit", edit),)),
            Reply(text="Changed."),
        )
    )

    done = claude.through_c2o("-p", "Write to Alice instead", "--allowedTools", "Read,Edit")

    assert (done.stdout.strip(), done.returncode) == ("Changed.", 0), done
    assert letter.read_text() == "Dear Alice,\n“cited” text\n"
    assert "Dear Bob" in conversation(upstream)[1].tool_results[0]


def test_parallel_tool_calls_that_arrive_interleaved(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream
) -> None:
    calls = tuple(Call("Bash", {"command": f"echo {word}-$((1 + 1))"}) for word in ("first", "second"))
    upstream.think(steps(Reply(calls=calls), Reply(text="Both done.")))

    done = claude.through_c2o("-p", "Do two things", "--allowedTools", "Bash")

    assert (done.stdout.strip(), done.returncode) == ("Both done.", 0), done
    assert sorted(conversation(upstream)[-1].tool_results) == ["first-2", "second-2"]


def test_an_upstream_that_repeats_its_call_ids_loses_no_turn(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream
) -> None:
    calls = [Reply(calls=(Call("Bash", {"command": f"echo turn-{n}"}, id="call_0"),)) for n in (1, 2, 3)]
    upstream.think(steps(*calls, Reply(text="Three turns.")))

    done = claude.through_c2o("-p", "Do three things", "--allowedTools", "Bash")

    assert done.stdout.strip() == "Three turns.", done
    results = [message["content"] for message in conversation(upstream)[-1].messages if message["role"] == "tool"]
    assert results == ["turn-1", "turn-2", "turn-3"]


def test_parallel_calls_that_share_an_id_are_both_made(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream
) -> None:
    calls = [tool_call(n, "call", "Bash", json.dumps({"command": f"echo call-{n}"})) for n in (0, 1)]
    upstream.think(steps(stream(*calls, finish("tool_calls"), DONE), Reply(text="Both done.")))

    done = claude.through_c2o("-p", "Do two things", "--allowedTools", "Bash")

    assert (done.stdout.strip(), done.returncode) == ("Both done.", 0), done
    assert sorted(conversation(upstream)[-1].tool_results) == ["call-0", "call-1"]


def test_plain_claude_with_the_environment_set(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    upstream.think(steps(Reply(text="By hand.", reasoning="No c2o command was used.")))

    done = claude.run("-p", "Hi", "--output-format", "json", environment=claude.environment(**by_hand(c2o_service)))

    answer = json.loads(done.stdout)
    assert (answer["result"], answer["is_error"]) == ("By hand.", False)
    assert answer["usage"]["input_tokens"] > 0


def test_plain_claude_with_what_c2o_env_says(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    upstream.think(steps(Reply(text="As c2o env says.")))
    told = json.loads(claude.c2o("env", "--json").stdout)

    done = claude.run("-p", "Hi", environment=claude.environment(**told["env"]))

    assert (done.stdout.strip(), done.returncode) == ("As c2o env says.", 0), done


def test_it_beats_settings_that_point_elsewhere(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream, elsewhere: FakeUpstream
) -> None:
    settings = json.dumps({"env": {"ANTHROPIC_BASE_URL": elsewhere.url, "ANTHROPIC_AUTH_TOKEN": "sk-elsewhere"}})
    for folder in (claude.home / ".claude", claude.project / ".claude"):
        folder.mkdir()
        (folder / "settings.json").write_text(settings)
    upstream.think(steps(Reply(text="Here.")))

    claude.run("-p", "Where are you?", environment=claude.environment(**by_hand(c2o_service)))
    assert elsewhere.requests, "the settings have no effect, so this test shows nothing"
    elsewhere.requests.clear()

    done = claude.through_c2o("-p", "Where are you?")

    assert (done.stdout.strip(), done.returncode) == ("Here.", 0), done
    assert elsewhere.requests == []
    assert (claude.home / ".claude" / "settings.json").read_text() == settings


def test_c2o_run_starts_the_service_itself(claude: Claude, upstream: FakeUpstream) -> None:
    upstream.think(steps(Reply(text="Started.")))
    write_configuration(claude.home, configuration(upstream.base_url))

    try:
        done = claude.through_c2o("-p", "Hi")
    finally:
        stopped = claude.c2o("stop")

    assert (done.stdout.strip(), done.returncode) == ("Started.", 0), done
    assert stopped.returncode == 0, stopped


def told_quickly(run: Callable[[], Any]) -> str:
    """What a failing run says.  Fails if it doesn't fail, or only after long waiting."""
    start = time.monotonic()
    done = run()
    assert done.returncode != 0, done
    assert time.monotonic() - start < SECONDS
    said: str = done.stdout + done.stderr
    return said


def test_a_wrong_upstream_key_is_told_after_one_request(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream
) -> None:
    upstream.think(lambda request: error(401, "Incorrect API key provided", code="invalid_api_key"))

    said = told_quickly(lambda: claude.through_c2o("-p", "Hi"))

    assert len(upstream.requests) == 1
    assert "Incorrect API key provided" in said
    assert "FAKE_KEY" in said
    assert "/login" not in said


def test_an_upstream_that_is_down_is_named(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    upstream.go_away()
    assert upstream.url in told_quickly(lambda: claude.through_c2o("-p", "Hi"))


def test_a_conversation_in_the_terminal(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    """The interface that people use: no dialog about keys or accounts, two turns, and a tool that is asked for."""
    accepted = {"hasCompletedOnboarding": True, "projects": {str(claude.project): {"hasTrustDialogAccepted": True}}}
    (claude.home / ".claude.json").write_text(json.dumps(accepted))
    write = Call("Write", {"file_path": str(claude.project / "poem.txt"), "content": "Roses are red.\n"})
    upstream.think(steps(Reply(text="Good evening."), Reply(calls=(write,)), Reply(text="It is written.")))
    command = [sys.executable, "-m", "c2o", "run", "claude", "--permission-mode", "acceptEdits"]

    with terminal(command, claude.environment(), claude.project) as screen:
        screen.wait_for("accept edits on")
        screen.type("Hello")
        screen.wait_for("Hello")
        screen.type("\r")
        screen.wait_for("Good evening.")
        screen.type("Write a poem")
        screen.wait_for("Write a poem")
        screen.type("\r")
        screen.wait_for("It is written.")

    assert (claude.project / "poem.txt").read_text() == "Roses are red.\n"


@pytest.mark.slow
def test_a_stream_that_falls_silent_is_kept_alive(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    """Claude Code gives a stream up that is silent for too long, and asks again; here it is less patient than usual."""
    slow = stream(role(), text("At "), Delay(25), text("last."), finish(), DONE)
    upstream.think(steps(slow))
    impatient = {"CLAUDE_ENABLE_BYTE_WATCHDOG": "1", "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": "15000"}

    done = claude.run("-p", "Hi", environment=claude.environment(**by_hand(c2o_service), **impatient))

    assert (done.stdout.strip(), done.returncode) == ("At last.", 0), done
    assert len(conversation(upstream)) == 1


def test_the_demo_answers_claude(claude: Claude) -> None:
    done = claude.c2o("demo", "claude")

    assert done.returncode == 0, done
    assert "Hello from the c2o demo" in done.stdout
    assert "scripted stand-in" in done.stderr
    assert list(claude.home.iterdir()) == []


def test_the_demo_calls_a_tool_of_claude(claude: Claude) -> None:
    done = claude.c2o("demo", "claude", "-p", "Run `echo demo-$((40 + 2))`", "--allowedTools", "Bash")

    assert done.returncode == 0, done
    assert "demo-42" in done.stdout
