"""The way to one upstream: its proxy, whom it must prove itself to, and as whom we do.  What fails on it, in words.

Environment variables for proxies count only where ``proxy`` in the configuration says so.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from c2o import env_proxy, secret, urls
from c2o.config import ClientCert, Upstream, quoted
from c2o.errors import CredentialError

SOCKS = {"socks5": False, "socks5h": True}
"""Whether the proxy resolves names."""

TAKES_AN_EXTRA = "a SOCKS proxy needs one more package: pip install 'c2o[socks]'"


class Network:
    """What a request to one upstream needs; equal to another that was made of the same."""

    def __init__(self, name: str, upstream: Upstream, environ: Mapping[str, str]) -> None:
        """Raises CredentialError with the key of the configuration that can't be used."""
        self._name = name
        self._made_of: list[object] = []
        self.proxy = self._proxy(upstream, environ)
        self.tls = self._tls(upstream)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and other._made_of == self._made_of

    def __hash__(self) -> int:
        return hash(self._name)

    @property
    def socks(self) -> bool:
        return self.proxy is not None and self.proxy.scheme in SOCKS

    @property
    def secrets(self) -> Iterator[str]:
        if self.proxy is not None:
            yield from filter(None, (self.proxy.password, self.proxy.user))

    def options(self) -> dict[str, Any]:
        """For aiohttp's ``request``."""
        found: dict[str, Any] = {"ssl": self.tls} if self.tls else {}
        if self.proxy is not None and not self.socks:
            found["proxy"] = self.proxy.with_user(None)
            found["proxy_headers"] = dict(self._credentials)
        return found

    def headers(self, url: URL) -> Mapping[str, str]:
        """For the request itself: to ``http://`` there is no tunnel, and the proxy reads what the upstream would."""
        return self._credentials if url.scheme == "http" else {}

    @property
    def _credentials(self) -> Mapping[str, str]:
        if self.proxy is None or self.proxy.user is None or self.socks:
            return {}
        return {"Proxy-Authorization": aiohttp.encode_basic_auth(self.proxy.user, self.proxy.password or "")}

    def connector(self, **options: Any) -> aiohttp.TCPConnector:
        if not self.socks:
            return aiohttp.TCPConnector(**options)
        from c2o.proxy.socks import connector  # noqa: PLC0415 - an extra

        assert self.proxy is not None
        return connector(self.proxy, by_proxy=SOCKS[self.proxy.scheme], **options)

    @property
    def shown(self) -> str:
        """The proxy's address without credentials."""
        return urls.without_credentials(str(self.proxy)) if self.proxy else ""

    def _failed(self, key: str, why: str) -> CredentialError:
        return CredentialError(f"upstream {self._name}: {why}", place=f"[upstreams.{quoted(self._name)}] {key}")

    def _proxy(self, upstream: Upstream, environ: Mapping[str, str]) -> URL | None:
        from_env = upstream.proxy == env_proxy.ENV
        named = env_proxy.variable(upstream.base_url, environ) if from_env else None
        if not upstream.proxy or (from_env and not named):
            return None
        try:
            text = env_proxy.address(named, environ) if named else secret.find(upstream.proxy, environ).reveal()
            urls.parse_proxy(text)
        except (CredentialError, ValueError) as error:
            raise self._failed("proxy", f"{named or 'proxy'}: {error}") from None
        self._made_of.append(text)
        url = URL(text)
        if url.scheme in SOCKS and not socks_is_there():
            raise self._failed("proxy", f"{TAKES_AN_EXTRA}.")
        return url

    def _tls(self, upstream: Upstream) -> ssl.SSLContext | None:
        """Beside the system's own CAs; None where there is nothing special."""
        if not upstream.ca and not upstream.client_cert:
            return None
        context = ssl.create_default_context()
        if upstream.ca:
            path = self._file("ca", upstream.ca)
            try:
                context.load_verify_locations(cafile=path)
            except (ssl.SSLError, ValueError, OSError):
                raise self._failed("ca", f"{path} has no certificate in PEM form; give it one.") from None
        if upstream.client_cert:
            self._identify(context, upstream.client_cert)
        return context

    def _identify(self, context: ssl.SSLContext, given: str | ClientCert) -> None:
        cert, key = (given, given) if isinstance(given, str) else (given.cert, given.key)
        paths = self._file("client_cert", cert), self._file("client_cert", key)

        def locked() -> str:
            raise self._failed(
                "client_cert", f"the key in {paths[1]} is locked with a passphrase, which the service can't type. "
                "Give it one without: openssl pkey -in LOCKED.pem -out KEY.pem"
            )  # fmt: skip

        try:
            context.load_cert_chain(*paths, password=locked)
        except (ssl.SSLError, ValueError, OSError):
            said = f"{cert} and {key} are" if cert != key else f"{cert} is"
            raise self._failed(
                "client_cert", f"{said} no certificate in PEM form with its own key. Give both, in one file or as "
                'client_cert = { cert = "…", key = "…" }.'
            ) from None  # fmt: skip

    def _file(self, key: str, given: str) -> Path:
        path = Path(given).expanduser()
        try:
            self._made_of.append((str(path), hashlib.sha256(path.read_bytes()).digest()))
        except OSError as error:
            raise self._failed(key, f"{path} can't be read: {error.strerror}. Correct {key}.") from None
        return path


