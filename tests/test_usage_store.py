"""The file of what was used: all of it or nothing, bounded, and never an obstacle."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from c2o import usage_store
from c2o.usage_store import Sum, Unusable, Used, add, read, set_aside

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "usage.db"


def used(age: float = 0.0, **fields: Any) -> Used:
    plain = Used(time.time() - age, "claude-opus-5", "nim", "qwen", "s1", False, False, 100, 20, 3, 40, 1.5)
    return plain._replace(**fields)


def total(path: Path, since: datetime = LONG_AGO) -> tuple[int, int, int]:
    """Requests, input, output."""
    found = read(path, since)
    return sum(each.requests for each in found), sum(each.input for each in found), sum(each.output for each in found)


DAY = 86400.0


def test_what_is_alike_is_one_sum(path: Path) -> None:
    add(path, [used(), used(failed=True, estimated=True, input=0), used(model="glm")])

    glm, qwen = sorted(read(path, LONG_AGO), key=lambda each: each.model)

    today = f"{datetime.now().astimezone():%Y-%m-%d}"
    assert qwen[:13] == Sum(today, "claude-opus-5", "nim", "qwen", "s1", 2, 1, 1, 100, 40, 6, 80, 3.0, 0)[:13]
    assert abs(qwen.ended - time.time()) < 60
    assert glm.requests == 1


def test_since_a_moment(path: Path) -> None:
    add(path, [used(age=7200), used(age=60)])

    assert total(path, datetime.now(UTC) - timedelta(hours=1))[0] == 1


def test_nothing_was_ever_used(path: Path) -> None:
    assert read(path, LONG_AGO) == []
    assert not path.parent.exists()


def test_it_is_the_owners_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        add(path, [used()])
        with usage_store._writing(path) as database:
            database.execute("SELECT * FROM requests").fetchone()
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"usage.db": 0o600, "usage.db-wal": 0o600, "usage.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["usage.db"]


def test_old_requests_become_days_and_count_the_same(path: Path) -> None:
    add(path, [used(age=40 * DAY), used(age=40 * DAY, session="s2"), used(age=DAY)])
    before = total(path)

    add(path, [], tidy=True)
    add(path, [used(age=40 * DAY), used()], tidy=True)

    assert before == (3, 300, 120)
    assert total(path) == (5, 500, 200)
    assert rows(path) == (2, 1)
    old = next(each for each in read(path, LONG_AGO) if not each.session)
    assert (old.requests, old.cache_read, old.cache_write, old.seconds) == (3, 60, 9, 4.5)


def rows(path: Path) -> tuple[int, int]:
    database = sqlite3.connect(path)
    try:
        count = "SELECT (SELECT count(*) FROM requests), (SELECT count(*) FROM days)"
        requests, days = database.execute(count).fetchone()
        return requests, days
    finally:
        database.close()


def test_days_end_after_two_years(path: Path) -> None:
    add(path, [used(age=800 * DAY), used(age=700 * DAY)], tidy=True)

    assert total(path)[0] == 1


def test_rows_are_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_store, "MOST_SINGLE", 10)
    monkeypatch.setattr(usage_store, "MOST_DAYS", 5)

    add(path, [used(age=number * 60) for number in range(25)], tidy=True)
    assert rows(path)[0] <= 11
    assert total(path)[0] == 25

    add(path, [used(age=50 * DAY, model=f"m{number}") for number in range(9)], tidy=True)
    assert rows(path)[1] <= 5


def test_everything_or_nothing(path: Path) -> None:
    add(path, [used()])

    with pytest.raises(Unusable, match="can't be used"):
        add(path, [used(), used(asked=None)])

    assert total(path)[0] == 1


def test_a_file_that_is_none(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database, and long enough to be told from an empty one\n" * 100)

    with pytest.raises(Unusable) as read_it:
        read(path, LONG_AGO)
    with pytest.raises(Unusable) as wrote_it:
        add(path, [used()])

    assert (read_it.value.damaged, wrote_it.value.damaged) == (True, True)
    assert set_aside(path) == f"{path} is damaged; it was set aside as usage.db.damaged, and usage is counted anew."
    add(path, [used()])
    assert total(path)[0] == 1
    assert usage_store.aside(path).read_bytes().startswith(b"this is no database")


def test_a_broken_page_is_found(path: Path) -> None:
    add(path, [used(age=number, session=f"session {number}") for number in range(2000)])
    data = bytearray(path.read_bytes())
    data[8192:12288] = b"\xff" * 4096
    path.write_bytes(data)

    with pytest.raises(Unusable) as found:
        add(path, [], tidy=True)

    assert found.value.damaged


def test_another_database_in_its_place(path: Path) -> None:
    path.parent.mkdir()
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE requests (x)")
    database.execute("PRAGMA user_version = 1")
    database.close()

    with pytest.raises(Unusable) as found:
        add(path, [used()])

    assert found.value.damaged


def test_a_newer_file_is_left_alone(path: Path) -> None:
    add(path, [used()])
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 7")
    database.close()
    before = path.read_bytes()

    for use in (lambda: add(path, [used()]), lambda: add(path, [], tidy=True), lambda: read(path, LONG_AGO)):
        with pytest.raises(Unusable, match=r"written by a newer c2o \(its schema is 7\); .* Upgrade c2o\.") as found:
            use()
        assert not found.value.damaged
    assert path.read_bytes() == before


def test_an_empty_file_is_a_beginning(path: Path) -> None:
    path.parent.mkdir()
    path.touch()

    assert read(path, LONG_AGO) == []
    add(path, [used()])
    assert total(path)[0] == 1


WRITE = """
import sys, time
from pathlib import Path
from c2o.usage_store import Used, add
path, count, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    batch = [Used(time.time(), "a", "u", "m", "", False, False, 1, 0, 0, 2, 0.1)] * size
    add(path, batch, tidy=number % 10 == 0)
    print(number + 1, flush=True)
