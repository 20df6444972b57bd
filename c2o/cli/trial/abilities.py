"""What a model is tried with: a short request or two for each ability, and what its answer shows, in words."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import msgspec

from c2o.cli.trial.client import Client, Heard
from c2o.wire.anthropic import Error, MessagesResponse, TextBlock, ThinkingBlock, ToolUseBlock

Json = dict[str, Any]

Verdict = Literal["yes", "partly", "no", "failed"]
"""It can; with c2o's help, or less than it should; it can't; there was no answer to tell by."""


class Shown(NamedTuple):
    """What one ability came to."""

    verdict: Verdict
    detail: str
    heard: list[Heard]


class Failed(Exception):
    """There was no answer: the request and its error."""

    def __init__(self, heard: Heard, error: Error) -> None:
        super().__init__(error.message)
        self.heard = heard
        self.error = error


WORDS, CALLS, THOUGHTS = 512, 1024, 4096
"""Tokens that answers may have, with the reasoning before them."""


def _ask(client: Client, prompt: Any, **fields: Any) -> tuple[Heard, MessagesResponse]:
    """A question, and its answer.  Raises Failed."""
    messages = prompt if isinstance(prompt, list) and "role" in prompt[0] else [{"role": "user", "content": prompt}]
    heard = client.ask(messages=messages, **{"max_tokens": WORDS, **fields})
    if heard.message is None:
        raise Failed(heard, heard.error or Error("api_error", f"the service answered {heard.status}"))
    return heard, heard.message


def text(client: Client) -> Shown:
    """A whole answer."""
    heard, message = _ask(client, "Answer with the single word: ready")
    said = _said(message)
    return Shown("yes", f"answers {said!r}", [heard]) if said else Shown("no", "answers nothing", [heard])


def stream(client: Client) -> Shown:
    """Does its answer come as it is made?"""
    heard, message = _ask(client, "Count from 1 to 20 in digits, separated by spaces.", stream=True)
    if not _said(message):
        return Shown("no", "answers nothing", [heard])
    if heard.pieces == 1:
        return Shown("partly", "comes all at once, at its end", [heard])
    return Shown("yes", f"comes in {heard.pieces} pieces", [heard])


TOOL: Json = {
    "name": "get_weather",
    "description": "Tells the weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
WEATHER = "Sunny, 21 degrees."


def tools(client: Client) -> Shown:
    """A call, and its result taken back."""
    asked = {"role": "user", "content": "What is the weather in Paris now? Use the tool get_weather."}
    options: Json = {"tools": [TOOL], "max_tokens": CALLS, "stream": True}
    first, message = _ask(client, [asked], **options)
    calls = _calls(message)
    if not calls:
        return Shown("no", f"answers in words where it should call a tool: {_said(message)!r}", [first])
    if not _is_for(calls[0], "paris"):
        return Shown("no", f"calls the tool with {_input(calls[0])}, not with the city it was asked for", [first])
    content = json.loads(msgspec.json.encode(message.content))
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": WEATHER} for call in calls]
    turns = [asked, {"role": "assistant", "content": content}, {"role": "user", "content": results}]
    second, answer = _ask(client, turns, **options)
    if not _said(answer):
        return Shown("partly", "calls the tool, and says nothing about its result", [first, second])
    return Shown("yes", "calls the tool, and takes its result back", [first, second])


def parallel(client: Client) -> Shown:
    """Several calls at once; nobody needs them, but they save turns."""
    prompt = "What is the weather in Paris, and in Rome? Call get_weather for both cities at once."
    heard, message = _ask(client, prompt, tools=[TOOL], max_tokens=CALLS, stream=True)
    count = len(_calls(message))
    if count > 1:
        return Shown("yes", f"{count} calls in one answer", [heard])
    return Shown("no", "calls one tool after the other" if count else "calls no tool", [heard])


def thinking(client: Client) -> Shown:
    """Is there thinking to be seen?"""
    budget = {"type": "enabled", "budget_tokens": THOUGHTS // 2}
    heard, message = _ask(
        client, "Which number is larger, 9.9 or 9.11?", thinking=budget, max_tokens=THOUGHTS, stream=True
    )
    thoughts = sum(len(block.thinking) for block in message.content if isinstance(block, ThinkingBlock))
    if thoughts:
        return Shown("yes", f"{thoughts} characters of it are shown", [heard])
    hidden = any(isinstance(block, ThinkingBlock) for block in message.content)
    return (
        Shown("partly", "it thinks, and doesn't show it", [heard]) if hidden else Shown("no", "none was sent", [heard])
    )


def image(client: Client) -> Shown:
    """Does it see?"""
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(red_square()).decode()}
    question = {"type": "text", "text": "Which colour is this image? Answer with one word."}
    heard, message = _ask(client, [{"type": "image", "source": source}, question])
    said = _said(message)
    if "red" in said.lower():
        return Shown("yes", "it sees a red square", [heard])
    return Shown("no", f"the model can't see; asked for the colour of a red square it says {said!r}", [heard])


TRIALS: dict[str, Callable[[Client], Shown]] = {
    "text": text,
    "stream": stream,
    "tools": tools,
    "parallel": parallel,
    "thinking": thinking,
    "image": image,
}
"""In their order."""

NEEDED = ("text", "stream", "tools")
"""Without which Claude Code can't work."""


def red_square(size: int = 32) -> bytes:
    """A picture: https://www.w3.org/TR/png/"""
    rows = (b"\x00" + b"\xe0\x10\x10" * size) * size
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _said(message: MessagesResponse) -> str:
    """Its words, shortened."""
    words = " ".join(" ".join(block.text for block in message.content if isinstance(block, TextBlock)).split())
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


LONGEST = 60
"""Characters of an answer that are shown."""


def _calls(message: MessagesResponse) -> list[ToolUseBlock]:
    return [block for block in message.content if isinstance(block, ToolUseBlock)]


def _input(call: ToolUseBlock) -> str:
    return msgspec.json.encode(call.input).decode(errors="replace")[:LONGEST]


def _is_for(call: ToolUseBlock, city: str) -> bool:
    return call.name == TOOL["name"] and city in _input(call).lower()
