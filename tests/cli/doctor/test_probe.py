"""``c2o doctor --probe``: asked, shown, kept, and used."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from c2o import facts
from tests.clients.service import TOKEN
from tests.command_line import CommandLine
from tests.fake_upstream import Call, FakeUpstream, Reply, Request, Scripted, error

ROWS = [
    "✓ list of models", "✓ streaming", "✓ usage in the stream", "? reasoning", "✗ limits, as told",
    "✓ keeps to max_tokens", "✓ tools", "✗ parallel tools", "✓ a required tool", "✓ a named tool", "✗ images",
]  # fmt: skip


def blind(request: Request) -> Scripted:
    """A model that can do everything but see, and make several calls at once."""
    if any(isinstance(message["content"], list) for message in request.messages):
        return error(400, "this model does not support image input")
    if request.tool_results:
        return Reply(text="It is sunny.")
    if "get_time" in request.tool_names:
        return Reply(calls=(Call("get_time", {"city": "Paris"}),))
    if request.tool_names:
        return Reply(calls=(Call("get_weather", {"city": "Paris"}),))
    return Reply(text="1 2 3", finish="length") if "Count" in request.prompt else Reply(text="ready")


@pytest.fixture
def asked(configured: CommandLine, upstream: FakeUpstream) -> CommandLine:
    upstream.think(blind)
    return configured


def test_asked_shown_kept_and_used(asked: CommandLine, upstream: FakeUpstream) -> None:
    asked("start")

    done = asked("doctor", "--probe")

    assert "! fake/fake-model gets up to 9 short requests, which may cost something" in done.err
    table = done.out[done.out.index("fake/fake-model\n") :].splitlines()
    assert [line.strip()[: len(row)] for line, row in zip(table[1:], ROWS, strict=False)] == ROWS
    assert "it refuses: this model does not support image input" in done.out
    known = [fact.fact for fact in facts.read(asked.folder / "state" / "learned.toml", facts.now()).facts]
    assert set(known) == {
        "can:usage_in_stream", "can:streaming", "can:tools", "cannot:parallel_tools", "can:required_tools",
        "can:named_tools", "without:image",
    }  # fmt: skip

    ask_about_an_image(asked)
    assert "[image omitted" in upstream.requests[-1].prompt


def ask_about_an_image(c2o: CommandLine) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]}
    request = urllib.request.Request(
        f"{c2o.service().url}/v1/messages",
        json.dumps(body).encode(),
        {"x-api-key": TOKEN, "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


def test_as_json_and_again_with_another_model(asked: CommandLine, upstream: FakeUpstream) -> None:
    path: Path = asked.folder / "state" / "learned.toml"
    asked("doctor", "--probe", "--json")
    upstream.think(
        lambda request: blind(request) if request.tool_names or "Count" in request.prompt else Reply(text="red")
    )

    said = asked("doctor", "--probe", "--json").json

    assert said["schema"] == "c2o.doctor/1"
    (probe,) = said["probes"]
    assert probe.keys() == {"upstream", "model", "abilities", "facts"}
    verdicts = {each["name"]: each["verdict"] for each in probe["abilities"]}
    assert (verdicts["images"], verdicts["reasoning"]) == ("yes", "unknown")
    assert "can:vision" in probe["facts"]
    assert "without:image" not in [fact.fact for fact in facts.read(path, facts.now()).facts]


def test_without_the_flag_nothing_is_kept(asked: CommandLine, upstream: FakeUpstream) -> None:
    said = asked("doctor", "--json").json

    assert said["probes"] == []
    assert len(upstream.requests) == 3
    assert not (asked.folder / "state" / "learned.toml").exists()


def test_an_upstream_that_is_away_is_one_line(asked: CommandLine, upstream: FakeUpstream) -> None:
    upstream.go_away()

    (probe,) = asked("doctor", "--probe", "--json").json["probes"]

    assert [each["verdict"] for each in probe["abilities"]] == ["unknown"]
    assert probe["facts"] == []
