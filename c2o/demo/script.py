"""What the stand-in says to a chat completion request: the same always, and nothing that it can't know.

In this order: the JSON that a ``response_format`` asks for, the result of a tool read back, a tool call
if the prompt asks for one, a greeting that tells what this is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from c2o.demo import MODEL

Json = Mapping[str, Any]

GREETING = (
    f"Hello! I am {MODEL}, the scripted stand-in inside c2o: no model thinks here, my words were written in advance. "
    "You said: “{prompt}” "
)
NO_TOOLS = "Your request came with no tools."
INVITATION = "Ask me to use the tool {tool}, and I will call it and read its result back to you."
READ_BACK = "The tool answered:\n\n{result}\n\nThat went from your machine through c2o to me and back again."
PLAN = "The prompt asks for the tool {tool}, so I call it with arguments that fit its schema."
THOUGHT = "There is nothing to work out: I follow a script."


class Call(NamedTuple):
    """A tool call."""

    id: str
    name: str
    arguments: str
    """JSON text."""


class Reply(NamedTuple):
    """One answer."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()


def reply_to(request: Json) -> Reply:
    """The answer to a chat completion request (decoded JSON, already known to have messages)."""
    messages = request["messages"]
    if schema := _asked_schema(request):
        return Reply(text=json.dumps(example(schema, prompt(messages)), ensure_ascii=False))
    if results := tool_results(messages):
        return Reply(text=READ_BACK.format(result="\n".join(results)))
    if tool := _asked_tool(request):
        return _call(tool, messages)
    return Reply(text=_greeting(request), reasoning=THOUGHT)


def _greeting(request: Json) -> str:
    tools = _tools(request)
    offer = INVITATION.format(tool=_handiest(tools)["name"]) if tools else NO_TOOLS
    return GREETING.format(prompt=_shortened(prompt(request["messages"]))) + offer


def _call(tool: Json, messages: list[Json]) -> Reply:
    arguments = json.dumps(example(tool.get("parameters") or {}, prompt(messages)), ensure_ascii=False)
    # Unique in the conversation, as a client needs it, and the same for the same conversation.
    call = Call(f"call_demo_{len(messages)}", tool["name"], arguments)
    return Reply(text="I will use a tool. ", reasoning=PLAN.format(tool=tool["name"]), calls=(call,))


# ---- reading the request


_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)
"""Claude Code puts text of its own into the user's message, in this form."""


def prompt(messages: list[Json]) -> str:
    """What the person asked last."""
    asked = (text_of(message.get("content")) for message in reversed(messages) if message.get("role") == "user")
    return next((text for text in (_REMINDER.sub("", content).strip() for content in asked) if text), "")


def tool_results(messages: list[Json]) -> list[str]:
    """The results that wait for an answer: those after the last assistant message."""
    results: list[str] = []
    for message in messages:
        if message.get("role") == "assistant":
            results = []
        elif message.get("role") == "tool":
            results.append(text_of(message.get("content")))
    return results


def text_of(content: Any) -> str:
    """Message content as text: a string, null, or a list of parts."""
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part.get("type") == "text")
    return content if isinstance(content, str) else ""


def _asked_schema(request: Json) -> Json | None:
    wanted = request.get("response_format") or {}
    schema: Json | None = (wanted.get("json_schema") or {}).get("schema")
    return schema


def _tools(request: Json) -> list[Json]:
    return [tool["function"] for tool in request.get("tools") or [] if "function" in tool]


def _asked_tool(request: Json) -> Json | None:
    """The tool to call: forced by ``tool_choice``, named in the prompt, or the handiest if any is wanted."""
    tools, choice = _tools(request), request.get("tool_choice")
    if not tools or choice == "none":
        return None
    if isinstance(choice, dict):
        return _named(tools, choice.get("function", {}).get("name", ""))
    words = re.findall(r"\w+", prompt(request["messages"]))
    named = next((tool for tool in tools if tool["name"] in words), None)
    wanted = choice == "required" or WISHES & {word.lower() for word in words}
    return named or (_handiest(tools) if wanted else None)


WISHES = {"tool", "tools", "run", "execute", "command"}
"""Words by which a prompt asks for a tool without naming one."""


def _named(tools: list[Json], name: str) -> Json | None:
    return next((tool for tool in tools if tool["name"] == name), None)


def _handiest(tools: list[Json]) -> Json:
    """Claude Code has two dozen tools; running a command is the one whose result is easiest to see."""
    return _named(tools, "Bash") or tools[0]


def _shortened(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


# ---- values that fit a schema


COMMAND = "echo 'Hello from the c2o demo'"
"""What the stand-in runs where the prompt quotes no command of its own."""

_QUOTED = re.compile(r"`([^`]+)`")


def example(schema: Json, asked: str) -> Any:
    """A value that a JSON schema accepts, made of what was asked: the required fields and no others."""
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if options := schema.get("enum"):
        return options[0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return example(schema[key][0], asked)
    return _EXAMPLES[_type(schema)](schema, asked)


def _type(schema: Json) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    return kind if kind in _EXAMPLES else "null"


def _object(schema: Json, asked: str) -> dict[str, Any]:
    properties = schema.get("properties", {})
    return {name: _field(name, properties.get(name, {}), asked) for name in schema.get("required", [])}


def _field(name: str, schema: Json, asked: str) -> Any:
    if name == "command":
        return _quoted(asked) or COMMAND
    return example(schema, asked)


def _quoted(asked: str) -> str | None:
    """What the prompt has in backticks: the way to tell the stand-in a command or path."""
    found = _QUOTED.search(asked)
    return found[1] if found else None


def _array(schema: Json, asked: str) -> list[Any]:
    return [example(schema.get("items", {}), asked) for _ in range(schema.get("minItems", 0))]


def _string(schema: Json, asked: str) -> str:
    text = _quoted(asked) or _shortened(asked or "demo", 60)
    return text[: schema.get("maxLength", len(text))].ljust(schema.get("minLength", 0), ".")


def _number(schema: Json) -> Any:
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    return min(least, schema.get("maximum", least))


_EXAMPLES: dict[str, Callable[[Json, str], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": lambda schema, _asked: _number(schema),
    "number": lambda schema, _asked: _number(schema),
    "boolean": lambda *_: False,
    "null": lambda *_: None,
}
