"""The pictures in the README, taken of the real commands in a terminal: ``python -m tests.reference.pictures``.

It needs tmux, which plays the terminal.  An upstream that looks like Ollama runs at Ollama's own address, so that
nothing in the pictures is made up but the model's answers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.text import Text

from tests.cli.init.test_command import works
from tests.clients import install
from tests.fake_upstream import FakeUpstream, Reply, Request, Scripted

FOLDER = Path(__file__).parent.parent.parent / ".github" / "pictures"

WIDTH, HEIGHT = 96, 44

PATIENCE = 30.0

OLLAMA = 11434


class Terminal:
    """tmux, with one window and a shell in it."""

    def __init__(self, environment: dict[str, str], home: Path) -> None:
        self._environment = environment
        self("-f", "/dev/null", "new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), "-c", str(home),
             "env PS1='$ ' bash --norc --noprofile -i")  # fmt: skip
        self.see("$")

    def __call__(self, *arguments: str) -> str:
        command = ["tmux", "-L", "c2o-pictures", *arguments]
        return subprocess.run(command, env=self._environment, check=True, capture_output=True, text=True).stdout

    @property
    def screen(self) -> str:
        """With its colours."""
        return self("capture-pane", "-e", "-p").rstrip()

    def type(self, *keys: str) -> None:
        """Text, or tmux' names of keys."""
        for key in keys:
            self("send-keys", key)

    def see(self, text: str) -> None:
        """Wait until it is on the screen."""
        deadline = time.monotonic() + PATIENCE
        while text not in Text.from_ansi(self.screen).plain:
            assert time.monotonic() < deadline, self.screen
            time.sleep(0.05)

    def run(self, command: str) -> str:
        """A command on a clean screen; what is there when it has ended, without the prompt that follows."""
        self.type("clear", "Enter")
        self.see("$")
        self.type(command, "Enter")
        return self.ended()

    def ended(self) -> str:
        deadline = time.monotonic() + PATIENCE
        while (lines := self.screen.splitlines()) and Text.from_ansi(lines[-1]).plain.strip() != "$":
            assert time.monotonic() < deadline, self.screen
            time.sleep(0.05)
        return "\n".join(lines[:-1])


def svg(screen: str, title: str) -> str:
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True, color_system="truecolor")
        for line in AnsiDecoder().decode(screen):
            console.print(line, soft_wrap=True)
        return console.export_svg(title=title, unique_id=title.replace(" ", "-"))


def think(request: Request) -> Scripted:
    """What a model that can call tools says."""
    return works(request) if "tools" in request.json else Reply(text="Hello.")


@contextmanager
def ollama() -> Iterator[None]:
    upstream = FakeUpstream()
    upstream.port = OLLAMA
    upstream.start()
    upstream.think(think)
    upstream.models = [
        {"id": "qwen3-coder:30b", "context_length": 262144, "supports_tools": True},
        {"id": "gpt-oss:20b", "context_length": 131072, "supports_tools": True},
    ]
    try:
        yield
    finally:
        upstream.close()


def take(terminal: Terminal) -> Iterator[tuple[str, str]]:
    """Each picture's name, and what was on the screen."""
    terminal.type("c2o init", "Enter")
    terminal.see("Which upstream")
    yield "init", "\n".join(terminal.screen.splitlines()[1:])
    terminal.type("Enter")
    terminal.see("Which model")
    terminal.type("Enter")
    terminal.see("with Tab?")
    terminal.type("Enter")
    yield "init-done", terminal.ended()
    terminal.run("c2o start")
    terminal.run("c2o test")
    yield "status", terminal.run("c2o status")
    yield "doctor", terminal.run("c2o doctor")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ollama():
        home = Path(folder) / "home"
        programs = home / ".local" / "bin"
        programs.mkdir(parents=True)
        claude = install.npm(install.CLAUDE_CODE, max(install.VERSIONS["npm"][install.CLAUDE_CODE]))
        (programs / "claude").symlink_to((claude / ".bin" / "claude").resolve())
        path = f"{programs}:{Path(sys.executable).parent}:/usr/bin:/bin"
        terminal = Terminal({"HOME": str(home), "PATH": path, "TERM": "xterm-256color", "LANG": "C.UTF-8"}, home)
        try:
            for name, screen in take(terminal):
                (FOLDER / f"{name}.svg").write_text(svg(screen, f"c2o {name.partition('-')[0]}"), encoding="utf-8")
        finally:
            terminal.run("c2o uninstall --purge --yes")
            terminal("kill-server")


if __name__ == "__main__":
    main()
