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
    except RecursionError:
        return False


def _all_required(schema: Any) -> bool:
    if isinstance(schema, list):
        return all(_all_required(each) for each in schema)
    if not isinstance(schema, Mapping):
        return True
    if "properties" in schema or schema.get("type") == "object":
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, Mapping) or not isinstance(required, list):
            return False
        named = {each for each in required if isinstance(each, str)}
        if schema.get("additionalProperties") is not False or named != set(properties):
            return False
    return all(_all_required(each) for each in schema.values())


class Structured:
    """Takes the code fence off an answer that must be JSON, and notes at its end if it isn't.

    Any other text passes at once, and as it is: the client's own parser says best what is wrong with it.
    """

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes
        self._held = ""
        self._passes = False
        self._passed: list[str] = []

    def feed(self, text: str) -> str:
        if not self._passes:
            self._held += text
            start = self._held.lstrip()
            if not start or start.startswith("`"):
                return ""
            self._passes, text, self._held = True, self._held, ""
        self._passed.append(text)
        return text

    def close(self) -> str:
        body = self._held.strip()
        text = _without_fence(body) if body.startswith("```") else self._held
        said = "".join([*self._passed, text])
        if said and not _is_json(said):
            self._notes.append("the answer is not the JSON that was asked for")
        return text


def _without_fence(text: str) -> str:
    return text.removeprefix("```").removeprefix("json").removesuffix("```").strip()


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
    return True
