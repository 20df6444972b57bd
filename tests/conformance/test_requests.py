"""A: what a client asks for, as the upstream gets it; or the refusal, before the upstream is asked."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic
from anthropic.types import ThreadUnsupportedRequestError

from c2o.translate.reasoning import Sealed, seal
from tests.conformance.proxy import Json, Proxy
from tests.fake_upstream import FakeUpstream, Reply

Sent = Callable[..., Json]
Refused = Callable[..., anthropic.BadRequestError]


# ---- words for conversations


def user(*blocks: Json | str) -> Json:
    return {"role": "user", "content": _blocks(blocks)}


def assistant(*blocks: Json | str) -> Json:
    return {"role": "assistant", "content": _blocks(blocks)}


def system(content: str, **more: Any) -> Json:
    return {"role": "system", "content": content} | more


def _blocks(blocks: tuple[Json | str, ...]) -> list[Json]:
    return [said(block) if isinstance(block, str) else block for block in blocks]


def said(text: str, **more: Any) -> Json:
    return {"type": "text", "text": text} | more


def use(id: str, **input: Any) -> Json:
    return {"type": "tool_use", "id": id, "name": "Bash", "input": input}


def result(id: str, content: Any = "done", **more: Any) -> Json:
    return {"type": "tool_result", "tool_use_id": id, "content": content} | more


def thinking(text: str, signature: str) -> Json:
    return {"type": "thinking", "thinking": text, "signature": signature}


def signed(upstream: str, kind: Any, state: Any = None, model: str = "model") -> str:
    return seal(Sealed(upstream, model, kind, state))


def tool(name: str = "Bash", **more: Any) -> Json:
    return {"name": name, "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}} | more


def call(id: str, **input: Any) -> Json:
    """A call as the upstream reads it in the history."""
    function = {"name": "Bash", "arguments": json.dumps(input)}
    return {"id": id, "type": "function", "function": function}


def tool_message(id: str, content: str = "done") -> Json:
    return {"role": "tool", "tool_call_id": id, "content": content}


ASKED = user("go")
CALLED = assistant(use("call_1", command="ls"))
CALL: Json = {"role": "assistant", "content": None, "tool_calls": [call("call_1", command="ls")]}
GO = {"role": "user", "content": "go"}


# ---- A01 to A21: fields and messages


def test_a01_the_smallest_request(sent: Sent) -> None:
    body: Json = {"max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    messages = [{"role": "user", "content": "hi"}]
    assert sent(**body) == {"model": "model", "messages": messages, "max_tokens": 5}
    found = sent("openai", **body)
    assert found.pop("prompt_cache_key")
    assert found == {"model": "model", "messages": messages, "max_completion_tokens": 5}


TWO_BLOCKS = [said("a"), said("b", cache_control={"type": "ephemeral"})]
BILLING = said("x-anthropic-billing-header: cc_version=2.1.329;")

SYSTEMS: dict[str, tuple[Any, str]] = {
    "a02_text": ("Be brief.", "Be brief."),
    "a03_blocks": (TWO_BLOCKS, "a\n\nb"),
    "a04_attribution": ([BILLING, *TWO_BLOCKS], "a\n\nb"),
}


@pytest.mark.parametrize("case", SYSTEMS)
def test_system(sent: Sent, case: str) -> None:
    given, expected = SYSTEMS[case]
    assert sent(system=given)["messages"][0] == {"role": "system", "content": expected}


def test_a03_marks_for_the_prompt_cache(sent: Sent) -> None:
    marked = {"type": "text", "text": "b", "prompt_cache_breakpoint": {"mode": "explicit"}}
    assert sent("breakpoints", system=[BILLING, *TWO_BLOCKS])["messages"][0]["content"] == [said("a"), marked]
    assert sent("breakpoints", system=[said("a"), said("b", cache_control=None)])["messages"][0]["content"] == "a\n\nb"


HISTORIES: dict[str, tuple[list[Json], list[Json]]] = {
    "a09_two_user_messages_become_one": (
        [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
        [{"role": "user", "content": "a\n\nb"}],
    ),
    "a10_text_and_call": (
        [ASKED, assistant("I look.", use("call_1", command="ls", all=True)), user(result("call_1"))],
        [
            GO,
            {"role": "assistant", "content": "I look.", "tool_calls": [call("call_1", command="ls", all=True)]},
            tool_message("call_1"),
        ],
    ),
    "a11_call_without_text": ([ASKED, CALLED, user(result("call_1"))], [GO, CALL, tool_message("call_1")]),
    "a12_results_in_the_order_of_the_calls": (
        [ASKED, assistant(use("call_1"), use("call_2")), user(result("call_2", "two"), result("call_1", "one"))],
        [
            GO,
            {"role": "assistant", "content": None, "tool_calls": [call("call_1"), call("call_2")]},
            tool_message("call_1", "one"),
            tool_message("call_2", "two"),
        ],
    ),
    "a13_result_then_text": (
        [ASKED, CALLED, user(result("call_1"), "and now?")],
        [GO, CALL, tool_message("call_1"), {"role": "user", "content": "and now?"}],
    ),
    "a14_text_then_result": (
        [ASKED, CALLED, user("and now?", result("call_1"))],
        [GO, CALL, tool_message("call_1"), {"role": "user", "content": "and now?"}],
    ),
    "a15_results_in_two_messages": (
        [ASKED, assistant(use("call_1"), use("call_2")), user(result("call_1", "one")), user(result("call_2", "two"))],
        [
            GO,
            {"role": "assistant", "content": None, "tool_calls": [call("call_1"), call("call_2")]},
            tool_message("call_1", "one"),
            tool_message("call_2", "two"),
        ],
    ),
    "a19_error": (
        [ASKED, CALLED, user(result("call_1", "boom", is_error=True))],
        [GO, CALL, tool_message("call_1", "Error: boom")],
    ),
    "a20_error_that_says_so": (
        [ASKED, CALLED, user(result("call_1", "<tool_use_error>x", is_error=True))],
        [GO, CALL, tool_message("call_1", "<tool_use_error>x")],
    ),
    "a21_result_without_content": (
        [ASKED, CALLED, user({"type": "tool_result", "tool_use_id": "call_1"})],
        [GO, CALL, tool_message("call_1", "")],
    ),
    "a40_foreign_redacted_thinking": (
        [ASKED, assistant({"type": "redacted_thinking", "data": "EmwKAhgB"}, "Hello."), user("go")],
        [GO, {"role": "assistant", "content": "Hello."}, GO],
    ),
    "a74_empty_text_among_others": ([user("", "a", "")], [{"role": "user", "content": "a"}]),
}


@pytest.mark.parametrize("case", HISTORIES)
def test_conversation(sent: Sent, case: str) -> None:
    given, expected = HISTORIES[case]
    assert sent(messages=given)["messages"] == expected


def test_a10_the_input_arrives_as_it_was(sent: Sent) -> None:
    input = {"command": 'echo "ä" \\ \n', "nested": {"a": [1, 2.5, None, True]}}
    messages = sent(messages=[ASKED, assistant(use("call_1", **input)), user(result("call_1"))])["messages"]
    assert json.loads(messages[1]["tool_calls"][0]["function"]["arguments"]) == input


REFUSALS: dict[str, tuple[Json, str]] = {
    "a16_missing_tool_result": (
        {"messages": [ASKED, CALLED, user("and now?")]},
        "`tool_use` ids were found without `tool_result` blocks immediately after: call_1",
    ),
    "a16_call_at_the_end": (
        {"messages": [ASKED, CALLED]},
        "`tool_use` ids were found without `tool_result` blocks immediately after: call_1",
    ),
    "a17_orphan_tool_result": (
        {"messages": [user(result("call_9"))]},
        "unexpected `tool_use_id` found in `tool_result` blocks: call_9",
    ),
    "a18_the_same_id_twice": (
        {"messages": [ASKED, CALLED, user(result("call_1")), CALLED, user(result("call_1"))]},
        "`tool_use` ids must be unique",
    ),
    "a44_system_message_first": ({"messages": [system("x"), ASKED]}, "messages.0.role"),
    "a45_system_message_before_the_result": (
        {"messages": [ASKED, CALLED, system("x"), user(result("call_1"))]},
        "`tool_use` ids were found without `tool_result` blocks immediately after: call_1",
    ),
    "a58_mcp_servers": ({"mcp_servers": [{"type": "url", "url": "https://x", "name": "x"}]}, "mcp_servers"),
    "a63_stop_sequence_of_white_space": ({"stop_sequences": [" "]}, "stop_sequences.0"),
    "a71_words_in_the_model_s_mouth": (
        {"messages": [ASKED, assistant("The answer is")]},
        "This model does not support assistant message prefill. The conversation must end with a user message.",
    ),
    "a75_empty_user_message": (
        {"messages": [{"role": "user", "content": ""}]},
        "text content blocks must be non-empty",
    ),
    "a75_empty_user_block": ({"messages": [user("")]}, "text content blocks must be non-empty"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refused(refused: Refused, case: str) -> None:
    fields, words = REFUSALS[case]
    assert words in str(refused(**fields).api_message)


# ---- A33 to A40: reasoning back to the upstream that wants it

TURN = [use("call_1", command="ls")]
AFTER = user(result("call_1"))
DETAILS = [
    {"type": "reasoning.text", "text": "r", "signature": "s", "format": "anthropic-claude-v1", "index": 0},
    {"type": "reasoning.encrypted", "data": "gAAAA", "id": "rs_1", "format": "openai-responses-v1", "index": 1},
]


def replayed(sent: Sent, dialect: str, *before: Json, calls: list[Json] = TURN, **more: Any) -> Json:
    """The assistant's message as the upstream gets it, when these blocks stood before its calls."""
    results = user(*[result(each["id"]) for each in calls])
    messages = [ASKED, assistant(*before, *calls), results]
    said: Json = sent(dialect, messages=messages, tools=[tool()], **more)["messages"][1]
    return said


