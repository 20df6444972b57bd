"""Ports of this machine, for programs that take none of their own choice."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

BELOW_THOSE_THAT_SYSTEMS_CHOOSE = range(20_000, 32_000)
"""Linux takes 32768 and above, macOS 49152 and above."""


def free_port() -> int:
    """A port on which nobody listens.  No other test gets it from the system before it is used."""
    while True:
        port = random.choice(BELOW_THOSE_THAT_SYSTEMS_CHOOSE)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
