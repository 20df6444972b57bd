"""Keeping the service running, and knowing whether it does.

- ``lifecycle``   start, stop and restart, as the commands do them; ``run`` starts the service the same way
- ``manager``     what a service manager is: ServiceManager, ServiceSpec
- ``detached``    a process of its own without any help of the system: works everywhere but on Windows
- ``handshake``   how a process of ours says that it is ready
- ``probe``       is it ours that answers, and how is it: ServiceStatus
- ``processes``   whose process it is: before a signal, and when a port is taken
- ``log_file``    the service's log: opened, rotated, its last lines

A new manager is a file with a class and a line in MANAGERS.  Nothing here loads the server: it is
started as a process, ``python -m c2o.proxy``.
"""

from __future__ import annotations

from c2o.errors import C2oError
from c2o.service.detached import Detached
from c2o.service.manager import ServiceManager, ServiceSpec
from c2o.service.probe import ServiceStatus

__all__ = ["MANAGERS", "ServiceManager", "ServiceSpec", "ServiceStatus", "choose"]

MANAGERS: dict[str, ServiceManager] = {
    "detached": Detached(),
}
"""In order of preference, by the name that the service's state file shows."""


def choose() -> ServiceManager:
    """The first manager that works on this machine.  Raises C2oError if none does."""
    for manager in MANAGERS.values():
        if manager.available():
            return manager
    raise C2oError("nothing on this system can keep the service running. Run it in a terminal: c2o serve")
