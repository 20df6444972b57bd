"""The Anthropic Messages API as types.

What clients send is decoded tolerantly: flat structs, every field optional, unknown fields and block
types kept out of the way, because tomorrow's client sends a block that nobody has heard of.
What we send is exact: tagged structs.  ``UNSET`` is absent and ``None`` is null; the protocol knows the
difference.  JSON that is merely carried stays ``Raw``, byte for byte.  ``gc=False`` stands where there are
many of a kind and none can be part of a cycle: it keeps the garbage collector out of the hot path.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from c2o.wire.sse import frame
from c2o.wire.tolerance import known_blocks, known_parts

# What clients send ---------------------------------------------------------------------------------


class Source(Struct, gc=False):
    """Where an image's or a document's content is: ``base64``, ``url``, ``text``, ``content``, ``file``."""

    type: str = ""
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    content: Raw | UnsetType = UNSET


class Block(Struct, gc=False):
    """A content block of any type; which fields it has depends on ``type``."""

    type: str
    text: str | UnsetType = UNSET
    source: Source | str | UnsetType = UNSET
    """Of a search result: where it is from."""
    id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    input: Raw | UnsetType = UNSET
    tool_use_id: str | UnsetType = UNSET
    content: Raw | UnsetType = UNSET
    """Of a tool result: a string, a list of blocks, or null."""
    is_error: bool | None = None
    cache_control: Raw | UnsetType = UNSET
    thinking: str | UnsetType = UNSET
    signature: str | None = None
    title: str | None = None
    context: str | None = None
    tool_name: str | UnsetType = UNSET
    toolset_name: str | None = None
    """Of a call or its result: the toolset that the called tool is a member of."""
    server_name: str | None = None
    """Of an MCP server that Anthropic's API called."""
    tool: ToolChange | UnsetType = UNSET
    """Of a tool addition or removal: which tool."""
    tool_changes: list[Block] | None = None
    """Of a compaction: the additions and removals of the part that it sums up."""
    tabs: Raw | UnsetType = UNSET
    state_changes: Raw | UnsetType = UNSET
    """Of a browser state."""


class OutputFormat(Struct):
    type: str
    schema: Raw | UnsetType = UNSET


class OutputConfig(Struct):
    effort: str | None = None
    format: OutputFormat | None = None


class Message(Struct, gc=False):
    role: str
    content: str | list[Block]
    output_config: OutputConfig | None = None
    """Of a system message: the effort from here on."""
    clear_at: str | None = None
    """Of a system message: until when it holds."""


class MemberConfig(Struct):
    """What a client says about one member of a toolset."""

    enabled: bool | None = None
    defer_loading: bool | None = None


class Tool(Struct, gc=False):
    """A tool: the client's own, or one that Anthropic defines, with its options."""

    name: str = ""
    type: str | None = None
    description: str | None = None
    input_schema: Raw | UnsetType = UNSET
    input_examples: list[Raw] | None = None
    defer_loading: bool | None = None
    strict: bool | None = None
    allowed_callers: list[str] | None = None
    allowed_domains: list[str] | None = None
    """Of a search: where it may look, and where not."""
    blocked_domains: list[str] | None = None
    max_characters: int | None = None
    display_width_px: int | None = None
    display_height_px: int | None = None
    display_number: int | None = None
    enable_zoom: bool | None = None
    configs: dict[str, MemberConfig | None] | None = None


class ToolChange(Struct):
    """The tool that is added or removed in mid-conversation: by its name, or by its definition."""

    type: str = ""
    name: str | None = None
    server_name: str | None = None
    definition: Tool | None = None


class ToolChoice(Struct):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Struct):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


class Metadata(Struct):
    user_id: str | None = None


class Amount(Struct):
    """A number of something, such as ``input_tokens``, ``tool_uses`` or ``thinking_turns``."""

    type: str
    value: int = 0


class ContextEdit(Struct):
    """Something that should be left out of the history."""

    type: str
    trigger: Amount | None = None
    keep: Amount | str | None = None
    clear_at_least: Amount | None = None
    exclude_tools: list[str] | None = None
    clear_tool_inputs: bool | list[str] | None = None

    @property
    def keeps_all(self) -> bool:
        return (self.keep.type if isinstance(self.keep, Amount) else self.keep) == "all"


