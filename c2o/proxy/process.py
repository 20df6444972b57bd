"""The process around the service: lock, socket, signals, drain.

The first SIGTERM or SIGINT ends it in peace: no new connections, running requests finish within
DRAIN_LIMIT, then exit code 0.  A second one ends it at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import c2o
from c2o import instance, key_file, paths
from c2o.config import Config, load
from c2o.errors import C2oError
from c2o.instance import DRAIN_LIMIT, Instance
from c2o.proxy import notify, sockets

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from aiohttp import web

    from c2o.proxy.state import State

log = logging.getLogger("c2o.proxy")

LOCK_PATIENCE = 1.0
"""Seconds for the lock: whoever looks whether it is held, holds it himself for a moment."""

KEEP_ALIVE = 75
"""Seconds that an idle connection stays; aiohttp's default of an hour lets silent ones pile up."""

LAST_WORDS = 2.0
"""Seconds for what still runs after the drain, when the application's ``on_shutdown`` has been sent.  aiohttp
waits twice as long: first for the handlers, then for those that it has cancelled."""

MANAGER_VARIABLE = "C2O_MANAGER"
"""How a service manager tells the service its name, for the state file."""

Ready = Callable[[Instance], None]


def run(port: int | None, ready: Ready, listen_fd: int | None = None) -> None:
    """Serve until a signal; ``ready`` is told when requests are answered.  Raises C2oError if that can't be.

    ``port`` is used instead of the configuration's; ``listen_fd`` is a listening socket that we have inherited.
    """
    _confine()
    key_file.into(os.environ)
    config = load(paths.config_file())
    with instance.Lock(instance.lock_file()) as lock:
        if not lock.acquire(LOCK_PATIENCE):
            raise C2oError(_already_running())
        instance.remove()  # left behind by a service that was killed
        with closing(sockets.listening(config.server, port, listen_fd)) as sock:
            _run(config, sock, ready)


def _confine() -> None:
    """Files for the owner only, and no memory image with keys in it if we crash."""
    os.umask(0o077)
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _already_running() -> str:
    there = instance.read()
    where = f" (pid {there.pid}, {there.url})" if there else ""
    return f"the service already runs{where}. Use it as it is, or end it first: c2o stop"


def _run(config: Config, sock: socket.socket, ready: Ready) -> None:
    from c2o.proxy import log as service_log  # noqa: PLC0415 - aiohttp is slow to load:
    from c2o.proxy.app import create_app  # noqa: PLC0415 - what can fail before it, fails first
    from c2o.proxy.state import STATE  # noqa: PLC0415

    app = create_app(config, folder=paths.state_dir())
    state = app[STATE]
    service_log.to_stderr(_redactor(config, state))
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(app, state, sock, _describe(config, sock), ready))


def _redactor(config: Config, state: State) -> Callable[[str], str]:
    token = config.server.auth_token.reveal()

    def redact(text: str) -> str:
        return state.upstreams.redacted(text).replace(token, "***")

    return redact


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
        manager=os.environ.get(MANAGER_VARIABLE, "foreground"),
    )


async def _serve(app: web.Application, state: State, sock: socket.socket, myself: Instance, ready: Ready) -> None:
    from aiohttp import web  # noqa: PLC0415 - loaded by now

    end = _end_signal()
    alive = asyncio.create_task(notify.be_alive())
    runner = web.AppRunner(
        app, handler_cancellation=True, keepalive_timeout=KEEP_ALIVE, shutdown_timeout=LAST_WORDS, access_log=None
    )
    await runner.setup()
    try:
        site = web.SockSite(runner, sock, backlog=sockets.BACKLOG)
        await site.start()
        instance.write(myself)
        log.info("c2o %s serves at %s (pid %d)", myself.version, myself.url, myself.pid)
        ready(myself)
        notify.ready(f"serves at {myself.url}")
        await end.wait()
        await site.stop()
        await _drain(runner, state, myself)
    finally:
        await runner.cleanup()
        instance.remove()
        alive.cancel()
    log.info("ended")


def _end_signal() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT.  A second one ends the process."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told(number: int) -> None:
        if end.is_set():
            instance.remove()
            os._exit(128 + number)
        end.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told, number)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        on_a_terminal = os.isatty(0)  # asked now: once it has hung up, it is none any more
        loop.add_signal_handler(signal.SIGHUP, end.set if on_a_terminal else _told_to_reload)
    return end


def _told_to_reload() -> None:
    """SIGHUP where no terminal has closed; people send it to make a service read its configuration again."""
    log.info("SIGHUP: changes to the configuration take effect with: c2o restart")


async def _drain(runner: web.AppRunner, state: State, myself: Instance) -> None:
    """Close idle connections, and let running requests finish.  The state file tells ``c2o stop`` of them."""
    assert runner.server is not None
    counters, told, deadline = state.journal.counters, None, time.monotonic() + DRAIN_LIMIT
    log.info("told to end; running requests: %d", counters.active)
    runner.server.pre_shutdown()
    done = asyncio.create_task(runner.server.shutdown(None))
    while not done.done() and time.monotonic() < deadline:
        if told != counters.active:
            told = counters.active
            with suppress(C2oError):  # a full disk must not cut a stream
                instance.write(myself._replace(draining=told))
            notify.stopping(f"waits for running requests: {told}")
        await asyncio.wait([done], timeout=0.05)
    if not done.done():
        log.warning("requests that are cut off, because %.0f s are over: %d", DRAIN_LIMIT, counters.active)
        done.cancel()
        with suppress(asyncio.CancelledError):
            await done
