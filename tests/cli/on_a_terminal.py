"""A command on a terminal of its own: what a person sees there, and the keys that they press."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.command_line import CommandLine

PATIENCE = 30
"""Seconds until something that is waited for must have been seen."""

CTRL_C, CTRL_D, CTRL_Z = "\x03", "\x04", "\x1a"
ENTER, ESCAPE, UP, DOWN = "\r", "\x1b", "\x1b[A", "\x1b[B"
HOME, BACKSPACE, CLEAR = "\x1b[H", "\x7f", "\x15"

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""What a terminal is told about colours and weights."""

_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\r")


class Terminal:
    """The person's side."""

    def __init__(self, process: subprocess.Popen[bytes], keyboard: int) -> None:
        self.process = process
        self._keyboard = keyboard
        self._seen = b""
        self._read_to = 0

    @property
    def raw(self) -> str:
        return self._seen.decode(errors="replace")

    @property
    def screen(self) -> str:
        """Everything that has been shown, without colours and cursor movements."""
        return _CONTROL.sub("", self.raw)

    @property
    def final(self) -> str:
        """What can be read when all is drawn: on a terminal of endless height, which never wraps."""
        return drawn(self.raw)

    @property
    def modes(self) -> list[Any]:
        """What the terminal does by itself: echo, lines, signals."""
        return termios.tcgetattr(self._keyboard)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def see(self, text: str) -> str:
        """Wait until ``text`` appears after what was seen before.  Returns what came up to it."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.screen.find(text, self._read_to)) < 0:
            if time.monotonic() > deadline or not self._take(deadline):
                raise AssertionError(f"{text!r} was not shown, but:\n{self.screen[self._read_to :]}")
        before, self._read_to = self.screen[self._read_to : found], found + len(text)
        return before

    def see_one(self, *texts: str) -> str:
        """Wait until one of these appears.  Returns which."""
        deadline = time.monotonic() + PATIENCE
        while not (found := [text for text in texts if text in self.screen[self._read_to :]]):
            if time.monotonic() > deadline or not self._take(deadline):
                raise AssertionError(f"none of {texts} was shown, but:\n{self.screen[self._read_to :]}")
        self.see(found[0])
        return found[0]

    def type(self, keys: str) -> None:
        os.write(self._keyboard, keys.encode())

    def answer(self, question: str, line: str = "") -> None:
        """Wait for a question, and answer it."""
        self.see(question)
        self.type(f"{line}\n")

    def end(self) -> int:
        """Wait until the command has ended.  Returns its exit code."""
        while self._take(time.monotonic() + PATIENCE):
            pass
        return self.process.wait(PATIENCE)

    def _take(self, deadline: float) -> bool:
        """More of what is shown; False if there is no more."""
        ready, _, _ = select.select([self._keyboard], [], [], max(0.0, deadline - time.monotonic()))
        try:
            data = os.read(self._keyboard, 65536) if ready else b""
        except OSError:  # EIO: nobody has the terminal open any more
            return False
        self._seen += data
        return bool(data)


_PIECE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([^\x1b])")


def drawn(raw: str) -> str:
    """What a terminal shows after ``raw``: for the movements that c2o and rich make."""
    lines, row, column = [""], 0, 0
    for number, what, character in _PIECE.findall(raw):
        if what == "A":
            row = max(0, row - int(number or 1))
        elif what == "C":
            column += int(number or 1)
        elif what == "K":
            lines[row] = "" if number == "2" else lines[row][:column]
        elif what == "J":
            lines[row:] = [lines[row][:column]]
        elif character == "\r":
            column = 0
        elif character == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif character:
            line = lines[row].ljust(column)
            lines[row] = line[:column] + character + line[column + 1 :]
            column += 1
    return "\n".join(line.rstrip() for line in lines)


@contextmanager
def on_a_terminal(c2o: CommandLine, *arguments: str, **variables: str) -> Iterator[Terminal]:
    """``c2o`` with these arguments on a terminal of 120 columns; it is ended with the block."""
    with program_on_a_terminal([sys.executable, "-m", "c2o", *arguments], c2o.environment(**variables), c2o.home) as it:
        yield it


@contextmanager
def shell_on_a_terminal(c2o: CommandLine) -> Iterator[Terminal]:
    """A shell with job control, in c2o's environment."""
    with program_on_a_terminal(["bash", "--norc", "--noprofile", "-i"], c2o.environment(PS1="$ "), c2o.home) as it:
        yield it


@contextmanager
def program_on_a_terminal(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[Terminal]:
    """Any program; it is ended with the block."""
    keyboard, screen = pty.openpty()
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        command,
        env={"TERM": "xterm-256color", **environment},
        cwd=folder,
        stdin=screen,
        stdout=screen,
        stderr=screen,
        start_new_session=True,
        preexec_fn=_own_terminal,  # noqa: PLW1509 - one system call
    )
    os.close(screen)
    try:
        yield Terminal(process, keyboard)
    finally:
        process.kill()
        process.wait()
        os.close(keyboard)


def _own_terminal() -> None:
    """So that Ctrl-C is a signal, and a hidden question is asked here."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
