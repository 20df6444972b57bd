"""Who is served: the token, the Host, and no web page; each refusal costs no upstream call."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest

from c2o.proxy.access import OPEN
from c2o.proxy.app import create_app
from c2o.proxy.prepared import prepared
from tests.fake_upstream import FakeUpstream, Reply
from tests.proxy.conftest import Serve, Service, configuration, loaded
from tests.proxy.talk import HELLO, TOKEN, request

# ---- the token


def routes() -> list[tuple[str, str]]:
    """Every method and path of the router; the open ones are left out."""
    app = create_app(prepared(loaded(configuration("http://127.0.0.1:9/v1"))))
    found = [
        (route.method, route.resource.canonical.replace("{id}", "x")) for route in app.router.routes() if route.resource
    ]
    return sorted({route for route in found if route not in OPEN})


WRONG = ("", "c2o", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ключ")
WRONG_CREDENTIALS = [
    {},
    *({"x-api-key": wrong} for wrong in WRONG),
    *({"Authorization": f"Bearer {wrong}"} for wrong in WRONG),
    {"Authorization": f"Basic {TOKEN}"},
    {"x-api-key": TOKEN[:-1], "Authorization": f"Bearer {TOKEN[1:]}"},
    {"Cookie": f"x-api-key={TOKEN}"},
]


def test_the_router_has_all_that_issue_it_promises() -> None:
    assert len(routes()) >= 25
    assert {("POST", "/v1/messages"), ("GET", "/c2o/status"), ("GET", "/v1/models/x")} <= set(routes())


@pytest.mark.parametrize(("method", "path"), routes())
async def test_without_the_token_no_route_answers(
    service: Service, upstream: FakeUpstream, method: str, path: str
) -> None:
    for credentials in WRONG_CREDENTIALS:
        answer = await service.ask(method, path, token=None, headers=credentials, data=json.dumps(HELLO))

        assert answer.status == 401, credentials
        assert answer.error["type"] == "authentication_error"
        assert "c2o run" in answer.error["message"]
        assert answer.headers["x-should-retry"] == "false"
    assert upstream.requests == []


@pytest.mark.parametrize(
    "credentials",
    [
        {"x-api-key": TOKEN},
        {"Authorization": f"Bearer {TOKEN}"},
        {"x-api-key": TOKEN, "Authorization": f"Bearer {TOKEN}"},
        {"x-api-key": "another", "Authorization": f"Bearer {TOKEN}"},
        {"x-api-key": TOKEN, "Authorization": "Bearer another"},
        {"authorization": f"bearer {TOKEN}"},
        {"X-API-KEY": TOKEN},
    ],
)
async def test_the_token_is_taken_from_either_header(
    service: Service, upstream: FakeUpstream, credentials: dict[str, str]
) -> None:
    upstream.play(Reply(text="Hi"))
    assert (await service.post(token=None, headers=credentials)).status == 200


@pytest.mark.parametrize(("method", "path"), sorted(OPEN))
async def test_what_is_open_says_nothing_of_the_configuration(service: Service, method: str, path: str) -> None:
    answer = await service.ask(method, path, token=None)

    assert answer.status == 200
    assert "request-id" in answer.headers
    assert b"fake" not in answer.body


async def test_the_open_paths_are_open_for_their_methods_only(service: Service) -> None:
    wrong = [
        ("POST", "/health"),
        ("DELETE", "/health"),
        ("GET", "/"),
        ("POST", "/"),
        ("GET", "/api/hello"),
        ("PUT", "/"),
    ]
    for method, path in wrong:
        assert (await service.ask(method, path, token=None)).status == 401, (method, path)


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/messages", "/c2o", "/c2o/stop", "/favicon.ico", "/.env", "/metrics"])
async def test_without_the_token_nobody_learns_which_paths_there_are(service: Service, path: str) -> None:
    assert (await service.get(path, token=None)).status == 401


# ---- the Host


STRANGE_HOSTS = [
    "127.0.0.1.evil:{port}",
    "localhost.:{port}",
    "127.1:{port}",
    "0.0.0.0:{port}",
    "[::]:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "2130706433:{port}",
    "0x7f.0.0.1:{port}",
    "evil.example:{port}",
    "localhost.evil.example:{port}",
    "LOCALHOST.:{port}",
    "user@127.0.0.1:{port}",
    "127.0.0.1@evil.example:{port}",
    "127.0.0.1:{port}@evil.example",
    "127.0.0.1:{port}.evil.example",
    "127.0.0.1:1",
    "127.0.0.1:0{port}",
    "127.0.0.1:{port}0",
    "127.0.0.1:+{port}",
    "127.0.0.1",
    "localhost",
    "127.0.0.1:",
    ":{port}",
    "",
    " ",
    "127.0.0.1 :{port}",
    "127.0.0.1:{port}, evil.example",
    "evil.example, 127.0.0.1:{port}",
    "127.0.0.1:{port}/",
    "127.0.0.1:{port}#",
    "127.0.0.2:{port}",
    "::1:{port}",
    "127.0.0.1%00:{port}",
]


async def said_to(service: Service, data: bytes) -> bytes:
    """The answer to raw bytes."""
    return await (await service.connect()).answer_to(data)


@pytest.mark.parametrize("host", STRANGE_HOSTS)
async def test_a_strange_host_is_refused(service: Service, upstream: FakeUpstream, host: str) -> None:
    """DNS rebinding: the browser resolves a stranger's name to 127.0.0.1 and sends that name as Host."""
    heard = await said_to(service, request(host=host.format(port=service.port)))

    assert heard.split(b" ")[1] in (b"400", b"403"), heard
    assert upstream.requests == []


