"""What a service manager is: a way to keep ``python -m c2o.proxy`` running.

Whether the service runs, where, and how it is, is the same question under every manager; ``probe``
answers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

FIXED_PORT = "the installed service has the configuration's port. Change it there: port under [server]."
"""Why a manager with files can't start the service at another port, just once."""


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """What is to run."""

    port: int | None = None
    """Instead of the configuration's."""
    wait: float = 15.0
    """Seconds within which it must be ready."""
    variables: frozenset[str] = field(default_factory=frozenset)
    """Names of the environment variables that the configuration takes keys from."""
    take_over: bool = False
    """The running service hands its socket over, and ends when its streams have; for ``detached``."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a manager's files say: the service as it is started without us, and without a shell."""

    command: tuple[str, ...]
    """With paths that are the same after an upgrade."""
    variables: Mapping[str, str]
    """Its environment, beside what the manager gives; never a key."""
    host: str
    port: int
    log: Path
    """Where its output goes, if the manager has no log of its own."""
    writes: tuple[Path, ...]
    """The folders that it writes into."""
    runs_commands: bool = False
    """Are there keys that the output of a command gives?  Such a command may need more than the service does."""


class ServiceManager(Protocol):
    """One way to keep the service running.  Has no state of its own: every call looks at the machine."""

    needs: str
    """What it works with, and when: for a person who asks for it where it doesn't."""

    def available(self) -> bool:
        """Does it work on this machine, now?"""

    def files(self, program: Program) -> dict[Path, str]:
        """The files with which it is installed.  Raises UsageError for what they can't say."""

    def install(self, program: Program) -> None:
        """Put the files in place, or bring them up to date, and have the service begin with the next login.

        Nothing is started or stopped.  Raises RefusedFile, having changed nothing, for a file that isn't ours.
        """

    def uninstall(self) -> None:
        """Take away all that ``install`` has made; for a service that has been stopped."""

    def environ(self) -> Mapping[str, str]:
        """The variables that it gives to a service, apart from those in its files."""

    def details(self) -> Mapping[str, str]:
        """How the service is, in its own words."""

    def start(self, spec: ServiceSpec) -> None:
        """Start the service, and return when it says that it is ready.

        Raises the C2oError that the service ended with, and Unhealthy if it isn't ready in time.
        """

    def stop(self) -> None:
        """Ask the service to end, and return without waiting for it.  Raises Unhealthy if it can't be asked."""

    def rest(self) -> None:
        """Let nothing start it any more; for a service that doesn't run."""

    def replace(self) -> bool:
        """Have the service end and a new one take its place, at a socket that listens all the while.

        Returns without waiting for it; False if it can't be done, and nothing was.
        """

    def kill(self) -> None:
        """End the service at once, for when it doesn't end when asked."""
