"""What outlives a change of the configuration: it lives as long as the service does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import reduce
from math import ceil
from operator import or_
from pathlib import Path

from aiohttp import web
from msgspec import Struct

from c2o import __version__, facts, known_models, secret, urls, usage_store
from c2o.config import Routes
from c2o.log_file import Writer
from c2o.proxy.breaker import Stand, Trouble
from c2o.proxy.calibration import Calibration
from c2o.proxy.clock import Clock
from c2o.proxy.counting import TokenCounts
from c2o.proxy.documents.reader import Reader
from c2o.proxy.failover import Detours
from c2o.proxy.journal import Counters, Journal
from c2o.proxy.known_models import KnownModels
from c2o.proxy.learned import Learned
from c2o.proxy.memory import Failures, Remembered
from c2o.proxy.prepared import Prepared
from c2o.proxy.setup import Setup
from c2o.proxy.streams import Streams
from c2o.proxy.tracing import Tracing
from c2o.proxy.usage import Usage
from c2o.proxy.windows import Windows
from c2o.redaction import Redactor


class Listen(Struct, frozen=True):
    host: str
    port: int


class ConfigStatus(Struct, frozen=True):
    path: str
    digest: str
    """Of what the service works with."""
    refused: str | None
    """Of what lies there and can't be used, as the problem ``config.broken`` says."""


class UpstreamStatus(Struct, frozen=True):
    name: str
    base_url: str
    dialect: str
    key: str | None
    """Where the keys come from."""
    breaker: Stand
    """Open: it can't be reached, and isn't asked for a while; half open: one request may try."""
    missing: list[str]
    """Where there should be keys, and are none: ``env:NAME``."""
    without_key: str | None
    """Why it isn't asked for anything: not one of its keys is there."""


class RouteStatus(Struct, frozen=True, omit_defaults=True):
    models: tuple[str, ...]
    """With fallbacks, in order."""
    effort: str | None = None
    above: int | None = None
    """Tokens of a prompt."""


class Problem(Struct, frozen=True):
    id: str
    hint: str


class Status(Struct, frozen=True, kw_only=True):
    """The answer of ``GET /c2o/status``."""

    schema: str = "c2o.status/1"
    version: str
    pid: int
    started_at: str
    uptime: float
    listen: Listen
    config: ConfigStatus
    upstreams: list[UpstreamStatus]
    models: dict[str, str]
    fallbacks: dict[str, list[str]]
    """Of those names that have any, in order."""
    routes: dict[str, RouteStatus]
    """By kind of request."""
    requests: Counters
    connections: int
    """That clients have open, the one of this very question among them."""
    problems: list[Problem]


