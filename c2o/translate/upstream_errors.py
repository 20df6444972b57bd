"""An upstream's error as an Anthropic one: what happened, in words the client acts on.

Claude Code compacts a conversation when it reads ``prompt is too long: N tokens > M maximum``, gives up at once
on ``x-should-retry: false``, and otherwise repeats a failing request ten times over three minutes; so
the class of an error decides what a person goes through.
https://platform.claude.com/docs/en/api/errors
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from c2o.errors import RequestError

SHOWN = 600
"""Characters of an upstream's own words that are passed on."""

LOOKED_AT = 64 * 1024
"""Characters in which those words are looked for."""

PAGE = 8 * 1024
"""Characters of a web page that are looked at: a title is near its beginning, and tags cost time."""

LONG = 100 * 1024
"""Bytes of a request that may be too long for a model."""

MOST_DEPTH = 4
"""How deep they may be nested."""

UNKNOWN_MODEL = "upstream_model_unknown"
"""The code of an error that all requests for the model will meet."""


class Told(NamedTuple):
    """What an upstream said: its status, its sentence, and the words in it to look at."""

    status: int
    message: str
    words: str
    """Codes, types and sentence in lower case."""
    numbers: dict[str, int]
    """Numbers that some servers send as fields (llama.cpp: ``n_prompt_tokens``, ``n_ctx``)."""

    @property
    def sentence(self) -> str:
        """With one full stop, for another to follow."""
        return self.message.rstrip(".") + "."


class Failing(NamedTuple):
    """Who failed, for the sentences."""

    upstream: str
    url: str
    model: str
    key: object
    """As text: where the key comes from that is in use when something is said of it; safe to print."""
    hide: Callable[[str], str] = str
    """Takes keys out of a text: some upstreams repeat the one that they refuse."""


def understood(failing: Failing, status: int, body: bytes, sent: int = 0) -> RequestError:
    """The Anthropic error for an upstream's answer with an error status, or with an error in a good one.

    ``sent`` are the bytes of the request, where they are known: Cerebras refuses what is too long without a word.
    """
    told = read(status, body, failing.hide)
    if status in (400, 413) and not body.strip() and sent > LONG:
        return _overflow(told, failing)
    for applies, explain in _CLASSES:
        if applies(told):
            return explain(told, failing)
    return _other(told, failing)


def read(status: int, body: bytes, hide: Callable[[str], str] = str) -> Told:
    """The sentence and the codes in a body of any of the shapes that are seen in the wild."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = body[:LOOKED_AT].decode("utf-8", "replace")
    error = _error_in(value)
    message = _message_in(error) or _message_in(value)
    fields = error if isinstance(error, dict) else {}
    status = _status_in(fields) or status if status == 200 else status
    message = _printable(hide(message) or f"status {status} without an explanation")
    outside = {"error_type": value.get("error_type")} if isinstance(value, dict) else {}  # TGI
    codes = " ".join([*_codes_in({**outside, **fields}), *_meanings(fields)])
    numbers = {name: number for name, number in fields.items() if type(number) is int}
    return Told(status, message, f"{codes} {message}".lower(), numbers)


def _error_in(value: Any) -> Any:
    """The error object: OpenAI nests it, Gemini puts it into a list, Mistral and SGLang send it flat."""
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return value
    return next((value[name] for name in ERRORS if value.get(name) and isinstance(value[name], dict | str)), value)


ERRORS = ("error", "fault", "base_resp")
"""Where an error may be inside the body: almost everywhere, at Apigee, at MiniMax."""

CODES = ("code", "type", "error_type", "status", "param", "status_code")


def _codes_in(fields: Mapping[str, Any]) -> Iterator[str]:
    """The words that are meant for programs, Google's in ``details`` among them.

    https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
    """
    yield from (str(fields[name])[:80] for name in CODES if fields.get(name))
    details = fields.get("details")
    for detail in details[:10] if isinstance(details, list) else []:
        yield msgspec.json.encode(detail).decode()[:500]
    metadata = fields.get("metadata")
    if isinstance(metadata, dict) and metadata.get("reasons"):  # OpenRouter: why it was flagged
        yield "moderation"


def _meanings(fields: Mapping[str, Any]) -> Iterator[str]:
    """The words for numbers that Z.ai and MiniMax use as codes."""
    code, status = fields.get("code"), fields.get("status_code")
    if isinstance(code, str | int):
        yield ZAI.get(str(code), "")
    if isinstance(status, int) and "status_msg" in fields:
        yield MINIMAX.get(status, "")


ZAI = {
    **dict.fromkeys(("1000", "1001", "1002", "1003", "1004"), "invalid_api_key"),
    **dict.fromkeys(("1113", *map(str, (*range(1308, 1312), *range(1313, 1322)))), "insufficient_quota"),
    "1302": "rate limit",
    "1305": "overloaded",
}
"""https://docs.z.ai/api-reference/api-code"""

