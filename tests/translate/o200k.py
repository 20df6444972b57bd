"""The reference for counting tokens: o200k_base, the vocabulary of OpenAI's current models, and two that differ."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

VOCABULARIES = ("o200k_base", "cl100k_base", "voyage3_base")


@cache
def _encoding(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "open_binary is deprecated")  # bpe-openai's own, on Python 3.11 and 3.12
        from bpe_openai import get_encoding  # noqa: PLC0415 - it loads its vocabulary at once

        return get_encoding(name)


def tokens(text: str, vocabulary: str = "o200k_base") -> int:
    """The tokens in a text."""
    return len(_encoding(vocabulary).encode(text))
