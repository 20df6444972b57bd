"""The system's own commands: systemctl, loginctl, launchctl; and doing what must not be left half done."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from c2o.errors import C2oError, Unhealthy

TIMEOUT = 30.0
"""Seconds for what they do at once."""


def run(
    *command: str, environ: Mapping[str, str] | None = None, timeout: float = TIMEOUT
) -> subprocess.CompletedProcess[str]:
    """What it said, and its exit code.  Raises Unhealthy if it takes too long, C2oError if it can't be run."""
    try:
        return subprocess.run(  # noqa: S603 - our own words
            command,
            check=False,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise Unhealthy(f"`{' '.join(command)}` isn't done after {timeout:.0f} s. Run it by hand to see why.") from None
    except OSError as error:
        raise C2oError(f"{command[0]} can't be run: {error.strerror}. Without it: c2o serve") from None


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C is of no effect meanwhile, nor on the commands that are run."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
