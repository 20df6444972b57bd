"""What stands between the translation and its surroundings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, Protocol

from msgspec import Struct, field

from c2o.errors import RequestError
from c2o.translate.dialect import Dialect
from c2o.translate.media import Document, Media
from c2o.translate.upstream_errors import Failing
from c2o.translate.usage import PromptSize
from c2o.wire.anthropic import AppliedEdit, Usage


class Job(Struct, frozen=True, kw_only=True):
    """What a translator needs from the world: handed in, so that it stays pure."""

    message_id: str
    """Unique: Claude Code merges two turns with the same one."""
    model: str
    """The model's id at the upstream."""
    dialect: Dialect
    failing: Failing
    """Names for error sentences."""
    request_size: int
    """Bytes of the client's request."""
    max_output_tokens: int | None = None
    room: int | None = None
    """Tokens that the prompt leaves in the context window, where that is less than what is asked for."""
    edits: list[AppliedEdit] = []
    """What was left out of the prompt as the client wished, for the answer."""
    size_factor: float = 1.0
    """What earlier answers taught about estimating a prompt's tokens by its size."""
    remembered: Mapping[str, str] = {}
    """Reasoning of earlier turns by conversation and tool call, for clients that don't send it back."""
    learned: Collection[str] = ()
    """What earlier refusals taught about this upstream and model; see ``remedies``."""
    documents: Mapping[str, Document] = {}
    """The request's PDFs that were read, by their base64."""
    extra_body: Mapping[str, Any] = {}
    """See ``extra_body.with_extra``."""
    repair_history: bool = False
    body: bytes = b""
    """The client's request as it came, for an upstream that gets it as it is."""
    headers: Mapping[str, str] = {}
    """Those of the client's headers that belong to its request; names in lower case."""


class UpstreamRequest(NamedTuple):
    path: str
    """Joined to the upstream's base URL."""
    body: bytes
    method: str = "POST"
    at_server: bool = False
    """Joined to the address of the server itself instead, which has no version in it."""
    headers: Mapping[str, str] = {}
    """Beside those that every request to the upstream has."""


class Remedy(NamedTuple):
    """The request has been corrected after a refusal: send it again."""

    fact: str | None
    """What was learned for the requests to come; None if it was this request's own matter."""
    said: str = ""
    """The upstream's words that taught it, without keys."""
    wait: float = 0.0
    """Seconds to wait before: the request is as it was, and came too early."""


class Answer(NamedTuple):
    """A whole answer for the client."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Outcome(Struct):
    """What became of a request, for the journal.  Complete when the answer has ended."""

    stop_reason: str | None = None
    usage: Usage | None = None
    error: str | None = None
    failure: RequestError | None = None
    """What the client was told went wrong."""
    warnings: list[str] = field(default_factory=list)
    """What was dropped or changed on the way."""
    repairs: list[str] = field(default_factory=list)
    """What was mended in the model's answer."""
    prompt_size: PromptSize | None = None
    prompt_tokens: int | None = None
    """The whole prompt, as the upstream counted it."""
    fact: str | None = None
    """What the answer has taught about the upstream's model; see ``remedies``."""
    remember: dict[str, str] = field(default_factory=dict)
    """Reasoning to remember by conversation and tool call."""


class Translator(Protocol):
    """One Messages request and the answer to it.  Made per request, used once, does no I/O."""

    outcome: Outcome
    media: Media
    """What the upstream sees of images and documents, and which PDFs it would want read."""
    events: int
    """How many events of the upstream's stream have come; comments are none."""

    @property
    def done(self) -> bool:
        """Nothing more is needed from the upstream; ``close`` may be called."""

    def request(self) -> UpstreamRequest: ...

    def feed(self, data: bytes) -> bytes:
        """A piece of the upstream's stream in, Anthropic events out.  Never raises over what the upstream sent."""

    def keep_alive(self, *, parsed: bool) -> bytes:
        """What to say while the upstream is silent: a ping, or an event that clients parse."""

    def close(self, broken: RequestError | None = None) -> bytes:
        """The upstream ended, or broke off as ``broken`` says: finish well-formed, or with an error event."""

    def complete(self, body: bytes) -> Answer:
        """A whole answer of the upstream."""

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer | Remedy:
        """An answer with an error status.  ``headers`` have lower-case names.

        A Remedy: nothing was generated and the request has been corrected; ask ``request`` again.
        """
