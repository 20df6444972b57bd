"""``c2o status`` of a service that runs, with the configuration and version of now."""

from __future__ import annotations

import json
import os
import sys

import c2o
from c2o import shown, status_lines
from c2o.prompt import home, sessions, settings
from c2o.prompt.home import Unsure
from c2o.prompt.memory import Memory
from c2o.prompt.service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from c2o.shown import Line


def prepared(arguments: list[str]) -> Callable[[], int]:
    """Raises Unsure, or anything else, for what isn't answered here."""
    if set(arguments) - {"--json"}:
        raise Unsure
    memory = Memory()
    found = _status(memory, Service(memory))
    if arguments:
        text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
        return lambda: _show_json(text)
    lines = list(status_lines.lines(found))
    return lambda: _show(lines)


def _show_json(text: str) -> int:
    shown.prepare()
    sys.stdout.write(text)
    sys.stdout.flush()
    return 0


def _show(lines: list[Line]) -> int:
    shown.prepare()
    for line in lines:
        shown.write(line, sys.stdout)
    return 0


def _status(memory: Memory, service: Service) -> dict[str, Any]:
    """As ``c2o.cli.status.Status`` has it: of what is new there, the service's report may know, or we are unsure."""
    if _finishing():
        raise Unsure
    report = service.report()
    scopes = settings.scopes()
    plain, decided_by = settings.plainly(scopes)
    there = service.said
    known = {
        **report,
        **{name: there[name] for name in ("version", "pid", "manager", "started_at")},
        "schema": "c2o.status/1",
        "state": "running",
        "cli_version": c2o.__version__,
        "url": service.url,
        "listen": {"host": there["host"], "port": there["port"]},
        "config": {"path": memory.config, "changed": False},
        "draining": None,
        "learned": memory.learned,
        "finishing": [],
        "claude": {
            "plain": plain,
            "decided_by": decided_by,
            "sessions": sessions.attached(
                there["host"], service.port, settings.patched(scopes), alone=report["connections"] == 1
            ),
        },
        "log": home.log_file(),
    }
    return {name: known[name] for name in memory.status}


def _finishing() -> bool:
    """Is there perhaps a service of before, which has handed over and finishes its streams?"""
    try:
        return any(name.endswith(".json") for name in os.listdir(home.state_file("draining")))
    except FileNotFoundError:
        return False
