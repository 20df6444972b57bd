"""Is it our service that answers?"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from c2o import instance
from c2o.instance import Instance, Lock
from c2o.secret import Secret
from c2o.service import probe
from c2o.service.probe import NoAnswer, Report, Requests
from c2o.wire import health

TOKEN = Secret("c2o-test-token-0123456789")


def at(port: int, host: str = "127.0.0.1") -> Instance:
    return Instance(os.getpid(), host, port, "0.1.0", "2026-11-21T10:00:00Z", "ab12", "/config.toml", "detached")


Answers = Callable[[str], bytes]


@contextmanager
def listening(answer: Answers) -> Iterator[tuple[Instance, list[str]]]:
    """A server for one connection; ``answer`` makes bytes of each request's head.  With what it has heard."""
    heard: list[str] = []

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            while data := connection.recv(65536):
                heard.append(data.decode())
                connection.sendall(answer(data.decode()))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=[server])
        thread.start()
        try:
            yield at(server.getsockname()[1]), heard
        finally:
            thread.join(10)


def reply(body: object) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(data), data)


def ours(head: str, report: object = {"version": "0.1.0", "pid": 1}) -> bytes:
    """As our service answers."""
    path = head.split()[1]
    if path == "/c2o/status":
        return reply(report)
    nonce = path.partition("challenge=")[2]
    return reply({"name": "c2o", "version": "0.1.0", "answer": health.answer(TOKEN.reveal(), nonce)})


def test_ours_proves_itself_and_is_then_asked_with_the_token() -> None:
    with listening(ours) as (there, heard):
        assert probe.ask(there, TOKEN) == Report("0.1.0", 1, requests=Requests())
    assert [head.split()[1].partition("=")[0] for head in heard] == ["/health?challenge", "/c2o/status"]
    assert TOKEN.reveal() not in heard[0]
    assert TOKEN.reveal() in heard[1]


def test_another_version_may_say_more_or_less() -> None:
    report = {"version": "9.0.0", "pid": 1, "requests": {"total": 5, "cached": 1}, "moon": "full"}
    with listening(lambda head: ours(head, report)) as (there, _):
        assert probe.ask(there, TOKEN).requests == Requests(total=5)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (reply({"name": "c2o", "version": "0.1.0"}), "another token"),
        (reply({"name": "c2o", "version": "0.1.0", "answer": "0" * 64}), "another token"),
        (reply({"name": "c2o", "version": "0.1.0", "answer": 7}), "another token"),
        (reply({"status": "ok"}), "Another program answers"),
        (reply(["c2o"]), "Another program answers"),
        (reply(b"<html>"), "Another program answers"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "doesn't speak HTTP"),
    ],
    ids=["no proof", "wrong proof", "odd proof", "another JSON", "a list", "a page", "no HTTP"],
)
def test_a_stranger_gets_no_token(answer: bytes, why: str) -> None:
    with listening(lambda _: answer) as (there, heard), pytest.raises(NoAnswer, match=why):
        probe.ask(there, TOKEN)
    assert len(heard) == 1
    assert TOKEN.reveal() not in heard[0]


def test_an_answer_of_an_earlier_challenge_proves_nothing() -> None:
    recorded: list[bytes] = []

    def answer(head: str) -> bytes:
        recorded.append(ours(head))
        return recorded[-1]

    with listening(answer) as (there, _):
        probe.ask(there, TOKEN)
    with listening(lambda _: recorded[0]) as (there, heard), pytest.raises(NoAnswer, match="another token"):
        probe.ask(there, TOKEN)
    assert len(heard) == 1


def test_a_report_that_cannot_be_understood() -> None:
    with listening(lambda head: ours(head, {"pid": "x"})) as (there, _), pytest.raises(NoAnswer, match="c2o restart"):
        probe.ask(there, TOKEN)


def test_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(NoAnswer, match="within 0 s"):
        probe.ask(at(server.getsockname()[1]), TOKEN)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NoAnswer, match="Connection refused"):
        probe.ask(at(port), TOKEN)
    assert not probe.listens("127.0.0.1", port)


def test_any_c2o_is_known_by_its_name() -> None:
    with listening(lambda _: reply({"name": "c2o"})) as (there, _):
        assert probe.is_c2o(*there.address)
    with listening(lambda _: reply({"name": "ollama"})) as (there, _):
        assert not probe.is_c2o(*there.address)


def test_the_states_without_a_service() -> None:
    assert probe.look(TOKEN).state == "stopped"
    with Lock(instance.lock_file()) as lock:
        assert lock.acquire()
        assert probe.look(TOKEN).state == "starting"
        instance.write(at(1)._replace(draining=0))
        assert probe.look(TOKEN).state == "stopping"
        instance.write(at(1))
        assert probe.look(TOKEN).state == "unhealthy"
        assert "can't be read" in probe.look(None).why


def test_a_service_that_ends_while_it_is_asked_has_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    with Lock(instance.lock_file()) as lock:
        assert lock.acquire()
        instance.write(at(1))

        def end(there: Instance, token: Secret) -> Report:
            lock.release()
            raise NoAnswer

        monkeypatch.setattr(probe, "ask", end)
        assert probe.look(TOKEN).state == "stopped"
