"""``c2o doctor``, from outside."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from c2o.doctor import CHECKS
from tests.cli.init.test_command import works
from tests.cli.on_a_terminal import CTRL_C, on_a_terminal
from tests.cli.test_secrets import asked
from tests.clients.service import TOKEN, configuration
from tests.command_line import TIMEOUT, CommandLine, until
from tests.fake_upstream import BREAK, FakeUpstream, Hold, Request, Scripted, error, stream, text, whole

ROOT = Path(__file__).parents[3]


@pytest.fixture
def healthy(configured: CommandLine, upstream: FakeUpstream, tmp_path: Path) -> CommandLine:
    """Everything is well: a service, an upstream that works, and a Claude Code."""
    upstream.think(works)
    limits = {"fake/fake-model": {"context_window": 131_072}}
    configured.configure(configuration(upstream.base_url) | {"limits": limits})
    binary = tmp_path / "bin" / "claude"
    binary.parent.mkdir()
    binary.write_text("#!/bin/sh\necho '2.1.329 (Claude Code)'\n")
    binary.chmod(0o755)
    configured.variables["PATH"] = f"{binary.parent}:{configured.environment()['PATH']}"
    configured("start")
    return configured


def by_id(said: Any) -> dict[str, Any]:
    return {check["id"]: check for check in said["checks"]}


def test_a_healthy_machine(healthy: CommandLine, upstream: FakeUpstream) -> None:
    done = healthy("doctor", "--strict")
    assert (done.exit_code, done.err) == (0, "")
    assert [line for line in done.out.splitlines() if line and not line.startswith("  ")] == [
        "install",
        "config",
        "service",
        "upstream",
        "claude",
        "✓ everything is well",
    ]
    assert re.search(r"^  ✓ fake: fake-model streams  \(first piece after \d+ ms\)$", done.out, re.MULTILINE)
    assert "fix" not in done.out
    assert "\x1b" not in done.out
    assert "~/c2o/config.toml is valid" in done.out, "the home folder isn't named"


def test_as_json(healthy: CommandLine) -> None:
    said = healthy("doctor", "--json").json
    assert (said["schema"], said["ok"]) == ("c2o.doctor/1", True)
    assert {frozenset(check) for check in said["checks"]} == {
        frozenset({"id", "group", "level", "title", "detail", "fix"})
    }
    assert {check["level"] for check in said["checks"]} == {"ok"}


def test_a_problem_comes_with_its_fix(healthy: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: error(401, "Incorrect API key"))
    done = healthy("doctor")
    assert done.exit_code == 1
    assert "✗ fake refused the key from env:FAKE_KEY: Incorrect API key\n      fix: put a valid key there" in done.out
    assert done.out.endswith("✗ 1 problem\n")
    check = by_id(healthy("doctor", "--json").json)["upstream.key"]
    assert (check["level"], check["fix"]["command"], check["fix"]["safe"]) == ("fail", None, False)


def test_a_warning_fails_only_if_that_is_wanted(healthy: CommandLine) -> None:
    healthy("stop")
    done = healthy("doctor")
    assert done.exit_code == 0
    assert "! the service isn't running  (c2o run starts it by itself)\n      fix: c2o start\n" in done.out
    assert done.out.endswith("! 1 warning\n")
    assert healthy("doctor", "--strict").exit_code == 1
    assert healthy("doctor", "--strict", "--json").json["ok"] is False


def test_without_a_configuration_only_that_is_said(c2o: CommandLine) -> None:
    done = c2o("doctor")
    assert done.exit_code == 1
    assert "✗ there is no configuration at ~/c2o/config.toml\n      fix: c2o init\n" in done.out
    assert "not checked because of them" in done.out
    skipped = {check["id"] for check in c2o("doctor", "--json").json["checks"] if check["level"] == "skip"}
    consequences = {check.id for check in CHECKS if "config.file" in check.needs}
    assert consequences < skipped
    assert skipped - consequences == {"settings.points_to_dead"}


def test_no_probe_asks_nobody(healthy: CommandLine, upstream: FakeUpstream) -> None:
    connections = upstream.connections
    done = healthy("doctor", "--no-probe")
    assert done.exit_code == 0
    assert "\nupstream\n" not in done.out
    assert upstream.connections == connections


def test_looking_changes_nothing(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    before = sorted(configured.home.rglob("*"))
    configured("doctor")
    assert sorted(configured.home.rglob("*")) == before


def test_what_an_upstream_says_cannot_drive_the_terminal(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.models = [{"id": "fake-model"}]
    upstream.think(lambda request: error(400, "bad \x1b[2J\x1b]0;title\x07 request"))
    with on_a_terminal(configured, "doctor") as terminal:
        assert terminal.end() == 1
        assert "\x1b[2J" not in terminal.raw
        assert "\x1b]0;" not in terminal.raw


def test_ctrl_c_ends_it_and_those_who_ask(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: stream(Hold(threading.Event())))
    with on_a_terminal(configured, "doctor") as terminal:
        (request,) = upstream.wait_for(1)
        terminal.type(CTRL_C)
        assert terminal.end() == 130
        assert "Traceback" not in terminal.screen
        assert request.hung_up.wait(8)


def test_a_slow_upstream_does_not_hide_a_fast_one(configured: CommandLine, upstream: FakeUpstream) -> None:
    """They are asked at once, and each is told."""
    upstream.think(works)
    tables = configuration(upstream.base_url)
    tables["upstreams"]["gone"] = {"base_url": "http://127.0.0.1:9/v1"}
    configured.configure(tables)
    found = by_id(configured("doctor", "--json").json)
    assert found["upstream.stream"]["level"] == "ok"
    assert found["upstream.connection"]["level"] == "fail"


def test_ids_are_those_that_scripts_know() -> None:
    """An id that changes breaks somebody's script; a new one is added here."""
    assert [check.id for check in CHECKS] == [
        "install.version",
        "install.pth",
        "config.file",
        "perm.config",
        "perm.state",
        "config.key",
        "service.manager",
        "service.unit.stale",
        "service.linger",
        "service.env.missing_key",
        "service.remote",
        "port.foreign",
        "service.running",
        "daemon.version_skew",
        "config.changed",
        "upstream.key_missing",
        "service.problems",
        "upstream.stream",
        "network.proxy_env",
        "upstream.window",
        "claude.binary",
        "claude.settings.jsonc",
        "claude.managed",
        "claude.settings.shadowed",
        "claude.settings.env",
        "claude.base_url.v1",
        "settings.points_to_dead",
        "claude.env.http_proxy",
        "claude.env.bedrock",
        "claude.env.api_key",
        "claude.login_key",
        "claude.primary_key",
        "claude.refused_key",
    ]


