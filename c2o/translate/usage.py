"""Token counts: OpenAI's arithmetic as Anthropic's.

Anthropic's ``input_tokens`` leaves out what a cache served; OpenAI's ``prompt_tokens`` contains it.
Zero is never reported for a prompt: Claude Code decides by these numbers when to compact.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import UNSET

from c2o.translate.media_tokens import PAGE, image_tokens
from c2o.wire.anthropic import OutputTokensDetails, Usage
from c2o.wire.chat import ChatRequest, ChatUsage, CompletionDetails, FilePart, ImagePart, Part, PromptDetails

BYTES_PER_TOKEN = 4
"""Good enough for a number that is shown until the upstream's own comes."""

BELIEVABLE = 10**9
"""Tokens.  A count beyond them is none: no window is that large, and Claude Code would compact at every turn."""

PAGE_SIZE = 100_000
"""Characters of base64 to a page of a PDF, for the same purpose."""


def estimated(size: int, factor: float = 1.0) -> int:
    """Tokens in ``size`` bytes, at least one.  ``factor`` is what the upstream has taught about such estimates."""
    return max(1, round(size / BYTES_PER_TOKEN * factor))


def size_in(text: str) -> int:
    """The bytes of a text in UTF-8: for any script a better measure of its tokens than its characters."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


class PromptSize(NamedTuple):
    """How large a prompt is, as far as that can be seen without looking at its text."""

    text: int
    """Bytes."""
    media: int
    """Tokens of images and files."""

    def tokens(self, factor: float = 1.0) -> int:
        return estimated(self.text, factor) + self.media


def prompt_size(chat: ChatRequest, body: bytes) -> PromptSize:
    """The size of a request whose encoded ``body`` it is."""
    parts = [part for message in chat.messages if type(message.content) is list for part in message.content]
    if not parts:
        return PromptSize(len(body), 0)
    media = [(len(data), tokens) for part in parts if (data := _data(part)) for tokens in [_media_tokens(part, data)]]
    return PromptSize(len(body) - sum(size for size, _ in media), sum(tokens for _, tokens in media))


def _data(part: Part) -> str:
    """What a part is beside text: a data URL, or a URL."""
    if isinstance(part, ImagePart):
        return part.image_url.url
    return str(part.file.file_data) if isinstance(part, FilePart) else ""


def _media_tokens(part: Part, data: str) -> int:
    if isinstance(part, FilePart):
        return PAGE * (1 + len(data) // PAGE_SIZE)
    return image_tokens(data.partition(";base64,")[2] or None)


class Counted(NamedTuple):
    """What an upstream counted.  ``prompt`` is all of it, ``completion`` has the reasoning in it."""

    prompt: int
    read: int
    """Of the prompt, from a cache."""
    written: int
    """Of the prompt, into a cache."""
    completion: int
    reasoning: int


def counted(given: ChatUsage) -> Counted:
    """A usage report in any of the forms that are seen; what is absent or can't be is 0."""
    prompt, read, written = _prompt(given)
    read = min(read, prompt)
    details = given.completion_tokens_details or given.output_tokens_details or CompletionDetails()
    return Counted(
        prompt=prompt,
        read=read,
        written=min(written, prompt - read),
        completion=_completion(given, prompt),
        reasoning=_first(details.reasoning_tokens, given.reasoning_tokens),
    )


def _prompt(given: ChatUsage) -> tuple[int, int, int]:
    """All of the prompt, and what of it a cache served and took.

    Under Anthropic's names the three are counted apart, unless there are details beside them (OpenAI's Responses).
    """
    details = given.prompt_tokens_details or given.input_tokens_details or PromptDetails()
    read = _first(
        details.cached_tokens,
        given.prompt_cache_hit_tokens,
        given.cached_tokens,
        given.cache_read_input_tokens,
    )
    written = _first(
        details.cache_write_tokens,
        details.created_cache_tokens,
        details.cache_creation_tokens,
        given.cache_creation_input_tokens,
        given.cache_creation_tokens,
    )
    if prompt := _first(given.prompt_tokens):
        return prompt, read, written
    prompt = _first(given.input_tokens)
    return prompt if given.input_tokens_details else prompt + read + written, read, written


def _completion(given: ChatUsage, prompt: int) -> int:
    """Gemini and xAI leave reasoning out of the completion; it is in the total."""
    completion = _first(given.completion_tokens, given.output_tokens)
    total = _first(given.total_tokens)
    return total - prompt if prompt and total > prompt + completion else completion


def _first(*numbers: int | None) -> int:
    """The first number that says something."""
    return next((number for number in numbers if number is not None and 0 < number < BELIEVABLE), 0)


def usage_of(given: ChatUsage | None, *, prompt_estimate: int, answer_size: int) -> Usage:
    """The usage that an upstream reported, with estimates for what it didn't.  ``answer_size`` is in bytes."""
    told = counted(given) if given is not None else Counted(0, 0, 0, 0, 0)
    return Usage(
        input_tokens=told.prompt - told.read - told.written if told.prompt else prompt_estimate,
        output_tokens=told.completion or (estimated(answer_size) if answer_size else 0),
        cache_read_input_tokens=told.read,
        cache_creation_input_tokens=told.written,
        output_tokens_details=OutputTokensDetails(told.reasoning) if told.reasoning else UNSET,
    )
