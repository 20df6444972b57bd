"""Single keys from a terminal, as a person presses them: letters as themselves, all others by a name.

While a Keyboard is open the terminal shows nothing by itself and passes on each key at once; Ctrl-C and Ctrl-Z stay
signals.  Whatever ends that, the terminal is as it was: shells don't put it right for everybody.
"""

from __future__ import annotations

import codecs
import os
import re
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from types import FrameType

from c2o.cli.signals import Handler, handled

Key = str
"""A character, or a name of more than one letter: ``up``, ``enter``, ``resize``, ``resumed``."""

NAMES: dict[str, Key] = {
    "\r": "enter", "\n": "enter", "\r\n": "enter",
    "\x7f": "backspace", "\x08": "backspace", "\x15": "clear", "\x17": "clear", "\x0c": "resize",
    "\x1b[A": "up", "\x1bOA": "up", "\x10": "up", "\x1b[Z": "up",
    "\x1b[B": "down", "\x1bOB": "down", "\x0e": "down", "\t": "down",
    "\x1b[C": "right", "\x1bOC": "right", "\x06": "right", "\x1b[D": "left", "\x1bOD": "left", "\x02": "left",
    "\x1b[H": "home", "\x1bOH": "home", "\x1b[1~": "home", "\x1b[7~": "home", "\x01": "home",
    "\x1b[F": "end", "\x1bOF": "end", "\x1b[4~": "end", "\x1b[8~": "end", "\x05": "end",
    "\x1b[5~": "pageup", "\x1b[6~": "pagedown", "\x1b[3~": "delete",
    "\x1b": "escape", "\x04": "eof",
}  # fmt: skip
"""What terminals send: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html and what Emacs' users press."""

_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|\x1b(?![\[O])|\r\n|[^\x1b]", re.DOTALL)

ESCAPE_WITHIN = 0.06
"""Seconds after which an Esc is the key itself, and not the beginning of another key's name."""


class Keyboard:
    """The keys of the terminal that is ``descriptor``."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._text = ""
        self._wakes, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        self._woken: Key = "resize"

    def read(self) -> Key:
        """The next key; ``resize`` when what is shown has to be drawn anew, ``resumed`` when others have written since.

        Raises EOFError, KeyboardInterrupt.
        """
        while True:
            if not self._text and not self._more(None):
                woken, self._woken = self._woken, "resize"
                return woken
            if (found := self._next()) is not None:
                if found == "eof":
                    raise EOFError
                return found

    def _next(self) -> Key | None:
        """A key of what has come; None for what no key of ours is."""
        match = _SEQUENCE.match(self._text)
        while match is None and self._more(ESCAPE_WITHIN):
            match = _SEQUENCE.match(self._text)
        if self._text == "\x1b" and self._more(ESCAPE_WITHIN):
            return self._next()
        said = match[0] if match else self._text
        self._text = self._text[len(said) :]
        return NAMES.get(said) or (said if said.isprintable() else None)

    def _more(self, within: float | None) -> bool:
        """Take in what has come; False if nothing did, or something else happened."""
        ready, _, _ = select.select([self._descriptor, self._wakes], [], [], within)
        if self._wakes in ready:
            os.read(self._wakes, 4096)
        if self._descriptor not in ready:
            return False
        data = os.read(self._descriptor, 65536)
        if not data:
            raise EOFError
        self._text += self._decode(data)
        return True

    def forget(self) -> None:
        """What was pressed before now: it was meant for something else."""
        import termios  # noqa: PLC0415 - not everywhere

        termios.tcflush(self._descriptor, termios.TCIFLUSH)
        self._text = ""

    def wake(self, key: Key = "resize") -> None:
        """Have ``read`` return that, though nobody has pressed a key."""
        if key != "resize":  # which another may follow at once
            self._woken = key
        with suppress(BlockingIOError):  # woken more than enough
            os.write(self._wake, b".")

    @contextmanager
    def woken_by_signals(self) -> Iterator[None]:
        """Also by one that arrives just before ``read`` begins to wait: Ctrl-C would count with the next key only."""
        before = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)

    def close(self) -> None:
        os.close(self._wakes)
        os.close(self._wake)


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    """The person's keys, until the block ends; for a stdin that is a terminal, on a POSIX system."""
    import termios  # noqa: PLC0415 - not everywhere
    import tty  # noqa: PLC0415

    descriptor = sys.stdin.fileno()
    usual = termios.tcgetattr(descriptor)

    def back_to_usual() -> None:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, usual)
        os.write(2, b"\x1b[?25h")  # whoever draws may have hidden the cursor

    def stop(number: int, _: FrameType | None) -> None:
        """Ctrl-Z: the shell gets its terminal as it was, and we get ours when we are called back."""
        back_to_usual()
        signal.signal(number, signal.SIG_DFL)
        os.kill(0, number)
        signal.signal(number, stop)
        tty.setcbreak(descriptor)
        keys.wake("resumed")

    handlers: dict[int, Handler] = {
        signal.SIGTSTP: stop,
        signal.SIGWINCH: lambda *_: keys.wake(),
        signal.SIGTERM: _end,
        signal.SIGHUP: _end,
    }
    with closing(Keyboard(descriptor)) as keys, handled(handlers), keys.woken_by_signals():
        try:
            tty.setcbreak(descriptor)
            yield keys
        finally:
            back_to_usual()


def _end(number: int, _: FrameType | None) -> None:
    """By an exception, so that all is put right on the way out."""
    sys.exit(128 + number)
