"""A client's body: read within limits, unpacked, decoded, or refused with the place."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from c2o.errors import RequestError
from c2o.proxy.aside import aside
from c2o.translate.invalid import not_a_request
from c2o.wire.surrogates import without_halves

LIMIT = 32 * 1024 * 1024
"""Anthropic's own limit for a request; aiohttp's default of 1 MiB ends a long session with a 413."""

BODY_WITHIN = 60.0
"""Seconds in which a request's body must have arrived."""

PACKED = 8
"""How much of text a byte holds that is packed, about."""

T = TypeVar("T")


async def read_body(request: web.Request) -> bytes:
    """The body.  JSON only: other types are what web pages can send without asking."""
    kind = request.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RequestError("the request's content-type must be application/json", status=415)
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    body = await _arrived(request)
    return await aside(len(body) * PACKED, unpacked, body, encoding) if encoding not in ("", "identity") else body


async def _arrived(request: web.Request) -> bytes:
    try:
        if request.content.is_eof():  # nearly always: it came with the headers
            return await request.read()
        async with asyncio.timeout(BODY_WITHIN):
            return await request.read()
    except TimeoutError:
        raise RequestError("the request's body didn't arrive in time", status=408, type="timeout_error") from None
    except web.RequestPayloadError:
        raise RequestError("the request's body can't be read: its framing is broken") from None


WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""How zlib is told what it unpacks."""


def unpacked(data: bytes, encoding: str) -> bytes:
    """A packed body.  Raises RequestError with the code by which the SDKs know what was wrong with it."""
    if encoding not in WINDOW_BITS:
        raise RequestError(
            f"content-encoding: {encoding} is not supported. Send the body as it is, or packed with gzip or deflate.",
            code="request_body_encoding_unsupported",
        )
    unpacker = zlib.decompressobj(WINDOW_BITS[encoding])
    try:
        body = unpacker.decompress(data, LIMIT + 1)
    except zlib.error:
        body = b""
    if len(body) > LIMIT:
        raise RequestError(
            "request_too_large: the request exceeds 32 MB once it is unpacked",
            status=413,
            type="request_too_large",
            code="request_body_too_large_after_decoding",
        )
    if not unpacker.eof or unpacker.unused_data:
        raise RequestError(
            f"content-encoding: the body is not packed with {encoding}, or not whole",
            code="request_body_encoding_invalid",
        )
    return body


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
