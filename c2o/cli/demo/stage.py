"""The demo's stage: a scratch home, the embedded upstream and a service on it, as real processes.

Whatever ends the demo, Ctrl-C included, ends the processes and removes the folder.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from c2o import config
from c2o.cli.signals import handled
from c2o.errors import C2oError, Cancelled, Unhealthy
from c2o.service.detached import environment
from c2o.service.handshake import as_raised, ready_line

MODEL = "c2o-demo"
"""The embedded upstream's model.  Known here by name, because the command line can't load the server."""

LIMITS = {"context_window": 200_000, "max_output_tokens": 8192}
"""A script has none, but Claude Code warns where it isn't told any."""

READY_WAIT = 20.0
END_WAIT = 5.0
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Stage:
    """Where the players stand."""

    host: str
    port: int
    """The service's."""
    token: str
    version: str
    upstream: str
    """The embedded upstream's address, without a path."""
    home: Path
    """The scratch folder; the service's ``C2O_HOME`` is ``c2o`` in it."""
    variables: Mapping[str, str]
    """The environment in which ``c2o`` commands find this service."""

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def log(self) -> str:
        """The last words of the service."""
        return _tail(self.home / "c2o.proxy.log")


@contextmanager
def stage(pace: float) -> Iterator[Stage]:
    """Everything set up, until the block ends.  ``pace`` is the upstream's pause between words, in seconds.

    Raises Unhealthy if a process isn't ready in time, Cancelled inside the block at a signal.
    """
    with ExitStack() as cleanup:
        cleanup.enter_context(handled(dict.fromkeys(ENDING, _cancel)))
        folder = tempfile.TemporaryDirectory(prefix="c2o-demo-")
        home = Path(cleanup.enter_context(folder)).resolve()
        variables = {**environment(frozenset(), manager="demo"), "C2O_HOME": str(home / "c2o")}
        variables.pop("C2O_CONFIG", None)
        upstream = cleanup.enter_context(_process("c2o.demo", "--pace", str(pace), home=home, variables=variables))
        address = f"http://{upstream['host']}:{upstream['port']}"
        token = _configure(home / "c2o", address)
        service = cleanup.enter_context(_process("c2o.proxy", home=home, variables=variables))
        cleanup.callback(_ignore_signals)
        yield Stage(service["host"], service["port"], token, service["version"], address, home, variables)


def _configure(folder: Path, upstream: str) -> str:
    """Write a configuration; returns its token."""
    token = f"c2o-demo-{secrets.token_urlsafe(16)}"
    text = config.render(
        token=token,
        upstreams={"demo": {"base_url": f"{upstream}/v1"}},
        models={"default": f"demo/{MODEL}"},
        limits={f"demo/{MODEL}": LIMITS},
        port=0,
    )
    folder.mkdir(mode=0o700)
    path = folder / "config.toml"
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return token


@contextmanager
def _process(module: str, *arguments: str, home: Path, variables: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """``python -m module`` on a free port, and what it says when it is ready."""
    log = home / f"{module}.log"
    reader, writer = os.pipe()
    command = [sys.executable, "-P", "-m", module, "--port", "0", "--ready-fd", str(writer), *arguments]
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=home, env=dict(variables), pass_fds=(writer,)
        )
    os.close(writer)
    try:
        yield _ready(module, ready_line(reader, READY_WAIT), log)
    finally:
        _end(process)


def _ready(module: str, line: bytes | None, log: Path) -> dict[str, Any]:
    if not line:
        raise Unhealthy(f"{module} did not get ready. Run it by hand to see why. It said: {_tail(log)}")
    said: dict[str, Any] = json.loads(line)
    if not said["ok"]:
        raise as_raised(said["exit_code"], said["error"])
    return said


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_WAIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _cancel(_number: int, _frame: FrameType | None) -> NoReturn:
    """Signals that would end this process do this, so that everything is cleared away."""
    raise Cancelled("the demo was ended early; nothing of it is left. Run it again: c2o demo")


def _ignore_signals() -> None:
    """Nothing may interrupt the clearing away."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def run_claude(there: Stage, binary: str, arguments: list[str]) -> int:
    """Claude Code on this stage, in a scratch home and folder of its own.  Returns its exit code."""
    home, project = there.home / "home", there.home / "project"
    for folder in (home, project):
        folder.mkdir()
    accepted = {"hasCompletedOnboarding": True, "projects": {str(project): {"hasTrustDialogAccepted": True}}}
    (home / ".claude.json").write_text(json.dumps(accepted), encoding="utf-8")
    command = [sys.executable, "-P", "-m", "c2o", "run", binary, *arguments]
    variables = {**there.variables, "HOME": str(home), "DISABLE_AUTOUPDATER": "1"}
    variables.pop("CLAUDE_CONFIG_DIR", None)
    process = subprocess.Popen(command, cwd=project, env=variables)  # noqa: S603 - what the person asked for
    try:
        exit_code = process.wait()
    finally:
        _end(process)
    if exit_code < 0:
        raise C2oError(f"Claude Code was ended by signal {-exit_code}. Run it again: c2o demo claude")
    return exit_code
