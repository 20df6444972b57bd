"""A conversation that ends with words of the assistant: the answer shall go on from there.

Newer Claude models refuse it, and so does c2o, except for upstreams that are known to do it.
"""

from __future__ import annotations

from typing import Any

from c2o.errors import RequestError
from c2o.translate.dialect import Dialect
from c2o.wire.chat import ChatRequest

REFUSAL = "This model does not support assistant message prefill. The conversation must end with a user message."
"""Anthropic's own sentence (https://platform.claude.com/docs/en/api/errors)."""


def prefill(request: ChatRequest, dialect: Dialect) -> str:
    """Prepare a request that ends with the assistant; returns the words it begins with, else nothing.

    Raises RequestError where the upstream can't go on from there.
    """
    last = request.messages[-1]
    if last.role != "assistant":
        return ""
    if dialect.prefill == "refuse" or not isinstance(last.content, str):
        raise RequestError(REFUSAL)
    last.content = last.content.rstrip()
    if not last.content and not last.tool_calls and len(request.messages) > 1:
        request.messages.pop()  # white space alone is nothing to go on from
        return ""
    for name, value in _FLAGS.get(dialect.prefill, {}).items():
        setattr(last, name, value)
    if dialect.prefill == "continue_final_message":
        request.continue_final_message, request.add_generation_prompt = True, False
    return last.content


_FLAGS: dict[str, dict[str, Any]] = {"prefix": {"prefix": True}, "partial": {"partial": True}}


class Echo:
    """Takes words out of the beginning of an answer that an upstream repeats (llama.cpp does)."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._held = ""
        self._over = False

    def feed(self, text: str) -> str:
        if self._over:
            return text
        self._held += text
        if self._words.startswith(self._held) and self._held != self._words:
            return ""
        return self.close()

    def close(self) -> str:
        held, self._held, self._over = self._held, "", True
        return held.removeprefix(self._words)
