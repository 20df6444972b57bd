"""Reasoning in the text: ``<think>…</think>`` at the very start."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import strategies as st

from c2o.translate.think_tags import ThinkTags
from tests.examples import for_all
from tests.strategies import cut

SPLIT = {
    # text → reasoning, text
    "<think>plan</think>answer": ("plan", "answer"),
    "<think>\nplan\n</think>\n\nanswer": ("plan\n", "answer"),
    "\n <think>plan</think>answer": ("plan", "answer"),
    "<think></think>answer": ("", "answer"),
    "<think>\n\n</think>\n\nanswer": ("", "answer"),
    "<think>plan": ("plan", ""),
    "<think>plan</thi": ("plan</thi", ""),
    "<think>a <b> </thin > c</think>d": ("a <b> </thin > c", "d"),
    "<think>a</think>b</think>c": ("a", "b</think>c"),
    "<think>a</think><think>b</think>": ("a", "<think>b</think>"),
    "Use the <think> tag.": ("", "Use the <think> tag."),
    "a <thi": ("", "a <thi"),
    "<thinking>a</thinking>": ("", "<thinking>a</thinking>"),
    "<thi": ("", "<thi"),
    "  \n": ("", "  \n"),
    "  text": ("", "  text"),
    "": ("", ""),
}


def split(pieces: Iterable[str]) -> tuple[str, str]:
    tags = ThinkTags()
    parts = [tags.feed(piece) for piece in pieces] + [tags.close()]
    return "".join(reasoning for reasoning, _ in parts), "".join(text for _, text in parts)


@pytest.mark.parametrize("text", SPLIT)
def test_reasoning_and_text_are_told_apart_wherever_the_text_is_cut(text: str) -> None:
    assert split([text]) == SPLIT[text]
    assert split(text) == SPLIT[text]
    for at in range(len(text)):
        assert split([text[:at], text[at:]]) == SPLIT[text], at


@for_all(
    st.lists(st.sampled_from(["<think>", "</think>", "<", "/", "think>", "\n", " ", "a"])).map("".join).flatmap(cut)
)
def test_any_text_is_split_in_the_same_way_wherever_it_is_cut(pieces: list[str]) -> None:
    text = "".join(pieces)

    assert split(pieces) == split([text]) == split(list(text))


def test_text_is_passed_on_at_once() -> None:
    tags = ThinkTags()

    assert tags.feed("H") == ("", "H")
    assert tags.over
    assert tags.feed("<think>") == ("", "<think>")


def test_reasoning_is_passed_on_as_it_comes() -> None:
    tags = ThinkTags()

    assert [tags.feed(piece)[0] for piece in ("<think>", "pl", "an <", "b", "</th")] == ["", "pl", "an ", "<b", ""]
    assert not tags.over


RELATIVES = {
    "<mm:think>a</mm:think>b": ("a", "b"),
    "<seed:think>\na\n</seed:think>\nb": ("a\n", "b"),
    "<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>b": ("a", "b"),
    "[THINK]a[/THINK]b": ("a", "b"),
    "◁think▷a◁/think▷b": ("a", "b"),
    "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b": ("a", "b"),
    "<|channel|>final<|message|>b": ("", "b"),
    "<think>a</mm:think>b": ("a</mm:think>b", ""),
    "[THINKING]": ("", "[THINKING]"),
    "<|channel|>": ("", "<|channel|>"),
}


@pytest.mark.parametrize("text", RELATIVES)
def test_other_families_tags(text: str) -> None:
    assert split([text]) == RELATIVES[text]
    assert split(list(text)) == RELATIVES[text]


OPENED = {
    "a</think>b": ("a", "b"),
    "<think>a</think>b": ("a", "b"),
    "\na\n</think>\n\nb": ("a\n", "b"),
    "a": ("a", ""),
    "<b>a</think>b": ("<b>a", "b"),
}


@pytest.mark.parametrize("text", OPENED)
def test_reasoning_that_the_template_has_begun(text: str) -> None:
    for pieces in ([text], list(text)):
        tags = ThinkTags(opened=True)
        said = [*map(tags.feed, pieces), tags.close()]
        assert ("".join(each for each, _ in said), "".join(each for _, each in said)) == OPENED[text]
