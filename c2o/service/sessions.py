"""Which clients hang on the service: a person should know before it stops."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil

from c2o import paths
from c2o.printable import printable
from c2o.service import processes


class Session(NamedTuple):
    """A process that finds its model through c2o."""

    pid: int
    name: str
    folder: str | None
    """Where it works; None if the system doesn't tell."""

    def __str__(self) -> str:
        """``claude (pid 4242, in /home/me/project)``"""
        return f"{self.name} (pid {self.pid}{f', in {self.folder}' if self.folder else ''})"


def attached(port: int, files: Collection[Path]) -> list[Session]:
    """Each running Claude Code that its environment leads to ``port`` or one of these settings files to c2o, and
    whatever else is connected to it.  Of a client and what it has started, the client alone is named.
    """
    connected = _connected(port)
    found = {
        process.pid: process
        for process in psutil.process_iter()
        if process.pid in connected or _is_led_here(process, port, files)
    }
    return [_session(process) for process in found.values() if not _ancestors(process) & found.keys()]


def _connected(port: int) -> set[int]:
    here = ("127.0.0.1", "::1")
    pairs = [(pid, each.raddr) for pid, each in processes.connections() if each.status == psutil.CONN_ESTABLISHED]
    return {pid for pid, there in pairs if pid and there and there.ip in here and there.port == port}


def _is_led_here(process: psutil.Process, port: int, files: Collection[Path]) -> bool:
    try:
        if not _is_claude(process):
            return False
        environ = process.environ()
        return _leads_to(environ, port) or bool(_settings(process, environ) & set(files))
    except (psutil.Error, OSError):
        return False


def _leads_to(environ: dict[str, str], port: int) -> bool:
    try:
        return urlsplit(environ.get("ANTHROPIC_BASE_URL", "")).port == port
    except ValueError:
        return False


def _is_claude(process: psutil.Process) -> bool:
    """Claude Code is a program of its own, or a script of Node.js."""
    program, script = [*process.cmdline(), "", ""][:2]
    return Path(program).stem == "claude" or (
        Path(program).stem == "node" and (Path(script).stem == "claude" or "claude-code" in script)
    )


def _settings(process: psutil.Process, environ: dict[str, str]) -> set[Path]:
    """The settings files that it reads, links followed."""
    folder = environ.get("CLAUDE_CONFIG_DIR") or f"{environ.get('HOME', '')}/.claude"
    local = paths.claude_local_settings_file(Path(process.cwd()))
    return {paths.real(path) for path in (Path(folder) / "settings.json", local)}


def _ancestors(process: psutil.Process) -> set[int]:
    try:
        return {parent.pid for parent in process.parents()}
    except psutil.Error:
        return set()


def _session(process: psutil.Process) -> Session:
    try:
        name = "claude" if _is_claude(process) else process.name()
        return Session(process.pid, printable(name), printable(process.cwd()))
    except (psutil.Error, OSError):
        return Session(process.pid, "a process", None)
