"""What upstreams and their models have taught: a file of facts, read and written by the service and the command line.

A fact is text that ``translate.remedies`` and the windows understand: ``drop:temperature``, ``without:image``,
``context_window:131072``.  It holds for one upstream and model, at the address where it was learned, and for thirty
days: servers are updated and models replaced, and what was wrongly learned must heal.  To learn it again costs one
refused request.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import tomli_w
from msgspec import Struct

from c2o import paths, urls
from c2o.errors import C2oError

SCHEMA = "c2o.learned/1"

FILE = "learned.toml"
"""In c2o's folder of state."""

KEPT_FOR = timedelta(days=30)

MOST, MOST_OF_A_MODEL = 1024, 32
"""Facts that are kept; the oldest go first."""

SAID = 200
"""Characters of an upstream's own words that are kept."""

LARGEST = 4 * 1024 * 1024
"""Bytes of a file that may be ours."""

Source = Literal["refusal", "answer", "probe"]
"""What taught it: an upstream's refusal, what its answer was like, or a question of ours."""


class Fact(Struct, frozen=True, kw_only=True):
    """One thing that is known of a model at an upstream."""

    upstream: str
    model: str
    base_url: str
    """Where it was learned."""
    fact: str
    source: Source = "refusal"
    learned_at: datetime
    said: str = ""
    """The upstream's own words, shortened and without keys."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What there is one fact of: a second ``context_window`` takes the first one's place."""
        name, _, value = self.fact.partition(":")
        return self.upstream, self.model, name if name in SINGLE else f"{name}:{value}"

    def holds(self, now: datetime) -> bool:
        """Is it young enough to be true?"""
        return timedelta(0) <= now - self.learned_at + timedelta(days=1) <= KEPT_FOR + timedelta(days=1)


SINGLE = (
    *("context_window", "max_output_tokens", "min_output_tokens", "max_tokens_field", "efforts", "thinking"),
    "reasoning_field",
)
"""Facts of which the newest alone is true."""


def number(facts: Iterable[str], name: str) -> int | None:
    """The value of a fact that is a number, such as ``context_window``."""
    values = (fact.partition(":") for fact in facts)
    return next((int(value) for key, _, value in values if key == name and value.isdecimal() and int(value)), None)


class _File(Struct, kw_only=True):
    schema: str = SCHEMA
    facts: list[Fact] = []


class Found(NamedTuple):
    """The content of the file."""

    facts: list[Fact]
    problem: str = ""
    """Why the file can't be used, if it can't; a sentence."""


def path() -> Path:
    return paths.state_dir() / FILE


def address(base_url: str) -> str:
    """A base URL as facts name it: any spelling of it, without what may be secret."""
    return urls.printable(urls.root(base_url))


def known() -> list[Fact]:
    """What the file of this machine holds; nothing where it can't be used."""
    return read(path(), now()).facts


def read(path: Path, now: datetime) -> Found:
    """The facts that still hold.  A damaged file is set aside, and never an error."""
    try:
        data = path.read_bytes()[:LARGEST]
        found = msgspec.convert(tomllib.loads(data.decode()), _File)
    except FileNotFoundError:
        return Found([])
    except OSError as error:
        return Found([], f"{path} can't be read: {error.strerror}. What it holds is learned again.")
    except (ValueError, RecursionError):  # not UTF-8, no TOML, or of another shape
        return Found([], _set_aside(path))
    if found.schema != SCHEMA:
        return Found([], f"{path} was written by another version of c2o. What it holds is learned again.")
    return Found(bounded(fact for fact in found.facts if fact.holds(now)))


def _set_aside(path: Path) -> str:
    aside = path.with_suffix(".damaged")
    with suppress(OSError):
        path.replace(aside)
    return f"{path} is damaged; it was set aside as {aside.name}, and what it held is learned again."


def bounded(facts: Iterable[Fact]) -> list[Fact]:
    """One of a kind, the newest of each model and of all, in the order in which they were learned."""
    newest = {fact.key: fact for fact in sorted(facts, key=lambda each: each.learned_at)}
    counts: dict[tuple[str, str], int] = {}
    kept: list[Fact] = []
    for fact in reversed(newest.values()):
        model = (fact.upstream, fact.model)
        counts[model] = counts.get(model, 0) + 1
        if counts[model] <= MOST_OF_A_MODEL and len(kept) < MOST:
            kept.append(fact)
    return kept[::-1]


def write(path: Path, facts: Iterable[Fact]) -> None:
    """Put the file in place, whole and readable by its owner only.  Raises C2oError if that can't be done."""
    tables = msgspec.to_builtins(_File(facts=list(facts)), builtin_types=(datetime,))
    data = tomli_w.dumps(tables).encode()
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        paths.private_dir(path.parent)
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        beside.replace(path)
    except OSError as error:
        raise C2oError(
            f"{path} can't be written: {error.strerror}. Make its folder writable, or set C2O_HOME."
        ) from None


def add(path: Path, new: Iterable[Fact], now: datetime) -> None:
    """Add to what the file holds.  Raises C2oError if it can't be written."""
    write(path, bounded([*read(path, now).facts, *new]))


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def shortened(said: str) -> str:
    """An upstream's words as they are kept: one line, and not for ever."""
    line = " ".join("".join(char if char.isprintable() else " " for char in said).split())
    return line if len(line) <= SAID else f"{line[: SAID - 1]}…"
