"""Which manager keeps the service."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from c2o import service
from c2o.errors import C2oError
from c2o.service import record
from c2o.service.record import Record

ABSENT, PRESENT = SimpleNamespace(available=lambda: False), SimpleNamespace(available=lambda: True)


def managers(monkeypatch: pytest.MonkeyPatch, **there: SimpleNamespace) -> None:
    monkeypatch.setattr(service, "MANAGERS", {"systemd": ABSENT, "launchd": ABSENT, "detached": PRESENT, **there})


def test_the_installed_one_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    here = SimpleNamespace(available=lambda: True)
    managers(monkeypatch, systemd=here)
    record.write(Record("systemd"))
    assert service.choose() is here
    record.remove()
    assert service.choose() is PRESENT
    assert service.chosen() == "detached"


def test_the_first_that_works_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    managers(monkeypatch)
    assert service.preferred() == "detached"
    managers(monkeypatch, launchd=PRESENT)
    assert service.preferred() == "launchd"


@pytest.mark.parametrize("name", ["systemd", "launchd"])
def test_one_that_does_not_work_is_told_with_another_way(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    managers(monkeypatch, detached=ABSENT)
    record.write(Record(name))
    with pytest.raises(C2oError, match="c2o serve"):
        service.choose()


def test_a_record_that_nobody_understands_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    record.write(Record("a manager of a later version"))
    assert (record.read(), service.chosen()) == (None, "detached")
    record.path().write_text("{")
    assert record.read() is None