def test_a33_text_that_is_shown(sent: Sent) -> None:
    block = thinking("I should look.", signed("deepseek", "t"))
    assert replayed(sent, "deepseek", block)["reasoning_content"] == "I should look."


def test_a34_text_that_is_carried(sent: Sent) -> None:
    block = thinking("", signed("deepseek", "t", "I should look."))
    assert replayed(sent, "deepseek", block)["reasoning_content"] == "I should look."


@pytest.mark.parametrize("text", ["I should look.", ""])
@pytest.mark.parametrize("signature", ["EqMBCkYIBxgCKkA", "", "c2o1.damaged", "c2o1.AAAA"])
def test_a35_foreign_signature_where_reasoning_is_wanted(sent: Sent, text: str, signature: str) -> None:
    assert replayed(sent, "deepseek", thinking(text, signature))["reasoning_content"] == text


def test_a36_no_thinking_where_reasoning_is_wanted(sent: Sent) -> None:
    assert replayed(sent, "deepseek")["reasoning_content"] == ""


def test_a36_a_request_without_tools_after_calls(sent: Sent) -> None:
    """As Claude Code's when it sums a conversation up."""
    messages = sent("deepseek", messages=[ASKED, CALLED, AFTER])["messages"]
    assert messages[1]["reasoning_content"] == ""


