"""The one place that makes outgoing calls: address, key, time limits, and what failed in words.

The destination comes from the configuration alone.  Nothing of the client's headers goes out, redirects are not
followed, the environment's proxies and ``.netrc`` are not asked, cookies are not kept.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from io import BytesIO
from types import SimpleNamespace
from typing import NamedTuple, Protocol

import aiohttp
from yarl import URL

from c2o import __version__, missing_keys, redaction, urls
from c2o.config import Upstream
from c2o.errors import RequestError
from c2o.proxy.breaker import Breaker, Unreachable
from c2o.proxy.clock import Clock
from c2o.proxy.key_ring import NO_KEY, Key, KeyRing
from c2o.proxy.network import ProxyRefused, ProxyTLS, ProxyUnreachable, of_the_way, proxy_refused
from c2o.proxy.patience import Patience
from c2o.proxy.prepared import Prepared
from c2o.proxy.replays import Replays
from c2o.proxy.tracing import Trace
from c2o.redaction import Redactor
from c2o.routing import Route
from c2o.translate.passthrough_request import VERSION
from c2o.translate.types import UpstreamRequest
from c2o.translate.upstream_errors import Failing

WHOLE_LIMIT = 64 * 1024 * 1024
ERROR_LIMIT = 64 * 1024
"""Bytes of a whole answer, and of an error's body, that are read."""

LARGE = 512 * 1024

TRUSTED_FOR = 600.0
"""Seconds after an answer in which an upstream that can't be reached is taken to be away for a moment."""


CONNECT_AGAIN = (0.1, 0.25)
"""Seconds, the least and the most, after which a connection that was refused is tried once more."""

STALE_WITHIN = 5.0
"""Seconds in which a kept connection shows that it has ended before; after that the upstream has been at work."""


class Again(Protocol):
    def __call__(self, why: str, *, stale: bool) -> bool:
        """May a request of which the upstream can't have heard go out once more?

        ``stale``: the connection was an old one that had ended; otherwise there was none.
        """


def _secrets(prepared: Prepared) -> Iterator[str]:
    config = prepared.config
    yield config.server.auth_token.reveal()
    yield from (key.reveal() for key in prepared.secrets())
    for name, upstream in config.upstreams.items():
        yield from redaction.in_headers(upstream.headers)
        yield from prepared.networks[name].secrets


class Pool(NamedTuple):
    kept: aiohttp.ClientSession
    """With the connections that others have left open."""
    fresh: aiohttp.ClientSession
    """Has no connection that could be stale."""


SHARED = ""


