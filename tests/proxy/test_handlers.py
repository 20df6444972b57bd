"""What each endpoint answers, and to whom it says no."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from c2o.proxy import body, messages
from c2o.proxy.state import State
from c2o.translate.chat import ChatTranslator
from c2o.wire.health import answer as health_answer
from tests.fake_upstream import DONE, FakeUpstream, Hold, Reply, finish, stream, text
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.talk import HELLO, TOKEN, check_grammar, events, eventually, hello, names, request, text_in


async def test_a_whole_answer(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="Hi there"))
    answer = await service.post()

    assert answer.status == 200
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    assert answer.json["content"] == [{"type": "text", "text": "Hi there"}]
    assert (answer.json["model"], answer.json["stop_reason"]) == ("claude-sonnet-5", "end_turn")
    assert answer.json["usage"]["input_tokens"] == 10


async def test_a_streamed_answer(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="Hi there"))
    answer = await service.stream()

    found = events(answer.body)
    check_grammar(found)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert text_in(found) == "Hi there"
    assert found[-2].data["usage"]["input_tokens"] == 10


async def test_every_answer_has_an_id_of_its_own(service: Service, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="a"), Reply(text="b"))
    answers = [
        await service.post(),
        await service.stream(),
        await service.get("/v1/models"),
        await service.get("/nowhere"),
        await service.get("/health"),
        await service.ask("HEAD", "/"),
        await service.post(token=None),
        await service.post(body={}),
        await service.get("/c2o/status"),
    ]
    ids = [answer.headers["request-id"] for answer in answers]

    assert len(set(ids)) == len(answers)
    assert all(id.startswith("req_") and len(id) == 28 for id in ids)
    for answer in answers:
        if answer.status >= 400:
            assert answer.error  # which checks that the body has the header's id


# ---- the client's first steps, and its telemetry


@pytest.mark.parametrize("path", ["/", "/api/hello"])
async def test_the_connection_can_be_warmed_up(service: Service, path: str) -> None:
    for token in (None, TOKEN):
        answer = await service.ask("HEAD", path, token=token)
        assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("body", [b'{"events": [{"secret": 1}]}', b"[]", b"no json", b"x" * 100_000])
async def test_telemetry_ends_here(
    service: Service, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    answer = await service.ask(
        "POST", "/api/event_logging/batch", data=body, headers={"Content-Type": "application/json"}
    )

    assert (answer.status, answer.json) == (200, {})
    assert upstream.requests == []
    assert caplog.text == ""


# ---- models


MODELS = {f"claude-{n}": f"fake/model-{n}" for n in range(5)} | {"default": "fake/model-0", "gpt-*": "fake/*"}


@pytest.fixture
async def many_models(serve: Serve, upstream: FakeUpstream) -> Service:
    limits = {"fake/model-1": {"context_window": 131072, "max_output_tokens": 8192}}
    return await serve(configuration(upstream.base_url) | {"models": MODELS, "limits": limits})


async def pages(service: Service, query: str, key: str, cursor: str, size: int) -> list[list[str]]:
    """All pages, as the SDKs turn them: while ``has_more``, with the id at the page's end."""
    found: list[list[str]] = []
    more = f"limit={size}" + query
    while True:
        page = (await service.get(f"/v1/models?{more}")).json
        found.append([model["id"] for model in page["data"]])
        assert (page["first_id"], page["last_id"]) == (found[-1][0], found[-1][-1])
        assert len(found) < 50, "the pages never end"
        if not page["has_more"]:
            return found
        more = f"limit={size}&{key}={page[cursor]}"


@pytest.mark.parametrize("size", [1, 2, 3, 9, 10, 11, 1000])
async def test_the_pages_of_models_hold_each_once(many_models: Service, size: int) -> None:
    everything = [model["id"] for model in (await many_models.get("/v1/models?limit=1000")).json["data"]]
    forwards = await pages(many_models, "", "after_id", "last_id", size)

    assert len(everything) == 10
    assert [id for page in forwards for id in page] == everything
    assert {len(page) for page in forwards[:-1]} <= {size}


@pytest.mark.parametrize("size", [1, 2, 3, 8, 9, 1000])
async def test_the_pages_go_backwards_too(many_models: Service, size: int) -> None:
    everything = [model["id"] for model in (await many_models.get("/v1/models?limit=1000")).json["data"]]
    backwards = await pages(many_models, f"&before_id={everything[-1]}", "before_id", "first_id", size)

    assert [id for page in reversed(backwards) for id in page] == everything[:-1]