def test_a37_reasoning_details(sent: Sent) -> None:
    block = thinking("r", signed("openrouter", "rd", DETAILS))
    assert replayed(sent, "openrouter", block)["reasoning_details"] == DETAILS


def test_a38_thought_signature_on_its_call(sent: Sent) -> None:
    calls = [use("call_1"), use("call_2")]
    block = thinking("", signed("gemini", "gs", {"call_1": "sig-one"}))
    first, second = replayed(sent, "gemini", block, calls=calls)["tool_calls"]
    assert first["extra_content"] == {"google": {"thought_signature": "sig-one"}}
    assert "extra_content" not in second


STATES = [("deepseek", "t", "secret"), ("openrouter", "rd", DETAILS), ("gemini", "gs", {"call_1": "secret"})]


@pytest.mark.parametrize(("mine", "kind", "state"), STATES)
@pytest.mark.parametrize("dialect", ["generic", "openai", "deepseek", "openrouter", "gemini", "mistral", "vllm"])
def test_a39_state_of_another_upstream(sent: Sent, dialect: str, mine: str, kind: str, state: Any) -> None:
    for other in (signed(f"another-{mine}", kind, state), signed(mine, kind, state, model="another-model")):
        message = json.dumps(replayed(sent, dialect, thinking("", other)))
        assert "secret" not in message
        assert "gAAAA" not in message


