"""What the README promises: every command, option, configuration key, dialect and exit code is in it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
import typer.main

from c2o import config, errors
from c2o.cli import app
from c2o.doctor import CHECKS
from c2o.translate.dialects import DIALECTS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_and_its_options_are_documented(name):
    line = next((line for line in README.splitlines() if line.startswith(f"| `c2o {name}")), "")
    assert line, f"`c2o {name}` has no row in the README's table of commands"
    assert COMMANDS[name].help, f"`c2o {name}` has no help text"
    everywhere = {"--json", "--help"}
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts if option.startswith("--")}
    missing = [option for option in options - everywhere if option not in README]
    assert not missing, f"options of `c2o {name}` that the README doesn't name: {missing}"


@pytest.mark.parametrize("table", [config.Server, config.Upstream, config.Timeouts, config.Limits, config.Prices])
def test_a_configuration_key_is_documented(table):
    missing = [field.name for field in msgspec.structs.fields(table) if f"`{field.name}`" not in README]
    assert not missing, f"keys of {table.__name__} that the README doesn't name: {missing}"


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_a_dialect_is_documented(name):
    assert f"`{name}`" in README


def test_exit_codes_are_documented():
    codes = {
        cls.exit_code for cls in errors.__dict__.values() if isinstance(cls, type) and issubclass(cls, errors.C2oError)
    }
    documented = {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", README, re.MULTILINE) for code in row.split(",")}
    assert codes <= documented


def test_links_lead_somewhere():
    for document in (ROOT / "README.md", ROOT / "ARCHITECTURE.md", *(ROOT / ".github").glob("*.md")):
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_all_that_the_doctor_finds_is_documented_and_nothing_else():
    reference = (ROOT / ".github" / "docs" / "doctor.md").read_text()
    rows = re.findall(r"^\| (`[^|]+) \|", reference, re.MULTILINE)
    documented = {id for row in rows for id in re.findall(r"`([a-z_0-9]+\.[a-z_0-9.]+)`", row)}
    assert documented == {id for check in CHECKS for id in check.ids}
