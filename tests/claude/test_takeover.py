"""Leading to c2o and back, with its records: what is refused, and what a crash leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from c2o import paths
from c2o.claude import journal, takeover
from c2o.errors import C2oError, RefusedFile
from c2o.instance import Lock

OURS = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8226", "ANTHROPIC_AUTH_TOKEN": "c2o-0123456789"}


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


def on(path: Path) -> takeover.Changed:
    return takeover.on(path, "user", lambda env: OURS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "is not a JSON object, but an array"),
        ("", "is empty"),
        ('// mine\n{"env": {}}', "has a comment (line 1)"),
        ('{"env": {},}', "has a comma after the last entry"),
        ('{"env": {}', "ends in the middle"),
        ('{"env": [1]}', "has an env that is not an object"),
        ('{"env": {"A": 1}}', "has a value at env.A that is not a string"),
        ('{"env": {},\n "env": {}}', "has env twice (line 2)"),
        ('{"env": {"A": "1",\n "A": "2"}}', "has env.A twice (line 2)"),
        ('{"a": NaN}', "is not valid JSON: it has NaN"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "is nested too deeply"),
    ],
)
def test_what_can_not_be_understood_is_refused(settings: Path, text: str, words: str) -> None:
    settings.write_text(text)
    with pytest.raises(RefusedFile) as refused:
        on(settings)
    assert f"{settings} {words}" in str(refused.value)
    assert "c2o run claude" in str(refused.value)
    assert settings.read_text() == text
    assert journal.entries() == []


def test_a_file_that_is_no_text_is_refused(settings: Path) -> None:
    settings.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(RefusedFile, match="is not UTF-8 text"):
        on(settings)


def test_a_crash_between_record_and_change_leaves_nothing_to_undo(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.write_text('{"a": 1}')
    with monkeypatch.context() as crash:
        crash.setattr(takeover.settings_file, "_put", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            on(settings)
    assert [entry.path for entry in journal.entries()] == [str(settings)]
    assert takeover.off(settings).changed is False
    assert settings.read_text() == '{"a": 1}'
    assert journal.entries() == []


def test_a_damaged_record_is_no_obstacle(settings: Path) -> None:
    settings.write_text('{"a": 1}')
    on(settings)
    (record,) = (paths.state_dir() / "claude").glob("*.json")
    record.write_text("{")
    assert takeover.off(settings).exact is False
    assert json.loads(settings.read_text()) == {"a": 1}


def test_without_a_place_for_the_record_nothing_is_changed(settings: Path) -> None:
    settings.write_text("{}")
    paths.state_dir().mkdir(parents=True)
    (paths.state_dir() / "claude").write_text("in the way")
    with pytest.raises(C2oError, match="couldn't be put back, so they were left alone"):
        on(settings)
    assert settings.read_text() == "{}"


def test_a_settings_file_of_ours_without_a_record_gets_one(settings: Path) -> None:
    settings.write_text("{}")
    on(settings)
    (record,) = (paths.state_dir() / "claude").glob("*.json")
    record.unlink()
    assert on(settings).changed is False
    assert record.exists()
    takeover.off(settings)
    assert json.loads(settings.read_text()) == {}


def test_what_is_in_the_way_of_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    env = {**OURS, "C2O_SUGGESTED": "A=1 B=2 C=3", "A": "1", "B": "2", "C": "3", "THEIRS": "x"}
    (tmp_path / "settings.json").write_text(json.dumps({"env": env}))
    wanted = {"A": "1", "B": "5", "C2O_SUGGESTED": "A=1 B=5"}
    assert takeover.in_the_way(wanted, tmp_path / "project") == {"C2O_SUGGESTED": "A=1 B=5", "B": "5", "C": ""}


@pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 5000, "1.50", "1e999"])
def test_numbers_of_any_length_are_left_as_they_are(settings: Path, number: str) -> None:
    """Python reads no integer of more than 4300 digits by itself."""
    text = f'{{"a": {number}}}'
    settings.write_text(text)
    on(settings)
    assert f'"a": {number}' in settings.read_text()
    takeover.off(settings)
    assert settings.read_text() == text


def test_a_link_that_leads_elsewhere_now_hides_no_file_of_ours(tmp_path: Path, settings: Path) -> None:
    """As when somebody changes between two sets of dotfiles."""
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    one.write_text('{"one": 1}')
    other.write_text('{"other": 1}')
    settings.symlink_to(one)
    on(settings)
    settings.unlink()
    settings.symlink_to(other)
    (changed,) = takeover.all_off(takeover.patched())
    assert isinstance(changed, takeover.Changed)
    assert (changed.path, changed.exact) == (paths.real(one), True)
    assert (one.read_text(), other.read_text()) == ('{"one": 1}', '{"other": 1}')
    assert takeover.patched() == []


def test_a_file_that_is_gone_from_behind_its_link_is_done_with(tmp_path: Path, settings: Path) -> None:
    one = tmp_path / "one.json"
    one.write_text("{}")
    settings.symlink_to(one)
    on(settings)
    one.unlink()
    assert [isinstance(each, takeover.Changed) for each in takeover.all_off(takeover.patched())] == [True]
    assert takeover.patched() == []


def test_a_record_goes_before_another_change_begins(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else ``off`` would take away what an ``on`` has just recorded, and the person's own address would be lost."""
    on(settings)
    dropped: list[bool] = []
    drop = journal.drop

    def watched(real: Path) -> None:
        dropped.append(Lock(paths.state_dir() / "claude.lock").acquire())
        drop(real)

    monkeypatch.setattr(journal, "drop", watched)
    takeover.off(settings)
    assert dropped == [False], "nobody else gets in"


def test_a_record_that_stays_is_told(settings: Path) -> None:
    on(settings)
    (record,) = (paths.state_dir() / "claude").glob("*.json")
    record.unlink()
    (record / "in the way").mkdir(parents=True)
    with pytest.raises(C2oError, match="can't be removed"):
        takeover.off(settings)
