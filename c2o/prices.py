"""What tokens cost: as configured under ``[prices]``, else as the upstream tells, else nothing on this machine.

There is no table of ours: prices change, and a wrong one is worse than none.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from c2o import urls
from c2o.config import Config
from c2o.known_models import Catalogue
from c2o.wire.probe import Price

Source = Literal["configured", "told", "local"]


class Priced(NamedTuple):
    """A price, and whose word it is."""

    price: Price
    source: Source

    def dollars(self, *, input: int, cache_read: int, cache_write: int, output: int) -> float:
        """What these tokens cost; ``input`` is without those from and into a cache."""
        price = self.price
        read = price.input if price.cache_read is None else price.cache_read
        write = price.input if price.cache_write is None else price.cache_write
        return (input * price.input + cache_read * read + cache_write * write + output * price.output) / 1_000_000


FREE = Price(0.0, 0.0)


def price_of(config: Config, known: Mapping[str, Catalogue], upstream: str, model: str) -> Priced | None:
    """None where nobody knows; also of an upstream that isn't configured any more."""
    if configured := _configured(config, f"{upstream}/{model}"):
        return Priced(configured, "configured")
    there = config.upstreams.get(upstream)
    if there is None:
        return None
    if told := _told(known.get(upstream), there.base_url, model):
        return Priced(told, "told")
    return Priced(FREE, "local") if urls.is_loopback(there.base_url) else None


def _configured(config: Config, target: str) -> Price | None:
    """The exact name, else the longest pattern; one without input or output isn't finished."""
    names = [target] if target in config.prices else [name for name in config.prices if fnmatchcase(target, name)]
    if not names:
        return None
    found = config.prices[max(names, key=len)]
    if found.input is None or found.output is None:
        return None
    return Price(found.input, found.output, found.cache_read, found.cache_write)


def _told(catalogue: Catalogue | None, base_url: str, model: str) -> Price | None:
    if catalogue is None or not catalogue.is_of(base_url):
        return None
    return next((each.price for each in catalogue.models if each.id == model), None)