async def test_a_model_shows_what_is_known_of_it(many_models: Service) -> None:
    answer = await many_models.get("/v1/models/claude-1")

    assert answer.json | {"created_at": ""} == {
        "type": "model",
        "id": "claude-1",
        "display_name": "model-1 (fake)",
        "created_at": "",
        "lifecycle": "active",
        "max_input_tokens": 131072,
        "max_tokens": 8192,
    }


@pytest.mark.parametrize("spelling", ["c2o-claude/fake/model-2", "c2o-claude%2Ffake%2Fmodel-2"])
async def test_an_alias_is_found_however_it_is_quoted(many_models: Service, spelling: str) -> None:
    assert (await many_models.get(f"/v1/models/{spelling}")).json["id"] == "c2o-claude/fake/model-2"


async def test_an_unknown_model_is_not_found(many_models: Service) -> None:
    answer = await many_models.get("/v1/models/claude-99")
    assert (answer.status, answer.error["type"]) == (404, "not_found_error")
    assert "claude-99" in answer.error["message"]


@pytest.mark.parametrize(
    ("stages", "listed"),
    [("lifecycle[]=active", True), ("lifecycle[]=retired&lifecycle[]=active", True), ("lifecycle[]=retired", False)],
)
async def test_models_by_the_stages_of_their_lives(many_models: Service, stages: str, listed: bool) -> None:
    """Whatever an upstream serves is active, as far as anybody can know."""
    assert bool((await many_models.get(f"/v1/models?{stages}")).json["data"]) is listed


async def test_a_page_after_the_last_is_empty(many_models: Service) -> None:
    last = (await many_models.get("/v1/models?limit=1000")).json["last_id"]
    page = (await many_models.get(f"/v1/models?after_id={last}")).json
    assert page == {"data": [], "has_more": False, "first_id": None, "last_id": None}


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "", "1.5", "9" * 5000, "٣", "1_0", "+1"])
async def test_a_limit_is_a_number_from_1_to_1000(many_models: Service, limit: str) -> None:
    answer = await many_models.get("/v1/models", params={"limit": limit})
    assert answer.status == 400
    assert answer.error["message"].startswith("limit: ")


@pytest.mark.parametrize(
    "model",
    ["claude-opus-9", "claude-haiku-5-5-20990101", "claude-sonnet-5[1m]", "c2o-claude/fake/x", "fake/x/y", "anything"],
)
async def test_every_model_name_finds_a_way(service: Service, upstream: FakeUpstream, model: str) -> None:
    upstream.play(Reply(text="Hi"))
    assert (await service.post(body=hello(model=model))).json["model"] == model


async def test_a_model_without_a_way_is_told_where_to_add_it(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configuration(upstream.base_url) | {"models": {"gpt-*": "fake/*"}})
    answer = await service.post(body=hello(model="llama"))

    assert (answer.status, answer.error["type"]) == (404, "not_found_error")
    assert "[models]" in answer.error["message"]


# ---- counting


TOOL = {"name": "Read", "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}}
EVERYTHING: list[dict[str, Any]] = [
    {"type": "text", "text": "Look:", "cache_control": {"type": "ephemeral"}},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
    {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}},
    {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}},
    {"type": "search_result", "title": "t", "source": {"type": "url"}, "content": [{"type": "text", "text": "x"}]},
    {"type": "block_of_tomorrow", "content": {"deep": [1, None]}, "text": "x"},
]


