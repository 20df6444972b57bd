"""Which manager keeps the service running."""

from __future__ import annotations

import pytest

from c2o import service
from c2o.errors import C2oError
from c2o.service import ServiceSpec


class Absent:
    def available(self) -> bool:
        return False

    def start(self, spec: ServiceSpec) -> None:
        raise AssertionError

    stop = kill = start


class Present(Absent):
    def available(self) -> bool:
        return True


def test_the_first_that_works_here(monkeypatch: pytest.MonkeyPatch) -> None:
    present = Present()
    monkeypatch.setattr(service, "MANAGERS", {"absent": Absent(), "present": present, "another": Present()})
    assert service.choose() is present


def test_none_that_works_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MANAGERS", {"absent": Absent()})
    with pytest.raises(C2oError, match="c2o serve"):
        service.choose()


def test_the_detached_one_works_wherever_tests_run() -> None:
    assert service.choose() is service.MANAGERS["detached"]
