"""How the embedded upstream speaks, seen from an HTTP client."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from c2o.demo import MODEL
from c2o.demo.server import create_app, words

Client = TestClient[web.Request, web.Application]
HELLO = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
TOOL = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
async def client(aiohttp_client: Callable[..., Awaitable[Client]]) -> Client:
    return await aiohttp_client(create_app())


async def ask(client: Client, **fields: Any) -> Any:
    answer = await client.post("/v1/chat/completions", json=HELLO | fields)
    assert answer.status == 200
    return await answer.json()


async def stream(client: Client, **fields: Any) -> list[Any]:
    answer = await client.post("/v1/chat/completions", json=HELLO | {"stream": True} | fields)
    assert answer.content_type == "text/event-stream"
    *events, done, rest = (await answer.text()).split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


async def test_it_lists_its_one_model(client: Client) -> None:
    models = await (await client.get("/v1/models")).json()
    assert [model["id"] for model in models["data"]] == [MODEL]


async def test_a_stream_says_what_the_whole_answer_says(client: Client) -> None:
    fields = {"tools": [TOOL], "tool_choice": "required"}
    message = (await ask(client, **fields))["choices"][0]["message"]
    deltas = [chunk["choices"][0]["delta"] for chunk in await stream(client, **fields)]

    assert "".join(delta.get("content") or "" for delta in deltas) == message["content"]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == message["reasoning_content"]
    calls = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert (calls[0]["id"], calls[0]["function"]["name"]) == (message["tool_calls"][0]["id"], "now")
    assert "".join(call["function"]["arguments"] for call in calls) == "{}"


@pytest.mark.parametrize(
    ("fields", "reason"), [({}, "stop"), ({"tools": [TOOL], "tool_choice": "required"}, "tool_calls")]
)
async def test_the_finish_reason_fits(client: Client, fields: dict[str, Any], reason: str) -> None:
    assert (await ask(client, **fields))["choices"][0]["finish_reason"] == reason
    assert (await stream(client, **fields))[-1]["choices"][0]["finish_reason"] == reason


async def test_usage_is_streamed_to_whom_asks_for_it(client: Client) -> None:
    without = await stream(client)
    *_, last = await stream(client, stream_options={"include_usage": True})

    assert not any("usage" in chunk for chunk in without)
    assert last["choices"] == []
    assert last["usage"] == (await ask(client))["usage"]
    assert last["usage"]["prompt_tokens"] > 0
    assert last["usage"]["completion_tokens"] > 0


async def test_the_last_request_can_be_looked_at(client: Client) -> None:
    await ask(client, temperature=0.5)
    assert await (await client.get("/last")).json() == HELLO | {"temperature": 0.5}


async def test_another_model_is_unknown(client: Client) -> None:
    answer = await client.post("/v1/chat/completions", json=HELLO | {"model": "gpt-5"})
    assert answer.status == 404
    assert (await answer.json())["error"]["code"] == "model_not_found"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"messages": 3}', b'{"messages": [1]}'])
async def test_what_is_no_request_is_refused(client: Client, body: bytes) -> None:
    answer = await client.post("/v1/chat/completions", data=body)
    assert answer.status == 400
    assert (await answer.json())["error"]["type"] == "invalid_request_error"


async def test_an_unknown_path_names_the_known_ones(client: Client) -> None:
    answer = await client.get("/v1/completions")
    assert answer.status == 404
    assert "POST /v1/chat/completions" in (await answer.json())["error"]["message"]


async def test_its_front_page_is_honest(client: Client) -> None:
    assert "no model thinks here" in await (await client.get("/")).text()


@pytest.mark.parametrize("text", ["", "one", "one two", " one  two ", "line\nline"])
def test_words_joined_are_the_text(text: str) -> None:
    assert "".join(words(text)) == text