def socks_is_there() -> bool:
    try:
        import aiohttp_socks  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


# What failed, in words -------------------------------------------------------------------------------


class ProxyUnreachable(aiohttp.ClientConnectionError):
    """The SOCKS proxy doesn't answer."""


class ProxyRefused(aiohttp.ClientConnectionError):
    """The SOCKS proxy does, with a no."""


class ProxyTLS(aiohttp.ClientConnectionError):
    """No TLS with the upstream through a SOCKS proxy."""


def of_the_way(error: BaseException, name: str, network: Network) -> str | None:
    """Why the way to an upstream failed, where that is known: a sentence that reads after "it: ".

    Nothing of aiohttp's own texts, which have URLs and headers in them.
    """
    here = f"[upstreams.{name}]"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return proxy_refused(error.status, name, network)
    if isinstance(error, (aiohttp.ClientProxyConnectionError, ProxyUnreachable)):
        return f"its proxy {network.shown} can't be reached. Is it running? Otherwise correct proxy in {here}."
    if isinstance(error, ProxyRefused):
        return (
            f"its proxy {network.shown} refused: {error}. Check what proxy in {here} says, its user and password, and "
            "whether the proxy may reach the upstream."
        )
    if found := _tls_error(error):
        return _of_tls(found, here)
    if network.tls and isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        return (  # in TLS 1.3 a server says so only after the handshake, and then hangs up
            "it closed the connection without an answer. Should it want another client certificate, or one at all: "
            f"correct client_cert in {here}."
        )
    return None


def proxy_refused(status: int, name: str, network: Network) -> str:
    if status == 407:
        return f"its proxy {network.shown} refused the user or password (407). Correct proxy in [upstreams.{name}]."
    return (
        f"its proxy {network.shown} refused to connect ({status}). Ask whoever runs it, or correct proxy in "
        f"[upstreams.{name}]."
    )


_UNKNOWN_SIGNER = (
    ": nobody whom this machine trusts has signed it. Check base_url, and whether a proxy stands between; should it be "
    'your company\'s own, name the file with its CA: ca = "/path/ca.pem" in {here}.'
)

_CERTIFICATES = {
    9: ": it isn't valid yet. Check this machine's clock.",
    10: ": it has expired. Have it renewed there, or check this machine's clock.",
    **dict.fromkeys((2, 18, 19, 20, 21), _UNKNOWN_SIGNER),
    62: ": it is for another name. Check the host in base_url.",
    64: ": it is for another address. Check the host in base_url.",
}
"""By OpenSSL's codes: https://docs.openssl.org/3.0/man1/openssl-verification-options/#diagnostics"""


def _of_tls(error: ssl.SSLError, here: str) -> str | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = _CERTIFICATES.get(error.verify_code, ". Check base_url, or the clock.")
        return f"its TLS certificate isn't accepted{why.format(here=here)}"
    reason = error.reason or ""
    if "ALERT" in reason and any(word in reason for word in ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")):
        return (
            "it wants another client certificate, or one at all "
            f"({reason.rpartition('ALERT_')[2].replace('_', ' ').lower()}). Correct client_cert in {here}."
        )
    return None


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """The first on the way to the cause."""
    seen = 0
    while error is not None and seen < 8:
        for each in (getattr(error, "certificate_error", None), getattr(error, "os_error", None), error):
            if isinstance(each, ssl.SSLError) and not isinstance(each, aiohttp.ClientError):  # aiohttp's own say less
                return each
        error, seen = error.__cause__ or error.__context__, seen + 1
    return None
