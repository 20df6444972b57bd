"""How a process of ours says that it is ready, to whoever starts it with ``--ready-fd``: one JSON line."""

from __future__ import annotations

import os
import selectors

from c2o.errors import C2oError


def ready_line(reader: int, wait: float) -> bytes | None:
    """What the process writes when it is ready; None if it is silent, empty if it ended without a word."""
    with selectors.DefaultSelector() as selector, os.fdopen(reader, "rb") as pipe:
        selector.register(pipe, selectors.EVENT_READ)
        return pipe.readline() if selector.select(wait) else None


def as_raised(exit_code: int, message: str) -> C2oError:
    """The process's own error, as if it had been raised here."""
    kinds = {kind.exit_code: kind for kind in C2oError.__subclasses__() if kind.exit_code != C2oError.exit_code}
    return kinds.get(exit_code, C2oError)(message)