class Upstreams:
    """All upstreams of the configuration, behind one connection pool."""

    def __init__(self, prepared: Prepared, clock: Clock, before: Upstreams | None = None) -> None:
        """``before`` are those of the configuration that was."""
        config = prepared.config
        self._clock = clock
        self.redacted = Redactor(frozenset(_secrets(prepared)))
        """A text without any secret, should an upstream have repeated one."""
        self.rings = {
            name: KeyRing(clock, upstream.key_sources(), prepared.keys[name])
            for name, upstream in config.upstreams.items()
        }
        self._without_key = missing_keys.without(config, prepared.whys())
        """Upstreams that nobody can be asked at, by name: why."""
        self._headers = {name: _headers_for(upstream) for name, upstream in config.upstreams.items()}
        self._patience = {name: Patience(upstream) for name, upstream in config.upstreams.items()}
        self._address = {
            name: urls.printable(urls.root(upstream.base_url)) for name, upstream in config.upstreams.items()
        }
        self._urls: dict[tuple[str, str], URL] = {}
        self.answered: dict[str, float] = before.answered if before else {}
        """When an address answered last."""
        self._networks = prepared.networks
        self.ways = {name: (self._address[name], self._networks[name]) for name in config.upstreams}
        self.breakers = {name: self._breaker(name, before) for name in config.upstreams}
        self._replays = {name: Replays() for name in config.upstreams}
        self._pools: dict[str, Pool] = {}
        """The one of SHARED, and of each upstream behind a SOCKS proxy its own."""

    def patience(self, route: Route) -> Patience:
        return self._patience[route.name]

    def is_local(self, route: Route) -> bool:
        """Does it run on this machine?"""
        return self._patience[route.name].local

    def lacks_key(self, name: str) -> RequestError | None:
        """What is told to whoever would ask an upstream whose key can't be had; None where nothing is amiss."""
        why = self._without_key.get(name)
        return RequestError(why, status=401, type="authentication_error", retry=False) if why else None

    def _breaker(self, name: str, before: Upstreams | None) -> Breaker:
        """The one of ``before`` if the way to the upstream is the same: another is to be tried at once."""
        same = before is not None and before.ways.get(name) == self.ways[name]
        return before.breakers[name] if before and same else Breaker(self._clock)

    def failing(self, route: Route, key: object = None) -> Failing:
        """The names that error sentences use; ``key`` as text is where the key comes from that is in use."""
        keys = route.upstream.api_key
        place = key or (keys.describe() if keys else NO_KEY)
        return Failing(route.name, self._address[route.name], route.model, place, self.redacted)

    async def open(self) -> None:
        self._pools[SHARED] = Pool(
            self._opened(aiohttp.TCPConnector(limit=512, keepalive_timeout=20)),
            self._opened(aiohttp.TCPConnector(limit=512, force_close=True, use_dns_cache=False)),
        )
        for name, network in self._networks.items():
            if network.socks:
                self._pools[name] = Pool(
                    self._opened(network.connector(limit=512, keepalive_timeout=20)),
                    self._opened(network.connector(limit=512, force_close=True)),
                )

    def _opened(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            trace_configs=[_tell_connection()],
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),
            max_field_size=32 * 1024,
        )

    @property
    def opened(self) -> bool:
        return any(not pool.kept.closed for pool in self._pools.values())

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.kept.close()
            await pool.fresh.close()

    @asynccontextmanager
    async def send(
        self,
        route: Route,
        request: UpstreamRequest,
        key: Key | None = None,
        again: Again | None = None,
        trace: Trace | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The upstream's answer, its body not yet read.  Raises RequestError where there is none.

        ``again`` is asked where it could go out once more.
        """
        if failure := self.lacks_key(route.name):
            raise failure
        breaker = self.breakers[route.name]
        tries = breaker.admit()
        try:
            async with AsyncExitStack() as stack:
                stack.enter_context(self._replays[route.name].request())
                key = key or self.rings[route.name].pick()
                answer = await self._answer(stack, route, request, key, again, breaker, trace)
                self.answered[self._address[route.name]] = self._clock.now()
                breaker.reached()
                tries = False  # by the end of a long answer another may try
                if trace:
                    trace.answer("heard", answer.status, answer.headers)
                self._check_usable(answer, route)
                yield answer
        except aiohttp.ClientError as error:
            failure = self._failure(route, error)
            if isinstance(failure, Unreachable):
                breaker.failed(failure)
            raise failure from error
        finally:
            if tries:
                breaker.left()

    async def _answer(
        self,
        stack: AsyncExitStack,
        route: Route,
        request: UpstreamRequest,
        key: Key | None,
        again: Again | None,
        breaker: Breaker,
        trace: Trace | None,
    ) -> aiohttp.ClientResponse:
        connection = SimpleNamespace(reused=False, reached=breaker.reached, trace=trace)
        pool, replays = self._pools.get(route.name) or self._pools[SHARED], self._replays[route.name]
        began = self._clock.now()
        try:
            return await stack.enter_async_context(self._asked(pool.kept, route, request, key, connection))
        except aiohttp.ClientError as error:
            stale = _is_stale(error, connection) and self._clock.now() - began < STALE_WITHIN
            unheard = (stale or _is_refused(error)) and replays.granted
            if not (again and unheard and again(self._reason(route, error), stale=stale)):
                raise
        with replays.replay():
            if not stale:
                await asyncio.sleep(random.uniform(*CONNECT_AGAIN))  # noqa: S311 - so that not all knock at once
            return await stack.enter_async_context(self._asked(pool.fresh, route, request, key, connection))

    def _asked(
        self,
        session: aiohttp.ClientSession,
        route: Route,
        request: UpstreamRequest,
        key: Key | None,
        connection: SimpleNamespace,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        url, headers = self._url(route, request), self._headers_of(route, request, key)
        network = self._networks[route.name]
        if connection.trace:
            line = f"{request.method} {urls.printable(str(url))}"
            connection.trace.request("sent", line, headers, request.body)
        return session.request(
            request.method,
            url,
            data=_body(request.body),
            headers={**headers, **network.headers(url)},
            allow_redirects=False,
            timeout=self._patience[route.name].timeout,
            trace_request_ctx=connection,
            **network.options(),
        )

    async def ask(self, route: Route, request: UpstreamRequest) -> bytes:
        """The body of a whole good answer.  Raises RequestError where there is none."""
        async with self.send(route, request) as answer:
            if answer.status != 200:
                raise RequestError(f"upstream {route.name} answered {answer.status} to {request.path}", status=502)
            return await read_capped(answer, WHOLE_LIMIT)

    def _url(self, route: Route, request: UpstreamRequest) -> URL:
        url = self._urls.get((route.name, request.path))
        if url is None:
            join = urls.beside if request.at_server else urls.endpoint
            url = URL(join(route.upstream.base_url, request.path), encoded=True)
            self._urls[route.name, request.path] = url
        return url

    def _failure(self, route: Route, error: Exception) -> RequestError:
        """Is it for good?  It is, unless this upstream has answered lately and may be back in a moment.

        The address comes last: Claude Code shows some fifty characters while it waits to ask again.
        """
        answered = self.answered.get(self._address[route.name])
        lately = answered is not None and self._clock.now() - answered < TRUSTED_FOR
        kind = Unreachable if isinstance(error, CONNECTING) else RequestError
        return kind(
            f"upstream {route.name}: {self._reason(route, error)} Its address: {self._address[route.name]}.",
            status=504 if isinstance(error, TimeoutError) else 502,
            type="timeout_error" if isinstance(error, TimeoutError) else "api_error",
            retry=None if lately else False,
        )

    def _reason(self, route: Route, error: Exception) -> str:
        return of_the_way(error, route.name, self._networks[route.name]) or _reason(error)

    def _check_usable(self, answer: aiohttp.ClientResponse, route: Route) -> None:
        network = self._networks[route.name]
        if answer.status == 407 and network.proxy is not None:  # for http:// the proxy itself answers
            raise RequestError(
                f"upstream {route.name}: {proxy_refused(407, route.name, network)}",
                status=502,
                type="api_error",
                retry=False,
            )
        _check_usable(answer, route)

    def _headers_of(self, route: Route, request: UpstreamRequest, key: Key | None) -> Mapping[str, str]:
        """The configuration's win over ours; an empty one takes ours away."""
        configured = route.upstream.headers
        given = {name.lower() for name in configured}
        ours = {**_key_header(route, key), **self._headers[route.name], **request.headers}
        kept = {name: value for name, value in ours.items() if name.lower() not in given}
        return kept | {name: value for name, value in configured.items() if value}


def _headers_for(upstream: Upstream) -> Mapping[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Accept-Encoding": "identity",
        "User-Agent": f"c2o/{__version__}",
    }
    dialect = upstream.habits()
    headers |= dialect.headers
    if upstream.api_name() == "anthropic":
        headers["anthropic-version"] = VERSION
    return headers


def _key_header(route: Route, key: Key | None) -> dict[str, str]:
    if key is None or key.value is None:
        return {}
    name = route.upstream.habits().key_header
    return {name: ("Bearer " if name == "Authorization" else "") + key.value.reveal()}


def _tell_connection() -> aiohttp.TraceConfig:
    """Tells a request's own ``trace_request_ctx`` that there is a new connection for it, or that it goes over one that
    carried others before."""

    async def reached(_: object, context: SimpleNamespace, __: object) -> None:
        if context.trace_request_ctx is not None:
            context.trace_request_ctx.reached()

    async def reused(_: object, context: SimpleNamespace, __: object) -> None:
        if context.trace_request_ctx is not None:
            context.trace_request_ctx.reused = True

    config = aiohttp.TraceConfig()
    config.on_connection_create_end.append(reached)
    config.on_connection_reuseconn.append(reused)
    return config


CONNECTING = (
    aiohttp.ClientConnectorError, aiohttp.ClientSSLError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError,
    ProxyUnreachable, ProxyRefused, ProxyTLS,
)  # fmt: skip
"""What aiohttp raises as long as there is no connection."""


def _is_refused(error: aiohttp.ClientError) -> bool:
    """Was a connection turned down at once?  A name that can't be resolved and TLS that isn't agreed on stay so."""
    return isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionError)


