"""Which proxy the environment names for an address, as curl reads it (https://everything.curl.dev/usingcurl/proxies/env.html).

It is asked only where the configuration says ``proxy = "env"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address, ip_network

from c2o import urls

ENV = "env"
"""What stands in the configuration."""

VARIABLES = {
    "https": ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
    "http": ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"),
}
"""By the upstream's scheme."""

EXCEPTIONS = ("no_proxy", "NO_PROXY")


def variable(base_url: str, environ: Mapping[str, str]) -> str | None:
    """The variable that names the proxy on the way there; None where there is none, or it isn't for this address."""
    parts = urls.parse(base_url)
    exceptions = next(filter(None, map(environ.get, EXCEPTIONS)), "")
    if urls.is_loopback(base_url) or _is_among(exceptions, parts.hostname or "", parts.port):
        return None
    return next((name for name in VARIABLES[parts.scheme] if environ.get(name)), None)


def address(name: str, environ: Mapping[str, str]) -> str:
    """The proxy that a variable names; without a scheme it is an HTTP proxy."""
    text = environ[name].strip()
    return text if "://" in text else f"http://{text}"


def _is_among(exceptions: str, host: str, port: int | None) -> bool:
    return any(_is_meant(each.strip().lower(), host, port) for each in exceptions.split(","))


def _is_meant(exception: str, host: str, port: int | None) -> bool:
    """A name stands for all names below it too, and an address for a network where it says so."""
    if exception == "*":
        return True
    with suppress(ValueError):
        return ip_address(host) in ip_network(exception.strip("[]"), strict=False)
    name, _, only = exception.removeprefix("*").removeprefix(".").partition(":")
    return bool(name) and (host == name or host.endswith(f".{name}")) and only in ("", str(port))
