"""The models that upstreams list, as they were told last: a file that the service, ``c2o models`` and ``init`` write.

It is a copy: what can't be read is asked for again, and nobody fails over it.  Completions read its ids::

    {"schema": "c2o.known_models/1",
     "upstreams": {"nim": {"base_url": "https://…", "asked_at": "2026-11-21T16:50:00Z",
                           "models": [{"id": "meta/llama-3.3-70b-instruct", "context_window": 131072}]}}}
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from c2o import facts, paths, private_file
from c2o.errors import RefusedFile
from c2o.wire.probe import ListedModel

SCHEMA = "c2o.known_models/1"

FILE = "models.json"
"""In c2o's folder of state."""

FRESH_FOR = timedelta(days=1)

MOST_UPSTREAMS, MOST_MODELS, LONGEST_ID = 64, 2000, 200
"""What is kept.  The longest list seen has some 500 models (OpenRouter's)."""

LARGEST = 16 * 1024 * 1024
"""Bytes of a file that may be ours."""


class Catalogue(Struct, frozen=True, kw_only=True):
    """What one upstream listed."""

    base_url: str
    """Where, as ``facts.address`` writes it."""
    asked_at: datetime
    models: list[ListedModel] = []

    def is_fresh(self, base_url: str, now: datetime) -> bool:
        """Was it asked at this address, and not long ago?"""
        age = now - self.asked_at
        return self.is_of(base_url) and timedelta(minutes=-5) <= age < FRESH_FOR

    def is_of(self, base_url: str) -> bool:
        return self.base_url == facts.address(base_url)


class _File(Struct, kw_only=True):
    schema: str = SCHEMA
    upstreams: dict[str, Catalogue] = {}


def path() -> Path:
    return paths.state_dir() / FILE


def read(path: Path) -> dict[str, Catalogue]:
    """By upstream; nothing where the file is missing, damaged or of another version."""
    try:
        with path.open("rb") as file:
            found = msgspec.json.decode(file.read(LARGEST), type=_File)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found.upstreams if found.schema == SCHEMA else {}


def listed(base_url: str, models: Iterable[ListedModel], now: datetime) -> Catalogue:
    """What an upstream has just listed, as it is kept."""
    fit = {each.id: each for each in models if len(each.id) <= LONGEST_ID}
    return Catalogue(base_url=facts.address(base_url), asked_at=now, models=list(fit.values())[:MOST_MODELS])


def with_details_of(fresh: Catalogue, before: Catalogue | None) -> Catalogue:
    """A list that says little of its models doesn't take away what was found out beside it."""
    if before is None or before.base_url != fresh.base_url:
        return fresh
    known = {each.id: each for each in before.models}
    models = [_filled(each, known.get(each.id, each)) for each in fresh.models]
    return structs.replace(fresh, models=models)


def _filled(model: ListedModel, before: ListedModel) -> ListedModel:
    missing = {name: value for name, value in structs.asdict(before).items() if getattr(model, name) is None}
    return structs.replace(model, **missing)


def remember(path: Path, fresh: dict[str, Catalogue]) -> None:
    """Add to what the file holds, or take its place.  Raises RefusedFile if it can't be written."""
    known = read(path)
    known |= {name: with_details_of(each, known.get(name)) for name, each in fresh.items()}
    newest = sorted(known.items(), key=lambda entry: entry[1].asked_at, reverse=True)[:MOST_UPSTREAMS]
    data = msgspec.json.encode(_File(upstreams=dict(newest)))
    private_file.write(path, data, shared=True)


def try_to_remember(path: Path, fresh: dict[str, Catalogue]) -> str:
    """The same; returns why it couldn't be done, a sentence, or nothing."""
    try:
        remember(path, fresh)
    except RefusedFile as refused:
        return str(refused)
    return ""


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
