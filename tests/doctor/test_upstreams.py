"""Checks of the upstreams: what each answer means, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from c2o import config, facts
from c2o.doctor import Finding
from c2o.doctor.upstreams import FAILED, Case, diagnosed
from c2o.wire.probe import Found, ListedModel
from tests.cli.init.test_command import works
from tests.doctor.conftest import Configure, look
from tests.fake_upstream import FakeUpstream, error

MODELS = Found(check="models", ok=True, ms=20, detail="", models=[ListedModel("large"), ListedModel("tiny:latest")])
STREAM = Found(check="stream", ok=True, ms=90, detail="large streams", first_ms=40, streamed=True, usage=True)
TOOL = Found(check="tool", ok=True, ms=80, detail="large calls a tool and takes its result back")


def failed(check: Any, fault: Any, detail: str = "It said no.") -> Found:
    return Found(check=check, ok=False, ms=5, detail=detail, fault=fault)


def findings(*found: Found, base_url: str = "https://llm.example.com/v1", **models: str) -> list[Finding]:
    upstreams = {"up": {"base_url": base_url, "api_key": "env:UP_KEY"}}
    text = config.render(token="c2o-x", upstreams=upstreams, models={"default": "up/large", **models})
    return list(diagnosed(Case("up", config.parse(text.encode(), Path("/etc/c2o.toml")), list(found))))


def ids(*found: Found, **models: str) -> list[tuple[str, str]]:
    return [(each.id, each.level) for each in findings(*found, **models)]


def test_all_is_well() -> None:
    assert ids(MODELS, STREAM, TOOL) == [("upstream.models", "ok"), ("upstream.stream", "ok"), ("upstream.tool", "ok")]
    assert findings(STREAM)[0].detail == "first piece after 40 ms"


def test_uncounted_tokens_are_said() -> None:
    uncounted = Found(check="stream", ok=True, ms=90, detail="", first_ms=40, streamed=True)
    assert "c2o estimates them" in findings(uncounted)[0].detail


def test_an_answer_in_one_piece_is_a_warning() -> None:
    whole = Found(check="stream", ok=True, ms=90, detail="large answers, but all at once")
    assert ids(whole) == [("upstream.stream", "warn")]


@pytest.mark.parametrize("fault", FAILED)
def test_each_fault_has_an_id_and_a_fix(fault: Any) -> None:
    (finding,) = findings(failed("stream", fault))
    assert finding.id.startswith("upstream.")
    assert finding.level in ("warn", "fail")
    assert "It said no" in finding.title
    assert finding.fix is not None
    assert len(finding.fix.text) > 10


def test_a_missing_list_does_not_matter_where_chat_works() -> None:
    assert ids(failed("models", "list"), STREAM) == [("upstream.stream", "ok")]
    assert ids(failed("models", "key"), STREAM) == [("upstream.stream", "ok")]
    assert ids(failed("models", "list")) == [("upstream.list", "warn")], "nothing else was tried"


def test_a_cause_is_told_once() -> None:
    assert ids(failed("models", "key"), failed("stream", "key")) == [("upstream.key", "fail")]


def test_another_spelling_is_the_fix() -> None:
    found = Found(check="models", ok=True, ms=5, detail="", base_url="https://llm.example.com/api/v1")
    misspelt, listed = findings(found)
    assert (misspelt.id, misspelt.level) == ("upstream.url", "fail")
    assert misspelt.fix is not None
    assert 'base_url = "https://llm.example.com/api/v1" under [upstreams.up] in /etc/c2o.toml' in misspelt.fix.text
    assert listed.level == "ok"


def test_an_unknown_model_comes_with_those_that_look_like_it() -> None:
    listed = Found(check="models", ok=True, ms=1, detail="", models=[ListedModel("largo"), ListedModel("other")])
    finding = findings(listed, failed("stream", "model"))[-1]
    assert finding.fix is not None
    assert "(there is largo)" in finding.fix.text


def test_the_other_models_are_looked_up() -> None:
    assert ids(MODELS, STREAM, haiku="up/tiny", opus="up/huge")[2:] == [("upstream.model", "warn")]
    assert ids(MODELS, STREAM, **{"gpt-*": "up/*"})[2:] == []
    assert ids(failed("models", "list"), STREAM, opus="up/huge") == [("upstream.stream", "ok")]


def test_the_demo_that_is_not_running_comes_with_its_command() -> None:
    (finding,) = findings(failed("models", "connection"), base_url="http://127.0.0.1:8227/v1")
    assert finding.fix is not None
    assert str(finding.fix.command).endswith(" -m c2o.demo --port 8227")


# ---- for real


def test_a_real_round_trip(configure: Configure, upstream: FakeUpstream) -> None:
    upstream.think(works)
    configure(upstreams={"up": {"base_url": upstream.base_url}})
    found = look("upstream.stream")
    assert [found[id].level for id in ("upstream.models", "upstream.stream", "upstream.tool")] == ["ok"] * 3
    assert len(upstream.requests) == 3


def test_headers_and_extra_fields_are_those_of_the_service(configure: Configure, upstream: FakeUpstream) -> None:
    upstream.think(works)
    more = {"headers": {"x-team": "blue"}, "extra_body": {"seed": 7}, "dialect": "openai"}
    configure(upstreams={"up": {"base_url": upstream.base_url, **more}})
    look("upstream.stream")
    assert {request.headers["x-team"] for request in upstream.requests} == {"blue"}
    assert {request.json["seed"] for request in upstream.requests} == {7}
    assert "max_completion_tokens" in upstream.requests[0].json


def test_an_upstream_without_its_key_is_not_asked(configure: Configure, upstream: FakeUpstream) -> None:
    configure(upstreams={"up": {"base_url": upstream.base_url, "api_key": "env:NO_SUCH_KEY"}})
    found = look("config.key", "upstream.stream")
    assert found["config.key"].level == "fail"
    assert [id for id in found if id.startswith("upstream.")] == []
    assert upstream.connections == 0


def test_each_upstream_is_asked(configure: Configure, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: error(401, "Wrong key"))
    configure(
        upstreams={"up": {"base_url": upstream.base_url}, "gone": {"base_url": "http://127.0.0.1:9/v1"}},
        models={"default": "up/fake-model", "haiku": "gone/small"},
    )
    found = look("upstream.stream")
    assert found["upstream.key"].title == "up wants a key, and there is none: Wrong key"
    assert found["upstream.connection"].level == "fail"


# ---- windows


def window_of(configure: Configure, upstream: FakeUpstream, window: int | None, **fields: Any) -> dict[str, Finding]:
    upstream.think(works)
    upstream.models = [{"id": "fake-model", "context_length": window} if window else {"id": "fake-model"}]
    configure(upstreams={"up": {"base_url": upstream.base_url, **fields}})
    return look("upstream.window")


def test_a_window_that_nobody_knows(configure: Configure, upstream: FakeUpstream) -> None:
    finding = window_of(configure, upstream, None)["upstream.window"]
    assert (finding.level, "up/fake-model isn't known" in finding.title) == ("warn", True)
    assert finding.fix is not None
    assert '[limits."up/fake-model"]' in finding.fix.text


def test_a_window_that_is_known(configure: Configure, upstream: FakeUpstream) -> None:
    assert "upstream.window" not in window_of(configure, upstream, 131_072)
    configure(upstreams={"up": {"base_url": upstream.base_url}}, limits={"up/fake-model": {"context_window": 64_000}})
    upstream.models = [{"id": "fake-model"}]
    assert "upstream.window" not in look("upstream.window")


@pytest.mark.parametrize(("learned", "id"), [(100_000, None), (4096, "upstream.num_ctx")])
def test_a_window_that_was_learned(configure: Configure, upstream: FakeUpstream, learned: int, id: str | None) -> None:
    """As ``--probe`` does it: Ollama's list of models has no windows."""
    fact = facts.Fact(
        upstream="up",
        model="fake-model",
        base_url=facts.address(upstream.base_url),
        fact=f"context_window:{learned}",
        learned_at=facts.now(),
    )
    facts.add(facts.path(), [fact], facts.now())
    found = window_of(configure, upstream, None, dialect="ollama")
    assert [each for each in ("upstream.window", "upstream.num_ctx") if each in found] == ([id] if id else [])


def test_a_window_that_is_documented(configure: Configure, upstream: FakeUpstream) -> None:
    """A list of ids says nothing of it, and c2o knows it all the same."""
    upstream.think(works)
    upstream.models = [{"id": "deepseek-v4-pro"}]
    known = {"base_url": upstream.base_url, "dialect": "deepseek"}
    configure(upstreams={"up": known}, models={"default": "up/deepseek-v4-pro"})
    assert "upstream.window" not in look("upstream.window")


def test_a_window_that_is_too_small(configure: Configure, upstream: FakeUpstream) -> None:
    finding = window_of(configure, upstream, 8192)["upstream.window"]
    assert "8,192 tokens" in finding.title


def test_ollama_is_told_its_switch(configure: Configure, upstream: FakeUpstream) -> None:
    finding = window_of(configure, upstream, 4096, dialect="ollama")["upstream.num_ctx"]
    assert finding.fix is not None
    assert "OLLAMA_CONTEXT_LENGTH" in finding.fix.text