MINIMAX = {1002: "rate limit", 1004: "invalid_api_key", 1008: "insufficient_quota", 2049: "invalid_api_key"}
"""https://platform.minimax.io/docs/api-reference/errorcode"""


def _status_in(error: Mapping[str, Any]) -> int | None:
    """The status that an error inside of a good answer would have had; most servers put it into ``code``."""
    found = (str(error.get(name)) for name in ("code", "status"))
    return next((int(text) for text in found if re.fullmatch("[45][0-9][0-9]", text)), None)


def _message_in(error: Any, depth: int = 0) -> str:
    if isinstance(error, str):
        return _plain(error[:LOOKED_AT])
    if depth > MOST_DEPTH:
        return ""
    if isinstance(error, list):
        return "; ".join(text for each in error[:3] if (text := _message_in(each, depth + 1)))
    if not isinstance(error, dict):
        return ""
    raw = error.get("metadata")
    inner = raw.get("raw") if isinstance(raw, dict) else None  # OpenRouter: the provider's own words
    texts = (_message_in(error.get(name), depth + 1) for name in SENTENCES)
    message = _placed(next((text for text in texts if text), ""), error.get("loc"))
    return f"{message}: {inner}" if isinstance(inner, str) and inner not in message else message


SENTENCES = (
    *("message", "faultstring", "detail", "msg", "error_msg", "err", "status_msg", "title"),
    *("header", "response", "error"),
)
"""Where the sentence stands, or an object that has it."""


def _placed(message: str, place: object) -> str:
    """FastAPI and Mistral say in ``loc`` which field they mean: ``["body", "temperature"]``."""
    names = [part for part in place if isinstance(part, str) and part != "body"] if isinstance(place, list) else []
    return f"{'.'.join(names)}: {message}" if names and message else message


def _plain(text: str) -> str:
    """Text as a person reads it: an HTML page without its tags."""
    if "<html" in text[:500].lower() or "<!doctype" in text[:100].lower():
        text = re.sub(r"<(script|style).*?</\1>|<[^<>]+>", " ", text[:PAGE], flags=re.DOTALL | re.IGNORECASE)
    return " ".join(text.split())


def _printable(text: str) -> str:
    """Without control characters, which could drive a terminal, and not too long."""
    return "".join(char for char in text if char.isprintable())[:SHOWN]


# The classes, in the order in which they are tried ---------------------------------------------------


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases))


def _each(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, patterns))


_OVERFLOW = _any(
    "maximum context length",  # OpenAI, vLLM, OpenRouter, DeepSeek, SGLang
    "context[_ ]length[_ ]exceeded",
    "context window",  # OpenAI Responses, MiniMax
    "exceed_context_size|exceeds the available context size",  # llama.cpp
    "longer than the maximum model length|longer than the model's context length",  # vLLM, SGLang
    "(greater|longer) than the context length",  # LM Studio, Ollama
    "input length exceeds the context|input token count.*exceeds",  # Ollama, Gemini
    "maximum prompt length is",  # xAI
    "reduce the length of the (messages|input|prompt)",  # Groq, Cerebras
    r"exceeded model token limit|prompt token count of \d+ exceeds",  # Moonshot, Copilot
    "(prompt|input) is too long|input too long",  # Anthropic, Bedrock
    r"`inputs` tokens \+ `max_new_tokens`|requested token count exceeds",  # TGI, SGLang
    "too many (input )?tokens|token limit exceeded|range of input length should be",  # Cohere, Alibaba
    r"too large for model with \d+ maximum",  # Mistral
)
_RATE = _any("rate.?limit", "per minute", "requests per", "too many requests")
_QUOTA = _any(
    "insufficient_quota|billing_hard_limit|exceeded_current_quota|spend_limit",
    "credit_balance|insufficient (balance|credits?|funds)",
    r"quotaid\W+\w*perday",  # Gemini: google.rpc.QuotaFailure
)
_MODEL = _any(
    "model_not_found|deploymentnotfound|model_not_supported|no endpoints found",
    r"model\b.{0,120}(not found|does not exist|not exist|not available|unavailable|unknown|invalid)",
    "(unknown|invalid|no such) model",
    "provider_not_found",  # claude-code-router: the first half of its model names
    "function '.*not found",  # NVIDIA
)
_NO_CHANNEL = _any("model_not_found|无可用渠道|no available channel")
"""one-api and new-api: nobody serves this model.  Other servers' 503 about a model will pass."""
_KEY = _any("invalid_api_key|api_key_invalid|(incorrect|invalid) api key|api key not valid", "unauthori[sz]ed")
_LOADING = _any("loading model|overloaded|over capacity|degraded|insufficient_system_resource|server is busy")
_FAILED_CALL = _any("tool_use_failed")
"""Groq: the model's tool call can't be read.  Nobody's mistake but the model's."""
_MODERATION = _any("content_filter|content_policy|moderation|flagged|responsibleai")


