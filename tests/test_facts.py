"""The file of facts: bounded, private, and never a reason to fail."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from c2o import facts
from c2o.errors import C2oError
from c2o.facts import Fact

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def fact(text: str = "drop:temperature", **fields: Any) -> Fact:
    known: dict[str, Any] = {"upstream": "up", "model": "m", "base_url": "http://up/v1", "learned_at": NOW}
    return Fact(fact=text, **known | fields)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "learned.toml"


def test_what_was_written_is_read(path: Path) -> None:
    known = [fact(said='it said "no" to ümlauts \\ and all'), fact("context_window:8192", source="probe", model="a/b")]

    facts.write(path, known)

    assert facts.read(path, NOW).facts == known
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_people_can_read_it(path: Path) -> None:
    facts.write(path, [fact(said="Unsupported parameter")])

    assert path.read_text() == (
        'schema = "c2o.learned/1"\n'
        "\n[[facts]]\n"
        'upstream = "up"\nmodel = "m"\nbase_url = "http://up/v1"\nfact = "drop:temperature"\n'
        'source = "refusal"\nlearned_at = 2026-11-21 12:00:00+00:00\nsaid = "Unsupported parameter"\n'
    )


def test_no_file_is_nothing_learned(path: Path) -> None:
    assert facts.read(path, NOW) == ([], "")


DAMAGED = [
    b"\xff\xfe",
    b"[[facts]",
    b'schema = "c2o.learned/1"\n[[facts]]\nupstream = 5\n',
    b"facts = 1",
    b"a = " + b"[" * 9000,
]


@pytest.mark.parametrize("data", DAMAGED)
def test_a_damaged_file_is_set_aside(path: Path, data: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(data)

    found = facts.read(path, NOW)

    assert found.facts == []
    assert "damaged" in found.problem
    assert path.with_suffix(".damaged").read_bytes() == data
    assert facts.read(path, NOW) == ([], "")


def test_another_version_s_file_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('schema = "c2o.learned/9"\n')

    assert "another version" in facts.read(path, NOW).problem
    assert path.exists()


def test_what_is_old_is_forgotten(path: Path) -> None:
    young, old = fact(learned_at=NOW - timedelta(days=29)), fact("drop:top_p", learned_at=NOW - timedelta(days=31))
    facts.write(path, [old, young])

    assert facts.read(path, NOW).facts == [young]


def test_a_date_in_the_future_does_not_hold_for_ever(path: Path) -> None:
    facts.write(path, [fact(learned_at=NOW + timedelta(days=5))])

    assert facts.read(path, NOW).facts == []


def test_the_newest_of_a_kind_counts() -> None:
    first, second = fact("context_window:8192"), fact("context_window:4096", learned_at=NOW + timedelta(seconds=1))

    assert facts.bounded([second, first]) == [second]


def test_there_is_an_end_to_it() -> None:
    of_one = [fact(f"drop:{n}", learned_at=NOW + timedelta(seconds=n)) for n in range(100)]
    of_many = [fact(model=f"m{n}", learned_at=NOW + timedelta(seconds=n)) for n in range(2000)]

    assert facts.bounded(of_one) == of_one[-facts.MOST_OF_A_MODEL :]
    assert facts.bounded(of_many) == of_many[-facts.MOST :]


def test_words_are_one_short_line() -> None:
    assert facts.shortened("a\n\x1b[2Jb\tc") == "a [2Jb c"
    assert len(facts.shortened("x" * 500)) == facts.SAID


def test_addresses_are_compared_by_what_they_mean() -> None:
    spellings = ("https://h", "https://h/v1/", "https://h/v1/chat/completions?key=secret")
    assert {facts.address(url) for url in spellings} == {"https://h/v1"}


def test_a_folder_that_takes_nothing_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")

    with pytest.raises(C2oError, match="C2O_HOME"):
        facts.write(blocked / "learned.toml", [])
