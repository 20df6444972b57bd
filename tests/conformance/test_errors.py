"""D: errors, whose class and retries the SDK decides; and the other endpoints."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import Anthropic

from tests.conformance.judges import Judges
from tests.conformance.proxy import KEY, TOKEN, Json, Proxy, configuration
from tests.conformance.stream_cases import body
from tests.fake_upstream import Answer, FakeUpstream, Hold, Reply, error, too_long, whole

REQUEST = body("m", "generic", {})


class Retrying:
    """The SDK with its two retries, and how often it called.  It waits as it does for users."""

    def __init__(self, judges: Judges, url: str) -> None:
        self.calls: list[float] = []
        """When, by the monotonic clock."""
        self.sdk = judges.sync(url).with_options(max_retries=2)
        self._judges = judges

    def ask(self, **fields: Any) -> Any:
        with self._judges.listening(self._note):
            return self.sdk.messages.create(**REQUEST | fields)

    def _note(self, request: httpx2.Request) -> None:
        self.calls.append(time.monotonic())


@pytest.fixture
def retrying(judges: Judges, proxy: Proxy) -> Retrying:
    return Retrying(judges, proxy.url)


# ---- the context window


def test_d01_too_long_with_true_numbers(sdk: Anthropic, upstream: FakeUpstream) -> None:
    upstream.play(too_long(140_000, 131_072))
    with pytest.raises(anthropic.BadRequestError) as raised:
        sdk.messages.create(**REQUEST)
    assert raised.value.api_message == "prompt is too long: 140000 tokens > 131072 maximum"


VLLM = (
    "'max_tokens' or 'max_completion_tokens' is too large: {answer}. This model's maximum context length is {window} "
    "tokens and your request has {prompt} input tokens ({answer} > {window} - {prompt})."
)
OPENAI = (
    "This model's maximum context length is {window} tokens. However, you requested {sum} tokens ({prompt} in the "
    "messages, {answer} in the completion). Please reduce the length of the messages or completion."
)


def overflow(words: str, *, window: int, prompt: int, answer: int) -> Answer:
    return error(400, words.format(window=window, prompt=prompt, answer=answer, sum=prompt + answer))


@pytest.mark.parametrize("words", [VLLM, OPENAI], ids=["vllm", "openai"])
def test_d02_a_smaller_answer_fits(sdk: Anthropic, upstream: FakeUpstream, words: str) -> None:
    upstream.play(overflow(words, window=8192, prompt=6000, answer=4000), Reply("ok"))
    message = sdk.messages.create(**REQUEST | {"max_tokens": 4000})
    assert message.stop_reason == "end_turn"
    asked = [request.json["max_tokens"] for request in upstream.requests]
    assert asked[0] == 4000
    assert 0 < asked[1] <= 8192 - 6000


CLAUDE_CODE = re.compile(r"input length and `max_tokens` exceed context limit: (\d+) \+ (\d+) > (\d+)")
"""With this it finds the numbers for a shorter answer of its own."""


@pytest.mark.parametrize("words", [VLLM, OPENAI], ids=["vllm", "openai"])
def test_d03_not_even_a_small_answer_fits(sdk: Anthropic, upstream: FakeUpstream, words: str) -> None:
    upstream.play(overflow(words, window=8192, prompt=8190, answer=4000))
    with pytest.raises(anthropic.BadRequestError) as raised:
        sdk.messages.create(**REQUEST | {"max_tokens": 4000})
    found = CLAUDE_CODE.search(str(raised.value.api_message))
    assert found
    assert [int(number) for number in found.groups()] == [8190, 4000, 8192]


# ---- classes and retries


def test_d04_the_upstream_s_key(retrying: Retrying, upstream: FakeUpstream) -> None:
    upstream.play(error(401, f"Incorrect API key provided: {KEY}", code="invalid_api_key"))
    with pytest.raises(anthropic.AuthenticationError) as raised:
        retrying.ask()
    assert len(retrying.calls) == 1
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert "generic refused the key" in str(raised.value.api_message)


def test_d05_no_credit(retrying: Retrying, upstream: FakeUpstream) -> None:
    upstream.play(error(429, "You exceeded your current quota.", type="insufficient_quota", code="insufficient_quota"))
    with pytest.raises(anthropic.PaymentRequiredError) as raised:
        retrying.ask()
    assert (raised.value.status_code, raised.value.type, len(retrying.calls)) == (402, "billing_error", 1)


def test_d06_rate_limit(retrying: Retrying, upstream: FakeUpstream) -> None:
    """A short wait is waited for once inside, before the client hears of it."""
    upstream.play(*[error(429, "slow down", headers={"retry-after": "1"})] * 4)
    retrying.sdk = retrying.sdk.with_options(max_retries=1)
    with pytest.raises(anthropic.RateLimitError) as raised:
        retrying.ask()
    first, second = retrying.calls
    assert second - first >= 1
    assert raised.value.response.headers["retry-after"] == "1"


def test_d06_limits_as_anthropic_states_them(sdk: Anthropic, upstream: FakeUpstream) -> None:
    stated = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    upstream.play(whole(ANSWER, headers=stated), error(429, "slow down", headers=stated))
    good = sdk.messages.with_raw_response.create(**REQUEST).headers
    with pytest.raises(anthropic.RateLimitError) as raised:
        sdk.messages.create(**REQUEST)
    for headers in (good, raised.value.response.headers):
        assert headers["anthropic-ratelimit-requests-limit"] == "60"
        assert headers["anthropic-ratelimit-requests-remaining"] == "59"
        assert headers["anthropic-ratelimit-tokens-limit"] == "150000"
        assert headers["anthropic-ratelimit-tokens-remaining"] == "149984"
        reset = datetime.fromisoformat(headers["anthropic-ratelimit-tokens-reset"])
        assert 350 < (reset - datetime.now(UTC)).total_seconds() < 370
        assert not [name for name in headers if "unified" in name]


ANSWER: Json = {"choices": [{"index": 0, "message": {"content": "ok"}, "finish_reason": "stop"}]}


def test_d07_overloaded(retrying: Retrying, upstream: FakeUpstream) -> None:
    upstream.play(*[error(503, "try later")] * 3)
    with pytest.raises(anthropic.OverloadedError) as raised:
        retrying.ask()
    assert (raised.value.status_code, raised.value.type, len(retrying.calls)) == (529, "overloaded_error", 3)


@pytest.mark.parametrize("way", ["whole", "streamed"])
def test_d08_connection_refused(start: Callable[..., Proxy], judges: Judges, upstream: FakeUpstream, way: str) -> None:
    retrying = Retrying(judges, start().url)
    upstream.go_away()
    with pytest.raises(anthropic.InternalServerError) as raised:
        retrying.ask(**{"stream": True} if way == "streamed" else {})
    assert (raised.value.status_code, raised.value.type, len(retrying.calls)) == (502, "api_error", 1)
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert f"{upstream.url}/generic/v1" in str(raised.value.api_message)


def test_d08_back_in_a_moment(retrying: Retrying, upstream: FakeUpstream) -> None:
    """It has just answered: a server that is restarted deserves another try."""
    upstream.play(Reply("ok"))
    retrying.ask()
    upstream.go_away()
    retrying.sdk = retrying.sdk.with_options(max_retries=1)
    with pytest.raises(anthropic.InternalServerError) as raised:
        retrying.ask()
    assert "x-should-retry" not in raised.value.response.headers
    assert len(retrying.calls) == 3


@pytest.mark.parametrize("way", ["whole", "streamed"])
def test_d09_timeout(start: Callable[..., Proxy], judges: Judges, upstream: FakeUpstream, way: str) -> None:
    tables = configuration(upstream.url)
    tables["upstreams"]["generic"]["timeouts"] = {"first_byte": 0.1}
    upstream.play(Answer().after(Hold(threading.Event())))
    sdk = judges.sync(start(tables).url)
    with pytest.raises(anthropic.GatewayTimeoutError) as raised:
        sdk.messages.create(**REQUEST | ({"stream": True} if way == "streamed" else {}))
    assert (raised.value.status_code, raised.value.type) == (504, "timeout_error")


@pytest.mark.parametrize("status", [408, 504])
def test_d09_timeout_that_the_upstream_reports(sdk: Anthropic, upstream: FakeUpstream, status: int) -> None:
    upstream.play(error(status, "took too long"))
    with pytest.raises(anthropic.GatewayTimeoutError):
        sdk.messages.create(**REQUEST)


MODEL = "The model `m` does not exist or you do not have access to it."

STATUSES: dict[str, tuple[Answer, int, str]] = {
    "d10_bad_request": (error(400, "nope"), 400, "invalid_request_error"),
    "d10_too_long": (too_long(), 400, "invalid_request_error"),
    "d10_key": (error(401, "nope"), 401, "authentication_error"),
    "d10_forbidden": (error(403, "nope"), 401, "authentication_error"),
    "d10_payment": (error(402, "nope"), 402, "billing_error"),
    "d10_unknown_model": (error(404, MODEL, code="model_not_found"), 400, "invalid_request_error"),
    "d10_wrong_address": (error(404, "404 page not found"), 502, "api_error"),
    "d10_too_large": (error(413, "too large"), 413, "request_too_large"),
    "d10_rate_limit": (error(429, "slow down"), 429, "rate_limit_error"),
    "d10_server_error": (error(500, "oops"), 500, "api_error"),
    "d10_bad_gateway": (error(502, "oops"), 502, "api_error"),
    "d10_unavailable": (error(503, "oops"), 529, "overloaded_error"),
    "d10_timeout": (error(504, "oops"), 504, "timeout_error"),
    "d10_html": (whole(b"<html><body>Bad gateway</body></html>", 502), 502, "api_error"),
    "d10_nothing": (whole(b"", 500), 500, "api_error"),
    "d10_html_with_a_good_status": (whole(b"<html><body>Log in</body></html>"), 502, "api_error"),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", STATUSES)
def test_error(proxy: Proxy, upstream: FakeUpstream, name: str, stream: bool) -> None:
    answer, status, type = STATUSES[name]
    upstream.play(answer)
    got = proxy.post(REQUEST | {"stream": stream})
    check_error(got, status, type)


def check_error(got: Any, status: int, type: str) -> None:
    """The shape of all errors: https://platform.claude.com/docs/en/api/errors."""
    assert got.status == status, got.body
    said = got.json
    assert said["type"] == "error"
    assert said["error"]["type"] == type
    assert said["error"]["message"]
    assert said["request_id"] == got.headers["request-id"]
    assert re.fullmatch("req_[0-9a-zA-Z]{16,}", said["request_id"])
    assert got.headers["content-type"].startswith("application/json")


