"""What a check finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from c2o.doctor.machine import Machine

Group = Literal["install", "config", "service", "upstream", "claude"]

Level = Literal["ok", "warn", "fail", "skip"]
"""``skip``: not looked at, because what it needs has failed."""


class Fix(Struct, frozen=True):
    """What to do about it."""

    text: str
    """For a person; ends with the command, where there is one."""
    command: str | None = None
    safe: bool = False
    """May the command be run without a thought?"""


class Finding(Struct, frozen=True, kw_only=True):
    id: str
    """Stable: scripts and people refer to it."""
    group: Group
    level: Level
    title: str
    """What is, in a sentence."""
    detail: str = ""
    fix: Fix | None = None


def run(command: str, *, safe: bool = True, text: str = "") -> Fix:
    """A fix that is a command, after a few words if need be."""
    return Fix(f"{text}: {command}" if text else command, command, safe)


def mend(id: str, text: str) -> Fix:
    """A fix that the doctor itself makes in a file, and shows before it does."""
    return run(f"c2o doctor --fix --only {id}", text=text)


class Check(NamedTuple):
    """A row of the table of checks."""

    id: str
    """Of what it finds, or of most of it."""
    group: Group
    look: Callable[[Machine], Iterable[Finding]]
    needs: tuple[str, ...] = ()
    """Checks that must not have failed: a check whose cause has failed stays quiet."""
    others: tuple[str, ...] = ()
    """The ids of what else it may find."""

    @property
    def ids(self) -> set[str]:
        return {self.id, *self.others}
