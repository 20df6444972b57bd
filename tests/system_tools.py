"""Tools of the system that some tests need.

``C2O_TEST_SYSTEM=required`` turns a skip for lack of one into a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip, or fail where the system's tools are required."""
    if os.environ.get("C2O_TEST_SYSTEM") == "required":
        pytest.fail(f"the system's tools are required, but {reason}")
    pytest.skip(reason)


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a tool says; a skip where there is none."""
    if not shutil.which(command[0]):
        missing(f"there is no {command[0]} here")
    return subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env={**os.environ, **variables}, timeout=280
    )


def has(name: str) -> bool:
    return shutil.which(name) is not None
