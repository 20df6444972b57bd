"""Real clients through c2o to an upstream that speaks Anthropic itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.anthropic_answers import as_asked, call, event, message, refusal, start, stream_of, streamed, text
from tests.clients.claude import Claude
from tests.clients.sdks import PythonSDK, SDKError, SyncPythonSDK
from tests.clients.service import Service, configuration
from tests.fake_upstream import Answer, FakeUpstream, Request

Json = dict[str, Any]


@pytest.fixture
def service(start_c2o: Callable[..., Service], upstream: FakeUpstream) -> Service:
    return start_c2o(configuration(upstream.base_url.removesuffix("/v1") + "/anthropic"))


@pytest.fixture(params=["whole", "streamed"])
def sdk(request: pytest.FixtureRequest, service: Service) -> PythonSDK:
    return SyncPythonSDK(service.url, service.token, streamed=request.param == "streamed")


def ask(sdk: PythonSDK) -> Json:
    return sdk.ask(model="claude-sonnet-5", max_tokens=500, messages=[{"role": "user", "content": "Hello"}])


# ---- the SDK, in strict mode


def test_the_sdk_gets_the_upstreams_message(sdk: PythonSDK, upstream: FakeUpstream) -> None:
    of = message(text("Grüße 🎉"), call("Bash", {"command": "ls -l", "n": 1}))
    upstream.think(lambda request: as_asked(request, of))

    got = ask(sdk)

    assert [{name: value for name, value in block.items() if value is not None} for block in got["content"]] == (
        of["content"]
    )
    assert (got["id"], got["model"], got["stop_reason"]) == ("msg_upstream", "claude-sonnet-5", "tool_use")
    assert (got["usage"]["input_tokens"], got["usage"]["output_tokens"]) == (25, 15)


@pytest.mark.parametrize(
    ("status", "type", "kind"),
    [
        (529, "overloaded_error", "OverloadedError"),
        (429, "rate_limit_error", "RateLimitError"),
        (400, "invalid_request_error", "BadRequestError"),
    ],
)
def test_the_sdk_gets_the_upstreams_error(
    sdk: PythonSDK, upstream: FakeUpstream, status: int, type: str, kind: str
) -> None:
    upstream.think(lambda request: refusal(status, type, "no, thanks"))

    with pytest.raises(SDKError) as raised:
        ask(sdk)

    assert (raised.value.kind, raised.value.status) == (kind, status)
    assert raised.value.error["message"].startswith("no, thanks (c2o logs --request req_")


# ---- Claude Code


def turns(*of: Json) -> Callable[[Request], Answer]:
    """An upstream that gives the next of these messages after each turn of its own."""

    def think(request: Request) -> Answer:
        if request.path.partition("?")[0].endswith("/count_tokens"):
            return refusal(404, "not_found_error", "not here")
        if not request.json.get("tools"):  # a title, say
            return as_asked(request, message(text('{"title": "A test"}')))
        said = sum(each["role"] == "assistant" for each in request.messages)
        return as_asked(request, of[said] | {"id": f"msg_{said}"})

    return think


def conversation(upstream: FakeUpstream) -> list[Request]:
    return [
        request for request in upstream.requests if request.path.endswith("/messages") and request.json.get("tools")
    ]


def test_claude_code_works_with_tools(claude: Claude, service: Service, upstream: FakeUpstream) -> None:
    command = call("Bash", {"command": "echo computed-$((6 * 7))", "description": "Compute"})
    upstream.think(turns(message(text("Let me see."), command), message(text("It is forty-two."))))

    done = claude.through_c2o("-p", "Compute", "--allowedTools", "Bash")

    assert (done.stdout.strip(), done.returncode) == ("It is forty-two.", 0), done
    last = conversation(upstream)[-1]
    assert last.path == "/anthropic/v1/messages"
    assert last.json["model"] == "fake-model"
    assert "computed-42" in json.dumps(last.messages[-1])
    assert "anthropic-beta" not in last.headers
    assert "context_management" not in last.json


@pytest.mark.slow
def test_claude_code_gets_over_a_stream_that_breaks_off(
    claude: Claude, service: Service, upstream: FakeUpstream
) -> None:
    good = turns(message(text("All is well.")))
    broken: list[Request] = []

    def think(request: Request) -> Answer:
        if request.json.get("tools") and not broken:
            broken.append(request)
            overloaded = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
            return streamed(start(message()), *stream_of(message(text("All is")))[1:3], overloaded)
        return good(request)

    upstream.think(think)

    done = claude.through_c2o("-p", "How are you?")

    assert (done.stdout.strip(), done.returncode) == ("All is well.", 0), done
    assert broken
