"""``c2o serve``: the service in the foreground, for a terminal, a container or a process manager of one's own."""

from __future__ import annotations

import os
import subprocess
import sys

from c2o import config, instance, paths
from c2o.cli.output import JsonOption
from c2o.cli.start import PortOption
from c2o.errors import C2oError
from c2o.service import lifecycle
from c2o.service.detached import environment


def serve(port: PortOption = None, as_json: JsonOption = False) -> None:
    """Run the service in the foreground, until Ctrl-C.

    With --json, one JSON line tells when it is ready.
    """
    loaded = config.load(paths.config_file())
    lifecycle.check_keys(loaded)
    if instance.running():
        raise C2oError("the service already runs; see c2o status. To have it here instead, first: c2o stop")
    lifecycle.check_port(loaded, port)
    _become(_command(port, as_json), environment(lifecycle.key_variables(loaded), manager="foreground"))


def _command(port: int | None, as_json: bool) -> list[str]:
    wanted = [] if port is None else ["--port", str(port)]
    return [sys.executable, "-P", "-m", "c2o.proxy", *wanted, *(["--ready-fd", "1"] if as_json else [])]


def _become(command: list[str], environment: dict[str, str]) -> None:
    """Where a process can't become another one (Windows), wait for it and pass its exit code on."""
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(command[0], command, environment)  # noqa: S606 - our own interpreter, without a shell
    sys.exit(subprocess.call(command, env=environment))  # noqa: S603 - our own interpreter
