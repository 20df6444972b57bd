"""On a terminal of 80 columns: what any command says fits, and no wait is silent."""

from __future__ import annotations

import os
import threading

import pytest

from c2o.errors import UsageError
from tests.cli.on_a_terminal import on_a_terminal
from tests.clients.service import configuration
from tests.command_line import CommandLine
from tests.fake_upstream import FakeUpstream, Hold, Reply, streamed

pytestmark = pytest.mark.slow

SAYING = [
    "start", "start", "status", "models", "test --text", "logs", "usage", "usage --by model", "learned", "doctor",
    "config path", "config get", "config validate", "claude status", "claude on --dry-run", "trace on", "trace off",
    "service status", "service print", "completions install --dry-run", "upgrade --dry-run", "uninstall --dry-run",
    "demo", "env", "restart", "stop", "stop", "status", "doctor", "run true", "stop",
]  # fmt: skip
"""In this order: the service is started and stopped among them."""

WHOLE = ("fix: ", "export ", "unset ")
"""What may be copied stays whole, and the terminal itself goes on below with it."""


def test_what_is_said_fits(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda _: Reply("Greetings."))
    wide: dict[str, list[str]] = {}
    for command in SAYING:
        with on_a_terminal(configured, *command.split(), COLUMNS="80") as terminal:
            terminal.resize(80, 24)
            assert terminal.end() != UsageError.exit_code, terminal.final
            rows = [row for row in terminal.final.splitlines() if not row.lstrip().startswith(WHOLE)]
        assert rows or command in ("env", "run true"), f"{command} says nothing"
        wide[command] = [row for row in rows if len(row) > 80 and max(map(len, row.split())) < 70]
    assert {command: rows for command, rows in wide.items() if rows} == {}


@pytest.mark.parametrize(
    ("command", "waits_for"), [("test --text", "asking fake/fake-model: text"), ("doctor", "checking upstream")]
)
def test_no_wait_for_an_upstream_is_silent(
    configured: CommandLine, upstream: FakeUpstream, command: str, waits_for: str
) -> None:
    configured("start")
    release = threading.Event()
    upstream.think(lambda _: streamed(Reply("Greetings.")).after(Hold(release)))
    with on_a_terminal(configured, *command.split()) as terminal:
        terminal.see(waits_for)
        assert terminal.process.poll() is None
        release.set()
        terminal.end()


@pytest.mark.parametrize("command", ["start", "restart", "run true"])
def test_no_wait_for_the_service_is_silent(c2o: CommandLine, upstream: FakeUpstream, command: str) -> None:
    """It comes up when a password manager has been unlocked."""
    unlocked = c2o.home / "unlocked"
    os.mkfifo(unlocked)
    c2o.configure(configuration(upstream.base_url, api_key=f"command:cat {unlocked}"))
    with on_a_terminal(c2o, *command.split()) as terminal:
        terminal.see("starting")
        unlocked.write_text("sk-0123456789abcdef")
        assert terminal.end() == 0
