"""Answers of a demanded shape: how they are asked for, and cleaned where the upstream only tries.

https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from c2o.errors import RequestError
from c2o.translate.dialect import Dialect
from c2o.wire.anthropic import MessagesRequest, OutputFormat
from c2o.wire.chat import ChatMessage, ChatRequest, JSONSchema, ResponseFormat, TextPart


def schema_of(request: MessagesRequest) -> Raw | None:
    """The schema that the answer must follow, if there is one.  Raises RequestError."""
    wanted = request.output_config.format if request.output_config else None
    wanted = wanted or request.output_format
    if wanted is None:
        return None
    if wanted.type != "json_schema" or not isinstance(wanted.schema, Raw):
        raise RequestError(f"output_config.format: {_complaint(wanted)}")
    return wanted.schema


def _complaint(wanted: OutputFormat) -> str:
    return "schema: Field required" if wanted.type == "json_schema" else f"type {wanted.type!r} must be 'json_schema'"


def response_format(schema: Raw | None, dialect: Dialect) -> ResponseFormat | UnsetType:
    if schema is None or dialect.response_format == "none":
        return UNSET
    if dialect.response_format == "json_object":
        return ResponseFormat("json_object")
    return ResponseFormat("json_schema", JSONSchema(name="output", schema=schema, strict=keeps_strict_rules(schema)))


def instruction(schema: Raw | None, dialect: Dialect) -> str:
    """What the prompt must say where the upstream takes no schema."""
    if schema is None or dialect.response_format == "json_schema":
        return ""
    return _in_words(schema)


def _in_words(schema: Raw) -> str:
    return f"Answer with JSON only, following this JSON schema: {bytes(schema).decode()}"


def ask_in_prompt(request: ChatRequest) -> None:
    """Say in the prompt what ``response_format`` says, for an upstream that turned out to refuse that."""
    wanted = request.response_format
    if not isinstance(wanted, ResponseFormat) or not isinstance(wanted.json_schema, JSONSchema):
        return
    words = _in_words(wanted.json_schema.schema)
    first = request.messages[0]
    if first.role not in ("system", "developer"):
        request.messages.insert(0, ChatMessage(role="system", content=words))
    elif isinstance(first.content, str):
        first.content = f"{first.content}\n\n{words}"
    elif isinstance(first.content, list):
        first.content.append(TextPart(words))


def keeps_strict_rules(schema: Raw) -> bool:
    """Does the schema keep OpenAI's rules for strict mode?  It is never rewritten to force it: that would
    change what is optional (https://platform.openai.com/docs/guides/structured-outputs)."""
    try:
        return _all_required(msgspec.json.decode(schema))
    except msgspec.DecodeError:
        return False


def _all_required(schema: Any) -> bool:
    if isinstance(schema, list):
        return all(_all_required(each) for each in schema)
    if not isinstance(schema, Mapping):
        return True
    properties = schema.get("properties")
    if isinstance(properties, Mapping) or schema.get("type") == "object":
        names = set(properties or {})
        if schema.get("additionalProperties") is not False or names != set(schema.get("required", ())):
            return False
    return all(_all_required(each) for each in schema.values())


class Unfence:
    """Takes the code fence off an answer that must be JSON; any other text passes at once."""

    def __init__(self) -> None:
        self._held = ""
        self._fenced: bool | None = None

    def feed(self, text: str) -> str:
        if self._fenced is False:
            return text
        self._held += text
        start = self._held.lstrip()
        if self._fenced is None and start:
            self._fenced = start.startswith("`")
        return self.close() if self._fenced is False else ""

    def close(self) -> str:
        held, self._held = self._held, ""
        body = held.strip()
        if not body.startswith("```"):
            return held
        return body.removeprefix("```").removeprefix("json").removesuffix("```").strip()
