"""The completion scripts are what the command tree makes today.

What shells make of them is in ``test_in_shells``.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from c2o.cli.completions.scripts import FILES, of
from c2o.cli.completions.tree import named_tables, settings
from c2o.cli.config.keys import type_at
from tests import system_tools

FOLDER = Path(__file__).parents[3] / "completions"


@pytest.mark.parametrize("shell", FILES)
def test_the_script_is_current(shell):
    """If not: python -m c2o.cli.completions."""
    assert (FOLDER / FILES[shell]).read_text() == of(shell)


def test_each_setting_that_has_values_is_a_key():
    for place in settings():
        type_at(tuple(place.split(".")))


def test_the_keys_of_what_has_names_are_in_the_scripts():
    tables = {table: keys.split(",") for table, _, keys in (each.partition(":") for each in named_tables())}
    assert {"upstreams", "limits"} <= set(tables)
    assert {"base_url", "timeouts.idle"} <= set(tables["upstreams"])
    for table, keys in tables.items():
        for key in keys:
            type_at((table, "any", *key.split(".")))


@pytest.mark.parametrize("shell", FILES)
def test_the_shell_parses_its_script(shell):
    done = system_tools.run(shell, "-n", str(FOLDER / FILES[shell]))
    assert (done.returncode, done.stderr) == (0, "")


def complete_in_bash(line: str) -> list[str]:
    script = f"""
        COMP_LINE={line!r} COMP_POINT={len(line)} COMP_WORDBREAKS=$' \\t\\n"><=;|&(:'
        source {FOLDER / "c2o.bash"}
        COMP_WORDS=({line}); [[ {line!r} == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); _c2o c2o; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True)
    assert not done.stderr
    return done.stdout.split()


def test_bash_completes_commands_options_and_choices():
    assert complete_in_bash("c2o sta") == ["start", "status"]
    assert complete_in_bash("c2o start --p") == ["--port"]
    assert complete_in_bash("c2o service install --n") == ["--now", "--no-linger"]
    assert complete_in_bash("c2o service install --manager s") == ["systemd"]
    assert "bash" in complete_in_bash("c2o run bas")
