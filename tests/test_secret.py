"""Keys: where they come from, and that they don't show themselves."""

from __future__ import annotations

import copy
import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import msgspec
import pytest

from c2o import secret
from c2o.errors import CredentialError
from c2o.secret import Secret, describe, find

KEY = "nvapi-0123456789-a-key-that-nobody-may-see"


def test_a_secret_never_shows_itself(caplog: pytest.LogCaptureFixture) -> None:
    hidden = Secret(KEY)

    logging.getLogger("test").warning("%s %r", hidden, [hidden])
    shown = [
        repr(hidden),
        str(hidden),
        f"{hidden}",
        f"{hidden!r:>10}",
        repr({"key": hidden}),
        caplog.text,
    ]

    assert not any(KEY in text for text in shown)
    assert hidden.reveal() == KEY


def test_a_secret_cannot_be_written_by_accident() -> None:
    for write in (json.dumps, msgspec.json.encode, msgspec.to_builtins):
        with pytest.raises(TypeError) as raised:
            write({"key": Secret(KEY)})
        assert KEY not in str(raised.value)
    with pytest.raises(TypeError):
        vars(Secret(KEY))


def test_a_secret_has_a_hint_for_its_owner() -> None:
    assert Secret(KEY).hint() == "nvap…-see"
    assert Secret("short").hint() == "***"
    assert KEY[4:-4] not in Secret(KEY).hint()


def test_secrets_are_equal_by_value() -> None:
    assert Secret("a") == Secret("a") == copy.copy(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


# ---- sources


def test_a_key_itself() -> None:
    assert find(f" {KEY}\n").reveal() == KEY
    assert describe(KEY) == "the configuration file"


def test_a_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", f" {KEY} ")

    assert find("env:SOME_KEY").reveal() == KEY
    assert describe("env:SOME_KEY") == "env:SOME_KEY"


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_variable_that_is_not_set(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("SOME_KEY", value)

    with pytest.raises(CredentialError, match="SOME_KEY is not set: export SOME_KEY="):
        find("env:SOME_KEY")


def test_a_key_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\nand a note below it\n", encoding="utf-8")

    assert find(f"file:{file}").reveal() == KEY
    assert describe(f"file:{file}") == f"file:{file}"


def test_a_key_in_a_file_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").write_text(KEY, encoding="utf-8")

    assert find("file:~/key").reveal() == KEY


def test_a_key_from_a_command(tmp_path: Path) -> None:
    tool = tmp_path / "password manager.py"
    tool.write_text(f"import sys; print({KEY!r} + sys.argv[1])", encoding="utf-8")

    assert find(f"command:{sys.executable} '{tool}' '; echo x'").reveal() == KEY + "; echo x"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("file:/nowhere/key", "/nowhere/key can't be read: No such file"),
        ("file:/", "can't be read"),
        ("command:false", "ended with code 1; run it by hand"),
        ("command:/nowhere/tool", "can't be run: No such file"),
        ("command:'", "can't be run"),
        ("command:true", "the configured command is empty"),
        ("", "empty"),
        ("two\nlines", "characters that no key has"),
        ("ключ", "characters that no key has"),
        ("\x1b[2J", "characters that no key has"),
    ],
)
def test_a_key_that_cannot_be_had(source: str, told: str) -> None:
    with pytest.raises(CredentialError, match=told):
        find(source)


@pytest.mark.parametrize("place", ["{}", "file:{file}", "env:SOME_KEY", "command:echo '{}'", "command:{} x"])
def test_a_failure_tells_the_place_never_the_key(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = f"{KEY}\x07"
    (tmp_path / "key").write_text(bad, encoding="utf-8")
    monkeypatch.setenv("SOME_KEY", bad)
    source = place.format(bad, file=tmp_path / "key")

    with pytest.raises(CredentialError) as raised:
        find(source)

    assert KEY not in str(raised.value)
    assert raised.value.__cause__ is None
    assert KEY not in describe(source)


def test_a_command_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret, "COMMAND_TIMEOUT", 0.1)

    with pytest.raises(CredentialError, match="can't be run: TimeoutExpired"):
        find(f"command:{sys.executable} -c 'import time; time.sleep(60)'")


class Keyring(keyring.backend.KeyringBackend):
    """One that holds a single key, or can't be reached."""

    priority = 1  # type: ignore[assignment]

    def __init__(self, locked: bool = False) -> None:
        super().__init__()
        self._locked = locked

    def get_password(self, service: str, username: str) -> str | None:
        if self._locked:
            raise keyring.errors.KeyringLocked(f"the secret is {KEY}")
        return KEY if (service, username) == ("c2o", "nim") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.fixture
def ring() -> Iterator[Callable[[Keyring], None]]:
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)


def test_a_key_from_the_keyring(ring: Callable[[Keyring], None]) -> None:
    ring(Keyring())
    assert find("keyring:nim").reveal() == KEY
    assert describe("keyring:nim") == "keyring:nim"
    with pytest.raises(CredentialError, match=r"no other of c2o\. Put it there: keyring set c2o other$"):
        find("keyring:other")


def test_a_keyring_that_cannot_be_asked(ring: Callable[[Keyring], None]) -> None:
    ring(Keyring(locked=True))
    with pytest.raises(CredentialError, match="can't be asked for nim: KeyringLocked") as raised:
        find("keyring:nim")
    assert KEY not in str(raised.value)


def test_a_keyring_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(CredentialError, match=r"pip install 'c2o\[keyring\]'"):
        find("keyring:nim")
