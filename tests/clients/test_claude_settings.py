"""What the real Claude Code makes of its settings and its environment, and that ``c2o run`` gets the better of it all.

Some tests hold Claude Code to what ``c2o doctor`` says of it: when one of these fails, the doctor must learn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.claude import Claude, by_hand
from tests.clients.service import Service, configuration
from tests.fake_upstream import FakeUpstream, Reply, Request, Scripted, error

PLACES = {
    "user": lambda claude: claude.home / ".claude" / "settings.json",
    "project": lambda claude: claude.project / ".claude" / "settings.json",
    "local": lambda claude: claude.project / ".claude" / "settings.local.json",
}


def answers(request: Request) -> Scripted:
    return Reply(text="From c2o.") if request.tool_names else Reply(text='{"title": "A test"}')


@pytest.fixture
def elsewhere() -> Iterator[FakeUpstream]:
    """Another server, which refuses whatever comes."""
    server = FakeUpstream().start()
    server.think(lambda request: error(403, "you are elsewhere"))
    yield server
    server.close()


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return text


@pytest.mark.parametrize("place", PLACES)
def test_run_beats_settings_that_point_elsewhere(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream, elsewhere: FakeUpstream, place: str
) -> None:
    upstream.think(answers)
    file = PLACES[place](claude)
    env = {"ANTHROPIC_BASE_URL": elsewhere.url, "ANTHROPIC_AUTH_TOKEN": "sk-elsewhere", "ANTHROPIC_MODEL": "other"}
    settings = write(file, json.dumps({"env": {**env, "CLAUDE_CODE_USE_BEDROCK": "1"}}))

    done = claude.through_c2o("-p", "Where are you?")

    assert (done.stdout.strip(), done.returncode) == ("From c2o.", 0), done
    assert elsewhere.requests == []
    assert file.read_text() == settings

    write(file, json.dumps({"env": env}))
    claude.run("-p", "And now?", environment=claude.environment(**by_hand(c2o_service)))
    assert elsewhere.requests, "the settings have no effect, so all this shows nothing"


def test_run_beats_a_shell_that_points_elsewhere(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream, elsewhere: FakeUpstream
) -> None:
    upstream.think(answers)
    shell = {
        "ANTHROPIC_BASE_URL": elsewhere.url,
        "ANTHROPIC_API_KEY": "sk-ant-real-0123456789",
        "ANTHROPIC_UNIX_SOCKET": "/nonexistent.sock",
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "CLAUDE_CODE_USE_VERTEX": "1",
        "HTTP_PROXY": elsewhere.url,
        "HTTPS_PROXY": elsewhere.url,
    }

    done = claude.through_c2o("-p", "Where are you?", **shell)

    assert (done.stdout.strip(), done.returncode) == ("From c2o.", 0), done
    assert [request for request in elsewhere.requests if "messages" in request.path] == []
    assert "sk-ant-real" not in repr(upstream.requests)


@pytest.mark.parametrize(("limits", "window"), [({"context_window": 64000}, 64000), ({}, 200_000)], ids=str)
def test_the_window_is_what_is_configured(
    claude: Claude, start_c2o, upstream: FakeUpstream, limits: dict[str, int], window: int
) -> None:
    upstream.think(answers)
    start_c2o(configuration(upstream.base_url) | ({"limits": {"fake/fake-model": limits}} if limits else {}))

    done = claude.through_c2o("-p", "Hi", "--output-format", "json")

    usage = json.loads(done.stdout)["modelUsage"]
    assert {name: each["contextWindow"] for name, each in usage.items()} == {"c2o-claude/fake/fake-model": window}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{{"env": {env}}}', True),
        ('\ufeff{{"env": {env}}}', True),
        ('// mine\n{{"env": {env}}}', False),
        ('{{"env": {env},}}', False),
        ('{{"env": {env}', False),
    ],
    ids=["valid", "byte order mark", "comment", "trailing comma", "cut off"],
)
def test_which_settings_claude_code_ignores(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream, text: str, *, read: bool
) -> None:
    upstream.think(answers)
    write(PLACES["user"](claude), text.format(env=json.dumps(by_hand(c2o_service))))
    done = claude.run("-p", "Hi")
    assert (done.stdout.strip() == "From c2o.") is read, done


def test_the_doctor_finds_claude_code(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    upstream.think(answers)
    told = json.loads(claude.c2o("doctor", "--json").stdout)
    finding = next(check for check in told["checks"] if check["id"] == "claude.binary")
    version = claude.run("--version").stdout.split()[0]
    assert (finding["level"], finding["title"]) == ("ok", f"claude {version}")
    assert finding["detail"] == str(claude.binary)
