"""What was used: a SQLite file in c2o's folder of state.  The service writes it, ``c2o usage`` reads it.

Single requests for a month, daily sums for two years, in local days.  Names, counts and times; never content.
Several services may write at once: one that hands over finishes its streams while its successor works.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from c2o import paths

try:
    import sqlite3
except ImportError:  # Python was built without it, which must not keep the service from starting
    sqlite3 = None  # type: ignore[assignment]

FILE = "usage.db"
"""In c2o's folder of state."""

SCHEMA = 1
"""Kept as the file's ``user_version``: https://www.sqlite.org/pragma.html#pragma_user_version"""

KEPT_SINGLE, KEPT_DAYS = timedelta(days=31), timedelta(days=731)
"""How long single requests are kept, and the sums of their days."""

MOST_SINGLE, MOST_DAYS = 200_000, 50_000
"""Rows.  The oldest requests become sums before their time, the oldest sums go."""

PATIENCE = 5.0
"""Seconds to wait for another service that is writing."""

LONGEST_NAME = 120
"""Characters of a name; clients choose them."""


class Used(NamedTuple):
    """One request that has come to its end; the columns of ``requests``."""

    time: float
    """Of its end, in seconds since 1970."""
    asked: str
    """The model that the client named."""
    upstream: str
    model: str
    session: str
    """Claude Code's own id of it; empty for other clients."""
    failed: bool
    estimated: bool
    """The upstream didn't count its tokens, so that c2o did."""
    input: int
    """Tokens, without those from and into a cache."""
    cache_read: int
    cache_write: int
    output: int
    seconds: float


class Sum(NamedTuple):
    """All requests of a day that have everything else in common."""

    day: str
    """``2026-11-21``, local."""
    asked: str
    upstream: str
    model: str
    session: str
    """Empty where that has been forgotten."""
    requests: int
    failed: int
    estimated: int
    input: int
    cache_read: int
    cache_write: int
    output: int
    seconds: float
    ended: float
    """When the last of them did, in seconds since 1970."""


class Unusable(Exception):
    """Why the file can't be used now, in a sentence; ``damaged`` if it never will be again."""

    def __init__(self, why: str, *, damaged: bool = False) -> None:
        super().__init__(why)
        self.damaged = damaged


def path() -> Path:
    return paths.state_dir() / FILE


def aside(path: Path) -> Path:
    """Where a damaged file goes."""
    return path.with_name(f"{path.name}.damaged")


