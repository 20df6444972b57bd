"""What a service manager is: a way to keep ``python -m c2o.proxy`` running.

Whether the service runs, where, and how it is, is the same question under every manager; ``probe``
answers it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """What is to run."""

    port: int | None = None
    """Instead of the configuration's."""
    wait: float = 15.0
    """Seconds within which it must be ready."""
    variables: frozenset[str] = field(default_factory=frozenset)
    """Names of the environment variables that the configuration takes keys from."""


class ServiceManager(Protocol):
    """One way to keep the service running.  Has no state of its own: every call looks at the machine."""

    def available(self) -> bool:
        """Does it work on this machine, now?"""

    def start(self, spec: ServiceSpec) -> None:
        """Start the service, and return when it says that it is ready.

        Raises the C2oError that the service ended with, and Unhealthy if it isn't ready in time.
        """

    def stop(self) -> None:
        """Ask the service to end, and return without waiting for it.  Raises Unhealthy if it can't be asked."""

    def kill(self) -> None:
        """End the service at once, for when it doesn't end when asked."""