# ---- A42, A43, A47: system messages in mid-conversation

MIDWAY = [ASKED, CALLED, user(result("call_1")), system("Be brief.")]


def test_a42_system_message_in_its_place(sent: Sent) -> None:
    messages = sent("anywhere", messages=MIDWAY)["messages"]
    assert messages == [GO, CALL, tool_message("call_1"), {"role": "system", "content": "Be brief."}]


def test_a43_system_message_for_a_strict_template(sent: Sent) -> None:
    folded = {"role": "user", "content": "<system-reminder>\nBe brief.\n</system-reminder>"}
    assert sent(messages=MIDWAY)["messages"] == [GO, CALL, tool_message("call_1"), folded]


def test_a43_joins_the_user_s_own_words(sent: Sent) -> None:
    folded = "go\n\n<system-reminder>\nBe brief.\n</system-reminder>"
    assert sent(messages=[ASKED, system("Be brief.")])["messages"] == [{"role": "user", "content": folded}]


def test_a47_effort_from_a_system_message(sent: Sent) -> None:
    messages = [ASKED, system("Quick now.", output_config={"effort": "low"})]
    assert sent("modern", messages=messages, output_config={"effort": "high"})["reasoning_effort"] == "low"


# ---- A59 to A70: choices and parameters

TOOLS = {"tools": [tool("Bash"), tool("Read")]}

CHOICES: dict[str, tuple[str, Json, Any]] = {
    "a59_any": ("openai", {"type": "any"}, "required"),
    "a59_named": ("openai", {"type": "tool", "name": "Read"}, {"type": "function", "function": {"name": "Read"}}),
    "a59_none": ("openai", {"type": "none"}, "none"),
    "a59_auto": ("openai", {"type": "auto"}, None),
    "a59_any_where_it_is_unknown": ("ollama", {"type": "any"}, None),
}


@pytest.mark.parametrize("case", CHOICES)
def test_tool_choice(sent: Sent, case: str) -> None:
    dialect, choice, expected = CHOICES[case]
    body = sent(dialect, **TOOLS, tool_choice=choice)
    assert body.get("tool_choice") == expected
    assert [each["function"]["name"] for each in body["tools"]] == ["Bash", "Read"]


def test_a59_named_where_only_required_is_known(sent: Sent) -> None:
    body = sent("generic", **TOOLS, tool_choice={"type": "tool", "name": "Read"})
    assert body["tool_choice"] == "required"
    assert [each["function"]["name"] for each in body["tools"]] == ["Read"]


