"""The lines of the service's log, read from its files: those that are there, and those to come."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path

from c2o import log_file
from c2o.errors import UsageError
from c2o.wire.log import Record, decode

POLL = 0.2
"""Seconds between two looks for new lines."""

LEVELS = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True)
class Line:
    raw: bytes
    """As it stands in the file, without its end."""
    record: Record | None
    """None for what a process wrote that could not log: the last words before a crash."""


@dataclass(frozen=True)
class Wanted:
    """Which lines."""

    since: datetime | None = None
    level: str | None = None
    """This one and worse."""
    request: str | None = None
    begun: bool = False
    """Requests that begin, too, though no level is given; they come again when they end."""

    def __contains__(self, line: Line) -> bool:
        record = line.record
        if record is None:  # without time and level; never good news
            return self.since is None and self.request is None
        if self.level and LEVELS.index(record.level) < LEVELS.index(self.level):
            return False
        if self.since and datetime.fromisoformat(record.time) < self.since:
            return False
        if record.begun and not (self.begun or self.level):
            return False
        about = record.request or record.begun
        return self.request is None or self.request in (about.id if about else record.message)


class Reader:
    """Reads the log from its oldest file on; each call of ``lines`` goes on where the one before ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BufferedReader | None = None
        self._rest = b""

    def existing(self) -> Iterator[Line]:
        """All that is there now, old files first."""
        self._file = _opened(self._path)
        for path in reversed(log_file.all_of(self._path)[1:]):
            if (file := _opened(path)) is not None:
                with file:
                    if not self._is_current(file):  # the log may just have been put aside
                        yield from (_line(raw) for raw in file)
        yield from self.more()

    def more(self) -> Iterator[Line]:
        """What has been written since, also if the log was put aside meanwhile."""
        yield from self._rest_of_file()
        there = _opened(self._path)
        if there is None or self._is_current(there):
            if there is not None:
                there.close()
            return
        yield from self._rest_of_file()  # written between our look at it and its end
        if self._file is not None:
            self._file.close()
        self._file, self._rest = there, b""
        yield from self._rest_of_file()

    def follow(self) -> Iterator[Line]:
        """What is written from now on, for ever."""
        while True:
            yield from self.more()
            time.sleep(POLL)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _is_current(self, file: BufferedReader) -> bool:
        return self._file is not None and os.path.samestat(os.fstat(file.fileno()), os.fstat(self._file.fileno()))

    def _rest_of_file(self) -> Iterator[Line]:
        """Whole lines; the beginning of one is kept until its end is there."""
        if self._file is None:
            return
        if os.fstat(self._file.fileno()).st_size < self._file.tell():  # emptied by somebody
            self._file.seek(0)
            self._rest = b""
        while raw := self._file.readline():
            self._rest += raw
            if self._rest.endswith(b"\n"):
                whole, self._rest = self._rest, b""
                yield _line(whole)


def _opened(path: Path) -> BufferedReader | None:
    try:
        return path.open("rb") if path.is_file() else None  # to open a pipe is to wait
    except OSError:
        return None


def _line(raw: bytes) -> Line:
    raw = raw.rstrip(b"\r\n")
    return Line(raw, decode(raw))


_AGO = re.compile(r"(\d+)\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str, now: datetime) -> datetime:
    """``10m``, ``2h``, ``14:30``, ``2026-11-21``, ``2026-11-21T14:30``.  Local time; raises UsageError."""
    if ago := _AGO.fullmatch(text.strip()):
        try:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    try:
        given = datetime.fromisoformat(f"{now.astimezone():%Y-%m-%d}T{text}" if ":" in text[:3] else text)
    except ValueError:
        raise UsageError(f"--since: {text!r} is no time. Say 10m, 2h, 14:30 or 2026-11-21T14:30") from None
    return given.astimezone()
