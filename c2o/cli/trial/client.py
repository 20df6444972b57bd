"""A small client of the running service: asks as any Anthropic client does, and takes the time."""

from __future__ import annotations

import http.client
import time
from typing import Any

import msgspec
from msgspec import Struct

from c2o import paths
from c2o.cli.logs.lines import Reader
from c2o.cli.messages import events_of, posted
from c2o.errors import Unhealthy
from c2o.instance import Instance
from c2o.secret import Secret
from c2o.translate.message_builder import fold
from c2o.wire.anthropic import ContentBlockDelta, Error, MessagesResponse, StreamError
from c2o.wire.log import Finished

PATIENCE = 900.0
"""Seconds that an answer may be silent; the service itself gives up before, and says why."""

LOG_WITHIN = 2.0
"""Seconds for the service to log a request whose answer is here."""


class Heard(Struct, frozen=True, kw_only=True):
    """What became of one request."""

    request_id: str
    status: int
    message: MessagesResponse | None
    """None where it failed."""
    error: Error | None
    pieces: int
    """In how many its text came."""
    first: float
    """Seconds until the first piece of content; of a whole answer, until all of it."""
    whole: float

    @property
    def speed(self) -> float | None:
        """Tokens in a second, after the first; None where that is too short to tell."""
        took = self.whole - self.first if self.pieces > 1 else self.whole
        tokens = self.message.usage.output_tokens if self.message else 0
        return round(tokens / took, 1) if took >= SHORTEST and tokens > 1 else None


SHORTEST = 0.05
"""Seconds from which on a speed is one."""


class Client:
    """Asks the service for one model.  A context: it reads along in the log."""

    def __init__(self, there: Instance, token: Secret, model: str) -> None:
        self._there = there
        self._token = token
        self._model = model
        self._log = Reader(paths.log_file())
        for _ in self._log.existing():
            pass

    def close(self) -> None:
        self._log.close()

    def ask(self, **request: Any) -> Heard:
        """Raises Unhealthy where the service itself fails."""
        try:
            return self._ask({"model": self._model, **request})
        except (OSError, http.client.HTTPException, msgspec.MsgspecError) as error:
            raise Unhealthy(f"the service broke its answer off ({error!r}). Its log may say why: c2o logs") from None

    def _ask(self, request: dict[str, Any]) -> Heard:
        began = time.monotonic()
        with posted(self._there.address, self._token.reveal(), request, patience=PATIENCE) as response:
            if response.getheader("content-type", "").startswith("text/event-stream"):
                return _streamed(response, began)
            return _whole(response, began)

    def logged(self, request_id: str) -> Finished | None:
        """What the service has noted about a request; None where it can't be found."""
        deadline = time.monotonic() + LOG_WITHIN
        while time.monotonic() < deadline:
            for line in self._log.more():
                if line.record and line.record.request and line.record.request.id == request_id:
                    return line.record.request
            time.sleep(0.02)
        return None


def _streamed(response: http.client.HTTPResponse, began: float) -> Heard:
    events, first, pieces = [], 0.0, 0
    for event in events_of(response):
        if isinstance(event, ContentBlockDelta):
            first = first or time.monotonic() - began
            pieces += 1
        events.append(event)
    error = next((event.error for event in events if isinstance(event, StreamError)), None)
    return Heard(
        request_id=_request_id(response),
        status=response.status,
        message=None if error else fold(events),
        error=error,
        pieces=pieces,
        first=first or time.monotonic() - began,
        whole=time.monotonic() - began,
    )


def _whole(response: http.client.HTTPResponse, began: float) -> Heard:
    body = response.read()
    took = time.monotonic() - began
    answer = msgspec.json.decode(body, type=MessagesResponse | StreamError)
    good = isinstance(answer, MessagesResponse)
    return Heard(
        request_id=_request_id(response),
        status=response.status,
        message=answer if isinstance(answer, MessagesResponse) else None,
        error=answer.error if isinstance(answer, StreamError) else None,
        pieces=1 if good else 0,
        first=took,
        whole=took,
    )


def _request_id(response: http.client.HTTPResponse) -> str:
    return response.getheader("request-id", "")
