"""One request and its answer: the halves put together."""

from __future__ import annotations

import json

import pytest

from c2o.translate import chat
from c2o.wire import sse
from tests import grammar
from tests.fake_upstream import DONE, chunk, event, finish, text, usage
from tests.translate.talk import Json, completion, request, stream, tool, translator

STREAM = [text("Hi"), finish(), usage(10, 3), DONE]


def test_the_journal_learns_how_a_stream_ended() -> None:
    of = translator(request(stream=True))

    stream(of, STREAM)

    assert of.outcome.stop_reason == "end_turn"
    assert of.outcome.usage is not None
    assert (of.outcome.usage.input_tokens, of.outcome.usage.output_tokens) == (10, 3)
    assert of.outcome.error is None


def test_the_journal_learns_how_a_whole_answer_ended() -> None:
    of = translator(request())

    of.complete(json.dumps(completion({"content": "Hi"}, usage={"prompt_tokens": 10, "completion_tokens": 3})).encode())

    assert of.outcome.stop_reason == "end_turn"
    assert of.outcome.usage is not None
    assert of.outcome.usage.output_tokens == 3


def test_the_journal_learns_what_went_wrong() -> None:
    broken, hidden, refused = (translator(request(stream=True)) for _ in range(3))

    stream(broken, [text("Hi"), event({"error": "out of memory"})])
    hidden.complete(b'{"error": "out of memory"}')
    refused.error(500, {}, b'{"error": "out of memory"}')

    for of in (broken, hidden, refused):
        assert of.outcome.error == "up: out of memory"
        assert of.outcome.stop_reason is None


def test_the_journal_learns_what_was_mended_without_anybody_s_words() -> None:
    bash = tool("Bash", {"command": {"type": "string"}, "timeout": {"type": "integer"}})
    call = {"index": 0, "id": "a", "function": {"name": "Bash", "arguments": '{"command": "secret", "timeout": null}'}}
    of = translator(request(stream=True, tools=[bash], top_k=5))

    stream(of, [chunk({"tool_calls": [call]}), finish("tool_calls"), DONE])

    assert [len(of.outcome.warnings), len(of.outcome.repairs)] == [1, 1]
    assert "secret" not in str(of.outcome)


@pytest.mark.parametrize("last", [DONE, event({"error": "x"})])
def test_reading_may_stop_when_nothing_more_is_needed(last: bytes) -> None:
    of = translator(request(stream=True))

    of.feed(text("Hi"))
    assert not of.done
    of.feed(finish())
    assert not of.done, "usage may still come"
    of.feed(last)
    assert of.done


def test_the_answer_has_the_name_that_the_client_asked_for() -> None:
    """Clients price by it."""
    told = grammar.read(stream(translator(request(stream=True, model="claude-of-tomorrow")), STREAM))

    assert (told.model, told.id) == ("claude-of-tomorrow", "msg_recorded")


def test_a_line_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "LIMIT", 1000)

    told = grammar.read(stream(translator(request(stream=True)), [text("Hi"), b"data: " + b"x" * 2000, DONE]))

    assert told.error is not None
    assert "larger than c2o takes" in told.error["message"]


def test_a_whole_answer_without_end_is_an_error_where_a_stream_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "LIMIT", 1000)

    told = grammar.read(stream(translator(request(stream=True)), [b'{"choices": [', b" " * 2000, b"]}"]))

    assert told.error is not None
    assert "larger than c2o takes" in told.error["message"]


def test_an_argument_of_megabytes_passes_in_no_time() -> None:
    """The text of a file, said in small pieces."""
    words = json.dumps({"content": 'line "quoted"\n' * 50_000})
    pieces = [words[at : at + 400] for at in range(0, len(words), 400)]
    head: Json = {"index": 0, "id": "a", "function": {"name": "Write", "arguments": ""}}
    chunks = [chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}) for piece in pieces]

    of = translator(request(stream=True, tools=[tool("Write", {"content": {"type": "string"}})]))
    told = grammar.read(stream(of, [chunk({"tool_calls": [head]}), *chunks, finish("tool_calls"), DONE]))

    assert told.calls[0]["input"] == json.loads(words)


def test_characters_survive_any_cut() -> None:
    """Bytes cut inside of a character are put together again."""
    data = text("é日🎉")

    told = grammar.read(stream(translator(request(stream=True)), [data[:40], data[40:41], data[41:], finish(), DONE]))

    assert told.said("text") == "é日🎉"
