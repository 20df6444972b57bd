"""A stranger's way: the README's two commands, what the wizard suggests, and the real Claude Code answers."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from tests.cli.init.test_command import works
from tests.cli.on_a_terminal import ENTER, Terminal, on_a_terminal
from tests.clients.claude import Claude
from tests.command_line import CommandLine
from tests.fake_upstream import FakeUpstream, Reply, Request, Scripted, error

README = (Path(__file__).parents[2] / "README.md").read_text()

KEY = "nvapi-stranger-key-0123456789"

GREETING = "Greetings from a model that was set up a moment ago."

pytestmark = pytest.mark.slow


def commands() -> list[list[str]]:
    """What the README's quick start says to type."""
    block = README.partition("## Quick start")[2].split("```console\n")[1].partition("```")[0]
    return [shlex.split(line, comments=True) for line in re.findall(r"^\$ (.+)$", block, re.MULTILINE)]


def answers(request: Request) -> Scripted:
    """The wizard's questions, and those of Claude Code."""
    asked_by_us = not request.tool_names or "get_weather" in request.tool_names
    return works(request) if asked_by_us else Reply(text=GREETING)


def with_a_key(request: Request) -> Scripted:
    right = request.headers.get("authorization") == f"Bearer {KEY}"
    return answers(request) if right else error(401, "Authentication failed")


@pytest.fixture
def stranger(claude: Claude, c2o: CommandLine) -> CommandLine:
    """A bare home, with nothing but Claude Code in the PATH."""
    c2o.variables |= {"PATH": claude.environment()["PATH"], "DISABLE_AUTOUPDATER": "1"}
    assert list(c2o.home.iterdir()) == []
    return c2o


def go_on(terminal: Terminal) -> None:
    """Enter for whatever else is offered on this machine: completions for the shell that runs the tests, say."""
    while terminal.see_one("Shall ", "Ready.") == "Shall ":
        terminal.type(ENTER)


def ask_claude(stranger: CommandLine, claude: Claude, arguments: list[str], **variables: str) -> None:
    assert arguments == ["run", "claude"]
    done = stranger(*arguments, "-p", "Say hello", cwd=claude.project, **variables)
    assert (done.exit_code, done.out.strip()) == (0, GREETING), done


def test_with_a_server_like_ollama(stranger: CommandLine, claude: Claude, upstream: FakeUpstream) -> None:
    upstream.think(answers)
    upstream.models = [{"id": id} for id in ("nomic-embed-text:latest", "qwen3-coder:30b", "llama3.2:3b")]
    (c2o, *first), (again, *second) = commands()
    assert c2o == again == "c2o"
    # any free port: others may be at work on this machine
    with on_a_terminal(stranger, *first, "--port", "0", OLLAMA_HOST=f"127.0.0.1:{upstream.port}") as terminal:
        terminal.see("✓ Found      Claude Code 2.1.")
        terminal.answer("Which upstream shall Claude Code work on?")
        terminal.answer("Which model shall it use?")
        go_on(terminal)
        assert terminal.end() == 0
        assert "Ready.  c2o run claude\n" in terminal.final
    ask_claude(stranger, claude, second)
    assert {request.json["model"] for request in upstream.requests if "completions" in request.path} == {
        "qwen3-coder:30b"
    }


def test_with_a_hosted_catalogue_and_a_key(stranger: CommandLine, claude: Claude, upstream: FakeUpstream) -> None:
    """Shaped like NVIDIA NIM: many models, of which the list tells ids only, and a key that the person pastes."""
    upstream.think(with_a_key)
    ids = ["qwen/qwen3-coder-480b-a35b-instruct", "meta/llama-3.1-8b-instruct", "baai/bge-m3"]
    upstream.models = [{"id": id} for id in [*(f"vendor/model-{n}" for n in range(130)), *ids]]
    (_, *first), (_, *second) = commands()
    with on_a_terminal(stranger, *first, "--port", "0") as terminal:
        terminal.see("Which upstream shall Claude Code work on?")
        terminal.type("other" + ENTER)
        terminal.answer("Its address", upstream.base_url)
        terminal.answer("Which model shall it use?")
        terminal.answer("What now?")  # this server lists its models without a key, as NIM does
        terminal.answer("Where is the key")
        terminal.answer("Paste the key", KEY)
        terminal.answer("Where shall it be kept?")
        go_on(terminal)
        assert terminal.end() == 0
        assert "✓ key accepted  ✓ 133 models  ✓ streaming  ✓ tool call" in terminal.final
        assert KEY not in terminal.raw
    ask_claude(stranger, claude, second)
    configured = tomllib.loads((stranger.folder / "config.toml").read_text())
    assert configured["models"]["default"] == "local/qwen/qwen3-coder-480b-a35b-instruct"
