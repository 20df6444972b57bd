"""The list of named cases: each has a test that carries its id, in this folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

CASES = {"a": 83, "b": 30, "c": 44, "d": 22, "e": 9}
"""How many cases each letter has."""


def test_every_case_has_a_test() -> None:
    wanted = {f"{letter}{number:02}" for letter, count in CASES.items() for number in range(1, count + 1)}
    assert len(wanted) == 188
    assert wanted - set(re.findall(r"(?<=[_[-])[a-e]\d\d(?=_)", collected())) == set()


def collected() -> str:
    """The names of all tests in this folder, as pytest knows them."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", "-p", "no:cacheprovider", str(HERE)]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