@pytest.mark.parametrize("kind", ["auto", "any"])
def test_a60_one_call_at_a_time(sent: Sent, kind: str) -> None:
    choice = {"type": kind, "disable_parallel_tool_use": True}
    assert sent("openai", **TOOLS, tool_choice=choice)["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in sent("generic", **TOOLS, tool_choice=choice)


@pytest.mark.parametrize("dialect", ["generic", "openai"])
def test_a61_choice_without_tools(sent: Sent, dialect: str) -> None:
    body = sent(dialect, tool_choice={"type": "any", "disable_parallel_tool_use": True})
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & body.keys()


def test_a62_six_stop_sequences(sent: Sent) -> None:
    assert "stop" not in sent("openai", stop_sequences=["1", "2", "3", "4", "5", "6"])


def test_a64_sampling(sent: Sent) -> None:
    sampling = {"temperature": 0.5, "top_p": 0.9}
    assert not sampling.keys() & sent("unsampled", **sampling).keys()
    assert sampling.items() <= sent("generic", **sampling).items()


def test_a65_top_k(sent: Sent) -> None:
    assert "top_k" not in sent("openai", top_k=40)
    assert sent("vllm", top_k=40)["top_k"] == 40


ADAPTIVE = {"type": "adaptive"}

EFFORTS: dict[str, tuple[str, Json, str | None]] = {
    "a66_budget": ("modern", {"thinking": {"type": "enabled", "budget_tokens": 10000}}, "medium"),
    "a66_disabled": ("modern", {"thinking": {"type": "disabled"}}, "none"),
    "a66_between_tools": ("modern", {"thinking": {"type": "between_tools"}}, "none"),
    "a66_adaptive_with_effort": ("modern", {"thinking": ADAPTIVE, "output_config": {"effort": "max"}}, "max"),
    "a66_effort_beats_budget": (
        "modern",
        {"thinking": {"type": "enabled", "budget_tokens": 10000}, "output_config": {"effort": "low"}},
        "low",
    ),
    "a66_nothing_said": ("modern", {}, None),
    "a66_disabled_where_that_is_no_word": ("classic", {"thinking": {"type": "disabled"}}, None),
    "a67_max_on_the_classic_set": ("classic", {"output_config": {"effort": "max"}}, "high"),
    "a67_effort_without_the_parameter": ("generic", {"output_config": {"effort": "max"}}, None),
}


@pytest.mark.parametrize("case", EFFORTS)
def test_effort(sent: Sent, case: str) -> None:
    dialect, fields, expected = EFFORTS[case]
    assert sent(dialect, max_tokens=20000, **fields).get("reasoning_effort") == expected


STRICT: Json = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
OPTIONAL = STRICT | {"required": ["name"]}


@pytest.mark.parametrize(("schema", "strict"), [(STRICT, True), (OPTIONAL, False)])
@pytest.mark.parametrize("case", ["a68_output_config", "a69_output_format"])
def test_structured_output(sent: Sent, case: str, schema: Json, strict: bool) -> None:
    wanted = {"type": "json_schema", "schema": schema}
    fields = {"output_config": {"format": wanted}} if case.startswith("a68") else {"output_format": wanted}
    response_format = {"type": "json_schema", "json_schema": {"name": "output", "schema": schema, "strict": strict}}
    assert sent("openai", **fields)["response_format"] == response_format


@pytest.mark.parametrize(("dialect", "expected"), [("json-object", {"type": "json_object"}), ("no-json", None)])
def test_a68_the_schema_goes_into_the_prompt(sent: Sent, dialect: str, expected: Json | None) -> None:
    body = sent(dialect, system="Be brief.", output_config={"format": {"type": "json_schema", "schema": STRICT}})
    assert body.get("response_format") == expected
    prompt = body["messages"][0]["content"]
    assert prompt.startswith("Be brief.")
    assert json.loads(prompt[prompt.index("{") :]) == STRICT


def test_a70_limit_of_the_model(sent: Sent) -> None:
    assert sent(model="capped", max_tokens=64000)["max_tokens"] == 16384
    assert sent(model="capped", max_tokens=1000)["max_tokens"] == 1000


# ---- A72, A73: prefill

PREFILLED = [ASKED, assistant("x ")]


def test_a72_going_on_from_words(sent: Sent) -> None:
    body = sent("vllm", messages=PREFILLED)
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)


PREFILLS: dict[str, Json] = {
    "vllm": {"role": "assistant", "content": "x"},
    "llamacpp": {"role": "assistant", "content": "x"},
    "mistral": {"role": "assistant", "content": "x", "prefix": True},
    "partial": {"role": "assistant", "content": "x", "partial": True},
}


@pytest.mark.parametrize("dialect", PREFILLS)
def test_a73_without_the_space_at_the_end(sent: Sent, dialect: str) -> None:
    assert sent(dialect, messages=PREFILLED)["messages"] == [GO, PREFILLS[dialect]]


# ---- A76 to A83: metadata, what is unknown, and the transport


def test_a76_user_id(sent: Sent) -> None:
    user_id = '{"device_id":"d","account_uuid":"a","session_id":"s"}'
    body = sent("openai", metadata={"user_id": user_id})
    assert body["safety_identifier"] == hashlib.sha256(user_id.encode()).hexdigest()
    assert len(body["safety_identifier"]) == 64
    assert "safety_identifier" not in sent("generic", metadata={"user_id": user_id})


