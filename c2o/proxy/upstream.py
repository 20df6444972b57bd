"""The one place that makes outgoing calls: address, key, time limits, and what failed in words.

The destination comes from the configuration alone.  Nothing of the client's headers goes out, redirects are not
followed, the environment's proxies and ``.netrc`` are not asked, cookies are not kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from io import BytesIO

import aiohttp
from yarl import URL

from c2o import __version__, redaction, secret, urls
from c2o.config import Config, Upstream
from c2o.errors import CredentialError, RequestError
from c2o.proxy.clock import Clock
from c2o.proxy.patience import Patience
from c2o.redaction import Redactor
from c2o.routing import Route
from c2o.secret import Secret
from c2o.translate.passthrough_request import VERSION
from c2o.translate.types import UpstreamRequest
from c2o.translate.upstream_errors import Failing

WHOLE_LIMIT = 64 * 1024 * 1024
ERROR_LIMIT = 64 * 1024
"""Bytes of a whole answer, and of an error's body, that are read."""

LARGE = 512 * 1024

TRUSTED_FOR = 600.0
"""Seconds after an answer in which an upstream that can't be reached is taken to be away for a moment."""


def keys(config: Config) -> dict[str, list[Secret]]:
    """The keys of each upstream that has any.  Raises CredentialError that names upstream and place."""
    found = {}
    for name, upstream in config.upstreams.items():
        try:
            found[name] = [secret.find(source) for source in upstream.key_sources()]
        except CredentialError as error:
            raise CredentialError(f"upstream {name}: {error}") from None
    return found


def _secrets(found: Mapping[str, list[Secret]], config: Config) -> Iterator[str]:
    yield config.server.auth_token.reveal()
    yield from (key.reveal() for several in found.values() for key in several)
    for upstream in config.upstreams.values():
        yield from redaction.in_headers(upstream.headers)


class Upstreams:
    """All upstreams of the configuration, behind one connection pool."""

    def __init__(self, config: Config, clock: Clock, before: Upstreams | None = None) -> None:
        """``before`` are those of the configuration that was."""
        self._clock = clock
        self._keys = keys(config)
        self.secrets = frozenset(_secrets(self._keys, config))
        """What no text may show."""
        self.redacted: Callable[[str], str] = Redactor(self.secrets)
        """A text without any secret, should an upstream have repeated one."""
        self._headers = {name: self._headers_for(name, upstream) for name, upstream in config.upstreams.items()}
        self._patience = {name: Patience(upstream) for name, upstream in config.upstreams.items()}
        self._address = {
            name: urls.printable(urls.root(upstream.base_url)) for name, upstream in config.upstreams.items()
        }
        self._urls: dict[tuple[str, str], URL] = {}
        self.answered: dict[str, float] = before.answered if before else {}
        """When an address answered last."""
        self._session: aiohttp.ClientSession | None = None

    def patience(self, route: Route) -> Patience:
        return self._patience[route.name]

    def is_local(self, route: Route) -> bool:
        """Does it run on this machine?"""
        return self._patience[route.name].local

    def failing(self, route: Route) -> Failing:
        """The names that error sentences use."""
        keys = route.upstream.api_key
        place = keys.describe() if keys else "nowhere (no api_key is configured)"
        return Failing(route.name, self._address[route.name], route.model, place, self.redacted)

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=512, keepalive_timeout=20),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),
            max_field_size=32 * 1024,
        )

    @property
    def opened(self) -> bool:
        return self._session is not None and not self._session.closed

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def send(self, route: Route, request: UpstreamRequest) -> AsyncIterator[aiohttp.ClientResponse]:
        """The upstream's answer, its body not yet read.  Raises RequestError where there is none."""
        assert self._session is not None
        try:
            async with self._session.request(
                request.method,
                self._url(route, request),
                data=_body(request.body),
                headers=self._headers_of(route, request),
                allow_redirects=False,
                timeout=self._patience[route.name].timeout,
            ) as answer:
                self.answered[self._address[route.name]] = self._clock.now()
                _check_usable(answer, route)
                yield answer
        except aiohttp.ClientError as error:
            raise self._failure(route, error) from error
        except TimeoutError as error:
            if isinstance(error, aiohttp.ServerTimeoutError):
                raise self._failure(route, error) from error
            raise

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
        """Is it for good?  It is, unless this upstream has answered lately and may be back in a moment."""
        answered = self.answered.get(self._address[route.name])
        lately = answered is not None and self._clock.now() - answered < TRUSTED_FOR
        return RequestError(
            f"upstream {route.name} at {self._address[route.name]}: {_reason(error)}",
            status=504 if isinstance(error, TimeoutError) else 502,
            type="timeout_error" if isinstance(error, TimeoutError) else "api_error",
            retry=None if lately else False,
        )

    def _headers_for(self, name: str, upstream: Upstream) -> Mapping[str, str]:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "Accept-Encoding": "identity",
            "User-Agent": f"c2o/{__version__}",
        }
        dialect = upstream.habits()
        if several := self._keys.get(name):
            bearer = "Bearer " if dialect.key_header == "Authorization" else ""
            headers[dialect.key_header] = bearer + several[0].reveal()
        headers |= dialect.headers
        if upstream.api_name() == "anthropic":
            headers["anthropic-version"] = VERSION
        return headers

    def _headers_of(self, route: Route, request: UpstreamRequest) -> Mapping[str, str]:
        """The configuration's win over ours; an empty one takes ours away."""
        configured = route.upstream.headers
        given = {name.lower() for name in configured}
        ours = {**self._headers[route.name], **request.headers}
        kept = {name: value for name, value in ours.items() if name.lower() not in given}
        return kept | {name: value for name, value in configured.items() if value}


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
    (aiohttp.ClientConnectorCertificateError, "its TLS certificate isn't accepted. Check base_url, or the clock."),
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
