"""Changing a settings file in place: what is refused, and what happens when somebody else writes too."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from c2o.claude import settings_file, swap
from c2o.claude.settings_file import rewrite
from c2o.errors import RefusedFile


def new(data: bytes | None) -> bytes:
    assert data is None or json.loads(data) is not None
    return b'{"new": 1}'


def folder_with(path: Path) -> list[tuple[str, bytes | None]]:
    return [(str(each), each.read_bytes() if each.is_file() else None) for each in sorted(path.rglob("*"))]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "claude" / "settings.json"
    path.parent.mkdir()
    return path


def a_folder(path: Path) -> None:
    path.mkdir()


def a_dangling_link(path: Path) -> None:
    path.symlink_to(path.with_name("gone.json"))


def a_circle(path: Path) -> None:
    path.symlink_to(path.with_name("other"))
    path.with_name("other").symlink_to(path)


def read_only(path: Path) -> None:
    path.write_text("{}")
    path.chmod(0o444)


def in_a_read_only_folder(path: Path) -> None:
    path.write_text("{}")
    path.parent.chmod(0o555)


def a_link_into_a_read_only_store(path: Path) -> None:
    store = path.parent.parent / "store"
    store.mkdir()
    (store / "settings.json").write_text("{}")
    (store / "settings.json").chmod(0o444)
    path.symlink_to(store / "settings.json")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_hard_link(path: Path) -> None:
    path.write_text("{}")
    path.with_name("twin.json").hardlink_to(path)


def under_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("not a folder")


def in_a_folder_that_is_a_dangling_link(path: Path) -> None:
    path.parent.rmdir()
    path.parent.symlink_to("/nonexistent")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (a_folder, "is a folder"),
        (a_dangling_link, "is a link to .*gone.json, which doesn't exist"),
        (a_circle, "leads in a circle"),
        (read_only, "is read-only"),
        (in_a_read_only_folder, "is in a folder that is read-only: .*claude"),
        (a_link_into_a_read_only_store, r"\(a link to .*store/settings.json\) is read-only"),
        (a_pipe, "is no regular file"),
        (a_hard_link, "is a hard link"),
        (under_a_file, "claude is no folder"),
        (in_a_folder_that_is_a_dangling_link, "claude is a link to /nonexistent, which doesn't exist"),
    ],
)
def test_what_can_not_be_changed_is_refused_in_its_own_words(settings: Path, make, words: str) -> None:
    make(settings)
    before = folder_with(settings.parent.parent) if make is not a_pipe else None
    with pytest.raises(RefusedFile, match=words) as refused:
        rewrite(settings, new)
    assert "c2o run claude" in str(refused.value)
    assert before is None or folder_with(settings.parent.parent) == before


def test_another_user_s_file_is_refused(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.write_text("{}")
    monkeypatch.setattr(os, "geteuid", lambda: settings.stat().st_uid + 1)
    with pytest.raises(RefusedFile, match="belongs to another user"):
        rewrite(settings, new)
    assert settings.read_text() == "{}"


def test_a_full_disk_is_told(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.write_text("{}")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RefusedFile, match="No space left on device"):
        rewrite(settings, new)
    assert folder_with(settings.parent) == [(str(settings), b"{}")]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_mode_stays(settings: Path, mode: int) -> None:
    settings.write_text("{}")
    settings.chmod(mode)
    rewrite(settings, new)
    assert stat.S_IMODE(settings.stat().st_mode) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_stays(settings: Path) -> None:
    settings.write_text("{}")
    os.chown(settings, 12345, 54321)
    rewrite(settings, new)
    assert (settings.stat().st_uid, settings.stat().st_gid) == (12345, 54321)


def test_nothing_is_written_where_nothing_changes(settings: Path) -> None:
    settings.write_text("{}")
    before = settings.stat()
    rewrite(settings, lambda data: data)
    assert settings.stat() == before


def test_what_cannot_be_understood_is_left_as_it_is(settings: Path) -> None:
    settings.write_text("{")

    def no(data: bytes | None) -> bytes:
        raise ValueError("ends in the middle")

    with pytest.raises(RefusedFile, match=f"{settings} ends in the middle. It was left as it is"):
        rewrite(settings, no)
    assert settings.read_text() == "{"


def test_somebody_who_is_still_writing_is_waited_for(settings: Path) -> None:
    settings.write_text('{"a":')
    soon = threading.Timer(0.02, lambda: settings.write_text('{"a": 1}'))
    soon.start()
    rewrite(settings, lambda data: json.dumps({**json.loads(data or b""), "b": 2}).encode())
    soon.join()
    assert json.loads(settings.read_text()) == {"a": 1, "b": 2}


@pytest.mark.parametrize("exchange", [True, False], ids=["exchanged", "replaced"])
def test_a_write_between_reading_and_writing_is_not_lost(
    settings: Path, exchange: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system can't exchange files, the last look is a moment before."""
    if not exchange:
        monkeypatch.setattr(settings_file, "swap", lambda one, other: False)
    settings.write_text('{"a": 1}')
    theirs = iter([b'{"a": 1, "foreign": 1}', b'{"a": 1, "foreign": 2}'])

    def slowly(data: bytes | None) -> bytes:
        if written := next(theirs, None):
            settings.write_bytes(written)
        return json.dumps({**json.loads(data or b""), "b": 2}).encode()

    rewrite(settings, slowly)
    assert json.loads(settings.read_text()) == {"a": 1, "foreign": 2, "b": 2}


@pytest.mark.parametrize("theirs", [b'{"foreign": 1}'])
def test_a_file_that_is_made_meanwhile_is_not_lost(settings: Path, theirs: bytes) -> None:
    once = iter([theirs])

    def slowly(data: bytes | None) -> bytes:
        if written := next(once, None):
            settings.write_bytes(written)
        return json.dumps({**json.loads(data or b"{}"), "b": 2}).encode()

    rewrite(settings, slowly)
    assert json.loads(settings.read_text()) == {"foreign": 1, "b": 2}


def test_a_file_that_is_changed_while_it_is_taken_away_stays(settings: Path) -> None:
    settings.write_text('{"ours": 1}')
    once = iter([b'{"ours": 1, "foreign": 1}'])

    def away(data: bytes | None) -> bytes | None:
        if written := next(once, None):
            settings.write_bytes(written)
        left = {name: value for name, value in json.loads(data or b"{}").items() if name != "ours"}
        return json.dumps(left).encode() if left else None

    rewrite(settings, away)
    assert json.loads(settings.read_text()) == {"foreign": 1}


def test_two_files_are_exchanged(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    assert swap.swap(tmp_path / "a", tmp_path / "b") is True
    assert ((tmp_path / "a").read_text(), (tmp_path / "b").read_text()) == ("b", "a")
    assert swap.swap(tmp_path / "a", tmp_path / "missing") is False
