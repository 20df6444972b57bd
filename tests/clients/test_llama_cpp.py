"""A real llama.cpp server as the upstream: a second opinion beside the fake one.

Its model is scripted (``llama_server.py``); templates, tool grammars and streaming are its own.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from c2o.proxy.windows import window_in
from tests.clients.claude import Claude
from tests.clients.sdks import PythonSDK, SDKError, SyncPythonSDK
from tests.clients.service import Service, configuration, environment

BASH = {
    "name": "Bash",
    "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
}
READ = {
    "name": "Read",
    "input_schema": {"type": "object", "properties": {"file_path": {"type": "string"}}, "required": ["file_path"]},
}


@contextmanager
def serving(python: Path, folder: Path, *options: str) -> Iterator[str]:
    """A llama.cpp server; gives its address."""
    command = [str(python), str(Path(__file__).parent / "llama_server.py"), str(folder / "scripted.gguf"), *options]
    log = folder / "llama.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment(folder)) as process,
    ):
        try:
            assert process.stdout
            address = process.stdout.readline().strip()
            assert address, log.read_text()
            yield address
        finally:
            process.kill()


@pytest.fixture(scope="module")
def llama(llama_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(llama_python, tmp_path_factory.mktemp("llama")) as address:
        yield address


@pytest.fixture
def service(start_c2o: Callable[..., Service], llama: str) -> Service:
    return start_c2o(configuration(llama, dialect="llamacpp"))


@pytest.fixture(params=["whole", "streamed"])
def sdk(request: pytest.FixtureRequest, service: Service) -> PythonSDK:
    return SyncPythonSDK(service.url, service.token, streamed=request.param == "streamed")


def ask(sdk: PythonSDK, *contents: Any, tools: list[Any] | None = None, **more: Any) -> Any:
    """The answer to turns that alternate between user and assistant."""
    roles = ["user", "assistant"] * len(contents)
    messages = [{"role": role, "content": content} for role, content in zip(roles, contents, strict=False)]
    return sdk.ask(model="claude-sonnet-5", max_tokens=500, messages=messages, tools=tools or [], **more)


def test_a_text_answer(sdk: PythonSDK) -> None:
    message = ask(sdk, "Say [[hello]]")

    assert [block["text"] for block in message["content"]] == ["Hello from the script. Über 日本語 🎉"]
    assert message["stop_reason"] == "end_turn"
    usage = message["usage"]
    assert usage["input_tokens"] + usage["cache_read_input_tokens"] > 10
    assert usage["output_tokens"] > 10


def test_a_tool_loop(sdk: PythonSDK) -> None:
    called = ask(sdk, "[[bash]]", tools=[BASH, READ])
    said, call = called["content"]
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "from-42"}

    message = ask(sdk, "[[bash]]", called["content"], [result], tools=[BASH, READ])

    assert said["text"] == "Let us see."
    assert (call["name"], call["input"]) == ("Bash", {"command": "echo from-$((40 + 2))"})
    assert called["stop_reason"] == "tool_use"
    assert message["content"][0]["text"] == "The tool has answered, so the work is finished."


def test_parallel_tool_calls(sdk: PythonSDK) -> None:
    calls = [block for block in ask(sdk, "[[two]]", tools=[BASH, READ])["content"] if block["type"] == "tool_use"]

    assert [call["input"] for call in calls] == [{"file_path": "/one.txt"}, {"file_path": "/two.txt"}]
    assert calls[0]["id"] != calls[1]["id"]


def test_thinking(sdk: PythonSDK) -> None:
    thought, answer = ask(sdk, "[[think]]", thinking={"type": "adaptive"})["content"]

    assert (thought["type"], thought["thinking"]) == ("thinking", "I should ponder this first.")
    assert answer["text"] == "Forty-two."


@pytest.mark.parametrize("system", [None, "Answer in one word."])
def test_tokens_are_counted_exactly(sdk: PythonSDK, system: str | None) -> None:
    """What ``count_tokens`` says is what the answer's usage says afterwards, tools and template included."""
    said = "[[whole]] [[hello]] Grüße, 日本語: " + "sixty-odd words of prose " * 15
    messages = [{"role": "user", "content": said}]
    fields = {"system": system} if system else {}

    counted = sdk.call(
        "messages.count_tokens", {"model": "claude-sonnet-5", "messages": messages, "tools": [BASH, READ], **fields}
    )

    usage = ask(sdk, said, tools=[BASH, READ], **fields)["usage"]
    assert counted["input_tokens"] == usage["input_tokens"] + usage["cache_read_input_tokens"]


def test_the_window_that_a_server_tells(llama_python: Path, tmp_path: Path) -> None:
    """Not the one that the model was trained with, which stands beside it."""
    with serving(llama_python, tmp_path, "2048") as address, urlopen(f"{address}/v1/models", timeout=10) as answer:
        assert window_in(answer.read(), "fake-model") == 2048


