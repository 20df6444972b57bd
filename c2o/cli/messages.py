"""A request to a running service, as any client of Anthropic's API sends it, and the events of its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import msgspec

from c2o.wire.anthropic import Event
from c2o.wire.sse import SSEDecoder

VERSION = {"anthropic-version": "2023-06-01"}
"""https://docs.anthropic.com/en/api/versioning"""


@contextmanager
def posted(
    address: tuple[str, int],
    token: str,
    request: Mapping[str, Any],
    *,
    patience: float,
    path: str = "/v1/messages",
    headers: Mapping[str, str] = VERSION,
) -> Iterator[HTTPResponse]:
    """The answer, as it comes; it may be silent for ``patience`` seconds.

    Raises OSError, http.client.HTTPException.
    """
    with closing(HTTPConnection(*address, timeout=patience)) as connection:
        sent = {**headers, "x-api-key": token, "content-type": "application/json"}
        connection.request("POST", path, msgspec.json.encode(request), sent)
        yield connection.getresponse()


def events_of(response: HTTPResponse) -> Iterator[Event]:
    """Those that are known; what else an upstream passes through is for clients that know it."""
    decoder = SSEDecoder()
    while data := response.read1():
        for event in decoder.feed(data):
            with suppress(msgspec.ValidationError):
                yield _decode(event.data)


_decode = msgspec.json.Decoder(Event).decode
