"""The reference for counting tokens: o200k_base, the vocabulary of OpenAI's current models."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any


@cache
def _encoding() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "open_binary is deprecated")  # bpe-openai's own, on Python 3.11 and 3.12
        from bpe_openai import get_encoding  # noqa: PLC0415 - it loads its vocabulary at once

        return get_encoding("o200k_base")


def tokens(text: str) -> int:
    """The tokens in a text."""
    return len(_encoding().encode(text))
