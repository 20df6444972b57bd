"""The fake upstream does what its scripts say, seen from a raw socket and a plain HTTP client."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from typing import Any

import pytest

from tests.fake_upstream import (
    BREAK,
    CUT,
    DONE,
    Call,
    Delay,
    FakeUpstream,
    Hold,
    Reply,
    error,
    finish,
    role,
    stream,
    text,
    tool_call,
    usage,
)


def post(upstream: FakeUpstream, body: dict[str, Any]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=10)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Authorization": "Bearer sk-test"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_reply_goes_out_as_it_is_asked_for(upstream: FakeUpstream) -> None:
    reply = Reply(text="Hello you", calls=(Call("Bash", {"command": "ls"}),))
    upstream.play(reply, reply)

    _, whole = post(upstream, {"model": "m"})
    _, streamed = post(upstream, {"model": "m", "stream": True, "stream_options": {"include_usage": True}})

    message = json.loads(whole)["choices"][0]["message"]
    assert message["content"] == "Hello you"
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"command": "ls"}
    assert b'"Hello "' in streamed
    assert b'"usage"' in streamed
    assert streamed.endswith(DONE)


def test_requests_are_kept_as_they_came(upstream: FakeUpstream) -> None:
    upstream.think(lambda request: Reply(text=request.prompt))
    conversation = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "tool_call_id": "a", "content": "42"},
    ]

    post(upstream, {"messages": conversation, "tools": [{"function": {"name": "Bash"}}]})

    request = upstream.requests[0]
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer sk-test"
    assert (request.system, request.prompt, request.tool_results) == ("Be kind.", "Hi", ["42"])
    assert request.tool_names == ["Bash"]
    assert request.answered.wait(20)
    assert not request.hung_up.is_set()


def test_errors_have_openai_s_shape(upstream: FakeUpstream) -> None:
    upstream.play(error(429, "slow down", headers={"retry-after": "2"}))

    status, body = post(upstream, {})

    assert status == 429
    assert json.loads(body)["error"]["message"] == "slow down"


def test_a_connection_serves_many_requests(upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="one"), Reply(text="two"))
    connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=10)
    for expected in (b"one", b"two"):
        connection.request("POST", "/v1/chat/completions", "{}")
        assert expected in connection.getresponse().read()
    connection.close()


def test_pieces_go_out_one_by_one(upstream: FakeUpstream) -> None:
    more = threading.Event()
    upstream.play(stream(text("first"), Hold(more), text("second"), DONE))
    connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=10)
    connection.request("POST", "/v1/chat/completions", "{}")
    answer = connection.getresponse()

    assert b"first" in answer.read1()
    more.set()
    assert b"second" in answer.read()
    connection.close()


def test_an_answer_can_keep_its_head_back(upstream: FakeUpstream) -> None:
    upstream.play(stream(text("late"), DONE).after(Delay(0.2)))
    start = time.monotonic()

    assert post(upstream, {})[0] == 200

    assert time.monotonic() - start >= 0.2


@pytest.mark.parametrize(("end", "failure"), [(BREAK, ConnectionResetError), (CUT, http.client.IncompleteRead)])
def test_an_answer_can_break_off(upstream: FakeUpstream, end: Any, failure: type[Exception]) -> None:
    upstream.play(stream(role(), tool_call(0, "call_1", "Bash", '{"com'), Delay(0.05), end, finish(), usage(), DONE))

    with pytest.raises(failure):
        post(upstream, {})

    assert not upstream.requests[0].answered.is_set()


@pytest.mark.parametrize("politely", [True, False])
def test_a_peer_that_hangs_up_is_noticed(upstream: FakeUpstream, politely: bool) -> None:
    upstream.play(stream(text("first"), Hold(threading.Event())))
    with socket.create_connection(("127.0.0.1", upstream.port), timeout=10) as peer:
        peer.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
        assert b"200" in peer.recv(1000)
        if politely:
            peer.shutdown(socket.SHUT_WR)
            assert upstream.wait_for(1)[0].hung_up.wait(8)

    assert upstream.requests[0].hung_up.wait(8)
    assert not upstream.requests[0].answered.is_set()


def test_it_can_go_away_and_come_back(upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="back"))

    upstream.go_away()
    with pytest.raises(ConnectionRefusedError):
        post(upstream, {})
    upstream.come_back()

    assert post(upstream, {})[0] == 200


def test_models_are_listed_without_using_up_an_answer(upstream: FakeUpstream) -> None:
    upstream.play(Reply())
    connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=10)
    connection.request("GET", "/v1/models?limit=5")

    assert json.loads(connection.getresponse().read())["data"][0]["id"] == "fake-model"
    connection.close()

    assert post(upstream, {})[0] == 200
    assert len(upstream.requests) == 1


def test_a_question_without_an_answer_is_remembered(upstream: FakeUpstream) -> None:
    assert post(upstream, {})[0] == 500
    assert [request.path for request in upstream.unexpected] == ["/v1/chat/completions"]
    upstream.unexpected.clear()
