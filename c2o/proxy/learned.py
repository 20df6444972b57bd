"""What refusals have taught about an upstream and model, for the requests to come."""

from __future__ import annotations

import logging

from c2o.routing import Route

log = logging.getLogger("c2o.proxy")


class Learned:
    """Facts by upstream and model, as the translator's ``remedies`` write them.  They end with the service."""

    def __init__(self) -> None:
        self._facts: dict[tuple[str, str], list[str]] = {}

    def of(self, route: Route) -> list[str]:
        return self._facts.get((route.name, route.model), [])

    def note(self, route: Route, fact: str | None) -> None:
        if fact is None:
            return
        facts = self._facts.setdefault((route.name, route.model), [])
        if fact not in facts:
            facts.append(fact)
            log.info("learned of %s/%s: %s", route.name, route.model, fact)
