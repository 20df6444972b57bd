"""Tools of which a request names only the type: what stands behind each, and how its calls come back."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from c2o.errors import RequestError
from c2o.translate import anthropic_tools
from c2o.translate.anthropic_tools import functions
from c2o.translate.chat import ChatTranslator
from c2o.translate.dialects import DIALECTS
from c2o.translate.toolsets import TOOLSETS
from c2o.translate.types import Answer, Job
from c2o.translate.upstream_errors import Failing
from c2o.wire.anthropic import Tool, decode_request

Json = dict[str, Any]

SCREEN = {"display_width_px": 800, "display_height_px": 600}
KINDS = [*anthropic_tools._KNOWN, *TOOLSETS]


def made(kind: str, **options: Any) -> list[Tool]:
    tool = msgspec.convert({"type": kind, **options}, Tool)
    return [function for function, _ in functions(tool, "tools.0")]


def translator(**fields: Any) -> ChatTranslator:
    request = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "go"}]} | fields
    job = Job(
        message_id="msg_1",
        model="m",
        dialect=DIALECTS["generic"],
        failing=Failing("fake", "http://127.0.0.1", "m", "env:KEY"),
        request_size=100,
    )
    return ChatTranslator(decode_request(json.dumps(request).encode()), job)


def offered(**fields: Any) -> list[str]:
    body = json.loads(translator(**fields).request().body)
    return [tool["function"]["name"] for tool in body.get("tools", [])]


def answered(calls: list[Json], **fields: Any) -> list[Json]:
    """The blocks that a client gets for these calls of the upstream."""
    message = {"content": None, "tool_calls": [{"type": "function"} | call for call in calls]}
    body = {"choices": [{"message": message, "finish_reason": "tool_calls"}]}
    answer = translator(**fields).complete(json.dumps(body).encode())
    assert isinstance(answer, Answer)
    found: list[Json] = json.loads(answer.body)["content"]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_each_schema_can_be_used_anywhere(kind: str) -> None:
    """An object with properties, its required ones among them, and nothing that upstreams are known to refuse."""
    for tool in made(kind, **SCREEN):
        schema = msgspec.json.decode(tool.input_schema)
        assert schema["type"] == "object"
        assert set(schema.get("required", ())) <= set(schema["properties"])
        assert not re.search(r'"(\$ref|\$schema|const|default|oneOf)"', json.dumps(schema))
        assert tool.description
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool.name)


def test_the_client_s_name_for_a_tool_stays() -> None:
    (tool,) = made("bash_20250124", name="shell")
    assert tool.name == "shell"


def test_options_of_one_tool_are_not_another_s() -> None:
    (zooming,) = made("computer_20251124", enable_zoom=True, **SCREEN)
    (plain,) = made("computer_20251124", **SCREEN)
    (limited,) = made("text_editor_20250728", max_characters=10)
    (free,) = made("text_editor_20250728")
    assert b"zoom" in bytes(zooming.input_schema)
    assert b"zoom" not in bytes(plain.input_schema)
    assert "10 characters" in (limited.description or "")
    assert "characters" not in (free.description or "")


def test_a_kind_that_nobody_knows_names_those_that_there_are() -> None:
    with pytest.raises(RequestError, match=r"^tools\.0: bash_20300101 .* bash_20250124"):
        made("bash_20300101")


def test_the_order_of_tools_is_the_client_s() -> None:
    """An upstream's prompt cache wants it so."""
    tools = [{"name": "b"}, {"type": "computer_toolset_20260801"}, {"name": "a"}, {"type": "bash_20250124"}]
    found = offered(tools=tools)
    assert (found[0], found[-2:]) == ("b", ["a", "bash"])
    assert found == offered(tools=tools)


def deferred(*members: str) -> Json:
    return {
        "type": "computer_toolset_20260801",
        "configs": {name: {"defer_loading": True} for name in members},
    }


def test_a_deferred_member_counts_once_it_is_called() -> None:
    tools = [{"name": "a"}, deferred("zoom", "wait")]
    call = {"type": "tool_use", "id": "t1", "name": "zoom", "toolset_name": "computer", "input": {}}
    history = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "x"}]},
    ]
    assert "computer__zoom" not in offered(tools=tools)
    assert "computer__zoom" in offered(tools=tools, messages=history)
    assert "computer__wait" not in offered(tools=tools, messages=history)


def test_a_toolset_is_removed_as_a_whole() -> None:
    removal = {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "computer"}}
    messages = [{"role": "user", "content": "go"}, {"role": "system", "content": [removal]}]
    tools = [{"name": "a"}, {"type": "computer_toolset_20260801"}]
    assert offered(tools=tools, messages=messages) == ["a"]


def test_removing_a_server_tool_that_was_dropped_anyway() -> None:
    removal = {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "web_search"}}
    messages = [{"role": "user", "content": "go"}, {"role": "system", "content": [removal]}]
    tools = [{"name": "a"}, {"type": "web_search_20250305", "name": "web_search"}]
    assert offered(tools=tools, messages=messages) == ["a"]


@pytest.mark.parametrize(
    "change", [{"type": "tool_removal"}, {"type": "tool_addition", "tool": {"type": "tool_reference"}}]
)
def test_a_change_that_names_nothing(change: Json) -> None:
    messages = [{"role": "user", "content": "go"}, {"role": "system", "content": [change]}]
    with pytest.raises(RequestError, match=r"^messages\.1\.content\.0\.tool"):
        offered(tools=[{"name": "a"}], messages=messages)


def test_a_server_tool_can_not_be_added() -> None:
    definition = {"type": "web_search_20250305", "name": "web_search"}
    change = {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": definition}}
    messages = [{"role": "user", "content": "go"}, {"role": "system", "content": [change]}]
    with pytest.raises(RequestError, match="web_search is not available"):
        offered(tools=[{"name": "a"}], messages=messages)


TOOLSET = [{"type": "computer_toolset_20260801"}]


def call(name: str, arguments: str, id: str = "c1") -> Json:
    return {"id": id, "function": {"name": name, "arguments": arguments}}


def test_input_of_a_member_is_mended_by_its_schema() -> None:
    (block,) = answered([call("computer__key", '{"text": "a", "repeat": null}')], tools=TOOLSET)
    assert (block["name"], block["toolset_name"], block["input"]) == ("key", "computer", {"text": "a"})


def test_a_member_in_another_case() -> None:
    (block,) = answered([call("Computer__Key", '{"text": "a"}')], tools=TOOLSET)
    assert (block["name"], block["toolset_name"]) == ("key", "computer")


def test_a_tool_of_the_client_that_only_looks_like_a_member() -> None:
    (block,) = answered([call("desk__key", "{}")], tools=[*TOOLSET, {"name": "desk__key"}])
    assert block["name"] == "desk__key"
    assert "toolset_name" not in block


def test_a_member_whose_name_comes_with_each_fragment() -> None:
    """Without an index or an id after the first; the name that came is not the one that the client sees."""
    streaming = translator(tools=TOOLSET, stream=True)
    said = b""
    for fragment in ('{"text"', ': "a"}'):
        delta = {"tool_calls": [{"function": {"name": "computer__key", "arguments": fragment}}]}
        said += streaming.feed(b"data: " + json.dumps({"choices": [{"delta": delta}]}).encode() + b"\n\n")
    said += streaming.feed(b'data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n')
    said += streaming.close()
    assert said.count(b'"type":"tool_use"') == 1
    assert b'"toolset_name":"computer"' in said
    assert b'"stop_reason":"tool_use"' in said
