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
from c2o.facts import Fact
from c2o.prompt import digest, memory

DAY = timedelta(days=1)

MOST = 16
"""Choices of models that are kept, the newest first."""


def remember(loaded: Config, model: str | None = None, upstream: str | None = None) -> None:
    """For this configuration, and the models that were asked for.  What can't be written isn't missed."""
    token, learned = _place_of_the_token(loaded), _learned()
    if token is None or learned is None:
        return
    known, learned_digest = learned
    made_from = memory.made_from(str(loaded.path), loaded.digest, learned_digest)
    models = of_models(choose(loaded, model, upstream), known)
    mine = {"model": model, "upstream": upstream, "named": models.named, "suited": models.suited}
    others = [each for each in _clients(made_from) if (each["model"], each["upstream"]) != (model, upstream)]
    now = time.time()
    said = {
        "schema": memory.SCHEMA,
        "made_from": made_from,
        "since": now,
        "until": now + DAY.total_seconds(),
        "token": token,
        "learned": len(known),
        "status": Status.__struct_fields__,
        "clients": [mine, *others][:MOST],
    }
    with suppress(C2oError):
        private_file.write(paths.state_dir() / memory.FILE, msgspec.json.encode(said))


def _place_of_the_token(loaded: Config) -> tuple[int, int] | None:
    """Where it stands in the configuration: nothing else may hold it.  None if it is written with escapes there."""
    try:
        data = (loaded.path or paths.config_file()).read_bytes()
    except OSError:
        return None
    token = loaded.server.auth_token.reveal().encode()
    begin = data.find(token)
    same = digest.of(data)[: memory.DIGITS] == loaded.digest
    return (begin, begin + len(token)) if same and begin >= 0 else None


def _learned() -> tuple[list[Fact], str] | None:
    """The facts that hold, and their file's digest; None if it is just changing, or one grows too old within a day."""
    path, now = facts.path(), facts.now()
    before = memory.learned_digest(str(path))
    known = facts.read(path, now).facts
    steady = known == facts.read(path, now + DAY).facts and before == memory.learned_digest(str(path))
    return (known, before) if steady else None


def _clients(made_from: dict[str, str]) -> list[dict[str, Any]]:
    """Those that hold still."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        said = msgspec.json.decode((paths.state_dir() / memory.FILE).read_bytes())
        if said["made_from"] == made_from:
            return list(said["clients"])
    return []
