"""Failures as answers in Anthropic's shape."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from c2o.errors import RequestError
from c2o.translate.types import Answer
from c2o.wire.anthropic import Error, ErrorDetails, StreamError, encode

STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 502,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The HTTP status of an error that an upstream hid in a good answer, or that ended a stream."""

NEVER_AGAIN = ("authentication_error", "billing_error")
"""Errors that no repetition mends."""


def failed(failure: RequestError) -> Answer:
    """A RequestError as an answer; whoever sends it adds the request's id."""
    headers = {} if failure.retry is None else {"x-should-retry": "true" if failure.retry else "false"}
    if failure.retry_after is not None:
        headers["retry-after"] = str(failure.retry_after)
    details = ErrorDetails(failure.code) if failure.code else UNSET
    return Answer(failure.status, encode(StreamError(error=Error(failure.type, str(failure), details))), headers)


OBEYED = 60
"""Seconds up to which clients wait as ``retry-after`` says.  The SDKs take no notice of a longer one and ask again at
once, and Claude Code gives up (https://github.com/anthropics/anthropic-sdk-python/blob/main/src/anthropic/_base_client.py)."""


def with_wait(answer: Answer, wait: str | None) -> Answer:
    """With ``retry-after`` in seconds, or as a date; one that is longer than clients wait says not to ask again."""
    if wait is None:
        return answer
    too_long = {"x-should-retry": "false"} if wait.isdecimal() and int(wait) > OBEYED else {}
    return answer._replace(headers={**answer.headers, "retry-after": wait, **too_long})


def with_id(answer: Answer, request_id: str) -> Answer:
    """Errors carry the id of the header, where programs look for it and where a person reads it: a screenshot leads
    to the log."""
    return answer if answer.status == 200 else answer._replace(body=_identified(answer.body, request_id))


ERROR_EVENT = b"event: error\ndata: "


def events_with_id(said: bytes, request_id: str) -> bytes:
    """The same of the error in a stream's events, where there is one."""
    before, event, after = said.rpartition(ERROR_EVENT)
    data, end, rest = after.partition(b"\n\n")
    return before + event + _identified(data, request_id) + end + rest if event else said


ACTED_ON = ("prompt is too long", "input length and `max_tokens` exceed", "credit balance is too low")
"""Texts by which clients decide what to do: these stay as Anthropic writes them.  What Claude Code shows then is
its own."""

TOO_LONG = ACTED_ON[:2]


HINT = " (c2o logs --request "


def without_id(message: str) -> str:
    """An error's text without the end by which people find it in the log."""
    return message.partition(HINT)[0]


def _identified(body: bytes, request_id: str) -> bytes:
    """What isn't an error as Anthropic writes them, which an upstream's own may not be, stays as it is."""
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
        error = msgspec.convert(said.get("error"), dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError):
        return body
    message = error.get("message")
    if isinstance(message, str) and not any(text in message.lower() for text in (HINT, *ACTED_ON)):
        error["message"] = f"{message}{HINT}{request_id})"
    return msgspec.json.encode(said | {"error": error, "request_id": request_id})
