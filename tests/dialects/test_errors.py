"""Errors with a status of their own, as upstreams send them, and what the client gets: F01 to F32."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.fake_upstream import Answer, FakeUpstream, Reply
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.talk import KEY, RawServer, events, hello, text_in

Json = dict[str, Any]


class Case(NamedTuple):
    """What an upstream answers, and the answer that the client gets."""

    status: int
    body: Any
    """JSON; bytes as they are."""
    becomes: int
    type: str
    says: str
    headers: Json = {}
    then: Json = {}
    """Headers of the client's answer; ``*`` is any value, None is none."""
    request: Json = {}
    """Fields of the client's request."""


def openai(message: str, **fields: Any) -> Json:
    return {"error": {"message": message, **fields}}


NEVER = {"x-should-retry": "false"}
LONG = "word " * 30_000
BASH = {"name": "Bash", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}
TOO_LONG = "prompt is too long"

CASES: dict[str, Case] = {
    "F01 openai-401": Case(
        401,
        openai("Incorrect API key provided: sk-x***", type="invalid_request_error", code="invalid_api_key"),
        401, "authentication_error", "Incorrect API key", then=NEVER,
    ),
    "F02 rate-with-retry-after": Case(
        429, openai("Rate limit reached", type="tokens", code="rate_limit_exceeded"),
        429, "rate_limit_error", "Rate limit reached", {"retry-after": "42"}, {"retry-after": "42"},
    ),
    "F03 rate-go-duration": Case(
        429, openai("Rate limit", type="tokens", code="rate_limit_exceeded"),
        429, "rate_limit_error", "Rate limit", {"x-ratelimit-reset-tokens": "1m2.5s"}, {"retry-after": "63"},
    ),
    "F04 quota-not-rate": Case(
        429, openai("You exceeded your current quota", type="insufficient_quota", code="insufficient_quota"),
        402, "billing_error", "quota", {"retry-after": "1"}, NEVER | {"retry-after": None},
    ),
    "F05 zai-balance": Case(
        429, {"error": {"code": "1113", "message": "Insufficient balance or no resource package"}},
        402, "billing_error", "balance", then=NEVER,
    ),
    "F06 zai-overload": Case(
        429, {"error": {"code": "1305", "message": "The service is overloaded"}}, 529, "overloaded_error", "overloaded"
    ),
    "F07 moonshot-quota": Case(
        429, openai("Your account is suspended", type="exceeded_current_quota_error"),
        402, "billing_error", "suspended", then=NEVER,
    ),
    "F08 gemini-array": Case(
        400,
        [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.",
                    "status": "INVALID_ARGUMENT",
                    "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]}}],
        401, "authentication_error", "API key not valid", then=NEVER,
    ),
    "F09 gemini-retryinfo": Case(
        429,
        [{"error": {"code": 429, "message": "Resource exhausted", "status": "RESOURCE_EXHAUSTED",
                    "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]}}],
        429, "rate_limit_error", "Resource exhausted", then={"retry-after": "34"},
    ),
    "F10 nim-degraded": Case(
        400,
        {"status": 400, "title": "Bad Request", "detail": "Function id '87ea': DEGRADED function cannot be invoked"},
        529, "overloaded_error", "DEGRADED",
    ),
    "F11 nim-404": Case(
        404, {"status": 404, "title": "Not Found", "detail": "Function '23d4': Not found for account 'Q'"},
        400, "invalid_request_error", "does not know the model", then=NEVER,
    ),
    "F12 ollama-not-pulled": Case(
        404,
        openai('model "x" not found, try pulling it first', type="not_found_error", param=None, code=None),
        400, "invalid_request_error", "pull", then=NEVER,
    ),
    "F13 llamacpp-loading": Case(
        503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
        529, "overloaded_error", "Loading model", then={"retry-after": "*"},
    ),
    "F14 llamacpp-ctx": Case(
        400,
        {"error": {"code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 18019, "n_ctx": 8192,
                   "message": "request (18019 tokens) exceeds the available context size (8192 tokens), "
                              "try increasing it"}},
        400, "invalid_request_error", "prompt is too long: 18019 tokens > 8192 maximum",
    ),
    "F15 vllm-ctx": Case(
        400,
        openai("This model's maximum context length is 8192 tokens. However, your prompt contains at least 8193 input "
               "tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input "
               "prompt.", type="BadRequestError", param="input_tokens", code=400),
        400, "invalid_request_error", "prompt is too long: 8193 tokens > 8192 maximum",
    ),
    "F17 tpm-text-is-rate-not-context": Case(
        429,
        openai("Request too large for model x on tokens per minute (TPM): Limit 6000, Requested 9000, please reduce "
               "your message size", type="tokens", code="rate_limit_exceeded"),
        429, "rate_limit_error", "per minute",
    ),
    "F18 cerebras-empty-413": Case(
        413, b"", 400, "invalid_request_error", TOO_LONG, request={"messages": [{"role": "user", "content": LONG}]}
    ),
    "F19 sglang-flat": Case(
        400,
        {"object": "error", "type": "BadRequest", "param": None, "code": 400,
         "message": "The input (9000 tokens) is longer than the model's context length (8192 tokens)."},
        400, "invalid_request_error", "prompt is too long: 9000 tokens > 8192 maximum",
    ),
    "F20 fastapi-detail-list": Case(
        422, {"detail": [{"type": "json_invalid", "loc": ["body", 1], "msg": "JSON decode error", "input": {}}]},
        400, "invalid_request_error", "JSON decode error",
    ),
    "F22 cloudflare-html-524": Case(
        524, b"<html><head><title>524: A timeout occurred</title></head></html>", 504, "timeout_error", "524",
        {"content-type": "text/html"},
    ),
    "F23 nginx-413-html": Case(
        413, b"<html><head><title>413 Request Entity Too Large</title></head></html>",
        413, "request_too_large", "Too Large", {"content-type": "text/html"},
    ),
    "F24 openrouter-raw-metadata": Case(
        400,
        {"error": {"message": "Provider returned error", "code": 400, "metadata": {
            "raw": json.dumps({"error": {"message": "prompt is too long: 213462 tokens > 200000 maximum"}}),
            "provider_name": "Anthropic"}}},
        400, "invalid_request_error", "prompt is too long: 213462 tokens > 200000 maximum",
    ),
    "F25 azure-content-filter": Case(
        400,
        {"error": {"message": "The response was filtered due to the prompt triggering Azure OpenAI's content "
                              "management policy.", "type": None, "param": "prompt", "code": "content_filter",
                   "status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
        400, "invalid_request_error", "content management policy",
    ),
    "F28 copilot-plain-400": Case(
        400, b"Bad Request", 400, "invalid_request_error", "Bad Request", {"content-type": "text/plain"}
    ),
    "F29 newapi-no-channel": Case(
        503, openai("当前分组 default 下对于模型 x 无可用渠道 (request id: 1)", type="new_api_error"),
        400, "invalid_request_error", "模型 x", then=NEVER,
    ),
    "F30 vllm-no-tool-parser": Case(
        400,
        openai('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
               type="BadRequestError", param=None, code=400),
        400, "invalid_request_error", "--enable-auto-tool-choice", request={"tools": [BASH]},
    ),
    "F31 api-key-not-leaked": Case(
        401, f"bad key {KEY}".encode(), 401, "authentication_error", "bad key ***", then=NEVER
    ),
}  # fmt: skip
"""F04, F05, F07: exhausted quota is a 402.  F11, F12, F29: an unknown model is a 400, because Claude Code repeats a
404 and then shows words of its own."""


def played(case: Case) -> Answer:
    data = case.body if isinstance(case.body, bytes) else json.dumps(case.body, ensure_ascii=False).encode()
    return Answer((data,), case.status, {"content-type": "application/json"} | case.headers)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", CASES)
async def test_error(service: Service, upstream: FakeUpstream, name: str, stream: bool) -> None:
    case = CASES[name]
    upstream.play(played(case))

    answer = await service.post(body=hello(stream=stream, **case.request))

    assert (answer.status, answer.error["type"]) == (case.becomes, case.type), answer.body
    assert case.says in answer.error["message"]
    assert KEY.encode() not in answer.body
    for header, value in case.then.items():
        assert (header in answer.headers) == (value is not None), answer.headers
        assert value in ("*", None, answer.headers.get(header))
    assert len(upstream.requests) == 1


def refusal(message: str, **fields: Any) -> Answer:
    return Answer((json.dumps(openai(message, **fields)).encode(),), 400, {"content-type": "application/json"})


OUTPUT_PUSHES_OVER = (
    "This model's maximum context length is 131072 tokens. However, you requested 139162 tokens (107162 in the "
    "messages, 32000 in the completion). Please reduce the length of the messages or completion."
)


async def test_f16_output_pushes_over_then_clamped(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(refusal(OUTPUT_PUSHES_OVER, code="context_length_exceeded"), Reply(text="Hi"))

    answer = await service.stream(max_tokens=32000)

    assert text_in(events(answer.body)) == "Hi"
    assert upstream.requests[1].json["max_tokens"] <= 131072 - 107162


async def test_f21_mistral_422_message_object(service: Service, upstream: FakeUpstream) -> None:
    wrong = {"type": "extra_forbidden", "loc": ["body", "temperature"], "msg": "Extra inputs are not permitted"}
    body = {"object": "error", "message": {"detail": [wrong]}, "type": "invalid_request_error"}
    upstream.play(played(Case(422, body, 0, "", "")), Reply(text="Hi"))

    answer = await service.stream(temperature=0.5)

    assert text_in(events(answer.body)) == "Hi"
    assert "temperature" not in upstream.requests[1].json


SWAP = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."


async def test_f26_max_tokens_swap_learned(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(refusal(SWAP, param="max_tokens", code="unsupported_parameter"), Reply(text="Hi"), Reply(text="Hi"))

    await service.stream()
    await service.stream()

    first, second, third = (request.json for request in upstream.requests)
    assert first["max_tokens"] == 100
    for later in (second, third):
        assert later["max_completion_tokens"] == 100
        assert "max_tokens" not in later


TOOLS_AND_EFFORT = (
    "Function tools with reasoning_effort are not supported for gpt-5.6-terra in /v1/chat/completions. To use function "
    "tools, use /v1/responses or set reasoning_effort to 'none'."
)


async def test_f27_gpt56_tools_effort(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(refusal(TOOLS_AND_EFFORT, param="reasoning_effort"), Reply(text="Hi"), Reply(text="Hi"))

    await service.stream(tools=[BASH])
    await service.stream(tools=[BASH])

    efforts = [request.json.get("reasoning_effort") for request in upstream.requests]
    assert efforts == [None, "none", "none"]


async def test_a_tool_call_that_groq_could_not_read_is_asked_for_once_more(
    service: Service, upstream: FakeUpstream
) -> None:
    failed = refusal("Failed to call a function. Please adjust your prompt.", code="tool_use_failed")
    upstream.play(failed, Reply(text="Hi"), failed, failed)

    good, bad = [await service.post(body=hello(tools=[BASH])) for _ in range(2)]

    assert good.json["content"][0]["text"] == "Hi"
    assert (bad.status, bad.error["type"]) == (502, "api_error"), "it is no mistake of the client's"


async def test_f32_connection_refused(serve: Serve) -> None:
    """Final at once: nothing has ever answered there."""
    async with RawServer() as server:
        url = server.url
    service = await serve(configuration(url))

    answer = await service.post()

    assert (answer.status, answer.error["type"]) == (502, "api_error")
    assert url in answer.error["message"]
    assert answer.headers["x-should-retry"] == "false"


def test_all_cases_are_here() -> None:
    functions = re.findall(r"def test_f(\d\d)_", Path(__file__).read_text())
    assert sorted([name[1:3] for name in CASES] + functions) == [f"{number:02}" for number in range(1, 33)]
