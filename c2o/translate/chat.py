"""One Messages request and its answer, through an upstream that speaks chat completions."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from c2o.errors import RequestError
from c2o.translate import thinking
from c2o.translate.answers import NEVER_AGAIN, STATUS, failed, with_wait
from c2o.translate.chat_request import chat_request
from c2o.translate.chat_stream import ChatStream, TextFilter
from c2o.translate.conversation import Turn, turns
from c2o.translate.extra_body import with_extra
from c2o.translate.media import media_of
from c2o.translate.message_builder import MessageBuilder, fold
from c2o.translate.odd_bodies import completion_in, is_error, is_web_page
from c2o.translate.prefill import Echo, prefill
from c2o.translate.reasoning import ReasoningStream, Replay, conversation_of, mode_of
from c2o.translate.remedies import CORRECTIONS, apply, more_room, remedy_for
from c2o.translate.retry_after import is_short, retry_after
from c2o.translate.steps import headers
from c2o.translate.structured import Structured, schema_of
from c2o.translate.think_tags import ThinkTags
from c2o.translate.tool_calls import CallRouter
from c2o.translate.tool_text import ToolText
from c2o.translate.tools import Toolbox
from c2o.translate.types import Answer, Job, Outcome, Remedy, UpstreamRequest
from c2o.translate.unsupported import check, check_prewarm
from c2o.translate.upstream_errors import Told, is_failed_call, read, understood
from c2o.translate.usage import estimated, prompt_size
from c2o.translate.web_search import Search, ask, wish_of
from c2o.wire.anthropic import (
    Error,
    MessageDelta,
    MessagesRequest,
    MessagesResponse,
    StreamError,
    Usage,
    encode,
    encode_events,
)
from c2o.wire.chat import ChatRequest, Chunk, decode_chunk, encode_request
from c2o.wire.sse import BOM, LIMIT, ServerSentEvent, SSEDecoder, TooLong
from c2o.wire.surrogates import ends_in_half, has_halves, joined, without_halves

DONE = b"[DONE]"

STREAM = b"deir:\xef"
"""With which byte a stream can begin: ``data``, ``event``, ``id``, ``retry``, a comment, a byte order mark.
With any other it's something else: a completion, an error in a list, somebody's web page."""

HALVES = "half of a character put together with its other half, or replaced"

BROKEN = RequestError("the upstream closed the stream before the answer was finished", status=502, type="api_error")


def prewarmed(request: MessagesRequest, job: Job) -> Answer:
    """The answer to ``max_tokens: 0``, which wants nothing generated.  Raises RequestError like any request."""
    check_prewarm(request)
    turns(request.messages, repair=job.repair_history, notes=[])
    usage = Usage(input_tokens=estimated(job.request_size, job.size_factor), output_tokens=0)
    message = MessagesResponse(
        id=job.message_id, model=request.model, content=[], stop_reason="max_tokens", usage=usage
    )
    return Answer(200, encode(message), {})


class ChatTranslator:
    """See the Translator protocol.  Made per request, used once, does no I/O.

    What another API of OpenAI's writes and reads in its own way is in ``request``, ``_encoded``, ``_heard``,
    ``_heard_whole`` and ``_corrected``.
    """

    ANSWER = "chat completion"
    """What a whole answer is called."""

    def __init__(self, request: MessagesRequest, job: Job) -> None:
        self.outcome = Outcome()
        self.events = 0
        notes = self.outcome.warnings
        said = turns(request.messages, repair=job.repair_history, notes=notes)
        self._search = wish_of(request, job.dialect)
        searches = self._search is not None
        tools = Toolbox([] if searches else request.tools, None if searches else request.tool_choice, said, notes)
        _check_stop_sequences(request.stop_sequences or [])
        self._job = job
        self._thinks = thinking.in_any_case(request, job.dialect)
        named = job.dialect.reasoning_replay != "drop" or job.dialect.prompt_cache_key
        conversation = conversation_of(request, said) if named else ""
        check(request)
        self.media = media_of(job.dialect, job.documents, job.learned)
        """What the upstream sees of images and documents, and which PDFs it would want read."""
        self._chat = self._ask(request, said, tools, conversation)
        if self._search is not None:
            ask(self._chat, self._search, job.dialect, notes)
        apply(job.learned, self._chat)
        prefilled = prefill(self._chat, job.dialect)
        self._corrections = 0
        self._hopeless = False
        """Is it a web page that answers?  It will again."""
        self._replayed = False
        """Has the request been sent once more as it was?"""
        self._body = self._encoded()
        self.outcome.prompt_size = prompt_size(self._chat, self._body)
        self._prompt_estimate = self.outcome.prompt_size.tokens(job.size_factor)
        self._builder = MessageBuilder(
            id=job.message_id,
            model=request.model,
            usage=Usage(input_tokens=self._prompt_estimate, output_tokens=0),
            edits=job.edits,
        )
        self._stream = self._listen(
            request, said, tools, conversation, _filters(request, prefilled, self.outcome.warnings)
        )
        self._decoder = SSEDecoder()
        self._whole: list[bytes] | None = None
        """The pieces of a JSON answer that came where a stream was asked for."""
        self._whole_size = 0
        self._half = b""
        """A chunk whose text ends in half of a character: the next may bring the other."""
        self._begun = False
        self._done = False

    def _ask(self, request: MessagesRequest, said: list[Turn], tools: Toolbox, conversation: str) -> ChatRequest:
        job = self._job
        return chat_request(
            request,
            said,
            tools,
            Replay(
                job.dialect,
                upstream=job.failing.upstream,
                model=job.model,
                remembered=job.remembered,
                conversation=conversation,
                tools=bool(tools),
            ),
            model=job.model,
            dialect=job.dialect,
            conversation=conversation,
            max_output_tokens=min((limit for limit in (job.max_output_tokens, job.room) if limit), default=None),
            media=self.media,
            notes=self.outcome.warnings,
        )

    def _listen(
        self, request: MessagesRequest, said: list[Turn], tools: Toolbox, conversation: str, filters: list[TextFilter]
    ) -> ChatStream:
        job = self._job
        used_ids = {id for turn in said for id in turn.calls}
        seed = job.message_id.removeprefix("msg_")
        return ChatStream(
            self._builder,
            CallRouter(tools, used_ids=used_ids, id_seed=seed, notes=self.outcome.repairs),
            ReasoningStream(
                self._builder,
                mode=mode_of(request.thinking),
                dialect=job.dialect,
                upstream=job.failing.upstream,
                model=job.model,
                conversation=conversation,
            ),
            filters=filters,
            stop_sequences=request.stop_sequences or [],
            think=ThinkTags(opened=job.dialect.think_open) if job.dialect.think_tags else None,
            tool_text=ToolText(tools.written_names(), self.outcome.repairs) if job.dialect.tool_text else None,
            prompt_estimate=self._prompt_estimate,
            max_tokens=min(request.max_tokens or 0, job.max_output_tokens or request.max_tokens or 0),
            search=Search(self._search, seed) if self._search is not None else None,
        )

    @property
    def done(self) -> bool:
        return self._done or self._stream.ended or self._stream.stopped

    def request(self) -> UpstreamRequest:
        return UpstreamRequest("/chat/completions", self._body, headers=headers(self._chat, self._job.dialect))

    def _encoded(self) -> bytes:
        return with_extra(encode_request(self._chat), self._job.extra_body)

    def feed(self, data: bytes) -> bytes:
        self._hear(data)
        return self._said()

    def _hear(self, data: bytes) -> None:
        if not self._begun and data.strip():
            self._begun = True
            self._whole = None if data.lstrip()[:1] in STREAM else []
        try:
            if self._whole is not None:
                self._keep(data)
            else:
                self._take_events(self._decoder.feed(data))
        except TooLong:
            self._stream.fail("api_error", "the upstream sent a line that is larger than c2o takes")
            self._whole = None

    def _keep(self, data: bytes) -> None:
        assert self._whole is not None
        self._whole.append(data)
        self._whole_size += len(data)
        if self._whole_size > LIMIT:
            raise TooLong

    def keep_alive(self, *, parsed: bool) -> bytes:
        if self._stream.ended:
            return b""
        self._builder.keep_alive(parsed=parsed)
        return self._said()

    def close(self, broken: RequestError | None = None) -> bytes:
        if self._whole is not None:
            self._take_whole(b"".join(self._whole))
        else:
            self._take_events(self._decoder.close())
            self._last_half()
        if not self._stream.ended:
            self._end(broken)
        return self._said()

    def complete(self, body: bytes) -> Answer:
        if body.removeprefix(BOM).lstrip().startswith((b"data:", b"event:", b"id:", b"retry:", b":")):
            self._hear(body)  # a stream where none was asked for
            self._take_events(self._decoder.close())
            self._last_half()
            self._end(None)
        else:
            self._take_whole(body)
        events = self._builder.take()
        if events and isinstance(events[-1], StreamError):
            return self._failed(self._as_failure(events[-1].error))
        message = fold(events)
        self._note_end(message.stop_reason, message.usage)
        return Answer(200, encode(message), {})

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer | Remedy:
        told = read(status, body, self._job.failing.hide)
        if self._corrections < CORRECTIONS and (remedy := self._corrected(told)):
            self._corrections += 1
            self._body = self._encoded()
            return remedy._replace(said=told.message)
        failure = understood(self._job.failing, status, body, self._job.request_size)
        wait = retry_after(headers, told.words) if failure.status in (429, 503, 529) else None
        too_early = failure.status == 429 and is_short(headers)
        if not self._replayed and (too_early or is_failed_call(told)):
            self._replayed = True
            return Remedy(None, told.message, wait=float(wait or 0) if too_early else 0.0)
        return with_wait(self._failed(failure), wait)

    def _corrected(self, told: Told) -> Remedy | None:
        """Correct the request if the refusal says how."""
        return remedy_for(told, self._chat)

    def _take_events(self, events: list[ServerSentEvent]) -> None:
        self.events += len(events)
        stream = self._stream
        for event in events:
            if self._done or stream.ended or stream.stopped:
                return
            self._event(event)

    def _event(self, event: ServerSentEvent) -> None:
        data = event.data
        if self._half:
            data = self._after_half(data)
        try:
            heard = self._heard(event.event, data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._unreadable(data)  # [DONE] too
            return
        self._tell(heard)

    def _heard(self, event: str, data: bytes) -> Chunk | bytes:
        """What an event says; the body of an error, if it is one.  Raises msgspec.DecodeError."""
        chunk = decode_chunk(data)
        return data if chunk.error or (chunk.choices is None and is_error(event, data)) else chunk

    def _tell(self, heard: Chunk | bytes) -> None:
        if isinstance(heard, Chunk):
            self._stream.chunk(heard)
        else:
            failure = understood(self._job.failing, 200, heard)
            self._stream.fail(failure.type, str(failure))

    def _after_half(self, data: bytes) -> bytes:
        """Read the chunk that waits for the second half of a character; what is left of the one that followed it."""
        first, self._half = self._half, b""
        first, data = joined(first, data)
        self._tell(self._heard("", without_halves(first)))
        return data

    def _last_half(self) -> None:
        if self._half:
            self._after_half(b"")

    def _unreadable(self, data: bytes) -> None:
        """A line that should have been JSON means a broken answer; any other is somebody's remark."""
        data = data.strip()
        if (mended := data.decode("utf-8", "replace").encode()) != data:
            self.outcome.warnings.append("bytes that are no UTF-8 replaced")
            self._event(ServerSentEvent("", mended))
        elif data.startswith(DONE):
            self._done = True
        elif self._mended(data) is not None:
            if ends_in_half(data):
                self._half = data
            else:
                self._event(ServerSentEvent("", without_halves(data)))
        elif data.startswith((b"{", b"[")):
            self._stream.fail("api_error", f"the upstream sent a line that is no JSON: {self._shown(data)}")
        elif data:
            self.outcome.warnings.append("a line that is no JSON skipped")

    def _shown(self, data: bytes) -> str:
        """The error that a broken line may have been; of any other only the beginning, which holds nobody's words."""
        return str(understood(self._job.failing, 200, data if b'"error"' in data else data[:40]))

    def _take_whole(self, body: bytes) -> None:
        """A whole answer, or an error in the place of one."""
        try:
            heard = self._heard_whole(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if (mended := self._mended(body)) is not None:
                self._take_whole(mended)
            else:
                self._no_completion(body)
            return
        self._tell(heard)
        self._stream.finish()

    def _heard_whole(self, body: bytes) -> Chunk | bytes:
        """What a whole answer says; the body of an error, if it is one.  Raises msgspec.DecodeError."""
        chunk = decode_chunk(body)
        if chunk.choices is None and not chunk.error:
            chunk = completion_in(body) or chunk
        return body if chunk.error or chunk.choices is None else chunk

    def _no_completion(self, body: bytes) -> None:
        failing = self._job.failing
        self._hopeless = is_web_page(body)
        what = "a web page (HTML)" if self._hopeless else f"no {self.ANSWER}"
        self._stream.fail(
            "api_error",
            f"the answer is {what}: {understood(failing, 502, body)}. Check base_url under "
            f"[upstreams.{failing.upstream}], and whether somebody stands between (a proxy, a login page).",
        )

    def _mended(self, data: bytes) -> bytes | None:
        """JSON that can be read once the halves of characters in it are replaced; None where that isn't the matter."""
        if len(data) > LIMIT or not has_halves(data):
            return None
        mended = without_halves(data)
        try:
            msgspec.json.decode(mended, type=dict[str, Raw])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if HALVES not in self.outcome.warnings:
            self.outcome.warnings.append(HALVES)
        return mended

    def _end(self, broken: RequestError | None) -> None:
        """A stream counts as finished with ``[DONE]``, a finish reason, or a stop sequence of ours."""
        if self._done or self._stream.finish_reason or self._stream.stopped:
            self._stream.finish()
        else:
            failure = broken or BROKEN
            self._stream.fail(failure.type, str(failure))

    def _said(self) -> bytes:
        events = self._builder.take()
        if self._stream.ended:
            for event in events:
                if isinstance(event, MessageDelta):
                    self._note_end(event.delta.stop_reason, event.usage)
                elif isinstance(event, StreamError):
                    self._note_failure(self._as_failure(event.error))
        return encode_events(events)

    def _note_end(self, stop_reason: str | None, usage: Usage) -> None:
        self.outcome.stop_reason, self.outcome.usage = stop_reason, usage
        self.outcome.prompt_tokens = self._stream.prompt_tokens
        self.outcome.remember = self._stream.remember
        if self._stream.thought_away and self._thinks:
            self.outcome.fact = more_room(self._chat)

    def _failed(self, failure: RequestError) -> Answer:
        self._note_failure(failure)
        return failed(failure)

    def _note_failure(self, failure: RequestError) -> None:
        self.outcome.failure, self.outcome.error = failure, str(failure)

    def _as_failure(self, error: Error) -> RequestError:
        retry = False if self._hopeless or error.type in NEVER_AGAIN else None
        return RequestError(error.message, status=STATUS.get(error.type, 502), type=error.type, retry=retry)


def _filters(request: MessagesRequest, prefilled: str, notes: list[str]) -> list[TextFilter]:
    """What the answer's text goes through before anybody sees it."""
    filters: list[TextFilter] = [Echo(prefilled)] if prefilled else []
    return [*filters, Structured(notes)] if schema_of(request) is not None else filters


def _check_stop_sequences(sequences: list[str]) -> None:
    for number, sequence in enumerate(sequences):
        if not sequence.strip():
            raise RequestError(f"stop_sequences.{number}: each stop sequence must contain non-whitespace")
