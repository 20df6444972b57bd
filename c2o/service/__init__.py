"""Keeping the service running, and knowing whether it does.

- ``lifecycle``   start, stop and restart, as the commands do them; ``run`` starts the service the same way
- ``installing``  put a manager in charge, and take it away again
- ``manager``     what a service manager is: ServiceManager, ServiceSpec, Program
- ``systemd``     a user unit with a socket unit before it; ``linger``: does it run while nobody is logged in
- ``launchd``     a LaunchAgent of macOS
- ``detached``    a process of its own without any help of the system: works everywhere
- ``launcher``    the command in a unit: paths that survive an upgrade
- ``tools``       systemctl and its kind, run
- ``unit_files``  a manager's files: written, refused, taken away; ``record``: what was installed
- ``handshake``   how a process of ours says that it is ready
- ``probe``       is it ours that answers, and how is it: ServiceStatus; ``following``: has it taken the configuration
- ``processes``   whose process it is: before a signal, and when a port is taken
- ``sessions``    which clients hang on it

A new manager is a file with a class and a line in MANAGERS.  Nothing here loads the server: it is
started as a process, ``python -m c2o.proxy``.
"""

from __future__ import annotations

from c2o.errors import C2oError
from c2o.service import record, systemd
from c2o.service.detached import Detached
from c2o.service.launchd import Launchd
from c2o.service.manager import ServiceManager, ServiceSpec
from c2o.service.probe import ServiceStatus
from c2o.service.systemd import Systemd

__all__ = [
    "MANAGERS",
    "ServiceManager",
    "ServiceSpec",
    "ServiceStatus",
    "choose",
    "chosen",
    "out_of_reach",
    "preferred",
]

MANAGERS: dict[str, ServiceManager] = {
    "systemd": Systemd(),
    "launchd": Launchd(),
    "detached": Detached(),
}
"""In order of preference, by the name that the service's state file shows."""


def chosen() -> str:
    """The name of the manager that was installed; without one, the service is a process of its own."""
    installed = record.read()
    return installed.manager if installed else "detached"


def choose() -> ServiceManager:
    """The same, if it works on this machine.  Raises C2oError if it doesn't."""
    manager = MANAGERS[chosen()]
    if not manager.available():
        raise C2oError(_UNAVAILABLE[chosen()])
    return manager


_UNAVAILABLE = {
    "systemd": "systemd can't be reached, though the service was installed for it. From a login of your own it can; "
    "without systemd: c2o serve",
    "launchd": "launchd can't be reached, though the service was installed for it. To run it without: c2o serve",
}


def out_of_reach() -> str | None:
    """Why the manager that this machine has can't be had from here, and what to do; None where all is as it can be."""
    return systemd.away()


def preferred() -> str:
    """The best manager that works on this machine; ``detached`` if there is none of the system's."""
    return next((name for name, manager in MANAGERS.items() if manager.available()), "detached")
