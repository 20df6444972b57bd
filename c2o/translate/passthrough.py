"""One Messages request and its answer, through an upstream that speaks Anthropic itself.

Bytes go through as they are.  What differs: the model's name, in both directions; what the upstream's dialect would
refuse (``passthrough_request``); errors, which get the sentences that clients act on; signs of life.  A stream is
cut between its events only, so that a ping never gets into one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from c2o.errors import RequestError
from c2o.translate.answers import NEVER_AGAIN, STATUS, failed, with_wait
from c2o.translate.media import Media
from c2o.translate.odd_bodies import is_web_page
from c2o.translate.passthrough_request import ADVISORY, DROP, headers_for, passed_on, refused_field
from c2o.translate.retry_after import is_short, retry_after
from c2o.translate.types import Answer, Job, Outcome, Remedy, UpstreamRequest
from c2o.translate.upstream_errors import understood
from c2o.translate.usage import PromptSize, estimated
from c2o.wire.anthropic import (
    Error,
    MessageDelta,
    MessageEnd,
    MessagesRequest,
    MessagesResponse,
    MessageStart,
    MessageStop,
    Ping,
    StreamError,
    Usage,
    encode_events,
)
from c2o.wire.json_bytes import Edit, edited, members, object_at_start
from c2o.wire.sse import BOM, LIMIT, RawEvents, TooLong, frame, read_event

PATH = "/messages"

BROKEN = RequestError("the upstream closed the stream before the answer was finished", status=502, type="api_error")

NOTHING_TO_READ = Media(vision=True, files=True, file_urls=True, in_tool_messages=True)
"""The upstream reads PDFs itself, or refuses them."""


class _Counts(Struct):
    """Tokens as the upstream counts them; what it doesn't say is none."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _Said(Struct):
    """What is looked at in an event or an answer: a ``message_start``, a ``message_delta``, a whole message."""

    type: str = ""
    message: _Said | None = None
    delta: _Said | None = None
    content: Raw | UnsetType = UNSET
    stop_reason: str | None = None
    usage: _Counts | None = None
    error: Raw | UnsetType = UNSET


