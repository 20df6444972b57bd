"""The service as a systemd user unit, with a socket unit before it.

systemd listens, so nobody is refused while the service restarts, and the first request starts it.  The unit and
the environment of a user's manager are described in
https://www.freedesktop.org/software/systemd/man/systemd.exec.html and its neighbours.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from c2o import paths
from c2o.errors import C2oError, PortTaken, UsageError
from c2o.service import linger, tools, unit_files
from c2o.service.handshake import as_raised
from c2o.service.manager import FIXED_PORT, Program, ServiceSpec

NAME = "systemd"

SERVICE, SOCKET = "c2o.service", "c2o.socket"

FINAL = (2, 4, 78)
"""Exit codes of the service that another try can't mend: wrong use, a missing key, a wrong configuration."""

HARDENING = """\
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
KeyringMode=private
# From systemd 254 on, these hold in a user's service, too; before, they are ignored.
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={writes}
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
DevicePolicy=closed
"""
"""The first group is enforced by the kernel for any user's process.  CapabilityBoundingSet=, PrivateDevices= and
DynamicUser= aren't here: a user's manager has no privileges, so a unit with them doesn't start.  Nor is PrivateUsers=,
which some systems forbid.  (https://github.com/systemd/systemd/issues/25014)"""

NO_HARDENING = """\
# Not confined: a password manager gives a key, and such a program may need what a confined one can't have
# (a group's rights, or memory that is written and executed).
"""


class Systemd:
    needs = "a Linux with a systemd that runs services for users (`systemctl --user status` works there)"

    def available(self) -> bool:
        return bool(shutil.which("systemctl")) and _hindrance() is None

    def files(self, program: Program) -> dict[Path, str]:
        if not program.port:
            raise UsageError("systemd listens before the service runs, so it needs a port: set port under [server].")
        folder = _folder()
        return {
            folder / SOCKET: render_socket(program.host, program.port),
            folder / SERVICE: render_service(program),
        }

    def install(self, program: Program) -> None:
        unit_files.put(self.files(program))
        for folder in program.writes:  # one that isn't there when the service starts can't be made by it
            paths.private_dir(folder)
        _do("daemon-reload")
        _do("enable", "--quiet", SOCKET, SERVICE)

    def uninstall(self) -> None:
        folder = _folder()
        _systemctl("disable", "--quiet", SOCKET, SERVICE)
        unit_files.remove_empty(*(folder / f"{target}.wants" for target in ("default.target", "sockets.target")))
        unit_files.take_away(folder / SOCKET, folder / SERVICE)
        _systemctl("daemon-reload")
        _systemctl("reset-failed", SOCKET, SERVICE)

    def environ(self) -> Mapping[str, str]:
        return _variables()

    def details(self) -> Mapping[str, str]:
        """How systemd sees the service: enabled, active, why not, since when."""
        names = ("UnitFileState", "ActiveState", "SubState", "Result", "NRestarts", "DropInPaths")
        return {name: _property(name, SERVICE) for name in names}

    def start(self, spec: ServiceSpec) -> None:
        if spec.port is not None:
            raise UsageError(FIXED_PORT)
        _systemctl("reset-failed", SOCKET, SERVICE)  # or a service that has failed too often isn't started
        _listen()
        done = _systemctl("start", SERVICE, timeout=spec.wait)
        if done.returncode:
            raise _why_not(done.stderr)

    def stop(self) -> None:
        _do("stop", "--no-block", SOCKET, SERVICE)

    def rest(self) -> None:
        _systemctl("stop", SOCKET)

    def replace(self) -> bool:
        return _property("ActiveState", SOCKET) == "active" and _do("restart", "--no-block", SERVICE)

    def kill(self) -> None:
        _do("kill", "--signal=SIGKILL", SERVICE)


def away() -> str | None:
    """Why the systemd of this machine can't keep a service for us, and what to do; None if it can, or isn't there."""
    return _hindrance() if shutil.which("systemctl") and _BOOTED.exists() else None


def _hindrance() -> str | None:
    done = _systemctl("show-environment")
    if done.returncode:
        return (
            f"systemd runs here, but nothing of {linger.user()}'s: this isn't a login of its own. "
            f"To have it all the same: {linger.advice(enable=True)}"
        )
    home = _read(done.stdout).get("HOME")
    if home and paths.real(Path(home)) != paths.real(Path.home()):
        return (
            f"{linger.user()}'s systemd has {home} for its home, not {Path.home()}. Try again with: export HOME={home}"
        )
    return None


_BOOTED = Path("/run/systemd/system")
"""Is there where systemd has started the machine: ``man sd_booted``."""


def _variables() -> dict[str, str]:
    """Those of the user's manager."""
    return _read(_systemctl("show-environment").stdout)