class ContextManagement(Struct):
    edits: list[ContextEdit] = []


class MessagesRequest(Struct):
    """The body of ``POST /v1/messages`` and of ``POST /v1/messages/count_tokens``."""

    model: str
    messages: list[Message]
    max_tokens: int | UnsetType = UNSET
    system: str | list[Block] | None = None
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None
    """An older spelling of ``output_config.format``."""
    metadata: Metadata | None = None
    context_management: ContextManagement | None = None
    thread: Raw | UnsetType = UNSET
    mcp_servers: Raw | UnsetType = UNSET
    compaction: Raw | UnsetType = UNSET
    container: Raw | UnsetType = UNSET


# What we send --------------------------------------------------------------------------------------

StopReason = Literal[
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded"
]


class OutputTokensDetails(Struct, frozen=True):
    thinking_tokens: int


class ServerToolUsage(Struct, frozen=True, kw_only=True):
    """How often the server has run a tool of its own."""

    web_search_requests: int
    web_fetch_requests: int = 0


class Usage(Struct, frozen=True, kw_only=True):
    """Tokens.  ``input_tokens`` is the part of the prompt that no cache served."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    output_tokens_details: OutputTokensDetails | UnsetType = UNSET
    server_tool_use: ServerToolUsage | UnsetType = UNSET


class Citation(Struct, frozen=True, kw_only=True, tag="web_search_result_location"):
    """Where a part of a text comes from."""

    cited_text: str
    url: str
    title: str | None = None
    encrypted_index: str = ""
    """For Anthropic's own servers, which read it when it comes back."""


class TextBlock(Struct, frozen=True, tag="text"):
    text: str = ""
    citations: list[Citation] | UnsetType = UNSET


class ThinkingBlock(Struct, frozen=True, tag="thinking"):
    thinking: str = ""
    signature: str = ""


class ToolUseBlock(Struct, frozen=True, tag="tool_use"):
    id: str
    name: str
    input: Raw = Raw(b"{}")
    toolset_name: str | UnsetType = UNSET


class ServerToolUseBlock(Struct, frozen=True, tag="server_tool_use"):
    """A call that the server has run itself."""

    id: str
    name: str
    input: Raw = Raw(b"{}")


class WebSearchResult(Struct, frozen=True, kw_only=True, tag="web_search_result"):
    url: str
    title: str
    encrypted_content: str = ""
    """For Anthropic's own servers, which read it when it comes back."""
    page_age: str | None = None


class WebSearchResultBlock(Struct, frozen=True, tag="web_search_tool_result"):
    tool_use_id: str
    content: list[WebSearchResult]


ContentBlock = TextBlock | ThinkingBlock | ToolUseBlock | ServerToolUseBlock | WebSearchResultBlock


class TextDelta(Struct, frozen=True, gc=False, tag="text_delta"):
    text: str


class ThinkingDelta(Struct, frozen=True, gc=False, tag="thinking_delta"):
    thinking: str


class SignatureDelta(Struct, frozen=True, gc=False, tag="signature_delta"):
    signature: str


class InputJSONDelta(Struct, frozen=True, gc=False, tag="input_json_delta"):
    partial_json: str


class CitationsDelta(Struct, frozen=True, gc=False, tag="citations_delta"):
    citation: Citation


Delta = TextDelta | ThinkingDelta | SignatureDelta | InputJSONDelta | CitationsDelta


class StopDetails(Struct, frozen=True, kw_only=True):
    """Why a model refused."""

    type: Literal["refusal"] = "refusal"
    category: str | None = None
    explanation: str | None = None


class ClearedToolUses(Struct, frozen=True, kw_only=True, tag="clear_tool_uses_20250919"):
    cleared_tool_uses: int
    cleared_input_tokens: int


class ClearedThinking(Struct, frozen=True, kw_only=True, tag="clear_thinking_20251015"):
    cleared_thinking_turns: int
    cleared_input_tokens: int


AppliedEdit = ClearedToolUses | ClearedThinking