async def test_a_count_takes_every_block_and_calls_nobody(service: Service, upstream: FakeUpstream) -> None:
    conversation = [
        {"role": "user", "content": EVERYTHING},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "Read", "input": {"path": "x"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": EVERYTHING[:2]}]},
        {"role": "system", "content": "Be brief."},
    ]
    body = {"model": "claude-x", "messages": conversation, "tools": [TOOL], "system": [{"type": "text", "text": "s"}]}
    answer = await service.post("/v1/messages/count_tokens", body)

    assert list(answer.json) == ["input_tokens"]
    assert answer.json["input_tokens"] > 3000  # two images
    assert upstream.requests == []


@pytest.mark.parametrize("version", [None, "2023-06-01", "2026-10-21", "2099-01-01"])
async def test_no_version_and_no_beta_is_refused(service: Service, upstream: FakeUpstream, version: str | None) -> None:
    upstream.play(Reply(text="Hi"))
    headers = (
        {"anthropic-version": version, "anthropic-beta": "one-2025-01-01,of-tomorrow-2099-01-01"} if version else {}
    )
    assert (await service.post("/v1/messages?beta=true", headers=headers)).status == 200


# ---- who answers here


async def test_health_says_who_answers(service: Service) -> None:
    answer = await service.get("/health", token=None)
    assert answer.json["name"] == "c2o"
    assert "answer" not in answer.json


async def test_health_proves_knowledge_of_the_token_without_telling_it(service: Service) -> None:
    answer = await service.get("/health", token=None, params={"challenge": "n0nce&ü"})

    assert answer.json["answer"] == health_answer(TOKEN, "n0nce&ü")
    assert answer.json["answer"] != health_answer("another token", "n0nce&ü")
    assert TOKEN.encode() not in answer.body


# ---- malformed requests


def said(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def called(*results: Any) -> dict[str, Any]:
    call = {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "Read", "input": {}}]}
    return {"messages": [{"role": "user", "content": "x"}, call, {"role": "user", "content": list(results)}]}


RESULT = {"type": "tool_result", "tool_use_id": "a", "content": "x"}

MALFORMED: list[tuple[str, dict[str, Any]]] = [
    ("model", {"model": 5}),
    ("max_tokens", {"max_tokens": "many"}),
    ("max_tokens", {"max_tokens": None}),
    ("max_tokens", {"max_tokens": -1}),
    ("messages", {"messages": []}),
    ("messages", {"messages": "Hello"}),
    ("messages", {"messages": None}),
    ("messages", {"messages": {"role": "user"}}),
    ("messages.0", {"messages": ["Hello"]}),
    ("messages.0.role", {"messages": [{"content": "x"}]}),
    ("messages.0.role", {"messages": [{"role": "robot", "content": "x"}]}),
    ("messages.0.role", {"messages": [{"role": None, "content": "x"}]}),
    ("messages.0.role", {"messages": [{"role": "system", "content": "x"}, *HELLO["messages"]]}),
    ("messages.0.content", {"messages": [{"role": "user"}]}),
    ("messages.0.content", {"messages": [{"role": "user", "content": None}]}),
    ("messages.0.content", {"messages": [{"role": "user", "content": 5}]}),
    ("messages.0", {"messages": [{"role": "user", "content": []}]}),
    ("messages.0.content.0", said("Hello")),
    ("messages.0.content.0", said(None)),
    ("messages.0.content.0.type", said({"text": "x"})),
    ("messages.0.content.1.type", said({"type": "text", "text": "x"}, {"type": None})),
    ("messages.0.content.0.text", said({"type": "text"})),
    ("messages.0.content.0.text", said({"type": "text", "text": 5})),
    ("messages.0.content.0.text", said({"type": "text", "text": None})),
    ("messages.0.content.1.image.source", said({"type": "text", "text": "x"}, {"type": "image"})),
    ("messages.0.content.0.source", said({"type": "image", "source": None})),
    ("messages.0.content.0.image.source", said({"type": "image", "source": {"type": "file", "file_id": "f"}})),
    (
        "messages.0.content.0.image.source.base64.media_type",
        said({"type": "image", "source": {"type": "base64", "media_type": "image/tiff", "data": "AA=="}}),
    ),
    ("messages.0.content.0.source.data", said({"type": "image", "source": {"type": "base64", "data": 5}})),
    ("messages.0.content.0.document.source", said({"type": "document"})),
    ("messages.0.content.0", said({"type": "tool_result", "tool_use_id": "nobody", "content": "x"})),
    ("messages.0.content.0", said({"type": "tool_result"})),
    ("messages.1", called({"type": "text", "text": "no result"})),
    ("messages.2.content.1", called(RESULT, RESULT | {"tool_use_id": "b"})),
    ("messages.2.content.1", called(RESULT, RESULT)),
    ("messages.2.content.0.tool_result.content", called(RESULT | {"content": 5})),
    ("messages.2.content.0.tool_result.content", called(RESULT | {"content": ["x"]})),
    ("messages.2.content.0.is_error", called(RESULT | {"is_error": "yes"})),
    (
        "messages.1.content.0",
        {
            "messages": [
                HELLO["messages"][0],
                {"role": "assistant", "content": [{"type": "tool_use", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "content": "x"}]},
            ]
        },
    ),
    ("system", {"system": 5}),
    ("system.0", {"system": ["x"]}),
    ("system.0.type", {"system": [{"text": "x"}]}),
    ("stream", {"stream": "yes"}),
    ("temperature", {"temperature": "hot"}),
    ("top_k", {"top_k": 1.5}),
    ("stop_sequences", {"stop_sequences": "x"}),
    ("stop_sequences.1", {"stop_sequences": ["x", " "]}),
    ("stop_sequences.0", {"stop_sequences": [5]}),
    ("tools", {"tools": {}}),
    ("tools.0", {"tools": ["Read"]}),
    ("tools.0.name", {"tools": [{"input_schema": {}}]}),
    ("tools.1.name", {"tools": [TOOL, {"name": 5}]}),
    ("tools.0", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
    ("tools.1", {"tools": [TOOL, {"type": "of_tomorrow", "name": "x"}]}),
    ("tool_choice", {"tools": [TOOL], "tool_choice": "auto"}),
    ("tool_choice", {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "Write"}}),
    ("tool_choice.type", {"tools": [TOOL], "tool_choice": {}}),
    ("thinking", {"thinking": True}),
    ("thinking.type", {"thinking": {"budget_tokens": 1024}}),
    ("thinking.budget_tokens", {"thinking": {"type": "enabled", "budget_tokens": "many"}}),
    ("output_config", {"output_config": "high"}),
    ("output_config.effort", {"output_config": {"effort": 5}}),
]
"""Where the mistake is, and the fields that make it."""


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("place", "fields"), MALFORMED)
async def test_a_malformed_request_is_told_the_place(
    service: Service, upstream: FakeUpstream, place: str, fields: dict[str, Any], stream: bool
) -> None:
    answer = await service.post(body=hello(stream=stream) | fields)

    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error["message"].startswith(f"{place}: ")
    assert upstream.requests == []


