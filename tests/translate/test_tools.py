"""Tools on their way up, the choice among them, and names both ways."""

from __future__ import annotations

from typing import Any

import pytest

from c2o.errors import RequestError
from tests.fake_upstream import DONE, chunk
from tests.translate.talk import (
    Json,
    assistant,
    ended,
    request,
    sent,
    streamed,
    tool,
    tool_result,
    tool_use,
    translator,
    user,
)

BASH, READ = tool("Bash"), tool("Read")


def refusal(**fields: Any) -> str:
    with pytest.raises(RequestError) as raised:
        translator(request(**fields))
    assert raised.value.status == 400
    return str(raised.value)


def offered(body: Json) -> list[str]:
    return [each["function"]["name"] for each in body.get("tools", [])]


# ---- definitions


def test_a_tool_becomes_a_function() -> None:
    schema = {"type": "object", "properties": {"command": {"type": "string", "enum": ["a"]}}, "required": ["command"]}
    given = {"name": "Bash", "description": "Run it.", "input_schema": schema, "cache_control": {"type": "ephemeral"}}
    given |= {"eager_input_streaming": True, "type": "custom", "allowed_callers": ["direct"]}

    [function] = sent(request(tools=[given]))["tools"]

    assert function == {
        "type": "function",
        "function": {"name": "Bash", "description": "Run it.", "parameters": schema},
    }


def test_a_tool_without_a_description_has_none() -> None:
    [function] = sent(request(tools=[{"name": "Bash", "input_schema": {"type": "object", "properties": {}}}]))["tools"]

    assert "description" not in function["function"]


def test_examples_are_part_of_the_description() -> None:
    [function] = sent(request(tools=[tool("Bash", input_examples=[{"command": "ls"}, {"command": "pwd"}])]))["tools"]

    assert function["function"]["description"] == (
        'What Bash does.\n\nExamples:\n\n{"command": "ls"}\n\n{"command": "pwd"}'
    )


SCHEMAS: dict[str, tuple[Any, Json]] = {
    "none": (None, {"type": "object", "properties": {}}),
    "no properties": ({"type": "object"}, {"type": "object", "properties": {}}),
    "no type": ({"properties": {}}, {"type": "object", "properties": {}}),
    "$schema first": ({"$schema": "x", "type": "object", "properties": {}}, {"type": "object", "properties": {}}),
    "$schema later": ({"type": "object", "properties": {}, "$schema": "x"}, {"type": "object", "properties": {}}),
    "$schema alone": ({"$schema": "x"}, {"type": "object", "properties": {}}),
    "other keywords": (
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"minimum": 1.0}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"minimum": 1.0}}},
    ),
    "no object at all": ("string", {"type": "object", "properties": {}}),
}


@pytest.mark.parametrize("what", SCHEMAS)
def test_a_schema_has_what_servers_stumble_over_without(what: str) -> None:
    schema, parameters = SCHEMAS[what]
    given = {"name": "Bash"} if schema is None else {"name": "Bash", "input_schema": schema}

    [function] = sent(request(tools=[given]))["tools"]

    assert function["function"]["parameters"] == parameters


def test_no_tools_are_absent_rather_than_empty() -> None:
    """vLLM answers 400 to an empty list; Claude Code sends one with its title requests."""
    for tools in ([], None):
        body = sent(request(tools=tools, tool_choice={"type": "auto", "disable_parallel_tool_use": True}), "openai")
        assert not {"tools", "tool_choice", "parallel_tool_calls"} & body.keys()


def test_a_tool_without_a_name_is_refused() -> None:
    assert refusal(tools=[BASH, {"input_schema": {}}]) == "tools.1.name: Field required"


# ---- the choice

CHOICES: dict[str, tuple[str, Json | None, Any, Any, list[str]]] = {
    # dialect, choice → tool_choice, parallel_tool_calls, tools
    "absent": ("generic", None, None, None, ["Bash", "Read"]),
    "auto": ("generic", {"type": "auto"}, None, None, ["Bash", "Read"]),
    "any": ("generic", {"type": "any"}, "required", None, ["Bash", "Read"]),
    "none": ("generic", {"type": "none"}, "none", None, ["Bash", "Read"]),
    "a tool": ("generic", {"type": "tool", "name": "Read"}, "required", None, ["Read"]),
    "one call": ("generic", {"type": "any", "disable_parallel_tool_use": True}, "required", None, ["Bash", "Read"]),
    "any, openai": ("openai", {"type": "any"}, "required", None, ["Bash", "Read"]),
    "a tool, openai": (
        "openai",
        {"type": "tool", "name": "Read"},
        {"type": "function", "function": {"name": "Read"}},
        None,
        ["Bash", "Read"],
    ),
    "one call, openai": ("openai", {"type": "auto", "disable_parallel_tool_use": True}, None, False, ["Bash", "Read"]),
    "any, ollama": ("ollama", {"type": "any"}, None, None, ["Bash", "Read"]),
    "a tool, ollama": ("ollama", {"type": "tool", "name": "Read"}, None, None, ["Read"]),
}


@pytest.mark.parametrize("what", CHOICES)
def test_the_choice_in_the_words_of_the_upstream(what: str) -> None:
    dialect, choice, expected, parallel, names = CHOICES[what]

    body = sent(request(tools=[BASH, READ], tool_choice=choice), dialect)

    assert body.get("tool_choice") == expected
    assert body.get("parallel_tool_calls") == parallel
    assert offered(body) == names


