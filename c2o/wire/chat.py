"""OpenAI chat completions as types.

What we send is exact and leaves out what isn't set, because several upstreams refuse null and unknown
fields.  What upstreams send is decoded tolerantly: a chunk and a whole completion are one type, a field
that varies in shape between servers is ``Any``, and numbers in strings count as numbers.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, structs

from c2o.wire.salvage import decoded

# What we send --------------------------------------------------------------------------------------


class ImageURL(Struct):
    url: str


class CacheBreakpoint(Struct, frozen=True, gc=False):
    mode: Literal["explicit"] = "explicit"


class TextPart(Struct, gc=False, tag="text"):
    text: str
    prompt_cache_breakpoint: CacheBreakpoint | UnsetType = UNSET
    """OpenAI, from gpt-5.6 on: a prefix that ends here will come again."""
    cache_control: Mapping[str, str] | UnsetType = UNSET
    """The same in Anthropic's words, which some gateways hand on."""


class ImagePart(Struct, tag="image_url"):
    image_url: ImageURL


class File(Struct):
    filename: str
    file_data: str
    """A data URL; OpenRouter also takes the address of a document."""


class FilePart(Struct, tag="file"):
    file: File


class ThinkingPart(Struct, tag="thinking"):
    """Mistral's form of reasoning in a history."""

    thinking: list[TextPart]
    closed: bool = True


UserPart = TextPart | ImagePart | FilePart
Part = UserPart | ThinkingPart


class FunctionCall(Struct, gc=False):
    name: str
    arguments: str


class ToolCall(Struct, gc=False, omit_defaults=True):
    id: str
    function: FunctionCall
    type: str
    extra_content: dict[str, dict[str, str]] | UnsetType = UNSET
    """Gemini: ``{"google": {"thought_signature": …}}``."""


class ChatMessage(Struct, gc=False, omit_defaults=True):
    role: str
    content: str | Raw | list[Part] | UnsetType | None = UNSET
    """``Raw`` is a string that passes as the client wrote it."""
    tool_calls: list[ToolCall] | UnsetType = UNSET
    tool_call_id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    """Of the tool whose result this is."""
    reasoning_content: str | UnsetType = UNSET
    reasoning: str | UnsetType = UNSET
    reasoning_details: Raw | UnsetType = UNSET
    """OpenRouter's; or the reasoning items that stand before the message, of the Responses API."""
    prefix: bool | UnsetType = UNSET
    """Mistral, DeepSeek beta: go on from here."""
    partial: bool | UnsetType = UNSET
    """Moonshot, Qwen: the same."""


class Function(Struct, omit_defaults=True):
    name: str
    description: str | UnsetType = UNSET
    parameters: Raw | UnsetType = UNSET
    strict: bool | UnsetType = UNSET


class FunctionTool(Struct):
    function: Function
    type: Literal["function"] = "function"


class FunctionName(Struct):
    name: str


class NamedToolChoice(Struct):
    function: FunctionName
    type: Literal["function"] = "function"


class StreamOptions(Struct):
    include_usage: bool = True


class JSONSchema(Struct):
    name: str
    schema: Raw
    strict: bool


class ResponseFormat(Struct, omit_defaults=True):
    type: str
    json_schema: JSONSchema | UnsetType = UNSET


class ChatRequest(Struct, omit_defaults=True, kw_only=True):
    model: str
    messages: list[ChatMessage]
    max_tokens: int | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    stream: bool | UnsetType = UNSET
    stream_options: StreamOptions | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET
    top_k: int | UnsetType = UNSET
    tools: list[FunctionTool] | UnsetType = UNSET
    tool_choice: str | NamedToolChoice | UnsetType = UNSET
    parallel_tool_calls: bool | UnsetType = UNSET
    reasoning_effort: str | UnsetType = UNSET
    thinking: Mapping[str, Any] | UnsetType = UNSET
    reasoning: Mapping[str, Any] | UnsetType = UNSET
    chat_template_kwargs: Mapping[str, Any] | UnsetType = UNSET
    response_format: ResponseFormat | UnsetType = UNSET
    safety_identifier: str | UnsetType = UNSET
    prompt_cache_key: str | UnsetType = UNSET
    enable_thinking: bool | UnsetType = UNSET
    """Qwen's."""
    tool_stream: bool | UnsetType = UNSET
    """Z.ai's: tool arguments come while they are made."""
    continue_final_message: bool | UnsetType = UNSET
    add_generation_prompt: bool | UnsetType = UNSET
    more: dict[str, Any] | UnsetType = UNSET
    """Fields of single vendors, by their names."""

    def put(self, field: str, value: Any) -> None:
        """Set a field of a dialect's or a person's choosing."""
        if field in self.__struct_fields__:
            setattr(self, field, value)
        else:
            self.more = {**(self.more or {}), field: value}


