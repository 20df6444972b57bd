"""The real Claude Code, started as a person would start it but in a scratch home."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.clients.service import Service, environment

TIMEOUT = 100
"""Seconds that one run may take; a usual one takes three."""


@dataclass(frozen=True)
class Claude:
    """A Claude Code of one version, with a home and a working folder of its own."""

    binary: Path
    home: Path
    project: Path
    timeout: float = TIMEOUT

    def waiting(self, seconds: float) -> Claude:
        """The same, with this much time for a run."""
        return replace(self, timeout=seconds)

    def environment(self, **more: str) -> dict[str, str]:
        given = environment(self.home, **more)
        # Its terminal interface would update the machine's own Claude Code in the background.
        return given | {"PATH": f"{self.binary.parent}:{given['PATH']}", "DISABLE_AUTOUPDATER": "1"}

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Plain ``claude`` with these arguments."""
        return self._run([str(self.binary), *arguments], environment or self.environment())

    def through_c2o(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """``c2o run claude`` with these arguments."""
        return self.c2o("run", "claude", *arguments, **more)

    def c2o(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """The ``c2o`` command."""
        return self._run([sys.executable, "-m", "c2o", *arguments], self.environment(**more))

    def _run(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.project,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.timeout,
        )


def by_hand(service: Service) -> dict[str, str]:
    """The environment with which any Anthropic client finds the service."""
    return {"ANTHROPIC_BASE_URL": service.url, "ANTHROPIC_AUTH_TOKEN": service.token}
