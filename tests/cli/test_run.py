"""``c2o run``: any command finds c2o, and is itself in everything else."""

from __future__ import annotations

import json
import signal
import sys
from importlib import import_module
from pathlib import Path

import pytest

from c2o import paths
from c2o.errors import RefusedFile
from tests.cli.on_a_terminal import CTRL_C, CTRL_Z, on_a_terminal, shell_on_a_terminal
from tests.clients.service import TOKEN, configuration
from tests.command_line import CommandLine, until
from tests.fake_upstream import FakeUpstream, Reply

ASK = """
import json, os, urllib.request
request = urllib.request.Request(
    os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages",
    json.dumps({"model": os.environ["ANTHROPIC_MODEL"], "max_tokens": 50,
                "messages": [{"role": "user", "content": "hi"}]}).encode(),
    {"content-type": "application/json", "authorization": "Bearer " + os.environ["ANTHROPIC_AUTH_TOKEN"]},
)
print(json.load(urllib.request.urlopen(request))["content"][0]["text"])
"""


def test_a_client_that_is_run_gets_an_answer(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="Hello through c2o"))
    done = configured("run", "--", sys.executable, "-c", ASK)
    assert (done.out, done.err, done.exit_code) == ("Hello through c2o\n", "", 0)
    assert upstream.requests[0].json["model"] == "fake-model"


def test_a_running_service_is_used(configured: CommandLine) -> None:
    pid = configured("start", "--json").json["pid"]
    configured("run", "true")
    assert configured("status", "--json").json["pid"] == pid


def test_the_exit_code_is_the_commands(configured: CommandLine) -> None:
    assert configured("run", "sh", "-c", "exit 37").exit_code == 37