@pytest.mark.parametrize("path", ["/health", "/"])
async def test_a_strange_host_is_refused_on_open_paths_too(service: Service, path: str) -> None:
    method = "GET" if path == "/health" else "HEAD"
    heard = await said_to(service, request(path, b"", method=method, host=f"evil.example:{service.port}"))
    assert heard.startswith(b"HTTP/1.1 403")


async def test_a_request_has_exactly_one_host(service: Service, upstream: FakeUpstream) -> None:
    good = request(host=service.host)
    line = f"Host: {service.host}\r\n".encode()
    for wrong in (
        good.replace(line, b""),
        good.replace(line, line * 2),
        good.replace(line, line + b"Host: evil.example\r\n"),
    ):
        heard = await said_to(service, wrong)
        assert heard.split(b" ")[1] in (b"400", b"403"), heard
    assert upstream.requests == []


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example/v1/messages",
        "http://{host}/v1/messages",
        "https://{host}/v1/messages",
        "//evil.example/v1/messages",
    ],
)
async def test_an_address_in_the_request_line_is_refused(service: Service, upstream: FakeUpstream, target: str) -> None:
    """The absolute form is for proxies; its authority would count instead of the Host (RFC 9112, 3.2.2)."""
    heard = await said_to(service, request(target.format(host=service.host), host=service.host))

    assert heard.split(b" ")[1] in (b"400", b"403", b"404"), heard
    assert upstream.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}"])
async def test_our_own_names_are_served(service: Service, upstream: FakeUpstream, host: str) -> None:
    upstream.play(Reply(text="Hi"))
    heard = await said_to(service, request(host=host.format(port=service.port)))
    assert heard.startswith(b"HTTP/1.1 200"), heard


async def test_a_host_refusal_has_anthropic_s_shape(service: Service) -> None:
    answer = await service.post(headers={"Host": "evil.example"})
    assert answer.status == 403
    assert answer.error["type"] == "permission_error"
    assert "127.0.0.1" in answer.error["message"]


async def test_a_remote_service_answers_to_any_name_but_still_wants_the_token(
    serve: Serve, upstream: FakeUpstream
) -> None:
    tables = configuration(upstream.base_url)
    service = await serve(tables | {"server": tables["server"] | {"allow_remote": True}})
    upstream.play(Reply(text="Hi"))

    assert (await service.post(headers={"Host": "c2o.lan:8226"})).status == 200
    assert (await service.post(headers={"Host": "c2o.lan:8226"}, token=None)).status == 401
    assert (await service.post(headers={"Origin": "http://c2o.lan:8226"})).status == 403


# ---- browsers


ORIGINS = [None, "null", "http://evil.example", "http://127.0.0.1:{port}", "http://localhost:{port}", ""]
SITES = [None, "cross-site", "same-site", "same-origin"]
CONTENT_TYPES = [
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
]
TARGETS = [
    ("POST", "/v1/messages"),
    ("POST", "/v1/messages/count_tokens"),
    ("GET", "/v1/models"),
    ("GET", "/health"),
    ("GET", "/c2o/status"),
    ("POST", "/api/event_logging/batch"),
    ("OPTIONS", "/v1/messages"),
    ("HEAD", "/"),
]


def page_requests() -> Iterator[tuple[str, str, dict[str, str]]]:
    """What a web page can send: any method and route, with an Origin, with Sec-Fetch-Site, or as a form."""
    for (method, path), origin, site, kind in itertools.product(TARGETS, ORIGINS, SITES, CONTENT_TYPES):
        headers = {"Origin": origin, "Sec-Fetch-Site": site, "Content-Type": kind}
        given = {name: value for name, value in headers.items() if value is not None}
        if origin is not None or site is not None:
            yield method, path, given