_encoder = msgspec.json.Encoder()


def encode_request(request: ChatRequest) -> bytes:
    """The body."""
    if not request.more:
        return _encoder.encode(request)
    body = _encoder.encode(structs.replace(request, more=UNSET))
    return _encoder.encode({**msgspec.json.decode(body, type=dict[str, Raw]), **request.more})


# What upstreams send -------------------------------------------------------------------------------


class FunctionDelta(Struct, gc=False):
    name: str | None = None
    arguments: Any = None
    """A piece of JSON text; some servers send the object itself."""


class ToolCallDelta(Struct, gc=False):
    function: FunctionDelta | None = None
    id: str | None = None
    index: int | None = None
    extra_content: Any = None
    """Gemini's thought signature comes here."""


class MessageDelta(Struct, gc=False):
    """``delta`` of a chunk, ``message`` of a whole completion."""

    content: Any = None
    """Text, null, or a list of parts (Mistral)."""
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_text: Any = None
    thinking: Any = None
    reasoning_details: Any = None
    """OpenRouter, MiniMax: a list of typed pieces."""
    refusal: str | None = None
    annotations: Any = None
    """What a search has found: OpenAI's ``url_citation``, which OpenRouter makes of every engine's results."""
    executed_tools: Any = None
    """What Groq's compound systems have done, and what they found (https://console.groq.com/docs/web-search)."""
    tool_calls: list[ToolCallDelta] | None = None
    function_call: FunctionDelta | None = None


class PromptDetails(Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    created_cache_tokens: int | None = None
    """vLLM's word for it."""
    cache_creation_tokens: int | None = None
    """LiteLLM's."""


class CompletionDetails(Struct):
    reasoning_tokens: int | None = None


class ChatUsage(Struct):
    """Counts under the names that servers use; ``translate.usage`` knows what they mean."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    """DeepSeek's word for cached tokens."""
    cached_tokens: int | None = None
    """Moonshot's."""
    reasoning_tokens: int | None = None
    """SGLang has it here."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: PromptDetails | None = None
    output_tokens_details: CompletionDetails | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation_tokens: int | None = None
    """Anthropic's names, which gateways pass on from there."""


class Groq(Struct):
    usage: ChatUsage | None = None


class Choice(Struct, gc=False):
    delta: MessageDelta | None = None
    message: MessageDelta | None = None
    finish_reason: str | None = None
    index: int | None = None
    usage: ChatUsage | None = None
    """Moonshot puts usage here."""


class Chunk(Struct, gc=False):
    """A streamed chunk or a whole completion."""

    choices: list[Choice] | None = None
    usage: ChatUsage | None = None
    error: Any = None
    x_groq: Groq | None = None
    """Groq streams usage here (https://console.groq.com/docs/api-reference#chat-create)."""
    web_search: Any = None
    """Z.ai's list of what a search has found (https://docs.z.ai/guides/tools/web-search)."""
    search_results: Any = None
    """Perplexity's (https://docs.perplexity.ai/docs/sonar/features)."""


_chunk_decoder = msgspec.json.Decoder(Chunk, strict=False)


def decode_chunk(data: bytes) -> Chunk:
    """One chunk.  Raises msgspec.DecodeError where ``data`` isn't a JSON object."""
    return decoded(_chunk_decoder, data)
