"""The socket that the service listens on: inherited from whoever started it, or its own.

An inherited one has been listening all along: nobody is refused while one service ends and the next begins.
There are two ways to hand one over:

- ``LISTEN_FDS`` of systemd's socket activation, https://www.freedesktop.org/software/systemd/man/sd_listen_fds.html
- ``--listen-fd FD``, for a service that starts its successor itself
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import MutableMapping

from c2o import paths
from c2o.config import Server
from c2o.errors import C2oError, PortTaken

BACKLOG = 1024

FIRST = 3
"""The number of the first descriptor that systemd hands over (SD_LISTEN_FDS_START)."""

HANDED_OVER = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
"""Taken out of the environment once they are read: they aren't meant for our children."""


def listening(server: Server, port: int | None, descriptor: int | None = None) -> socket.socket:
    """The listening socket: that of ``descriptor``, systemd's, or a new one; ``port`` beats the configuration's.

    Raises PortTaken, and C2oError for what can't be listened on.
    """
    given = from_systemd(os.environ) if descriptor is None else descriptor
    return made(server, port) if given is None else inherited(given)


def taken_over(theirs: socket.socket, server: Server, port: int | None) -> socket.socket:
    """The predecessor's socket, or a new one if another port is wanted now.  Raises as ``listening`` does."""
    wanted = server.port if port is None else port
    return theirs if theirs.getsockname()[1] == wanted else made(server, port)


def from_systemd(environ: MutableMapping[str, str]) -> int | None:
    """The descriptor that systemd hands over to this process, if it does.  Raises C2oError for more than one."""
    pid, count, _ = (environ.pop(name, "") for name in HANDED_OVER)
    if pid != str(os.getpid()) or count in ("", "0"):
        return None
    if count != "1":
        raise C2oError(
            f"systemd hands over {count} sockets, but c2o listens on one. Leave one ListenStream= in c2o.socket."
        )
    return FIRST


def inherited(descriptor: int) -> socket.socket:
    """The socket of an inherited descriptor; our children won't have it.  Raises C2oError if it isn't listening."""
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError as error:
        raise _unusable(descriptor, error.strerror or "") from None
    sock.set_inheritable(False)
    sock.setblocking(False)
    if not _listens(sock):
        sock.close()
        raise _unusable(descriptor, "it doesn't listen for connections")
    return sock


def _listens(sock: socket.socket) -> bool:
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    try:
        return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:  # macOS doesn't say; accepting will
        return sock.type == socket.SOCK_STREAM


def _unusable(descriptor: int, why: str) -> C2oError:
    return C2oError(
        f"the inherited descriptor {descriptor} can't be used: {why}. It must be a listening TCP socket; "
        "without one the service makes its own: c2o serve"
    )


def made(server: Server, port: int | None) -> socket.socket:
    """A new listening socket.  Raises PortTaken, and C2oError for an address that isn't this machine's."""
    host = "127.0.0.1" if server.host == "localhost" else server.host  # localhost may be ::1, where clients don't look
    wanted = server.port if port is None else port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, wanted, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise C2oError(f"[server] host: {host} can't be listened on: {error.strerror}.") from None
    try:
        sock.setsockopt(socket.SOL_SOCKET, _REUSE, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _cannot_listen(error, host, wanted) from None
    return sock


# Connections of the service before may linger at the address.  On Windows they don't matter, and SO_REUSEADDR would let
# another program listen there beside us (https://learn.microsoft.com/windows/win32/winsock/using-so-reuseaddr-and-so-exclusiveaddruse).
_REUSE: int = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)


def _cannot_listen(error: OSError, host: str, port: int) -> C2oError:
    another = f"set port under [server] in {paths.config_file()}, or use --port."
    if isinstance(error, PermissionError):
        return C2oError(f"port {port} is for the system's own services. Take one above 1023: {another}")
    if error.errno == errno.EADDRNOTAVAIL:
        return C2oError(f"[server] host: {host} isn't an address of this machine.")
    return PortTaken(f"port {port} is taken by another program. Stop it, or take another port: {another}")
