"""Texts without secrets: for logs, errors and reports, whatever an upstream repeats and in whatever form.

A text of many megabytes takes longer than others may have to wait, so the search is made of steps: generators that stop
after each SLICE of it.  Who is in no hurry takes all of them ``at_once``.
"""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import TypeVar
from urllib.parse import quote

T = TypeVar("T")

Steps = Generator[None, None, T]
"""Work that stops now and then, and ends with a result."""

HIDDEN = "***"

SHORTEST = 12
"""Characters below which a text is taken for no secret: to hide ``ollama`` would garble whatever is said of it.
Of a longer one, any piece of this length is hidden."""

WINDOW = SHORTEST // 2
STRIDE = SHORTEST - WINDOW + 1
"""A text that holds a piece of a secret has WINDOW characters of it at one of the places that are STRIDE apart."""

SLICE = 1024 * STRIDE
"""Characters that are searched in a step: less than a millisecond."""

_BLOCKS = struct.Struct(f"{WINDOW}s{STRIDE - WINDOW}x")

NAME, NAMES = 80, 200
"""Characters up to which a text may be one that comes again, and how many of these are remembered."""

HARMLESS_HEADERS = {"accept", "content-type", "user-agent", "referer", "http-referer", "x-title"}
"""What a configured header with another name holds may be a key."""

_NAMES = ("sk", "nvapi", "gsk", "xai", "hf", "r8", "pk", "tgp", "fw", "csk", "ghp", "gho", "github_pat")
_KEY = re.compile(
    rf"\b(?:(?:{'|'.join(_NAMES)})[-_](?=[A-Za-z_-]{{0,64}}[0-9])|AIza)[A-Za-z0-9_-]{{16,}}"
    r"|(?i:\bbearer\s{1,50})[A-Za-z0-9._~+/=-]{8,}"
)
"""Keys that we weren't told of: as providers make them, and whatever stands behind ``Bearer``.  What could repeat for
ever has an end: a text that consists of beginnings would be searched to its end from each of them."""

_BEGINNINGS = (
    re.compile("[-_](?:" + "|".join(rf"(?<=\b({name}).)" for name in _NAMES) + ")"),
    re.compile("(AIza|[bB][eE][aA][rR][eE][rR])"),
)
"""Where one may be, as a group: these are found in a fifth of the time, because they begin with what is rare."""

_LONGEST_BEGINNING = len("bearer")

Span = tuple[int, int]


def in_headers(headers: Mapping[str, str]) -> Iterator[str]:
    """The words in configured headers that may be secrets."""
    for name, value in headers.items():
        if name.lower() not in HARMLESS_HEADERS:
            yield from value.split()


def at_once(steps: Steps[T]) -> T:
    """The result of all steps together."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


class Redactor:
    """Hides what it was told: whole or in pieces, in plain, in base64, and as JSON and URLs have it."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for value in secrets if len(value) >= SHORTEST for form in _forms(value)}
        self._pieces = {form[at : at + SHORTEST] for form in forms for at in range(len(form) - SHORTEST + 1)}
        self._windows = {form[at : at + WINDOW] for form in forms for at in range(len(form) - WINDOW + 1)}
        self._blocks = {block for form in forms for block in _blocks(form)}
        self._harmless: set[str] = set()

    def __or__(self, other: Redactor) -> Redactor:
        """Hides what either of them does."""
        both = Redactor(())
        both._pieces = self._pieces | other._pieces
        both._windows = self._windows | other._windows
        both._blocks = self._blocks | other._blocks
        return both

    def __call__(self, text: str) -> str:
        if text in self._harmless:
            return text
        shown = at_once(self.steps(text))
        if shown is text:  # nearly always
            self._remember(text)
        return shown

    def steps(self, text: str) -> Steps[str]:
        """The same, slice by slice."""
        return _without(text, self._found_in(text))

    def _found_in(self, text: str) -> Iterator[Span | None]:
        """Where secrets are, from left to right; None when a step was made."""
        shown = 0
        for at in range(0, len(text), SLICE):
            if self._may_be_in(text[at : at + SLICE + SHORTEST - 1]):  # hardly ever
                for window in range(at, at + SLICE + STRIDE, STRIDE):
                    if text[window : window + WINDOW] in self._windows:
                        start = self._begins_around(text, window, shown)
                        if start is not None:
                            shown = yield from self._ends(text, start)
                            yield start, shown
            yield None

    def _may_be_in(self, text: str) -> bool:
        """Is any window there?  Of the bytes, because they are quicker to cut."""
        data = text.encode(errors="surrogatepass")
        return not self._blocks.isdisjoint(_BLOCKS.iter_unpack(data + bytes(-len(data) % STRIDE)))

    def _begins_around(self, text: str, window: int, shown: int) -> int | None:
        """Where a piece begins that has this window in it, not before ``shown``."""
        starts = range(max(shown, window + WINDOW - SHORTEST), window + 1)
        return next((at for at in starts if text[at : at + SHORTEST] in self._pieces), None)

    def _ends(self, text: str, at: int) -> Generator[None, None, int]:
        """Pieces overlap: all of it is hidden in one."""
        while text[at : at + SHORTEST] in self._pieces:
            at += 1
            if not at % SLICE:
                yield
        return at + SHORTEST - 1

    def _remember(self, text: str) -> None:
        """That there is no secret in it: names of models and clients come again with each request."""
        if len(text) <= NAME:
            if len(self._harmless) >= NAMES:
                self._harmless.clear()
            self._harmless.add(text)


def _blocks(form: str) -> Iterator[tuple[bytes]]:
    data = form.encode(errors="surrogatepass")
    return ((data[at : at + WINDOW],) for at in range(len(data) - WINDOW + 1))


def _forms(value: str) -> Iterator[str]:
    yield value
    yield value.replace("/", "\\/")  # as PHP writes JSON
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    data = value.encode(errors="surrogateescape")
    yield quote(data, safe="")
    for offset in range(3):  # where it begins in a longer text that is encoded
        encoded = base64.b64encode(b"\0" * offset + data).decode()
        inner = encoded[4 if offset else 0 : len(encoded) - 4]
        yield inner
        yield inner.translate(_OF_URLS)


_OF_URLS = str.maketrans("+/", "-_")


def without_what_looks_like_a_key(text: str) -> str:
    return at_once(steps_without_keys(text))


def steps_without_keys(text: str) -> Steps[str]:
    """``without_what_looks_like_a_key``, slice by slice."""
    return _without(text, _keys_in(text))


def _keys_in(text: str) -> Iterator[Span | None]:
    """Where something looks like a key, from left to right; None when a step was made."""
    shown = 0
    for at in range(0, len(text), SLICE):
        for start in sorted(_begin_in(text, at)):
            if start >= shown and (found := _KEY.match(text, start)):
                yield found.span()
                shown = found.end()
        yield None


def _begin_in(text: str, at: int) -> Iterator[int]:
    with_name, alone = _BEGINNINGS
    yield from (found.start(found.lastindex or 0) for found in with_name.finditer(text, at, at + SLICE))
    yield from (found.start() for found in alone.finditer(text, at, at + SLICE + _LONGEST_BEGINNING - 1))


def _without(text: str, spans: Iterator[Span | None]) -> Steps[str]:
    kept: list[str] = []
    shown = 0
    for span in spans:
        if span is None:
            yield
            continue
        kept += (text[shown : span[0]], HIDDEN)
        shown = span[1]
    return "".join([*kept, text[shown:]]) if kept else text
