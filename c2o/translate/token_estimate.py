"""Counting the tokens of a text without its tokenizer.

Text is cut as OpenAI's o200k_base cuts it before it looks anything up, and as the tokenizers of most open
models do: words with the space or sign before them, up to three digits, runs of signs, runs of spaces
(https://github.com/openai/tiktoken/blob/main/tiktoken_ext/openai_public.py).  Such a piece is one token if
it is short and common, and more the longer it is; how many more, by kind of piece, is RATES.  The rates were
fitted with ``tests/benchmarks/token_estimate/fit.py``, which says how good they are.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from threading import Lock
from typing import NamedTuple


class Rate(NamedTuple):
    """Tokens in a piece: ``first``, and ``more`` for each character beyond ``free``."""

    first: float
    free: int
    more: float


RATES: dict[str, Rate] = {
    "plain": Rate(1, 0, 0),
    "signs": Rate(1, 3, 0.167),
    "word": Rate(1, 4, 0.046),
    " word": Rate(1, 4, 0.027),
    ".word": Rate(1.1, 4, 0.108),
    "/word": Rate(1.45, 4, 0.13),
    ",word": Rate(2.1, 4, 0.188),
    "Word": Rate(1, 2, 0.223),
    " Word": Rate(1, 2, 0.116),
    ".Word": Rate(1.16, 2, 0.15),
    "/Word": Rate(1.16, 2, 0.15),
    ",Word": Rate(1.73, 2, 0.27),
    "hex": Rate(0, 0, 0.573),
    "base64": Rate(0, 0, 0.68),
    "latin": Rate(0.81, 1, 0.3),
    "cyrillic": Rate(0.84, 1, 0.17),
    "script": Rate(0.57, 1, 0.4),
    "cjk": Rate(0.75, 1, 0.7),
}
"""``Word`` stands for capitals inside a word; a character before it for what the word comes after."""

_SIGN = r"!-/:-@\[-`{-~"
_SMALL = r"a-z\u00c0-\u1fff\u2c00-\u2dff\u3040-\u30ff\u3400-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
_LONG = 16

_BEFORE = {" ": " ", **dict.fromkeys("_.(&%<'#$?)", "."), **dict.fromkeys("/-\\[\t", "/")}
"""How often a sign is one token with the word after it: ``_name`` mostly, ``/name`` less, ``,name`` hardly."""

_PIECES = re.compile(
    # Digits and letters mixed for long: hashes, base64.  The atomic groups keep it from searching twice.
    rf"(?=[0-9]*+[A-Za-z+])(?=[A-Za-z+]*+[0-9])[A-Za-z0-9+]{{{_LONG},}}+"
    rf"|[ \t{_SIGN}]?(?:[A-Z]*[{_SMALL}]+|[A-Z]+)|[0-9]{{1,3}}| ?[{_SIGN}]+[\r\n/]*|\s*[\r\n]+|\s+(?=\s)|\s+|.",
    re.DOTALL,
)
_HEX = re.compile("[0-9a-f]+|[0-9A-F]+")

_SCRIPT_STARTS = (0x0370, 0x0590, 0x1E00, 0x2000, 0x2E80)
_SCRIPTS = ("latin", "cyrillic", "script", "latin", "script", "cjk")
"""Scripts by where they begin: Latin with accents, Greek and Cyrillic, everything to the east, and so on."""


SLICE = 16 * 1024
"""Characters that are cut at once; between two slices a word may be cut that isn't one."""


def tokens_in(texts: Iterable[str]) -> float:
    """The tokens of some texts, about; texts with many words in common are counted quickest together."""
    pieces: Counter[str] = Counter()
    for text in texts:
        for at in range(0, len(text), SLICE):  # each call keeps the interpreter's lock: in a thread others get a turn
            pieces.update(_PIECES.findall(text, at, at + SLICE))
    return sum(times * _tokens(piece) for piece, times in pieces.items())


@lru_cache(maxsize=8192)
def _tokens(piece: str) -> float:
    kind, size = classify(piece)
    rate = RATES[kind]
    return rate.first + rate.more * max(0, size - rate.free)


def classify(piece: str) -> tuple[str, int]:
    """The kind of a piece, and the characters that count."""
    first, size = piece[0], len(piece)
    if not piece.isascii():
        return _foreign(piece, size)
    if size >= _LONG and first.isalnum() and not piece.isalpha():
        return "hex" if _HEX.fullmatch(piece) else "base64", size
    before, word = ("", piece) if first.isalpha() else (_BEFORE.get(first, ","), piece[1:])
    if word.isalpha():
        return before + ("word" if len(word) == 1 or word[1:].islower() else "Word"), len(word)
    return ("plain" if piece.isspace() else "signs"), size


def _foreign(piece: str, size: int) -> tuple[str, int]:
    """Letters of other scripts count one by one; a sign of any kind is one token."""
    if size == 1 and not piece.isalpha():
        return "plain", size
    return _SCRIPTS[bisect(_SCRIPT_STARTS, ord(piece[-1]))], size - (piece[0] < "A")


ENTRIES = 8192

SHORT = 200
"""Characters up to which a text is counted anew: looking it up would hardly be quicker."""


class KnownTexts:
    """``tokens_in`` with a memory: a conversation comes again with every turn, a little longer each time.

    Only a hash and a number are kept of a text.  The oldest go first.  May be shared by threads.
    """

    def __init__(self, entries: int = ENTRIES) -> None:
        self._most = entries
        self._known: dict[tuple[int, int], float] = {}
        self._lock = Lock()

    def tokens_in(self, texts: Iterable[str]) -> float:
        short: list[str] = []
        total = 0.0
        for text in texts:
            if len(text) <= SHORT:
                short.append(text)
            else:
                total += self._tokens(text)
        return total + tokens_in(short)

    def _tokens(self, text: str) -> float:
        key = (hash(text), len(text))
        known = self._known.get(key)
        if known is None:
            known = tokens_in([text])
            with self._lock:
                self._known[key] = known
                if len(self._known) > self._most:
                    del self._known[next(iter(self._known))]
        return known