def test_a_choice_that_the_upstream_cannot_make_is_noted() -> None:
    of = translator(request(tools=[BASH], tool_choice={"type": "any"}), "ollama")

    assert any("tool_choice" in note for note in of.outcome.warnings)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"type": "tool", "name": "Nope"}, "tool_choice: tool 'Nope' is not among the tools"),
        ({"type": "tool"}, "tool_choice: tool None is not among the tools"),
        ({"type": "sometimes"}, "tool_choice.type: 'sometimes' must be one of auto, any, tool, none"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(choice: Json, words: str) -> None:
    assert refusal(tools=[BASH], tool_choice=choice) == words


# ---- names

LONG = "mcp__a_server_with_a_very_long_name_indeed__and_a_tool_whose_name_is_long_as_well"
STRANGE = "files.read/all é"


@pytest.mark.parametrize("name", [LONG, STRANGE])
def test_a_name_that_upstreams_refuse_is_shortened_everywhere_and_restored(name: str) -> None:
    history = [user("a"), assistant(tool_use("t1", name)), user(tool_result("t1"))]
    choice = {"type": "tool", "name": name}

    body = sent(request(tools=[tool(name), BASH], messages=history, tool_choice=choice), "openai")

    [short, _] = offered(body)
    assert len(short) <= 64
    assert short.replace("_", "").replace("-", "").isascii()
    assert body["messages"][1]["tool_calls"][0]["function"]["name"] == short
    assert body["tool_choice"]["function"]["name"] == short
    head = {"index": 0, "id": "c", "function": {"name": short, "arguments": "{}"}}
    told = streamed(chunk({"tool_calls": [head]}), *ended("tool_calls"), tools=[tool(name), BASH])
    assert told.calls[0]["name"] == name


def test_long_names_that_begin_alike_stay_apart() -> None:
    names = offered(sent(request(tools=[tool(LONG + "_a"), tool(LONG + "_b")])))

    assert len(set(names)) == 2


def test_names_are_shortened_in_the_same_way_each_time() -> None:
    """An upstream's prompt cache wants them stable."""
    assert offered(sent(request(tools=[tool(LONG)]))) == offered(sent(request(tools=[BASH, tool(LONG)])))[1:]


@pytest.mark.parametrize("said", ["Bash", "bash", "BASH"])
def test_the_case_of_a_name_is_the_client_s(said: str) -> None:
    """Claude Code knows no tool named ``bash``."""
    head = {"index": 0, "id": "c", "function": {"name": said, "arguments": "{}"}}

    assert streamed(chunk({"tool_calls": [head]}), DONE, tools=[BASH]).calls[0]["name"] == "Bash"


def test_a_name_that_nobody_declared_passes() -> None:
    """The client says best what it can't do."""
    head = {"index": 0, "id": "c", "function": {"name": "Fly", "arguments": "{}"}}

    assert streamed(chunk({"tool_calls": [head]}), DONE, tools=[BASH]).calls[0]["name"] == "Fly"


# ---- deferred tools

SEARCH = tool("ToolSearch")
DEFERRED = [tool("Fetch", defer_loading=True), tool("Post", defer_loading=True)]


def test_deferred_tools_are_not_offered_until_they_are_found() -> None:
    assert offered(sent(request(tools=[SEARCH, *DEFERRED]))) == ["ToolSearch"]


def test_a_deferred_tool_is_offered_once_a_search_has_found_it() -> None:
    found = [{"type": "tool_reference", "tool_name": "Post"}]
    history = [user("a"), assistant(tool_use("t1", "ToolSearch")), user(tool_result("t1", found))]

    body = sent(request(tools=[SEARCH, *DEFERRED], messages=history))

    assert offered(body) == ["ToolSearch", "Post"]
    assert "Post" in body["messages"][2]["content"]


def test_a_deferred_tool_is_offered_once_it_was_called() -> None:
    history = [user("a"), assistant(tool_use("t1", "Fetch")), user(tool_result("t1"))]

    assert offered(sent(request(tools=[SEARCH, *DEFERRED], messages=history))) == ["ToolSearch", "Fetch"]


def test_all_tools_are_offered_where_all_are_deferred() -> None:
    assert offered(sent(request(tools=DEFERRED))) == ["Fetch", "Post"]


def test_a_reference_of_a_wrong_shape_is_refused_with_its_place() -> None:
    history = [user("a"), assistant(tool_use("t1")), user(tool_result("t1", {"type": "tool_reference"}))]

    assert refusal(tools=[BASH, *DEFERRED], messages=history).startswith("messages.2.content.0")


# ---- tools that only Anthropic's servers run

WEB = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8, "allowed_domains": None}


def test_a_server_tool_beside_others_is_left_out_and_noted() -> None:
    of = translator(request(tools=[WEB, BASH]))

    assert offered(sent(request(tools=[WEB, BASH]))) == ["Bash"]
    assert any("web_search" in note for note in of.outcome.warnings)


def test_a_server_tool_alone_is_refused() -> None:
    """The model would invent what it can't look up."""
    assert refusal(tools=[WEB]) == (
        "tools.0: web_search is not available on this upstream; name one that can search: "
        'web_search = "upstream/model" under [routes]'
    )


def test_a_server_tool_that_is_demanded_is_refused() -> None:
    words = refusal(tools=[BASH, WEB], tool_choice={"type": "tool", "name": "web_search"})

    assert words.startswith("tools.1: web_search is not available on this upstream; name one")