def _is_overflow(told: Told) -> bool:
    return (
        told.status in (200, 400, 413, 422, 500) and bool(_OVERFLOW.search(told.words)) and not _RATE.search(told.words)
    )


def is_failed_call(told: Told) -> bool:
    """Did the model write a tool call that its server can't read?  Another try may go better."""
    return bool(_FAILED_CALL.search(told.words))


def _overflow(told: Told, failing: Failing) -> RequestError:
    if fitting := _answer_too_long(told.words):
        return RequestError(fitting)
    prompt, maximum = _prompt_and_maximum(told)
    if prompt and maximum:
        return RequestError(f"prompt is too long: {prompt} tokens > {maximum} maximum")
    return RequestError(f"prompt is too long: {_said(told, failing)}")


_NUMBER = r"(\d[\d,]*)"
_MAXIMUM, _TOTAL, _PROMPT, _ANSWER = (rf"(?P<{name}>\d[\d,]*)" for name in ("maximum", "total", "prompt", "answer"))

_SPLIT = _each(
    # OpenAI, older vLLM, OpenRouter: what else is in the brackets (messages, functions, images) is the prompt
    rf"maximum context length is {_MAXIMUM}.*?requested (?:about )?{_TOTAL} tokens "
    rf"\(.*?{_ANSWER} in the (?:completion|output)",
    # vLLM
    rf"maximum context length is {_MAXIMUM}.*?requested {_ANSWER} output tokens"
    rf".*?prompt contains (?:at least )?{_PROMPT}",
    # vLLM since 0.9
    rf"too large: {_ANSWER}\..{{0,20}}maximum context length is {_MAXIMUM} tokens and your request has {_PROMPT}",
    # SGLang
    rf"maximum context length of {_MAXIMUM}.*?{_PROMPT} tokens from the input messages and {_ANSWER} tokens for",
    # TGI
    rf"`max_new_tokens` must be <= {_MAXIMUM}\. given: {_PROMPT} `inputs` tokens and {_ANSWER} `max_new_tokens`",
)


def _split(words: str) -> tuple[int, int, int] | None:
    """Prompt, answer and maximum, where an upstream counts them one by one and the prompt alone would fit."""
    parts = _parts(words)
    return parts if parts and parts[0] < parts[2] else None


def _parts(words: str) -> tuple[int, int, int] | None:
    """Prompt, answer and maximum, where an upstream counts them one by one."""
    match = next((found for pattern in _SPLIT if (found := pattern.search(words))), None)
    if match is None:
        return None
    number = {name: _int(text) for name, text in match.groupdict().items()}
    prompt = number["prompt"] if "prompt" in number else number["total"] - number["answer"]
    return prompt, number["answer"], number["maximum"]


def _answer_too_long(words: str) -> str:
    """The words on which Claude Code asks again for a shorter answer."""
    if (split := _split(words)) is None:
        return ""
    prompt, answer, maximum = split
    return (
        f"input length and `max_tokens` exceed context limit: {prompt} + {answer} > {maximum}, "
        "decrease input length or `max_tokens` and try again"
    )


def room_for_answer(words: str) -> int | None:
    """The tokens that a prompt leaves in the window, where an upstream says so."""
    split = _split(words)
    return split[2] - split[0] if split else None


def output_limit(words: str) -> int | None:
    """The longest answer of a model, where an upstream names it."""
    match = _OUTPUT_LIMIT.search(words)
    return _int(next(text for text in match.groups() if text)) if match else None


_OUTPUT_LIMIT = _any(
    rf"supports at most {_NUMBER} (?:completion|output) tokens",  # OpenAI
    # Groq, Fireworks
    rf"max_(?:completion_)?tokens\b.{{0,80}}?(?:less than or equal to|at most|not exceed|<=) `?{_NUMBER}",
    rf"maximum allowed number of output tokens.{{0,40}}?{_NUMBER}",
    rf"valid range of max_tokens is \[1, ?{_NUMBER}\]",  # DeepSeek
)


