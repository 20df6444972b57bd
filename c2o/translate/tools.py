"""Tools, the choice among them, and names that every upstream accepts.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools
https://platform.openai.com/docs/api-reference/chat/create (tools: names of at most 64 characters)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import msgspec
from msgspec import UNSET, Raw, UnsetType

from c2o.errors import RequestError
from c2o.translate.conversation import Turn
from c2o.translate.dialect import Dialect
from c2o.translate.schema_forms import fitted
from c2o.translate.structured import keeps_strict_rules
from c2o.translate.tool_offer import offer
from c2o.translate.toolsets import Member, function_name
from c2o.wire.anthropic import Block, Tool, ToolChoice
from c2o.wire.chat import Function, FunctionName, FunctionTool, NamedToolChoice

CHOICES = ("auto", "any", "tool", "none")

_GOOD_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")
"""Of at most 64 characters for OpenAI, and with a letter first for Gemini."""


class ToolNames:
    """Names there and back: one that an upstream would refuse is shortened with a hash of itself.

    Stateless: the same name gives the same short one in every request, and the way back is the request's
    own tool list.
    """

    def __init__(self) -> None:
        self._originals: dict[str, str] = {}

    def to_upstream(self, name: str) -> str:
        if _GOOD_NAME.fullmatch(name):
            return name
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        short = re.sub(r"[^a-zA-Z0-9_-]|^[^a-zA-Z_]", "_", name)[:55] + "_" + digest
        self._originals[short] = name
        return short

    def to_client(self, name: str) -> str:
        return self._originals.get(name, name)


class Toolbox:
    """The tools of one request: what goes upstream, and what is known of each when a call comes back."""

    def __init__(
        self, tools: Iterable[Tool] | None, choice: ToolChoice | None, turns: list[Turn], notes: list[str]
    ) -> None:
        self.names = ToolNames()
        self.choice = choice
        if choice and choice.type not in CHOICES:
            raise RequestError(f"tool_choice.type: {choice.type!r} must be one of {', '.join(CHOICES)}")
        self._tools, self._members = offer(list(tools or []), choice, turns, notes)
        if choice and choice.type == "tool" and (choice.name not in self._tools or choice.name in self._members):
            raise RequestError(f"tool_choice: tool {choice.name!r} is not among the tools")

    def __bool__(self) -> bool:
        return bool(self._tools)

    @property
    def single_call(self) -> bool:
        """Did the client ask for at most one call?"""
        return bool(self.choice and self.choice.disable_parallel_tool_use)

    def functions(self, dialect: Dialect) -> list[FunctionTool] | UnsetType:
        """``tools`` for the upstream.  Absent rather than empty: vLLM answers 400 to an empty list."""
        wanted = list(self._tools.values())
        if self._forced() and not dialect.tool_choice_named:
            wanted = [tool for tool in wanted if self.choice and tool.name == self.choice.name]
        return [self._function(tool, dialect) for tool in wanted] or UNSET

    def tool_choice(self, dialect: Dialect, notes: list[str]) -> str | NamedToolChoice | UnsetType:
        """``tool_choice`` for the upstream; what it doesn't know is weakened and noted."""
        if not self or self.choice is None or self.choice.type == "auto":
            return UNSET
        if self.choice.type == "none":
            return "none"
        if self._forced() and dialect.tool_choice_named:
            return NamedToolChoice(FunctionName(self.names.to_upstream(self.choice.name or "")))
        if dialect.tool_choice_required:
            return dialect.required_word
        notes.append("tool_choice weakened to auto: the upstream can't be made to call a tool")
        return UNSET

    def parallel_tool_calls(self, dialect: Dialect) -> bool | UnsetType:
        return False if self and self.single_call and dialect.parallel_tool_calls else UNSET

    def schema(self, name: str) -> Raw | None:
        """The input schema of a tool by the client's name for it."""
        tool = self._tools.get(name)
        return tool.input_schema if tool and isinstance(tool.input_schema, Raw) else None

    def known(self, name: str) -> str:
        """The client's own spelling of a name that came from upstream: shortened, in another case, with a token of
        the model's own behind it (gpt-oss: ``Bash<|channel|>commentary``), or left out where there is only one
        tool to mean."""
        if not name and len(self._tools) == 1:
            return next(iter(self._tools))
        name = self.names.to_client(name.partition("<|")[0].strip())
        if name in self._tools:
            return name
        return next((known for known in self._tools if known.lower() == name.lower()), name)

    def written_names(self) -> list[str]:
        """The names by which a model may call a tool in its text: none where the client wants no call."""
        return (
            [] if self.choice and self.choice.type == "none" else [self.names.to_upstream(name) for name in self._tools]
        )

    def member(self, name: str) -> Member | None:
        """The member of a toolset that a name stands for, if it does."""
        return self._members.get(name)

    def called(self, block: Block) -> str:
        """The upstream's name for the tool of a ``tool_use`` block."""
        name = str(block.name)
        return self.names.to_upstream(function_name(block.toolset_name, name) if block.toolset_name else name)

    def _forced(self) -> bool:
        return self.choice is not None and self.choice.type == "tool"

    def _function(self, tool: Tool, dialect: Dialect) -> FunctionTool:
        parameters = fitted(_parameters(tool.input_schema), dialect)
        strict = bool(tool.strict) and dialect.strict_tools and keeps_strict_rules(parameters)
        return FunctionTool(
            Function(
                name=self.names.to_upstream(tool.name),
                description=_description(tool) or UNSET,
                parameters=parameters,
                strict=strict or UNSET,
            )
        )


def _description(tool: Tool) -> str:
    """The description; examples are prompt text for Claude too."""
    examples = [bytes(example).decode() for example in tool.input_examples or []]
    return "\n\n".join([tool.description or "", *(["Examples:", *examples] if examples else [])]).strip()


EMPTY_SCHEMA = Raw(b'{"type":"object","properties":{}}')

_SCHEMA_KEYWORD = re.compile(rb'^\{\s*"\$schema"\s*:\s*"[^"]*"\s*,\s*')


def _parameters(schema: Raw | UnsetType) -> Raw:
    """The schema as the client wrote it, but for what trips servers: ``$schema``, a missing type or
    missing properties.  Kept as bytes where possible: an upstream's prompt cache wants them stable."""
    if schema is UNSET:
        return EMPTY_SCHEMA
    data = _SCHEMA_KEYWORD.sub(b"{", bytes(schema))
    if b'"$schema"' not in data and b'"type"' in data and b'"properties"' in data:
        return Raw(data)
    return _completed(data)


def _completed(data: bytes) -> Raw:
    try:
        fields = msgspec.json.decode(data, type=dict[str, Raw])
    except msgspec.ValidationError:
        return EMPTY_SCHEMA
    fields.pop("$schema", None)
    return Raw(msgspec.json.encode({"type": "object", "properties": {}} | fields))
