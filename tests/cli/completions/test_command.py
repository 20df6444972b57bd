"""``c2o completions``: put where shells find them, renewed, and taken away; never over somebody else's file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from c2o.cli.completions import command as completions
from c2o.cli.completions import files as completion_files
from c2o.cli.completions.files import MARK
from c2o.cli.completions.scripts import of
from c2o.errors import RefusedFile
from tests import system_tools
from tests.cli.completions.shells import BASH_COMPLETION, SHELLS, shell
from tests.command_line import CommandLine

PLACES = {
    "bash": ".local/share/bash-completion/completions/c2o",
    "zsh": ".zfunc/_c2o",
    "fish": ".config/fish/completions/c2o.fish",
}

ELSEWHERE: dict[str, tuple[dict[str, str], str]] = {
    "bash": ({"BASH_COMPLETION_USER_DIR": "{home}/own"}, "own/completions/c2o"),
    "zsh": ({"ZDOTDIR": "{home}/dots"}, "dots/.zfunc/_c2o"),
    "fish": ({"XDG_CONFIG_HOME": "{home}/config"}, "config/fish/completions/c2o.fish"),
}


def scripts(home: Path) -> set[str]:
    """The files of completions in a home, as paths in it."""
    return {str(path.relative_to(home)) for path in home.rglob("*c2o*") if path.is_file()}


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """That of this process, and no shell to ask."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR", "BASH_COMPLETION_USER_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", SHELLS)
def test_install_writes_the_script_and_says_where_and_uninstall_takes_it_away(c2o: CommandLine, name: str) -> None:
    path = c2o.home / PLACES[name]
    said = c2o("completions", "install", name, "--dry-run")
    assert said.out.startswith(f"- would write ~/{PLACES[name]}\n")
    assert scripts(c2o.home) == set()

    done = c2o("completions", "install", name, "--json").json
    assert (done["schema"], done["path"], done["changed"]) == ("c2o.completions-install/1", str(path), True)
    assert path.read_text() == of(name)  # type: ignore[arg-type]
    again = c2o("completions", "install", name)
    assert again.out.startswith(f"✓ {name} has the completions of this version")

    gone = c2o("completions", "uninstall", "--json").json
    assert gone == {"schema": "c2o.completions-uninstall/1", "removed": [str(path)], "kept": []}
    assert scripts(c2o.home) == set()
    assert c2o("completions", "uninstall").out == "○ there is nothing of c2o's to remove\n"


@pytest.mark.parametrize("name", SHELLS)
def test_the_folders_that_a_person_has_named_are_used(home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    variables, place = ELSEWHERE[name]
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value.format(home=home))
    assert completion_files.candidates(name)[0] == home / place  # type: ignore[arg-type]
    completion_files.put(home / place, of(name))  # type: ignore[arg-type]
    assert completion_files.installed() == [home / place]


def test_an_older_script_of_ours_is_renewed(home: Path) -> None:
    path = completion_files.candidates("bash")[0]
    completion_files.put(path, completion_files.signed("# bash completion for c2o\n_c2o() { :; }\n"))
    assert completion_files.state(path) == "ours"
    assert completion_files.put(path, of("bash"))
    assert not completion_files.put(path, of("bash"))
    assert path.read_text() == of("bash")


OTHERS = {
    "not c2o's": "complete -W 'one two' c2o\n",
    "changed": of("bash") + "# mine\n",
    "without our mark": "".join(line for line in of("bash").splitlines(True) if MARK not in line),
    "empty": "",
}


def test_the_wizard_offers_them_until_they_are_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completions.processes, "ancestors", lambda: ["pytest", "-fish", "login"])
    assert completions.wanted() == "fish"
    assert completions.installed("fish").changed
    assert completions.wanted() is None
    monkeypatch.setattr(completions.processes, "ancestors", lambda: ["pytest"])
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert completions.wanted() is None


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_somebody_elses_file_is_left_alone(home: Path, text: str) -> None:
    path = completion_files.candidates("bash")[0]
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(RefusedFile, match="c2o completions install --force"):
        completion_files.put(path, of("bash"))
    assert completion_files.remove() == []
    assert path.read_text() == text
    assert completion_files.put(path, of("bash"), force=True)
    assert completion_files.remove() == [path]