@pytest.mark.parametrize("missing", ["model", "messages", "max_tokens"])
async def test_a_missing_field_is_named(service: Service, missing: str) -> None:
    answer = await service.post(body={name: value for name, value in HELLO.items() if name != missing})
    assert (answer.status, answer.error["message"]) == (400, f"{missing}: Field required")


NO_JSON = {
    "empty": b"",
    "text": b"Hello",
    "half": json.dumps(HELLO).encode()[:-1],
    "two": json.dumps(HELLO).encode() * 2,
    "null": b"null",
    "list": b"[]",
    "text in quotes": b'"x"',
    "number": b"5",
    "invalid UTF-8": b'{"model": "\xff"}',
    "invalid UTF-8 in a text": json.dumps(HELLO).encode().replace(b"Hello", b"\xff\xfe"),
    "invalid UTF-8 in a tool's input": json.dumps(hello(**called(RESULT)))
    .encode()
    .replace(b'"input": {}', b'"input": {"x": "\xff"}'),
    "invalid UTF-8 in a schema": json.dumps(hello(tools=[TOOL])).encode().replace(b'"path"', b'"\xff"'),
    "invalid UTF-8 in a result": json.dumps(hello(**called(RESULT)))
    .encode()
    .replace(b'"content": "x"}]', b'"content": "\xff"}]'),
    "UTF-16": json.dumps(HELLO).encode("utf-16"),
    "NaN": json.dumps(hello(temperature=1)).encode().replace(b'"temperature": 1', b'"temperature": NaN'),
    "too large a number": json.dumps(hello(temperature=1))
    .encode()
    .replace(b'"temperature": 1', b'"temperature": 1e999'),
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "a deep input": json.dumps(hello(**called(RESULT)))
    .encode()
    .replace(b'"input": {}', b'"input": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    "a deep schema": json.dumps(hello(tools=[TOOL]))
    .encode()
    .replace(b'{"type": "object"', b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b', "type": "object"'),
    "NUL": b'{"model": "a\x00b"}',
    "form": b"model=claude&max_tokens=1",
}


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
async def test_what_is_no_json_object_is_refused(
    service: Service, upstream: FakeUpstream, path: str, body: bytes
) -> None:
    answer = await service.ask("POST", path, data=body, headers={"Content-Type": "application/json"})

    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert upstream.requests == []


ODD_BUT_GOOD: dict[str, dict[str, Any]] = {
    "unknown fields": {"of_tomorrow": {"x": [1]}, "metadata": {"user_id": "u"}, "context_management": {"edits": []}},
    "a huge limit": {"max_tokens": 10**12},
    "null where optional": {
        "system": None,
        "stop_sequences": None,
        "tools": None,
        "thinking": None,
        "temperature": None,
    },
    "empty lists": {"stop_sequences": [], "tools": [], "system": []},
    "a block of tomorrow": said({"type": "text", "text": "x"}, {"type": "of_tomorrow", "x": 1}),
    "an escaped pair": said({"type": "text", "text": "😀"}),
    "NUL in a text": said({"type": "text", "text": "a\x00b"}),
    "a deep schema": {"tools": [{"name": "x", "input_schema": json.loads('{"a":' * 300 + "{}" + "}" * 300)}]},
    "a choice without tools": {"tool_choice": {"type": "any"}},
    "a call in a user's turn": said(
        {"type": "text", "text": "x"}, {"type": "tool_use", "id": "a", "name": "b", "input": {}}
    ),
}


@pytest.mark.parametrize("fields", ODD_BUT_GOOD.values(), ids=ODD_BUT_GOOD)
async def test_odd_but_good_requests_are_served(
    service: Service, upstream: FakeUpstream, fields: dict[str, Any]
) -> None:
    """An unknown field that is refused costs six requests: Claude Code tries what it may leave out."""
    upstream.play(Reply(text="Hi"))
    answer = await service.post(body=HELLO | fields)
    assert answer.status == 200, answer.body


async def test_a_body_that_does_not_come_is_not_waited_for(
    service: Service, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "BODY_WITHIN", 0.1)
    whole = request(host=service.host)
    peer = await service.connect()
    peer.say(whole[:-5])
    await eventually(lambda: peer.heard.endswith(b"}"), "an answer")

    assert peer.heard.startswith(b"HTTP/1.1 408")
    assert json.loads(bytes(peer.heard).partition(b"\r\n\r\n")[2])["error"]["type"] == "timeout_error"
    assert upstream.requests == []


@pytest.mark.parametrize(
    "framing", ["Content-Length: 5x", "Content-Length: -1", "Content-Length: 5, 6", "Transfer-Encoding: chunked"]
)
async def test_a_body_with_broken_framing_is_refused(service: Service, upstream: FakeUpstream, framing: str) -> None:
    head = request(host=service.host, body=b"").partition(b"\r\n\r\n")[0]
    broken = head.replace(b"Content-Length: 0", framing.encode()) + b"\r\n\r\nnot a chunk\r\n{}\r\n\r\n"
    heard = await (await service.connect()).answer_to(broken)

    assert heard.split(b" ")[1] == b"400", heard
    assert upstream.requests == []


async def test_a_bug_is_told_apart_and_hides_what_was_said(
    service: Service, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not a client's mistake, not the upstream's failure: the third kind."""
    monkeypatch.setattr(State, "status", lambda *_, **__: 1 / 0)
    answer = await service.get("/c2o/status")

    assert (answer.status, answer.error["type"]) == (500, "api_error")
    assert answer.headers["request-id"] in answer.error["message"]
    assert "Error" not in answer.error["message"].partition(";")[2]
    assert f"{answer.headers['request-id']} failed: this is a bug in c2o" in caplog.text
    caplog.clear()


async def test_a_bug_in_mid_stream_ends_the_stream_with_an_error(
    service: Service, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    feed = ChatTranslator.feed
    more = threading.Event()
    monkeypatch.setattr(ChatTranslator, "feed", lambda self, data: 1 / 0 if more.is_set() else feed(self, data))
    upstream.play(stream(text("one"), Hold(more), text("two"), finish(), DONE))
    peer = await service.call(stream=True)
    await eventually(lambda: b'"one"' in peer.heard, "the first word")
    more.set()
    await peer.finished()

    assert names(peer.events)[0] == "message_start"
    assert peer.events[-1].name == "error"
    assert peer.heard.count(b"HTTP/1.1") == 1
    assert "this is a bug in c2o" in caplog.text
    assert service.counters.failed == 1
    caplog.clear()


async def test_a_bug_after_the_end_garbles_nothing(
    service: Service, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What goes wrong once an answer has gone out must not become a second answer behind it."""
    monkeypatch.setattr(messages, "_note_failure", lambda *_: 1 / 0)
    upstream.play(Reply(text="Hi"))
    peer = await service.call(stream=True)
    await eventually(peer.closed.is_set, "the end of the connection")

    assert peer.heard.count(b"HTTP/1.1") == 1
    assert peer.events[-1].name == "message_stop"
    assert "this is a bug in c2o" in caplog.text
    caplog.clear()
