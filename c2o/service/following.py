"""Has the running service taken the configuration that lies there?  It follows by itself, within a second or so."""

from __future__ import annotations

import time

from c2o.config import Config
from c2o.service import probe
from c2o.service.probe import ServiceStatus

WITHIN = 3.0
"""Seconds that a change may take: it is looked for, must have been still, and keys are read again."""

AGAIN = 0.05
"""Seconds between two questions."""


def look(loaded: Config | None) -> ServiceStatus:
    """How the service is, as soon as it has taken or refused what was ``loaded``, or after WITHIN."""
    token = loaded.server.auth_token if loaded else None
    deadline = time.monotonic() + WITHIN
    while True:
        seen = probe.look(token)
        if loaded is None or not _may_follow(seen, loaded) or time.monotonic() >= deadline:
            return seen
        time.sleep(AGAIN)


def _may_follow(seen: ServiceStatus, loaded: Config) -> bool:
    report = seen.report
    return report is not None and loaded.digest not in (report.config.digest, report.config.refused)


def works_with(seen: ServiceStatus, loaded: Config) -> bool:
    """Does the service work with what was ``loaded``?"""
    return seen.report is not None and seen.report.config.digest == loaded.digest


def said(seen: ServiceStatus, id: str) -> str | None:
    """What the service complains of under this id."""
    problems = seen.report.problems if seen.report else []
    return next((problem.hint for problem in problems if problem.id == id), None)


BROKEN, RESTART = "config.broken", "config.restart"
"""What can't be used; what takes a restart."""