async def test_no_web_page_is_served(service: Service, upstream: FakeUpstream) -> None:
    """Even one that has the token: 184 combinations of method, route, Origin, Sec-Fetch-Site and form."""
    for method, path, given in page_requests():
        headers = {name: value.format(port=service.port) for name, value in given.items()}
        answer = await service.ask(method, path, headers=headers, data=b"{}")

        assert answer.status == 403, (method, path, headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert upstream.requests == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/health", "/v1/models"])
async def test_images_frames_and_navigations_are_refused(service: Service, path: str, headers: dict[str, str]) -> None:
    assert (await service.get(path, headers=headers)).status == 403


async def test_node_s_own_fetch_is_served(service: Service, upstream: FakeUpstream) -> None:
    """Node sends ``sec-fetch-mode: cors`` by itself, and with it the official TypeScript SDK."""
    upstream.play(Reply(text="Hi"))
    assert (await service.post(headers={"sec-fetch-mode": "cors", "accept-language": "*"})).status == 200


async def test_a_preflight_gets_no_permission(service: Service) -> None:
    headers = {
        "Origin": "http://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Private-Network": "true",
    }
    for token in (None, TOKEN):
        answer = await service.ask("OPTIONS", "/v1/messages", token=token, headers=headers)
        assert answer.status == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert (await service.ask("OPTIONS", "/v1/messages")).status == 405


@pytest.mark.parametrize("kind", [*CONTENT_TYPES[1:], "text/json", "application/jsonx", "application/json-seq", "x"])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_json_only(service: Service, upstream: FakeUpstream, path: str, kind: str) -> None:
    answer = await service.ask("POST", path, data=json.dumps(HELLO).encode(), headers={"Content-Type": kind})

    assert answer.status == 415
    assert "application/json" in answer.error["message"]
    assert upstream.requests == []


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "Application/JSON ;charset=UTF-8"]
)
async def test_json_in_every_spelling(service: Service, upstream: FakeUpstream, kind: str) -> None:
    upstream.play(Reply(text="Hi"))
    answer = await service.ask("POST", "/v1/messages", data=json.dumps(HELLO).encode(), headers={"Content-Type": kind})
    assert answer.status == 200


async def test_no_answer_lets_a_web_page_read_it(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="Hi"), Reply(text="Hi"))
    answers = [
        await service.post(),
        await service.stream(),
        await service.get("/v1/models"),
        await service.get("/health"),
    ]

    assert [answer.status for answer in answers] == [200] * 4
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control")]


# ---- odd methods and paths


SPELLINGS = [
    "/V1/messages",
    "/v1/Messages",
    "/v1//messages",
    "//v1/messages",
    "/v1/messages//",
    "/v1/./messages/.",
    "/v1/messages/../x",
    "/v1/messages;x",
    "/v1/messages%2F",
    "/v1%2Fmessages",
    "/v1/messages%00",
    "/v1/messages.json",
    "/v1/v1/v1/messages",
    "/v2/messages",
    "/v1/message",
    "/v1/messages/batches",
    "/v1/messages/x",
    "/v1/complete",
    "/v1/files",
    "/v1/skills",
    "/chat/completions",
    "/v1/chat/completions",
    "/anthropic/messages",
    "/managed/settings",
    "/api/oauth/usage",
    "/v1/organizations",
    "/c2o/",
    "/c2o/stop",
    "/api/event_logging",
    "/.well-known/x",
    "/v1/messages\\",
    "/v1/messages%20",
]


@pytest.mark.parametrize("path", SPELLINGS)
async def test_unknown_paths_are_404_in_anthropic_s_shape(service: Service, upstream: FakeUpstream, path: str) -> None:
    heard = await said_to(service, request(path, host=service.host))

    assert heard.startswith(b"HTTP/1.1 404"), heard
    body = json.loads(heard.partition(b"\r\n\r\n")[2])
    assert body["error"]["type"] == "not_found_error"
    assert "not supported by c2o" in body["error"]["message"]
    assert upstream.requests == []


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "TRACE", "PROPFIND", "post", "OPTIONS"])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens", "/messages/"])
async def test_wrong_methods_are_405_in_anthropic_s_shape(
    service: Service, upstream: FakeUpstream, path: str, method: str
) -> None:
    heard = await said_to(service, request(path, method=method, host=service.host))

    status = heard.split(b" ")[1]
    assert status == (b"405" if method != "post" else status)
    assert status in (b"400", b"405")
    if method not in ("HEAD", "post"):
        error = json.loads(heard.partition(b"\r\n\r\n")[2])["error"]
        assert (error["type"], method in error["message"]) == ("invalid_request_error", True)
    assert upstream.requests == []


async def test_no_tunnel_is_opened(service: Service, upstream: FakeUpstream) -> None:
    heard = await said_to(service, f"CONNECT {service.host} HTTP/1.1\r\nHost: {service.host}\r\n\r\n".encode())

    assert heard.split(b" ")[1] in (b"400", b"401", b"403", b"404", b"405"), heard
    assert upstream.requests == []


async def test_no_upgrade_is_made(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="Hi"))
    data = request(host=service.host, Connection="Upgrade, close", Upgrade="websocket")
    heard = await said_to(service, data)
    assert heard.startswith(b"HTTP/1.1 200"), heard
