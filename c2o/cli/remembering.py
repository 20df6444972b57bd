"""Writing down what the next ``run``, ``env`` and ``status`` need to be quick; ``c2o.prompt.memory`` reads it."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec

from c2o import facts, paths, private_file
from c2o.claude.environment import of_models
from c2o.claude.models import choose
from c2o.cli.status import Status
from c2o.config import Config
from c2o.errors import C2oError
from c2o.prompt import memory

DAY = timedelta(days=1)

MOST = 16
"""Choices of models that are kept, the newest first."""


def remember(loaded: Config, model: str | None = None, upstream: str | None = None) -> None:
    """For this configuration, and the models that were asked for.  What can't be written isn't missed."""
    before = memory.learned_digest(str(facts.path()))
    now = facts.now()
    known = facts.read(facts.path(), now).facts
    if known != facts.read(facts.path(), now + DAY).facts or before != memory.learned_digest(str(facts.path())):
        return
    made_from = memory.made_from(str(loaded.path), loaded.digest, before)
    models = of_models(choose(loaded, model, upstream), known)
    mine = {"model": model, "upstream": upstream, "named": models.named, "suited": models.suited}
    others = [each for each in _clients(made_from) if (each["model"], each["upstream"]) != (model, upstream)]
    said = {
        "schema": memory.SCHEMA,
        "made_from": made_from,
        "since": time.time(),
        "until": time.time() + DAY.total_seconds(),
        "token": loaded.server.auth_token.reveal(),
        "learned": len(known),
        "status": Status.__struct_fields__,
        "clients": [mine, *others][:MOST],
    }
    with suppress(C2oError):
        private_file.write(paths.state_dir() / memory.FILE, msgspec.json.encode(said))


def _clients(made_from: dict[str, str]) -> list[dict[str, Any]]:
    """Those that hold still."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        said = msgspec.json.decode((paths.state_dir() / memory.FILE).read_bytes())
        if said["made_from"] == made_from:
            return list(said["clients"])
    return []
