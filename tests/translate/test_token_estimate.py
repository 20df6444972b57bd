"""The estimator against o200k_base, the vocabulary of OpenAI's current models."""

from __future__ import annotations

from functools import cache
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2o.translate.token_estimate import KnownTexts, classify, tokens_in
from tests.translate import o200k
from tests.translate.token_corpus import Text, judged

KINDS = (
    "Python", "TypeScript", "C", "prose", "Chinese", "Japanese", "JSON schema", "base64", "hex", "lock file", "listing",
    "diff", "HTML", "log",
)  # fmt: skip


@cache
def errors() -> dict[Text, float]:
    """How far off the estimate is for each text, as a part of the truth."""
    return {text: tokens_in([text.text]) / o200k.tokens(text.text) - 1 for text in judged()}


def of(kind: str) -> dict[str, float]:
    return {text.name: round(error, 3) for text, error in errors().items() if text.kind == kind}


def test_the_corpus_has_every_kind() -> None:
    assert {text.kind for text in errors()} == set(KINDS)


def test_the_median_is_within_three_percent() -> None:
    assert median(abs(error) for error in errors().values()) <= 0.03


@pytest.mark.parametrize("kind", KINDS)
def test_the_median_of_a_kind_is_within_six_percent(kind: str) -> None:
    assert median(map(abs, of(kind).values())) <= 0.06, of(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_worst_is_within_sixteen_percent(kind: str) -> None:
    assert max(map(abs, of(kind).values())) <= 0.16, of(kind)


def test_no_leaning_over_all_kinds() -> None:
    """Errors that all point one way would add up in a long conversation."""
    of_kinds = {kind: median(of(kind).values()) for kind in KINDS}

    assert abs(sum(of_kinds.values())) / len(of_kinds) <= 0.02, of_kinds


@pytest.mark.parametrize(
    ("piece", "kind"),
    [
        ("word", "word"),
        (" word", " word"),
        ("_word", ".word"),
        ("HTTP", "Word"),
        (" Name", " word"),
        ("XMLHttp", "Word"),
        ("123", "signs"),
        ("):\n", "signs"),
        ("\n\n    ", "plain"),
        ("d41d8cd98f00b204e9800998ecf8427e", "hex"),
        ("9mHfCZ0kLKpwAGnhFkvbrg", "base64"),
        ("größe", "latin"),
        (" привет", "cyrillic"),
        ("한국어", "cjk"),
        ("日本語", "cjk"),
        (" ไทย", "script"),
        ("🎉", "plain"),
    ],
)
def test_pieces_are_known(piece: str, kind: str) -> None:
    assert classify(piece)[0] == kind


@given(st.text())
def test_any_text_has_a_count(text: str) -> None:
    assert (tokens_in([text]) > 0) == bool(text)


@given(st.lists(st.text(max_size=300)))
def test_a_memory_changes_nothing(texts: list[str]) -> None:
    known = KnownTexts(entries=3)

    for _ in range(2):
        assert known.tokens_in(texts) == pytest.approx(tokens_in(texts))


def test_a_memory_is_bounded_and_used() -> None:
    known = KnownTexts(entries=10)
    texts = [f"{number} " * 200 for number in range(30)]

    known.tokens_in(texts)

    assert len(known._known) == 10
    known._known[hash(texts[-1]), len(texts[-1])] = 12345.0
    assert known.tokens_in(texts[-1:]) == 12345.0
