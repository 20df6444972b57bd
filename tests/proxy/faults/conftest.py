"""The faults F01 to F48, in an order that is another one each time; ``C2O_FAULTS_SEED`` repeats one.

F01 to F11 come from the client, F12 to F20 happen while connecting, F21 to F33 before the first byte of an answer and
F34 to F48 in the middle of it.  Each test is named for its fault.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def _seed(config: pytest.Config) -> str:
    """The workers of one run must agree."""
    worker = getattr(config, "workerinput", {})
    return os.environ.get("C2O_FAULTS_SEED") or str(worker.get("testrunuid") or os.getpid())


def pytest_report_header(config: pytest.Config) -> str:
    return f"faults in the order of C2O_FAULTS_SEED={_seed(config)}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    places = [place for place, item in enumerate(items) if HERE in item.path.parents]
    ours = [items[place] for place in places]
    random.Random(_seed(config)).shuffle(ours)
    for place, item in zip(places, ours, strict=True):
        items[place] = item
