"""The way to an upstream: through a proxy, by a company's own CA, with a certificate of ours; and what fails on it."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from c2o.errors import ConfigError, CredentialError
from c2o.proxy import network
from c2o.proxy.network import Network
from c2o.proxy.prepared import prepared
from tests.fake_upstream import FakeUpstream, Reply
from tests.proxy.conftest import Serve, configuration, loaded
from tests.proxy.proxies import PASSWORD, USER, HttpProxy, Proxy, SocksProxy
from tests.proxy.talk import TOKEN, events, text_in

DONE = b'data: {"id":"x","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'  # fmt: skip  # noqa: E501


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return str(path)


Secure = Callable[..., Any]


@pytest.fixture
async def secure(ca: trustme.CA) -> AsyncIterator[Secure]:
    """Starts upstreams that speak HTTPS: ``await secure()`` is the address of one."""
    async with AsyncExitStack() as stack:

        async def start(names: tuple[str, ...] = ("127.0.0.1", "upstream.test"), **more: Any) -> int:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            (more.pop("by", ca)).issue_cert(*names, **{k: v for k, v in more.items() if k != "clients"}).configure_cert(
                context
            )
            if clients := more.get("clients"):
                context.verify_mode = ssl.CERT_REQUIRED
                clients.configure_trust(context)
            app = web.Application()
            app.router.add_post("/v1/chat/completions", _answer)
            server = web.AppRunner(app, access_log=None)
            await server.setup()
            stack.push_async_callback(server.cleanup)
            site = web.TCPSite(server, "127.0.0.1", 0, ssl_context=context)
            await site.start()
            port: int = server.addresses[0][1]
            return port

        yield start


async def _answer(request: web.Request) -> web.StreamResponse:
    await request.read()
    return web.Response(body=DONE, content_type="text/event-stream")


async def said(serve: Serve, base_url: str, **upstream: Any) -> str:
    """The text of a streamed answer, or the error's message."""
    service = await serve(configuration(base_url, **upstream))
    answer = await service.stream()
    if answer.status == 200:
        return text_in(events(answer.body))
    message: str = answer.error["message"]
    return message


def with_user(scheme: str, proxy: Proxy, password: str = PASSWORD) -> str:
    return f"{scheme}://{USER}:{password}@127.0.0.1:{proxy.port}"


# ---- proxies


async def test_through_an_http_proxy_to_http(serve: Serve, upstream: FakeUpstream) -> None:
    upstream.play(Reply("ok"))
    async with HttpProxy(wants=True) as proxy:
        assert await said(serve, upstream.base_url, proxy=with_user("http", proxy)) == "ok"
    assert proxy.asked == [f"{upstream.base_url}/chat/completions"]
    assert "proxy-authorization" not in upstream.requests[0].headers


@pytest.mark.parametrize("wants", [False, True])
async def test_through_an_http_proxy_to_https(serve: Serve, secure: Secure, ca_file: str, wants: bool) -> None:
    port = await secure()
    async with HttpProxy(wants=wants) as proxy:
        address = with_user("http", proxy) if wants else f"http://127.0.0.1:{proxy.port}"
        assert await said(serve, f"https://127.0.0.1:{port}", proxy=address, ca=ca_file) == "ok"
    assert proxy.asked == [f"127.0.0.1:{port}"]


