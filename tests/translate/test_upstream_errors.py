"""An upstream's error as an Anthropic one: every shape and every wording that has been seen in the wild."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from c2o.errors import RequestError
from c2o.translate.types import Answer
from c2o.translate.upstream_errors import read, understood
from tests.translate.talk import FAILING, Json, request, translator


def failure(status: int, body: Any) -> RequestError:
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return understood(FAILING, status, data)


# ---- where the sentence is

SENTENCE = "Something went wrong."

SHAPES: dict[str, Any] = {
    "OpenAI": {"error": {"message": SENTENCE, "type": "server_error", "param": None, "code": None}},
    "vLLM": {"error": {"message": SENTENCE, "type": "InternalServerError", "param": None, "code": 500}},
    "Groq": {"error": {"message": SENTENCE, "type": "x", "failed_generation": "…"}},
    "LiteLLM": {"error": {"message": SENTENCE, "type": None, "param": None, "code": "500"}},
    "Ollama, TGI, Together": {"error": SENTENCE, "error_type": "x"},
    "xAI": {"code": "The service is busy", "error": SENTENCE},
    "SGLang, Mistral": {"object": "error", "message": SENTENCE, "type": "x", "param": None, "code": 500},
    "Mistral, Cohere": {"message": SENTENCE, "request_id": "1"},
    "FastAPI": {"detail": SENTENCE},
    "FastAPI, a list": {"detail": [{"type": "x", "loc": ["body"], "msg": SENTENCE, "input": {}}]},
    "Mistral, a list in the message": {"object": "error", "message": {"detail": [{"msg": SENTENCE}]}},
    "NVIDIA": {"status": 500, "title": "Oops", "detail": SENTENCE},
    "Gemini": [{"error": {"code": 500, "message": SENTENCE, "status": "INTERNAL", "details": []}}],
    "Azure": {"error": {"code": "x", "message": SENTENCE, "status": 500, "innererror": {"code": "y"}}},
    "Azure API Management": {"statusCode": 500, "message": SENTENCE},
    "new-api": {"error": {"message": SENTENCE, "type": "new_api_error", "code": "x"}},
    "one-api": {"msg": SENTENCE},
    "one-api, again": {"err": SENTENCE},
    "Baidu": {"error_code": 1, "error_msg": SENTENCE},
    "a title": {"title": SENTENCE},
    "one-api, a header": {"header": {"message": SENTENCE}},
    "one-api, a response": {"response": {"error": {"message": SENTENCE}}},
    "Apigee": {"fault": {"faultstring": SENTENCE, "detail": {"errorcode": "x.y"}}},
    "MiniMax": {"choices": None, "base_resp": {"status_code": 1013, "status_msg": SENTENCE}},
    "a web page": f"<!DOCTYPE html><html><style>b</style><title>{SENTENCE}</title><script>1 < 2</script>".encode(),
    "text": SENTENCE.encode(),
    "text of several lines": b"\n Something\r\n went\twrong. \n",
}  # fmt: skip


@pytest.mark.parametrize("who", SHAPES)
def test_the_sentence_is_found(who: str) -> None:
    assert str(failure(500, SHAPES[who])) == f"up: {SENTENCE}"


def test_openrouter_s_providers_have_the_last_word() -> None:
    error = {"message": "Provider returned error", "metadata": {"raw": "the GPU is on fire", "provider_name": "X"}}

    assert str(failure(500, {"error": error})) == "up: Provider returned error: the GPU is on fire"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b'{"error": {}}', b'{"error": null}', b'{"message": 5}'])
def test_an_error_without_words_names_its_status(body: bytes) -> None:
    assert str(failure(500, body)) == "up: status 500 without an explanation"


def test_words_are_shown_without_what_drives_a_terminal_and_not_for_ever() -> None:
    told = str(failure(500, {"error": "\x1b[2J\x07red\u202e" + "x" * 5000}))

    assert told.isprintable()
    assert len(told) < 700


def test_nesting_without_end_is_no_trap() -> None:
    assert str(failure(500, b'{"detail":' * 500 + b"1" + b"}" * 500))
    assert str(failure(500, b"[" * 5000))


@pytest.mark.parametrize(
    "body", [b"<html>" + b"<" * 70_000, b"<html>" + b"<script" * 9000, b"<html>" + b"<script>" * 9000]
)
def test_a_hostile_page_takes_no_time(body: bytes) -> None:
    began = time.process_time()

    read(500, body)

    assert time.process_time() - began < 0.5


def test_keys_that_an_upstream_repeats_are_hidden() -> None:
    told = understood(
        FAILING._replace(hide=lambda text: text.replace("sk-real", "***")), 401, b'{"error": "bad key sk-real"}'
    )

    assert "sk-real" not in str(told)
    assert "bad key ***" in str(told)


# ---- what it means

Class = tuple[int, str, bool | None]

KEY: Class = (401, "authentication_error", False)
MONEY: Class = (402, "billing_error", False)
MODEL: Class = (400, "invalid_request_error", False)
ADDRESS: Class = (502, "api_error", False)
RATE: Class = (429, "rate_limit_error", None)
BUSY: Class = (529, "overloaded_error", None)
BAD: Class = (400, "invalid_request_error", None)
SLOW: Class = (504, "timeout_error", None)
BROKEN: Class = (502, "api_error", None)
"""Status, type, and what ``x-should-retry`` says."""


def error(message: str, **fields: Any) -> Json:
    return {"error": {"message": message} | fields}


PER_MINUTE = error(
    "Request too large on tokens per minute (TPM): Limit 6000, Requested 9000, please reduce your message size",
    code="rate_limit_exceeded",
)

CLASSES: dict[str, tuple[int, Any, Class]] = {
    # keys
    "OpenAI's wrong key": (401, error("Incorrect API key provided: sk-x***", code="invalid_api_key"), KEY),
    "any 401": (401, {"message": "Unauthorized"}, KEY),
    "any 403": (403, "Forbidden", KEY),
    "Gemini's wrong key": (400, [error("API key not valid. Please pass a valid API key.", code=400)], KEY),
    # money
    "OpenAI's quota": (429, error("You exceeded your current quota", code="insufficient_quota"), MONEY),
    "a hard limit": (429, {"error": {"code": "billing_hard_limit_reached"}}, MONEY),
    "DeepSeek's balance": (402, error("Insufficient Balance"), MONEY),
    "Z.ai's balance": (429, error("Insufficient balance or no resource package", code="1113"), MONEY),
    "Moonshot's quota": (429, error("Your account is suspended", type="exceeded_current_quota_error"), MONEY),
    "OpenRouter's credits": (402, error("Insufficient credits"), MONEY),
    # models
    "OpenAI's unknown model": (404, error("The model `x` does not exist", code="model_not_found"), MODEL),
    "vLLM's unknown model": (404, error("The model `x` does not exist.", type="NotFoundError"), MODEL),
    "Ollama's model that isn't pulled": (404, error('model "x" not found, try pulling it first'), MODEL),
    "Azure's deployment": (404, {"error": {"code": "DeploymentNotFound"}}, MODEL),
    "OpenRouter's endpoints": (404, error("No endpoints found that support tool use"), MODEL),
    "NVIDIA's function": (404, {"status": 404, "detail": "Function '23d4': Not found for account 'Q'"}, MODEL),
    "new-api's channel": (503, error("当前分组 default 下对于模型 x 无可用渠道 (request id: 1)"), MODEL),
    "a model that will come back": (503, "The model x is temporarily unavailable", BUSY),
    # addresses
    "a wrong path": (404, "<html><title>404 Not Found</title></html>", ADDRESS),
    "a wrong method": (405, {"detail": "Method Not Allowed"}, ADDRESS),
    # too many, too busy, too slow
    "a rate": (429, error("Rate limit reached", code="rate_limit_exceeded"), RATE),
    "a rate of tokens": (429, PER_MINUTE, RATE),
    "Z.ai overloaded": (429, error("The service is overloaded", code="1305"), BUSY),
    "llama.cpp loading": (503, error("Loading model", code=503), BUSY),
    "NVIDIA degraded": (400, {"detail": "Function id '87ea': DEGRADED function cannot be invoked"}, BUSY),
    "a busy server": (503, "", BUSY),
    "Anthropic's own": (529, error("Overloaded", type="overloaded_error"), BUSY),
    "Cloudflare's time-out": (524, "<html><title>524: A timeout occurred</title></html>", SLOW),
    "a time-out": (504, "", SLOW),
    # the request
    "Azure's filter": (400, error("The response was filtered", code="content_filter", status=400), BAD),
    "OpenRouter's moderation": (403, error("Your input was flagged", metadata={"reasons": ["violence"]}), BAD),
    "nginx's limit": (
        413,
        "<html><title>413 Request Entity Too Large</title></html>",
        (413, "request_too_large", None),
    ),
    "a bad request": (400, error("messages: too weird"), BAD),
    "a bad field": (422, {"detail": [{"msg": "JSON decode error"}]}, BAD),
    "a missing parser": (400, error('"auto" tool choice requires --enable-auto-tool-choice'), BAD),
    # the upstream
    "a crash": (500, "Internal Server Error", (500, "api_error", None)),
    "a bad gateway": (502, "", BROKEN),
    "something else": (418, "I'm a teapot", BROKEN),
    "a redirect": (302, "", BROKEN),
}


@pytest.mark.parametrize("what", CLASSES)
def test_an_error_has_the_class_on_which_clients_act_rightly(what: str) -> None:
    status, body, expected = CLASSES[what]

    found = failure(status, body.encode() if isinstance(body, str) else body)

    assert (found.status, found.type, found.retry) == expected


def test_a_rate_of_tokens_is_no_prompt_that_is_too_long() -> None:
    """Compacting the conversation wouldn't help; waiting does."""
    words = "Limit 6000 tokens per minute (TPM), Requested 9000, please reduce the length of the messages"

    assert "prompt is too long" not in str(failure(413, error(words, code="rate_limit_exceeded")))


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("OpenAI's wrong key", "env:UP_KEY"),
        ("OpenAI's wrong key", "c2o restart"),
        ("Ollama's model that isn't pulled", "try pulling it first"),
        ("Ollama's model that isn't pulled", "'model-at-upstream'"),
        ("Ollama's model that isn't pulled", "[models]"),
        ("a wrong path", "https://up.example/v1"),
        ("a wrong path", "[upstreams.up]"),
        ("a wrong path", "404 Not Found"),
        ("Azure's filter", "filtered"),
    ],
)
def test_an_error_says_who_and_what_to_do(what: str, words: str) -> None:
    status, body, _ = CLASSES[what]

    assert words in str(failure(status, body.encode() if isinstance(body, str) else body))


