"""The service as a launchd LaunchAgent of macOS.

``man launchd.plist`` and ``man launchctl`` describe the keys and commands.  launchd doesn't know when a
service is ready, so the service's own state file is asked.
"""

from __future__ import annotations

import os
import plistlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from c2o import instance, log_file, paths
from c2o.errors import C2oError, Unhealthy, UsageError
from c2o.printable import printable
from c2o.service import tools, unit_files
from c2o.service.handshake import as_raised
from c2o.service.manager import FIXED_PORT, Program, ServiceSpec

LABEL = "c2o"

GONE_WITHIN = 45.0
"""Seconds in which a label disappears after ``bootout``: as long as the service may drain."""

TRIES = 5

POLL = 0.1

BUSY = (5, 37)
"""Exit codes of ``bootstrap`` while the label is still there from before: gone a moment later."""

NO_SESSION = (112, 125)
"""Exit codes of ``bootstrap`` where ``gui/UID`` isn't, over SSH for one."""

ERRORS = {
    3: "launchd doesn't know the service. Install it again: c2o service install",
    5: "launchd still has the service of before, or can't read {plist}. Try again in a minute; "
    "if that doesn't help: launchctl bootout {domain}/c2o",
    37: "launchd is busy with the service. Try again in a minute.",
    112: "nobody is logged in at this Mac's screen. Log in there, or run the service in a terminal: c2o serve",
    113: "launchd doesn't know the service. Install it again: c2o service install",
    119: "the service is switched off. Switch it on: launchctl enable {domain}/c2o",
    125: "launchd doesn't run services in this session, or this one was switched off under System Settings > General > "
    "Login Items & Extensions. Allow it there, or log in at the screen.",
}
"""Exit codes of launchctl (``launchctl error CODE`` tells their names) → what they mean here."""


class Launchd:
    needs = "macOS"

    def available(self) -> bool:
        return sys.platform == "darwin" and shutil.which("launchctl") is not None

    def files(self, program: Program) -> dict[Path, str]:
        return {_plist(): render(program)}

    def install(self, program: Program) -> None:
        if unit_files.put(self.files(program)):
            _boot_out()  # the next start loads the new one

    def uninstall(self) -> None:
        _boot_out()
        unit_files.take_away(_plist())

    def environ(self) -> Mapping[str, str]:
        return {}

    def details(self) -> Mapping[str, str]:
        """How launchd sees the service."""
        wanted = ("state", "pid", "runs", "last exit code", "path")
        said = _launchctl("print", _target()).stdout
        found = re.findall(r"^\t([a-z ]+) = (.+)$", said, re.MULTILINE)
        return {name: value for name, value in found if name in wanted}

    def start(self, spec: ServiceSpec) -> None:
        if spec.port is not None:
            raise UsageError(FIXED_PORT)
        since = _size(paths.log_file())
        if not _loaded():
            _boot_in()
        _check(_launchctl("kickstart", _target()))
        _wait_until_ready(time.monotonic() + spec.wait, spec.wait, since)

    def stop(self) -> None:
        _check(_launchctl("kill", "SIGTERM", _target()))

    def rest(self) -> None:
        """Nothing: launchd listens nowhere for us."""

    def replace(self) -> bool:
        return False

    def kill(self) -> None:
        _check(_launchctl("kill", "SIGKILL", _target()))


def render(program: Program) -> str:
    """``Background`` would be throttled in the middle of a stream, so the process type is ``Interactive``."""
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(program.command),
            "EnvironmentVariables": dict(program.variables),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 10,
            "ExitTimeOut": 40,
            "ProcessType": "Interactive",
            "LimitLoadToSessionType": ["Aqua", "Background", "LoginWindow", "StandardIO"],
            "Umask": 0o077,
            "StandardOutPath": str(program.log),
            "StandardErrorPath": str(program.log),
        },
        sort_keys=False,
    ).decode()


def _plist() -> Path:
    return Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"


def domain() -> str:
    """The session at the screen; a user's background where there is none (over SSH)."""
    gui = f"gui/{os.getuid()}"
    return gui if _launchctl("print", gui).returncode == 0 else f"user/{os.getuid()}"


def _target() -> str:
    """``gui/501/c2o``, or wherever the service is loaded."""
    places = (f"gui/{os.getuid()}/{LABEL}", f"user/{os.getuid()}/{LABEL}")
    return next((place for place in places if _launchctl("print", place).returncode == 0), f"{domain()}/{LABEL}")


def _loaded() -> bool:
    return _launchctl("print", _target()).returncode == 0


def _boot_in() -> None:
    """Load the service, which starts it.  A label that is still being unloaded makes launchd refuse for a while."""
    for _ in range(TRIES):
        done = _launchctl("bootstrap", domain(), str(_plist()))
        if done.returncode in NO_SESSION:
            done = _launchctl("bootstrap", f"user/{os.getuid()}", str(_plist()))
        if done.returncode not in BUSY:
            break
        _boot_out()
        time.sleep(POLL)
    _check(done)


def _boot_out() -> None:
    """Unload the service, and wait until launchd has forgotten it: ``bootout`` returns before that."""
    if not _loaded():
        return
    _launchctl("bootout", _target())
    deadline = time.monotonic() + GONE_WITHIN
    while _loaded():
        if time.monotonic() >= deadline:
            raise Unhealthy(f"launchd doesn't let go of the service. Look at: launchctl print {_target()}")
        time.sleep(POLL)


def _wait_until_ready(deadline: float, wait: float, since: int) -> None:
    while not (instance.running() and instance.read()):
        if code := _last_exit():
            raise as_raised(code, _last_words(since))
        if time.monotonic() >= deadline:
            raise Unhealthy(f"the service isn't ready after {wait:.0f} s. See {paths.log_file()}")
        time.sleep(POLL)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _last_exit() -> int:
    """With which exit code the service ended; 0 while it runs, and before it has."""
    said = _launchctl("print", _target()).stdout
    ended = re.search(r"^\s*last exit code = (\d+)", said, re.MULTILINE)
    return int(ended[1]) if ended and not re.search(r"^\s*state = running", said, re.MULTILINE) else 0


def _last_words(since: int) -> str:
    """The service's own sentence, which it writes last."""
    words = [line for line in log_file.tail(paths.log_file(), since=since) if line.startswith("c2o: ")]
    return printable(words[-1].removeprefix("c2o: ")) if words else f"the service ended at once. See {paths.log_file()}"


def _check(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        known = ERRORS.get(done.returncode, "Look for it with: launchctl error {code}")
        meaning = known.format(plist=_plist(), domain=domain(), code=done.returncode)
        said = printable(done.stderr.strip().partition("\n")[0]) or f"exit code {done.returncode}"
        raise C2oError(f"launchctl {done.args[1]}: {said.rstrip('.')}. In other words: {meaning}")


def _launchctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return tools.run("launchctl", *arguments)
