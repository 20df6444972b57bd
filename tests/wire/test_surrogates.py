"""Halves of characters, alone and split over two chunks."""

from __future__ import annotations

import json

import pytest

from c2o.wire.surrogates import ends_in_half, has_halves, joined, without_halves
from tests import grammar
from tests.fake_upstream import DONE, finish
from tests.translate.talk import answered, request, stream, translator

HALVES = {
    rb'{"a": "\ud83c"}': rb'{"a": "\ufffd"}',
    rb'{"a": "\udf89b"}': rb'{"a": "\ufffdb"}',
    rb'{"a": "\uD83C x \uDF89"}': rb'{"a": "\ufffd x \ufffd"}',
    rb'{"a": "\ud83c\ud83c\udf89"}': rb'{"a": "\ufffd\ud83c\udf89"}',
    rb'{"\ud83c": 1}': rb'{"\ufffd": 1}',
}

WHOLE = [rb'{"a": "\ud83c\udf89"}', rb'{"a": "\\ud83c"}', rb'{"a": "\\\\ud83c \n"}', "{'🎉'}".encode(), b""]


@pytest.mark.parametrize("data", HALVES)
def test_a_half_without_its_other_is_replaced(data: bytes) -> None:
    assert has_halves(data)
    assert without_halves(data) == HALVES[data]
    json.loads(without_halves(data)).__str__().encode()


@pytest.mark.parametrize("data", WHOLE)
def test_what_is_whole_stays_as_it_is(data: bytes) -> None:
    assert not has_halves(data)
    assert without_halves(data) == data


def test_two_halves_are_put_together() -> None:
    first, second = rb'{"a": "x\ud83c"}', rb'{"a": "\udf89y"}'

    assert ends_in_half(first)
    assert not ends_in_half(second)
    assert joined(first, second) == (rb'{"a": "x"}', rb'{"a": "\ud83c\udf89y"}')
    assert joined(first, b"[DONE]") == (first, b"[DONE]")


def delta(text: bytes) -> bytes:
    return b'data: {"choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n' % text


STREAMS: dict[tuple[bytes, ...], str] = {
    (rb"\ud83c", rb"\udf89"): "🎉",
    (rb"a\ud83c", rb"b"): "a\ufffdb",
    (rb"a\ud83c",): "a\ufffd",
    (rb"\udf89a",): "\ufffda",
    (rb"\ud83c", rb"\ud83c", rb"\udf89"): "\ufffd🎉",
    (rb"\ud83c", rb"\udf89 \ud83c", rb"\udf89"): "🎉 🎉",
}


@pytest.mark.parametrize("texts", STREAMS)
@pytest.mark.parametrize("end", [[finish(), DONE], [DONE]], ids=["finish", "DONE"])
def test_an_answer_with_halves(texts: tuple[bytes, ...], end: list[bytes]) -> None:
    of = translator(request(stream=True))

    told = grammar.read(stream(of, [*map(delta, texts), *end]))

    assert told.said("text") == STREAMS[texts]
    assert len(of.outcome.warnings) == 1


def test_a_whole_answer_with_a_half() -> None:
    body = rb'{"choices": [{"message": {"content": "a\ud83c"}, "finish_reason": "stop"}]}'

    assert answered(body)["content"] == [{"type": "text", "text": "a\ufffd"}]