def test_only_takes_every_id_that_is_shown(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: error(401, "Incorrect API key"))
    found = configured("doctor", "--only", "upstream.key", "--json")
    assert {id: check["level"] for id, check in by_id(found.json).items()} == {
        "config.file": "ok",
        "upstream.models": "ok",
        "upstream.key": "fail",
    }
    done = configured("doctor", "--only", "upstream.keys")
    assert (done.exit_code, "there is no check upstream.keys" in done.err) == (2, True)


WAYS: dict[str, tuple[Callable[[Request], Scripted], str, str]] = {
    "a refused key": (lambda request: error(401, "Incorrect API key"), "upstream.key", "Incorrect API key"),
    "an unknown model": (
        lambda request: error(404, "No model fake-model here", code="model_not_found"),
        "upstream.model",
        "fake-model",
    ),
    "no credit": (lambda request: error(429, "Out of credit", code="insufficient_quota"), "upstream.quota", "credit"),
    "a web page": (
        lambda request: whole(b"<html>Welcome</html>", headers={"content-type": "text/html"}),
        "upstream.url",
        "web page",
    ),
    "an error in the stream": (
        lambda request: stream(b'data: {"error": {"message": "out of memory"}}\n\n'),
        "upstream.answer",
        "out of memory",
    ),
    "an end in the middle": (lambda request: stream(text("half"), BREAK), "upstream.connection", "broke off"),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_failure_is_bare(configured: CommandLine, upstream: FakeUpstream, way: str) -> None:
    """Elsewhere: "no debug messages if anything goes weird".  The client, the log and the doctor all say what it is."""
    answer, id, words = WAYS[way]
    upstream.think(answer)
    configured("start")

    told = asked(configured.service().url, "claude-sonnet-4-5", x_api_key=TOKEN)
    found = by_id(configured("doctor", "--json", "--only", "upstream.stream").json)

    assert words in told
    assert words in until(
        lambda: next((line for line in configured.log.splitlines() if "fake/fake-model" in line and words in line), "")
    )
    assert words in found[id]["title"]
    assert found[id]["level"] == "fail"
    assert len(found[id]["fix"]["text"]) > 10


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["doctor --no-probe", "status", "run nosuch", "run true"])
def test_closed_streams_trouble_nobody(configured: CommandLine, command: str, closed: str) -> None:
    script = f'"$0" -m c2o {command} {closed}'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable],
        env=configured.environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == {"status": 3, "run nosuch": 127}.get(command, 0)
