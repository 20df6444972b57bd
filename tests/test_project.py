"""What the project promises about itself: few dependencies, floors, names that don't tell on machines."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

MOST_PACKAGES = 30


def _names(requirements: list[str] | None) -> set[str]:
    """The distributions that a list of requirements leads to on this platform, extras left out."""
    wanted = (line.partition(";") for line in requirements or [])
    return {
        re.match(r"[A-Za-z0-9._-]+", name)[0].lower().replace("_", "-")
        for name, _, marker in wanted
        if "extra ==" not in marker and "win32'" not in marker.replace("!= 'win32'", "") and '< "3.11"' not in marker
    }


def test_the_dependencies_stay_few():
    todo, seen = _names(PROJECT["dependencies"]), set()
    while todo:
        name = todo.pop()
        seen.add(name)
        try:
            todo |= _names(importlib.metadata.distribution(name).requires) - seen
        except importlib.metadata.PackageNotFoundError:
            seen.discard(name)  # of another platform or Python
    assert len(seen) <= MOST_PACKAGES, sorted(seen)


def test_each_dependency_has_a_floor_and_a_reason():
    reasons = (ROOT / "ARCHITECTURE.md").read_text()
    for requirement in PROJECT["dependencies"]:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)[0]
        assert ">=" in requirement, requirement
        assert re.search(rf"^\|[^|]*\b{name}\b", reasons, re.MULTILINE), f"{name} has no reason in ARCHITECTURE.md"


def test_aiohttp_has_the_floor_that_security_needs():
    assert "aiohttp>=3.14.3" in PROJECT["dependencies"]


PACKAGES = sorted(path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "c2o").rglob("__init__.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_s_map_names_each_of_its_modules(package: str) -> None:
    """In the docstring, or in the table of commands."""
    folder = ROOT / package
    inside = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    text = (folder / "__init__.py").read_text()
    unnamed = [
        each for each in sorted(inside - {"__init__"}) if f"``{each}``" not in text and f"cli.{each}" not in text
    ]
    assert not unnamed, f"say in {package}/__init__.py what is in {', '.join(unnamed)}"


def test_actions_are_pinned_to_a_commit():
    for workflow in (ROOT / ".github" / "workflows").glob("*.yml"):
        for use in re.findall(r"uses: (\S+)", workflow.read_text()):
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", use), f"{workflow.name}: {use}"


def test_the_top_level_is_as_promised():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        return  # not a checkout: a built package
    top = {line.split("/")[0] for line in listed.stdout.splitlines()}
    promised = {"pyproject.toml", "README.md", "c2o", "tests", "packaging", "completions"}
    extra = {"LICENSE", "CHANGELOG.md", "ARCHITECTURE.md", ".ci", ".github", ".gitignore"}
    assert top <= promised | extra, top - promised - extra
