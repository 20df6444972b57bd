"""The proxy that the environment names for an address."""

from __future__ import annotations

import pytest

from c2o.env_proxy import address, variable

HTTPS = {"HTTPS_PROXY": "http://proxy:3128"}

NAMED = {
    ("https://up.example/v1", "HTTPS_PROXY"): "HTTPS_PROXY",
    ("https://up.example/v1", "https_proxy"): "https_proxy",
    ("https://up.example/v1", "HTTP_PROXY"): None,
    ("https://up.example/v1", "ALL_PROXY"): "ALL_PROXY",
    ("http://up.example/v1", "HTTP_PROXY"): "HTTP_PROXY",
    ("http://up.example/v1", "http_proxy"): "http_proxy",
    ("http://up.example/v1", "HTTPS_PROXY"): None,
    ("http://127.0.0.1:8000/v1", "HTTP_PROXY"): None,
    ("http://localhost:8000/v1", "ALL_PROXY"): None,
}


@pytest.mark.parametrize(("url", "name"), NAMED)
def test_by_scheme(url: str, name: str) -> None:
    assert variable(url, {name: "http://proxy:3128"}) == NAMED[url, name]


def test_the_one_for_the_scheme_beats_the_one_for_all() -> None:
    assert variable("https://up.example", {"ALL_PROXY": "socks5://a:1", **HTTPS}) == "HTTPS_PROXY"
    assert variable("https://up.example", {"https_proxy": "", **HTTPS}) == "HTTPS_PROXY"


WITHOUT = {
    "up.example": True,
    "example": True,
    ".example": True,
    "*.example": True,
    "UP.Example": True,
    "other, up.example ": True,
    "up.example:8443": True,
    "up.example:443": False,
    "p.example": False,
    "down.up.example": False,
    "*": True,
    "": False,
    ",,": False,
    "10.0.0.0/8": False,
}


@pytest.mark.parametrize("exceptions", WITHOUT)
@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_names_without_a_proxy(name: str, exceptions: str) -> None:
    assert (variable("https://up.example:8443/v1", {name: exceptions, **HTTPS}) is None) is WITHOUT[exceptions]


ADDRESSES = {
    "10.0.0.0/8": True,
    "10.1.2.3": True,
    "10.1.2.3/8": True,
    "10.1.2.0/30": True,
    "11.0.0.0/8": False,
    "fd00::/8": False,
    "example": False,
}


@pytest.mark.parametrize("exceptions", ADDRESSES)
def test_addresses_without_a_proxy(exceptions: str) -> None:
    assert (variable("https://10.1.2.3/v1", {"NO_PROXY": exceptions, **HTTPS}) is None) is ADDRESSES[exceptions]
    assert variable("https://[fd00::1]/v1", {"NO_PROXY": "fd00::/8,[::1]", **HTTPS}) is None


def test_without_a_scheme_it_speaks_http() -> None:
    assert address("HTTPS_PROXY", {"HTTPS_PROXY": "proxy:3128"}) == "http://proxy:3128"
    assert address("ALL_PROXY", {"ALL_PROXY": "socks5h://proxy:1080 "}) == "socks5h://proxy:1080"
