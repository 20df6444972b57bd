"""What is found on this machine, and how long the looking takes."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path

import pytest

from c2o.cli.init import detect
from c2o.cli.init.choice import ollama_address
from c2o.cli.init.detect import count_models, look
from c2o.presets import PRESETS
from tests.fake_upstream import FakeUpstream


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without anything, and no servers but those that a test starts."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    away = {key: each._replace(base_url="http://127.0.0.1:9/v1") for key, each in PRESETS.items()
            if each.key_env is None}  # fmt: skip
    monkeypatch.setattr(detect, "PRESETS", PRESETS | away)
    return tmp_path


def test_a_server_that_runs_comes_first_with_its_models(upstream: FakeUpstream) -> None:
    found = look({"OLLAMA_HOST": f"127.0.0.1:{upstream.port}", "GROQ_API_KEY": "gsk-secret", "PATH": ""})
    assert [(each.key, each.ready, each.note) for each in found.seen[:2]] == [
        ("ollama", True, f"127.0.0.1:{upstream.port}  1 model"),
        ("groq", True, "GROQ_API_KEY is set"),
    ]
    assert found.seen[0].preset.base_url == upstream.base_url
    assert "gsk-secret" not in repr(found)
    assert found.seen[-1].key == "demo"
    assert found.claude == ""
    assert found.found() == ["Ollama", "Groq"] or found.manager != "detached"


def test_claude_code_and_its_version(bare: Path) -> None:
    (bare / "claude").write_text("#!/bin/sh\necho '2.1.329 (Claude Code)'\n")
    (bare / "claude").chmod(0o755)
    assert look({"PATH": f"{bare}:/usr/bin:/bin"}).claude == "2.1.329"


def test_what_is_looked_for_is_told_until_it_is_found() -> None:
    told: list[str] = []
    look({"PATH": ""}, told.append)
    assert told[0].startswith("looking around: ")
    assert {"Ollama", "vLLM", "Claude Code"} <= set(told[0][16:].split(", "))
    assert len(told[-1]) < len(told[0])


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", b"HTTP/1.1 404 No\r\n\r\n",
     b'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"data": 1}', b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnull"],
)  # fmt: skip
def test_something_else_at_the_port_is_nothing(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert count_models(f"http://127.0.0.1:{port}/v1") is None
        thread.join()


def test_one_that_takes_connections_and_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "ANSWERED_WITHIN", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()
        assert count_models(f"http://127.0.0.1:{server.getsockname()[1]}/v1") is None
        assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1:11500", "http://127.0.0.1:11500/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("http://localhost:11434", "http://127.0.0.1:11434/v1"),
        ("gpu.example.com:11434", ""),
        ("", ""),
        (":::", ""),
    ],
)
def test_where_ollama_is(host: str, address: str) -> None:
    assert ollama_address(host) == address


def test_servers_are_asked_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answers only when both have been asked: one after the other, none would be found."""
    both_asked = threading.Barrier(2, timeout=detect.ANSWERED_WITHIN)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        servers = {"vllm": one, "llamacpp": other}
        here = {key: PRESETS[key]._replace(base_url=f"http://127.0.0.1:{server.getsockname()[1]}/v1")
                for key, server in servers.items()}  # fmt: skip
        monkeypatch.setattr(detect, "PRESETS", detect.PRESETS | here)
        threads = [threading.Thread(target=_answer_with, args=(server, both_asked)) for server in servers.values()]
        for thread in threads:
            thread.start()
        found = {each.key for each in look({"PATH": ""}).seen if each.ready}
        for thread in threads:
            thread.join()
    assert found >= set(servers)


def _answer_with(server: socket.socket, both_asked: threading.Barrier) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        with contextlib.suppress(threading.BrokenBarrierError):
            both_asked.wait()
            body = b'{"data": [{"id": "m"}]}'
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
