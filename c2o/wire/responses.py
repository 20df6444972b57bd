"""OpenAI's Responses API as types.

What we send is exact, and stateless: the server keeps nothing (``store``), so reasoning travels as items.  What
upstreams send is decoded tolerantly: all events are one type.

https://platform.openai.com/docs/api-reference/responses (…/responses-streaming)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from c2o.wire.chat import ChatUsage
from c2o.wire.salvage import decoded

# What we send --------------------------------------------------------------------------------------


class InputText(Struct, gc=False, tag="input_text"):
    text: str


class InputImage(Struct, tag="input_image"):
    image_url: str
    detail: Literal["auto"] = "auto"
    """vLLM wants it to be there."""


class InputFile(Struct, tag="input_file", omit_defaults=True):
    filename: str | UnsetType = UNSET
    file_data: str | UnsetType = UNSET
    file_url: str | UnsetType = UNSET


InputPart = InputText | InputImage | InputFile


class OutputText(Struct, gc=False, tag="output_text"):
    text: str


class Message(Struct, gc=False, tag="message"):
    role: str
    content: list[InputPart] | list[OutputText]


class FunctionCall(Struct, gc=False, tag="function_call"):
    call_id: str
    name: str
    arguments: str


class FunctionCallOutput(Struct, gc=False, tag="function_call_output"):
    call_id: str
    output: str | Raw | list[InputPart]
    """``Raw`` is a string that passes as the client wrote it."""


Item = Message | FunctionCall | FunctionCallOutput | Raw
"""``Raw`` is a reasoning item, as the upstream made it."""


class FunctionTool(Struct, tag="function", omit_defaults=True):
    name: str
    strict: bool | UnsetType = UNSET
    """Always said: without it OpenAI takes a schema as a strict one, and makes all that is optional required."""
    description: str | UnsetType = UNSET
    parameters: Raw | UnsetType = UNSET


class SearchFilters(Struct, omit_defaults=True):
    allowed_domains: list[str] | UnsetType = UNSET
    blocked_domains: list[str] | UnsetType = UNSET
    excluded_domains: list[str] | UnsetType = UNSET
    """xAI's."""


class WebSearchTool(Struct, tag="web_search", omit_defaults=True):
    """https://developers.openai.com/api/docs/guides/tools-web-search"""

    filters: SearchFilters | UnsetType = UNSET


class NamedToolChoice(Struct, tag="function"):
    name: str


class Reasoning(Struct, omit_defaults=True):
    effort: str | UnsetType = UNSET
    summary: Literal["auto"] | UnsetType = UNSET


class Text(Struct):
    format: Mapping[str, Any]


class ResponsesRequest(Struct, omit_defaults=True, kw_only=True):
    model: str
    instructions: str | UnsetType = UNSET
    input: list[Item]
    max_output_tokens: int | UnsetType = UNSET
    stream: bool | UnsetType = UNSET
    store: bool | UnsetType = UNSET
    include: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET
    tools: list[FunctionTool] | list[WebSearchTool] | UnsetType = UNSET
    tool_choice: str | NamedToolChoice | UnsetType = UNSET
    parallel_tool_calls: bool | UnsetType = UNSET
    reasoning: Reasoning | UnsetType = UNSET
    text: Text | UnsetType = UNSET
    safety_identifier: str | UnsetType = UNSET
    prompt_cache_key: str | UnsetType = UNSET


encode_request = msgspec.json.Encoder().encode


# What upstreams send -------------------------------------------------------------------------------


class OutputItem(Struct):
    """A message, a call, reasoning, or a search; other kinds belong to tools that are never asked for."""

    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Any = None
    content: Any = None
    """Parts: of a message's text, or of reasoning that is shown as it is (vLLM, llama.cpp)."""
    summary: Any = None
    encrypted_content: str | None = None
    action: Any = None
    """Of a search: the query, and the sources that were read."""


class IncompleteDetails(Struct):
    reason: str | None = None


class Response(Struct):
    status: str | None = None
    output: list[OutputItem] | None = None
    error: Any = None
    incomplete_details: IncompleteDetails | None = None
    usage: ChatUsage | None = None


class ResponseEvent(Struct):
    """Any event of a stream."""

    type: str = ""
    item_id: str | None = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    item: OutputItem | None = None
    delta: Any = None
    text: Any = None
    refusal: Any = None
    arguments: Any = None
    response: Response | None = None
    error: Any = None
    code: Any = None
    message: Any = None


_event_decoder = msgspec.json.Decoder(ResponseEvent, strict=False)
_response_decoder = msgspec.json.Decoder(Response, strict=False)


def decode_event(data: bytes) -> ResponseEvent:
    """Raises msgspec.DecodeError where ``data`` isn't a JSON object."""
    return decoded(_event_decoder, data)


def decode_response(data: bytes) -> Response:
    """Raises msgspec.DecodeError where ``data`` isn't a JSON object."""
    return decoded(_response_decoder, data)