def test_d10_a_model_that_the_upstream_does_not_know(retrying: Retrying, upstream: FakeUpstream) -> None:
    """Claude Code repeats a 400 with fields left out: the upstream hears of it once."""
    upstream.play(error(404, MODEL, code="model_not_found"))
    for _ in range(3):
        with pytest.raises(anthropic.BadRequestError) as raised:
            retrying.ask()
        assert "does not know the model 'm'" in str(raised.value.api_message)
    assert len(upstream.requests) == 1


def test_d10_a_stream_that_failed_is_repeated_as_a_whole_answer(proxy: Proxy, upstream: FakeUpstream) -> None:
    upstream.play(error(429, "slow down"))
    streamed, repeated = (proxy.post(REQUEST | {"stream": stream}) for stream in (True, False))
    check_error(streamed, 429, "rate_limit_error")
    check_error(repeated, 429, "rate_limit_error")
    assert len(upstream.requests) == 1


# ---- what is wrong with the client's request

BAD_BODIES: dict[str, tuple[bytes, str]] = {
    "d11_no_json": (b"{", "not valid JSON"),
    "d11_empty": (b"", "not valid JSON"),
    "d11_no_object": (b"[]", "object"),
    "d11_no_utf8": (b'{"model":"\xff"}', "not valid JSON"),
    "d11_without_model": (b'{"max_tokens":1,"messages":[{"role":"user","content":"x"}]}', "model: Field required"),
    "d11_without_messages": (b'{"max_tokens":1,"model":"m"}', "messages: Field required"),
    "d11_no_messages": (b'{"max_tokens":1,"model":"m","messages":[]}', "messages: at least one message is required"),
    "d11_without_max_tokens": (
        b'{"model":"m","messages":[{"role":"user","content":"x"}]}',
        "max_tokens: Field required",
    ),
    "d11_wrong_role": (b'{"model":"m","max_tokens":1,"messages":[{"role":"tool","content":"x"}]}', "messages.0.role"),
    "d11_wrong_type": (
        b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":5}]}]}',
        "messages.0.content.0.text",
    ),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_body(proxy: Proxy, name: str) -> None:
    data, words = BAD_BODIES[name]
    got = proxy.post(data)
    check_error(got, 400, "invalid_request_error")
    assert words in got.json["error"]["message"]


def test_d12_wrong_token(judges: Judges, proxy: Proxy) -> None:
    with pytest.raises(anthropic.AuthenticationError) as raised:
        judges.sync(proxy.url).with_options(api_key="another").messages.create(**REQUEST)
    assert raised.value.type == "authentication_error"


KEYS: dict[str, Json] = {
    "d13_x_api_key": {"x_api_key": TOKEN},
    "d13_bearer": {"x_api_key": None, "authorization": f"Bearer {TOKEN}"},
    "d13_both": {"x_api_key": TOKEN, "authorization": f"Bearer {TOKEN}"},
}


@pytest.mark.parametrize("name", KEYS)
def test_token(proxy: Proxy, upstream: FakeUpstream, name: str) -> None:
    upstream.play(Reply("ok"))
    assert proxy.post(REQUEST, **KEYS[name]).status == 200


# ---- other endpoints


def test_d14_models(judges: Judges, start: Callable[..., Proxy], upstream: FakeUpstream) -> None:
    tables = configuration(upstream.url)
    tables["models"] |= {"claude-opus-5": "generic/large", "sonnet": "openai/middle", "haiku": "vllm/small"}
    sdk = judges.sync(start(tables).url)
    everything = [model.id for model in sdk.models.list(limit=1000)]
    one_by_one = [model.id for model in sdk.models.list(limit=1)]
    assert len(set(everything)) == len(everything) == 5
    assert one_by_one == everything
    assert all(sdk.models.retrieve(id).id == id for id in everything)


def test_d15_unknown_model(sdk: Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as raised:
        sdk.models.retrieve("no-such-model")
    assert raised.value.type == "not_found_error"


ABSENT: dict[str, Callable[[Anthropic], Any]] = {
    "d18_batches": lambda sdk: sdk.messages.batches.create(requests=[]),
    "d18_list_of_batches": lambda sdk: sdk.messages.batches.list(),
    "d18_files": lambda sdk: sdk.beta.files.list(),
    "d18_skills": lambda sdk: sdk.beta.skills.list(),
}


@pytest.mark.parametrize("name", ABSENT)
def test_absent(judges: Judges, retrying: Retrying, name: str) -> None:
    with judges.listening(retrying._note), pytest.raises(anthropic.NotFoundError) as raised:
        ABSENT[name](retrying.sdk)
    assert (raised.value.type, len(retrying.calls)) == ("not_found_error", 1)
    assert "not supported by c2o" in str(raised.value.api_message)


@pytest.mark.parametrize("path", ["/api/hello", "/"])
def test_d19_hello(proxy: Proxy, path: str) -> None:
    got = proxy.ask("HEAD", path, x_api_key=None)
    assert (got.status, got.body) == (200, b"")


VERSIONS = [None, "2023-01-01", "2023-06-01", "2026-10-21", "2027-12-31"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("version", VERSIONS)
def test_d20_version(proxy: Proxy, upstream: FakeUpstream, version: str | None, stream: bool) -> None:
    """Sampling is taken under each of them: upstreams use it."""
    upstream.play(Reply("ok"))
    got = proxy.post(REQUEST | {"stream": stream, "temperature": 0.5}, anthropic_version=version)
    assert got.status == 200
    assert upstream.requests[0].json["temperature"] == 0.5


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
def test_d20_version_of_the_sdk(sdk: Anthropic, upstream: FakeUpstream, version: str) -> None:
    upstream.play(Reply("ok"))
    dated = sdk.with_options(default_headers={"anthropic-version": version})
    assert dated.messages.create(**REQUEST).stop_reason == "end_turn"


PARAMETERS: dict[str, tuple[Json, str, str]] = {
    "d21_temperature": ({"temperature": 0.5}, "temperature", "Unsupported parameter: 'temperature'."),
    "d21_stream_options": ({"stream": True}, "stream_options", "stream_options: Extra inputs are not permitted"),
    "d21_max_tokens": (
        {},
        "max_tokens",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    ),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_learned(proxy: Proxy, upstream: FakeUpstream, name: str) -> None:
    fields, parameter, words = PARAMETERS[name]
    upstream.play(error(400, words), Reply("ok"), Reply("ok"))
    assert [proxy.post(REQUEST | fields).status for _ in range(2)] == [200, 200]
    assert [parameter in request.json for request in upstream.requests] == [True, False, False]


@pytest.mark.parametrize("system", [{}, {"system": "Be brief."}], ids=["alone", "with_instructions"])
def test_d21_a_schema_that_is_refused_goes_into_the_prompt(proxy: Proxy, upstream: FakeUpstream, system: Json) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    wanted = {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    upstream.play(error(400, "This response_format type is unavailable now"), Reply("{}"), Reply("{}"))
    assert [proxy.post(REQUEST | wanted | system).status for _ in range(2)] == [200, 200]
    for request in upstream.requests[1:]:
        assert "response_format" not in request.json
        assert json.dumps(schema) in request.system
        assert request.system.startswith(system.get("system", "Answer with JSON"))


def test_d21_what_was_learned_of_one_model_does_not_hold_for_another(proxy: Proxy, upstream: FakeUpstream) -> None:
    upstream.play(error(400, "Unsupported parameter: 'temperature'."), Reply("ok"), Reply("ok"))
    for model in ("generic/a", "generic/b"):
        assert proxy.post(REQUEST | {"model": model, "temperature": 0.5}).status == 200
    assert "temperature" in upstream.requests[2].json


# ---- secrets

LEAKS: dict[str, Answer] = {
    "d22_key_in_an_error": error(401, f"Incorrect API key provided: {KEY}"),
    "d22_key_in_a_server_error": error(500, f"bad header Authorization: Bearer {KEY}"),
    "d22_key_in_html": whole(f"<html>{KEY}</html>".encode(), 502),
    "d22_key_in_a_good_answer": whole({"error": {"message": f"key {KEY} is bad"}}),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", LEAKS)
def test_no_secret(
    proxy: Proxy, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture, name: str, stream: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.play(LEAKS[name])
    got = proxy.post(REQUEST | {"stream": stream, "system": "the prompt's own words"})
    shown = got.body.decode() + str(got.headers) + caplog.text
    assert upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"
    for secret in (KEY, TOKEN, "the prompt's own words"):
        assert secret not in shown
