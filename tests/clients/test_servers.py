"""Other real OpenAI-compatible servers as the upstream, by hand: ``pytest -m servers``.

``transformers serve`` has a scripted model of its own.  LiteLLM's proxy and the server of claude-code-router relay to
the fake upstream, so what is seen is what they make of an answer, of a refusal, and of a broken stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.clients import servers
from tests.clients.claude import Claude
from tests.clients.conftest import missing
from tests.clients.install import InstallError
from tests.clients.sdks import PythonSDK, SDKError, SyncPythonSDK
from tests.clients.servers import Served
from tests.clients.service import Service
from tests.clients.test_claude_code import conversation, steps
from tests.clients.test_llama_cpp import BASH, READ, ask
from tests.fake_upstream import (
    BREAK,
    DONE,
    Call,
    FakeUpstream,
    Reply,
    error,
    event,
    role,
    stream,
    text,
    too_long,
)

pytestmark = [pytest.mark.servers, pytest.mark.timeout(2000)]


@contextmanager
def or_missing(served: Any) -> Iterator[Served]:
    try:
        with served as server:
            yield server
    except InstallError as problem:
        missing(str(problem))


@pytest.fixture(params=["whole", "streamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "streamed")


def sdk_of(service: Service, *, streamed: bool) -> PythonSDK:
    return SyncPythonSDK(service.url, service.token, streamed=streamed)


def said(message: Any, kind: str) -> str:
    return "".join(block[kind] for block in message["content"] if block["type"] == kind)


def inputs(message: Any) -> list[Any]:
    return [block["input"] for block in message["content"] if block["type"] == "tool_use"]


# ---- transformers serve


@pytest.fixture(scope="module")
def hugging_face(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with or_missing(servers.transformers(tmp_path_factory.mktemp("transformers"))) as server:
        yield server


@pytest.fixture
def scripted(start_c2o: Callable[..., Service], hugging_face: Served) -> Service:
    return start_c2o(hugging_face.configuration())


class TestTransformers:
    def test_text_and_usage(self, scripted: Service, streamed: bool) -> None:
        message = ask(sdk_of(scripted, streamed=streamed), "Say [[hello]]")

        assert said(message, "text") == "Hello from the script. Über 日本語 🎉"
        assert message["stop_reason"] == "end_turn"
        assert message["usage"]["input_tokens"] > 10
        assert message["usage"]["output_tokens"] > 10

    def test_thinking(self, scripted: Service, streamed: bool) -> None:
        message = ask(sdk_of(scripted, streamed=streamed), "[[think]]", thinking={"type": "adaptive"})

        assert said(message, "thinking") == "I should ponder this first."
        assert said(message, "text") == "Forty-two."

    def test_a_tool_loop(self, scripted: Service, streamed: bool) -> None:
        sdk = sdk_of(scripted, streamed=streamed)
        called = ask(sdk, "[[bash]]", tools=[BASH, READ], tool_choice={"type": "any"})
        result = {"type": "tool_result", "tool_use_id": called["content"][-1]["id"], "content": "from-42"}

        message = ask(sdk, "[[bash]]", called["content"], [result], tools=[BASH, READ])

        assert said(called, "text") == "Let us see."
        assert inputs(called) == [{"command": "echo from-$((40 + 2))"}]
        assert called["stop_reason"] == "tool_use"
        assert said(message, "text") == "The tool has answered, so the work is finished."

    def test_parallel_tool_calls(self, scripted: Service, streamed: bool) -> None:
        message = ask(sdk_of(scripted, streamed=streamed), "[[two]]", tools=[BASH, READ])

        assert inputs(message) == [{"file_path": "/one.txt"}, {"file_path": "/two.txt"}]
        assert len({block["id"] for block in message["content"]}) == 2

    def test_an_answer_that_is_cut_off(self, scripted: Service) -> None:
        """Streamed; a whole answer with half a call is a 500 of its own."""
        messages = [{"role": "user", "content": "[[bash]]"}]
        sdk = sdk_of(scripted, streamed=True)
        message = sdk.ask(model="claude-sonnet-5", max_tokens=30, messages=messages, tools=[BASH])

        assert message["stop_reason"] == "max_tokens"
        assert all("command" not in input for input in inputs(message))

    def test_a_field_that_it_refuses_is_left_out(
        self, start_c2o: Callable[..., Service], hugging_face: Served, streamed: bool
    ) -> None:
        service = start_c2o(hugging_face.configuration(quirks={"top_k": True}))

        message = ask(sdk_of(service, streamed=streamed), "Say [[hello]]", extra_body={"top_k": 5})

        assert said(message, "text").startswith("Hello")

    def test_a_model_that_it_does_not_have(self, start_c2o: Callable[..., Service], hugging_face: Served) -> None:
        service = start_c2o(hugging_face.configuration() | {"models": {"default": "real/another"}})

        with pytest.raises(SDKError, match="another") as raised:
            ask(sdk_of(service, streamed=True), "Hi")

        assert raised.value.status in (400, 404)

    def test_claude_code_uses_a_tool(self, claude: Claude, scripted: Service) -> None:
        options = ["--allowedTools", "Bash", "--output-format", "stream-json", "--verbose"]
        done = claude.through_c2o("-p", "[[bash]]", *options)

        assert done.returncode == 0, done
        assert "from-42" in done.stdout
        assert "The tool has answered, so the work is finished." in done.stdout


# ---- peers that relay


@pytest.fixture(scope="module")
def behind() -> Iterator[FakeUpstream]:
    """What the peers relay to."""
    server = FakeUpstream().start()
    yield server
    server.close()


@pytest.fixture(scope="module", params=["litellm", "llms"])
def peer(request: pytest.FixtureRequest, behind: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Any:
    start = getattr(servers, request.param)
    with or_missing(start(tmp_path_factory.mktemp(request.param), behind.base_url)) as server:
        yield server


@pytest.fixture
def relayed(start_c2o: Callable[..., Service], peer: Served, behind: FakeUpstream) -> Service:
    behind.requests.clear()
    return start_c2o(peer.configuration())


USAGE = {
    "prompt_tokens": 90,
    "completion_tokens": 7,
    "total_tokens": 97,
    "prompt_tokens_details": {"cached_tokens": 60},
}


class TestPeers:
    def test_text_reasoning_and_usage(self, relayed: Service, behind: FakeUpstream, streamed: bool) -> None:
        behind.think(lambda request: Reply(text="Hello 日本語 🎉", reasoning="Greet them.", usage=USAGE))

        message = ask(sdk_of(relayed, streamed=streamed), "Hi", thinking={"type": "adaptive"})

        assert (said(message, "thinking"), said(message, "text")) == ("Greet them.", "Hello 日本語 🎉")
        assert message["stop_reason"] == "end_turn"
        counted = {
            name: message["usage"][name] for name in ("input_tokens", "cache_read_input_tokens", "output_tokens")
        }
        assert counted == {"input_tokens": 30, "cache_read_input_tokens": 60, "output_tokens": 7}

    def test_parallel_calls_that_are_forced(self, relayed: Service, behind: FakeUpstream, streamed: bool) -> None:
        calls = (Call("Bash", {"command": "ls"}), Call("Read", '{"file_path": "/x",}'))
        behind.think(lambda request: Reply(text="Let me see.", calls=calls))

        sdk = sdk_of(relayed, streamed=streamed)
        message = ask(sdk, "Look", tools=[BASH, READ], tool_choice={"type": "any"})

        assert inputs(message) == [{"command": "ls"}, {"file_path": "/x"}]
        assert message["stop_reason"] == "tool_use"
        assert behind.requests[-1].json["tool_choice"] == "required"

    def test_a_tool_that_is_forced_by_name(self, peer: Served, relayed: Service, behind: FakeUpstream) -> None:
        behind.think(lambda request: Reply(calls=(Call("Read", {"file_path": "/x"}),)))

        sdk = sdk_of(relayed, streamed=True)
        message = ask(sdk, "Look", tools=[BASH, READ], tool_choice={"type": "tool", "name": "Read"})

        assert inputs(message) == [{"file_path": "/x"}]
        named = {"type": "function", "function": {"name": "Read"}}
        asked = (behind.requests[-1].tool_names, behind.requests[-1].json["tool_choice"])
        assert asked == ((["Bash", "Read"], named) if peer.dialect == "litellm" else (["Read"], "required"))

    def test_a_tool_result_and_its_call_come_through(self, relayed: Service, behind: FakeUpstream) -> None:
        behind.think(steps(Reply(calls=(Call("Bash", {"command": "ls"}),)), Reply(text="Two files.")))
        sdk = sdk_of(relayed, streamed=True)
        called = ask(sdk, "Look", tools=[BASH])
        result = {"type": "tool_result", "tool_use_id": called["content"][-1]["id"], "content": "a\nb"}

        assert said(ask(sdk, "Look", called["content"], [result], tools=[BASH]), "text") == "Two files."
        assert behind.requests[-1].tool_results == ["a\nb"]

    def test_a_prompt_that_is_too_long(self, relayed: Service, behind: FakeUpstream, streamed: bool) -> None:
        behind.think(lambda request: too_long(140_000, 131_072))

        with pytest.raises(SDKError, match="prompt is too long: 140000 tokens > 131072 maximum") as raised:
            ask(sdk_of(relayed, streamed=streamed), "Hi")

        assert raised.value.status == 400

    @pytest.mark.parametrize(
        ("refusal", "kind"),
        [
            (error(401, "Incorrect API key provided", code="invalid_api_key"), "authentication_error"),
            (error(429, "slow down", headers={"retry-after": "7"}), "rate_limit_error"),
            (error(503, "no capacity"), "overloaded_error"),
        ],
        ids=["key", "rate", "capacity"],
    )
    def test_a_refusal(
        self, peer: Served, relayed: Service, behind: FakeUpstream, streamed: bool, refusal: Any, kind: str
    ) -> None:
        behind.think(lambda request: refusal)

        with pytest.raises(SDKError) as raised:
            ask(sdk_of(relayed, streamed=streamed), "Hi")

        assert raised.value.error["type"] == kind, raised.value
        if kind == "rate_limit_error" and peer.dialect == "litellm":  # LiteLLM passes it on; the other doesn't
            assert raised.value.headers["retry-after"] == "7"
        assert "\n    at " not in raised.value.error["message"]

    def test_an_error_in_the_middle(self, relayed: Service, behind: FakeUpstream) -> None:
        failed = event({"error": {"message": "the engine died", "code": 500}})
        behind.think(lambda request: stream(role(), text("par"), failed, DONE))

        with pytest.raises(SDKError, match="the engine died"):
            ask(sdk_of(relayed, streamed=True), "Hi")

    def test_a_stream_that_breaks_off(self, relayed: Service, behind: FakeUpstream) -> None:
        behind.think(lambda request: stream(role(), text("par"), BREAK))

        with pytest.raises(SDKError) as raised:
            ask(sdk_of(relayed, streamed=True), "Hi")

        assert raised.value.error["type"] == "api_error"

    def test_a_model_that_it_does_not_have(self, start_c2o: Callable[..., Service], peer: Served) -> None:
        service = start_c2o(peer.configuration() | {"models": {"default": "real/another"}})

        with pytest.raises(SDKError, match="another") as raised:
            ask(sdk_of(service, streamed=True), "Hi")

        assert raised.value.status in (400, 404)

    def test_claude_code_uses_a_tool(self, claude: Claude, relayed: Service, behind: FakeUpstream) -> None:
        command = Call("Bash", {"command": "echo from-$((40 + 2))", "timeout": None})
        behind.think(steps(Reply(reasoning="Compute.", calls=(command,)), Reply(text="It is forty-two.")))

        done = claude.through_c2o("-p", "Compute", "--allowedTools", "Bash")

        assert (done.stdout.strip(), done.returncode) == ("It is forty-two.", 0), done
        assert conversation(behind)[-1].tool_results == ["from-42"]
