"""Reasoning that a server without a reasoning parser leaves in the text: ``<think>…</think>`` and its relatives.

Only at the very start of an answer, where a model puts it; later the tag is just text.  The line ends that
models write behind either tag belong to the tag.
"""

from __future__ import annotations

from typing import Literal

from c2o.translate.stop_sequences import overlap

TAGS = {
    "<think>": "</think>",  # DeepSeek-R1, Qwen, GLM, MiniMax M2
    "<mm:think>": "</mm:think>",  # MiniMax M3
    "<seed:think>": "</seed:think>",  # https://huggingface.co/ByteDance-Seed/Seed-OSS-36B-Instruct
    "<|START_THINKING|>": "<|END_THINKING|>",  # https://docs.cohere.com/docs/reasoning
    "[THINK]": "[/THINK]",  # https://huggingface.co/mistralai/Magistral-Small-2509
    "◁think▷": "◁/think▷",  # https://huggingface.co/moonshotai/Kimi-VL-A3B-Thinking
    "<|channel|>analysis<|message|>": "<|end|>",  # https://cookbook.openai.com/articles/openai-harmony
}
"""What begins reasoning, and what ends it."""

ANSWERS = (
    "<|start|>assistant<|channel|>final<|message|>",
    "<|channel|>final<|message|>",
    "<|START_RESPONSE|>",
)
"""What some models write before the answer itself."""

Phase = Literal["before", "opened", "inside", "closed", "over"]
"""Where the text has got to; right behind a tag there may still be line ends to skip."""


class ThinkTags:
    """``feed`` splits text of any cut into ``(reasoning, text)``.  ``opened``: the prompt has begun the reasoning."""

    def __init__(self, *, opened: bool = False) -> None:
        self._held = ""
        self._close = TAGS["<think>"]
        self._phase: Phase = "before"
        self._without_tag: Phase = "opened" if opened else "over"

    @property
    def over(self) -> bool:
        """From now on, all is text."""
        return self._phase == "over"

    def feed(self, text: str) -> tuple[str, str]:
        self._held += text
        if self._phase == "before":
            self._look_for_tag()
        if self._phase == "opened":
            self._skip_line_ends()
        reasoning = self._reasoning() if self._phase == "inside" else ""
        if self._phase == "closed":
            self._skip_to_answer()
        return reasoning, self._all() if self._phase == "over" else ""

    def close(self) -> tuple[str, str]:
        """What was held back at the end of the answer."""
        return (self._all(), "") if self._phase in ("opened", "inside") else ("", self._all())

    def _look_for_tag(self) -> None:
        start = self._held.lstrip()
        for tag, close in TAGS.items():
            if start.startswith(tag):
                self._held, self._close, self._phase = start.removeprefix(tag), close, "opened"
                return
        if start.startswith(ANSWERS):
            self._phase = "closed"
        elif not any(tag.startswith(start) for tag in (*TAGS, *ANSWERS)):
            self._phase = self._without_tag

    def _skip_line_ends(self) -> None:
        self._held = self._held.lstrip("\n")
        if self._held:
            self._phase = "inside"

    def _skip_to_answer(self) -> None:
        self._held = self._held.lstrip("\n")
        for mark in ANSWERS:
            if self._held.lstrip().startswith(mark):
                self._held = self._held.lstrip().removeprefix(mark)
        if self._held and not any(mark.startswith(self._held) for mark in ANSWERS):
            self._phase = "over"

    def _reasoning(self) -> str:
        """The reasoning so far, without what may be the beginning of the closing tag."""
        reasoning, closed, text = self._held.partition(self._close)
        if closed:
            self._held, self._phase = text, "closed"
            return reasoning
        keep = overlap(self._held, self._close)
        safe, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return safe

    def _all(self) -> str:
        held, self._held = self._held, ""
        return held