_LIMIT = _each(
    rf"(?:maximum|limit|context (?:length|size|window))\D{{0,60}}?{_NUMBER}",
    rf"{_NUMBER} maximum",  # Mistral, Anthropic
)

_COUNT = range(256, 10**8)
"""What may be a count of tokens; fewer digits are codes, more are dates and ids."""


def _prompt_and_maximum(told: Told) -> tuple[int, int]:
    """The two numbers of an overflow, where not told apart: the largest is the prompt's, the maximum has its name."""
    fields = told.numbers
    if "n_prompt_tokens" in fields and "n_ctx" in fields:
        return fields["n_prompt_tokens"], fields["n_ctx"]
    if parts := _parts(told.words):
        return parts[0], parts[2]
    words = told.message.lower()
    prompt = max((number for text in re.findall(_NUMBER, words) if (number := _int(text)) in _COUNT), default=0)
    limits = (_int(text) for pattern in _LIMIT for text in pattern.findall(words))
    maximum = next((number for number in limits if number in _COUNT and number < prompt), 0)
    return (prompt, maximum) if maximum else (0, 0)


def _int(text: str) -> int:
    return int(text.replace(",", ""))


def _key_refused(told: Told, failing: Failing) -> RequestError:
    return RequestError(
        f"{failing.upstream} refused the key from {failing.key}: {told.sentence} "
        f"Put a valid key there and run `c2o restart`; your Claude login has nothing to do with it.",
        status=401,
        type="authentication_error",
        retry=False,
    )


def _quota(told: Told, failing: Failing) -> RequestError:
    return RequestError(_said(told, failing), status=402, type="billing_error", retry=False)


def _model_unknown(told: Told, failing: Failing) -> RequestError:
    return RequestError(
        f"{failing.upstream} does not know the model {failing.model!r}: {told.sentence} "
        "Correct it under [models] in c2o's configuration.",
        retry=False,
        code=UNKNOWN_MODEL,
    )


def _wrong_address(told: Told, failing: Failing) -> RequestError:
    return RequestError(
        f"{failing.upstream} answered {told.status} at {failing.url}: {told.sentence} "
        f"Check base_url under [upstreams.{failing.upstream}]; `c2o doctor` tries other spellings.",
        status=502,
        type="api_error",
        retry=False,
    )


def _typed(status: int, type: str) -> Callable[[Told, Failing], RequestError]:
    return lambda told, failing: RequestError(_said(told, failing), status=status, type=type)


def _same_server_error(told: Told, failing: Failing) -> RequestError:
    return RequestError(_said(told, failing), status=told.status, type="api_error")


def _other(told: Told, failing: Failing) -> RequestError:
    return RequestError(_said(told, failing), status=502, type="api_error")


def _said(told: Told, failing: Failing) -> str:
    return f"{failing.upstream}: {told.message}"


def _has(*statuses: int) -> Callable[[Told], bool]:
    return lambda told: told.status in statuses


def _says(pattern: re.Pattern[str], *statuses: int) -> Callable[[Told], bool]:
    return lambda told: (not statuses or told.status in statuses) and bool(pattern.search(told.words))


_CLASSES: tuple[tuple[Callable[[Told], bool], Callable[[Told, Failing], RequestError]], ...] = (
    (_is_overflow, _overflow),
    (_says(_QUOTA), _quota),
    (is_failed_call, _typed(502, "api_error")),
    (_has(402), _quota),
    (_says(_MODERATION, 400, 403), _typed(400, "invalid_request_error")),
    (_says(_KEY, 200, 400, 401, 403), _key_refused),
    (_has(401, 403), _key_refused),
    (_says(_MODEL, 200, 400, 404, 410, 422), _model_unknown),
    (_says(_NO_CHANNEL, 503), _model_unknown),
    (_has(404, 405, 410), _wrong_address),
    (_says(_LOADING), _typed(529, "overloaded_error")),
    (_has(429), _typed(429, "rate_limit_error")),
    (_says(_RATE, 200), _typed(429, "rate_limit_error")),
    (_has(503, 529), _typed(529, "overloaded_error")),
    (_has(413), _typed(413, "request_too_large")),
    (_has(408, 504, 524), _typed(504, "timeout_error")),
    (_has(400, 409, 422), _typed(400, "invalid_request_error")),
    (_has(500, 502), _same_server_error),
)
