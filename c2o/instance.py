"""One service for each home: the lock that says whether it runs, and the file that says where.

The lock is the truth.  It is held by the running service and freed by the system however the service
ends, so that a file left behind by a crash means nothing.  The state file is what the service wrote
about itself; its pid is for people and must not be signalled before ``service.processes`` has found that
it is really the service's: pids are used again.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from c2o import paths, private_file
from c2o.errors import C2oError
from c2o.secret import Secret

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

DRAIN_LIMIT = 30.0
"""Seconds that running requests get to finish after the service was told to end."""

WITHOUT_SIGNALS = sys.platform == "win32"
"""Does a process without a console get no signals?  It is asked to end by a file, then."""

SYSTEMS_OWN = ("systemd", "launchd")
"""Managers that start the service by themselves, and have its successors from themselves."""

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)  # a planted link must not lead us to another file; absent on Windows


class Instance(NamedTuple):
    """A service, as it wrote itself into the state file."""

    pid: int
    host: str
    port: int
    version: str
    started_at: str
    """RFC 3339."""
    config_digest: str
    config_path: str
    manager: str
    """Who started it: a name of ``service.MANAGERS``, or ``foreground``."""
    draining: int | None = None
    """While it ends: the number of requests that it still waits for."""
    handover: bool = False
    """It gives its socket and its lock to a successor that asks for them; older versions don't."""

    @property
    def address(self) -> tuple[str, int]:
        """Where a program of this machine reaches it."""
        return _LOOPBACK_FOR.get(self.host, self.host), self.port

    @property
    def url(self) -> str:
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


_LOOPBACK_FOR = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, never bound


def lock_file() -> Path:
    """Locked by the running service."""
    return paths.state_dir() / "service.lock"


def state_file() -> Path:
    """Written by the running service."""
    return paths.state_dir() / "service.json"


def token_file() -> Path:
    """The token that the running service wants.  The configuration may have another by now, or be unreadable."""
    return paths.state_dir() / "service.token"


def end_file() -> Path:
    """Asks the running service to end, where WITHOUT_SIGNALS."""
    return paths.state_dir() / "service.end"


def running() -> bool:
    """Does a service of this home run?"""
    return held(lock_file())


def read() -> Instance | None:
    """What the state file says; None if there is none, or none that can be understood."""
    try:
        said: dict[str, Any] = json.loads(state_file().read_bytes())
        instance = Instance(**{name: said[name] for name in Instance._fields if name in said})
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return instance if _is_sound(instance) else None


def _is_sound(instance: Instance) -> bool:
    """Is everything of its kind?  A person, or a version to come, may have written it."""
    kinds = {"pid": int, "port": int, "draining": int | None, "handover": bool}
    values = instance._asdict().items()
    sound = all(isinstance(value, kinds.get(name, str)) for name, value in values)
    return sound and instance.pid > 0 and 0 < instance.port < 65536


def write(instance: Instance) -> None:
    """Put the state file in place, whole and readable by its owner only.  Raises C2oError if that can't be done."""
    path = state_file()
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(instance._asdict(), file)
        beside.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from None


def write_token(token: Secret) -> None:
    """For the commands that ask the service.  Raises C2oError if that can't be done."""
    private_file.write(token_file(), token.reveal())


def read_token() -> Secret | None:
    try:
        return Secret(token_file().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None


def remove() -> None:
    """Take the state file away, and what goes with it; for the holder of the lock."""
    for path in (state_file(), token_file(), end_file()):
        with suppress(OSError):
            path.unlink()


class Lock:
    """An exclusive lock on a file, made if need be.  A context that frees it at its end.

    The file stays when the lock is freed: removing it would let two processes lock two files of one name.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, patience: float = 0.0) -> bool:
        """Take it, trying for ``patience`` seconds.  Raises C2oError if the file can't be opened."""
        deadline = time.monotonic() + patience
        descriptor = _open(self._path)
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return False
            time.sleep(0.02)
        self._descriptor = descriptor
        return True

    def adopt(self, descriptor: int) -> None:
        """Share the lock of the process that has given us this descriptor of its file.

        It is free when both have let it go.  Raises C2oError if it is another file's.
        """
        if not os.path.samestat(os.fstat(descriptor), self._path.stat()):
            os.close(descriptor)
            raise C2oError(f"the service that hands over has another lock than {self._path}. End it first: c2o stop")
        os.set_inheritable(descriptor, False)
        self._descriptor = descriptor

    @property
    def descriptor(self) -> int:
        """Of the file, while it is locked by us; for ``adopt``."""
        assert self._descriptor is not None
        return self._descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def held(path: Path) -> bool:
    """Is the file locked?  Looks without making it, and without disturbing others who look."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        paths.private_dir(path.parent)
        return os.open(path, os.O_RDWR | os.O_CREAT | _NO_FOLLOW, 0o600)
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> C2oError:
    return C2oError(
        f"{path} can't be written: {error.strerror}. c2o keeps its lock and state there; "
        "make the folder writable, or set C2O_HOME to one that is."
    )


if sys.platform == "win32":

    def _try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """Windows locks bytes, for one process alone; the first byte stands for the file."""
        del shared
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """``flock`` belongs to the open file, so it isn't lost when another part of us closes the same file."""
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