IN_GOOD_ANSWERS: dict[str, tuple[Any, str]] = {
    "the status in the code": ({"code": 429, "message": "slow down"}, "rate_limit_error"),
    "the status as text": ({"code": "503", "message": "x"}, "overloaded_error"),
    "the status as status": ({"status": 401, "message": "x"}, "authentication_error"),
    "a code of another kind": ({"code": 1399, "message": "x"}, "api_error"),
    "Z.ai, a rate": ({"code": "1302", "message": "x"}, "rate_limit_error"),
    "Z.ai, a key": ({"code": "1002", "message": "x"}, "authentication_error"),
    "Z.ai, quota": ({"code": 1309, "message": "x"}, "billing_error"),
    "no code": ({"message": "x"}, "api_error"),
    "a rate in words": ({"message": "Rate limit exceeded"}, "rate_limit_error"),
    "text": ("CUDA out of memory", "api_error"),
}


@pytest.mark.parametrize("what", IN_GOOD_ANSWERS)
def test_an_error_in_a_good_answer_counts_by_its_own_code(what: str) -> None:
    error, kind = IN_GOOD_ANSWERS[what]

    assert failure(200, {"error": error}).type == kind


def test_a_class_of_an_error_is_kept_where_a_whole_answer_hides_it() -> None:
    answer = translator(request()).complete(b'{"error": {"code": 401, "message": "no"}}')

    assert answer.status == 401
    assert answer.headers["x-should-retry"] == "false"


