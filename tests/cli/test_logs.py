"""``c2o logs``, from outside."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from c2o import log_file
from c2o.cli.logs.lines import Reader, moment
from c2o.errors import UsageError
from tests.clients.service import TOKEN
from tests.command_line import CommandLine, streaming, until
from tests.fake_upstream import FakeUpstream

NOW = datetime.now(UTC)


def line(number: int, level: str = "info", ago: float = 0, **fields: object) -> str:
    time = (NOW - timedelta(seconds=ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said = {"time": time, "level": level, "logger": "c2o.proxy", "message": f"line {number}"}
    return json.dumps(said | fields) + "\n"


def request(id: str, level: str = "info", **fields: object) -> str:
    said = {"id": id, "asked": "claude-sonnet-5", "target": "nim/qwen3", "stream": True, "seconds": 3.5}
    said |= {"input_tokens": 722, "cached_tokens": 90, "output_tokens": 40, "first_byte": 1.5, **fields}
    return line(0, level, logger="c2o.journal", message="", request=said)


GOOD = request("req_good", stop_reason="end_turn")
BAD = request("req_bad", "warning", error="nim: CUDA \x1b[2Jerror", warnings=[{"text": "a line skipped", "count": 3}])


@pytest.fixture
def log(c2o: CommandLine) -> Path:
    path = c2o.folder / "log" / "c2o.log"
    path.parent.mkdir(parents=True)
    return path


def test_the_last_lines_of_all_files(c2o: CommandLine, log: Path) -> None:
    log.with_name("c2o.log.2").write_text("".join(map(line, range(40))))
    log.with_name("c2o.log.1").write_text("".join(map(line, range(40, 60))))
    log.write_text("".join(map(line, range(60, 70))))

    assert [shown.rpartition(" ")[2] for shown in c2o("logs").out.splitlines()] == [str(n) for n in range(20, 70)]
    assert [shown.rpartition(" ")[2] for shown in c2o("logs", "-n", "3").out.splitlines()] == ["67", "68", "69"]
    assert c2o("logs", "-n", "0").out == ""


def test_a_line_says_when_and_how_bad_and_what(c2o: CommandLine, log: Path) -> None:
    log.write_text(line(1, "warning") + GOOD + BAD)
    why = "warning='a line skipped' ×3 error='nim: CUDA \\x1b[2Jerror'"
    when = f"{NOW.astimezone():%Y-%m-%d %H:%M:%S}"
    assert c2o("logs").out.splitlines() == [
        f"{when} warning  c2o.proxy: line 1",
        f"{when} info     req_good claude-sonnet-5 → nim/qwen3 stream in=722+90 out=40 first=1.50s took=3.50s end_turn",
        f"{when} warning  req_bad claude-sonnet-5 → nim/qwen3 stream in=722+90 out=40 first=1.50s took=3.50s - {why}",
    ]


def test_narrowed_by_level_and_time(c2o: CommandLine, log: Path) -> None:
    log.write_text(
        line(1, ago=7200) + line(2, "warning", ago=7000) + line(3) + line(4, "error") + "Fatal Python error\n"
    )
    assert [shown[-6:] for shown in c2o("logs", "--level", "warning").out.splitlines()] == [
        "line 2",
        "line 4",
        " error",
    ]
    assert [shown[-6:] for shown in c2o("logs", "--since", "1h").out.splitlines()] == ["line 3", "line 4"]
    assert [shown[-6:] for shown in c2o("logs", "--since", "1h", "--level", "error").out.splitlines()] == ["line 4"]


def test_json_is_what_stands_in_the_file(c2o: CommandLine, log: Path) -> None:
    log.write_text(BAD + "Fatal Python error\n")
    first, second = c2o("logs", "--json").out.splitlines()
    assert json.loads(first) == json.loads(BAD)
    assert json.loads(second) == {"level": None, "message": "Fatal Python error"}


def test_one_request(c2o: CommandLine, log: Path) -> None:
    bug = line(0, "error", message="req_bad failed: this is a bug in c2o", traceback="Traceback: x\nValueError: y")
    log.write_text(GOOD + bug + BAD)
    shown = c2o("logs", "--request", "req_bad").out
    assert "this is a bug in c2o\nTraceback: x\nValueError: y\n" in shown
    assert "CUDA" in shown
    assert "req_good" not in shown

    missing = c2o("logs", "--request", "req_none")
    assert missing.exit_code == 1
    assert missing.err.startswith("c2o: no request req_none is in the log. ")


def test_nothing_logged(c2o: CommandLine) -> None:
    done = c2o("logs")
    assert done.exit_code == 0
    assert done.out == ""
    assert done.err == "! the service hasn't run yet; it will log to ~/c2o/log/c2o.log\n"


def test_a_pipe_in_the_logs_place_is_not_waited_for(c2o: CommandLine, log: Path) -> None:
    os.mkfifo(log)
    assert c2o("logs").err.startswith("! nothing of the kind is logged in ")


@pytest.mark.parametrize("since", ["yesterday", "10x", "25:00"])
def test_a_time_that_is_none(c2o: CommandLine, since: str) -> None:
    done = c2o("logs", "--since", since)
    assert done.exit_code == 2
    assert "is no time. Say 10m, 2h, 14:30" in done.err


def test_moments() -> None:
    now = datetime(2026, 11, 21, 12, 0).astimezone()
    assert moment("90s", now) == now - timedelta(seconds=90)
    assert moment("2d", now) == now - timedelta(days=2)
    assert moment("11:30", now) == now - timedelta(minutes=30)
    assert moment("2026-11-21T10:00", now) == now - timedelta(hours=2)
    assert moment("2026-11-20", now) == now - timedelta(hours=36)
    with pytest.raises(UsageError):
        moment("", now)


# ---- following


@contextmanager
def following(c2o: CommandLine, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = c2o.begin("logs", "-f", *options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_followed_through_rotation_with_each_line_at_once_and_ended_by_ctrl_c(c2o: CommandLine, log: Path) -> None:
    log.write_text(line(1))
    with following(c2o) as process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith("line 1\n")
        with log.open("a") as file:
            file.write(line(2) + line(3)[:20])
            file.flush()
            assert process.stdout.readline().endswith("line 2\n")
            file.write(line(3)[20:])
        log.rename(log.with_name("c2o.log.1"))
        log.write_text(line(4))
        assert process.stdout.readline().endswith("line 3\n")
        assert process.stdout.readline().endswith("line 4\n")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    assert err == ""


def test_followed_before_there_is_anything(c2o: CommandLine, log: Path) -> None:
    with following(c2o, "--json") as process:
        assert process.stdout is not None
        log.write_text(line(1))
        assert json.loads(process.stdout.readline())["message"] == "line 1"


def test_a_reader_that_has_seen_enough(c2o: CommandLine, log: Path) -> None:
    log.write_text("".join(map(line, range(20000))))
    command = f"{sys.executable} -m c2o logs -n 20000 | head -n 1"
    done = subprocess.run(["bash", "-c", command], env=c2o.environment(), capture_output=True, text=True)
    assert done.stdout.endswith("line 0\n")
    assert done.stderr == ""


def test_on_a_terminal_a_request_is_a_frame(c2o: CommandLine, log: Path) -> None:
    log.write_text(GOOD + BAD)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(
            sys.executable,
            [sys.executable, "-m", "c2o", "logs", "-f"],
            c2o.environment(TERM="xterm-256color", COLUMNS="100"),
        )
    shown = b""
    while b"req_bad" not in shown:
        shown += os.read(terminal, 4096)
    os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)

    text = shown.decode()
    assert os.waitstatus_to_exitcode(status) == 130
    assert "claude-sonnet-5 → nim/qwen3" in text
    assert "722 + 90 cached tokens in, 40 out" in text
    assert "streamed, 3.50 s, the upstream began after 1.50 s" in text
    assert "a line skipped  (3 times)" in text
    assert "CUDA \\x1b[2Jerror" in text
    assert "╭" in text


# ---- with a real service


def test_a_request_and_its_error_can_be_looked_up(configured: CommandLine) -> None:
    """The id that the client was told is the one by which the log explains what happened."""
    configured("start")
    there = configured.service()
    program = (
        "import http.client, json, sys; c = http.client.HTTPConnection(*json.loads(sys.argv[1]));"
        "c.request('POST', '/v1/messages', json.dumps({'model': 'nowhere/x', 'max_tokens': 1, 'messages': []}),"
        " {'x-api-key': sys.argv[2]}); print(c.getresponse().headers['request-id'])"
    )
    asked = [sys.executable, "-c", program, json.dumps(there.address), TOKEN]
    id = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

    record = until(lambda: configured("logs", "--request", id, "--json")).json
    assert record["request"]["id"] == id
    assert record["request"]["asked"] == "nowhere/x"
    assert record["level"] == "warning"
    assert f"serves at {there.url}" in configured("logs").out


def test_the_reader_reads_what_the_writer_puts_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty rotations of a small log, read while it is written: no line is missed, none comes twice."""
    monkeypatch.setattr(log_file, "TOO_LARGE", 400)
    writer, reader = log_file.Writer(tmp_path / "c2o.log"), Reader(tmp_path / "c2o.log")
    seen = [each.raw for each in reader.existing()]
    for number in range(100):
        writer.write(line(number).encode())
        seen += [each.raw for each in reader.more()]
    assert [json.loads(raw)["message"] for raw in seen] == [f"line {number}" for number in range(100)]
    reader.close()


