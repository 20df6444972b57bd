"""What the service says, without secrets and escape sequences: to its own file in JSON, and to stderr in text.

Where stderr *is* the file (``detached``, launchd), it is said once; where it is journald's, without the time that
journald knows itself.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import msgspec
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.web_protocol import RequestPayloadError

from c2o import log_file
from c2o.printable import printable, printable_lines
from c2o.wire.log import Begun, Finished, Level, Record, Warned, encode

Redact = Callable[[str], str]

R = TypeVar("R", Begun, Finished)

LEVELS: dict[int, Level] = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "critical",
}


def to_file_and_stderr(redact: Redact, path: Path) -> log_file.Writer:
    """Send everything from INFO up to the log at ``path``, and to stderr unless that is the same.

    The log also has the requests that begin, for ``c2o logs -f``.
    """
    file = log_file.Writer(path)
    handlers: list[logging.Handler] = [FileHandler(file, redact)]
    if not (_is_stderr(path) or _is_stderr(log_file.output_beside(path))):
        handlers.append(logging.StreamHandler())
        handlers[-1].setFormatter(JournaldFormatter(redact) if _journald_reads() else SafeFormatter(redact))
        handlers[-1].setLevel(logging.INFO)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.getLogger("c2o.journal").setLevel(logging.DEBUG)
    logging.raiseExceptions = False  # a closed stderr must not stop a request
    # Not in our lines, and they cost a third of a record (https://docs.python.org/3/howto/logging.html#optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - as that page says: otherwise each record looks for its caller
    server = logging.getLogger("aiohttp.server")
    server.setLevel(logging.WARNING)
    server.addFilter(quieten)
    return file


def _is_stderr(path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(2), path.stat())
    except OSError:
        return False


def _journald_reads(environ: Mapping[str, str] = os.environ) -> bool:
    """Does stderr go to journald?  It names the stream: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/"""
    try:
        stream = os.fstat(2)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{stream.st_dev}:{stream.st_ino}"


class FileHandler(logging.Handler):
    """Each record as a line of JSON; after a full disk, how many lines are missing."""

    def __init__(self, file: log_file.Writer, redact: Redact) -> None:
        super().__init__()
        self._file = file
        self._redact = redact

    def emit(self, record: logging.LogRecord) -> None:
        self._file.write(encode(as_record(record, self._redact)))
        if self._file.lost and not self._file.problem:
            lost, self._file.lost = self._file.lost, 0
            message = f"lines that could not be written before this one: {lost}"
            self._file.write(encode(Record(time=_time(record), level="warning", logger="c2o.log", message=message)))


def as_record(record: logging.LogRecord, redact: Redact) -> Record:
    """What was said, as it stands in the file."""
    begun = record.msg if isinstance(record.msg, Begun) else None
    request = record.msg if isinstance(record.msg, Finished) else None
    error = record.exc_info and logging.Formatter().formatException(record.exc_info)
    return Record(
        time=_time(record),
        level=LEVELS.get(record.levelno, "info"),
        logger=record.name,
        message="" if request or begun else redact(record.getMessage()),
        traceback=redact(error) if error else None,
        begun=_named(begun, redact) if begun else None,
        request=_redacted(request, redact) if request else None,
    )


def _time(record: logging.LogRecord) -> str:
    second, fraction = divmod(record.created, 1)
    return f"{_written(int(second))}.{int(fraction * 1000):03d}Z"


@lru_cache(maxsize=2)
def _written(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _named(request: R, redact: Redact) -> R:
    """Redacted before it becomes JSON, which may write a secret's characters in another way."""
    names = {
        "asked": redact(request.asked),
        "target": request.target and redact(request.target),
        "client": request.client and redact(request.client),
    }
    return _with(request, names)


def _redacted(request: Finished, redact: Redact) -> Finished:
    if request.attempts or request.repairs or request.warnings or request.error:
        request = msgspec.structs.replace(
            request,
            attempts=[
                msgspec.structs.replace(each, target=redact(each.target), why=redact(each.why))
                for each in request.attempts
            ],
            repairs=_without_secrets(request.repairs, redact),
            warnings=_without_secrets(request.warnings, redact),
            path=request.path and redact(request.path),
            error=request.error and redact(request.error),
        )
    return _named(request, redact)


def _with(request: R, names: dict[str, str | None]) -> R:
    """With other names; nearly always they are what they were."""
    same = all(getattr(request, field) == name for field, name in names.items())
    return request if same else msgspec.structs.replace(request, **names)


def _without_secrets(notes: list[Warned], redact: Redact) -> list[Warned]:
    return [msgspec.structs.replace(each, text=redact(each.text)) for each in notes]


class SafeFormatter(logging.Formatter):
    """``2026-11-21T10:47:02+0000 INFO c2o.proxy: …``, redacted after all its parts are together."""

    def __init__(self, redact: Redact, style: str = "%(asctime)s %(levelname)s %(name)s: %(message)s") -> None:
        super().__init__(style, "%Y-%m-%dT%H:%M:%S%z")
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


class JournaldFormatter(SafeFormatter):
    """``<4>c2o.proxy: …``: the priority in front of each line, as sd-daemon(3) has it."""

    def __init__(self, redact: Redact) -> None:
        super().__init__(redact, "%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        priority = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        return priority + super().format(record).replace("\n", f"\n{priority}")


_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


CLIENTS_FAULT = (BadHttpMessage, RequestPayloadError, ConnectionResetError)


def quieten(record: logging.LogRecord) -> bool:
    """A client that speaks nonsense, or leaves, isn't our error: no traceback, which would show parts of headers."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, CLIENTS_FAULT):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg, record.args = f"a request that isn't HTTP, or broke off ({type(error).__name__})", ()
        record.exc_info = record.exc_text = None
    return True
