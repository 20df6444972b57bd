"""The grammar of an answer, kept by one class whatever it is told."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import strategies as st

from c2o.translate.message_builder import MessageBuilder, fold
from c2o.wire.anthropic import Error, Event, StopDetails, Usage, encode, encode_events
from tests import grammar
from tests.examples import for_all
from tests.translate.talk import Json

USAGE = Usage(input_tokens=5, output_tokens=0)


def builder() -> MessageBuilder:
    return MessageBuilder(id="msg_1", model="m", usage=USAGE)


def told(events: list[Event]) -> grammar.Message:
    return grammar.read(encode_events(events))


def types(events: list[Event]) -> list[str]:
    return [event["type"] for event in grammar.events(encode_events(events))]


def test_text_and_thinking_close_when_something_follows() -> None:
    building = builder()
    building.thinking("a")
    building.thinking("b")
    building.signature("s")
    building.text("c")
    building.stop("end_turn")

    message = told(building.take())

    assert message.content == [{"type": "thinking", "thinking": "ab", "signature": "s"}, {"type": "text", "text": "c"}]


def test_a_call_closes_only_when_it_is_told_to_be_finished() -> None:
    """Claude Code runs a call as soon as its block is closed."""
    building = builder()
    building.tool_use("k", id="t", name="Bash")
    building.tool_input("k", "{}")
    building.text("later")

    assert types(building.take()) == ["message_start", "content_block_start", "content_block_delta"]
    building.tool_finished("k")
    assert types(building.take()) == ["content_block_stop", "content_block_start", "content_block_delta"]


def test_calls_that_come_interleaved_go_out_one_after_another() -> None:
    building = builder()
    building.tool_use(0, id="a", name="F")
    building.tool_use(1, id="b", name="G")
    building.tool_input(1, '{"y":')
    building.tool_input(0, '{"x":1}')
    building.tool_input(1, "2}")
    building.tool_finished(1)
    building.tool_finished(0)
    building.stop("tool_use")

    message = told(building.take())

    assert [(call["id"], call["input"]) for call in message.calls] == [("a", {"x": 1}), ("b", {"y": 2})]


def test_an_error_leaves_the_block_open() -> None:
    building = builder()
    building.tool_use(0, id="a", name="F")
    building.tool_input(0, '{"x":1')
    building.fail(Error("api_error", "gone"))

    message = told(building.take())

    assert message.content == []
    assert message.open == {"type": "tool_use", "id": "a", "name": "F", "input": {}, "partial_json": '{"x":1'}


def test_an_answer_of_nothing_still_begins_and_ends() -> None:
    building = builder()
    assert building.empty
    building.stop("max_tokens")

    assert types(building.take()) == ["message_start", "message_delta", "message_stop"]


def test_usage_is_what_was_known_last_and_events_do_not_change_afterwards() -> None:
    building = builder()
    building.text("a")
    begun = building.take()
    building.usage(Usage(input_tokens=7, output_tokens=1))
    building.usage(Usage(input_tokens=7, output_tokens=2, cache_read_input_tokens=3))
    building.stop("end_turn")

    message = told([*begun, *building.take()])

    assert message.estimate["input_tokens"] == 5
    assert (message.usage["output_tokens"], message.usage["cache_read_input_tokens"]) == (2, 3)


def test_life_signs_begin_the_message_and_change_nothing() -> None:
    building = builder()
    building.keep_alive(parsed=False)
    building.text("a")
    building.keep_alive(parsed=True)
    building.text("b")
    building.stop("end_turn")

    message = grammar.read(encode_events(building.take()), life_signs=True)

    assert message.life_signs == 2
    assert message.said("text") == "ab"


def test_events_are_handed_over_once() -> None:
    building = builder()
    building.text("a")

    assert building.take()
    assert building.take() == []


# ---- anything, in any order

steps = st.lists(
    st.one_of(
        st.tuples(st.just("text"), st.sampled_from(["a", "bc"])),
        st.tuples(st.just("thinking"), st.sampled_from(["a", "bc"])),
        st.tuples(st.just("call"), st.integers(0, 3)),
        st.tuples(st.just("input"), st.integers(0, 3)),
        st.tuples(st.just("finished"), st.integers(0, 3)),
    ),
    max_size=15,
)


def build(told: list[tuple[str, object]]) -> tuple[list[Event], list[Json]]:
    """The events of an answer, and the blocks that were told in the order of their first words."""
    building, blocks, calls = builder(), list[Json](), dict[object, Json]()
    for what, value in told:
        match what:
            case "call" if value not in calls:
                calls[value] = {"type": "tool_use", "id": f"c{value}", "name": "F", "input": {}}
                blocks.append(calls[value])
                building.tool_use(value, id=f"c{value}", name="F")  # type: ignore[arg-type]
            case "input" if value in calls and not calls[value]["input"]:
                calls[value]["input"] = {"x": 1}
                building.tool_input(value, '{"x":1}')  # type: ignore[arg-type]
            case "finished" if value in calls and calls[value]["input"]:
                building.tool_finished(value)  # type: ignore[arg-type]
            case "text" | "thinking":
                if not blocks or blocks[-1]["type"] != what:
                    blocks.append({"type": what, what: ""} | ({"signature": ""} if what == "thinking" else {}))
                blocks[-1][what] += str(value)
                building.text(str(value)) if what == "text" else building.thinking(str(value))
    for key in calls:
        building.tool_finished(key)  # type: ignore[arg-type]
    building.stop("tool_use" if calls else "end_turn")
    return building.take(), blocks


@for_all(steps)
def test_whatever_is_told_comes_out_in_order_and_well_formed(told_steps: list[tuple[str, object]]) -> None:
    events, blocks = build(told_steps)

    assert told(events).content == blocks


@for_all(steps)
def test_folding_a_stream_gives_the_message_that_a_client_puts_together(told_steps: list[tuple[str, object]]) -> None:
    events, _ = build(told_steps)

    folded = msgspec.json.decode(encode(fold(events)))

    assert folded["content"] == told(events).content
    assert folded["usage"] == told(events).usage
    assert folded["type"] == "message"


def test_folding_keeps_what_an_end_says() -> None:
    building = builder()
    building.text("I can't.")
    building.stop("refusal", None, StopDetails(explanation="I can't."))

    folded = fold(building.take())

    assert (folded.stop_reason, folded.stop_sequence) == ("refusal", None)
    assert folded.stop_details == StopDetails(explanation="I can't.")


@pytest.mark.parametrize("text", ["a" * 10_000, "é🎉\u2028"])
def test_text_is_kept_as_it_is(text: str) -> None:
    building = builder()
    building.text(text)
    building.stop("end_turn")

    assert told(building.take()).said("text") == text
