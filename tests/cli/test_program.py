"""What all commands have in common: how mistakes are told, and that nothing falls out of line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from c2o.cli import program
from c2o.errors import UsageError
from tests.command_line import CommandLine


def leaves(command: Any, *path: str) -> Iterator[tuple[str, Any]]:
    """Each command that does something, by its whole name."""
    for name, inside in getattr(command, "commands", {}).items():
        yield from leaves(inside, *path, name)
    if not getattr(command, "commands", {}):
        yield " ".join(path), command


COMMANDS = dict(leaves(program.command()))

WITHOUT_JSON = {
    "run": "its output is the child's",
    "demo claude": "its output is Claude Code's",
    "completions show": "its output is a script",
}


def options(command: Any) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WITHOUT_JSON))
def test_every_command_can_answer_in_json(name):
    assert "--json" in options(COMMANDS[name])


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_says_what_it_is_for(name):
    assert COMMANDS[name].help
    silent = [each.name for each in COMMANDS[name].params if each.opts[0].startswith("-") and not each.help]
    assert not silent


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("strt", "No such command 'strt'. Did you mean 'start', 'restart', 'status'? See: c2o --help"),
        ("status --jsn", "No such option: --jsn. Did you mean --json? See: c2o status --help"),
        ("claude onn", "No such command 'onn'. Did you mean 'on'? See: c2o claude --help"),
        (
            "env --shell tcsh",
            "Invalid value for '--shell': 'tcsh' is not one of 'bash', 'fish', 'pwsh'. See: c2o env --help",
        ),
        ("status extra", "Got unexpected extra argument(s) (extra). See: c2o status --help"),
    ],
)
def test_a_mistake_is_one_sentence_with_what_was_meant(typed, said, c2o: CommandLine):
    done = c2o(*typed.split())
    assert (done.exit_code, done.out, done.err) == (UsageError.exit_code, "", f"c2o: {said}\n")


def test_a_mistake_in_json_for_who_wants_that(c2o: CommandLine):
    done = c2o("status", "--jsn", "--json")
    assert done.exit_code == UsageError.exit_code
    assert done.json == {
        "schema": "c2o.error/1",
        "ok": False,
        "exit_code": UsageError.exit_code,
        "error": "No such option: --jsn. Did you mean --json? See: c2o status --help",
    }


def test_c2o_alone_says_what_to_begin_with(c2o: CommandLine):
    """On the smallest usual screen, without a look at the list of commands."""
    done = c2o()
    assert (done.exit_code, done.err) == (UsageError.exit_code, "")
    assert len(done.out.splitlines()) < 24
    assert max(map(len, done.out.splitlines())) <= 80
    assert "It isn't set up yet. Begin with: c2o init\nAll commands: c2o --help\n" in done.out
    c2o.configure({})
    assert "isn't set up" not in c2o().out


def test_the_list_of_commands_has_a_row_and_a_heading_for_each(c2o: CommandLine):
    shown = c2o("--help", COLUMNS="80").out
    rows = re.findall(r"^│ ([a-z]+) {2,}\S.*│$", shown, re.MULTILINE)
    assert sorted(rows) == sorted(name for name, each in program.command().commands.items() if not each.hidden)
    assert "─ Commands ─" not in shown
    assert not re.search(r"^│ {6,}\S", shown, re.MULTILINE), "none takes a second row"


@pytest.mark.parametrize("typed", ["claude", "config"])
def test_a_command_that_is_a_group_shows_its_help(typed, c2o: CommandLine):
    done = c2o(*typed.split())
    assert done.exit_code == UsageError.exit_code
    assert "Commands" in done.out
    assert done.err == ""


@pytest.mark.parametrize(
    "variables", [{"COLUMNS": "60"}, {"COLUMNS": "80", "TERM": "dumb"}, {"PYTHONIOENCODING": "ascii"}]
)
def test_help_fits_and_has_no_types_for_flags(variables, c2o: CommandLine):
    done = c2o("-h", **variables)
    assert done.exit_code == 0
    assert max(len(line) for line in done.out.splitlines()) <= int(variables.get("COLUMNS", 80))
    assert "<bool>" not in done.out
    assert "\x1b" not in done.out
    assert "PYTHONIOENCODING" not in variables or done.out.isascii()
