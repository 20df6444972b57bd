"""The life of the service: it answers, it is told to end or hands over, it finishes what it has begun.

The first SIGTERM or SIGINT ends it in peace: no new connections, running requests finish within
DRAIN_LIMIT, then exit code 0.  A second one ends it at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext, suppress

from aiohttp import web

from c2o import draining, instance
from c2o.errors import C2oError
from c2o.instance import DRAIN_LIMIT, Instance, Lock
from c2o.proxy import handover, notify, sockets
from c2o.proxy.app import runner
from c2o.proxy.handover import Predecessor
from c2o.proxy.relay import RELAY
from c2o.proxy.reload import Reloader
from c2o.proxy.setup import Setup
from c2o.proxy.state import STATE

log = logging.getLogger("c2o.proxy")

KEEP_ALIVE = 75
"""Seconds that an idle connection stays; aiohttp's default of an hour lets silent ones pile up."""

LAST_WORDS = 2.0
"""Seconds for what still runs after the drain, when the application's ``on_shutdown`` has been sent.  aiohttp
waits twice as long: first for the handlers, then for those that it has cancelled."""

FILE_POLL = 0.25
"""Seconds between two looks for a file that asks us to end."""

Tell = Callable[[int], None]
"""Told the number of requests that still run."""


class Life:
    """One service, from the first request that it can answer to the last."""

    def __init__(
        self, app: web.Application, sock: socket.socket, lock: Lock, myself: Instance, reloader: Reloader
    ) -> None:
        self._runner = runner(app, keepalive_timeout=KEEP_ALIVE, shutdown_timeout=LAST_WORDS)
        self._sock = sock
        self._lock = lock
        self._myself = myself
        self._reloader = reloader
        self._reading: asyncio.Task[None] | None = None
        self._state = app[STATE]
        self._counters = self._state.journal.counters
        self._state.on_follow.append(self._follow)
        self._relay = app[RELAY]
        self._end = asyncio.Event()
        self._successor: socket.socket | None = None
        """The connection to the one that has taken over; it waits until this is closed."""

    async def lived(self, before: Predecessor | None, ready: Callable[[Instance], None]) -> None:
        """All of it.  ``before`` is the service that hands over to this one."""
        self._listen_to_signals()
        alive = asyncio.gather(notify.be_alive(), self._listen_to_the_file(), self._reloader.follow())
        await self._runner.setup()
        self._state.server = self._runner.server
        with ExitStack() as left:
            left.callback(self._remove)
            try:
                await self._serve(before, ready)
                await self._drain(left)
            finally:
                await self._runner.cleanup()
                alive.cancel()
                await asyncio.gather(alive, return_exceptions=True)
        log.info("ended")

    async def _serve(self, before: Predecessor | None, ready: Callable[[Instance], None]) -> None:
        """Answer requests until the end has come; then no connection is accepted any more."""
        site = web.SockSite(self._runner, self._sock, backlog=sockets.BACKLOG)
        if before:
            self._write_down()  # what can fail, fails while our predecessor still serves
        await site.start()
        if before:
            await before.relieve(moved=self._sock is not before.sock)
        offer = handover.offered()
        self._myself = self._myself._replace(handover=offer is not None)
        with suppress(C2oError) if before else nullcontext():  # nobody would serve if we gave up now
            self._write_down()
        log.info("c2o %s serves at %s (pid %d)", self._myself.version, self._myself.url, self._myself.pid)
        handing_over = asyncio.create_task(self._hand_over(offer)) if offer else None
        ready(self._myself)
        notify.ready(f"serves at {self._myself.url}")
        await self._end.wait()
        if offer and handing_over:
            handing_over.cancel()
            offer.close()
        await site.stop()

    async def _hand_over(self, offer: socket.socket) -> None:
        self._successor, said = await handover.asked(
            offer, [self._sock.fileno(), self._lock.descriptor], self._write_down_again
        )
        if said == handover.TAKEN:
            self._relay.successor = self._myself.url
        self._end.set()

    def _write_down_again(self) -> None:
        """A successor that failed may have written itself down in our place."""
        log.warning("a new service did not come up; this one goes on")
        with suppress(C2oError):
            self._write_down()

    def _write_down(self) -> None:
        """Who we are and how we can be asked, for the commands."""
        instance.write_token(self._state.setup.config.server.auth_token)
        instance.write(self._myself)

    def _remove(self) -> None:
        """What we have written about ourselves; after a handover it's our successor's."""
        if self._successor is None:
            instance.remove()

    # The end --------------------------------------------------------------------------------------------------

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGBREAK", signal.SIGINT)):
            _on(number, self._told, number)
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            on_a_terminal = os.isatty(0)  # asked now: once it has hung up, it is none any more
            loop.add_signal_handler(signal.SIGHUP, self._end.set if on_a_terminal else self._read_again)

    def _read_again(self) -> None:
        """SIGHUP where no terminal has closed, as it is usual for services."""
        self._reading = asyncio.create_task(self._reloader.now())

    def _follow(self, setup: Setup) -> None:
        """The state file says which configuration we work with."""
        self._myself = self._myself._replace(config_digest=setup.config.digest)
        if not self._end.is_set():
            with suppress(C2oError):
                self._write_down()

    async def _listen_to_the_file(self) -> None:
        """Where there are no signals for us, a file asks us to end."""
        while instance.WITHOUT_SIGNALS:
            if instance.end_file().exists():
                self._end.set()
            await asyncio.sleep(FILE_POLL)

    def _told(self, number: int) -> None:
        """The first signal ends it in peace, the second at once."""
        if self._end.is_set():
            self._remove()
            os._exit(128 + number)
        self._end.set()

    async def _drain(self, left: ExitStack) -> None:
        """Let running requests finish, within DRAIN_LIMIT."""
        log.info("%s; running requests: %d", self._why(), self._counters.active)
        finished, tell = self._finishing(left)
        told, deadline = None, time.monotonic() + DRAIN_LIMIT
        while not finished.done() and time.monotonic() < deadline:
            if told != self._counters.active:
                told = self._counters.active
                with suppress(C2oError):  # a full disk must not cut a stream
                    tell(told)
                await asyncio.to_thread(notify.stopping, f"waits for running requests: {told}")
            await asyncio.wait([finished], timeout=0.05)
        if not finished.done():
            log.warning("requests that are cut off, because %.0f s are over: %d", DRAIN_LIMIT, self._counters.active)
            finished.cancel()
            with suppress(asyncio.CancelledError):
                await finished

    def _why(self) -> str:
        return "told to end" if self._successor is None else "a new service has taken over"

    def _finishing(self, left: ExitStack) -> tuple[asyncio.Task[None], Tell]:
        """What ends with the last connection, and who wants to know how many requests are left."""
        server = self._runner.server
        assert server is not None
        if self._successor is None:
            server.pre_shutdown()
            return asyncio.create_task(server.shutdown(None)), self._write_draining
        record = left.enter_context(draining.recorded(self._myself))
        record(self._counters.active)
        self._lock.release()
        self._successor.close()
        return asyncio.create_task(self._relay.emptied(server)), record

    def _write_draining(self, requests: int) -> None:
        """For ``c2o stop`` and ``c2o status``."""
        instance.write(self._myself._replace(draining=requests))


def _on(number: int, told: Callable[[int], None], argument: int) -> None:
    """As ``add_signal_handler``, which event loops of Windows don't have."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(number, told, argument)
    except NotImplementedError:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(told, argument))