UNKNOWN: dict[str, Json] = {
    "a77_unknown_field": {"an_invention_of_2027": {"a": 1}},
    "a77_advice": {
        "service_tier": "auto",
        "speed": "fast",
        "inference_geo": "us",
        "diagnostics": {"previous_message_id": "msg_1"},
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
        "fallbacks": "default",
        "tags": {"team": "x"},
        "container": "container_1",
        "cache_control": {"type": "ephemeral"},
        "output_config": {"task_budget": {"type": "tokens", "total": 1000}},
    },
    "a78_safeguards": {"safeguards": {"mode": "auto"}},
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_ignored(sent: Sent, case: str) -> None:
    assert sent(**UNKNOWN[case]) == sent()


def test_a77_unknown_beta(sent: Sent) -> None:
    assert sent(headers={"anthropic-beta": "an-invention-2027-01-01,another-2027-01-02"}) == sent()


def test_a79_thread(sdk: Anthropic, upstream: FakeUpstream) -> None:
    with pytest.raises(ThreadUnsupportedRequestError):
        sdk.beta.messages.create(
            model="generic/model",
            max_tokens=5,
            messages=[{"role": "user", "content": "hi"}],
            extra_body={"thread": {"type": "create"}},
        )
    assert upstream.requests == []


def test_a80_nothing_to_generate(sdk: Anthropic, upstream: FakeUpstream) -> None:
    message = sdk.messages.create(model="generic/model", max_tokens=0, messages=[{"role": "user", "content": "hi"}])
    assert (message.content, message.stop_reason) == ([], "max_tokens")
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens == 0
    assert upstream.requests == []


CLASHES: dict[str, Json] = {
    "a80_with_stream": {"stream": True},
    "a80_with_thinking": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    "a80_with_format": {"output_config": {"format": {"type": "json_schema", "schema": STRICT}}},
    "a80_with_a_forced_tool": {"tools": [tool()], "tool_choice": {"type": "any"}},
}


@pytest.mark.parametrize("case", CLASHES)
def test_clash_with_no_tokens(refused: Refused, case: str) -> None:
    assert "max_tokens: 0" in str(refused(max_tokens=0, **CLASHES[case]).api_message)


HI: Json = {"model": "generic/model", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}

PATHS = [
    "/v1/messages?beta=true",
    "/v1/v1/messages",
    "/v1/v1/messages?beta=true",
    "/messages",
    "/anthropic/v1/messages",
    "/v1/messages/",
]


@pytest.mark.parametrize("path", PATHS)
def test_a81_paths(proxy: Proxy, upstream: FakeUpstream, path: str) -> None:
    upstream.play(Reply("ok"))
    assert proxy.post(HI, path).json["content"] == [said("ok")]


PACKED = {"gzip": gzip.compress, "deflate": zlib.compress}


@pytest.mark.parametrize("encoding", PACKED)
def test_a82_packed_body(proxy: Proxy, upstream: FakeUpstream, encoding: str) -> None:
    upstream.play(Reply("ok"))
    answer = proxy.post(PACKED[encoding](json.dumps(HI).encode()), content_encoding=encoding)
    assert answer.json["content"] == [said("ok")]


def test_a82_body_that_is_not_what_it_says(proxy: Proxy, upstream: FakeUpstream) -> None:
    answer = proxy.post(json.dumps(HI).encode(), content_encoding="gzip")
    assert (answer.status, answer.json["error"]["type"]) == (400, "invalid_request_error")
    assert upstream.requests == []


def large(megabytes: int) -> Json:
    return HI | {"messages": [{"role": "user", "content": "x" * (megabytes * 1024 * 1024)}]}


def test_a83_20_megabytes(sdk: Anthropic, upstream: FakeUpstream) -> None:
    upstream.play(Reply("ok"))
    sdk.messages.create(**large(20))
    assert len(upstream.requests[0].messages[0]["content"]) == 20 * 1024 * 1024


def test_a83_40_megabytes(sdk: Anthropic, upstream: FakeUpstream) -> None:
    with pytest.raises(anthropic.ContentTooLargeError) as raised:
        sdk.messages.create(**large(40))
    assert raised.value.type == "request_too_large"
    assert upstream.requests == []


def test_a83_40_megabytes_packed(proxy: Proxy, upstream: FakeUpstream) -> None:
    answer = proxy.post(gzip.compress(json.dumps(large(40)).encode(), 1), content_encoding="gzip")
    assert (answer.status, answer.json["error"]["type"]) == (413, "request_too_large")
    assert upstream.requests == []
