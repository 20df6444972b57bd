"""One Messages request and its answer, through an upstream that is asked by OpenAI's Responses API.

Some models are served there alone, and OpenAI's newer ones think beside tools only there
(https://github.com/openai/openai-openapi/issues/541).  OpenAI's two APIs differ in shape, not in what can be said:
requests are made and answers told by what chat completions use; here is what stands between.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import UNSET, structs

from c2o.translate.chat import ChatTranslator
from c2o.translate.dialect import Dialect
from c2o.translate.extra_body import with_extra
from c2o.translate.odd_bodies import is_error
from c2o.translate.reasoning import mode_of
from c2o.translate.remedies import TOOLS_AND_EFFORT_FACT, is_refused
from c2o.translate.responses_request import responses_request
from c2o.translate.responses_stream import ResponseReader
from c2o.translate.types import Job, Remedy, UpstreamRequest
from c2o.translate.upstream_errors import Told
from c2o.wire.anthropic import MessagesRequest
from c2o.wire.chat import Chunk
from c2o.wire.responses import decode_event, decode_response, encode_request

WITHOUT = "responses_without:"
"""Begins the fact that a field of this API is refused."""

FIELDS: dict[str, re.Pattern[str]] = {
    "reasoning.summary": re.compile(r"reasoning\.summary\b|generate reasoning summaries"),
    "include": re.compile(r"['\"`]include['\"`]|encrypted content is not supported"),
    "store": re.compile(r"['\"`]store['\"`]"),
}
"""Fields without which a request still means the same, or nearly, and how refusals name them.  OpenAI shows summaries
to verified organizations only (https://help.openai.com/en/articles/10910291-api-organization-verification)."""


def settled(dialect: Dialect) -> Dialect:
    """A dialect's habits, where what differs between chat completions is the same for all in this API."""
    return structs.replace(
        dialect,
        reasoning_replay="response_items",
        reasoning_required=False,
        effort_with_tools=True,
        effort_field="reasoning_effort",
        required_word="required",
        tool_media=dialect.output_media,
        stream_usage=False,
        web_search="responses" if dialect.responses_search else "none",
        prefill="refuse",
        top_k=False,
        cache_breakpoints=False,
        cache_control=False,
        fields={},
        thinking_on={},
        thinking_off={},
    )


class ResponsesTranslator(ChatTranslator):
    """See the Translator protocol.  Made per request, used once, does no I/O."""

    ANSWER = "response"

    def __init__(self, request: MessagesRequest, job: Job) -> None:
        self._reader = ResponseReader()
        self._without = {fact.removeprefix(WITHOUT) for fact in job.learned if fact.startswith(WITHOUT)}
        self._summary = mode_of(request.thinking) == "show" and bool(job.dialect.reasoning_efforts)
        learned = [fact for fact in job.learned if fact != TOOLS_AND_EFFORT_FACT]
        super().__init__(request, structs.replace(job, dialect=settled(job.dialect), learned=learned))

    def request(self) -> UpstreamRequest:
        return super().request()._replace(path="/responses")

    def _encoded(self) -> bytes:
        asked = responses_request(self._chat, summary=self._summary, without=self._without)
        return with_extra(encode_request(asked), self._job.extra_body)

    def _heard(self, event: str, data: bytes) -> Chunk | bytes:
        said = decode_event(data)
        said.type = said.type or event
        if not said.type.startswith("response.") and is_error(event, data):
            return data
        chunk = self._reader.event(said)
        self._done = self._done or self._reader.over
        return _error(chunk.error) if chunk.error else chunk

    def _heard_whole(self, body: bytes) -> Chunk | bytes:
        response = decode_response(body)
        if response.output is None and not response.error:
            return body
        chunk = self._reader.whole(response)
        return _error(chunk.error) if chunk.error else chunk

    def _corrected(self, told: Told) -> Remedy | None:
        if told.status != 400:
            return super()._corrected(told)
        return self._without_reasoning(told) or self._without_field(told) or super()._corrected(told)

    def _without_reasoning(self, told: Told) -> Remedy | None:
        """Reasoning that the upstream can't open: another organization's, or too old."""
        items = [message for message in self._chat.messages if message.reasoning_details is not UNSET]
        if "invalid_encrypted_content" not in told.words or not items:
            return None
        for message in items:
            message.reasoning_details = UNSET
        self.outcome.warnings.append("reasoning of earlier turns dropped: the upstream can't read it")
        return Remedy(None)

    def _without_field(self, told: Told) -> Remedy | None:
        for field, named in FIELDS.items():
            if field not in self._without and named.search(told.words) and is_refused(told):
                self._without.add(field)
                return Remedy(WITHOUT + field)
        return None


def _error(error: object) -> bytes:
    return msgspec.json.encode({"error": error})
