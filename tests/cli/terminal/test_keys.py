"""Keys as terminals send them, whole and in pieces."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from c2o.cli.terminal import keys
from c2o.cli.terminal.keys import ESCAPE_WITHIN, NAMES, Keyboard


class Wire:
    """What a person presses, and what is read of it."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        self.keyboard = Keyboard(self.reader)

    def press(self, data: str | bytes) -> None:
        os.write(self._writer, data if isinstance(data, bytes) else data.encode())

    def press_when_waited_for(self, data: str) -> None:
        """Once all that has been pressed until now has been looked at."""
        more = self.keyboard._more

        def press(within: float | None) -> bool:
            if within is None and not select.select([self.reader], [], [], 0)[0]:
                self.press(data)
            return more(within)

        self.keyboard._more = press  # type: ignore[method-assign]

    def read(self, count: int) -> list[str]:
        return [self.keyboard.read() for _ in range(count)]

    def close(self) -> None:
        self.keyboard.close()
        os.close(self.reader)
        if self._writer >= 0:
            self.hang_up()

    def hang_up(self) -> None:
        os.close(self._writer)
        self._writer = -1


@pytest.fixture
def wire() -> Iterator[Wire]:
    there = Wire()
    yield there
    there.close()


@pytest.mark.parametrize(("sent", "name"), [each for each in NAMES.items() if each[1] != "eof"])
def test_every_key_has_its_name(wire: Wire, sent: str, name: str) -> None:
    wire.press(sent)
    assert wire.keyboard.read() == name


@pytest.mark.parametrize("sent", [sent for sent in NAMES if len(sent) > 2])
def test_a_key_may_come_byte_by_byte(wire: Wire, sent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "ESCAPE_WITHIN", 20.0)

    def press() -> None:
        for letter in sent:
            wire.press(letter)

    threading.Thread(target=press).start()
    assert wire.keyboard.read() == NAMES[sent]


def test_what_is_pasted_are_many_keys(wire: Wire) -> None:
    wire.press("sk-ä🎉 x\r\n\x1b[A\x1bOBq")
    assert wire.read(11) == ["s", "k", "-", "ä", "🎉", " ", "x", "enter", "up", "down", "q"]


def test_a_letter_may_be_cut_in_half(wire: Wire) -> None:
    first, second = "ä".encode()[:1], "ä".encode()[1:]
    wire.press(first)
    threading.Timer(0.02, wire.press, [second]).start()
    assert wire.keyboard.read() == "ä"


def test_escape_alone_is_a_key_after_a_moment(wire: Wire) -> None:
    wire.press("\x1b")
    began = time.monotonic()
    assert wire.keyboard.read() == "escape"
    assert time.monotonic() - began >= ESCAPE_WITHIN * 0.9


@pytest.mark.parametrize("unknown", ["\x1b[200~", "\x1b[1;5R", "\x1bOz", "\x1b[?1;2c", "\x00", "\x1b["])
def test_what_no_key_of_ours_is_passes_by(wire: Wire, unknown: str) -> None:
    wire.press(unknown)
    if unknown == "\x1b[":  # its end never comes
        wire.press_when_waited_for("x")
    else:
        wire.press("x")
    assert wire.keyboard.read() == "x"


def test_the_end_is_an_end(wire: Wire) -> None:
    wire.press("\x04")
    with pytest.raises(EOFError):
        wire.keyboard.read()
    wire.hang_up()
    with pytest.raises(EOFError):
        wire.keyboard.read()


def test_waking_has_everything_drawn_anew(wire: Wire) -> None:
    wire.keyboard.wake()
    assert wire.keyboard.read() == "resize"


def test_a_signal_that_came_before_the_wait_ends_it(wire: Wire) -> None:
    """Ctrl-C between the look for signals and the system call that waits: it would count with the next key only."""
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with wire.keyboard.woken_by_signals():
            os.kill(os.getpid(), signal.SIGUSR1)
            assert wire.keyboard.read() == "resize"
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert signal.set_wakeup_fd(-1) == -1
