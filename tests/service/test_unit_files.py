"""Files for a service manager: ours, changed ones, and other people's."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from c2o.errors import RefusedFile
from c2o.service import unit_files

TEXT = "[Unit]\nDescription=one\n"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    return tmp_path / "systemd" / "user" / "c2o.service"


def test_a_file_of_ours_is_known_again(unit: Path) -> None:
    assert unit_files.state(unit, TEXT) == "missing"
    assert unit_files.put({unit: TEXT})
    assert unit_files.state(unit, TEXT) == "current"
    assert unit_files.state(unit, TEXT + "# more\n") == "outdated"
    assert not unit_files.put({unit: TEXT})
    assert stat.S_IMODE(unit.stat().st_mode) == 0o600


def test_a_persons_change_is_seen_and_kept(unit: Path) -> None:
    unit_files.put({unit: TEXT})
    changed = unit.read_text().replace("one", "two")
    unit.write_text(changed)
    assert unit_files.state(unit, TEXT) == "edited"
    with pytest.raises(RefusedFile, match=r"has been changed since c2o wrote it.+systemctl --user edit c2o"):
        unit_files.put({unit: TEXT})
    assert unit.read_text() == changed


def test_a_strangers_file_is_refused_before_anything_is_written(unit: Path) -> None:
    unit.parent.mkdir(parents=True)
    unit.write_text("[Unit]\n")
    other = unit.with_name("c2o.socket")
    with pytest.raises(RefusedFile, match=r"was not written by this c2o.+mv "):
        unit_files.put({other: TEXT, unit: TEXT})
    assert not other.exists()
    unit_files.take_away(unit)
    assert unit.read_text() == "[Unit]\n"


def test_another_configurations_service_is_a_strangers(unit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unit_files.put({unit: TEXT})
    monkeypatch.setenv("C2O_CONFIG", "/elsewhere/config.toml")
    assert unit_files.state(unit, TEXT) == "foreign"


def test_what_is_taken_away_leaves_no_empty_folder_and_touches_no_full_one(unit: Path, tmp_path: Path) -> None:
    unit_files.put({unit: TEXT})
    unit.write_text(unit.read_text() + "# mine\n")
    (tmp_path / "precious").touch()
    unit_files.take_away(unit, unit.with_name("c2o.socket"))
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["precious"]


def test_in_xml_the_mark_stands_below_the_preamble(tmp_path: Path) -> None:
    lines = unit_files.signed(tmp_path / "c2o.plist", "<?xml?>\n<!DOCTYPE plist>\n<plist/>\n").splitlines()
    assert lines[:2] == ["<?xml?>", "<!DOCTYPE plist>"]
    assert lines[2].startswith("<!-- Written by c2o for ")
    assert lines[3] == "<plist/>"
