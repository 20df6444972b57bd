"""What is documented: every command, configuration key, environment variable, dialect, exit code and check.

All options and all that ``--json`` prints are in pages that are made from the code: ``tests/reference``.
"""

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
DOCS = ROOT / ".github" / "docs"
CONFIGURATION = (DOCS / "configuration.md").read_text()
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(name for name, command in COMMANDS.items() if not command.hidden))
def test_a_command_is_in_the_readme(name):
    assert any(line.startswith(f"| `c2o {name}") for line in README.splitlines())


TABLES = [each for each in vars(config).values() if isinstance(each, type) and issubclass(each, config._Table)]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_a_configuration_key_is_documented(table):
    names = [
        field.name for field in msgspec.structs.fields(table) if field.name not in ("path", "digest", *config.TABLES)
    ]
    missing = [name for name in names if not re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", CONFIGURATION)]
    assert not missing, f"keys of {table.__name__} that configuration.md doesn't name: {missing}"


def test_an_environment_variable_is_documented():
    sources = "".join(path.read_text() for path in (ROOT / "c2o").rglob("*.py"))
    used = set(re.findall(r'"(C2O_[A-Z_]+)"', sources))
    assert used
    missing = [name for name in sorted(used) if f"`{name}`" not in CONFIGURATION]
    assert not missing, f"variables that configuration.md doesn't name: {missing}"


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_a_dialect_is_documented(name):
    assert f"`{name}`" in CONFIGURATION


def test_exit_codes_are_documented():
    codes = {
        cls.exit_code for cls in errors.__dict__.values() if isinstance(cls, type) and issubclass(cls, errors.C2oError)
    }
    documented = {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", README, re.MULTILINE) for code in row.split(",")}
    assert codes <= documented


def test_links_lead_somewhere():
    for document in (ROOT / "README.md", ROOT / "ARCHITECTURE.md", *(ROOT / ".github").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_all_that_the_doctor_finds_is_documented_and_nothing_else():
    reference = (ROOT / ".github" / "docs" / "doctor.md").read_text()
    rows = re.findall(r"^\| (`[^|]+) \|", reference, re.MULTILINE)
    documented = {id for row in rows for id in re.findall(r"`([a-z_0-9]+\.[a-z_0-9.]+)`", row)}
    assert documented == {id for check in CHECKS for id in check.ids}
