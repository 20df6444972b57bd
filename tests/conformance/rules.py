"""Upstreams that check what they get, as strict ones do, and answer 400 in their own words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.conformance.proxy import Json
from tests.fake_upstream import Answer, Request, as_text, error, whole

Rule = Callable[[Json], str]
"""What is wrong with a request's body; empty if nothing is."""

FIELDS = {"model", "messages", "max_tokens", "tools", "tool_choice", "stream", "stream_options"}


def openai(body: Json) -> str:
    """Known fields only, roles in turn, every call answered at once and in its order, nothing empty."""
    if unknown := body.keys() - FIELDS:
        return f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}"
    waiting: list[str] = []
    before = ""
    for message in body["messages"]:
        role = message["role"]
        if role == "tool":
            if not waiting or message["tool_call_id"] != waiting.pop(0):
                return "messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
        elif waiting:
            return f"an assistant message with 'tool_calls' must be followed by tool messages: {waiting}"
        elif role == before:
            return "conversation roles must alternate user/assistant"
        elif not as_text(message.get("content")) and not message.get("tool_calls"):
            return f"a message of {role} is empty"
        waiting = waiting or [call["id"] for call in message.get("tool_calls", [])]
        before = role
    return "" if before in ("user", "tool") else "the last message must be the user's"


class Deepseek:
    """https://api-docs.deepseek.com/guides/thinking_mode: reasoning comes back with each turn that called a tool."""

    def __init__(self, given: dict[str, str] | None = None) -> None:
        self.given = given or {}
        """Reasoning by the id of the first call after it."""

    def __call__(self, body: Json) -> str:
        for message in body["messages"]:
            if not message.get("tool_calls"):
                continue
            if "reasoning_content" not in message:
                return "The reasoning_content in the thinking mode must be passed back to the API."
            wanted = self.given.get(message["tool_calls"][0]["id"], "")
            if message["reasoning_content"] != wanted:
                return f"another reasoning_content than was given: {message['reasoning_content']!r}, not {wanted!r}"
        return ""


class Gemini:
    """https://ai.google.dev/gemini-api/docs/thought-signatures: on the very calls that they came with."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}
        """Signatures by the id of their call."""

    def __call__(self, body: Json) -> str:
        for message in body["messages"]:
            for call in message.get("tool_calls", []):
                sign = call.get("extra_content", {}).get("google", {}).get("thought_signature")
                wanted = self.given.get(call["id"])
                if sign != wanted:
                    return f"Function call is missing a thought_signature in functionCall parts: {sign}, not {wanted}"
        return ""


def strict(rules: list[Rule], reply: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
    """An upstream that answers with ``reply`` what keeps the rules, and 400 what doesn't."""

    def answer(request: Request) -> Answer:
        wrong = next((complaint for rule in rules if (complaint := rule(request.json))), "")
        return error(400, wrong) if wrong else reply(request)

    return answer


def messages_of(request: Request) -> bytes:
    """The bytes of a request's messages, without the bracket that ends them."""
    return _member(request.body.decode(), "messages")[:-1]


def tools_of(request: Request) -> bytes:
    return _member(request.body.decode(), "tools")


def _member(body: str, name: str) -> bytes:
    begin = body.index(f'"{name}":') + len(name) + 3
    _, end = json.JSONDecoder().raw_decode(body, begin)
    return body[begin:end].encode()


def completion(message: Json, finish: str = "stop", **more: Any) -> Answer:
    """A whole answer."""
    choice = {"index": 0, "message": {"role": "assistant"} | message, "finish_reason": finish}
    return whole({"object": "chat.completion", "choices": [choice]} | more)
