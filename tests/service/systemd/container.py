"""A machine with systemd, made of this one: its own file system under an overlay, booted by systemd-nspawn.

It takes a second, downloads nothing and leaves nothing: what is written in there is in memory.  It has a loopback of
its own, so that no port is in anybody's way.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.on_a_terminal import Terminal, program_on_a_terminal

USER = "c2otest"

BOOT = 60
"""Seconds; it takes one or two."""

ROOT = Path(__file__).parent.parent.parent.parent

NEEDED = (ROOT, Path(sys.prefix), Path(sys.base_prefix))
"""The code and its Python; what isn't on the root file system isn't in the overlay."""

CGROUPS = Path("/sys/fs/cgroup")

MASKED = ("nginx", "postgresql", "cron", "e2scrub_reap", "networking", "ssh", "docker", "containerd", "exim4")
"""Services of this machine that have no business in a test."""


class CannotBoot(Exception):
    """Says what this machine is missing."""


@dataclass
class Result:
    exit_code: int
    out: str
    err: str


@dataclass
class Container:
    """A booted machine; ``root`` is its file system."""

    root: Path
    log: Path
    cgroups: list[Path]
    before: set[str] = field(default_factory=set)
    """The user's files before the tests, for who wants to compare."""
    process: subprocess.Popen[bytes] = field(init=False)

    def boot(self) -> None:
        command = [
            *("systemd-nspawn", "--quiet", "--directory", str(self.root), "--boot", "--console=pipe"),
            *("--private-network", "--register=no", "--keep-unit", "--link-journal=no"),
            *(f"--bind-ro={place}" for place in NEEDED if place.stat().st_dev != Path("/").stat().st_dev),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_TMPFS_TMP": "0"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=self._into_cgroups,  # noqa: PLW1509 - no thread runs yet
            )
        until(lambda: self("systemctl is-system-running").out.strip() in ("running", "degraded"), BOOT)

    def _into_cgroups(self) -> None:
        for group in self.cgroups:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    def __call__(self, line: str, *, stdin: str = "", timeout: float = 90) -> Result:
        """Run a shell's line as root."""
        first = self._first()
        if first is None:
            return Result(1, "", "not booted")
        done = subprocess.run(
            ["nsenter", "-t", first, "-a", "sh", "-c", line],
            input=stdin, capture_output=True, text=True, timeout=timeout, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )  # fmt: skip
        return Result(done.returncode, done.stdout, done.stderr)

    def _first(self) -> str | None:
        """The process that is number 1 in there: the only child of nspawn."""
        assert self.process.poll() is None, f"the container ended: {self.log.read_text()[-2000:]}"
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return children[0] if children else None

    def login(self, line: str, **more: Any) -> Result:
        """Run a shell's line in a new login of the user's."""
        return self(f"su -l {USER} -c {shlex.quote(line)}", **more)

    @contextmanager
    def on_a_terminal(self, line: str, *, user: str = USER) -> Iterator[Terminal]:
        """A shell's line in a new login, on a terminal that is the container's own, with a person at the keys."""
        first = self._first()
        assert first
        command = ["nsenter", "-t", first, "-a", "su", "--pty", "-l", user, "-c", line]
        with program_on_a_terminal(command, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, Path("/")) as terminal:
            yield terminal

    def c2o(self, arguments: str, *, variables: str = "") -> Result:
        """``c2o ARGUMENTS`` in a new login, with the Python that runs these tests."""
        return self.login(f"{variables} {sys.executable} -m c2o {arguments}")

    def python(self, script: str, *arguments: str) -> Result:
        """A script of this folder, as the user."""
        return self.login(shlex.join([sys.executable, str(Path(__file__).parent / script), *arguments]))

    def end(self, how: str) -> None:
        """``reboot`` or ``poweroff``; the first lets it be booted again."""
        self(f"systemctl {how}")
        self.process.wait(BOOT)

    def kill(self) -> None:
        self.end("poweroff --force --force")


@contextmanager
def booted(scratch: Path) -> Iterator[Container]:
    """Raises CannotBoot where this machine can't."""
    check()
    with ExitStack() as after:
        memory = _made(scratch / "memory", after)
        _run("mount", "-t", "tmpfs", "-o", "size=512M", "c2o-test", str(memory))
        after.callback(_unmount, memory)
        upper, work, root = (_made(memory / name) for name in ("upper", "work", "root"))
        _run(*("mount", "-t", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", "c2o-test", str(root)))
        after.callback(_unmount, root)
        _prepare(root)
        groups = [_made(CGROUPS / name / f"c2o-test-{os.getpid()}", after) for name in _hierarchies()]
        container = Container(root, scratch / "console.log", groups)
        container.boot()
        after.callback(lambda: container.process.poll() is None and container.kill())
        yield container


def check() -> None:
    for true, missing in (
        (sys.platform == "linux", "this isn't Linux"),
        (hasattr(os, "geteuid") and os.geteuid() == 0, "only root can boot a container"),
        (shutil.which("systemd-nspawn"), "systemd-nspawn is missing: install systemd-container"),
        (Path("/lib/systemd/systemd").exists(), "this machine has no systemd"),
        (_hierarchies(), "there is no cgroup of version 2"),
    ):
        if not true:
            raise CannotBoot(missing)


def _hierarchies() -> list[str]:
    """Where we need a cgroup of our own: version 2, and systemd's own of version 1 where both are there."""
    if (CGROUPS / "cgroup.controllers").exists():
        return ["."]
    return [name for name in ("unified", "systemd") if (CGROUPS / name / "cgroup.procs").exists()]


def _made(path: Path, after: ExitStack | None = None) -> Path:
    path.mkdir()
    if after:
        after.callback(_gone, path)
    return path


def _gone(path: Path) -> None:
    """A cgroup has its own beneath it, which go first, as soon as their processes have ended."""
    until(lambda: not path.exists() or _removed(path))


def _removed(path: Path) -> bool:
    try:
        for folder, _, _ in os.walk(path, topdown=False):
            Path(folder).rmdir()
    except OSError:
        return False
    return True


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise CannotBoot(f"{' '.join(command)}: {done.stderr.strip()}")


def _unmount(path: Path) -> None:
    if path.is_mount():
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def _prepare(root: Path) -> None:
    """A user who may read the code and its Python, a machine-id of its own, and nothing of this machine's services."""
    (root / "etc/machine-id").write_text("")
    (root / "etc/fstab").write_text("")
    (root / "etc/tmpfiles.d").mkdir(exist_ok=True)
    (root / "etc/tmpfiles.d/tmp.conf").write_text("")  # or what is in /tmp, the code maybe, is gone at boot
    for name in MASKED:
        link = root / f"etc/systemd/system/{name}.service"
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    _run("chroot", str(root), "useradd", "--create-home", "--shell", "/bin/sh", USER)
    for place in NEEDED:
        for folder in (place, *place.parents):
            inside = root / folder.relative_to("/")
            if inside.exists():
                inside.chmod(inside.stat().st_mode | 0o555)


def until(true: Callable[[], Any], seconds: float = 30) -> Any:
    """What ``true`` returns, once that is true."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.1)
    return value
