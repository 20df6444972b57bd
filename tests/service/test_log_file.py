"""The service's log."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from c2o.errors import C2oError
from c2o.service import log_file


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


def test_a_large_one_is_put_aside_and_five_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "c2o.log"
    for number in range(8):
        write(path, f"start {number}\n")
        with path.open("r+b") as file:
            file.truncate(log_file.TOO_LARGE + 1)
    write(path, "start 8\n")

    names = ["c2o.log", *(f"c2o.log.{number}" for number in range(1, 6))]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    first_lines = [(tmp_path / name).read_text().partition("\n")[0] for name in names]
    assert first_lines == [f"start {8 - age}" for age in range(6)]


def test_a_log_of_the_limit_itself_stays(tmp_path: Path) -> None:
    path = tmp_path / "c2o.log"
    path.write_bytes(b"x" * log_file.TOO_LARGE)
    write(path, "more")
    assert [file.name for file in tmp_path.iterdir()] == ["c2o.log"]


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
    with pytest.raises(C2oError, match=r"the log .+ can't be written: .+\. Make its folder writable"):
        log_file.opened(tmp_path / "c2o.log")
    assert victim.read_text() == "precious"
