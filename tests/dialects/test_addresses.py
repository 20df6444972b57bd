"""Where requests go and under which headers, asked of a real service in front of a real server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from c2o import urls
from c2o.translate.dialects import DIALECTS
from tests.fake_upstream import FakeUpstream, Reply
from tests.proxy.conftest import Serve, configuration
from tests.proxy.talk import KEY, TOKEN, hello

Json = dict[str, Any]


class Case(NamedTuple):
    bases: tuple[str, ...]
    """What the configuration has as ``base_url``, behind the server's address."""
    path: str
    """Where the request must arrive."""
    dialect: str = "generic"
    headers: Mapping[str, str | None] = {}
    """What it must say there; None: not at all."""
    body: Json = {}
    """What must be in the body; None: not at all."""
    hosts: Mapping[str, str] = {}
    """What people paste that can't be asked from here, and where that leads."""
    asked: bytes = json.dumps(hello(max_tokens=100)).encode()
    said: Mapping[str, str] = {}
    """The client's own headers."""


BEARER = {"authorization": f"Bearer {KEY}", "api-key": None}
DEPLOYMENT = "/openai/deployments/d/chat/completions?api-version=2024-10-21"

CASES: dict[str, Case] = {
    "G34 lone-surrogate-in-text": Case(
        ("",),
        "/v1/chat/completions",
        asked=json.dumps(hello()).encode().replace(b"Hello", b"a \\ud83c b"),
        body={"messages": [{"role": "user", "content": "a \ufffd b"}]},
    ),
    "G35 url-forms": Case(
        ("/v1", "/v1/", "/v1/chat/completions", ""),
        "/v1/chat/completions",
        headers=BEARER,
        hosts={"https://h": "https://h/v1/chat/completions"},
    ),
    "G36 url-azure": Case(
        (DEPLOYMENT, "/openai/deployments/d?api-version=2024-10-21"),
        DEPLOYMENT,
        "azure",
        headers={"api-key": KEY, "authorization": None},
        hosts={
            f"https://r.openai.azure.com{DEPLOYMENT}": f"https://r.openai.azure.com{DEPLOYMENT}",
            "https://r.openai.azure.com": "https://r.openai.azure.com/openai/v1/chat/completions",
            "https://r.openai.azure.com/openai/v1/": "https://r.openai.azure.com/openai/v1/chat/completions",
            "https://r.services.ai.azure.com/models?api-version=2024-05-01-preview": (
                "https://r.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview"
            ),
        },
    ),
    "G37 url-zai": Case(
        ("/api/paas/v4", "/api/paas/v4/chat/completions"),
        "/api/paas/v4/chat/completions",
        "zai",
        headers=BEARER,
        hosts={
            "https://api.z.ai/api/paas/v4": "https://api.z.ai/api/paas/v4/chat/completions",
            "https://api.z.ai": "https://api.z.ai/api/paas/v4/chat/completions",
            "https://api.z.ai/api/coding/paas/v4": "https://api.z.ai/api/coding/paas/v4/chat/completions",
        },
    ),
    "G38 url-copilot": Case(
        ("/chat/completions",),
        "/v1/chat/completions",  # of a host that isn't Copilot's own
        "copilot",
        headers={
            **BEARER,
            "copilot-integration-id": "vscode-chat",
            "openai-intent": "conversation-agent",
            "x-initiator": "user",
            "copilot-vision-request": None,
        },
        body={"max_completion_tokens": 100, "max_tokens": None},
        hosts={
            "https://api.githubcopilot.com": "https://api.githubcopilot.com/chat/completions",
            "https://api.individual.githubcopilot.com/": "https://api.individual.githubcopilot.com/chat/completions",
        },
    ),
    "G40 client-headers-not-forwarded": Case(
        ("/v1",),
        "/v1/chat/completions",
        headers={**BEARER, "x-api-key": None, "anthropic-beta": None, "cookie": None},
        said={"x-api-key": TOKEN, "authorization": f"Bearer {TOKEN}", "anthropic-beta": "b", "cookie": "a=b"},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_request(case: Case, serve: Serve, upstream: FakeUpstream) -> None:
    for base in case.bases:
        upstream.play(Reply(text="Hi"))
        service = await serve(configuration(upstream.url + base, dialect=case.dialect))
        headers = {"Content-Type": "application/json", **case.said}
        answer = await service.ask("POST", "/v1/messages", data=case.asked, headers=headers)

        assert answer.status == 200
        sent = upstream.requests[-1]
        assert sent.path == case.path, base
        assert {name: sent.headers.get(name) for name in case.headers} == case.headers
        assert sent.headers["host"] == f"127.0.0.1:{upstream.port}"
        assert {name: sent.json.get(name) for name in case.body} == case.body
    for base, url in case.hosts.items():
        assert urls.endpoint(base, "/chat/completions") == url


async def test_copilot_hears_who_asks(serve: Serve, upstream: FakeUpstream) -> None:
    """What a tool brought is the agent's own doing, and costs nothing there."""
    upstream.play(Reply(text="Hi"))
    service = await serve(configuration(upstream.base_url, dialect="copilot"))
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    call = {"type": "tool_use", "id": "t1", "name": "Read", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "r"}
    said = [
        {"role": "user", "content": [image]},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    await service.post(body=hello(messages=said))

    sent = upstream.requests[0].headers
    assert (sent["x-initiator"], sent["copilot-vision-request"]) == ("agent", "true")


async def test_configured_headers_win(serve: Serve, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="Hi"))
    mine = {"Editor-Version": "mine/1"}
    service = await serve(configuration(upstream.base_url, dialect="copilot", headers=mine))
    await service.post()

    assert upstream.requests[0].headers["editor-version"] == "mine/1"
    assert DIALECTS["copilot"].headers["Editor-Version"] != "mine/1"
