"""``quick.json``: what a Typer command has worked out of the configuration, for as long as that can't have changed.

It says for what it holds: the configuration's and the learned facts' very content, this version of c2o, and a day, in
which no fact grows too old.  ``c2o.cli.remembering`` writes it.
"""

from __future__ import annotations

import os
import time

import c2o
from c2o.prompt import digest, home
from c2o.prompt.home import Unsure
from c2o.variables import Models

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA = "c2o.quick/1"

FILE = "quick.json"
"""In the folder of state, beside ``LEARNED``."""

LEARNED = "learned.toml"

DIGITS = 12
"""Of a configuration's digest, as ``c2o.config`` has it."""


def made_from(path: str, config_digest: str, learned_digest: str) -> dict[str, str]:
    """All that the rest depends on."""
    package = os.path.dirname(c2o.__file__)
    return {
        "version": c2o.__version__,
        "package": package,
        "config": path,
        "config_digest": config_digest,
        "learned_digest": learned_digest,
    }


def learned_digest(path: str) -> str:
    """Empty if there is no such file."""
    try:
        return digest.of(home.read(path))
    except FileNotFoundError:
        return ""


class Memory:
    """What the file says.  Raises Unsure, or anything else, if it doesn't hold for what there is now."""

    def __init__(self) -> None:
        said = home.read_own(home.state_file(FILE))
        config = home.config_file()
        data = home.read(config)
        now = made_from(config, digest.of(data)[:DIGITS], learned_digest(home.state_file(LEARNED)))
        if said["schema"] != SCHEMA or said["made_from"] != now or not said["since"] <= time.time() < said["until"]:
            raise Unsure
        self.config = config
        self.config_digest = now["config_digest"]
        begin, end = said["token"]
        self.token = data[begin:end].decode()
        """It stays in the configuration, whose very bytes have just been compared."""
        self.learned: int = said["learned"]
        """The number of facts."""
        self.status: list[str] = said["status"]
        """What ``c2o status --json`` has, in order."""
        self._clients: list[dict[str, Any]] = said["clients"]

    def models(self, model: str | None, upstream: str | None) -> Models:
        """Of a session for which these were asked."""
        for each in self._clients:
            if (each["model"], each["upstream"]) == (model, upstream):
                return Models(each["named"], each["suited"])
        raise Unsure
