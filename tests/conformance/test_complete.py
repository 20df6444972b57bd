"""The list of named cases: each has a test that carries its id, in this folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

CASES = {"a": 83, "b": 30, "c": 44, "d": 22, "e": 9}
"""How many cases each letter has."""

OTHERS: dict[str, str] = {
    "test_requests_media_tools.py": "a05-08 a22-32 a41 a46 a48-57 b23-24 e05",
    "test_numbers.py": "b14-16 c03-05 c41 d16-17",
}
"""What stands in files of its own."""


def ids(ranges: str) -> set[str]:
    """``a05-07 b14`` is a05, a06, a07 and b14."""
    found = (re.fullmatch(r"([a-e])(\d\d)(?:-(\d\d))?", each) for each in ranges.split())
    return {
        f"{match[1]}{number:02}"
        for match in found
        if match
        for number in range(int(match[2]), int(match[3] or match[2]) + 1)
    }


def test_every_case_has_a_test() -> None:
    wanted = {f"{letter}{number:02}" for letter, count in CASES.items() for number in range(1, count + 1)}
    assert len(wanted) == 188
    for file, ranges in OTHERS.items():
        wanted -= ids(ranges) if not (HERE / file).exists() else set()
    assert wanted - set(re.findall(r"(?<=[_[-])[a-e]\d\d(?=_)", collected())) == set()


def collected() -> str:
    """The names of all tests in this folder, as pytest knows them."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", "-p", "no:cacheprovider", str(HERE)]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
