"""A refusal that says what to change is followed: the words of many servers, and the request after each of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from c2o.translate.types import Remedy
from tests.translate.talk import Json, assistant, request, tool, tool_result, tool_use, translator, user

Check = Callable[[Json], Any]


class Case(NamedTuple):
    says: str
    """What the upstream says."""
    fact: str
    """What is learned."""
    right: Check
    """Is the corrected request as the upstream wants it?"""
    body: Json = request()
    quirks: Json = {}
    status: int = 400


BASH = tool("Bash", {"command": {"type": "string"}})
TURN: Json = {
    "tools": [BASH],
    "messages": [user("look"), assistant(tool_use("toolu_1")), user(tool_result("toolu_1"), "and then?")],
}
SYSTEM: Json = {"system": "Be brief.", "messages": [user("a"), {"role": "system", "content": "Now."}, user("b")]}
OFF: Json = {"thinking": {"type": "disabled"}}


def without(field: str) -> Check:
    return lambda sent: field not in sent


def roles(*expected: str) -> Check:
    return lambda sent: [message["role"] for message in sent["messages"]] == list(expected)


def contents_are_texts(sent: Json) -> bool:
    return all(isinstance(message["content"], str) for message in sent["messages"])


def ids_are_short(sent: Json) -> bool:
    call = sent["messages"][1]["tool_calls"][0]["id"]
    return len(call) == 9 and call.isalnum() and call == sent["messages"][2]["tool_call_id"]


def one_user_message(sent: Json) -> bool:
    return roles("user")(sent) and sent["messages"][0]["content"].startswith("Be brief.")


MARKED = request(system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}])
WARM = request(temperature=0.5)
EFFORTS = {"reasoning_efforts": ["low", "medium", "high", "xhigh"]}
DEEP = request(output_config={"effort": "xhigh"})

CASES: dict[str, Case] = {
    "OpenAI": Case("Unsupported parameter: 'temperature' is not supported.", "drop:temperature",
                   without("temperature"), WARM),
    "OpenAI, a value": Case("Unsupported value: 'temperature' does not support 0.5 with this model.",
                            "drop:temperature", without("temperature"), WARM),
    "OpenAI, long ago": Case("Unrecognized request argument supplied: temperature", "drop:temperature",
                             without("temperature"), WARM),
    "Groq": Case("property 'temperature' is unsupported", "drop:temperature", without("temperature"), WARM),
    "NVIDIA": Case("Unexpected fields in the request: {'temperature'}", "drop:temperature",
                   without("temperature"), WARM),
    "pydantic": Case("temperature: Extra inputs are not permitted", "drop:temperature", without("temperature"), WARM,
                     status=422),
    "Gemini": Case('Invalid JSON payload received. Unknown name "top_p": Cannot find field.', "drop:top_p",
                   without("top_p"), request(top_p=0.5)),
    "stream options": Case("stream_options is not allowed", "drop:stream_options", without("stream_options"),
                           request(stream=True)),
    "tool choice": Case("Thinking mode does not support this tool_choice", "drop:tool_choice", without("tool_choice"),
                        request(tools=[BASH], tool_choice={"type": "any"})),
    "the newer limit": Case("'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                            "max_tokens_field:max_completion_tokens",
                            lambda sent: sent.get("max_completion_tokens") == 1000 and "max_tokens" not in sent),
    "the older limit": Case("Unrecognized request argument supplied: max_completion_tokens",
                            "max_tokens_field:max_tokens",
                            lambda sent: sent.get("max_tokens") == 1000 and "max_completion_tokens" not in sent,
                            quirks={"max_tokens_field": "max_completion_tokens"}),
    "a shorter answer": Case("max_tokens must be less than or equal to `512`", "max_output_tokens:512",
                             lambda sent: sent.get("max_tokens") == 512),
    "an effort": Case("Unsupported value: 'reasoning_effort' does not support 'xhigh' with this model. "
                      "Supported values are: 'low', 'medium', and 'high'.", "efforts:low,medium,high",
                      lambda sent: sent.get("reasoning_effort") == "high", DEEP, EFFORTS),
    "no effort at all": Case("reasoning_effort is not supported", "drop:reasoning_effort",
                             without("reasoning_effort"), DEEP, EFFORTS),
    "no thinking": Case('"llama3" does not support thinking', "thinking:never", without("reasoning_effort"), DEEP,
                        EFFORTS),
    "thinking always": Case("Reasoning is mandatory for this endpoint and cannot be disabled.", "thinking:always",
                            without("reasoning"), request(**OFF),
                            {"thinking_off": {"reasoning": {"enabled": False}}}),
    "Qwen, streams only": Case("parameter.enable_thinking must be set to false for non-streaming calls", "stream:",
                               lambda sent: sent.get("stream") is True),
    "OpenAI, tools": Case("Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions.",
                          "tools_without_effort:", lambda sent: sent.get("reasoning_effort") == "none",
                          request(tools=[BASH])),
    "DeepSeek": Case("The `reasoning_content` in the thinking mode must be passed back to the API.",
                     "messages:reasoning", lambda sent: sent["messages"][1].get("reasoning_content") == " ",
                     request(**TURN)),
    "Moonshot": Case("thinking is enabled but Missing reasoning_content in assistant tool call message",
                     "messages:reasoning", lambda sent: sent["messages"][1].get("reasoning_content") == " ",
                     request(**TURN)),
    "Mistral, ids": Case("Tool call id was toolu_1 but must be a-z, A-Z, 0-9, with a length of 9.",
                         "messages:short_ids", ids_are_short, request(**TURN)),
    "Mistral, roles": Case("Unexpected role 'user' after role 'tool'", "messages:filler",
                           roles("user", "assistant", "tool", "assistant", "user"), request(**TURN)),
    "developer": Case("unknown variant `developer`, expected one of `system`, `user`", "messages:system_role",
                      roles("system", "user"), request(system="Be brief."), {"system_role": "developer"}),
    "system first": Case("System message must be at the beginning.", "messages:system_first",
                         roles("system", "user", "user"), request(**SYSTEM), {"system_messages": "anywhere"}),
    "no system": Case("Only user and assistant roles are supported!", "messages:no_system", one_user_message,
                      request(**SYSTEM), {"system_messages": "anywhere"}),
    "Gemma": Case("Conversation roles must alternate user/assistant/user/assistant/...", "messages:no_system",
                  one_user_message, request(**SYSTEM), {"system_messages": "anywhere"}),
    "texts": Case("messages[0].content: expected string, got array", "messages:plain", contents_are_texts,
                  MARKED, {"cache_breakpoints": True}),
    "serde": Case("messages[0]: invalid type: sequence, expected a string", "messages:plain", contents_are_texts,
                  MARKED, {"cache_breakpoints": True}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_is_followed_and_remembered(name: str) -> None:
    case = CASES[name]
    asking = translator(case.body, quirks=case.quirks)
    assert not case.right(json.loads(asking.request().body)), "nothing is wrong with the first request"

    learned = asking.error(case.status, {}, json.dumps({"error": {"message": case.says}}).encode())

    assert isinstance(learned, Remedy), learned
    assert learned.fact == case.fact
    assert case.right(json.loads(asking.request().body))
    later = translator(case.body, quirks=case.quirks, learned=(case.fact,))
    assert later.request().body == asking.request().body


@pytest.mark.parametrize("name", CASES)
def test_nothing_goes_round_in_circles(name: str) -> None:
    """What was done once isn't done again for the same words."""
    case = CASES[name]
    asking = translator(case.body, quirks=case.quirks)
    body = json.dumps({"error": {"message": case.says}}).encode()

    facts = [asking.error(case.status, {}, body) for _ in range(4)]

    assert [fact for fact in facts if isinstance(fact, Remedy) and fact.fact == case.fact] == facts[:1]
    assert not isinstance(facts[-1], Remedy)


def test_a_fact_of_a_newer_c2o_changes_nothing() -> None:
    assert translator(request(), learned=("no_such_fact:1",)).request() == translator(request()).request()


def test_three_corrections_at_most() -> None:
    fields = ("temperature", "top_p", "stream_options", "reasoning_effort")
    asking = translator(DEEP | {"temperature": 0.5, "top_p": 0.5, "stream": True}, quirks=EFFORTS)

    refused = [asking.error(400, {}, b'{"error": "%s is not supported"}' % field.encode()) for field in fields]

    assert [isinstance(each, Remedy) for each in refused] == [True, True, True, False]