def test_a_prompt_that_is_too_long(start_c2o: Callable[..., Service], llama_python: Path, tmp_path: Path) -> None:
    with serving(llama_python, tmp_path, "2048") as address:
        service = start_c2o(configuration(address, dialect="llamacpp"))
        sdk = SyncPythonSDK(service.url, service.token, streamed=True)

        with pytest.raises(SDKError, match=r"prompt is too long: \d{4} tokens > 2048 maximum") as raised:
            ask(sdk, "[[whole]]" + " word" * 2000)

    assert raised.value.status == 400


def test_claude_code_gets_an_answer(claude: Claude, service: Service) -> None:
    done = claude.through_c2o("-p", "Say [[hello]]")
    assert (done.stdout.strip(), done.returncode) == ("Hello from the script. Über 日本語 🎉", 0), done


def test_claude_code_uses_a_tool(claude: Claude, service: Service) -> None:
    done = claude.through_c2o("-p", "[[bash]]", "--allowedTools", "Bash", "--output-format", "stream-json", "--verbose")

    assert done.returncode == 0, done
    assert "from-42" in done.stdout
    assert "The tool has answered, so the work is finished." in done.stdout


# ---- its own /v1/messages, passed through


@pytest.fixture
def passing(start_c2o: Callable[..., Service], llama: str) -> Service:
    return start_c2o(configuration(llama, dialect="llamacpp", api="anthropic"))


@pytest.fixture
def own(passing: Service) -> PythonSDK:
    return SyncPythonSDK(passing.url, passing.token, streamed=False)


def test_its_own_messages_api_is_passed_through(own: PythonSDK) -> None:
    """Whole: the stream's calls begin without ``input``, which the SDK refuses in its strict mode only."""
    called = ask(own, "[[bash]]", tools=[BASH, READ])
    *_, call = called["content"]
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "from-42"}

    message = ask(own, "[[bash]]", called["content"], [result], tools=[BASH, READ])

    assert (call["name"], call["input"]) == ("Bash", {"command": "echo from-$((40 + 2))"})
    assert (called["model"], called["stop_reason"]) == ("claude-sonnet-5", "tool_use")
    assert message["content"][0]["text"] == "The tool has answered, so the work is finished."


def test_its_own_stream_is_passed_through(passing: Service) -> None:
    message = ask(SyncPythonSDK(passing.url, passing.token, streamed=True), "Say [[hello]]")

    assert (message["model"], message["stop_reason"]) == ("claude-sonnet-5", "end_turn")
    assert message["content"][0]["text"].startswith("Hello from")


def test_it_counts_tokens_in_anthropics_way(own: PythonSDK) -> None:
    messages = [{"role": "user", "content": "[[hello]] and some words of prose, 日本語"}]

    counted = own.call("messages.count_tokens", {"model": "claude-sonnet-5", "messages": messages})
    usage = own.ask(model="claude-sonnet-5", max_tokens=50, messages=messages)["usage"]

    assert counted["input_tokens"] == usage["input_tokens"] + (usage["cache_read_input_tokens"] or 0)


def test_claude_code_uses_a_tool_over_its_own_messages_api(claude: Claude, passing: Service) -> None:
    done = claude.through_c2o("-p", "[[bash]]", "--allowedTools", "Bash", "--output-format", "stream-json", "--verbose")

    assert done.returncode == 0, done
    assert "from-42" in done.stdout
    assert "The tool has answered, so the work is finished." in done.stdout


# ---- its /v1/responses


@pytest.fixture
def answering(start_c2o: Callable[..., Service], llama: str) -> Service:
    return start_c2o(configuration(llama, dialect="llamacpp", api="responses"))


@pytest.fixture(params=["whole", "streamed"])
def responses(request: pytest.FixtureRequest, answering: Service) -> PythonSDK:
    return SyncPythonSDK(answering.url, answering.token, streamed=request.param == "streamed")


def test_a_tool_loop_over_responses(responses: PythonSDK) -> None:
    called = ask(responses, "[[bash]]", tools=[BASH, READ])
    said, call = called["content"]
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "from-42"}

    message = ask(responses, "[[bash]]", called["content"], [result], tools=[BASH, READ])

    assert said["text"] == "Let us see."
    assert (call["name"], call["input"]) == ("Bash", {"command": "echo from-$((40 + 2))"})
    assert called["stop_reason"] == "tool_use"
    assert called["usage"]["output_tokens"] > 10
    assert message["content"][0]["text"] == "The tool has answered, so the work is finished."


def test_thinking_over_responses(responses: PythonSDK) -> None:
    """It comes, and is taken back with the next turn."""
    thinking = {"type": "adaptive"}
    first = ask(responses, "[[think]]", thinking=thinking)
    thought, answer = first["content"]

    again = ask(responses, "[[think]]", first["content"], "[[think]]", thinking=thinking)

    assert (thought["type"], thought["thinking"]) == ("thinking", "I should ponder this first.")
    assert answer["text"] == "Forty-two."
    assert again["content"][1]["text"] == "Forty-two."


def test_claude_code_uses_a_tool_over_responses(claude: Claude, answering: Service) -> None:
    done = claude.through_c2o("-p", "[[bash]]", "--allowedTools", "Bash", "--output-format", "stream-json", "--verbose")

    assert done.returncode == 0, done
    assert "from-42" in done.stdout
    assert "The tool has answered, so the work is finished." in done.stdout
