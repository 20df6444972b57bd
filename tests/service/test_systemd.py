"""The text of the units; what systemd makes of them is in ``tests/service/systemd``."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

import pytest

from c2o.errors import UsageError
from c2o.service.systemd import Systemd, render_service, render_socket, with_user_bus
from c2o.service.systemd import _read as read
from tests import system_tools
from tests.service.programs import program


def line(text: str, key: str) -> str:
    return next(each.partition("=")[2] for each in text.splitlines() if each.startswith(f"{key}="))


@pytest.mark.parametrize(("host", "address"), [("127.0.0.1", "127.0.0.1:8226"), ("::1", "[::1]:8226")])
def test_systemd_listens_where_the_configuration_says(host: str, address: str) -> None:
    assert line(render_socket(host, 8226), "ListenStream") == address


def test_without_a_port_there_is_nothing_to_listen_on() -> None:
    with pytest.raises(UsageError, match=r"it needs a port: set port under \[server\]"):
        Systemd().files(program(port=0))


def test_words_that_systemd_would_read_otherwise_are_quoted() -> None:
    strange = program(command=('/my $HOME/100%/py"thon', "-m"), variables={"C2O_HOME": "/a b/%h\\c"})
    text = render_service(strange)
    assert line(text, "ExecStart") == '"/my $$HOME/100%%/py\\"thon" -m'
    assert line(text, "Environment") == '"C2O_HOME=/a b/%%h\\\\c"'


def test_a_password_manager_is_not_confined() -> None:
    """``op`` has a group's rights, ``bw`` writes code into memory: neither works in a confined service."""
    assert "NoNewPrivileges=yes" in render_service(program())
    assert "NoNewPrivileges" not in render_service(program(runs_commands=True))
    assert "a password manager gives a key" in render_service(program(runs_commands=True))


def test_the_users_bus_is_found_without_a_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert with_user_bus()["XDG_RUNTIME_DIR"].startswith("/run/user/")
    usual = with_user_bus()["XDG_RUNTIME_DIR"]
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert with_user_bus()["XDG_RUNTIME_DIR"] == str(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))  # another user's can't be looked into either
    assert with_user_bus()["XDG_RUNTIME_DIR"] == usual


def test_values_are_read_as_systemd_252_prints_them() -> None:
    said = (
        "HOME=$'/home/\u00e4 b'\nPLAIN=/home/\u00e4\nODD=$'a b$c\\\\d'\nQUOTE=$'it\\'s'\nTAB=$'a\\tb'\n"
        "DQ=$'a\"b'\nBELL=$'\\007'\nEXCL=$'k!y#;&|='\nno variable\n"
    )
    assert read(said) == {
        "HOME": "/home/ä b",
        "PLAIN": "/home/ä",
        "ODD": "a b$c\\d",
        "QUOTE": "it's",
        "TAB": "a\tb",
        "DQ": 'a"b',
        "BELL": "\a",
        "EXCL": "k!y#;&|=",
    }


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Both units, with an interpreter that this machine has."""
    (tmp_path / "c2o.socket").write_text(render_socket("127.0.0.1", 8226))
    there = program(command=("/bin/sh", "-c", "exit"))
    (tmp_path / "c2o.service").write_text(render_service(there))
    (tmp_path / "open.service").write_text(render_service(program(command=("/bin/sh",), runs_commands=True)))
    return tmp_path


def test_systemd_understands_every_line(units: Path) -> None:
    """It reads the sockets of this machine, too, and their names must be short."""
    for name in ("c2o.service", "c2o.socket", "open.service"):
        with tempfile.TemporaryDirectory(dir="/tmp") as run:
            done = system_tools.run("systemd-analyze", "verify", "--user", str(units / name), XDG_RUNTIME_DIR=run)
        assert (done.returncode, done.stderr) == (0, ""), shlex.join(done.args)


def test_the_service_is_well_confined(units: Path) -> None:
    command = ("systemd-analyze", "security", "--user", "--offline=true", "--threshold=45", str(units / "c2o.service"))
    done = system_tools.run(*command, XDG_RUNTIME_DIR=str(units))
    assert done.returncode == 0, done.stdout[-200:]
