"""ChatRequest → the body of a request to the Responses API.

Both of OpenAI's APIs say the same of a conversation in different shapes.  So a request is made once, by
``chat_request``, with all that dialects and earlier refusals teach about it, and told here in items.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from c2o.wire import chat
from c2o.wire.responses import (
    FunctionCall,
    FunctionCallOutput,
    FunctionTool,
    InputFile,
    InputImage,
    InputPart,
    InputText,
    Item,
    Message,
    NamedToolChoice,
    OutputText,
    Reasoning,
    ResponsesRequest,
    Text,
    WebSearchTool,
)

LEAST_OUTPUT = 16
"""Tokens that an answer must be allowed to have
(https://platform.openai.com/docs/api-reference/responses/create#responses-create-max_output_tokens)."""

ENCRYPTED = "reasoning.encrypted_content"

SOURCES = "web_search_call.action.sources"
"""All pages that a search has found, beside those that the answer refers to."""

SEARCH = "web_search"
"""Where a request says that it is a search."""

INSTRUCTIONS = ("system", "developer")


def responses_request(request: chat.ChatRequest, *, summary: bool, without: Collection[str]) -> ResponsesRequest:
    """``summary``: whether the client wants to see the reasoning.  ``without``: fields that the upstream refuses."""
    first, rest = _apart(request.messages)
    return ResponsesRequest(
        model=request.model,
        instructions=first,
        input=[item for message in rest for item in _items(message)],
        max_output_tokens=_limit(request),
        stream=request.stream,
        store=UNSET if "store" in without else False,
        include=UNSET if "include" in without else _include(request),
        temperature=request.temperature,
        top_p=request.top_p,
        tools=_search_tool(request) or _tools(request.tools),
        tool_choice=_tool_choice(request.tool_choice),
        parallel_tool_calls=request.parallel_tool_calls,
        reasoning=_reasoning(request, summary and "reasoning.summary" not in without),
        text=_format(request.response_format),
        safety_identifier=request.safety_identifier,
        prompt_cache_key=request.prompt_cache_key,
    )


def _apart(messages: list[chat.ChatMessage]) -> tuple[str | UnsetType, list[chat.ChatMessage]]:
    """The instructions at the beginning, and the conversation, which can't be empty."""
    first = messages[0]
    if first.role in INSTRUCTIONS and len(messages) > 1:
        return _text(first.content) or UNSET, messages[1:]
    return UNSET, messages


def _limit(request: chat.ChatRequest) -> int | UnsetType:
    limit = request.max_completion_tokens if request.max_tokens is UNSET else request.max_tokens
    return UNSET if limit is UNSET else max(limit, LEAST_OUTPUT)


def _reasoning(request: chat.ChatRequest, summary: bool) -> Reasoning | UnsetType:
    wanted = Reasoning(effort=request.reasoning_effort, summary="auto" if summary else UNSET)
    return UNSET if wanted == Reasoning() else wanted


def _include(request: chat.ChatRequest) -> list[str]:
    return [ENCRYPTED, SOURCES] if request.more and SEARCH in request.more else [ENCRYPTED]


def _search_tool(request: chat.ChatRequest) -> list[WebSearchTool] | None:
    """The search that a request is all about."""
    wish = (request.more or {}).get(SEARCH)
    return None if wish is None else [msgspec.convert(wish, WebSearchTool)]


def _tools(tools: list[chat.FunctionTool] | UnsetType) -> list[FunctionTool] | UnsetType:
    if tools is UNSET:
        return UNSET
    return [
        FunctionTool(
            name=tool.function.name,
            strict=tool.function.strict is True,
            description=tool.function.description,
            parameters=tool.function.parameters,
        )
        for tool in tools
    ]


def _tool_choice(choice: str | chat.NamedToolChoice | UnsetType) -> str | NamedToolChoice | UnsetType:
    return NamedToolChoice(choice.function.name) if isinstance(choice, chat.NamedToolChoice) else choice


def _format(wanted: chat.ResponseFormat | UnsetType) -> Text | UnsetType:
    """The shape of the answer: here its name, schema and strictness stand beside the type."""
    if wanted is UNSET:
        return UNSET
    schema: Mapping[str, Any] = {} if wanted.json_schema is UNSET else msgspec.structs.asdict(wanted.json_schema)
    return Text({"type": wanted.type, **schema})


# Items ---------------------------------------------------------------------------------------------


def _items(message: chat.ChatMessage) -> Iterator[Item]:
    if message.role == "tool":
        yield FunctionCallOutput(str(message.tool_call_id), _output(message.content))
    elif message.role == "assistant":
        yield from _said(message)
    else:
        yield Message(message.role, _parts(message.content))


def _said(message: chat.ChatMessage) -> Iterator[Item]:
    """An assistant's message: its reasoning, then what that led to."""
    if isinstance(message.reasoning_details, Raw):
        yield from msgspec.json.decode(message.reasoning_details, type=list[Raw])
    if text := _text(message.content):
        yield Message("assistant", [OutputText(text)])
    for call in message.tool_calls or []:
        yield FunctionCall(call.id, call.function.name, call.function.arguments)


def _output(content: object) -> str | Raw | list[InputPart]:
    if isinstance(content, Raw):
        return content
    return _parts(content) if isinstance(content, list) else _text(content)


def _parts(content: object) -> list[InputPart]:
    return [_part(part) for part in content] if isinstance(content, list) else [InputText(_text(content))]


def _part(part: chat.Part) -> InputPart:
    if isinstance(part, chat.ImagePart):
        return InputImage(part.image_url.url)
    if isinstance(part, chat.FilePart):
        return _file(part.file)
    return InputText(_text([part]))


def _file(file: chat.File) -> InputFile:
    if file.file_data.startswith("data:"):
        return InputFile(filename=file.filename, file_data=file.file_data)
    return InputFile(file_url=file.file_data)


def _text(content: object) -> str:
    if isinstance(content, Raw):
        return msgspec.json.decode(content, type=str)
    if isinstance(content, list):
        return "\n\n".join(part.text for part in content if isinstance(part, chat.TextPart))
    return content if isinstance(content, str) else ""
