"""What was used, put together by day, model, tier or session, and what it cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Literal

from msgspec import Struct, field

from c2o.config import Config
from c2o.prices import Priced
from c2o.routing import ALIAS, TIERS
from c2o.usage_store import Sum

By = Literal["day", "model", "tier", "session"]

PriceOf = Callable[[str, str], Priced | None]
"""Of an upstream and a model."""


class Group(Struct, kw_only=True):
    """Everything that has one key."""

    key: str
    requests: int = 0
    failed: int = 0
    estimated: int = 0
    """Requests whose tokens c2o has counted, because the upstream didn't."""
    input_tokens: int = 0
    """Without those from and into a cache."""
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cache_hit_ratio: float | None = None
    """What part of the prompts a cache served; null without prompts."""
    seconds: float = 0.0
    cost: float | None = None
    """US dollars, as far as prices are known; null where none is."""
    unpriced: list[str] = field(default_factory=list)
    """The models whose price isn't known, ``upstream/model``; their tokens aren't in the cost."""
    ended_at: datetime | None = None
    """When the last request did."""

    @property
    def prompt_tokens(self) -> int:
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.output_tokens

    def add(self, each: Sum, priced: Priced | None) -> None:
        self.requests += each.requests
        self.failed += each.failed
        self.estimated += each.estimated
        self.input_tokens += each.input
        self.cache_read_tokens += each.cache_read
        self.cache_write_tokens += each.cache_write
        self.output_tokens += each.output
        self.seconds = round(self.seconds + each.seconds, 3)
        ended_at = datetime.fromtimestamp(each.ended, UTC)
        self.ended_at = max(self.ended_at or ended_at, ended_at)
        self.cache_hit_ratio = round(self.cache_read_tokens / self.prompt_tokens, 4) if self.prompt_tokens else None
        self._add_cost(each, priced)

    def _add_cost(self, each: Sum, priced: Priced | None) -> None:
        used = {name: getattr(each, name) for name in ("input", "cache_read", "cache_write", "output")}
        if priced is not None:
            self.cost = round((self.cost or 0.0) + priced.dollars(**used), 9)
        elif any(used.values()) and (model := f"{each.upstream}/{each.model}") not in self.unpriced:
            self.unpriced.append(model)


def grouped(sums: Iterable[Sum], by: By, config: Config, price_of: PriceOf) -> list[Group]:
    """Days and sessions in their order, the rest by size."""
    groups: dict[str, Group] = {}
    for each in sums:
        key = KEYS[by](each, config)
        groups.setdefault(key, Group(key=key)).add(each, price_of(each.upstream, each.model))
    return sorted(groups.values(), key=ORDERS[by])


def total(sums: Iterable[Sum], price_of: PriceOf) -> Group:
    whole = Group(key="total")
    for each in sums:
        whole.add(each, price_of(each.upstream, each.model))
    return whole


def tier_of(asked: str, config: Config) -> str:
    """What the client asked for: a tier by name, or by the model that ``c2o run`` has put in its place."""
    if tier := next((tier for tier in TIERS if tier in asked.removeprefix(ALIAS).lower()), None):
        return tier
    target = asked.removeprefix(ALIAS)
    tiers = [tier for tier in TIERS if config.models.get(tier, ())[:1] == (target,)]
    return ", ".join(tiers) or target


KEYS: dict[By, Callable[[Sum, Config], str]] = {
    "day": lambda each, _: each.day,
    "model": lambda each, _: f"{each.upstream}/{each.model}",
    "tier": lambda each, config: tier_of(each.asked, config),
    "session": lambda each, _: each.session,
}


def _when(group: Group) -> datetime:
    return group.ended_at or datetime.min.replace(tzinfo=UTC)


ORDERS: dict[By, Callable[[Group], Any]] = {
    "day": lambda group: group.key,
    "model": lambda group: (-group.tokens, group.key),
    "tier": lambda group: (-group.tokens, group.key),
    "session": _when,
}
