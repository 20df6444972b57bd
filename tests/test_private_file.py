"""Files for their owner's eyes only, whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from c2o import private_file
from c2o.errors import C2oError


def test_it_is_the_owners_alone_whatever_the_umask_and_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    before = os.umask(0)
    try:
        private_file.write(path, "one")
        path.chmod(0o644)
        private_file.write(path, "two")
    finally:
        os.umask(before)
    assert path.read_text() == "two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_a_planted_link_leads_nowhere(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / ".file.new").symlink_to(victim)
    private_file.write(tmp_path / "file", "mine")
    assert victim.read_text() == "precious"


def test_what_cannot_be_written_is_told_and_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("before")
    (tmp_path / ".file.new").mkdir()
    with pytest.raises(C2oError, match=r"file can't be written: .+\. Make its folder writable\."):
        private_file.write(tmp_path / "file", "after")
    assert (tmp_path / "file").read_text() == "before"


def test_for_a_full_disk_room_is_the_remedy_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "file").write_text("before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(C2oError, match=r"file can't be written: No space left on device\. Make room on its disk\."):
        private_file.write(tmp_path / "file", "after")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("file", "before")]
