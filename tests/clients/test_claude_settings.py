"""What the real Claude Code makes of its settings and its environment, and that ``c2o run`` gets the better of it all.

Some tests hold Claude Code to what ``c2o doctor`` says of it: when one of these fails, the doctor must learn.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.clients.claude import Claude, by_hand
from tests.clients.service import Service, configuration
from tests.clients.terminal import Terminal, terminal
from tests.fake_upstream import Call, FakeUpstream, Reply, Request, Scripted, error

PLACES = {
    "user": lambda claude: claude.home / ".claude" / "settings.json",
    "project": lambda claude: claude.project / ".claude" / "settings.json",
    "local": lambda claude: claude.project / ".claude" / "settings.local.json",
}


def answers(request: Request) -> Scripted:
    return Reply(text="From c2o.") if request.tool_names else Reply(text='{"title": "A test"}')


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


MINE = """{
    "permissions": {"allow": ["Bash(ls:*)"]},
    "env": {"EDITOR": "vi", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9/v1"}
}
"""


def test_plain_claude_goes_through_c2o_after_on_and_no_more_after_off(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream
) -> None:
    """A plain ``claude`` that misses the router is what people report first."""
    upstream.think(answers)
    file = PLACES["user"](claude)
    write(file, MINE)

    assert claude.c2o("claude", "on", "--force").returncode == 0
    done = claude.run("-p", "Where are you?")
    assert (done.stdout.strip(), done.returncode) == ("From c2o.", 0), done
    assert json.loads(claude.c2o("claude", "status", "--json").stdout)["plain"] == "c2o"

    assert claude.c2o("claude", "off").returncode == 0
    assert file.read_text() == MINE


def test_settings_beat_a_shell_that_points_elsewhere(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream, elsewhere: FakeUpstream
) -> None:
    upstream.think(answers)
    claude.c2o("claude", "on", "--force")
    shell = {
        "ANTHROPIC_BASE_URL": elsewhere.url,
        "ANTHROPIC_API_KEY": "sk-ant-real-0123456789",
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "HTTP_PROXY": elsewhere.url,
    }
    done = claude.run("-p", "Where are you?", environment=claude.environment(**shell))
    assert (done.stdout.strip(), done.returncode) == ("From c2o.", 0), done
    assert [request for request in elsewhere.requests if "messages" in request.path] == []


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["user", "project"])
def test_another_folder_of_settings_and_a_home_that_is_a_link(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream, tmp_path: Path, scope: str
) -> None:
    upstream.think(answers)
    link = tmp_path / "link"
    link.symlink_to(claude.home)
    there = {"CLAUDE_CONFIG_DIR": str(tmp_path / "config"), "HOME": str(link)}
    claude.c2o("claude", "on", "--force", "--scope", scope, **there)
    done = claude.run("-p", "Where are you?", environment=claude.environment(**there))
    assert (done.stdout.strip(), done.returncode) == ("From c2o.", 0), done
    assert not PLACES["user"](claude).exists()
    claude.c2o("claude", "off", **there)
    assert list(tmp_path.rglob("settings*.json")) == []


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["user", "project"])
def test_run_with_another_model_beats_the_settings_that_we_wrote(
    claude: Claude, start_c2o, upstream: FakeUpstream, scope: str
) -> None:
    """Claude Code leaves endpoint and model to the environment then, but not the window."""
    upstream.think(answers)
    limits = {"fake/fake-model": {"context_window": 64000}, "fake/large": {"context_window": 150000}}
    start_c2o(configuration(upstream.base_url) | {"limits": limits})
    claude.c2o("claude", "on", "--force", "--scope", scope)

    done = claude.c2o("run", "--model", "fake/large", "claude", "-p", "Hi", "--output-format", "json")

    usage = json.loads(done.stdout)["modelUsage"]
    assert usage["c2o-claude/fake/large"]["contextWindow"] == 150000


def accept_all_dialogs(claude: Claude) -> None:
    accepted = {"hasCompletedOnboarding": True, "projects": {str(claude.project): {"hasTrustDialogAccepted": True}}}
    (claude.home / ".claude.json").write_text(json.dumps(accepted))


def ask_for_status(screen: Terminal) -> None:
    screen.wait_for("accept edits on")
    screen.type("/status")
    screen.wait_for("/status")
    screen.type("\r")


@pytest.mark.slow
def test_status_shows_c2o_s_address(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    """In the interface that people use, once by the settings and once by ``c2o run``."""
    upstream.think(answers)
    accept_all_dialogs(claude)
    by_run = [sys.executable, "-m", "c2o", "run", "claude", "--permission-mode", "acceptEdits"]
    with terminal(by_run, claude.environment(), claude.project) as screen:
        ask_for_status(screen)
        screen.wait_for(f"Anthropic base URL: {c2o_service.url}")
    claude.c2o("claude", "on", "--force")
    plain = [str(claude.binary), "--permission-mode", "acceptEdits"]
    with terminal(plain, claude.environment(), claude.project) as screen:
        ask_for_status(screen)
        screen.wait_for(f"Anthropic base URL: {c2o_service.url}")


@pytest.mark.slow
def test_an_open_session_is_named(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    """It keeps the variables that ``off`` takes away, so its owner must know."""
    upstream.think(answers)
    accept_all_dialogs(claude)
    claude.c2o("claude", "on", "--force")
    plain = [str(claude.binary), "--permission-mode", "acceptEdits"]
    with terminal(plain, claude.environment(), claude.project) as screen:
        screen.wait_for("accept edits on")
        told = json.loads(claude.c2o("claude", "status", "--json").stdout)
        done = claude.c2o("claude", "off")
    (session,) = told["sessions"]
    assert (session["name"], session["folder"]) == ("claude", str(claude.project))
    words = "until it is started again, this one goes on with c2o: claude"
    assert f"{words} (pid {session['pid']}, in {claude.project})" in done.stdout


@pytest.mark.slow
def test_the_base_url_with_v1_in_it(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    """As people write it who know OpenAI's: elsewhere it is a 404 for /v1/v1/messages, blamed on the model."""
    upstream.think(answers)
    env = {"ANTHROPIC_BASE_URL": f"{c2o_service.url}/v1", "ANTHROPIC_AUTH_TOKEN": c2o_service.token}
    settings = write(PLACES["user"](claude), json.dumps({"env": env}))
    assert claude.run("-p", "Hi").stdout.strip() == "From c2o."
    claude.c2o("claude", "on", "--force")
    assert json.loads(PLACES["user"](claude).read_text())["env"]["ANTHROPIC_BASE_URL"] == c2o_service.url
    assert claude.run("-p", "Hi").stdout.strip() == "From c2o."
    claude.c2o("claude", "off")
    assert json.loads(PLACES["user"](claude).read_text()) in ({}, json.loads(settings))


@pytest.mark.slow
def test_a_search_whose_domains_are_null(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    """Claude Code itself refuses null for an optional list: "expected as array but provided as null"."""
    seen: list[Request] = []

    def search(request: Request) -> Scripted:
        if "WebSearch" not in request.tool_names:
            return Reply(text="Nothing.")
        seen.append(request)
        arguments = {"query": "weather", "allowed_domains": None, "blocked_domains": None}
        return Reply(calls=(Call("WebSearch", arguments),)) if len(seen) == 1 else Reply(text="Found.")

    upstream.think(search)
    claude.c2o("claude", "on", "--force")
    all_tools = claude.environment(ENABLE_TOOL_SEARCH="0")
    claude.run("-p", "What is the weather?", "--allowedTools", "WebSearch", environment=all_tools)
    assert len(seen) > 1
    assert "InputValidationError" not in repr(seen[1].json)


@pytest.mark.slow
def test_what_goes_wrong_is_said_to_the_person_and_in_the_log(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream
) -> None:
    """No debug messages, no idea: elsewhere a failure is a bare status code."""
    upstream.think(lambda request: error(403, "fake-model isn't enabled for your account"))
    claude.c2o("claude", "on", "--force")
    done = claude.run("-p", "Hi")
    assert "fake-model isn't enabled for your account" in done.stdout
    line = next(line for line in c2o_service.log.splitlines() if "req_" in line)
    assert "fake/fake-model" in line
    assert "isn't enabled" in line
