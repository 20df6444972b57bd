"""The id of a request in its errors: where a person reads it, and nowhere else."""

from __future__ import annotations

import json

import pytest

from c2o.errors import RequestError
from c2o.translate.answers import events_with_id, failed, with_id, without_id
from c2o.translate.types import Answer
from c2o.wire.sse import frame

END = " (c2o logs --request req_1)"


def test_an_error_s_text_ends_with_the_id_once() -> None:
    once = with_id(failed(RequestError("nim: no")), "req_1")
    assert json.loads(once.body) == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": f"nim: no{END}"},
        "request_id": "req_1",
    }
    assert with_id(once, "req_1") == once
    assert without_id(f"nim: no{END}") == without_id("nim: no") == "nim: no"


def test_a_good_answer_is_left_alone() -> None:
    good = Answer(200, b'{"error": {"message": "said"}}', {})
    assert with_id(good, "req_1") == good


@pytest.mark.parametrize(
    "text",
    [
        "prompt is too long: 140000 tokens > 131072 maximum",
        "input length and `max_tokens` exceed context limit: 1 + 2 > 3",
        "Your credit balance is too low",
    ],
)
def test_a_text_that_clients_act_on_is_left_alone(text: str) -> None:
    said = json.loads(with_id(failed(RequestError(text)), "req_1").body)
    assert (said["error"]["message"], said["request_id"]) == (text, "req_1")


def test_an_error_among_events() -> None:
    error, ping = failed(RequestError("no")).body, frame("ping", b"{}")
    said = events_with_id(ping + frame("error", error) + ping, "req_1")
    assert said == ping + frame("error", with_id(failed(RequestError("no")), "req_1").body) + ping
    assert events_with_id(ping, "req_1") == ping


@pytest.mark.parametrize("body", [b"", b"no", b"[]", b'{"error": "no"}', b'{"error": null}', b"{}"])
def test_what_is_no_error_of_anthropic_s_stays_as_it_is(body: bytes) -> None:
    assert with_id(Answer(500, body, {}), "req_1").body == body
    assert events_with_id(frame("error", body), "req_1") == frame("error", body)
