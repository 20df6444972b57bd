"""How systemd is told that the service is ready, alive and ending, and why it can't start.

https://www.freedesktop.org/software/systemd/man/sd_notify.html; without systemd nothing is told.

Its socket holds few messages that it hasn't read yet, ten by Linux' own measure (``net.unix.max_dgram_qlen``):
whoever says more while it is busy would wait for it, and all streams with him.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress

from c2o.printable import printable


def ready(status: str) -> None:
    _tell("READY=1", _status(status), within=10.0)


def stopping(status: str) -> None:
    """It may take a second: not for an event loop."""
    _tell("STOPPING=1", _status(status), within=1.0)


def status(text: str) -> None:
    """What ``systemctl status`` shows."""
    _tell(_status(text), within=1.0)


def watchdog_interval(environ: Mapping[str, str] = os.environ) -> float | None:
    """Seconds between two signs of life, half of what systemd waits; None if it doesn't."""
    given, meant = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", str(os.getpid()))
    return int(given) / 2_000_000 if given.isdigit() and int(given) and meant == str(os.getpid()) else None


async def be_alive() -> None:
    """Signs of life from the event loop, for ever: a loop that is stuck gives none, and systemd starts us again."""
    if interval := watchdog_interval():
        while True:
            _tell("WATCHDOG=1")
            await asyncio.sleep(interval)


def _status(text: str) -> str:
    return f"STATUS={printable(text)}"


def _tell(*assignments: str, within: float = 0.0) -> None:
    """One datagram, if it is taken within these seconds; an address that begins with ``@`` is an abstract one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(within)
        sock.sendto("\n".join(assignments).encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