# ---- prompts that are too long

OPENAI_S = (
    "This model's maximum context length is 131072 tokens. However, your messages resulted in 140000 tokens "
    "(139000 in the messages, 1000 in the functions). Please reduce the length of the messages or functions."
)
VLLM_S = (
    "This model's maximum context length is 8192 tokens. However, your prompt contains at least 8193 input tokens, "
    "which exceeds this limit even without any output tokens. Please reduce the length of the input prompt."
)

TOO_LONG: dict[str, tuple[str, str]] = {
    # who, and its words → what Claude Code understands
    "OpenAI": (OPENAI_S, "140000 tokens > 131072 maximum"),
    "vLLM": (VLLM_S, "8193 tokens > 8192 maximum"),
    "vLLM 0.33": ("Input length (9000) exceeds model's maximum context length (8192).", "9000 tokens > 8192 maximum"),
    "SGLang": (
        "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
        "9000 tokens > 8192 maximum",
    ),
    "llama.cpp": (
        "request (18019 tokens) exceeds the available context size (8192 tokens), try increasing it",
        "18019 tokens > 8192 maximum",
    ),
    "Gemini": (
        "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
        "1196265 tokens > 1048575 maximum",
    ),
    "xAI": (
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        "537812 tokens > 131072 maximum",
    ),
    "Groq, Cerebras": (
        "Please reduce the length of the messages or completion. Current length is 42328 while limit is 40000",
        "42328 tokens > 40000 maximum",
    ),
    "Mistral": (
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        "40000 tokens > 32768 maximum",
    ),
    "Moonshot": (
        "Invalid request: Your request exceeded model token limit: 262144 (requested: 300000)",
        "300000 tokens > 262144 maximum",
    ),
    "Copilot": ("prompt token count of 140000 exceeds the limit of 128000", "140000 tokens > 128000 maximum"),
    "Anthropic": ("prompt is too long: 213462 tokens > 200000 maximum", "213462 tokens > 200000 maximum"),
    "numbers with commas": (
        "This model's maximum context length is 131,072 tokens, but you sent 140,000 tokens.",
        "140000 tokens > 131072 maximum",
    ),
    "a request's id": (
        "This model's maximum context length is 8192 tokens (request id: 2026102112345678)",
        "up: This model's maximum context length is 8192",
    ),
    "one number": ("This model's maximum context length is 8192 tokens", "up: This model's maximum context length"),
    "LM Studio": (
        "The number of tokens to keep from the initial prompt is greater than the context length.",
        "up: The number of tokens to keep",
    ),
    "Ollama": ("input length exceeds the context length", "up: input length exceeds"),
    "MiniMax": ("invalid params, context window exceeds limit (2013)", "up: invalid params, context window"),
    "Bedrock": ("Input is too long for requested model.", "up: Input is too long"),
    "Cohere": ("too many tokens: size limit exceeded by 326 tokens", "up: too many tokens"),
    "Alibaba": ("Range of input length should be [1, 30720]", "up: Range of input length"),
}


