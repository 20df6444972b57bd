"""What c2o remembers is told to official SDKs by a service of their own: an upstream's errors, and how it counts."""

from __future__ import annotations

import pytest

from tests.clients.sdks import HELLO, SDK, SDKError, failure, one_of_each
from tests.fake_upstream import BREAK, Answer, Delay, FakeUpstream, error, role, stream, text, too_long, whole


@one_of_each
@pytest.mark.parametrize(
    ("answer", "kind", "status", "type"),
    [
        (error(401, "Incorrect API key provided"), "AuthenticationError", 401, "authentication_error"),
        (error(404, "no such model", code="model_not_found"), "BadRequestError", 400, "invalid_request_error"),
        (error(429, "Slow down", headers={"retry-after": "17"}), "RateLimitError", 429, "rate_limit_error"),
        (too_long(140_000, 131_072), "BadRequestError", 400, "invalid_request_error"),
        (error(500, "Oops"), "InternalServerError", 500, "api_error"),
        (error(503, "Overloaded"), "OverloadedError", 529, "overloaded_error"),
    ],
    ids=["key", "model", "rate", "too long", "server", "overloaded"],
)
def test_an_upstream_s_error_is_the_sdk_s_own(
    sdk: SDK, upstream: FakeUpstream, answer: Answer, kind: str, status: int, type: str
) -> None:
    upstream.think(lambda request: answer)

    raised = failure(sdk)

    assert (raised.status, raised.error["type"]) == (status, type)
    assert raised.kind in (kind, "InternalServerError" if status >= 500 else kind)
    assert raised.headers["request-id"]


def test_a_prompt_that_is_too_long_is_told_in_anthropic_s_words(sdk: SDK, upstream: FakeUpstream) -> None:
    upstream.play(too_long(140_000, 131_072))
    assert failure(sdk).error["message"] == "prompt is too long: 140000 tokens > 131072 maximum"


def test_the_wait_that_the_upstream_asks_for_is_passed_on(sdk: SDK, upstream: FakeUpstream) -> None:
    upstream.play(error(429, "Slow down", headers={"retry-after": "17"}))
    assert failure(sdk).headers["retry-after"] == "17"


def test_a_wrong_upstream_key_is_not_tried_again(sdk: SDK, upstream: FakeUpstream) -> None:
    upstream.play(error(401, "Incorrect API key provided"))

    raised = failure(sdk)

    assert raised.headers["x-should-retry"] == "false"
    assert "fake" in raised.error["message"]


def test_an_upstream_that_is_down_is_named(sdk: SDK, upstream: FakeUpstream) -> None:
    upstream.go_away()

    raised = failure(sdk)

    assert raised.status == 502
    assert upstream.url in raised.error["message"]


def test_what_is_no_chat_completion_is_an_error(sdk: SDK, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: whole(b"<html>Gateway</html>", headers={"content-type": "text/html"}))
    with pytest.raises(SDKError):
        sdk.ask(**HELLO)


@pytest.mark.parametrize(
    "sdk", ["python sync, streamed", "python async, streamed", "typescript, streamed"], indirect=True
)
def test_a_stream_that_breaks_off_raises(sdk: SDK, upstream: FakeUpstream) -> None:
    upstream.play(stream(role(), text("Once upon"), Delay(0.05), BREAK))
    with pytest.raises(SDKError):
        sdk.ask(**HELLO)


def test_tokens_are_counted(sdk: SDK, upstream: FakeUpstream) -> None:
    words = {"role": "user", "content": "word " * 1000}
    counted = sdk.call("messages.count_tokens", {"model": HELLO["model"], "messages": [words]})

    assert 800 < counted["input_tokens"] < 1600
    assert upstream.requests == []
