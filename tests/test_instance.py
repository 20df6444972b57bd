"""One service for each home: its lock and its state file."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from c2o import instance
from c2o.errors import C2oError
from c2o.instance import Instance, Lock

HERE = Instance(
    pid=4242,
    host="127.0.0.1",
    port=8226,
    version="0.1.0",
    started_at="2026-11-21T10:00:00Z",
    config_digest="ab12cd34ef56",
    config_path="/home/someone/.config/c2o/config.toml",
    manager="detached",
)

HOLD = """
import sys
from c2o import instance
lock = instance.Lock(instance.lock_file())
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


@contextmanager
def holder() -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        try:
            yield process
        finally:
            process.kill()


def test_nothing_runs_in_a_home_that_does_not_exist_and_looking_does_not_make_it(c2o_home: Path) -> None:
    assert not instance.running()
    assert instance.read() is None
    assert not c2o_home.exists()


def test_the_lock_tells_that_a_service_runs() -> None:
    with holder():
        assert instance.running()
        assert not Lock(instance.lock_file()).acquire()
    assert not instance.running()


def test_a_killed_holder_leaves_no_lock() -> None:
    with holder() as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not instance.running()
        with Lock(instance.lock_file()) as lock:
            assert lock.acquire()


def test_a_lock_that_is_soon_free_is_waited_for() -> None:
    with Lock(instance.lock_file()) as first, Lock(instance.lock_file()) as second:
        assert first.acquire()
        threading.Timer(0.2, first.release).start()
        began = time.monotonic()
        assert second.acquire(patience=10)
        assert time.monotonic() - began < 5


def test_those_who_look_do_not_disturb_each_other() -> None:
    with Lock(instance.lock_file()) as lock:
        assert lock.acquire()
        lock.release()
    looking = os.open(instance.lock_file(), os.O_RDONLY)
    try:
        assert instance._try_lock(looking, shared=True)
        assert not instance.running()
    finally:
        os.close(looking)


def test_what_is_written_is_read() -> None:
    instance.lock_file().parent.mkdir(parents=True)
    instance.write(HERE)
    assert instance.read() == HERE
    instance.write(HERE._replace(draining=2))
    assert instance.read() == HERE._replace(draining=2)
    instance.remove()
    assert instance.read() is None
    instance.remove()


def test_only_the_owner_can_read_lock_and_state_whatever_the_umask(c2o_home: Path) -> None:
    before = os.umask(0)
    try:
        with Lock(instance.lock_file()) as lock:
            assert lock.acquire()
            instance.write(HERE)
    finally:
        os.umask(before)
    for file in (instance.lock_file(), instance.state_file()):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for folder in (instance.state_file().parent, c2o_home):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"text"', b"{}", b'{"pid": 1}', b"\xff\xfe", repr(HERE._asdict()).encode()],
    ids=["empty", "cut", "list", "text", "nothing", "little", "binary", "not JSON"],
)
def test_a_state_file_that_cannot_be_understood_is_as_good_as_none(content: bytes) -> None:
    instance.state_file().parent.mkdir(parents=True)
    instance.state_file().write_bytes(content)
    assert instance.read() is None


@pytest.mark.parametrize(
    ("field", "value"), [("pid", -1), ("port", 99999), ("host", 3), ("manager", []), ("draining", "x")]
)
def test_a_state_file_with_values_of_another_kind_is_none_either(field: str, value: object) -> None:
    instance.state_file().parent.mkdir(parents=True)
    instance.write(HERE._replace(**{field: value}))
    assert instance.read() is None


def test_a_newer_version_may_write_more_into_the_state_file() -> None:
    instance.state_file().parent.mkdir(parents=True)
    instance.write(HERE)
    instance.state_file().write_text(instance.state_file().read_text().replace("{", '{"more": [1], ', 1))
    assert instance.read() == HERE


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = instance.state_file().parent
    folder.mkdir(parents=True)
    for name in ("service.lock", "service.json", ".service.json.new"):
        (folder / name).symlink_to(victim)

    with pytest.raises(C2oError, match=r"service\.lock can't be written"):
        Lock(instance.lock_file()).acquire()
    instance.write(HERE)

    assert victim.read_text() == "precious"
    assert instance.read() == HERE


def test_a_state_folder_that_cannot_be_made_is_told_in_a_sentence(c2o_home: Path) -> None:
    c2o_home.parent.mkdir(parents=True, exist_ok=True)
    c2o_home.write_text("a file, where the folder should be")
    with pytest.raises(C2oError, match=r"can't be written: .+\. c2o keeps its lock and state there; .+ C2O_HOME"):
        Lock(instance.lock_file()).acquire()


def test_a_state_file_that_cannot_be_written_is_told_in_a_sentence(c2o_home: Path) -> None:
    with pytest.raises(C2oError, match=r"service\.json can't be written: No such file or directory\. .+ C2O_HOME"):
        instance.write(HERE)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8226"),
        ("0.0.0.0", "http://127.0.0.1:8226"),
        ("192.0.2.7", "http://192.0.2.7:8226"),
        ("::1", "http://[::1]:8226"),
        ("::", "http://[::1]:8226"),
    ],
)
def test_the_url_is_where_a_program_of_this_machine_reaches_it(host: str, url: str) -> None:
    assert HERE._replace(host=host).url == url
