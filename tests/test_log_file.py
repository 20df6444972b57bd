"""The service's log."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from c2o import log_file
from c2o.errors import C2oError


def write(path: Path, text: str) -> None:
    descriptor = log_file.opened(path)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def test_it_is_made_with_its_folder_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "log" / "c2o.log"
    before = os.umask(0)
    try:
        write(path, "one\n")
    finally:
        os.umask(before)
    write(path, "two\n")
    assert path.read_text() == "one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_large_one_is_put_aside_and_five_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "TOO_LARGE", 100)
    path = tmp_path / "c2o.log"
    writer = log_file.Writer(path)
    for number in range(14):  # two fill a file
        writer.write(b"line %02d %s\n" % (number, b"x" * 40))

    names = ["c2o.log", *(f"c2o.log.{number}" for number in range(1, 6))]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    first = [(tmp_path / name).read_text()[:7] for name in names]
    assert first == ["line 12", "line 10", "line 08", "line 06", "line 04", "line 02"]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in tmp_path.iterdir())


def test_two_writers_share_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a service and its successor do, while the one finishes its streams."""
    monkeypatch.setattr(log_file, "TOO_LARGE", 100)
    path = tmp_path / "c2o.log"
    one, other = log_file.Writer(path), log_file.Writer(path)
    for number in range(6):
        (one, other)[number % 2].write(b"line %02d %s\n" % (number, b"x" * 40))
    kept = [file.read_text().splitlines() for file in reversed(log_file.all_of(path)) if file.exists()]
    assert [line[:7] for lines in kept for line in lines] == [f"line {number:02}" for number in range(6)]


def test_a_deleted_one_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "log" / "c2o.log"
    writer = log_file.Writer(path)
    writer.write(b"one\n")
    path.unlink()
    path.parent.rmdir()
    writer.write(b"two\n")
    assert path.read_text() == "two\n"


def test_our_output_moves_with_the_file(tmp_path: Path) -> None:
    """What a service writes past its log (a crash of the interpreter) must not go on filling the old file."""
    program = (
        "import os, sys; from pathlib import Path; from c2o import log_file; log_file.TOO_LARGE = 10\n"
        "path = Path(sys.argv[1]); out = log_file.opened(path); os.dup2(out, 2); writer = log_file.Writer(path)\n"
        "writer.write(b'the first line\\n'); writer.write(b'the second\\n'); os.write(2, b'past it\\n')\n"
    )
    path = tmp_path / "c2o.log"
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    assert path.read_text() == "the second\npast it\n"
    assert (tmp_path / "c2o.log.1").read_text() == "the first line\n"


def test_a_full_disk_loses_lines_and_says_so(tmp_path: Path) -> None:
    program = (
        "import resource, sys; from pathlib import Path; from c2o import log_file\n"
        "writer = log_file.Writer(Path(sys.argv[1])); resource.setrlimit(resource.RLIMIT_FSIZE, (30, 1000))\n"
        "for number in range(5): writer.write(b'line %d: %s\\n' % (number, b'x' * 10))\n"
        "print(writer.problem, writer.lost)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); writer.write(b'the last\\n'); print(writer.problem)"
    )
    path = tmp_path / "c2o.log"
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True)
    full, well = done.stdout.splitlines()
    assert full.startswith(f"the log {path} can't be written: ")
    assert full.endswith("set C2O_HOME to a folder that is. 4")
    assert well == "None"
    assert path.read_text().splitlines() == ["line 0: xxxxxxxxxx", "line 1: xxx", "the last"]


def test_the_tail_is_what_was_written_since(tmp_path: Path) -> None:
    path = tmp_path / "c2o.log"
    path.write_text("old\n")
    since = path.stat().st_size
    assert log_file.tail(path, since=since) == []
    with path.open("a") as file:
        file.writelines(f"line {number}\n" for number in range(20))
    assert log_file.tail(path, since=since, lines=2) == ["line 18", "line 19"]
    assert len(log_file.tail(path, since=since)) == 10
    assert log_file.tail(tmp_path / "none.log") == []


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "c2o.log").symlink_to(victim)
    with pytest.raises(C2oError, match=r"the log .+ can't be written: .+\. Make room, make its folder writable"):
        log_file.opened(tmp_path / "c2o.log")
    assert victim.read_text() == "precious"


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    """With and without somebody who reads it."""
    path = tmp_path / "c2o.log"
    os.mkfifo(path)
    with pytest.raises(C2oError, match=r"the log .+ can't be written: "):
        log_file.opened(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(C2oError, match=r"can't be written: it is no file\."):
        log_file.opened(path)
    os.close(reader)
    assert log_file.tail(path) == []
