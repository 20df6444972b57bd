"""What ``c2o init`` knows and has been told so far; each step makes a new one of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from c2o.cli.completions.files import Shell
from c2o.cli.init.choice import Choice, Draft, Given
from c2o.cli.init.detect import Around
from c2o.cli.init.file import Before
from c2o.imports import Import
from c2o.wire.probe import Found, ListedModel


class Tried(NamedTuple):
    """What became of a model."""

    upstream: str
    model: str
    found: list[Found]


class Wishes(NamedTuple):
    """What else is to be done."""

    service: bool = False
    save_keys: bool = False
    claude: bool = False
    completions: Shell | None = None
    """The shell that is to have them."""


class Plan(NamedTuple):
    given: Given
    before: Before
    around: Around
    choice: Choice | None = None
    """The upstream that it is about."""
    key: str = ""
    """Its key; empty if it needs none, or it can't be had."""
    saved: Mapping[str, str] = {}
    """For ``keys.env``."""
    listed: list[ListedModel] = []
    imported: Import | None = None
    """Instead of a choice."""
    test: bool = True
    tried: list[Tried] = []
    wishes: Wishes = Wishes()

    @property
    def draft(self) -> Draft:
        if self.imported:
            each = self.imported
            return Draft(each.upstreams, each.models, each.limits, each.routes, self.given.port)
        return self.choice.with_limits(self.listed).draft if self.choice else Draft(port=self.given.port)

    @property
    def its(self) -> Choice:
        """The choice, in steps that come after it."""
        assert self.choice is not None
        return self.choice

    def with_choice(self, choice: Choice) -> Plan:
        return self._replace(choice=choice)
