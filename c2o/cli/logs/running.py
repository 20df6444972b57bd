"""The requests that run at this moment: the log says that they have begun, and not that they have ended."""

from __future__ import annotations

from dataclasses import replace

from c2o import draining, instance
from c2o.cli.logs.lines import Line, Wanted


class Running:
    def __init__(self, wanted: Wanted) -> None:
        self._wanted = replace(wanted, begun=True)
        self._begun: dict[str, tuple[int, Line]] = {}
        """Id → the service's pid, and the line."""

    def note(self, line: Line) -> None:
        """Told each line of the log, in order."""
        if line.record and (begun := line.record.begun):
            self._begun[begun.id] = begun.pid, line
        elif line.record and (ended := line.record.request):
            self._begun.pop(ended.id, None)

    def lines(self) -> list[Line]:
        """The first lines of the wanted ones that run.  A request whose service was killed has no last one."""
        if not self._begun:
            return []
        alive = _pids()
        return [line for pid, line in self._begun.values() if pid in alive and line in self._wanted]

    def unended(self) -> list[Line]:
        """The same, and those that a killed service had."""
        return [line for _, line in self._begun.values() if line in self._wanted]


def _pids() -> set[int]:
    """Of the service, and of those that have handed over and still finish something."""
    there = instance.read() if instance.running() else None
    return {each.pid for each in draining.services()} | ({there.pid} if there else set())
