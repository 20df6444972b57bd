"""Fixes that are a change to a file: shown first, and made only if a person agrees."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from c2o.claude import loose_settings, patch
from c2o.doctor.claude import URL, ends_in_v1, without_v1
from c2o.doctor.machine import Machine


class Edit(NamedTuple):
    """A settings file, before and after."""

    path: Path
    before: bytes
    after: bytes


def edits(machine: Machine, id: str) -> list[Edit]:
    """What the doctor would write for a finding of this id."""
    mend = MENDERS.get(id)
    return [each for each in mend(machine) if each.after != each.before] if mend else []


def _strict(machine: Machine) -> Iterator[Edit]:
    for place in machine.scopes:
        before = _read(place.settings.path) if place.settings.problem else b""
        if after := loose_settings.strict(before):
            yield Edit(place.settings.path, before, after)


def _without_v1(machine: Machine) -> Iterator[Edit]:
    for place in machine.scopes:
        if ends_in_v1(place.settings.env.get(URL)) and (before := _read(place.settings.path)):
            url = json.dumps(without_v1(place.settings.env[URL]))
            yield Edit(place.settings.path, before, patch.Document.of(before).with_env({URL: url}).data())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


MENDERS: dict[str, Callable[[Machine], Iterator[Edit]]] = {
    "claude.settings.jsonc": _strict,
    "claude.base_url.v1": _without_v1,
}
