"""The official SDKs talk to a running c2o: Python (sync, async) and TypeScript, streamed and whole.

Every test runs in all of these ways; the Python SDK validates answers strictly.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.clients.sdks import HELLO, SDK, failure, one_of_each
from tests.clients.service import Service, configuration, running
from tests.fake_upstream import Call, FakeUpstream, Reply, Request, running_upstream, usage_of

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["C", "F"]}},
        "required": ["city"],
    },
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, FakeUpstream]]:
    """One service for all tests here, and its upstream: no test leaves anything behind that another could notice."""
    with (
        running_upstream() as upstream,
        running(tmp_path_factory.mktemp("home"), configuration(upstream.base_url)) as service,
    ):
        yield service, upstream


@pytest.fixture
def c2o_service(both: tuple[Service, FakeUpstream]) -> Service:
    return both[0]


@pytest.fixture
def upstream(both: tuple[Service, FakeUpstream]) -> Iterator[FakeUpstream]:
    yield both[1]
    both[1].forget()


def test_a_text_answer(sdk: SDK, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="Good day, ünïcödé 🎉 friend."))

    message = sdk.ask(**HELLO, system="Be kind.")

    (block,) = message["content"]
    assert (block["type"], block["text"]) == ("text", "Good day, ünïcödé 🎉 friend.")
    assert (message["role"], message["type"], message["stop_reason"]) == ("assistant", "message", "end_turn")
    assert message["id"].startswith("msg_")
    asked = upstream.requests[0]
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == "Bearer sk-fake-0123456789"
    assert (asked.system, asked.prompt) == ("Be kind.", "Hello")
    assert (asked.json["model"], asked.json["max_tokens"]) == ("fake-model", 1000)


def test_message_ids_are_unique(sdk: SDK, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="one"), Reply(text="two"))
    assert sdk.ask(**HELLO)["id"] != sdk.ask(**HELLO)["id"]


def test_parallel_tool_calls_that_arrive_interleaved(sdk: SDK, upstream: FakeUpstream) -> None:
    berlin, oslo = {"city": "Berlin", "unit": "C"}, {"city": "Oslo", "unit": "F"}
    upstream.play(Reply(text="Let me look.", calls=(Call("get_weather", berlin), Call("get_weather", oslo))))

    message = sdk.ask(**HELLO, tools=[WEATHER])

    said, first, second = message["content"]
    assert said["text"] == "Let me look."
    assert [(call["type"], call["name"]) for call in (first, second)] == [("tool_use", "get_weather")] * 2
    assert (first["input"], second["input"]) == (berlin, oslo)
    assert first["id"] != second["id"]
    assert message["stop_reason"] == "tool_use"
    (tool,) = upstream.requests[0].json["tools"]
    assert tool["function"]["parameters"] == WEATHER["input_schema"]


def test_a_tool_loop(sdk: SDK, upstream: FakeUpstream) -> None:
    def think(request: Request) -> Reply:
        results = request.tool_results
        return Reply(text=f"It is {results[0]}.") if results else Reply(calls=(Call("get_weather", {"city": "Oslo"}),))

    upstream.think(think)
    called = sdk.ask(**HELLO, tools=[WEATHER])
    (call,) = called["content"]
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "21 degrees"}
    turns = [{"role": "assistant", "content": called["content"]}, {"role": "user", "content": [result]}]

    message = sdk.ask(**HELLO | {"messages": [*HELLO["messages"], *turns]}, tools=[WEATHER])

    assert message["content"][0]["text"] == "It is 21 degrees."
    _, history, answered = upstream.requests[1].messages
    assert history["tool_calls"][0]["id"] == answered["tool_call_id"] == call["id"]
    assert json.loads(history["tool_calls"][0]["function"]["arguments"]) == {"city": "Oslo"}


@one_of_each
@pytest.mark.parametrize(
    ("choice", "sent"),
    [({"type": "auto"}, "auto"), ({"type": "any"}, "required"), ({"type": "none"}, "none")],
)
def test_the_choice_of_tools_is_passed_on(sdk: SDK, upstream: FakeUpstream, choice: dict[str, str], sent: str) -> None:
    upstream.play(Reply(text="ok"))
    sdk.ask(**HELLO, tools=[WEATHER], tool_choice=choice)
    assert upstream.requests[0].json.get("tool_choice", "auto") == sent


def test_thinking_comes_before_the_answer(sdk: SDK, upstream: FakeUpstream) -> None:
    upstream.play(Reply(reasoning="Six times seven is forty-two.", text="42"))

    thought, answer = sdk.ask(**HELLO, thinking={"type": "adaptive"})["content"]

    assert (thought["type"], thought["thinking"]) == ("thinking", "Six times seven is forty-two.")
    assert isinstance(thought["signature"], str)
    assert answer["text"] == "42"


def test_usage_tells_cached_tokens_apart(sdk: SDK, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="ok", usage=usage_of(prompt=100, completion=7, cached=60)))

    usage = sdk.ask(**HELLO)["usage"]

    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (40, 60, 7)


def test_an_image_reaches_the_upstream(sdk: SDK, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="A pixel."))
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    question = [{"type": "text", "text": "What is this?"}, image]

    sdk.ask(**HELLO | {"messages": [{"role": "user", "content": question}]})

    words, picture = upstream.requests[0].messages[-1]["content"]
    assert words == {"type": "text", "text": "What is this?"}
    assert picture["image_url"]["url"] == f"data:image/png;base64,{PIXEL}"


@one_of_each
@pytest.mark.parametrize(
    ("finish", "stop_reason"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal")],
)
def test_how_an_answer_ends(sdk: SDK, upstream: FakeUpstream, finish: str, stop_reason: str) -> None:
    upstream.play(Reply(text="And so", finish=finish, usage=usage_of(completion=1000)))
    assert sdk.ask(**HELLO)["stop_reason"] == stop_reason


def test_a_stop_sequence_ends_the_answer(sdk: SDK, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="yes </block> and more"))

    message = sdk.ask(**HELLO, stop_sequences=["</block>"])

    assert message["content"][0]["text"] == "yes "
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "</block>")


def test_bad_input_names_its_place(sdk: SDK) -> None:
    raised = failure(sdk, messages=[{"role": "user", "content": [{"type": "text", "text": 3}]}])

    assert (raised.kind, raised.error["type"]) == ("BadRequestError", "invalid_request_error")
    assert raised.error["message"].startswith("messages.0.content.0")


def test_a_wrong_token_is_refused(sdk: SDK, upstream: FakeUpstream) -> None:
    stranger = type(sdk)(**{**vars(sdk), "token": "c2o-wrong"})

    raised = failure(stranger)

    assert (raised.kind, raised.status) == ("AuthenticationError", 401)
    assert upstream.requests == []


def test_models_are_listed(sdk: SDK) -> None:
    models = sdk.call("models.list")["data"]

    assert "c2o-claude/fake/fake-model" in [model["id"] for model in models]
    assert all(model["type"] == "model" and model["display_name"] for model in models)


def test_a_listed_model_can_be_looked_up_and_asked(sdk: SDK, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="ok"))
    listed = sdk.call("models.list")["data"][0]

    assert sdk.call("models.retrieve", listed["id"])["id"] == listed["id"]
    assert sdk.ask(**HELLO | {"model": listed["id"]})["content"][0]["text"] == "ok"