def _is_stale(error: aiohttp.ClientError, connection: SimpleNamespace) -> bool:
    """Did a connection that carried others before end without a byte of an answer?

    Its server has closed it as idle just when the request went out, and hasn't read it
    (https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2).
    """
    silent = isinstance(error, aiohttp.ServerDisconnectedError) and isinstance(error.message, str)
    reset = isinstance(error, aiohttp.ClientOSError) and not isinstance(error, CONNECTING)
    return bool(connection.reused) and (silent or reset)


def _body(data: bytes) -> bytes | BytesIO:
    """A large body as a file: it goes out piece by piece, and aiohttp warns of more than a megabyte in one."""
    return data if len(data) < LARGE else BytesIO(data)


def _check_usable(answer: aiohttp.ClientResponse, route: Route) -> None:
    """A redirect would carry the key and the prompt elsewhere; packed bytes were asked not to come."""
    if 300 <= answer.status < 400:
        raise RequestError(
            f"upstream {route.name} redirects elsewhere ({answer.status}), which c2o does not follow. "
            f"Put the right address into base_url under [upstreams.{route.name}].",
            status=502,
            type="api_error",
            retry=False,
        )
    if answer.headers.get("Content-Encoding", "").lower() not in ("identity", ""):
        raise RequestError(
            f"upstream {route.name} sends compressed answers unasked", status=502, type="api_error", retry=False
        )


