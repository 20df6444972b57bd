"""Stop sequences, matched in the text as it passes."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import strategies as st

from c2o.errors import RequestError
from c2o.translate.stop_sequences import StopMatcher
from tests.examples import for_all
from tests.fake_upstream import DONE, chunk, finish, text
from tests.strategies import cut
from tests.translate.talk import answered, completion, request, sent, streamed, translator

Found = tuple[str, str | None]

MATCHED: list[tuple[list[str], str, Found]] = [
    # sequences, text → what is shown, which one was found
    (["END"], "a END b", ("a ", "END")),
    (["END"], "END", ("", "END")),
    (["END"], "no such thing", ("no such thing", None)),
    (["END"], "it is the EN", ("it is the EN", None)),
    (["END"], "EENDEND", ("E", "END")),
    (["a", "b", "c", "d", "e", "f"], "xyzf", ("xyz", "f")),  # more than the four that OpenAI takes
    (["abc", "b"], "abc", ("a", "b")),  # the first to be complete, as if the model had said it letter by letter
    (["bc", "abc"], "abc", ("", "abc")),  # complete at the same letter: the longer one
    (["aab"], "aaab", ("a", "aab")),
    (["\n\nHuman:"], "Hi.\n\nHuman: x", ("Hi.", "\n\nHuman:")),
    (["é🎉"], "aé🎉b", ("a", "é🎉")),
]


def matched(sequences: list[str], pieces: Iterable[str]) -> Found:
    matcher = StopMatcher(sequences)
    shown = "".join([matcher.feed(piece) for piece in pieces] + [matcher.close()])
    return shown, matcher.hit


@pytest.mark.parametrize(("sequences", "said", "found"), MATCHED)
def test_a_sequence_is_found_wherever_the_text_is_cut(sequences: list[str], said: str, found: Found) -> None:
    assert matched(sequences, [said]) == found
    assert matched(sequences, said) == found
    for at in range(len(said)):
        assert matched(sequences, [said[:at], said[at:]]) == found, at


some_letters = st.text("abc", min_size=1, max_size=4)


@for_all(st.lists(some_letters, min_size=1, max_size=3), st.text("abc", max_size=20).flatmap(cut))
def test_any_text_is_matched_in_the_same_way_wherever_it_is_cut(sequences: list[str], pieces: list[str]) -> None:
    said = "".join(pieces)
    shown, hit = matched(sequences, pieces)

    assert (shown, hit) == matched(sequences, said) == matched(sequences, [said])
    assert not any(sequence in shown for sequence in sequences)
    assert said.startswith(shown + (hit or ""))


def test_only_what_may_be_a_sequence_is_held_back() -> None:
    matcher = StopMatcher(["END"])

    assert [matcher.feed(piece) for piece in ("some text", " E", "N", "ough")] == ["some text", " ", "", "ENough"]


# ---- in an answer


def test_sequences_are_never_sent() -> None:
    """OpenAI doesn't say which one was found, takes four, and its reasoning models refuse the parameter."""
    assert "stop" not in sent(request(stop_sequences=["a", "b"]))


def test_the_answer_ends_and_the_rest_is_not_read() -> None:
    of = translator(request(stream=True, stop_sequences=["END"]))
    of.feed(text("yes E"))

    assert not of.done
    of.feed(text("ND no"))
    assert of.done


def test_the_rest_of_an_answer_has_no_effect() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "Bash", "arguments": "{}"}}
    told = streamed(text("yes END"), chunk({"tool_calls": [call]}), finish("tool_calls"), DONE, stop_sequences=["END"])
    whole = answered(completion({"content": "yes END", "tool_calls": [call]}, "tool_calls"), stop_sequences=["END"])

    assert told.content == whole["content"] == [{"type": "text", "text": "yes "}]
    assert (told.stop_reason, told.stop_sequence) == ("stop_sequence", "END")
    assert (whole["stop_reason"], whole["stop_sequence"]) == ("stop_sequence", "END")


def test_a_half_sequence_is_text_at_the_end() -> None:
    assert streamed(text("the EN"), finish(), DONE, stop_sequences=["END"]).said("text") == "the EN"


def test_neither_reasoning_nor_tool_input_is_searched() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "Bash", "arguments": '{"command": "END"}'}}

    told = streamed(
        chunk({"reasoning_content": "END"}),
        chunk({"tool_calls": [call]}),
        finish("tool_calls"),
        DONE,
        stop_sequences=["END"],
        thinking={"type": "adaptive"},
    )

    assert told.stop_reason == "tool_use"
    assert told.said("thinking") == "END"
    assert told.calls[0]["input"] == {"command": "END"}


def test_the_whole_sequence_may_be_the_answer() -> None:
    told = streamed(text("END"), finish(), DONE, stop_sequences=["END"])

    assert (told.content, told.stop_reason, told.stop_sequence) == ([], "stop_sequence", "END")


@pytest.mark.parametrize("sequences", [[""], ["a", " "], ["\n\t"]])
def test_a_sequence_of_nothing_is_refused(sequences: list[str]) -> None:
    with pytest.raises(RequestError, match=rf"^stop_sequences.{len(sequences) - 1}: "):
        translator(request(stop_sequences=sequences))
