"""The service as a process of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from c2o.errors import C2oError, ConfigError, Unhealthy
from c2o.service.detached import Detached, environment
from c2o.service.manager import ServiceSpec


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the interpreter: a shell script, to be written by the test; ``$5`` is the ready pipe."""
    path = tmp_path / "python"
    path.touch(0o700)
    monkeypatch.setattr("sys.executable", str(path))
    return path


def test_the_clients_own_variables_stay_outside() -> None:
    given = {
        "CLAUDECODE": "1",
        "CLAUDE_CODE_X": "1",
        "ANTHROPIC_BASE_URL": "x",
        "ANTHROPIC_API_KEY": "x",
        "PATH": "/bin",
    }
    assert environment(frozenset(), given=given) == {"PATH": "/bin", "C2O_MANAGER": "detached"}


def test_a_variable_with_an_upstreams_key_goes_in_whatever_its_name() -> None:
    given = {"ANTHROPIC_API_KEY": "sk-ant", "ANTHROPIC_BASE_URL": "x"}
    assert environment(frozenset({"ANTHROPIC_API_KEY"}), given=given) == {
        "ANTHROPIC_API_KEY": "sk-ant",
        "C2O_MANAGER": "detached",
    }


def test_our_places_mean_the_same_in_another_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    got = environment(frozenset(), given={"C2O_HOME": "here", "C2O_CONFIG": "~/c2o.toml"})
    assert got["C2O_HOME"] == str(tmp_path / "here")
    assert got["C2O_CONFIG"] == str(Path.home() / "c2o.toml")


def test_it_returns_when_the_service_says_that_it_is_ready(python: Path) -> None:
    python.write_text("""#!/bin/sh\necho "$@"; echo '{"ok": true}' >/dev/fd/$5\n""")
    Detached().start(ServiceSpec(port=8300))
    log = Path(os.environ["C2O_HOME"], "log", "c2o.log")
    assert log.read_text().startswith("-P -m c2o.proxy --ready-fd ")
    assert log.read_text().endswith(" --port 8300\n")


def test_the_services_own_error_is_raised(python: Path) -> None:
    python.write_text(
        """#!/bin/sh\necho '{"ok": false, "exit_code": 78, "error": "[server] port: bad."}' >/dev/fd/$5\nexit 78\n"""
    )
    with pytest.raises(ConfigError, match=r"^\[server\] port: bad\.$"):
        Detached().start(ServiceSpec())


@pytest.mark.parametrize(("end", "how"), [("exit 3", "with exit code 3"), ("kill -9 $$", "by signal 9")])
def test_the_last_words_of_one_that_dies(python: Path, end: str, how: str) -> None:
    python.write_text(f"#!/bin/sh\necho first words\necho last words >&2\n{end}\n")
    with pytest.raises(C2oError) as died:
        Detached().start(ServiceSpec())
    log = Path(os.environ["C2O_HOME"], "log", "c2o.log")
    assert str(died.value) == (f"the service ended {how} before it was ready. See {log}\n  first words\n  last words")


def test_one_that_says_nothing_is_not_waited_for_for_ever(python: Path) -> None:
    python.write_text("#!/bin/sh\nexec sleep 3\n")
    with pytest.raises(Unhealthy, match=r"isn't ready after 1 s\. It may still be starting: c2o status"):
        Detached().start(ServiceSpec(wait=1))


def test_without_a_service_there_is_nothing_to_signal() -> None:
    with pytest.raises(Unhealthy, match="isn't sent a signal"):
        Detached().stop()
