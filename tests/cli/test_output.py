"""What people and programs see."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from c2o import shown
from c2o.cli import output
from c2o.cli.output import Line
from c2o.errors import PortTaken


class Result(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.test/1"
    answer: int


def lines(result: Result) -> Iterator[Line]:
    yield [("● ", "green"), "the answer: ", (str(result.answer), "bold")]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Shows on a terminal that can do everything; what it looks like there."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)

    def show(result: Result, lines: Callable[[Result], Iterable[Line]] = lines) -> str:
        screen = Terminal()
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", screen)
            output.show(result, lines, as_json=False)
        return screen.getvalue()

    return show


def test_into_a_pipe_it_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    output.show(Result(answer=42), lines, as_json=False)
    assert capsys.readouterr() == ("● the answer: 42\n", "")


def test_on_a_terminal_it_has_styles(on_a_terminal: Callable[..., str]) -> None:
    assert "\x1b[32m● \x1b[0m" in on_a_terminal(Result(answer=42))


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_wants_no_styles_gets_none(
    on_a_terminal: Callable[..., str], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert on_a_terminal(Result(answer=42)) == "● the answer: 42\n"


def test_who_wants_styles_in_a_pipe_gets_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    output.show(Result(answer=42), lines, as_json=False)
    assert "\x1b[32m" in capsys.readouterr().out


def test_a_long_line_is_not_broken(on_a_terminal: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert on_a_terminal(Result(answer=10**60)).count("\n") == 1


def test_square_brackets_are_no_markup(on_a_terminal: Callable[..., str]) -> None:
    shown = on_a_terminal(Result(answer=1), lambda _: [["[server] port ", ("[red]", "bold")]])
    assert "[server] port " in shown
    assert "[red]" in shown


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    output.show(Result(answer=42), lines, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"schema": "c2o.test/1", "answer": 42}


def test_talk_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    output.note("by the way")
    assert capsys.readouterr() == ("", "! by the way\n")


def test_a_failure_is_a_sentence_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert output.fail(PortTaken("port 1 is taken.\nStop \x1b[2Jit.")) == 6
    assert capsys.readouterr() == ("", "c2o: port 1 is taken.\nStop \\x1b[2Jit.\n")


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress() as tell:
        tell("waiting")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.9, "59 s"),
        (60, "1 m 0 s"),
        (200, "3 m 20 s"),
        (3600, "1 h 0 m"),
        (11530, "3 h 12 m"),
        (190_000, "2 d 4 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert output.duration(seconds) == text


def test_the_home_folder_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert output.short("/home/someone/.config/c2o/config.toml") == "~/.config/c2o/config.toml"
    assert output.short(Path("/home/someone-else/x")) == "/home/someone-else/x"


def test_symbols_come_out_as_ascii_where_there_are_no_others() -> None:
    script = "from c2o.cli import output; output.prepare(); print('● ✓ a → b … 日')"
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONIOENCODING": "ascii"}, capture_output=True, check=True
    )
    assert done.stdout == b"* + a -> b ... ?\n"


UNDO: Line = [("✓ ", "green"), ("~/settings.json", "bold"), " leads to c2o", ("   undo: c2o claude off", "dim")]


@pytest.mark.parametrize(
    ("line", "width", "gap", "rows"),
    [
        (UNDO, 80, "  ", ["✓ ~/settings.json leads to c2o   undo: c2o claude off"]),
        (UNDO, 53, "  ", ["✓ ~/settings.json leads to c2o   undo: c2o claude off"]),
        (UNDO, 52, "  ", ["✓ ~/settings.json leads to c2o", "  undo: c2o claude off"]),
        (UNDO, 12, "  ", ["✓ ~/settings.json leads to c2o", "  undo: c2o claude off"]),  # a command is never broken
        (UNDO, 30, " ", ["✓ ~/settings.json leads to c2o", "  undo: c2o claude off"]),
        (UNDO, 20, " ", ["✓ ~/settings.json", "  leads to c2o", "  undo: c2o claude", "  off"]),
        (["  a/very/long/path and more"], 10, " ", ["  a/very/long/path", "   and", "   more"]),
        (["    "], 2, " ", ["    "]),
        ([("  label      ", "dim"), "one  two"], 17, "  ", ["  label      one", "     two"]),
        (["日本語 text"], 20, " ", ["日本語 text"]),
    ],
)
def test_what_has_no_room_goes_on_below(line: Line, width: int, gap: str, rows: list[str]) -> None:
    wrapped = shown.wrapped(line, width, gap)
    assert [shown.plain(row) for row in wrapped] == [row.rstrip() for row in rows]


def test_styles_go_with_their_words() -> None:
    assert shown.wrapped(UNDO, 40, "  ")[1] == ["  ", ("undo: c2o claude off", "dim")]
