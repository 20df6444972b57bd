"""``c2o status`` in every state, for people and for programs."""

from __future__ import annotations

import os
import signal
import socket
import sys

import pytest
from msgspec import structs

import c2o as package
from c2o import instance
from c2o.cli.status import ConfigState, Listen, Status, lines
from c2o.service.probe import Problem, Requests, UpstreamReport
from tests.cli.test_stop import impatiently
from tests.clients.service import configuration
from tests.command_line import CommandLine, streaming, until
from tests.fake_upstream import FakeUpstream, Reply

# ---- from outside


def test_a_running_service_is_described(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    there = configured.service()

    done = configured("status")

    assert done.exit_code == 0
    assert done.err == ""
    first, *others = done.out.splitlines()
    assert first.startswith(f"● c2o {package.__version__}  running ")
    assert first.endswith(f"   {there.url}   pid {there.pid}, detached")
    assert others == [
        f"  upstream   fake  {upstream.base_url}  key from FAKE_KEY",
        "  models     default → fake/fake-model",
        "  traffic    0 requests",
    ]


def test_routes_have_rows(configured: CommandLine, upstream: FakeUpstream) -> None:
    routes = {"background": ["fake/a", "fake/b"], "think": "fake/t", "long_context": {"model": "fake/l", "above": 9000}}
    configured.configure(configuration(upstream.base_url) | {"routes": routes})
    configured("start")

    rows = configured("status").out.splitlines()

    assert [row for row in rows if "→" in row][1:] == [
        "  routes     background                       → fake/a, else fake/b",
        "             think (effort xhigh)             → fake/t",
        "             long_context (above 9000 tokens) → fake/l",
    ]
    assert configured("status", "--json").json["routes"] == {
        "background": {"models": ["fake/a", "fake/b"]},
        "think": {"models": ["fake/t"], "effort": "xhigh"},
        "long_context": {"models": ["fake/l"], "above": 9000},
    }


def test_settings_that_lead_here_have_a_row(configured: CommandLine) -> None:
    configured("claude", "on", "--force")
    assert "  claude     ~/.claude/settings.json → c2o" in configured("status").out.splitlines()
    path = str(configured.home / ".claude" / "settings.json")
    assert configured("status", "--json").json["claude"] == {"plain": "c2o", "decided_by": path, "sessions": 0}
    row = configured("status", CLAUDE_CODE_USE_BEDROCK="1", cwd=configured.home).out
    assert "settings.json → c2o" in row, "the settings blank it"
    configured("claude", "off")
    elsewhere = configured("status", ANTHROPIC_BASE_URL="https://elsewhere.example").out
    assert "  claude     shell → another place; c2o claude status says more" in elsewhere
    assert "claude  " not in configured("status").out


def test_as_json(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    there = configured.service()

    said = configured("status", "--json").json

    assert said == {
        "schema": "c2o.status/1",
        "state": "running",
        "version": package.__version__,
        "cli_version": package.__version__,
        "pid": there.pid,
        "manager": "detached",
        "url": there.url,
        "listen": {"host": "127.0.0.1", "port": there.port},
        "started_at": there.started_at,
        "uptime": said["uptime"],
        "config": {"path": str(configured.folder / "config.toml"), "changed": False},
        "upstreams": [
            {
                "name": "fake",
                "base_url": upstream.base_url,
                "dialect": "generic",
                "key": "env:FAKE_KEY",
                "breaker": "closed",
                "missing": [],
                "without_key": None,
            }
        ],
        "models": {"default": "fake/fake-model"},
        "fallbacks": {},
        "routes": {},
        "requests": {"total": 0, "failed": 0, "active": 0},
        "draining": None,
        "finishing": [],
        "learned": 0,
        "claude": {"plain": "anthropic", "decided_by": None, "sessions": 0},
        "log": str(configured.folder / "log" / "c2o.log"),
        "problems": [],
    }


def test_requests_are_counted(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    there = configured.service()
    with streaming(there, upstream) as stream:
        assert "1 request, 1 running now" in configured("status").out
        stream.finish()
    upstream.play(Reply("unused"))
    until(lambda: configured("status", "--json").json["requests"] == {"total": 1, "failed": 0, "active": 0})


def test_a_stopped_service(configured: CommandLine) -> None:
    done = configured("status")
    assert done.exit_code == 3
    assert done.out == f"○ c2o {package.__version__}  not running   start it with: c2o start\n"
    said = configured("status", "--json")
    assert said.exit_code == 3
    assert said.json["state"] == "stopped"
    assert said.json["pid"] is None
    assert not (configured.folder / "state").exists(), "looking leaves nothing"


def test_before_it_is_set_up_there_is_one_thing_to_do(c2o: CommandLine) -> None:
    done = c2o("status")
    assert done.exit_code == 3
    assert done.out.splitlines() == [
        f"○ c2o {package.__version__}  not running",
        f"  ! there is no configuration at {c2o.folder}/config.toml. Run: c2o init",
    ]


def test_a_killed_service_is_stopped(configured: CommandLine) -> None:
    configured("start")
    os.kill(configured.service().pid, signal.SIGKILL)
    until(lambda: not instance.running())
    assert configured("status").exit_code == 3


def test_a_service_that_is_not_ready_yet_is_starting(configured: CommandLine, upstream: FakeUpstream) -> None:
    """Whatever a killed one has left behind."""
    configured("start")
    os.kill(configured.service().pid, signal.SIGKILL)
    until(lambda: not instance.running())
    assert instance.read()
    configured.configure(configuration(upstream.base_url, api_key="command:sleep 20"))

    assert configured("start", "--wait", "1").exit_code == 7
    done, said = configured("status"), configured("status", "--json")

    assert (done.exit_code, done.out) == (7, f"● c2o {package.__version__}  starting\n")
    assert (said.json["state"], said.json["pid"]) == ("starting", None)


def test_a_frozen_service_is_unhealthy(configured: CommandLine) -> None:
    configured("start")
    there = configured.service()
    os.kill(there.pid, signal.SIGSTOP)

    done = impatiently(configured, "status")

    os.kill(there.pid, signal.SIGCONT)
    assert done.returncode == 7
    assert f"  unhealthy   {there.url}   pid {there.pid}, detached" in done.stdout
    assert f"It doesn't answer at {there.url}" in done.stdout
    assert "c2o restart" in done.stdout
    assert "log" in done.stdout
    assert configured("status").exit_code == 0


def test_a_stranger_at_the_address_is_not_taken_for_the_service(configured: CommandLine) -> None:
    """The lock is held, but the state file leads elsewhere: nothing there gets the token."""
    configured("start")
    there = configured.service()
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        instance.write(there._replace(port=stranger.getsockname()[1]))
        looking = configured.begin("status", "--json")
        heard = [turned_away(stranger) for _ in ("the quick command", "the patient one")]
        out, _ = looking.communicate(timeout=30)

    assert looking.returncode == 7
    assert "Another program answers" in out
    assert all(each.startswith(b"GET /health?challenge=") for each in heard)
    assert b"c2o-test-token" not in b"".join(heard)


def turned_away(stranger: socket.socket) -> bytes:
    """What somebody says who takes the stranger for the service."""
    connection, _ = stranger.accept()
    with connection:
        heard = connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        return heard + connection.recv(65536)


def test_a_service_that_drains_is_stopping(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    there = configured.service()
    with streaming(there, upstream) as stream:
        os.kill(there.pid, signal.SIGTERM)
        until(lambda: (instance.read() or there).draining)
        done, said = configured("status"), configured("status", "--json").json
        stream.finish()

    assert done.exit_code == 7
    assert "  stopping, waiting for 1 running stream   " in done.out
    assert (said["state"], said["draining"]) == ("stopping", 1)


def test_a_changed_configuration_is_followed_while_we_ask(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    configured.configure(configuration(upstream.base_url) | {"models": {"default": "fake/another"}})

    done = configured("status")

    assert done.exit_code == 0
    assert "default → fake/another" in done.out
    assert "!" not in done.out


def test_a_service_that_does_not_follow_is_told(configured: CommandLine) -> None:
    configured("start")
    instance.write(configured.service()._replace(config_digest="another"))

    done = configured("status")

    assert done.exit_code == 0
    assert "  ! The configuration has changed, and the service doesn't follow; to apply it: c2o restart\n" in done.out


def test_a_broken_configuration_is_told_and_the_service_still_found(configured: CommandLine) -> None:
    configured("start")
    (configured.folder / "config.toml").write_text("nonsense")

    done = configured("status")

    assert done.exit_code == 0
    assert f"pid {configured.service().pid}" in done.out
    assert "config.toml:1 is not valid TOML" in done.out
    assert "Traceback" not in done.err


def test_without_any_configuration(c2o: CommandLine) -> None:
    done = c2o("status")
    assert done.exit_code == 3
    assert "Run: c2o init" in done.out


def test_another_version_is_told(configured: CommandLine) -> None:
    """As after an upgrade, before the restart."""
    configured("start")
    there = configured.service()
    instance.write(there._replace(version="0.0.9"))

    done = configured("status")

    assert f"  ! This command is c2o {package.__version__}; to update the service: c2o restart\n" in done.out
    assert done.out.startswith("● c2o 0.0.9  running")


def test_proxies_of_the_environment_are_not_asked(configured: CommandLine) -> None:
    configured("start")
    dead = "http://127.0.0.1:9"
    assert configured("status", http_proxy=dead, HTTP_PROXY=dead, ALL_PROXY=dead).exit_code == 0


# ---- the lines

BUSY = Status(
    state="running",
    version="0.1.0",
    cli_version="0.1.0",
    pid=4242,
    manager="detached",
    url="http://127.0.0.1:8226",
    listen=Listen("127.0.0.1", 8226),
    started_at="2026-11-21T10:00:00Z",
    uptime=11530.0,
    config=ConfigState("/home/someone/.config/c2o/config.toml", changed=False),
    upstreams=[
        UpstreamReport("nim", "https://integrate.api.nvidia.com/v1", "nim", "env:NVIDIA_API_KEY"),
        UpstreamReport("ollama", "http://127.0.0.1:11434/v1", "ollama", None),
    ],
    models={"opus": "nim/qwen3", "haiku": "ollama/gemma", "sonnet": "nim/qwen3"},
    requests=Requests(412, 3, 2),
    draining=None,
    learned=3,
    log="/home/someone/.local/state/c2o/log/c2o.log",
    problems=[Problem("x", "Something is odd. Do this.")],
)


def test_what_a_person_sees() -> None:
    assert plain(BUSY) == [
        "● c2o 0.1.0  running 3 h 12 m   http://127.0.0.1:8226   pid 4242, detached",
        "  upstream   nim     https://integrate.api.nvidia.com/v1  key from NVIDIA_API_KEY",
        "             ollama  http://127.0.0.1:11434/v1            no key",
        "  models     opus, sonnet → nim/qwen3",
        "             haiku        → ollama/gemma",
        "  traffic    412 requests, 3 failed, 2 running now",
        "  learned    3 facts about upstreams; see them with: c2o learned",
        "  ! Something is odd. Do this.",
    ]


def test_an_upstream_that_is_down_and_a_fallback_are_seen() -> None:
    down = UpstreamReport("nim", "https://integrate.api.nvidia.com/v1", "nim", "env:ONE, env:TWO", "open")
    shown = structs.replace(BUSY, upstreams=[down], models={"opus": "nim/qwen3"}, fallbacks={"opus": ["or/qwen3"]})

    assert plain(shown)[1:3] == [
        "  upstream   nim  https://integrate.api.nvidia.com/v1  key from ONE, TWO  can't be reached",
        "  models     opus → nim/qwen3, else or/qwen3",
    ]


def plain(shown: Status) -> list[str]:
    return ["".join(span if isinstance(span, str) else span[0] for span in line) for line in lines(shown)]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_on_a_terminal_it_has_colours_unless_unwanted(configured: CommandLine) -> None:
    configured("start")
    assert "\x1b[32m● " in on_a_terminal(configured)
    assert "\x1b" not in on_a_terminal(configured, NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(configured, TERM="dumb")
    assert "\x1b" not in configured("status").out


def on_a_terminal(c2o: CommandLine, **variables: str) -> str:
    import pty  # noqa: PLC0415 - not on Windows

    child, terminal = pty.fork()
    if child == 0:
        environment = c2o.environment(**{"TERM": "xterm-256color", **variables})
        os.execve(sys.executable, [sys.executable, "-m", "c2o", "status"], environment)
    shown = b""
    try:
        while data := os.read(terminal, 4096):
            shown += data
    except OSError:  # Linux reports the end of a terminal as an error
        pass
    os.close(terminal)
    os.waitpid(child, 0)
    return shown.decode()
