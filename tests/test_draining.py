"""What services say of themselves that have handed over."""

from __future__ import annotations

import os

from c2o import draining, paths
from c2o.draining import Draining
from c2o.instance import Instance


def myself(pid: int, version: str = "0.1.0") -> Instance:
    return Instance(pid, "127.0.0.1", 8226, version, "", "", "config.toml", "detached")


def test_it_is_seen_as_long_as_it_lives() -> None:
    with draining.recorded(myself(7)) as record:
        record(12)
        assert draining.services() == [Draining(7, "0.1.0", 12)]
        record(3)
        assert draining.services() == [Draining(7, "0.1.0", 3)]
    assert draining.services() == []
    assert list((paths.state_dir() / "draining").iterdir()) == []


def test_what_a_killed_one_leaves_means_nothing_and_is_swept() -> None:
    folder = paths.private_dir(paths.state_dir() / "draining")
    (folder / "6.json").write_text('{"pid": 6, "version": "0.0.9", "requests": 4}')
    assert draining.services() == []
    with draining.recorded(myself(7)) as record:
        record(1)
        assert [path.name for path in folder.iterdir()] == ["7.json"]


def test_what_can_not_be_written_is_not_missed() -> None:
    paths.private_dir(paths.state_dir())
    (paths.state_dir() / "draining").touch()
    with draining.recorded(myself(os.getpid())) as record:
        record(1)
    assert draining.services() == []