class PassthroughTranslator:
    """See the Translator protocol.  Made per request, used once, does no I/O."""

    def __init__(self, request: MessagesRequest, job: Job) -> None:
        self.outcome = Outcome()
        self.media = NOTHING_TO_READ
        self.events = 0
        self._asked = request.model
        self._job = job
        self._counts = _Counts()
        self._split = RawEvents()
        self._whole: list[bytes] | None = None
        """The pieces of a JSON answer, or of a web page, that came where a stream was asked for."""
        self._begun = self._started = self._ended = self._waited = False
        self._fields = self._wanted(request)
        self._body = passed_on(job.body, self._fields, job.dialect, self.outcome.warnings)
        if b'"base64"' not in job.body:
            self.outcome.prompt_size = PromptSize(len(self._body), 0)

    def _wanted(self, request: MessagesRequest) -> dict[str, Any]:
        """The fields that get another value than the client's; None for those that stay out."""
        job = self._job
        limit = min((limit for limit in (job.max_output_tokens, job.room) if limit), default=None)
        fields: dict[str, Any] = {"model": job.model}
        if limit and request.max_tokens is not UNSET and request.max_tokens > limit:
            fields["max_tokens"] = limit
        learned = (fact.removeprefix(DROP) for fact in job.learned if fact.startswith(DROP))
        return {**dict.fromkeys(field for field in learned if field in ADVISORY), **fields, **job.extra_body}

    def request(self) -> UpstreamRequest:
        return UpstreamRequest(PATH, self._body, headers=headers_for(self._job.headers, self._job.dialect))

    # A stream

    @property
    def done(self) -> bool:
        return self._ended

    def feed(self, data: bytes) -> bytes:
        if not self._begun and data.strip():
            self._begun = True
            self._whole = [] if data.removeprefix(BOM).lstrip()[:1] in (b"{", b"[", b"<") else None
        try:
            if self._whole is not None:
                return self._keep(data)
            return b"".join([self._passed(block) for block in self._split.feed(data)])
        except TooLong:
            return self._fail(RequestError("the upstream sent an event that is larger than c2o takes", status=502))

    def _keep(self, data: bytes) -> bytes:
        assert self._whole is not None
        self._whole.append(data)
        if sum(map(len, self._whole)) > LIMIT:
            raise TooLong
        return b""

    def _passed(self, block: bytes) -> bytes:
        """One event of the upstream's as the client gets it."""
        event = read_event(block)
        if event is None or self._ended:
            return b"" if self._ended else block
        self.events += 1
        if event.event == "content_block_delta":  # nearly all are, and nothing in them is ours to look at
            return block
        said = _decoded(event.data)
        if said is None:
            return self._unreadable(event.data)
        passed = self._heard(said, event.event, event.data, block)
        return passed if event.event or passed is not block else frame(said.type, event.data)

    def _heard(self, said: _Said, name: str, data: bytes, block: bytes) -> bytes:
        match said.type or name:
            case "message_start":
                return self._start(said, data, block)
            case "message_delta":
                self._count(said.usage)
                if said.delta and said.delta.stop_reason:
                    self._note_end(said.delta.stop_reason)
            case "message_stop":
                self._ended = True
            case "error" | "":
                return self._fail(self._explained(200, data))
        return block

    def _start(self, said: _Said, data: bytes, block: bytes) -> bytes:
        self._count(said.message.usage if said.message else None)
        if self._started:  # a sign of life had to come first; what this one counts is told as it can still be
            return encode_events([self._no_op()])
        self._started = True
        named = self._with_model(data, inside="message")
        return block if named == data else frame("message_start", named)

    def _with_model(self, data: bytes, inside: str = "") -> bytes:
        """The message in ``data`` under the model's name as the client asked for it."""
        at = object_at_start(data)
        if inside:
            at = next(member.value for member in members(data, at) if member.name == inside)
        text = msgspec.json.encode(self._asked)
        return edited(data, [Edit(each.value, each.end, text) for each in members(data, at) if each.name == "model"])

    def _unreadable(self, data: bytes) -> bytes:
        if data.strip().startswith((b"{", b"[")):
            shown = data[:40].decode("utf-8", "replace")
            return self._fail(
                RequestError(f"the upstream sent an event that is no JSON: {shown}", status=502, type="api_error")
            )
        if not data.strip().startswith(b"[DONE]"):
            self.outcome.warnings.append("an event that is no JSON skipped")
        return b""

    def keep_alive(self, *, parsed: bool) -> bytes:
        if self._ended:
            return b""
        life: MessageDelta | Ping = self._no_op() if parsed else Ping()
        if self._started:
            return encode_events([life])
        self._started = True
        start = MessagesResponse(id=self._job.message_id, model=self._asked, content=[], usage=self._usage())
        return encode_events([MessageStart(start), life])

    def _no_op(self) -> MessageDelta:
        return MessageDelta(MessageEnd(), self._usage())

    def close(self, broken: RequestError | None = None) -> bytes:
        if self._whole is not None:
            failure = self._no_message(b"".join(self._whole), "JSON that was no stream")
            return self._fail(failure)
        rest = self._split.rest()
        said = self._passed(rest + b"\n\n") if _is_event(rest) else b""
        if self._ended:
            return said
        if self.outcome.stop_reason:  # all but the last word has come
            self._ended = True
            return said + encode_events([MessageStop()])
        return said + self._fail(broken or BROKEN)

    def _fail(self, failure: RequestError) -> bytes:
        """The end of a stream; an open block stays open, so that nobody acts on half a call."""
        if self._ended:
            return b""
        self._ended = True
        self._note_failure(failure)
        return encode_events([StreamError(error=Error(failure.type, str(failure)))])

    # Whole answers

    def complete(self, body: bytes) -> Answer:
        said = _decoded(body)
        if said is None or said.content is UNSET or said.error is not UNSET:
            return self._failed(self._no_message(body, "no message"))
        self._count(said.usage)
        self._note_end(said.stop_reason or "")
        return Answer(200, self._with_model(body.removeprefix(BOM)), {})

    def _no_message(self, body: bytes, what: str) -> RequestError:
        """Why a body of a good status is none: an error, or somebody else's words."""
        said = _decoded(body)
        if said is not None and said.content is UNSET:
            return self._explained(200, body)
        page = is_web_page(body)
        what = "a web page (HTML)" if page else what
        failing = self._job.failing
        return RequestError(
            f"{failing.upstream} answered with {what}. Check base_url and api under "
            f"[upstreams.{failing.upstream}], and whether somebody stands between (a proxy, a login page).",
            status=502,
            type="api_error",
            retry=False if page else None,
        )

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer | Remedy:
        failure = self._explained(status, body)
        field = refused_field(str(failure)) if status in (400, 422) else None
        if field is not None and field not in self._fields:
            self._fields[field] = None
            self._body = passed_on(self._job.body, self._fields, self._job.dialect, self.outcome.warnings)
            return Remedy(DROP + field, str(failure))
        wait = retry_after(headers, str(failure).lower()) if failure.status in (429, 503, 529) else None
        if failure.status == 429 and is_short(headers) and not self._waited:
            self._waited = True
            return Remedy(None, str(failure), wait=float(wait or 0))
        return with_wait(self._failed(failure), wait)

    def _explained(self, status: int, body: bytes) -> RequestError:
        """The upstream's own sentence where it is Anthropic's error already: clients know those by their words."""
        failing = self._job.failing
        failure = understood(failing, status, body, self._job.request_size)
        if failure.retry is None and failure.code is None:
            own = _own_error(body)
            type = own.type if own.type in STATUS else failure.type
            honest = STATUS.get(type, failure.status) if status == 200 else failure.status
            message = failing.hide(own.message) if own.type and type == failure.type else str(failure)
            failure = RequestError(message, status=honest, type=type if status == 200 else failure.type)
        return failure

    # For the journal

    def _count(self, counts: _Counts | None) -> None:
        """The later number counts; what a report leaves out stays as it was."""
        if counts is not None:
            self._counts = _Counts(
                *(
                    getattr(self._counts, name) if (number := getattr(counts, name)) is None else number
                    for name in _Counts.__struct_fields__
                )
            )

    def _usage(self) -> Usage:
        counts = self._counts
        cached = (counts.cache_read_input_tokens or 0) + (counts.cache_creation_input_tokens or 0)
        guess = 0 if cached else estimated(self._job.request_size, self._job.size_factor)
        return Usage(
            input_tokens=counts.input_tokens or guess,
            output_tokens=counts.output_tokens or 0,
            cache_read_input_tokens=counts.cache_read_input_tokens or 0,
            cache_creation_input_tokens=counts.cache_creation_input_tokens or 0,
        )

    def _note_end(self, stop_reason: str) -> None:
        usage = self._usage()
        self.outcome.stop_reason, self.outcome.usage = stop_reason, usage
        if self._counts.input_tokens:
            cached = usage.cache_read_input_tokens + usage.cache_creation_input_tokens
            self.outcome.prompt_tokens = usage.input_tokens + cached

    def _failed(self, failure: RequestError) -> Answer:
        self._note_failure(failure)
        return failed(failure)

    def _note_failure(self, failure: RequestError) -> None:
        if failure.type in NEVER_AGAIN:
            failure.retry = False
        self.outcome.failure, self.outcome.error = failure, str(failure)


_said = msgspec.json.Decoder(_Said)


def _decoded(data: bytes) -> _Said | None:
    try:
        return _said.decode(data.removeprefix(BOM))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_event(rest: bytes) -> bool:
    """Is it a whole event that only lacks its blank line?"""
    event = read_event(rest) if rest.strip() else None
    return event is not None and _decoded(event.data) is not None


class _OwnError(Struct, frozen=True):
    type: str = ""
    message: str = ""


class _ErrorBody(Struct):
    type: str = ""
    error: _OwnError = _OwnError()


def _own_error(body: bytes) -> _OwnError:
    """An error in Anthropic's shape; an empty one for any other."""
    try:
        told = msgspec.json.decode(body, type=_ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _OwnError()
    return told.error if told.type == "error" and told.error.message else _OwnError()
