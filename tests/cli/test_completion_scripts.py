"""The completion scripts are what the command tree makes today, and real shells take them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from c2o.cli.completion_scripts import SCRIPTS, commands

FOLDER = Path(__file__).parent.parent.parent / "completions"


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_is_current(name):
    """If not: python -m c2o.cli.completion_scripts."""
    assert (FOLDER / name).read_text() == SCRIPTS[name](commands())


def complete_in_bash(line: str) -> list[str]:
    script = f"""
        source {FOLDER / "c2o.bash"}
        COMP_WORDS=({line}); [[ {line!r} == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); _c2o; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True)
    assert not done.stderr
    return done.stdout.split()


def test_bash_completes_commands():
    assert complete_in_bash("c2o sta") == ["start", "status"]


def test_bash_completes_options():
    assert complete_in_bash("c2o start --p") == ["--port"]


def test_bash_completes_the_commands_of_a_group_and_their_options():
    assert complete_in_bash("c2o service in") == ["install"]
    assert complete_in_bash("c2o service install --n") == ["--now", "--no-linger"]
    assert complete_in_bash("c2o service install --manager s") == ["systemd"]


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
def test_bash_completes_what_is_run():
    assert "bash" in complete_in_bash("c2o run bas")


@pytest.mark.parametrize(("shell", "name"), [("zsh", "_c2o"), ("fish", "c2o.fish")])
def test_other_shells_parse_their_script(shell, name):
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}")
    done = subprocess.run([shell, "-n", str(FOLDER / name)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