def _read(said: str) -> dict[str, str]:
    """What ``show-environment`` prints: values that a shell would take for more are written as ``$'…'``."""
    lines = [line.partition("=") for line in said.splitlines() if "=" in line]
    return {name: _meant(value) for name, _, value in lines}


def _meant(value: str) -> str:
    quoted = value.startswith("$'") and value.endswith("'")
    return _ESCAPE.sub(_letter, value[2:-1]) if quoted else value


_ESCAPE = re.compile(r"\\([0-7]{3}|.)")

_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _letter(escape: re.Match[str]) -> str:
    said = escape[1]
    return chr(int(said, 8)) if said.isdigit() else _LETTERS.get(said, said)


def _listen() -> None:
    done = _systemctl("start", SOCKET)
    if done.returncode and _property("Result", SOCKET) == "resources":
        raise PortTaken("the port is taken by another program. Stop it, or set another port under [server].")
    if done.returncode:
        raise C2oError(
            f"systemd can't listen for the service: {done.stderr.strip()} See: systemctl --user status c2o.socket"
        )


def render_socket(host: str, port: int) -> str:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"""\
[Unit]
Description=Where c2o listens

[Socket]
ListenStream={address}
Backlog=1024
NoDelay=yes

[Install]
WantedBy=sockets.target
"""


def render_service(program: Program) -> str:
    command = " ".join(_quoted(word).replace("$", "$$") for word in program.command)
    writes = " ".join(_quoted(f"-{path}") for path in program.writes)
    variables = "\n".join(f"Environment={_quoted(f'{name}={value}')}" for name, value in program.variables.items())
    return f"""\
[Unit]
Description=c2o: Claude Code on any OpenAI-compatible model
Requires={SOCKET}
After={SOCKET}
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
{variables}
Restart=on-failure
RestartSec=1
RestartPreventExitStatus={" ".join(map(str, FINAL))}
WatchdogSec=30
TimeoutStartSec=60
# Running requests finish within 30 seconds.
TimeoutStopSec=40
KillMode=mixed
SyslogIdentifier=c2o
UMask=0077
LimitCORE=0
{NO_HARDENING if program.runs_commands else HARDENING.format(writes=writes)}
[Install]
WantedBy=default.target
"""


def _quoted(word: str) -> str:
    """As systemd reads it back: https://www.freedesktop.org/software/systemd/man/systemd.syntax.html#Quoting"""
    if word and all(character.isalnum() or character in "/._-:=@+," for character in word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _folder() -> Path:
    """Where the user's manager looks; what the shell has in XDG_CONFIG_HOME may have come after that has begun."""
    own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"
    looks = _looks_in() if shutil.which("systemctl") else []
    return own if own in looks or not looks else looks[0]


def _looks_in() -> list[Path]:
    """The folders of units, a person's own first; none if the manager can't be reached."""
    said = _systemctl("show", "--value", "--property=UnitPath").stdout
    return [Path(place) for place in shlex.split(said) if place.endswith("/systemd/user")]


def _property(name: str, unit: str) -> str:
    return _systemctl("show", "--value", f"--property={name}", unit).stdout.strip()


def _why_not(said: str) -> C2oError:
    """The service's own words and exit code; systemd's, if it had none."""
    words, code = _property("StatusText", SERVICE), _property("ExecMainStatus", SERVICE)
    if words and code.isdigit() and int(code):
        return as_raised(int(code), words)
    reason = said.strip().partition("\n")[0] or f"it is {_property('ActiveState', SERVICE)}"
    return C2oError(f"systemd can't start the service: {reason} See: journalctl --user -u c2o -n 20")


def _do(*arguments: str) -> bool:
    done = _systemctl(*arguments)
    if done.returncode:
        raise C2oError(
            f"systemctl --user {' '.join(arguments)}: {done.stderr.strip()} Look at: systemctl --user status c2o"
        )
    return True


def _systemctl(*arguments: str, timeout: float = tools.TIMEOUT) -> subprocess.CompletedProcess[str]:
    return tools.run("systemctl", "--user", *arguments, environ=with_user_bus(), timeout=timeout)


def with_user_bus() -> dict[str, str]:
    """The environment with the place of the user's manager; ``su``, ``sudo`` and cron don't tell, or tell another's."""
    told = os.environ.get("XDG_RUNTIME_DIR")
    place = told if told and _is_mine(told) else f"/run/user/{os.getuid()}"
    return {**os.environ, "XDG_RUNTIME_DIR": place, "LC_ALL": "C"}


def _is_mine(place: str) -> bool:
    try:
        return Path(place).stat().st_uid == os.getuid()
    except OSError:
        return False
