"""The service keeps the lists of models fresh: when somebody looks at them, soon after its start, and for nothing."""

from __future__ import annotations

import json
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from c2o import known_models as file
from c2o.proxy import known_models
from c2o.proxy.state import STATE
from c2o.wire.probe import ListedModel
from tests.clients.service import TOKEN
from tests.command_line import CommandLine, until
from tests.fake_upstream import FakeUpstream, Reply
from tests.proxy.conftest import Serve, Service, configuration


def ids(folder: Path) -> list[str]:
    known = file.read(folder / file.FILE)
    return [model.id for model in known["fake"].models] if "fake" in known else []


async def settled(service: Service) -> None:
    """Until nobody is asked any more."""
    while tasks := set(service.app[STATE].known_models._tasks):
        for task in tasks:
            await task


async def test_who_looks_at_the_models_has_them_refreshed(serve: Serve, upstream: FakeUpstream, tmp_path: Path) -> None:
    service = await serve(configuration(upstream.base_url), folder=tmp_path)
    assert (await service.get("/v1/models")).status == 200
    await settled(service)
    assert ids(tmp_path) == ["fake-model"]

    upstream.models = [{"id": "new"}]
    service.app[STATE].known_models._looked_at = float("-inf")
    await service.get("/v1/models")
    await settled(service)
    assert ids(tmp_path) == ["fake-model"]  # it is of today

    path = tmp_path / file.FILE
    old = structs.replace(file.read(path)["fake"], asked_at=file.now() - timedelta(days=2))
    file.remember(path, {"fake": old})
    await service.get("/v1/models")
    await settled(service)
    assert ids(tmp_path) == ["fake-model"]  # it looked a moment ago

    service.app[STATE].known_models._looked_at = float("-inf")
    await service.get("/v1/models")
    await settled(service)
    assert ids(tmp_path) == ["new"]


async def test_soon_after_the_start(
    serve: Serve, upstream: FakeUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_models, "AFTER_START", 0.0)
    service = await serve(configuration(upstream.base_url), folder=tmp_path)
    while not service.app[STATE].known_models._tasks and not ids(tmp_path):
        assert (await service.get("/health")).status == 200
    await settled(service)

    assert ids(tmp_path) == ["fake-model"]
    assert upstream.requests == []


async def test_what_was_asked_for_its_window_is_kept_too(serve: Serve, upstream: FakeUpstream, tmp_path: Path) -> None:
    upstream.models = [{"id": "fake-model", "max_model_len": 4096}]
    upstream.play(Reply("ok"))
    tables: Any = configuration(upstream.base_url, dialect="vllm") | {"limits": {}}
    service = await serve(tables, folder=tmp_path)
    assert (await service.post()).status == 200
    while service.app[STATE].windows._asking:
        await service.get("/health")
    await settled(service)

    assert file.read(tmp_path / file.FILE)["fake"].models == [ListedModel("fake-model", 4096)]


async def test_an_upstream_that_is_away_costs_nobody_anything(
    serve: Serve, upstream: FakeUpstream, tmp_path: Path
) -> None:
    service = await serve(configuration(upstream.base_url), folder=tmp_path)
    upstream.go_away()
    assert (await service.get("/v1/models")).status == 200
    await settled(service)

    assert ids(tmp_path) == []


async def test_a_file_that_can_not_be_written_is_a_line(
    serve: Serve, upstream: FakeUpstream, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = await serve(configuration(upstream.base_url), folder=tmp_path)
    (tmp_path / file.FILE).mkdir()
    await service.get("/v1/models")
    await settled(service)

    assert "models.json can't be written: " in caplog.text


@pytest.mark.slow
def test_the_command_and_the_service_share_the_file(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("models")
    configured("start")
    path = configured.folder / "state" / "models.json"
    kept = json.loads(path.read_bytes())
    kept["upstreams"]["fake"]["asked_at"] = "2020-01-01T00:00:00Z"
    path.write_text(json.dumps(kept))
    upstream.models = [{"id": "new"}]

    ask_for_models(configured)

    until(lambda: ids(path.parent) == ["new"])
    assert "  new\n" in configured("models").out


def ask_for_models(c2o: CommandLine) -> None:
    request = urllib.request.Request(f"{c2o.service().url}/v1/models", headers={"x-api-key": TOKEN})
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()
