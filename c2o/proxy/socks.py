"""Connections through a SOCKS proxy; needs the extra ``c2o[socks]``."""

from __future__ import annotations

import ssl
from typing import Any

import aiohttp
import python_socks
from aiohttp_socks import ProxyConnector, ProxyType
from yarl import URL

from c2o.proxy.network import ProxyRefused, ProxyTLS, ProxyUnreachable


class _Connector(ProxyConnector):
    """Its failures as aiohttp's, so that whoever sends needn't know of it."""

    async def _connect_via_proxy(self, *args: Any, **more: Any) -> Any:
        try:
            return await super()._connect_via_proxy(*args, **more)
        except python_socks.ProxyTimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error
        except python_socks.ProxyConnectionError as error:
            raise ProxyUnreachable from error
        except python_socks.ProxyError as error:
            raise ProxyRefused(_why(error)) from error
        except (ssl.SSLError, OSError) as error:
            raise ProxyTLS from error


def _why(error: python_socks.ProxyError) -> str:
    """The protocol's own words; they name no user and no password."""
    return str(error).rstrip(".") or "without a word"


def connector(proxy: URL, *, by_proxy: bool, **options: Any) -> aiohttp.TCPConnector:
    """``by_proxy``: names are resolved there, and not on this machine."""
    assert proxy.host is not None
    return _Connector(
        host=proxy.host,
        port=proxy.port or 1080,
        proxy_type=ProxyType.SOCKS5,
        username=proxy.user,
        password=proxy.password,
        rdns=by_proxy,
        **options,
    )