class State:
    """The service's memory, and the present state of its configuration."""

    def __init__(self, prepared: Prepared, clock: Clock, pid: int, folder: Path | None = None) -> None:
        """``folder`` is where learned numbers are kept over restarts."""
        self.clock = clock
        self.version = __version__
        self.setup = Setup(prepared, clock)
        """Of the requests that come in now; each has its own in ``request[SETUP]``."""
        self._replaced: dict[Setup, asyncio.Task[None]] = {}
        self._redact = self._redactor()
        self.usage = Usage(folder / usage_store.FILE if folder else None, self.redacted)
        self.journal = Journal(clock, self.usage)
        self.tracing = Tracing(folder, clock)
        self.remembered = Remembered()
        self.failures = Failures(clock)
        self.detours = Detours(clock)
        self.learned = Learned(prepared.config, folder / facts.FILE if folder else None)
        self.streams = Streams()
        self.reader = Reader()
        self.calibration = Calibration(clock, folder / "calibration.json" if folder else None)
        self.counts = TokenCounts(self.calibration, clock)
        self.known_models = KnownModels(folder / known_models.FILE if folder else None)
        self.windows = Windows(self.counts, self.learned, clock, self.known_models.heard)
        self.log: Writer | None = None
        """The service's own log file, where it has one."""
        self.server: web.Server | None = None
        """What accepts connections, once something does."""
        self.on_follow: list[Callable[[Setup], None]] = []
        """Who else has something of the configuration to renew."""
        self.look: Callable[[], None] = _nobody_follows
        """Tells whoever follows the configuration that it may have changed."""
        self.miss_key: Callable[[], None] = _nobody_follows
        """Tells him that a request has found no key."""
        self.problems: dict[str, Problem] = {}
        """What ``c2o status`` is to say, by id."""
        self.refused: str | None = None
        """The digest of a configuration that can't be used."""
        self._pid = pid
        self._started_at = datetime.now(UTC)
        self._started = clock.now()

    async def open(self) -> None:
        await self.setup.open()
        self.known_models.begin(lambda: self.setup)

    async def follow(self, prepared: Prepared) -> None:
        """From now on requests begin with this configuration; those that run end as they have begun."""
        new, old = Setup(prepared, self.clock, self.setup), self.setup
        await new.open()
        self.setup = new
        self.learned.follow(prepared.config)
        self.failures.clear()
        self.detours.clear()
        self._replaced[old] = asyncio.create_task(self._see_off(old))
        self._redact = self._redactor()
        for followed in self.on_follow:
            followed(new)

    async def _see_off(self, replaced: Setup) -> None:
        await replaced.left()
        await replaced.close()
        del self._replaced[replaced]
        self._redact = self._redactor()

    def redacted(self, text: str) -> str:
        """A text without the secrets of any configuration that is still in use."""
        return self._redact(text)

    def redactor(self) -> Redactor:
        """Of the secrets that are in use now."""
        return self._redact

    def _in_use(self) -> list[Setup]:
        return [self.setup, *self._replaced]

    def _redactor(self) -> Redactor:
        return reduce(or_, (setup.upstreams.redacted for setup in self._in_use()))

    async def close(self) -> None:
        await self.tracing.close()
        await self.usage.close()
        await self.known_models.close()
        await self.windows.close()
        await self.counts.close()
        for setup in self._in_use():
            await setup.close()

    def status(self, *, host: str, port: int) -> Status:
        config = self.setup.config
        return Status(
            version=self.version,
            pid=self._pid,
            started_at=self._started_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            uptime=round(self.clock.now() - self._started, 1),
            listen=Listen(host, port),
            config=ConfigStatus(str(config.path or ""), config.digest, self.refused),
            upstreams=[self._upstream(name) for name in config.upstreams],
            models={name: targets[0] for name, targets in config.models.items()},
            fallbacks={name: list(rest) for name, (_, *rest) in config.models.items() if rest},
            routes=_routes(config.routes),
            requests=self.journal.counters,
            connections=len(self.server.connections) if self.server else 0,
            problems=list(self._problems()),
        )

    def _upstream(self, name: str) -> UpstreamStatus:
        upstream, upstreams = self.setup.config.upstreams[name], self.setup.upstreams
        missing = [secret.describe(source) for source in self.setup.prepared.whys().get(name, ())]
        key = upstream.api_key.describe() if upstream.api_key else None
        address, stand = urls.printable(urls.root(upstream.base_url)), upstreams.breakers[name].stand
        why = str(failure) if (failure := upstreams.lacks_key(name)) else None
        return UpstreamStatus(name, address, upstream.dialect_name(), key, stand, missing, why)

    def _problems(self) -> Iterator[Problem]:
        yield from self.problems.values()
        if hint := self.log and self.log.problem:
            yield Problem("log.unwritable", hint)
        if self.usage.problem:
            yield Problem("usage.unwritable", self.usage.problem)
        for hint in self.setup.prepared.missing():
            yield Problem("upstream.key_missing", hint)
        upstreams = self.setup.upstreams
        for name, ring in upstreams.rings.items():
            if trouble := upstreams.breakers[name].trouble:
                yield Problem("upstream.down", f"{trouble.why} It isn't asked for {_lasts(trouble)}.")
            for trouble in ring.troubles():
                yield Problem("upstream.key_rests", f"{trouble.why} This key isn't used for {_lasts(trouble)}.")
        for target, trouble in self.detours.troubles():
            yield Problem("model.replaced", f"{trouble.why} {target} is asked last for {_lasts(trouble)}.")


def _lasts(trouble: Trouble) -> str:
    seconds = ceil(trouble.seconds)
    return f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"


def _routes(routes: Routes) -> dict[str, RouteStatus]:
    found: dict[str, RouteStatus] = {kind: RouteStatus(models) for kind, models in routes.targets().items()}
    if routes.think:
        found["think"] = RouteStatus(routes.think.model, effort=routes.think.effort)
    if routes.long_context:
        found["long_context"] = RouteStatus(routes.long_context.model, above=routes.long_context.above)
    return found


def _nobody_follows() -> None:
    pass


STATE: web.AppKey[State] = web.AppKey("state", State)
