"""What the service writes to stderr: one line for each record, without secrets and escape sequences.

The service manager leads stderr into a file or a journal.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.web_protocol import RequestPayloadError

from c2o.printable import printable, printable_lines

Redact = Callable[[str], str]


def to_stderr(redact: Redact) -> None:
    """Send everything from INFO up to stderr, through ``redact``."""
    handler = logging.StreamHandler()
    handler.setFormatter(SafeFormatter(redact))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.raiseExceptions = False  # a full disk must not stop a request
    # Not in our lines, and they cost a third of a record (https://docs.python.org/3/howto/logging.html#optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    server = logging.getLogger("aiohttp.server")
    server.setLevel(logging.WARNING)
    server.addFilter(quieten)


class SafeFormatter(logging.Formatter):
    """``2026-11-21T10:47:02+0000 INFO c2o.proxy: …``, redacted after all its parts are together."""

    def __init__(self, redact: Redact) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S%z")
        self._redact = redact
        self._second, self._time = -1, ""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        second = int(record.created)
        if second != self._second:
            self._second, self._time = second, super().formatTime(record, datefmt)
        return self._time

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return printable(super().formatMessage(record))

    def formatException(self, ei: object) -> str:  # noqa: N802 - logging's name
        return printable_lines(super().formatException(ei))  # type: ignore[arg-type]


CLIENTS_FAULT = (BadHttpMessage, RequestPayloadError, ConnectionResetError)


def quieten(record: logging.LogRecord) -> bool:
    """A client that speaks nonsense, or leaves, isn't our error: no traceback, which would show parts of headers."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, CLIENTS_FAULT):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg, record.args = f"a request that isn't HTTP, or broke off ({type(error).__name__})", ()
        record.exc_info = record.exc_text = None
    return True
