"""Failures as answers in Anthropic's shape."""

from __future__ import annotations

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
    """Error bodies carry the id of the header, so that a screenshot leads to the log."""
    if answer.status == 200:
        return answer
    return answer._replace(body=answer.body.removesuffix(b"}") + b',"request_id":"%s"}' % request_id.encode())
