"""What is here already: keys in the environment, by name only, and servers on this machine."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from c2o import urls
from c2o.doctor import probing
from c2o.presets import PRESETS, Preset
from c2o.wire.probe import Job, ListedModel

WITHIN = 0.3
"""Seconds for a server on this machine to take a connection."""

LIST_WITHIN = 3.0
"""Seconds for its list of models."""


class Seen(NamedTuple):
    """A preset, and what speaks for it."""

    key: str
    preset: Preset
    ready: bool
    """Can it be used as it is?"""
    note: str
    """Why, or why not, in a few words."""
    models: list[ListedModel]


def look(environ: Mapping[str, str]) -> list[Seen]:
    """All presets, those that are ready first."""
    local = [key for key, preset in PRESETS.items() if urls.is_loopback(preset.base_url)]
    with ThreadPoolExecutor(len(local)) as threads:
        answers = dict(zip(local, threads.map(_answers, local), strict=True))
    seen = [
        _local(key, preset, answers[key]) if key in answers else _remote(key, preset, environ)
        for key, preset in PRESETS.items()
        if key != "demo"
    ]
    demo = Seen("demo", PRESETS["demo"], ready=False, note="scripted answers: no key, no account", models=[])
    return [*sorted(seen, key=lambda each: not each.ready), demo]


def _remote(key: str, preset: Preset, environ: Mapping[str, str]) -> Seen:
    is_set = bool(environ.get(preset.key_env or ""))
    return Seen(key, preset, is_set, f"{preset.key_env} is set" if is_set else f"wants {preset.key_env}", [])


def _local(key: str, preset: Preset, models: list[ListedModel] | None) -> Seen:
    if models is None:
        return Seen(key, preset, ready=False, note="isn't running", models=[])
    count = "1 model" if len(models) == 1 else f"{len(models)} models"
    return Seen(key, preset, ready=bool(models), note=f"answers, {count}", models=models)


def _answers(key: str) -> list[ListedModel] | None:
    """The models of a server on this machine; None if there is none, or it is something else."""
    parts = urls.parse(PRESETS[key].base_url)
    try:
        socket.create_connection((parts.hostname, parts.port or 80), WITHIN).close()
    except OSError:
        return None
    job = Job(checks=["models"], name=key, base_url=PRESETS[key].base_url, timeout=LIST_WITHIN)
    return next((found.models for found in probing.ask(job) if found.ok), None)
