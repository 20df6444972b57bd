"""Which of an upstream's models suits which tier: suggestions of ``c2o init``, from names alone.

What a model is good at isn't in any list, so this is a table: for each tier the names that are known to do its work
with tools, the best first (models' own pages, and the boards https://www.swebench.com and
https://gorilla.cs.berkeley.edu/leaderboard.html), then the sizes that names tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from c2o.wire.probe import ListedModel

TIERS = ("opus", "sonnet", "haiku")

SUITED: dict[str, tuple[str, ...]] = {
    "opus": (
        "*claude*opus*", "*gpt-5.[0-9]", "*gpt-5", "*deepseek-v4-pro*", "*deepseek-v3.2*", "*kimi-k2-thinking*",
        "*kimi-k2*", "*glm-5*", "*glm-4.[67]*", "*qwen3-coder-480b*", "*qwen3-max*", "*gemini-3*-pro*",
        "*gemini-2.5-pro*", "*grok-4*", "*minimax-m2*", "*deepseek-reasoner*", "*deepseek-v*", "*gpt-oss-120b*",
        "*mistral-large*",
    ),
    "sonnet": (
        "*claude*sonnet*", "*qwen3-coder-480b*", "*qwen3-coder-plus*", "*gpt-5.[0-9]-codex", "*gpt-5.[0-9]", "*gpt-5",
        "*qwen3-coder*", "*deepseek-v4-pro*", "*deepseek-v3.2*", "*deepseek-chat*", "*deepseek-v*", "*glm-4.[67]*",
        "*glm-5*", "*kimi-k2*", "*minimax-m2*", "*devstral*", "*grok-code*", "*grok-4*", "*gemini-2.5-pro*",
        "*gpt-oss*", "*mistral-medium*",
    ),
    "haiku": (
        "*claude*haiku*", "*gpt-5*-mini", "*gpt-4.1-mini", "*deepseek-v4-flash*", "*glm-*-air*", "*glm-*-flash*",
        "*gemini-*-flash-lite", "*gemini-*-flash", "*grok-*-fast*", "*qwen3-coder-flash*", "*qwen3-coder-30b*",
        "*gpt-oss-20b*", "*mistral-small*", "*llama-3.3-70b*", "*llama-3.1-8b*",
    ),
}  # fmt: skip

NOT_FOR_CHAT = re.compile(
    r"embed|whisper|tts|rerank|moderation|guard|image|dall-e|sora|audio|realtime|transcribe|ocr|reward|clip|parse"
    r"|(^|[/-])bge-|nv-|safety|-base$|vila|neva|deplot|kosmos|fuyu|retriev"
)
"""Names of models that one doesn't talk to: they aren't suggested."""

_SIZE = re.compile(r"(?<![a-z\d.])(\d+(?:\.\d+)?)b(?![a-z])")

LEAST_FOR_TOOLS = 7.0
"""Billions of parameters below which models seldom call tools as they should."""


def suggest(models: Sequence[ListedModel], *, usual: str = "", local: bool = False) -> dict[str, str]:
    """A model for ``default`` and for each tier; empty where nothing is listed.

    ``usual`` is what a preset names.  A ``local`` server loads one model at a time, so it gets one for all.
    """
    fit = [each.id for each in models if each.tools is not False and not NOT_FOR_CHAT.search(each.id.lower())]
    ids = fit or [each.id for each in models]
    if not ids:
        return dict.fromkeys(("default", *TIERS), usual) if usual else {}
    main = usual if usual in ids else _best("sonnet", ids)
    if local:
        return dict.fromkeys(("default", *TIERS), main)
    return {"default": main, "opus": _best("opus", ids), "sonnet": main, "haiku": _best("haiku", ids)}


def _best(tier: str, ids: Sequence[str]) -> str:
    for pattern in SUITED[tier]:
        if matching := [id for id in ids if fnmatchcase(id.lower(), pattern)]:
            return max(matching, key=_newest)
    return BY_SIZE[tier](ids)


def _newest(id: str) -> tuple[list[int], int]:
    """The highest version; of two spellings the shorter one, which is no dated copy or variant."""
    return [int(number) for number in re.findall(r"\d+", id.partition(":")[0])][:2], -len(id)


def size(id: str) -> float:
    """Billions of parameters, as the name tells: the largest number, for of ``480b-a35b`` the second is a part."""
    return max((float(number) for number in _SIZE.findall(id.lower())), default=0.0)


def _largest(ids: Sequence[str]) -> str:
    return max(ids, key=size)


def _smallest(ids: Sequence[str]) -> str:
    """The smallest that still calls tools; the largest if no name tells."""
    able = [id for id in ids if size(id) >= LEAST_FOR_TOOLS]
    return min(able, key=size) if able else _largest(ids)


BY_SIZE: dict[str, Callable[[Sequence[str]], str]] = {"opus": _largest, "sonnet": _largest, "haiku": _smallest}
