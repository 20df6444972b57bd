"""The process around the service: its configuration, its lock, its socket, its event loop."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime

import c2o
from c2o import instance, key_file, paths
from c2o.config import Config, load
from c2o.errors import C2oError
from c2o.instance import SYSTEMS_OWN, Instance, Lock
from c2o.proxy import handover, sockets
from c2o.proxy.handover import Predecessor

if sys.platform != "win32":
    import resource


LOCK_PATIENCE = 1.0
"""Seconds for the lock: whoever looks whether it is held, holds it himself for a moment."""

TURN = 0.001
"""Seconds after which a thread at work on something large lets the event loop have the interpreter; usual is 0.005,
which each of the loop's events would wait (https://docs.python.org/3/library/sys.html#sys.setswitchinterval)."""

MANAGER_VARIABLE = "C2O_MANAGER"
"""How a service manager tells the service its name, for the state file."""

Ready = Callable[[Instance], None]


def run(port: int | None, ready: Ready, listen_fd: int | None = None, *, take_over: bool = False) -> None:
    """Serve until a signal; ``ready`` is told when requests are answered.  Raises C2oError if that can't be.

    ``port`` is used instead of the configuration's; ``listen_fd`` is a listening socket that we have inherited;
    with ``take_over`` the running service gives us its own.
    """
    _confine()
    sys.setswitchinterval(TURN)
    own = dict(os.environ)
    key_file.into(os.environ)
    config = load(paths.config_file())
    with Lock(instance.lock_file()) as lock:
        if take_over:
            before = handover.predecessor()
            lock.adopt(before.lock)
            sock = sockets.taken_over(before.sock, config.server, port)
        else:
            before = None
            _acquire(lock)
            sock = sockets.listening(config.server, port, listen_fd)
        with closing(sock):
            _run(own, sock, lock, before, ready)


def _acquire(lock: Lock) -> None:
    if not lock.acquire(LOCK_PATIENCE):
        raise C2oError(_already_running())
    instance.remove()  # left behind by a service that was killed


def _confine() -> None:
    """Files for the owner only, and no memory image with keys in it if we crash."""
    os.umask(0o077)
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _already_running() -> str:
    there = instance.read()
    where = f" (pid {there.pid}, {there.url})" if there else ""
    return f"the service already runs{where}. Use it as it is, or end it first: c2o stop"


def _run(environ: Mapping[str, str], sock: socket.socket, lock: Lock, before: Predecessor | None, ready: Ready) -> None:
    """``environ`` is our own, without the key file's variables: those may change."""
    from c2o.proxy import log as service_log  # noqa: PLC0415 - aiohttp is slow to load:
    from c2o.proxy.app import create_app  # noqa: PLC0415 - what can fail before it, fails first
    from c2o.proxy.life import Life  # noqa: PLC0415
    from c2o.proxy.reload import Reloader, Source  # noqa: PLC0415
    from c2o.proxy.state import STATE  # noqa: PLC0415

    source = Source(paths.config_file(), environ)
    reading = source.read(useless=_manager() in SYSTEMS_OWN)
    app = create_app(reading.good, folder=paths.state_dir())
    state = app[STATE]
    state.log = service_log.to_file_and_stderr(state.redacted, paths.log_file())
    myself = _describe(reading.good.config, sock)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(Life(app, sock, lock, myself, Reloader(state, source, reading)).lived(before, ready))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is one; its absence costs speed only."""
    try:
        import uvloop  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    return uvloop.new_event_loop


def _describe(config: Config, sock: socket.socket) -> Instance:
    host, port = sock.getsockname()[:2]
    return Instance(
        pid=os.getpid(),
        host=host,
        port=port,
        version=c2o.__version__,
        started_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        config_digest=config.digest,
        config_path=str(config.path),
        manager=_manager(),
    )


def _manager() -> str:
    return os.environ.get(MANAGER_VARIABLE, "foreground")
