"""Where the listening socket comes from; as a process, because descriptors are a process's own."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from c2o.errors import C2oError
from c2o.proxy import sockets
from tests.command_line import CommandLine

SYSTEMD = """
import os, sys
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=sys.argv[1], LISTEN_FDNAMES="c2o.socket")
os.dup2(int(sys.argv[2]), 3)
os.execv(sys.executable, [sys.executable, "-m", "c2o.proxy", *sys.argv[3:]])
"""
"""Starts the service as systemd does: the socket is descriptor 3, the variables name the process itself."""


@contextmanager
def service(c2o: CommandLine, sock: socket.socket, *arguments: str) -> Iterator[dict[str, Any]]:
    """What a service says that was started by ``python ARGUMENTS``, with ``sock`` among its descriptors."""
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, *arguments, "--ready-fd", str(writer)],
        env=c2o.environment(),
        pass_fds=[writer, sock.fileno()],
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(writer)
        try:
            with os.fdopen(reader) as pipe:
                yield json.loads(pipe.read())
        finally:
            process.terminate()


def health(port: int) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/health")
    said: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return said


def test_a_socket_of_systemd_is_served_though_the_port_says_otherwise(configured: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        with service(configured, sock, "-c", SYSTEMD, "1", str(sock.fileno())) as said:
            assert said["port"] == port
            assert health(port)["name"] == "c2o"


def test_a_socket_by_its_number_goes_on_listening_between_two_services(configured: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        arguments = ["-m", "c2o.proxy", "--listen-fd", str(sock.fileno())]
        with service(configured, sock, *arguments) as said:
            assert said["port"] == port
        waiting = socket.create_connection(("127.0.0.1", port), timeout=10)  # nobody serves, nobody refuses
        with service(configured, sock, *arguments), waiting:
            waiting.sendall(f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
            assert waiting.recv(64).startswith(b"HTTP/1.1 200")


def test_more_than_one_socket_is_refused_with_the_remedy(configured: CommandLine) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as sock,
        service(configured, sock, "-c", SYSTEMD, "2", str(sock.fileno())) as said,
    ):
        assert said["error"] == (
            "systemd hands over 2 sockets, but c2o listens on one. Leave one ListenStream= in c2o.socket."
        )


@pytest.mark.parametrize("pid", ["", "1"], ids=["none", "another process's"])
def test_sockets_for_another_process_are_not_ours(pid: str) -> None:
    environ = {"LISTEN_PID": pid, "LISTEN_FDS": "1", "PATH": "/bin"}
    assert sockets.from_systemd(environ) is None
    assert environ == {"PATH": "/bin"}


def test_what_does_not_listen_is_refused(tmp_path: Path) -> None:
    one, other = socket.socketpair()
    with one, other, pytest.raises(C2oError, match=r"it doesn't listen for connections\. It must be a listening TCP"):
        sockets.inherited(os.dup(one.fileno()))
    with (tmp_path / "file").open("w") as file, pytest.raises(C2oError, match="can't be used: "):
        sockets.inherited(file.fileno())


def test_our_children_do_not_get_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        descriptor = os.dup(sock.fileno())
        os.set_inheritable(descriptor, True)
        with sockets.inherited(descriptor) as ours:
            assert not ours.get_inheritable()


def test_a_system_port_is_told() -> None:
    error = sockets._cannot_listen(PermissionError(13, "Permission denied"), "127.0.0.1", 80)
    assert str(error).startswith(
        "port 80 is for the system's own services. Take one above 1023: set port under [server]"
    )
