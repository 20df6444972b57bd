"""The service as a process of its own, without any help of the system.

It outlives its terminal and the command that started it, in a session of its own.  It isn't started
again after a crash or at the next login: that is what the system's service managers are for.

On Windows a process without a console gets no signals and inherits no descriptors: it says that it is ready in a file,
is asked to end by another, and hands nothing over.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from c2o import instance, log_file, paths, private_file
from c2o.errors import C2oError, Unhealthy
from c2o.printable import printable_lines
from c2o.service import processes
from c2o.service.handshake import as_raised, ready_file, ready_line
from c2o.service.manager import Program, ServiceSpec
from c2o.wire.log import decode

NAME = "detached"

CLIENTS_OWN = ("CLAUDECODE", "CLAUDE_CODE_", "ANTHROPIC_")
"""How the variables begin that Claude Code sets for what it starts, or that steer it.  People start c2o from inside
Claude Code; the service must not live on with one session's ids and another program's key."""

OUR_PLACES = ("C2O_HOME", "C2O_CONFIG")
"""Variables with paths, which may be relative: the service runs in another folder."""


DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP = 0x8, 0x200
"""https://learn.microsoft.com/en-us/windows/win32/procthread/process-creation-flags: no console, whose end would end
the service, and no Ctrl-C of the one who starts it."""


class Detached:
    needs = "nothing"

    def available(self) -> bool:
        return True

    def files(self, program: Program) -> dict[Path, str]:
        """None: it is there wherever c2o is."""
        del program
        return {}

    def install(self, program: Program) -> None:
        """Nothing, then."""

    def uninstall(self) -> None:
        """Nothing as well."""

    def environ(self) -> Mapping[str, str]:
        return os.environ

    def details(self) -> Mapping[str, str]:
        return {}

    def start(self, spec: ServiceSpec) -> None:
        path = _output()
        log = _log(path)
        since = os.fstat(log).st_size
        try:
            process, line = _by_file(spec, log) if instance.WITHOUT_SIGNALS else _by_pipe(spec, log)
        finally:
            os.close(log)
        if line == b"":
            raise C2oError(_died(process.wait(), path, since))
        if line is None and spec.take_over:  # two of them can't run, and the other one does
            process.kill()
            process.wait()
        process.returncode = 0  # it is meant to outlive us: no ResourceWarning
        if line is None:
            raise Unhealthy(_not_ready(spec.wait))
        said: dict[str, Any] = json.loads(line)
        if not said["ok"]:
            raise as_raised(said["exit_code"], said["error"])

    def stop(self) -> None:
        if instance.WITHOUT_SIGNALS:
            private_file.write(instance.end_file(), "")
        else:
            _service().terminate()

    def rest(self) -> None:
        """Nothing starts it but us."""

    def replace(self) -> bool:
        return False

    def kill(self) -> None:
        _service().kill()


def environment(
    variables: frozenset[str], manager: str = NAME, given: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """What the service gets of our environment: all but the client's own variables, unless a key is in one."""
    kept = {name: value for name, value in given.items() if name in variables or not name.startswith(CLIENTS_OWN)}
    places = {name: str(Path(kept[name]).expanduser().absolute()) for name in OUR_PLACES if kept.get(name)}
    return {**kept, **places, "C2O_MANAGER": manager}


Said = tuple[subprocess.Popen[bytes], bytes | None]
"""The process, and what ``ready_line`` says of it."""


def _by_pipe(spec: ServiceSpec, log: int) -> Said:
    reader, writer = os.pipe()
    options = {"pass_fds": (writer,), "start_new_session": True, "umask": 0o077}
    try:
        process = _spawn(spec, log, ["--ready-fd", str(writer)], options)
    finally:
        os.close(writer)
    return process, ready_line(reader, spec.wait)


def _by_file(spec: ServiceSpec, log: int) -> Said:
    path = paths.private_dir(paths.state_dir()) / "service.ready"
    path.unlink(missing_ok=True)
    options = {"creationflags": DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP}
    process = _spawn(spec, log, ["--ready-file", str(path)], options)
    return process, ready_file(path, process, spec.wait)


def _spawn(spec: ServiceSpec, log: int, ready: list[str], options: dict[str, Any]) -> subprocess.Popen[bytes]:
    port = [] if spec.port is None else ["--port", str(spec.port)]
    taking_over = ["--take-over"] if spec.take_over else []
    command = [sys.executable, "-P", "-m", "c2o.proxy", *ready, *port, *taking_over]
    return subprocess.Popen(  # noqa: S603 - our own interpreter; -P: nothing is imported from the current folder
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=paths.private_dir(paths.state_dir()),
        env=environment(spec.variables),
        **options,
    )


def _output() -> Path:
    """Where its output goes: into the log; into a file beside it on Windows, which renames no open file."""
    path = paths.log_file()
    return log_file.output_beside(path) if instance.WITHOUT_SIGNALS else path


def _log(path: Path) -> int:
    """The same, opened; nowhere if that can't be written; the service itself tells of it."""
    try:
        return log_file.opened(path)
    except C2oError:
        return os.open(os.devnull, os.O_WRONLY)


def _not_ready(wait: float) -> str:
    return f"the service isn't ready after {wait:.0f} s. It may still be starting: c2o status. See {paths.log_file()}"


def _died(code: int, path: Path, since: int) -> str:
    """The last words of a service that ended before it was ready."""
    how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    words = "\n".join(f"  {decode(line.encode()) or line}" for line in log_file.tail(path, since=since))
    return f"the service ended {how} before it was ready. See {path}\n{printable_lines(words)}".rstrip()


def _service() -> psutil.Process:
    process = processes.of_the_service()
    if process is None:
        raise Unhealthy(
            "a process holds the service's lock, but can't be told from a stranger, so it isn't sent a signal. "
            "Find it with `ps`, look for c2o.proxy, and end it by hand."
        )
    return process
