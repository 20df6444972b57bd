"""Rows are gathered and written apart; what can't be written waits, and what can never be is lost with a word."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from c2o import usage_store
from c2o.proxy import usage
from c2o.proxy.journal import Journal
from c2o.proxy.usage import Usage
from c2o.routing import route_to
from c2o.translate.types import Outcome
from c2o.usage_store import Unusable, Used
from c2o.wire.anthropic import Usage as Counted
from tests.proxy.conftest import Serve, configuration, loaded
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import hello

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Disk:
    """In the store's place: full, until it is told otherwise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = True
        self.tries = 0
        self.tried = asyncio.Event()
        self.rows: list[Used] = []
        self._loop = asyncio.get_running_loop()
        monkeypatch.setattr(usage_store, "add", self.add)

    def add(self, path: Path, used: Sequence[Used], *, tidy: bool = False) -> None:
        self.tries += 1
        self._loop.call_soon_threadsafe(self.tried.set)
        if self.full:
            raise Unusable(f"{path} can't be used: database or disk is full. Make room.")
        self.rows += used


@pytest.fixture
async def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setattr(usage, "EVERY", 0.01)
    monkeypatch.setattr(usage, "AGAIN", 0.02)
    return Disk(monkeypatch)


def finish(usage: Usage, count: int = 1, asked: str = "claude-opus-5") -> None:
    """Requests that come to their end."""
    journal = Journal(FakeClock(), usage)
    config = loaded(configuration("http://127.0.0.1:1/v1"))
    for number in range(count):
        with journal.entry(f"req_{number}") as entry:
            entry.asked = asked
            entry.route = route_to(config, "fake/m")
            entry.outcome = Outcome(usage=Counted(input_tokens=number, output_tokens=1))


async def test_what_a_full_disk_does_not_take_waits_for_room(disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    gathered = Usage(Path("usage.db"))
    finish(gathered, 3)
    while disk.tries < 3:
        await asyncio.wait_for(disk.tried.wait(), 10)
        disk.tried.clear()
    assert gathered.problem == (
        "usage isn't written down: usage.db can't be used: database or disk is full. Make room."
    )
    finish(gathered, 2)
    disk.full = False
    await gathered.close()

    assert [row.input for row in disk.rows] == [0, 1, 2, 0, 1]
    assert gathered.problem == ""
    assert [record.getMessage().partition(":")[0] for record in caplog.records if record.name == "c2o.proxy"] == [
        "usage isn't written down",
        "usage is written down again; requests that are missing in it",
    ]


async def test_only_so_many_wait(disk: Disk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(usage, "MOST_WAITING", 4)
    gathered = Usage(Path("usage.db"))
    finish(gathered, 10)
    await asyncio.wait_for(disk.tried.wait(), 10)
    while not gathered.problem:
        await asyncio.sleep(0)
    disk.full = False
    await gathered.close()

    assert [row.input for row in disk.rows] == [6, 7, 8, 9]
    assert "requests that are missing in it: 6" in caplog.text


async def test_an_end_with_a_full_disk_is_an_end(disk: Disk) -> None:
    gathered = Usage(Path("usage.db"))
    finish(gathered)

    await asyncio.wait_for(gathered.close(), 10)

    assert disk.rows == []


async def test_one_write_for_many_requests(disk: Disk) -> None:
    disk.full = False
    gathered = Usage(Path("usage.db"))
    finish(gathered, 500)
    await gathered.close()

    assert (disk.tries, len(disk.rows)) == (1, 500)


async def test_names_are_short_and_without_secrets(disk: Disk) -> None:
    disk.full = False
    gathered = Usage(Path("usage.db"), lambda text: text.replace("sk-secret", "…"))
    finish(gathered, asked="sk-secret" + "x" * 500)
    await gathered.close()

    assert disk.rows[0].asked == "…" + "x" * (usage_store.LONGEST_NAME - 9)


async def test_without_a_folder_nothing_is_kept(disk: Disk) -> None:
    gathered = Usage(None)
    finish(gathered)
    await gathered.close()

    assert disk.tries == 0


async def test_what_never_had_an_upstream_is_not_counted(serve: Serve, tmp_path: Path) -> None:
    tables = configuration("http://127.0.0.1:1/v1") | {"models": {"only": "fake/m"}}
    service = await serve(tables, folder=tmp_path)
    assert (await service.post(body=hello(model="unknown"))).status == 404
    await service.app.shutdown()
    await service.app.cleanup()

    assert usage_store.read(tmp_path / usage_store.FILE, LONG_AGO) == []


async def test_a_bug_of_ours_does_not_end_the_counting(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk.full = False
    gathered = Usage(Path("usage.db"))
    monkeypatch.setattr(gathered, "_redact", lambda text: 1 // 0)
    finish(gathered)
    while "usage couldn't be written down" not in caplog.text:
        await asyncio.sleep(0.01)
    caplog.clear()

    monkeypatch.setattr(gathered, "_redact", str)
    finish(gathered, 2)
    await gathered.close()

    assert len(disk.rows) == 2