"""


def writing(path: Path, count: int, size: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITE, str(path), str(count), str(size)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_killed_writer_has_written_whole_batches(path: Path) -> None:
    process = writing(path, 100_000, 7)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    said += process.stdout.readlines()
    process.wait()
    process.stdout.close()

    requests, tokens, _ = total(path)

    assert requests % 7 == 0
    assert requests == tokens
    assert len(said) <= requests // 7 <= len(said) + 1
    add(path, [], tidy=True)
    assert total(path)[0] == requests


def test_two_writers_lose_nothing(path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(lambda: writing(path, 40, 5).communicate(timeout=60)) for _ in range(2)]
        for each in both:
            each.result()

    assert total(path) == (400, 400, 800)


def test_a_new_file_waits_for_whoever_makes_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr("c2o.usage_store.time.sleep", lambda _: other.execute("COMMIT"))
        add(path, [used()])

    assert total(path)[0] == 1


def test_a_held_file_is_waited_for_and_then_called_held(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c2o.usage_store.PATIENCE", 0.05)
    add(path, [used()])
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unusable, match=r"database is locked\. Close the program that is holding it\.") as found:
            add(path, [used()])
    assert not found.value.damaged


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that takes 256 KB, where this user may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "c2o-small-usage", str(folder)])
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_damages_nothing(small_disk: Path) -> None:
    path = small_disk / "usage.db"
    add(path, [used()])
    (small_disk / "rest").write_bytes(
        b"x" * (256 * 1024 - sum(each.stat().st_size for each in small_disk.iterdir()) - 50_000)
    )

    with pytest.raises(Unusable, match=r"can't be used: .* Make room") as found:
        fill(path)
    written = total(path)[0]

    assert not found.value.damaged
    assert written % 50 == 1
    (small_disk / "rest").unlink()
    add(path, [used()] * 50, tidy=True)
    assert total(path)[0] == written + 50


def fill(path: Path) -> None:
    for _ in range(200):
        add(path, [used()] * 50)


def test_from_a_medium_that_can_not_be_written(small_disk: Path) -> None:
    path = small_disk / "usage.db"
    add(path, [used()])
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    assert total(path)[0] == 1
    with pytest.raises(Unusable, match="can't be used") as found:
        add(path, [used()])
    assert not found.value.damaged


def test_a_python_without_sqlite_says_so(path: Path) -> None:
    program = (
        "import sys; sys.modules['_sqlite3'] = None; from pathlib import Path; from c2o import usage_store\n"
        "try: usage_store.add(Path(sys.argv[1]), [])\n"
        "except usage_store.Unusable as unusable: print(unusable, unusable.damaged)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)

    assert done.stdout == "this Python was built without SQLite. Install c2o with another one. False\n"
