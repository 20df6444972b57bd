"""How many clients are at work through c2o, as ``c2o.service.sessions`` counts them, from Linux's ``/proc``.

https://www.kernel.org/doc/html/latest/filesystems/proc.html
"""

from __future__ import annotations

import os
import sys

from c2o.prompt.home import Unsure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ESTABLISHED = "01"

LOOPBACK = {"tcp": "0100007F", "tcp6": "00000000000000000000000001000000"}
"""127.0.0.1 and ::1, as the tables of connections write them."""

ONLY_IN = {"127.0.0.1": ("tcp",), "0.0.0.0": ("tcp",), "::1": ("tcp6",)}  # noqa: S104 - looked up, never bound
"""Where the service listens → the tables that connections to it can be in; elsewhere both."""


def attached(host: str, port: int, files: set[str], *, alone: bool) -> int:
    """Of a client and what it has started, the client alone is counted.  Raises Unsure.

    If we are ``alone``, the service has no connection but ours.  Linux's table of them can take longer than the rest.
    """
    if sys.platform != "linux" or sys.byteorder != "little":
        raise Unsure
    pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    connected = set() if alone else set(_connected(pids, host, port))
    found = connected | {pid for pid in pids if _is_led_here(pid, port, files)}
    return sum(not any(each in found for each in _ancestors(pid)) for pid in found)


def _connected(pids: list[int], host: str, port: int) -> Iterator[int]:
    """Of several that share a connection, the one that came last."""
    wanted = {f"socket:[{inode}]" for inode in _inodes(host, port)}
    for pid in reversed(pids):
        if not wanted:
            return
        if held := wanted & set(_open(pid)):
            wanted -= held
            yield pid


def _inodes(host: str, port: int) -> Iterator[str]:
    """The near ends of connections whose far end is the service."""
    for table in ONLY_IN.get(host, LOOPBACK):
        there = f"{LOOPBACK[table]}:{port:04X}"
        for line in _text(f"/proc/net/{table}").splitlines()[1:]:
            columns = line.split()
            if columns[2] == there and columns[3] == ESTABLISHED:
                yield columns[9]


def _open(pid: int) -> Iterator[str]:
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                yield os.readlink(f"/proc/{pid}/fd/{name}")
            except OSError:
                continue
    except OSError:
        return


def _is_led_here(pid: int, port: int, files: set[str]) -> bool:
    if not _is_claude(_text(f"/proc/{pid}/cmdline")):
        return False
    try:
        environ = _environ(pid)
        return _leads_to(environ.get("ANTHROPIC_BASE_URL", ""), port) or bool(_settings(pid, environ) & files)
    except OSError:
        return False


def _is_claude(command: str) -> bool:
    """Claude Code is a program of its own, or a script of Node.js."""
    program, script = [*command.split("\0"), "", ""][:2]
    return _stem(program) == "claude" or (
        _stem(program) == "node" and (_stem(script) == "claude" or "claude-code" in script)
    )


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def _environ(pid: int) -> dict[str, str]:
    with open(f"/proc/{pid}/environ", "rb") as file:
        entries = (os.fsdecode(entry).partition("=") for entry in file.read().split(b"\0"))
    return {name: value for name, _, value in entries}


def _leads_to(url: str, port: int) -> bool:
    if url.rstrip("/") in (f"http://127.0.0.1:{port}", f"http://localhost:{port}", f"http://[::1]:{port}"):
        return True
    if f":{port}" in url:
        raise Unsure  # it may be written in another way
    return False


def _settings(pid: int, environ: dict[str, str]) -> set[str]:
    """The settings files that it reads, links followed."""
    folder = environ.get("CLAUDE_CONFIG_DIR") or f"{environ.get('HOME', '')}/.claude"
    local = f"{os.readlink(f'/proc/{pid}/cwd')}/.claude/settings.local.json"
    return {os.path.realpath(path) for path in (f"{folder}/settings.json", local)}


def _ancestors(pid: int) -> Iterator[int]:
    while pid := _parent(pid):
        yield pid


def _parent(pid: int) -> int:
    """0 for the first process, and for one that is gone."""
    rest = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(rest[1]) if rest else 0


def _text(path: str) -> str:
    """Empty for a process that is gone, or none of ours."""
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.read())
    except OSError:
        return ""