async def test_through_an_https_proxy(serve: Serve, secure: Secure, ca: trustme.CA, ca_file: str) -> None:
    port, context = await secure(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    async with HttpProxy(wants=True, tls=context) as proxy:
        assert await said(serve, f"https://127.0.0.1:{port}", proxy=with_user("https", proxy), ca=ca_file) == "ok"
    assert proxy.asked == [f"127.0.0.1:{port}"]


@pytest.mark.parametrize("wants", [False, True])
async def test_through_a_socks_proxy(serve: Serve, upstream: FakeUpstream, wants: bool) -> None:
    upstream.play(Reply("ok"))
    async with SocksProxy(wants=wants) as proxy:
        address = with_user("socks5", proxy) if wants else f"socks5://127.0.0.1:{proxy.port}"
        assert await said(serve, upstream.base_url, proxy=address) == "ok"
    assert proxy.asked == [f"127.0.0.1:{upstream.port}"]


async def test_names_are_resolved_at_the_proxy(serve: Serve, secure: Secure, ca_file: str) -> None:
    """``upstream.test`` is a name that only the proxy knows; the certificate is for it all the same."""
    port = await secure()
    async with SocksProxy() as proxy:
        address = f"socks5h://127.0.0.1:{proxy.port}"
        assert await said(serve, f"https://upstream.test:{port}", proxy=address, ca=ca_file) == "ok"
    assert proxy.asked == [f"upstream.test:{port}"]


async def test_the_address_may_come_from_the_environment(
    serve: Serve, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.play(Reply("ok"))
    async with HttpProxy(wants=True) as proxy:
        monkeypatch.setenv("THE_PROXY", with_user("http", proxy))
        assert await said(serve, upstream.base_url, proxy="env:THE_PROXY") == "ok"
    assert len(proxy.asked) == 1


async def test_the_environments_proxies_where_they_are_wanted(
    serve: Serve, secure: Secure, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await secure()
    async with SocksProxy() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"socks5h://127.0.0.1:{proxy.port}")
        assert await said(serve, f"https://upstream.test:{port}", proxy="env", ca=ca_file) == "ok"
        monkeypatch.setenv("NO_PROXY", "upstream.test")
        assert "its name can't be resolved" in await said(serve, f"https://upstream.test:{port}", proxy="env")
    assert proxy.asked == [f"upstream.test:{port}"]


def test_another_variable_is_another_way() -> None:
    upstream = loaded(configuration("https://up.example", proxy="env")).upstreams["fake"]
    ways = [Network("fake", upstream, env) for env in ({}, {"HTTPS_PROXY": "one:1"}, {"HTTPS_PROXY": "two:2"})]
    assert [way.shown for way in ways] == ["", "http://one:1", "http://two:2"]
    assert ways[0] != ways[1] != ways[2]


# ---- what fails on the way


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_is_not_there(serve: Serve, upstream: FakeUpstream, scheme: str) -> None:
    said_ = await said(serve, upstream.base_url, proxy=f"{scheme}://{USER}:{PASSWORD}@127.0.0.1:9")
    assert f"its proxy {scheme}://127.0.0.1:9 can't be reached" in said_
    assert said_.endswith(f"correct proxy in [upstreams.fake]. Its address: {upstream.base_url}.")
    assert PASSWORD not in said_


@pytest.mark.parametrize("to", ["http", "https"])
async def test_a_proxy_that_wants_another_password(
    serve: Serve, secure: Secure, ca_file: str, upstream: FakeUpstream, to: str
) -> None:
    base_url = f"https://127.0.0.1:{await secure()}" if to == "https" else upstream.base_url
    async with HttpProxy(wants=True) as proxy:
        answer = await said(serve, base_url, proxy=with_user("http", proxy, "wrong-password-1234"), ca=ca_file)
    assert "refused the user or password (407). Correct proxy in [upstreams.fake]." in answer
    assert "wrong-password" not in answer


async def test_a_socks_proxy_that_wants_another_password(serve: Serve, upstream: FakeUpstream) -> None:
    async with SocksProxy(wants=True) as proxy:
        answer = await said(serve, upstream.base_url, proxy=with_user("socks5", proxy, "wrong-password-1234"))
    assert f"its proxy socks5://127.0.0.1:{proxy.port} refused: " in answer
    assert "wrong-password" not in answer


async def test_socks_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "socks_is_there", lambda: False)
    with pytest.raises(CredentialError, match=r"pip install 'c2o\[socks\]'") as raised:
        prepared(loaded(configuration("http://127.0.0.1:9", proxy="socks5h://127.0.0.1:9")))
    assert raised.value.place == "[upstreams.fake] proxy"


async def test_a_ca_that_nobody_knows(serve: Serve, secure: Secure) -> None:
    answer = await said(serve, f"https://127.0.0.1:{await secure()}")
    assert "isn't accepted: nobody whom this machine trusts has signed it" in answer
    assert 'ca = "/path/ca.pem" in [upstreams.fake]' in answer


async def test_another_host_name(serve: Serve, secure: Secure, ca_file: str) -> None:
    answer = await said(serve, f"https://127.0.0.1:{await secure(('elsewhere.test',))}", ca=ca_file)
    assert "its TLS certificate isn't accepted: it is for another address. Check the host in base_url. Its" in answer


async def test_an_expired_certificate(serve: Serve, secure: Secure, ca_file: str) -> None:
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    answer = await said(serve, f"https://127.0.0.1:{await secure(not_after=yesterday)}", ca=ca_file)
    assert "its TLS certificate isn't accepted: it has expired" in answer


# ---- who we are


@pytest.mark.parametrize("files", [1, 2])
async def test_a_certificate_of_ours(
    serve: Serve, secure: Secure, ca: trustme.CA, ca_file: str, tmp_path: Path, files: int
) -> None:
    port, ours = await secure(clients=ca), ca.issue_cert("someone@company.test")
    whole, cert, key = tmp_path / "whole.pem", tmp_path / "cert.pem", tmp_path / "key.pem"
    ours.private_key_and_cert_chain_pem.write_to_path(str(whole))
    ours.cert_chain_pems[0].write_to_path(str(cert))
    ours.private_key_pem.write_to_path(str(key))
    given = str(whole) if files == 1 else {"cert": str(cert), "key": str(key)}
    assert await said(serve, f"https://127.0.0.1:{port}", ca=ca_file, client_cert=given) == "ok"


@pytest.mark.parametrize("by_another", [False, True])
async def test_a_certificate_that_is_missing_or_not_wanted(
    serve: Serve, secure: Secure, ca: trustme.CA, ca_file: str, tmp_path: Path, by_another: bool
) -> None:
    port, path = await secure(clients=ca), tmp_path / "other.pem"
    trustme.CA().issue_cert("someone@elsewhere.test").private_key_and_cert_chain_pem.write_to_path(str(path))
    more = {"client_cert": str(path)} if by_another else {}
    answer = await said(serve, f"https://127.0.0.1:{port}", ca=ca_file, **more)
    assert "another client certificate, or one at all" in answer
    assert "correct client_cert in [upstreams.fake]. its address" in answer.lower()


# ---- what the configuration gets wrong


@pytest.mark.parametrize("proxy", ["proxy:3128", "ftp://proxy:21", f"socks4://u:{PASSWORD}@p:1", "http://p:port"])
def test_an_address_that_is_none_is_refused_with_its_place(proxy: str) -> None:
    with pytest.raises(ConfigError, match=r"config.toml:\d+: \[upstreams.fake\] proxy: not an address like") as raised:
        loaded(configuration("https://127.0.0.1:9", proxy=proxy))
    assert PASSWORD not in str(raised.value)


def test_a_variable_that_holds_none_is_named() -> None:
    with pytest.raises(CredentialError, match="upstream fake: HTTPS_PROXY: not an address like") as raised:
        prepared(loaded(configuration("https://up.example", proxy="env")), {"HTTPS_PROXY": f"ftp://u:{PASSWORD}@p"})
    assert PASSWORD not in str(raised.value)
    assert raised.value.place == "[upstreams.fake] proxy"


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nothing of the kind")
    cases = {
        "ca": (tmp_path / "no.pem", "can't be read: No such file or directory. Correct ca."),
        "ca ": (nonsense, "has no certificate in PEM form"),
        "client_cert": (nonsense, "is no certificate in PEM form with its own key"),
    }
    for key, (path, told) in cases.items():
        with pytest.raises(CredentialError) as raised:
            prepared(loaded(configuration("https://127.0.0.1:9", **{key.strip(): str(path)})))
        assert str(raised.value).startswith("upstream fake: ")
        assert told in str(raised.value)
        assert raised.value.place == f"[upstreams.fake] {key.strip()}"


def test_the_same_files_make_the_same_network_and_others_another(ca: trustme.CA, ca_file: str) -> None:
    upstream = loaded(configuration("https://127.0.0.1:9", ca=ca_file)).upstreams["fake"]
    before = Network("fake", upstream, {})
    assert Network("fake", upstream, {}) == before
    trustme.CA().cert_pem.write_to_path(ca_file)
    assert Network("fake", upstream, {}) != before


async def test_credentials_of_a_proxy_are_shown_nowhere() -> None:
    config = loaded(configuration("https://127.0.0.1:9", proxy=f"http://{USER}:{PASSWORD}@proxy:3128"))
    assert PASSWORD not in repr(config)
    assert {PASSWORD, TOKEN} <= set(_secrets(prepared(config)))


def _secrets(given: Any) -> set[str]:
    return {each for way in given.networks.values() for each in way.secrets} | {TOKEN}