def test_a_signal_reaches_the_command_itself(configured: CommandLine) -> None:
    """The process that was started is the command now, so there is nothing that a signal could miss."""
    configured("start")
    script = "import time; print('ready', flush=True); time.sleep(60)"
    process = configured.begin("run", sys.executable, "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == -signal.SIGTERM


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux's /proc")
def test_no_signal_is_ignored_that_the_shell_does_not_ignore(configured: CommandLine) -> None:
    """Python ignores SIGPIPE, and a program that it becomes would go on doing so."""
    done = configured("run", "grep", "SigIgn", "/proc/self/status")
    assert done.out.split() == ["SigIgn:", "0000000000000000"]


def test_ctrl_c_is_the_commands(configured: CommandLine) -> None:
    configured("start")
    script = "import signal, time; signal.signal(2, lambda *_: exit(7)); print('ready'); time.sleep(60)"
    with on_a_terminal(configured, "run", sys.executable, "-c", script) as terminal:
        terminal.see("ready")
        terminal.type(CTRL_C)
        assert terminal.end() == 7


def test_the_command_has_the_terminal(configured: CommandLine) -> None:
    configured("start")
    with on_a_terminal(
        configured, "run", "sh", "-c", "test -t 0 && test -t 1 && test -t 2 && echo all mine"
    ) as terminal:
        terminal.see("all mine")
        assert terminal.end() == 0
        assert terminal.screen.strip() == "all mine", "nothing else is said"


def test_claude_is_what_is_run_if_nothing_is_named(configured: CommandLine, tmp_path: Path) -> None:
    binary = tmp_path / "bin" / "claude"
    binary.parent.mkdir()
    binary.write_text('#!/bin/sh\necho "claude with $# arguments at $ANTHROPIC_BASE_URL"\n')
    binary.chmod(0o755)
    done = configured("run", PATH=f"{binary.parent}:{configured.environment()['PATH']}")
    assert done.out == f"claude with 0 arguments at {configured.service().url}\n"


def test_a_program_that_is_not_executable_is_126(configured: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no program")
    done = configured("run", str(tmp_path / "notes.txt"))
    assert (done.exit_code, "chmod +x" in done.err) == (126, True)


def test_the_service_has_taken_the_configuration_before_anything_runs_on_it(
    configured: CommandLine, upstream: FakeUpstream
) -> None:
    """Or it would refuse another token."""
    configured("start")
    tables = configuration(upstream.base_url)
    tables["server"]["auth_token"] = "c2o-another-token-0123456789"
    configured.configure(tables)
    ask = 'curl -s "$ANTHROPIC_BASE_URL/v1/models" -H "x-api-key: $ANTHROPIC_AUTH_TOKEN"'

    done = configured("run", "--no-start", "--", "sh", "-c", ask)

    assert (done.exit_code, done.err) == (0, "")
    assert '"data"' in done.out


def test_why_the_service_does_not_take_the_configuration_is_said(
    configured: CommandLine, upstream: FakeUpstream
) -> None:
    configured("start")
    configured.configure(configuration(upstream.base_url, api_key="file:no-such-file"))

    done = configured("run", "true")

    assert done.exit_code == 0
    assert "the key file no-such-file can't be read: No such file or directory. Put the key there." in done.err


def test_it_touches_no_file(configured: CommandLine) -> None:
    configured("start")
    files = {path: path.stat().st_mtime_ns for path in configured.home.rglob("*") if path.name != "c2o.log"}
    configured("run", "true")
    after = {path: path.stat().st_mtime_ns for path in configured.home.rglob("*") if path.name != "c2o.log"}
    assert after == files


def test_what_follows_the_command_is_the_commands(configured: CommandLine) -> None:
    done = configured("run", "echo", "--model", "x", "--help")
    assert done.out == "--model x --help\n"


def test_a_missing_command_is_said_before_anything_is_started(configured: CommandLine) -> None:
    done = configured("run", "no-such-command")
    assert (done.exit_code, "no-such-command was not found" in done.err) == (127, True)
    assert configured("status").exit_code == 3


def test_a_failure_can_be_json(configured: CommandLine) -> None:
    done = configured("run", "--json", "no-such-command")
    assert json.loads(done.out)["exit_code"] == 127


def test_without_a_configuration_the_next_step_is_named(c2o: CommandLine) -> None:
    done = c2o("run", "true")
    assert (done.exit_code, "c2o init" in done.err) == (78, True)


def test_no_start_starts_nothing(configured: CommandLine) -> None:
    done = configured("run", "--no-start", "true")
    assert (done.exit_code, "c2o start" in done.err) == (3, True)


def test_an_unknown_upstream_is_refused(configured: CommandLine) -> None:
    done = configured("run", "--upstream", "nowhere", "true")
    assert (done.exit_code, "there are: fake" in done.err) == (2, True)


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_what_env_prints_works_in_a_shell(configured: CommandLine, shell: str) -> None:
    lines = configured("env").out
    done = configured(
        "run", "--", shell, "-c", f'unset ANTHROPIC_AUTH_TOKEN\n{lines}\nprintf %s "$ANTHROPIC_AUTH_TOKEN"'
    )
    assert done.out == TOKEN


def test_env_prints_what_run_sets(configured: CommandLine) -> None:
    told = configured("env", "--json").json
    assert told["schema"] == "c2o.env/1"
    done = configured("run", sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")
    inner = json.loads(done.out)
    assert {name: inner[name] for name in told["env"]} == told["env"]


def test_env_speaks_other_shells(configured: CommandLine) -> None:
    assert "set -gx ANTHROPIC_AUTH_TOKEN 'c2o-test" in configured("env", "--shell", "fish").out
    assert "$env:ANTHROPIC_AUTH_TOKEN = 'c2o-test" in configured("env", "--shell", "pwsh").out
    assert f"ANTHROPIC_AUTH_TOKEN={TOKEN}\n" in configured("env", "--format", "dotenv").out


def test_env_takes_selectors_away(configured: CommandLine) -> None:
    assert "unset CLAUDE_CODE_USE_BEDROCK" in configured("env", CLAUDE_CODE_USE_BEDROCK="1").out


def test_a_stranger_on_the_port_never_sees_a_client(c2o: CommandLine, upstream: FakeUpstream) -> None:
    """The state file may be stale and the port somebody else's: only who answers the challenge is ours."""
    configured = configuration(upstream.base_url)
    configured["server"]["port"] = upstream.port
    c2o.configure(configured)
    done = c2o("run", "true")
    assert done.exit_code == 6
    assert not upstream.requests
    until(lambda: c2o("status").exit_code == 3)


def test_job_control_is_the_shell_s(configured: CommandLine) -> None:
    """Ctrl-Z stops the command, and ``fg`` has it go on: it is the shell's own job."""
    configured("start")
    script = """
import os, signal, time
signal.signal(signal.SIGCONT, lambda *_: os.write(1, b"goes on\\n"))
os.write(1, b"ready\\n")
while True: time.sleep(60)
"""
    program = configured.home / "program.py"
    program.write_text(script)
    with shell_on_a_terminal(configured) as terminal:
        terminal.type(f"{sys.executable} -m c2o run {sys.executable} {program}\n")
        terminal.see("ready")
        terminal.type(CTRL_Z)
        terminal.see("Stopped")
        terminal.type("fg\n")
        terminal.see("goes on")
        terminal.type(CTRL_C)
        terminal.see("KeyboardInterrupt")
        terminal.type("echo code=$?\n")
        terminal.see("code=130")


def test_managed_settings_that_win_are_told(
    configured: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    managed = tmp_path / "managed-settings.json"
    managed.write_text('{"env": {"ANTHROPIC_BASE_URL": "https://gateway.example"}}')
    monkeypatch.setattr(paths, "claude_managed_settings", lambda: [managed])
    cli_run, cli_claude = import_module("c2o.cli.run"), import_module("c2o.cli.claude.command")
    cli_run._tell_of_managed("http://127.0.0.1:8226")
    assert f"{managed} is managed by your organisation and sets ANTHROPIC_BASE_URL" in capsys.readouterr().err
    with pytest.raises(RefusedFile, match="stronger than anything that c2o could write"):
        cli_claude._check_managed("http://127.0.0.1:8226")
    cli_run._tell_of_managed("https://gateway.example")
    assert capsys.readouterr().err == ""


def test_claude_gets_what_beats_settings_of_ours_that_say_otherwise(configured: CommandLine, tmp_path: Path) -> None:
    binary = tmp_path / "bin" / "claude"
    binary.parent.mkdir()
    binary.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    binary.chmod(0o755)
    there = {"PATH": f"{binary.parent}:{configured.environment()['PATH']}"}
    configured("claude", "on", "--force")
    assert configured("run", "claude", "-p", "hi", **there).out == "-p\nhi\n", "nothing is in the way"
    settings = configured.home / ".claude" / "settings.json"
    settings.write_text(settings.read_text().replace('MAX_CONTEXT_TOKENS": "200000"', 'MAX_CONTEXT_TOKENS": "5"'))
    settings.write_text(settings.read_text().replace("MAX_CONTEXT_TOKENS=200000", "MAX_CONTEXT_TOKENS=5"))
    flag, given, *rest = configured("run", "claude", "-p", "hi", **there).out.splitlines()
    assert (flag, rest) == ("--settings", ["-p", "hi"])
    assert json.loads(given)["env"]["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "200000"
    assert TOKEN not in given
    own = configured("run", "claude", "--settings", "mine.json", **there).out
    assert own == "--settings\nmine.json\n", "of two, the client takes the last alone"
