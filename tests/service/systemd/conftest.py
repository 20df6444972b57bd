"""One booted machine for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.systemd.container import CannotBoot, Container, booted
from tests.system_tools import missing


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    try:
        with booted(tmp_path_factory.mktemp("systemd")) as container:
            yield container
    except CannotBoot as reason:
        missing(str(reason))