# ---- requests that run


def begun(id: str, pid: int, ago: float = 0) -> str:
    said = {"id": id, "pid": pid, "asked": "claude-sonnet-5", "target": "nim/qwen3", "stream": True}
    return line(0, "debug", ago, logger="c2o.journal", message="", begun=said)


def test_that_a_request_begins_is_shown_when_asked_for(c2o: CommandLine, log: Path) -> None:
    log.write_text(begun("req_good", 1) + GOOD)
    shown = "debug    req_good claude-sonnet-5 → nim/qwen3 stream begins\n"
    assert shown not in c2o("logs").out
    assert shown in c2o("logs", "--level", "debug").out
    assert shown not in c2o("logs", "--request", "req_good").out
    log.write_text(begun("req_good", 1))
    assert shown in c2o("logs", "--request", "req_good").out


def test_a_running_request_is_followed_from_its_begin_to_its_end(
    configured: CommandLine, upstream: FakeUpstream
) -> None:
    """One runs before ``-f``, one begins after it; a request of a killed service runs no more."""
    configured("start")
    log = configured.folder / "log" / "c2o.log"
    with log.open("a") as file:
        file.write(begun("req_killed", 1))
    there = configured.service()
    with streaming(there, upstream) as first, following(configured, "-n", "0") as process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith("stream begins\n")
        with streaming(there, upstream) as second:
            assert process.stdout.readline().endswith("stream begins\n")
            second.finish()
        assert process.stdout.readline().endswith("end_turn\n")
        first.finish()
        assert process.stdout.readline().endswith("end_turn\n")


def test_on_a_terminal_a_running_request_has_a_frame_until_it_ends(
    configured: CommandLine, upstream: FakeUpstream
) -> None:
    configured("start")
    with streaming(configured.service(), upstream) as stream:
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(
                sys.executable,
                [sys.executable, "-m", "c2o", "logs", "-f"],
                configured.environment(TERM="xterm-256color", COLUMNS="100", LINES="40"),
            )
        shown = ""
        while "streamed, runs for 1 s" not in shown:
            shown += os.read(terminal, 4096).decode(errors="replace")
        assert "ended with end_turn" not in shown
        stream.finish()
        while "ended with end_turn" not in shown:
            shown += os.read(terminal, 4096).decode(errors="replace")
        os.write(terminal, b"\x03")
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 130