@pytest.mark.parametrize("status", [400, 200, 413, 422, 500])
@pytest.mark.parametrize("who", TOO_LONG)
def test_a_prompt_that_is_too_long_is_told_so_that_claude_code_compacts(who: str, status: int) -> None:
    words, understood_words = TOO_LONG[who]

    found = failure(status, {"error": {"message": words, "code": 400, "type": "BadRequestError"}})

    assert (found.status, found.type) == (400, "invalid_request_error")
    assert str(found).startswith(f"prompt is too long: {understood_words}")


def test_an_overflow_in_fields() -> None:
    error = {"code": 400, "message": "too much", "type": "exceed_context_size_error", "n_prompt_tokens": 9, "n_ctx": 8}

    assert str(failure(400, {"error": error})) == "prompt is too long: 9 tokens > 8 maximum"


MAXIMUM = "maximum context length is 131072 tokens. However, you requested"

TOO_MUCH_TOGETHER = {
    # the prompt fits, but not together with the answer: Claude Code asks again for a shorter one
    "OpenAI": f"This model's {MAXIMUM} 139162 tokens (107162 in the messages, 32000 in the completion).",
    "functions": f"This model's {MAXIMUM} 139162 tokens (7162 in the messages, 100000 in the functions, and "
    "32000 in the completion).",
    "OpenRouter": f"This endpoint's {MAXIMUM} about 139162 tokens (107162 of text input, 32000 in the output).",
    "vLLM": f"This model's {MAXIMUM} 32000 output tokens and your prompt contains at least 107162 input tokens.",
    "SGLang": "Requested token count exceeds the model's maximum context length of 131072 tokens. You requested 139162 "
    "tokens: 107162 tokens from the input messages and 32000 tokens for the completion.",
    "TGI": "`inputs` tokens + `max_new_tokens` must be <= 131072. "
    "Given: 107162 `inputs` tokens and 32000 `max_new_tokens`",
}  # fmt: skip


@pytest.mark.parametrize("who", TOO_MUCH_TOGETHER)
def test_a_prompt_that_leaves_no_room_for_the_answer(who: str) -> None:
    found = failure(400, {"error": {"message": TOO_MUCH_TOGETHER[who], "code": 400}})

    assert str(found) == (
        "input length and `max_tokens` exceed context limit: 107162 + 32000 > 131072, "
        "decrease input length or `max_tokens` and try again"
    )


# ---- when to try again


@pytest.mark.parametrize(("status", "passed"), [(429, True), (503, True), (529, True), (500, False), (400, False)])
def test_the_time_to_wait_is_passed_on_where_it_is_meant(status: int, passed: bool) -> None:
    answer = translator(request()).error(status, {"retry-after": "17"}, b"{}")

    assert isinstance(answer, Answer)
    assert answer.headers.get("retry-after") == ("17" if passed else None)


def test_an_answer_has_anthropic_s_shape() -> None:
    answer = translator(request()).error(401, {}, b'{"error": "no"}')

    assert isinstance(answer, Answer)
    body: Json = json.loads(answer.body)
    assert body["type"] == "error"
    assert body["error"].keys() == {"type", "message"}
    assert answer.headers["x-should-retry"] == "false"
