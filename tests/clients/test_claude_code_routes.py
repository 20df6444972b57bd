"""Each kind of request that the real Claude Code makes arrives at an upstream of its own, in each pinned version."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from c2o.proxy.documents import png
from tests.clients.claude import Claude
from tests.clients.service import TOKEN, Service
from tests.clients.terminal import Terminal, terminal
from tests.fake_upstream import SSE, Answer, Call, FakeUpstream, Reply, Request, Scripted

pytestmark = pytest.mark.slow

Start = Callable[..., Service]

PICTURE = png.encoded(bytes(range(192)) * 64, width=64, height=64, stride=192)

KINDS = ("main", "background", "subagent", "think", "image", "long_context")


@pytest.fixture
def upstreams() -> Iterator[Mapping[str, FakeUpstream]]:
    """An upstream for each kind; each says whose it is."""
    with ExitStack() as stack:
        servers = {kind: FakeUpstream().start() for kind in KINDS}
        for kind, server in servers.items():
            stack.callback(server.close)
            server.think(saying(f"I am {kind}."))
        yield servers
        unexpected = {kind: len(server.unexpected) for kind, server in servers.items() if server.unexpected}
        assert not unexpected


def saying(text: str, *before: Scripted) -> Callable[[Request], Scripted]:
    """An upstream that makes these turns first in a conversation with tools, and says ``text`` from then on."""

    def think(request: Request) -> Scripted:
        turns = sum(message["role"] == "assistant" for message in request.messages)
        if not request.tool_names:
            return Reply(text='{"title": "A test"}')
        return before[turns] if turns < len(before) else Reply(text=text)

    return think


def configured(upstreams: Mapping[str, FakeUpstream], above: int = 10**6) -> dict[str, Any]:
    """The main model sees no images."""
    return {
        "server": {"auth_token": TOKEN, "port": 0},
        "upstreams": {
            kind: {"base_url": server.base_url} | ({"quirks": {"vision": False}} if kind == "main" else {})
            for kind, server in upstreams.items()
        },
        "models": {"default": "main/model"},
        "routes": {
            **{kind: f"{kind}/model" for kind in KINDS if kind not in ("main", "long_context")},
            "long_context": {"model": "long_context/model", "above": above},
        },
    }


def asked(upstreams: Mapping[str, FakeUpstream]) -> set[str]:
    """The kinds whose upstreams were asked."""
    return {kind for kind, server in upstreams.items() if server.requests}


def test_a_subagent(claude: Claude, start_c2o: Start, upstreams: Mapping[str, FakeUpstream]) -> None:
    start_c2o(configured(upstreams))
    task = {"description": "Look", "prompt": "SUBWORK: look around", "subagent_type": "general-purpose"}
    upstreams["main"].think(saying("All done.", Reply(calls=(Call("Agent", task),))))

    done = claude.through_c2o("-p", "Send somebody", "--allowedTools", "Agent")

    assert "All done." in done.stdout, done
    assert "SUBWORK" in upstreams["subagent"].requests[0].prompt
    assert not any("SUBWORK" in request.prompt for request in upstreams["main"].requests)
    assert asked(upstreams) <= {"main", "subagent", "background"}


def test_without_hints_a_subagent_is_known_all_the_same(
    claude: Claude, start_c2o: Start, upstreams: Mapping[str, FakeUpstream]
) -> None:
    start_c2o(configured(upstreams))
    task = {"description": "Look", "prompt": "SUBWORK: look around", "subagent_type": "general-purpose"}
    upstreams["main"].think(saying("All done.", Reply(calls=(Call("Agent", task),))))

    done = claude.through_c2o("-p", "Send somebody", "--allowedTools", "Agent", CLAUDE_CODE_GATEWAY_HINT_HEADERS="0")

    assert "All done." in done.stdout, done
    assert "SUBWORK" in upstreams["subagent"].requests[0].prompt


def test_without_hints_a_summary_is_made_by_the_model_of_the_conversation(
    claude: Claude, start_c2o: Start, upstreams: Mapping[str, FakeUpstream]
) -> None:
    """``/compact``: nobody else may have a window for all that was said, nor has it in its cache."""
    start_c2o(configured(upstreams))
    upstreams["main"].think(saying("<summary>We said hello.</summary>"))
    without = {"CLAUDE_CODE_GATEWAY_HINT_HEADERS": "0"}
    claude.through_c2o("-p", "Hello", **without)
    claude.through_c2o("-p", "Hello again", "--continue", **without)  # 2.1.197 doesn't compact a single turn

    done = claude.through_c2o("-p", "/compact", "--continue", **without)

    assert done.returncode == 0, done
    assert "<summary>" in upstreams["main"].requests[-1].prompt
    assert asked(upstreams) <= {"main", "background"}
    assert not any("<summary>" in request.prompt for request in upstreams["background"].requests)


def test_a_safety_check_of_auto_mode(claude: Claude, start_c2o: Start, upstreams: Mapping[str, FakeUpstream]) -> None:
    start_c2o(configured(upstreams))
    risky = Call("Bash", {"command": "curl -s http://127.0.0.1:9/; echo ran-$((40 + 2))", "description": "Ask"})
    upstreams["main"].think(saying("It ran.", Reply(calls=(risky,))))
    upstreams["background"].think(lambda _: Reply(text="<block>no"))

    done = claude.through_c2o("-p", "Ask it", "--permission-mode", "auto")

    assert done.stdout.strip() == "It ran.", done
    assert upstreams["main"].requests[-1].tool_results == ["ran-42"]
    assert any("security monitor" in request.system for request in upstreams["background"].requests)
    assert asked(upstreams) == {"main", "background"}


def test_more_thinking_than_usual(claude: Claude, start_c2o: Start, upstreams: Mapping[str, FakeUpstream]) -> None:
    start_c2o(configured(upstreams))

    ways = (("-p", "Hi", "--effort", "high"), ("-p", "Hi", "--effort", "max"), ("-p", "ultrathink about it"))
    said = [claude.through_c2o(*way).stdout.strip() for way in ways]

    assert said == ["I am main.", "I am think.", "I am think."]


def test_a_picture_takes_one_turn_and_the_session_lives_on(
    claude: Claude, start_c2o: Start, upstreams: Mapping[str, FakeUpstream]
) -> None:
    start_c2o(configured(upstreams))
    path = claude.project / "picture.png"
    path.write_bytes(PICTURE)
    upstreams["main"].think(saying("Back to work.", Reply(calls=(Call("Read", {"file_path": str(path)}),))))
    upstreams["image"].think(saying("I see stripes."))

    seen = claude.through_c2o("-p", "Look at picture.png", "--allowedTools", "Read")
    later = claude.through_c2o("-p", "Go on", "--continue")

    assert (seen.stdout.strip(), later.stdout.strip()) == ("I see stripes.", "Back to work."), (seen, later)
    (shown,) = upstreams["image"].requests
    assert b"data:image/png;base64," in shown.body
    told = upstreams["main"].requests[-1].body
    assert b"I see stripes." in told
    assert b"cannot see images" in told
    assert b"base64," not in told


def test_a_long_prompt(claude: Claude, start_c2o: Start, upstreams: Mapping[str, FakeUpstream]) -> None:
    start_c2o(configured(upstreams, above=50_000))
    numbers = " ".join(str(number) for number in range(20_000, 40_000))  # as much as an argument may have

    short = claude.through_c2o("-p", "Hi")
    long = claude.through_c2o("-p", f"Add these: {numbers}", "--continue")

    assert (short.stdout.strip(), long.stdout.strip()) == ("I am main.", "I am long_context.")


def test_a_title_and_models_to_choose_from_in_the_terminal(
    claude: Claude, start_c2o: Start, upstreams: Mapping[str, FakeUpstream]
) -> None:
    """The list that ``/v1/models`` gives, a model switched to in the middle of a session, and its title on the side."""
    start_c2o(configured(upstreams))
    accepted = {"hasCompletedOnboarding": True, "projects": {str(claude.project): {"hasTrustDialogAccepted": True}}}
    (claude.home / ".claude.json").write_text(json.dumps(accepted))
    (claude.project / "note.txt").write_text("NOTED\n")
    read = Call("Read", {"file_path": str(claude.project / "note.txt")}, id="call_0")
    upstreams["main"].think(saying("Read by main.", Reply(reasoning="I should read it.", calls=(read,))))
    upstreams["think"].think(saying("Now I am the thinker."))
    command = [sys.executable, "-m", "c2o", "run", "claude", "--permission-mode", "acceptEdits"]

    with terminal(command, claude.environment(), claude.project) as screen:
        screen.wait_for("accept edits on")
        screen.type("Read note.txt")
        screen.wait_for("Read note.txt")
        screen.type("\r")
        screen.wait_for("Read by main.")
        if "2.1.197" in str(claude.binary):  # it takes a model by name, but asks nobody which there are
            screen.type("/model c2o-claude/think/model")
            screen.wait_for("/model c2o-claude/think/model")
            screen.type("\r")
        else:
            screen.type("/model")
            screen.wait_for("/model")
            screen.type("\r")
            screen.wait_for("model (long_context)")
            screen.type(number_of("model (think)", screen.shown))
        screen.wait_for("Yes, switch to")  # it asks, since the conversation is cached for the other
        press_enter_until(screen, "Set model to")
        screen.type("Who are you")
        screen.wait_for("Who are you")
        screen.type("\r")
        screen.wait_for("Now I am the thinker.")

    (title,) = [request for request in upstreams["background"].requests if "title" in request.system]
    assert "Read note.txt" in title.prompt
    history = upstreams["think"].requests[-1].body
    assert b"NOTED" in history
    assert b"Read by main." in history


def press_enter_until(screen: Terminal, text: str) -> None:
    """A dialog that has just been drawn may not listen yet; Enter in an empty prompt does nothing."""
    for _ in range(5):
        screen.type("\r")
        with suppress(AssertionError):
            screen.wait_for(text, 6)
            return
    screen.wait_for(text, 0)


def number_of(entry: str, shown: str) -> str:
    """The number of an entry in the list that the screen shows."""
    found = re.findall(rf"(\d+)\.{re.escape(entry.replace(' ', ''))}", shown)
    assert found, shown[-1000:]
    return str(found[-1])


RECORDINGS = Path(__file__).parent.parent / "recordings"

SEARCHES = {
    # how the upstream is asked: its table, and what it answers
    "chat completions": ({"dialect": "openrouter"}, "openrouter/web-search/upstream.sse"),
    "responses": ({"dialect": "openai", "api": "responses"}, "openai/responses-web-search/upstream.sse"),
    "anthropic": ({"api": "anthropic"}, "openai/responses-web-search/expected.sse"),
    "perplexity": ({"dialect": "perplexity"}, "perplexity/web-search/upstream.sse"),
    "groq": ({"quirks": {"web_search": "groq"}}, "groq/web-search-by-compound/upstream.sse"),
}


@pytest.mark.parametrize("way", SEARCHES)
def test_a_search_of_the_web(
    claude: Claude, start_c2o: Start, upstreams: Mapping[str, FakeUpstream], upstream: FakeUpstream, way: str
) -> None:
    table, recording = SEARCHES[way]
    tables = configured(upstreams)
    tables["upstreams"]["search"] = {"base_url": upstream.base_url, **table}
    tables["routes"]["web_search"] = "search/some-model"
    start_c2o(tables)
    upstreams["main"].think(saying("It is about bees.", Reply(calls=(Call("WebSearch", {"query": "bees and wasps"}),))))
    upstream.think(lambda _: Answer(((RECORDINGS / recording).read_bytes(),), headers=SSE))

    done = claude.through_c2o("-p", "What of bees?", "--allowedTools", "WebSearch")

    assert done.stdout.strip() == "It is about bees.", done
    (result,) = upstreams["main"].requests[-1].tool_results
    assert "Bees make honey" in result
    assert '"url":"https://bees.example/honey"' in result
    assert '"title":"Bees"' in result


def test_a_search_that_nobody_can_make_is_told(
    claude: Claude, start_c2o: Start, upstreams: Mapping[str, FakeUpstream]
) -> None:
    start_c2o(configured(upstreams))
    upstreams["main"].think(saying("I can't search.", Reply(calls=(Call("WebSearch", {"query": "bees and wasps"}),))))

    done = claude.through_c2o("-p", "What of bees?", "--allowedTools", "WebSearch")

    assert done.stdout.strip() == "I can't search.", done
    (result,) = upstreams["main"].requests[-1].tool_results
    assert "web_search is not available on this upstream" in result
    assert "[routes]" in result
