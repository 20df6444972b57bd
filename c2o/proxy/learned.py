"""What upstreams have taught the service, for the requests to come; it outlives the service in ``learned.toml``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from c2o import facts
from c2o.config import Config
from c2o.errors import C2oError
from c2o.facts import Fact, Source
from c2o.private_file import signature
from c2o.routing import Route

log = logging.getLogger("c2o.proxy")


class Learned:
    """Facts by upstream and model.  With a ``path`` they are kept there, and whoever changes the file is heard."""

    def __init__(self, config: Config, path: Path | None = None, now: Callable[[], datetime] = facts.now) -> None:
        self._address = _addresses(config)
        self._path = path
        self._now = now
        self._facts: list[Fact] = []
        self._by_model: dict[tuple[str, str], list[str]] = {}
        self._seen: tuple[int, ...] | None = None
        self._refresh()

    def follow(self, config: Config) -> None:
        """Upstreams may have moved."""
        self._address = _addresses(config)
        self._take(self._facts)

    def of(self, route: Route) -> list[str]:
        """What is known of a route's model, as ``translate.remedies`` has it."""
        self._refresh()
        return self._by_model.get((route.name, route.model), [])

    def note(self, route: Route, fact: str | None, said: str = "", source: Source = "refusal") -> None:
        """Something was learned; ``said`` are the upstream's own words, without keys."""
        if fact is None or fact in self.of(route):
            return
        log.info("learned of %s/%s: %s", route.name, route.model, fact)
        new = Fact(
            upstream=route.name,
            model=route.model,
            base_url=facts.address(route.upstream.base_url),
            fact=fact,
            source=source,
            learned_at=self._now(),
            said=facts.shortened(said),
        )
        self._take([*self._facts, new])
        self._save()

    def _refresh(self) -> None:
        """Read the file, if it isn't the one that was read or written last."""
        if self._path is None or (there := signature(self._path)) == self._seen:
            return
        found = facts.read(self._path, self._now())
        self._seen = there
        if found.problem:
            log.warning("%s", found.problem)
        self._take(found.facts)

    def _take(self, known: list[Fact]) -> None:
        """What was learned at another address is forgotten; of upstreams that aren't configured now it is kept."""
        here = [fact for fact in known if self._address.get(fact.upstream, fact.base_url) == fact.base_url]
        self._facts = facts.bounded(fact for fact in here if fact.holds(self._now()))
        self._by_model = {}
        for fact in self._facts:
            self._by_model.setdefault((fact.upstream, fact.model), []).append(fact.fact)

    def _save(self) -> None:
        if self._path is None:
            return
        try:
            facts.write(self._path, self._facts)
        except C2oError as error:
            log.warning("%s", error)
        self._seen = signature(self._path)


def _addresses(config: Config) -> dict[str, str]:
    return {name: facts.address(upstream.base_url) for name, upstream in config.upstreams.items()}
