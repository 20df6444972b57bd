"""A client's body: read within limits, decoded, or refused with the place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from c2o.errors import RequestError
from c2o.translate.invalid import not_a_request
from c2o.wire.surrogates import without_halves

BODY_WITHIN = 60.0
"""Seconds in which a request's body must have arrived."""

T = TypeVar("T")


async def read_body(request: web.Request) -> bytes:
    """The body.  JSON only: other types are what web pages can send without asking."""
    kind = request.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RequestError("the request's content-type must be application/json", status=415)
    try:
        if request.content.is_eof():  # nearly always: it came with the headers
            return await request.read()
        async with asyncio.timeout(BODY_WITHIN):
            return await request.read()
    except TimeoutError:
        raise RequestError("the request's body didn't arrive in time", status=408, type="timeout_error") from None
    except web.RequestPayloadError:
        raise RequestError("the request's body can't be read: its content-encoding or its framing is broken") from None


def decoded(body: bytes, decode: Callable[[bytes], T]) -> T:
    """The body as ``decode`` reads it.  Raises RequestError that names the place."""
    try:
        body.decode()  # msgspec looks into the strings that it decodes, not into JSON that is merely carried
        return decode(_whole_characters(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise not_a_request(error) from None


def _whole_characters(body: bytes) -> bytes:
    """Without halves of characters, which a client leaves that has cut a text in the middle of one.

    They would be in the conversation for good, and no upstream takes them.
    """
    return without_halves(body) if b"\\ud" in body or b"\\uD" in body else body
