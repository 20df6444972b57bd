"""Token counts: OpenAI's arithmetic as Anthropic's.

Anthropic's ``input_tokens`` leaves out what a cache served; OpenAI's ``prompt_tokens`` contains it.
Zero is never reported for a prompt: Claude Code decides by these numbers when to compact.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from c2o.wire.anthropic import OutputTokensDetails, Usage
from c2o.wire.chat import ChatUsage

BYTES_PER_TOKEN = 4
"""Good enough for a number that is shown until the upstream's own comes."""


def estimated(size: int) -> int:
    """Tokens in ``size`` bytes, at least one."""
    return max(1, size // BYTES_PER_TOKEN)


def usage_of(given: ChatUsage | None, *, prompt_estimate: int, answer_size: int) -> Usage:
    """The usage that an upstream reported, or an estimate where it reported none."""
    if given is None or not given.prompt_tokens:
        answered = (given.completion_tokens if given else None) or estimated(answer_size)
        return Usage(input_tokens=prompt_estimate, output_tokens=answered)
    prompt, read, written = given.prompt_tokens, _read(given), _written(given)
    return Usage(
        input_tokens=max(0, prompt - read - written),
        output_tokens=max(0, given.completion_tokens or 0),
        cache_read_input_tokens=read,
        cache_creation_input_tokens=written,
        output_tokens_details=_details(given),
    )


def _read(given: ChatUsage) -> int:
    details = given.prompt_tokens_details
    return (details and details.cached_tokens) or given.prompt_cache_hit_tokens or given.cached_tokens or 0


def _written(given: ChatUsage) -> int:
    details = given.prompt_tokens_details
    return (details and details.cache_write_tokens) or 0


def _details(given: ChatUsage) -> OutputTokensDetails | UnsetType:
    details = given.completion_tokens_details
    return OutputTokensDetails(details.reasoning_tokens) if details and details.reasoning_tokens else UNSET