class AppliedEdits(Struct, frozen=True):
    applied_edits: list[AppliedEdit]


class MessagesResponse(Struct, kw_only=True, tag="message"):
    """A whole answer; also the beginning of a streamed one."""

    id: str
    role: Literal["assistant"] = "assistant"
    model: str
    content: list[ContentBlock]
    stop_reason: StopReason | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | UnsetType = UNSET
    usage: Usage
    context_management: AppliedEdits | UnsetType = UNSET


class MessageStart(Struct, frozen=True, tag="message_start"):
    message: MessagesResponse


class ContentBlockStart(Struct, frozen=True, tag="content_block_start"):
    index: int
    content_block: ContentBlock


class ContentBlockDelta(Struct, frozen=True, gc=False, tag="content_block_delta"):
    index: int
    delta: Delta


class ContentBlockStop(Struct, frozen=True, tag="content_block_stop"):
    index: int


class MessageEnd(Struct, frozen=True, kw_only=True):
    """The ``delta`` of a ``message_delta``."""

    stop_reason: StopReason | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | UnsetType = UNSET


class MessageDelta(Struct, frozen=True, tag="message_delta"):
    delta: MessageEnd
    usage: Usage
    context_management: AppliedEdits | UnsetType = UNSET


class MessageStop(Struct, frozen=True, tag="message_stop"):
    pass


class Ping(Struct, frozen=True, tag="ping"):
    pass


class ErrorDetails(Struct, frozen=True):
    error_code: str


class Error(Struct, frozen=True):
    type: str
    message: str
    details: ErrorDetails | UnsetType = UNSET


class StreamError(Struct, frozen=True, kw_only=True, tag="error"):
    """An ``error`` event, and the body of an error answer."""

    error: Error
    request_id: str | UnsetType = UNSET


Event = (
    MessageStart
    | ContentBlockStart
    | ContentBlockDelta
    | ContentBlockStop
    | MessageDelta
    | MessageStop
    | Ping
    | StreamError
)


class CountedContext(Struct, frozen=True):
    original_input_tokens: int


class TokenCount(Struct, frozen=True):
    input_tokens: int
    context_management: CountedContext | UnsetType = UNSET


class ModelInfo(Struct, frozen=True, kw_only=True, tag="model"):
    """One entry of ``GET /v1/models``.  The SDKs want a display name and a date; the client shows the former."""

    id: str
    display_name: str
    created_at: str = "1970-01-01T00:00:00Z"
    """Not known for models that others serve."""
    lifecycle: str = "active"
    max_input_tokens: int | None = None
    max_tokens: int | None = None


class ModelPage(Struct, frozen=True, kw_only=True):
    data: list[ModelInfo]
    has_more: bool
    first_id: str | None
    last_id: str | None


# Bytes ---------------------------------------------------------------------------------------------

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(MessagesRequest)
_content_decoder: msgspec.json.Decoder[str | list[Block] | None] = msgspec.json.Decoder(str | list[Block] | None)
encode = _encoder.encode


def decode_request(body: bytes) -> MessagesRequest:
    """A client's request.  Raises msgspec.DecodeError (not JSON) or msgspec.ValidationError (not a request)."""
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError:
        return _decoder.decode(known_parts(body))


def decode_content(raw: Raw) -> str | list[Block] | None:
    """The content inside a tool result or a document.  Raises msgspec.ValidationError."""
    try:
        return _content_decoder.decode(raw)
    except msgspec.ValidationError:
        return _content_decoder.decode(known_blocks(raw))


def encode_events(events: list[Event]) -> bytes:
    """Events as they go over the wire."""
    pieces: list[bytes] = []
    for event in events:
        pieces += (_PREFIX[type(event)], encode(event), b"\n\n")
    return b"".join(pieces)


def _tag(kind: Any) -> str:
    return str(kind.__struct_config__.tag)


_PREFIX: dict[type, bytes] = {
    kind: frame(_tag(kind), b"").removesuffix(b"\n\n")
    for kind in (
        MessageStart,
        ContentBlockStart,
        ContentBlockDelta,
        ContentBlockStop,
        MessageDelta,
        MessageStop,
        Ping,
        StreamError,
    )
}
