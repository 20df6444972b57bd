"""``c2o test``: real requests through a real service, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest

from c2o import instance
from tests.cli.on_a_terminal import COLOUR, on_a_terminal
from tests.clients.service import TOKEN
from tests.command_line import CommandLine
from tests.fake_upstream import Call, FakeUpstream, Reply, Request, Scripted, error

WORDS = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"


def able(request: Request) -> Scripted:
    """A model that can do everything."""
    if request.tool_results:
        return Reply("It is sunny in Paris.")
    if "Rome" in request.prompt:
        return Reply(calls=(Call("get_weather", {"city": "Paris"}), Call("get_weather", {"city": "Rome"})))
    if request.tool_names:
        return Reply(calls=(Call("get_weather", {"city": "Paris"}),))
    if "larger" in request.prompt:
        return Reply("9.9", reasoning="Compare the tenths first.")
    if isinstance(request.messages[-1]["content"], list):
        return Reply("Red.")
    return Reply(WORDS if "Count" in request.prompt else "ready")


def poor(request: Request) -> Scripted:
    """One that writes its calls as text, doesn't think aloud, and has no eyes."""
    if isinstance(request.messages[-1]["content"], list):
        return error(400, "this model does not support image input")
    if "omitted" in request.prompt:
        return Reply("I can't see it.")
    if request.tool_names and not request.tool_results:
        return Reply('<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>')
    return Reply(WORDS if "Count" in request.prompt else "ready")


def verdicts(trial: Any) -> dict[str, str]:
    return {each["name"]: each["verdict"] for each in trial["tried"]}


def test_everything_as_a_table(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(able)

    shown = configured("test")

    assert (shown.exit_code, shown.err) == (0, "")
    head, columns, *rows = shown.out.splitlines()
    assert head == "default → fake/fake-model"
    assert columns.split() == ["first", "all", "tokens/s"]
    assert [row[:12] for row in rows] == [
        "  ✓ text    ", "  ✓ stream  ", "  ✓ tools   ", "  ✓ parallel", "  ✓ thinking", "  ✓ image   ",
    ]  # fmt: skip
    assert rows[0].endswith("answers 'ready'")
    assert rows[1].endswith("comes in 20 pieces")
    assert rows[2].endswith("calls the tool, and takes its result back")
    assert rows[3].endswith("2 calls in one answer")
    assert rows[4].endswith("25 characters of it are shown")
    assert rows[5].endswith("it sees a red square")
    assert len(upstream.requests) == 7
    assert instance.running()  # it was started, as c2o run does


@pytest.mark.slow
def test_what_a_poor_model_can_not_do_is_said_with_the_remedy(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(poor)

    shown = configured("test", "fake/fake-model")

    assert shown.exit_code == 0  # with c2o's help there is all that Claude Code needs
    assert "  ! tools   " in shown.out
    assert "      c2o: tool call that " in shown.out
    assert "wrote as text taken as a call\n" in shown.out
    assert "  ✗ thinking" in shown.out
    assert "none was sent\n" in shown.out
    assert "the model can't see; asked for the colour of a red square it says \"I can't see it.\"" in shown.out
    assert "c2o config set routes.image UPSTREAM/MODEL\n" in shown.out
    request = shown.out.rpartition("c2o logs --request ")[2].split()[0]
    assert configured("logs", "--request", request).exit_code == 0


def test_as_json_and_only_what_is_named(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(able)

    done = configured("test", "--stream", "--tools", "--json")

    said = done.json
    assert list(said) == ["schema", "ok", "version", "url", "models"]
    assert (said["schema"], said["ok"], done.err) == ("c2o.test/1", True, "")
    (model,) = said["models"]
    assert (model["asked"], model["target"]) == ("default", "fake/fake-model")
    assert verdicts(model) == {"stream": "yes", "tools": "yes", "parallel": "yes"}
    tools = model["tried"][1]
    assert list(tools) == [
        "name", "verdict", "detail", "helped", "answered_by", "first_seconds", "seconds", "tokens_per_second",
        "request_ids", "error_type",
    ]  # fmt: skip
    assert len(tools["request_ids"]) == 2
    assert all(each.startswith("req_") for each in tools["request_ids"])
    assert 0 < tools["first_seconds"] <= tools["seconds"]


@pytest.mark.slow
def test_no_tools_is_a_failure(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: Reply("I'd rather talk."))

    done = configured("test", "--tools")

    assert done.exit_code == 1
    assert 'answers in words where it should call a tool: "I\'d rather talk."' in done.out


@pytest.mark.slow
def test_a_refused_key_ends_it(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: error(401, "invalid api key"))

    done = configured("test")

    assert done.exit_code == 4
    assert "invalid api key" in done.out
    assert done.out.count("c2o logs --request ") == 1
    assert done.out.count("not tried") == 5
    assert len(upstream.requests) == 1


@pytest.mark.slow
def test_an_upstream_that_is_away(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.go_away()

    done = configured("test", "--text", "--json")

    assert done.exit_code == 5
    assert done.json["ok"] is False
    (text,) = done.json["models"][0]["tried"]
    assert text["verdict"] == "failed"
    assert "connection refused" in text["detail"]


def test_without_a_service(configured: CommandLine) -> None:
    done = configured("test", "--no-start")

    assert done.exit_code == 3
    assert done.err == "c2o: the service is stopped. Start it with: c2o start\n"


@pytest.fixture
def tiers(c2o: CommandLine, upstream: FakeUpstream) -> CommandLine:
    c2o.configure(
        {
            "server": {"auth_token": TOKEN, "port": 0},
            "upstreams": {"fake": {"base_url": upstream.base_url}, "other": {"base_url": upstream.base_url}},
            "models": {"default": "fake/a", "opus": "fake/a", "haiku": "other/b", "gpt-*": "other/*"},
            "routes": {"image": "other/eyes"},
        }
    )
    upstream.think(able)
    return c2o


@pytest.mark.slow
def test_every_model_once(tiers: CommandLine, upstream: FakeUpstream) -> None:
    done = tiers("test", "--all", "--text", "--json")

    assert [(model["asked"], model["target"]) for model in done.json["models"]] == [
        ("default", "fake/a"),
        ("haiku", "other/b"),
    ]
    assert [request.json["model"] for request in upstream.requests] == ["a", "b"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "asked"), [("haiku", "b"), ("sonnet", "a"), ("other/x/y", "x/y"), ("gpt-5", "gpt-5"), ("bare", "bare")]
)
def test_a_model_by_any_name(tiers: CommandLine, upstream: FakeUpstream, model: str, asked: str) -> None:
    assert tiers("test", model, "--text").exit_code == 0

    assert [request.json["model"] for request in upstream.requests] == [asked]


@pytest.mark.slow
def test_another_model_that_looks_at_images_is_named(tiers: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: able(request) if request.json["model"] == "eyes" else poor(request))

    tiers("test", "--image")  # by its refusal it is learned that this one can't see
    done = tiers("test", "--image", "--json").json

    (image,) = done["models"][0]["tried"]
    assert (image["verdict"], image["answered_by"]) == ("yes", "other/eyes")


@pytest.mark.slow
def test_on_a_terminal_it_says_what_it_waits_for(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(able)
    with on_a_terminal(configured, "test", "--text") as terminal:
        terminal.see("asking fake/fake-model: text")
        terminal.see("✓ text")
        assert terminal.end() == 0
    with on_a_terminal(configured, "test", "--text", NO_COLOR="1") as terminal:
        assert terminal.end() == 0
        assert not COLOUR.search(terminal.raw)