_TABLES = (
    """CREATE TABLE IF NOT EXISTS requests (
        time REAL NOT NULL, asked TEXT NOT NULL, upstream TEXT NOT NULL, model TEXT NOT NULL, session TEXT NOT NULL,
        failed INTEGER NOT NULL, estimated INTEGER NOT NULL, input INTEGER NOT NULL, cache_read INTEGER NOT NULL,
        cache_write INTEGER NOT NULL, output INTEGER NOT NULL, seconds REAL NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS requests_time ON requests (time)",
    """CREATE TABLE IF NOT EXISTS days (
        day TEXT NOT NULL, asked TEXT NOT NULL, upstream TEXT NOT NULL, model TEXT NOT NULL,
        requests INTEGER NOT NULL, failed INTEGER NOT NULL, estimated INTEGER NOT NULL, input INTEGER NOT NULL,
        cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL, output INTEGER NOT NULL, seconds REAL NOT NULL,
        ended REAL NOT NULL, PRIMARY KEY (day, asked, upstream, model)) WITHOUT ROWID""",
)

_DAY = "date(time, 'unixepoch', 'localtime')"
_SUMS = """count(*), sum(failed), sum(estimated), sum(input), sum(cache_read), sum(cache_write), sum(output),
    sum(seconds), max(time)"""

_FOLD = f"""INSERT INTO days SELECT {_DAY}, asked, upstream, model, {_SUMS} FROM requests WHERE time < ?
    GROUP BY 1, 2, 3, 4 ON CONFLICT DO UPDATE SET requests = requests + excluded.requests,
    failed = failed + excluded.failed, estimated = estimated + excluded.estimated, input = input + excluded.input,
    cache_read = cache_read + excluded.cache_read, cache_write = cache_write + excluded.cache_write,
    output = output + excluded.output, seconds = seconds + excluded.seconds, ended = max(ended, excluded.ended)"""  # noqa: S608 - our own words

_READ = f"""SELECT {_DAY}, asked, upstream, model, session, {_SUMS} FROM requests WHERE time >= ?
    GROUP BY 1, 2, 3, 4, 5 UNION ALL SELECT day, asked, upstream, model, '', requests, failed, estimated, input,
    cache_read, cache_write, output, seconds, ended FROM days WHERE day >= ? ORDER BY 1"""  # noqa: S608 - our own words


# Writing -------------------------------------------------------------------------------------------


def add(path: Path, used: Sequence[Used], *, tidy: bool = False) -> None:
    """Write down what was used, all of it or nothing; ``tidy`` checks the file and folds what is old.

    Raises Unusable.
    """
    with _writing(path) as database:
        if tidy and (said := database.execute("PRAGMA quick_check(1)").fetchone()) != ("ok",):
            raise Unusable(f"{path} is damaged: {said[0] if said else '?'}.", damaged=True)
        with _transaction(database):
            if not _version(database):
                for statement in (*_TABLES, f"PRAGMA user_version = {SCHEMA}"):
                    database.execute(statement)
            marks = ", ".join("?" * len(Used._fields))
            database.executemany(f"INSERT INTO requests VALUES ({marks})", used)  # noqa: S608 - question marks
            if tidy:
                _fold(database, time.time())


def set_aside(path: Path) -> str:
    """Make way for a new file.  Returns what was done, a sentence."""
    target = aside(path)
    for ending in ("", "-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + ending).replace(target.with_name(target.name + ending))
    return f"{path} is damaged; it was set aside as {target.name}, and usage is counted anew."


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    with _errors(path):
        paths.private_dir(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # the files beside it get its mode
        with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as database:
            _check_version(database, path)
            _use_wal(database)
            database.execute("PRAGMA synchronous = NORMAL")
            yield database


def _use_wal(database: sqlite3.Connection) -> None:
    """A new file is changed to it under a lock for which SQLite itself won't wait, only say BUSY at once:
    https://www.sqlite.org/c3ref/busy_handler.html
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _code(error) != _BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # a full disk has rolled it back already
            database.execute("ROLLBACK")
        raise


def _fold(database: sqlite3.Connection, now: float) -> None:
    midnight = datetime.fromtimestamp(now).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    before = (midnight - KEPT_SINGLE).timestamp()
    newest = database.execute(
        "SELECT time FROM requests ORDER BY time DESC LIMIT 1 OFFSET ?", (MOST_SINGLE,)
    ).fetchone()
    before = max(before, newest[0] if newest else before)
    database.execute(_FOLD, (before,))
    database.execute("DELETE FROM requests WHERE time < ?", (before,))
    database.execute("DELETE FROM days WHERE day < ?", (f"{midnight - KEPT_DAYS:%Y-%m-%d}",))
    there = database.execute("SELECT count(*) FROM days").fetchone()[0]
    oldest = "SELECT day FROM days ORDER BY day LIMIT 1 OFFSET ?"
    if there > MOST_DAYS:
        database.execute(f"DELETE FROM days WHERE day <= ({oldest})", (there - MOST_DAYS - 1,))  # noqa: S608 - ours


# Reading -------------------------------------------------------------------------------------------


def read(path: Path, since: datetime) -> list[Sum]:
    """What was used since then; of days that are sums by now, from that day's beginning.  Raises Unusable."""
    with _errors(path):
        if not path.exists():
            return []
        with closing(_reading(path)) as database:
            _check_version(database, path)
            if not _version(database):
                return []
            rows = database.execute(_READ, (since.timestamp(), f"{since.astimezone():%Y-%m-%d}")).fetchall()
    return [Sum(*row) for row in rows]


def _reading(path: Path) -> sqlite3.Connection:
    """Also from a medium that can't be written: https://www.sqlite.org/wal.html#read_only_databases

    Elsewhere whoever closes it last takes away the files beside it, which one that may only read can't.
    """
    for how in ("mode=rw", "immutable=1"):
        database = sqlite3.connect(
            f"{path.absolute().as_uri()}?{how}", uri=True, timeout=PATIENCE, isolation_level=None
        )
        try:
            database.execute("PRAGMA query_only = 1")
            database.execute("PRAGMA schema_version").fetchone()
        except sqlite3.OperationalError as error:
            database.close()
            if how == "immutable=1" or _code(error) not in _CLOSED:
                raise
        except sqlite3.Error:
            database.close()
            raise
        else:
            break
    return database


# Both ----------------------------------------------------------------------------------------------


def _version(database: sqlite3.Connection) -> int:
    """0 for a file that is just being made."""
    found: int = database.execute("PRAGMA user_version").fetchone()[0]
    return found


def _check_version(database: sqlite3.Connection, path: Path) -> None:
    if (found := _version(database)) > SCHEMA:
        raise Unusable(
            f"{path} was written by a newer c2o (its schema is {found}); this one reads {SCHEMA}. Upgrade c2o."
        )


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    if sqlite3 is None:
        raise Unusable("this Python was built without SQLite. Install c2o with another one.")
    try:
        yield
    except sqlite3.Error as error:
        damaged = _code(error) in _DAMAGED
        remedy = "" if damaged else _REMEDIES.get(_code(error), " Make room, or make its folder writable.")
        raise Unusable(f"{path} can't be used: {error}.{remedy}", damaged=damaged) from None
    except OSError as error:
        raise Unusable(f"{path} can't be used: {error.strerror}. Make its folder writable.") from None


def _code(error: sqlite3.Error) -> int:
    """The primary one: https://www.sqlite.org/rescode.html"""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


_DAMAGED = (11, 26, 1)
"""SQLITE_CORRUPT, SQLITE_NOTADB and SQLITE_ERROR: broken, something else, or without the tables that it should have."""

_BUSY = 5
_REMEDIES = {_BUSY: " Close the program that is holding it."}

_CLOSED = (14, 8)
"""SQLITE_CANTOPEN and SQLITE_READONLY."""
