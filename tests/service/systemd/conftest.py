"""One booted machine for all tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from tests.service.systemd.container import CannotBoot, Container, booted


def missing(reason: str) -> NoReturn:
    """Skip, or fail where systemd is required."""
    if os.environ.get("C2O_TEST_SYSTEMD") == "required":
        pytest.fail(f"systemd is required, but: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    try:
        with booted(tmp_path_factory.mktemp("systemd")) as container:
            yield container
    except CannotBoot as reason:
        missing(str(reason))
