"""What ``c2o status`` shows of a running service."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import c2o
from tests.fake_upstream import FakeUpstream
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import KEY, TOKEN


async def test_status_says_what_runs(timed: Service, upstream: FakeUpstream, clock: FakeClock) -> None:
    await clock.advance(90.04)
    status = (await timed.get("/c2o/status")).json

    assert (status["schema"], status["version"]) == ("c2o.status/1", c2o.__version__)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(status["started_at"])).total_seconds() < 60
    assert status["started_at"].endswith("Z")
    assert status["uptime"] == 90.0
    assert status["listen"] == {"host": "127.0.0.1", "port": timed.port}
    assert status["config"]["path"] == "config.toml"
    assert len(status["config"]["digest"]) == 12
    assert status["upstreams"] == [
        {
            "name": "fake",
            "base_url": upstream.base_url,
            "dialect": "generic",
            "key": "the configuration file",
            "breaker": "closed",
            "missing": [],
            "without_key": None,
        }
    ]
    assert status["models"] == {"default": "fake/fake-model"}
    assert status["requests"] == {"total": 0, "failed": 0, "active": 0}
    assert status["problems"] == []


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("env:C2O_TEST_KEY", "env:C2O_TEST_KEY"),
        ("file:{file}", "file:{file}"),
        ("command:echo {key}", "the configured command"),
        ("{key}", "the configuration file"),
    ],
)
async def test_no_secret_is_ever_shown(
    serve: Serve, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, shown: str
) -> None:
    monkeypatch.setenv("C2O_TEST_KEY", KEY)
    (tmp_path / "key").write_text(KEY)
    given = source.format(file=tmp_path / "key", key=KEY)
    headers = {"api-key": "header-secret-0123456789"}
    service = await serve(configuration(f"{upstream.base_url}?code=query-secret", api_key=given, headers=headers))
    open_answers = [await service.get("/health", token=None), await service.ask("HEAD", "/", token=None)]
    answers = [await service.get("/c2o/status"), await service.get("/v1/models"), *open_answers]

    assert answers[0].json["upstreams"][0]["key"] == shown.format(file=tmp_path / "key")
    for answer in answers:
        for secret in (KEY, TOKEN, "header-secret", "query-secret"):
            assert secret.encode() not in answer.body
            assert secret not in str(answer.headers)


async def test_an_upstream_without_a_key_says_so(serve: Serve, upstream: FakeUpstream) -> None:
    tables = configuration(upstream.base_url)
    del tables["upstreams"]["fake"]["api_key"]
    assert (await (await serve(tables)).get("/c2o/status")).json["upstreams"][0]["key"] is None
