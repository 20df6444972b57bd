"""How a running service gives way to its successor without refusing anybody.

The running service offers a Unix socket in its folder.  A successor, started with ``--take-over``, connects when it has
read its configuration, and is sent two descriptors: the listening socket and the lock.  Both processes have them now,
and nothing has changed yet: if the successor fails, its predecessor goes on.  When it accepts connections it says so;
the predecessor stops accepting, lets go of the lock, closes the connection and finishes what it has begun.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from c2o import paths
from c2o.errors import C2oError, Unhealthy
from c2o.proxy import sockets

SOCKET = "handover.sock"

GREETING = b"c2o.handover/1\n"
TAKEN = b"taken\n"
MOVED = b"moved\n"
"""The same, at another address."""

PATIENCE = 5.0
"""Seconds for the predecessor to answer; it needs milliseconds."""


def offered() -> socket.socket | None:
    """The socket at which a successor can ask; None where that can't be (Windows, odd file systems).

    Raises nothing: a restart is then a stop and a start.
    """
    if not hasattr(socket, "send_fds"):
        return None
    sock = socket.socket(socket.AF_UNIX)
    try:
        with _inside(paths.state_dir()):
            Path(SOCKET).unlink(missing_ok=True)
            sock.bind(SOCKET)
            Path(SOCKET).chmod(0o600)
        sock.listen(1)
    except OSError:
        sock.close()
        return None
    sock.setblocking(False)
    return sock


async def asked(
    offer: socket.socket, descriptors: list[int], failed: Callable[[], None]
) -> tuple[socket.socket, bytes]:
    """Give ``descriptors`` to whoever asks.  Returns when one has taken over, with what it said.

    The successor waits until the connection is closed.  ``failed`` is called for each one that did not come up.
    """
    loop = asyncio.get_running_loop()
    while True:
        try:
            connection, _ = await loop.sock_accept(offer)
        except OSError:  # no descriptor is free at this moment
            await asyncio.sleep(1)
            continue
        with suppress(OSError):
            socket.send_fds(connection, [GREETING], descriptors)
            if (said := await loop.sock_recv(connection, 64)) in (TAKEN, MOVED):
                return connection, said
        connection.close()
        failed()


class Predecessor:
    """The service that runs, seen by the one that takes over."""

    def __init__(self, connection: socket.socket, listening: int, lock: int) -> None:
        self._connection = connection
        self.sock = sockets.inherited(listening)
        self.lock = lock

    async def relieve(self, *, moved: bool) -> None:
        """We accept connections: it stops doing so.  Returns when it has.  ``moved``: at another address than it."""
        if moved:
            self.sock.close()
        loop = asyncio.get_running_loop()
        self._connection.setblocking(False)
        with suppress(OSError, TimeoutError):  # if it has died meanwhile, it has stopped as well
            async with asyncio.timeout(PATIENCE):
                await loop.sock_sendall(self._connection, MOVED if moved else TAKEN)
                await loop.sock_recv(self._connection, 1)
        self._connection.close()


def predecessor() -> Predecessor:
    """Ask the running service to hand over.  Raises Unhealthy if it doesn't."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    try:
        with _inside(paths.state_dir()):
            connection.connect(SOCKET)
        greeting, descriptors, *_ = socket.recv_fds(connection, 64, 2)
    except OSError as error:
        connection.close()
        raise _does_not(str(error)) from None
    if greeting != GREETING or len(descriptors) != 2:
        connection.close()
        raise _does_not("it is another version")
    return Predecessor(connection, *descriptors)


def _does_not(why: str) -> C2oError:
    return Unhealthy(f"the running service doesn't hand over ({why}). End it first: c2o stop, then c2o start")


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Work in ``folder``: the path of a Unix socket may have a hundred bytes only.  Before any thread runs."""
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(folder)
        yield
    finally:
        os.fchdir(before)
        os.close(before)
