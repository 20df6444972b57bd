"""An upstream that speaks Anthropic: bytes through, but for what must differ."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2o.errors import RequestError
from c2o.translate.dialects import dialect_for
from c2o.translate.passthrough import PassthroughTranslator
from c2o.translate.passthrough_request import VERSION, headers_for, passed_on
from c2o.translate.types import Answer, Job, Remedy
from c2o.translate.upstream_errors import Failing
from c2o.wire.anthropic import decode_request

ASKED, MODEL = "claude-sonnet-5", "vendor/model-1"

COMPATIBLE, ANTHROPIC = dialect_for("generic"), dialect_for("anthropic")

BODY = (
    rb'{ "max_tokens":100,"stream":true ,"model" : "claude-sonnet-5", "messages":[{"role":"user",'
    rb'"content":"the word \"model\":\"x\" and \u00e9, 1e400, \ud83c\udf89"}],"temperature":1.0000000000000000000001}'
)


def translator(body: bytes = BODY, dialect: Any = COMPATIBLE, **more: Any) -> PassthroughTranslator:
    job: dict[str, Any] = {
        "message_id": "msg_ours",
        "model": MODEL,
        "dialect": dialect,
        "failing": Failing("fake", "http://127.0.0.1:1/v1", MODEL, "env:KEY"),
        "request_size": len(body),
        "body": body,
    }
    return PassthroughTranslator(decode_request(body), Job(**(job | more)))


# ---- requests


def test_only_the_models_name_is_another() -> None:
    request = translator().request()

    assert request.path == "/messages"
    assert request.body == BODY.replace(b'"claude-sonnet-5"', b'"vendor/model-1"')


NUMBERS = st.sampled_from([b"1e5", b"-0.0", b"12345678901234567890123", b"1.10", b"0.1E+3"])
STRINGS = st.sampled_from(
    [rb'"\u006dodel"', rb'"\"model\":\"claude-sonnet-5\""', rb'"\\"', '"é🎉"'.encode(), rb'"\ud83c\udf89 {]"', b'""']
)
SPACE = st.sampled_from([b"", b" ", b"\n\t", b"\r\n  "])


def _array(items: list[bytes], space: bytes) -> bytes:
    return b"[" + space + (b"," + space).join(items) + space + b"]"


def _object(items: list[tuple[bytes, bytes]], space: bytes) -> bytes:
    return b"{" + b",".join(space + name + space + b":" + space + value for name, value in items) + space + b"}"


JSON = st.recursive(
    NUMBERS | STRINGS | st.sampled_from([b"null", b"true", b"false"]),
    lambda inner: (
        st.builds(_array, st.lists(inner, max_size=3), SPACE)
        | st.builds(_object, st.lists(st.tuples(STRINGS, inner), max_size=3), SPACE)
    ),
    max_leaves=8,
)


@given(JSON, SPACE, st.permutations(range(4)), STRINGS)
def test_odd_bodies_pass_byte_for_byte(value: bytes, space: bytes, order: list[int], text: bytes) -> None:
    members = [
        (b'"messages"', b'[{"role":"user","content":[{"type":"text","text":%s,"model":%s}]}]' % (text, value)),
        (b'"max_tokens"', b"10"),
        (b'"x-unknown"', value),
    ]

    def body(model: bytes) -> bytes:
        all_members = [*members, (b'"model"', model)]
        return space + _object([all_members[index] for index in order], space)

    assert translator(body(b'"claude-sonnet-5"')).request().body == body(b'"vendor/model-1"')


def test_a_limit_of_the_configuration_holds() -> None:
    body = b'{"model":"m","max_tokens":32000,"messages":[]}'

    assert translator(body, max_output_tokens=8192).request().body == (
        b'{"model":"vendor/model-1","max_tokens":8192,"messages":[]}'
    )
    assert b'"max_tokens":32000' in translator(body, max_output_tokens=64000).request().body


def test_extra_fields_win_and_new_ones_go_to_the_end() -> None:
    body = b'{"model":"m","max_tokens":1,"messages":[],"top_k":5,"thinking":{"type":"enabled","budget_tokens":9} }'
    extra = {"top_k": 9, "provider": {"only": ["x"]}, "max_tokens": None, "thinking": {"budget_tokens": None}}

    sent = translator(body, extra_body=extra).request().body

    assert sent == (
        b'{"model":"vendor/model-1","messages":[],"top_k":9,"thinking":{"type":"enabled"},"provider":{"only":["x"]} }'
    )


def test_fields_of_betas_go_to_anthropic_alone() -> None:
    body = b'{"model":"m","max_tokens":1,"context_management":{"edits":[]},"messages":[], "safeguards":{}}'
    job = translator(body)

    assert job.request().body == b'{"model":"vendor/model-1","max_tokens":1,"messages":[]}'
    assert job.outcome.warnings == ["context_management left out", "safeguards left out"]
    assert translator(body, ANTHROPIC).request().body == body.replace(b'"m"', b'"vendor/model-1"')


@pytest.mark.parametrize(
    ("given", "dialect", "sent"),
    [
        ({}, COMPATIBLE, {"anthropic-version": VERSION}),
        (
            {"anthropic-version": "2026-10-21", "anthropic-beta": "a,b"},
            COMPATIBLE,
            {"anthropic-version": "2026-10-21"},
        ),
        (
            {"anthropic-beta": "a, oauth-2025-04-20 ,b"},
            ANTHROPIC,
            {"anthropic-version": VERSION, "anthropic-beta": "a,b"},
        ),
        ({"anthropic-beta": "oauth-2025-04-20"}, ANTHROPIC, {"anthropic-version": VERSION}),
    ],
)
def test_headers_that_go_on(given: dict[str, str], dialect: Any, sent: dict[str, str]) -> None:
    assert headers_for(given, dialect) == sent


def test_marks_for_the_cache_lose_what_belongs_to_a_beta() -> None:
    mark = '{"type":"ephemeral", "scope":"global","ttl":"1h"}'
    body = (
        '{"model":"m","cache_control":MARK,"system":[{"type":"text","text":"s","cache_control":MARK}],'
        '"tools":[{"name":"t","cache_control":MARK,"input_schema":{"cache_control":MARK}}],'
        '"messages":[{"role":"user","content":[{"type":"tool_result","cache_control":MARK,'
        '"content":[{"type":"text","text":"r","cache_control":MARK}]},'
        '{"type":"tool_use","input":{"cache_control":MARK}}]}]}'
    )
    notes: list[str] = []

    sent = passed_on(body.replace("MARK", mark).encode(), {}, COMPATIBLE, notes)

    without_scope = body.replace("MARK", '{"type":"ephemeral", "ttl":"1h"}')
    for of_a_tool in ('"input_schema":{"cache_control":', '"input":{"cache_control":'):
        without_scope = without_scope.replace(
            of_a_tool + '{"type":"ephemeral", "ttl":"1h"}', of_a_tool + mark
        )  # a tool's own field of that name is none
    assert sent.decode() == without_scope
    assert notes == ["cache_control shortened"]


def test_thinking_that_c2o_signed_for_another_upstream_stays_out() -> None:
    body = (
        b'{"model":"m","messages":[{"role":"assistant","content":['
        b'{"type":"thinking","thinking":"a","signature":"c2o1.eJ"}, {"type":"text","text":"c2o1. is said"},'
        b'{"type":"thinking","thinking":"b","signature":"EqQB"},{"type":"thinking","thinking":"c","signature":"c2o1.x"}'
        b']},{"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":"c2o1.eJ"}]}]}'
    )

    sent = passed_on(body, {}, ANTHROPIC, [])

    assert sent == (
        b'{"model":"m","messages":[{"role":"assistant","content":['
        b'{"type":"text","text":"c2o1. is said"},'
        b'{"type":"thinking","thinking":"b","signature":"EqQB"}'
        b']},{"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":"c2o1.eJ"}]}]}'
    )
    assert passed_on(body, {}, COMPATIBLE, []) == body


# ---- answers


def event(name: str, data: str) -> bytes:
    return f"event: {name}\ndata: {data}\n\n".encode()


START = event(
    "message_start",
    '{"type": "message_start", "message": {"id":"msg_1","type":"message","role":"assistant","model":"vendor/model-1",'
    '"content":[],"stop_reason":null,"usage":{"input_tokens":25,"cache_read_input_tokens":5,"output_tokens":1}}}',
)
BLOCK = event("content_block_start", '{"type":"content_block_start","index":0,"content_block":{"type":"new_thing"}}')
DELTA = event("content_block_delta", '{"type":"content_block_delta","index":0,"delta":{"type":"x","y":"\\u00e9  "} }')
STOP_BLOCK = event("content_block_stop", '{"type":"content_block_stop","index":0}')
END = event(
    "message_delta",
    '{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15}}',
)
STOP = event("message_stop", '{"type":"message_stop"}')
PING = event("ping", '{"type": "ping"}')

STREAM = START + PING + BLOCK + DELTA + b": a comment\n\n" + STOP_BLOCK + END + STOP
EXPECTED = STREAM.replace(b"vendor/model-1", b"claude-sonnet-5")


def heard(data: bytes, cuts: list[int] | None = None, **more: Any) -> tuple[bytes, PassthroughTranslator]:
    job = translator(**more)
    places = [0, *(cuts or []), len(data)]
    said = b"".join(job.feed(data[start:end]) for start, end in pairwise(places))
    return said + job.close(), job


def test_a_stream_passes_byte_for_byte_but_for_the_models_name() -> None:
    said, job = heard(STREAM)

    assert said == EXPECTED
    assert job.done
    assert job.outcome.stop_reason == "end_turn"
    assert job.outcome.usage is not None
    assert (job.outcome.usage.input_tokens, job.outcome.usage.output_tokens) == (25, 15)
    assert job.outcome.prompt_tokens == 30


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_wherever_it_is_cut(ends: bytes) -> None:
    stream = STREAM.replace(b"\n", ends)
    expected = stream.replace(b"vendor/model-1", b"claude-sonnet-5")
    if ends == b"\r\n":  # the one event that is written anew
        expected = EXPECTED[: EXPECTED.index(b"event: ping")] + expected[expected.index(b"event: ping") :]
    for cut in range(1, len(stream)):
        assert heard(stream, [cut])[0] == expected
    for size in (1, 7):
        assert heard(stream, list(range(size, len(stream), size)))[0] == expected


def test_events_come_out_whole_so_that_a_ping_may_follow_each_piece() -> None:
    job = translator()

    for byte in range(len(STREAM)):
        said = job.feed(STREAM[byte : byte + 1])
        assert said == b"" or said.endswith(b"\n\n")


def test_events_without_names_get_theirs() -> None:
    nameless = b"".join(line + b"\n" for line in STREAM.split(b"\n")[:-1] if not line.startswith(b"event:"))

    assert heard(nameless)[0].replace(b'"type":"ping"', b'"type": "ping"') == EXPECTED


def test_nothing_passes_after_the_end() -> None:
    assert heard(STREAM + b"data: [DONE]\n\n")[0] == EXPECTED


def test_signs_of_life_before_the_answer_begins() -> None:
    job = translator()
    early = job.keep_alive(parsed=True)
    later = job.keep_alive(parsed=False)
    said = job.feed(STREAM) + job.close()

    names = [line[7:] for line in (early + later + said).split(b"\n") if line.startswith(b"event: ")]
    assert names[:4] == [b"message_start", b"message_delta", b"ping", b"message_delta"]
    assert names.count(b"message_start") == 1
    assert b'"msg_ours"' in early
    assert b'"input_tokens":25' in said.split(b"\n\n")[0]
    assert job.keep_alive(parsed=True) == b""


def test_a_stream_that_breaks_off_ends_with_an_error() -> None:
    said, job = heard((START + BLOCK + DELTA)[:-20])

    passed = START.replace(b"vendor/model-1", b"claude-sonnet-5") + BLOCK
    assert said.startswith(passed + b"event: error\n")
    assert json.loads(said.rpartition(b"data: ")[2])["error"]["type"] == "api_error"
    assert job.outcome.error
    assert not heard(START + BLOCK)[0].endswith(b"message_stop")


def test_only_the_last_word_is_missing() -> None:
    assert heard(START + END)[0].endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    assert heard(STREAM[:-2])[0] == EXPECTED


def test_a_limit_of_ours_is_told_as_it_is() -> None:
    job = translator()
    job.feed(START)

    said = job.close(RequestError("upstream fake was silent for 300 s", status=504, type="timeout_error"))

    assert json.loads(said.rpartition(b"data: ")[2])["error"] == {
        "type": "timeout_error",
        "message": "upstream fake was silent for 300 s",
    }


@pytest.mark.parametrize(
    ("error", "type", "message"),
    [
        ('{"type":"overloaded_error","message":"Overloaded"}', "overloaded_error", "Overloaded"),
        ('{"type":"api_error","message":"Internal server error"}', "api_error", "Internal server error"),
        (
            '{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}',
            "invalid_request_error",
            "prompt is too long: 210000 tokens > 200000 maximum",
        ),
    ],
)
def test_an_error_in_the_stream(error: str, type: str, message: str) -> None:
    said, job = heard(START + event("error", f'{{"type":"error","error":{error}}}') + DELTA)

    assert said.count(b"event: ") == 2
    assert json.loads(said.rpartition(b"data: ")[2])["error"] == {"type": type, "message": message}
    assert job.outcome.failure is not None
    assert job.outcome.failure.type == type


def test_an_event_that_is_no_json() -> None:
    said, _ = heard(START + event("content_block_start", '{"type":') + DELTA)

    assert b"event: error" in said
    assert DELTA not in said


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"<html><title>Sign in</title></html>", "web page"),
        (b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', "Overloaded"),
        (b'{"type":"message","content":[]}', "JSON that was no stream"),
    ],
)
def test_something_else_in_the_place_of_a_stream(body: bytes, word: str) -> None:
    said, _ = heard(body, [3])

    assert said.startswith(b"event: error")
    assert word in said.decode()


MESSAGE = (
    b'{"id":"msg_1", "type":"message","role":"assistant","model":"vendor/model-1","content":[{"type":"text",'
    b'"text":"\\u00e9 \\"model\\""}],"stop_reason":"max_tokens","usage":{"input_tokens":25,"output_tokens":1.0e1}}'
)


def test_a_whole_answer_passes_byte_for_byte_but_for_the_models_name() -> None:
    body = MESSAGE.replace(b"1.0e1", b"10")
    job = translator()

    answer = job.complete(body)

    assert (answer.status, answer.body) == (200, body.replace(b"vendor/model-1", b"claude-sonnet-5"))
    assert job.outcome.stop_reason == "max_tokens"


@pytest.mark.parametrize(
    ("body", "word"),
    [(b"<!doctype html><p>hello", "web page"), (b"{}", "fake"), (b"", "no message"), (b"[]", "no message")],
)
def test_what_is_no_message(body: bytes, word: str) -> None:
    answer = translator().complete(body)

    assert answer.status >= 400
    assert word in json.loads(answer.body)["error"]["message"]


def refused(status: int, error: Any, **headers: str) -> Answer:
    body = error if isinstance(error, bytes) else json.dumps({"type": "error", "error": error}).encode()
    answer = translator().error(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)
    assert isinstance(answer, Answer)
    return answer


@pytest.mark.parametrize(
    ("status", "type", "message"),
    [
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
        (400, "invalid_request_error", "messages.1.content.0.thinking.signature: Field required"),
        (400, "invalid_request_error", "capability_rejected: effort_unsupported"),
        (413, "request_too_large", "Request exceeds the maximum size"),
        (429, "rate_limit_error", "Number of request tokens has exceeded your per-minute rate limit"),
        (529, "overloaded_error", "Overloaded"),
    ],
)
def test_an_anthropic_error_keeps_its_words(status: int, type: str, message: str) -> None:
    answer = refused(status, {"type": type, "message": message})

    assert answer.status == status
    assert json.loads(answer.body)["error"] == {"type": type, "message": message}


def test_a_refusal_of_a_field_that_only_advises_is_followed() -> None:
    body = b'{"model":"m","max_tokens":1,"context_management":{"edits":[]},"messages":[],"metadata":{}}'
    said = {"type": "invalid_request_error", "message": "context_management: Extra inputs are not permitted"}
    job = translator(body, ANTHROPIC)

    remedy = job.error(400, {}, json.dumps({"type": "error", "error": said}).encode())

    assert isinstance(remedy, Remedy)
    assert (remedy.fact, remedy.said) == ("drop:context_management", said["message"])
    without = b'{"model":"vendor/model-1","max_tokens":1,"messages":[],"metadata":{}}'
    assert job.request().body == without
    assert isinstance(job.error(400, {}, json.dumps({"type": "error", "error": said}).encode()), Answer)
    later = translator(body, ANTHROPIC, learned=["drop:context_management", "drop:messages", "without:image"])
    assert later.request().body == without


@pytest.mark.parametrize("field", ["messages", "tools.0.custom.eager", "output_config"])
def test_a_field_with_a_meaning_is_not_left_out(field: str) -> None:
    """Claude Code knows what to do about these words."""
    words = f"{field}: Extra inputs are not permitted"

    answer = refused(400, {"type": "invalid_request_error", "message": words})

    assert json.loads(answer.body)["error"]["message"] == words


def test_a_refused_key_is_told_as_the_upstreams() -> None:
    answer = refused(401, {"type": "authentication_error", "message": "invalid x-api-key"})

    assert answer.headers["x-should-retry"] == "false"
    assert "env:KEY" in json.loads(answer.body)["error"]["message"]


def test_when_to_come_back() -> None:
    answer = refused(429, {"type": "rate_limit_error", "message": "slow down"}, retry_after="70")

    assert answer.headers["retry-after"] == "70"


def test_a_short_wait_is_waited_once() -> None:
    job = translator()
    said = b'{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}'

    first, second = (job.error(429, {"retry-after": "2"}, said) for _ in range(2))

    assert isinstance(first, Remedy)
    assert (first.fact, first.wait) == (None, 2.0)
    assert isinstance(second, Answer)


def test_an_error_page() -> None:
    answer = refused(502, b"<html><title>Bad gateway</title></html>")

    assert answer.status == 502
    assert "Bad gateway" in json.loads(answer.body)["error"]["message"]