@pytest.mark.slow
def test_a_file_that_is_refused_is_exit_code_8(c2o: CommandLine) -> None:
    path = c2o.home / PLACES["fish"]
    path.parent.mkdir(parents=True)
    path.write_text("mine\n")
    for more in ([], ["--dry-run"]):
        done = c2o("completions", "install", "fish", *more)
        assert (done.exit_code, done.out) == (8, "")
        assert done.err.startswith(f"c2o: ~/{PLACES['fish']} is not c2o's")
    assert c2o("completions", "install", "fish", "--force").exit_code == 0
    assert path.read_text() == of("fish")


@pytest.mark.slow
def test_a_home_that_cant_be_written_to_is_told(c2o: CommandLine) -> None:
    (c2o.home / ".config").write_text("in the way")
    done = c2o("completions", "install", "fish")
    assert done.exit_code == 8
    assert "can't be written" in done.err
    assert "Traceback" not in done.err


def test_a_link_is_written_through(home: Path) -> None:
    path, real = completion_files.candidates("fish")[0], home / "dotfiles" / "c2o.fish"
    real.parent.mkdir()
    path.parent.mkdir(parents=True)
    real.write_text(completion_files.signed("# fish completion for c2o\n"))
    path.symlink_to(real)
    assert completion_files.put(path, of("fish"))
    assert path.is_symlink()
    assert real.read_text() == of("fish")


def test_show_prints_the_script(c2o: CommandLine) -> None:
    assert c2o("completions", "show", "zsh").out == of("zsh")


@pytest.mark.slow
def test_a_shell_that_isnt_known_is_told(c2o: CommandLine) -> None:
    done = c2o("completions", "install", "tcsh")
    assert done.exit_code == 2
    assert "tcsh" in done.err


@pytest.mark.slow
@pytest.mark.parametrize("name", SHELLS)
def test_the_shell_that_it_is_called_from_is_found(c2o: CommandLine, name: str) -> None:
    other = "/bin/bash" if name == "fish" else "/usr/bin/fish"
    command = f"{sys.executable} -m c2o completions install --dry-run --json; true"
    done = system_tools.run(name, "-c", command, **c2o.environment(SHELL=other))
    assert json.loads(done.stdout)["shell"] == name


@pytest.mark.slow
def test_the_options_of_other_programs_do_the_same(c2o: CommandLine) -> None:
    shown = c2o("--show-completion", SHELL="/usr/bin/fish")
    assert shown.out in {of(name) for name in completion_files.SHELLS}
    done = c2o("--install-completion", SHELL="/usr/bin/fish")
    assert done.exit_code == 0
    assert len(scripts(c2o.home)) == 1


@pytest.mark.slow
def test_uninstalling_c2o_takes_them_away(c2o: CommandLine) -> None:
    c2o("completions", "install", "fish")
    assert str(c2o.home / PLACES["fish"]) in c2o("uninstall", "--yes", "--json").json["removed"]
    assert scripts(c2o.home) == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize("ready", [True, False], ids=["ready", "bare"])
def test_a_new_shell_completes_after_what_install_has_said_was_done(c2o: CommandLine, name: str, ready: bool) -> None:
    """``ready``: the person's own startup file loads completions already."""
    startup = {
        "bash": f"source {BASH_COMPLETION}\n",
        "zsh": "fpath=(~/.zfunc $fpath)\nautoload -Uz compinit\ncompinit -u\n",
        "fish": "",
    }[name]
    file = c2o.home / {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".unused"}[name]
    if ready:
        file.write_text(startup)
    done: dict[str, Any] = c2o("completions", "install", name, "--json").json
    assert (done["startup"] is None) == (ready or name == "fish")
    if done["startup"]:
        assert done["startup"] == str(file)
    told = "\n".join(done["lines"]).replace("&& compinit", "&& compinit -u")  # the tests' user may be root
    variables = {"XDG_CONFIG_HOME": str(c2o.home / ".config")}
    with shell(name, c2o, setup=(startup if ready else "") + told, **variables) as started:
        assert started.complete("c2o rest").line == "c2o restart"
        assert started.complete("c2o init --upstream lms").line == "c2o init --upstream lmstudio"