def _reason(error: Exception) -> str:
    """What went wrong, without the URL, headers or keys that aiohttp puts into its texts."""
    kinds = (type(error), type(getattr(error, "os_error", None)))
    for known, sentence in _REASONS:
        if any(issubclass(kind, known) for kind in kinds):
            return sentence
    return f"it doesn't speak HTTP as it should ({type(error).__name__})."


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "its name can't be resolved. Check base_url and the network."),
    (aiohttp.ClientSSLError, "no TLS connection could be agreed on. Is it https:// at all?"),
    (ConnectionRefusedError, "connection refused. Is it running?"),
    (TimeoutError, "no connection within the time limit. Is it running, and is base_url right?"),
    (aiohttp.ClientConnectorError, "it can't be reached. Check base_url and the network."),
    (aiohttp.ClientPayloadError, "it broke off in the middle of the answer."),
    (aiohttp.ClientOSError, "it closed the connection without an answer."),
    (aiohttp.ServerDisconnectedError, "it closed the connection without an answer."),
)


async def read_capped(answer: aiohttp.ClientResponse, limit: int, heard: Callable[[], None] | None = None) -> bytes:
    """The body, at most ``limit`` bytes of it; ``heard`` is told of every piece."""
    pieces, size = [], 0
    async for piece in answer.content.iter_any():
        if heard is not None:
            heard()
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            break
    return b"".join(pieces)[:limit]


REST_LIMIT = 64 * 1024
REST_WITHIN = 0.1
"""Bytes and seconds that an answer may still take after its last event."""


async def read_rest(answer: aiohttp.ClientResponse) -> None:
    """The end of an answer's framing, so that the connection can be used again; whoever has more to say is left."""
    if not answer.content.at_eof():
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(REST_WITHIN):
                await read_capped(answer, REST_LIMIT)
