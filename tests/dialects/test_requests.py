"""What goes upstream, case by case: each upstream's demands, and that nothing else is sent.

A case says what the client asks, what must be in the upstream's request, and which paths must not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from c2o.errors import RequestError
from c2o.translate.reasoning import Sealed, seal
from c2o.translate.steps import capped
from tests.dialects.test_addresses import CASES as OVER_HTTP
from tests.translate.talk import (
    FAILING,
    Json,
    assistant,
    request,
    sent,
    stream,
    tool_result,
    tool_use,
    translator,
    user,
)

MODEL = "m"


def asked(**fields: Any) -> Json:
    return request(**{"max_tokens": 9, "messages": [{"role": "user", "content": "x"}]} | fields)


def thinking(text: str, model: str = MODEL, upstream: str = FAILING.upstream) -> Json:
    """A thinking block that c2o has signed."""
    return {"type": "thinking", "thinking": text, "signature": seal(Sealed(upstream, model, "t"))}


FOREIGN = {"type": "thinking", "thinking": "plan", "signature": "ErUBCkYIBRgCIkAxyz"}
THINK = {"type": "enabled", "budget_tokens": 12_000}
ANY = {"type": "any"}
F, G = ({"name": name, "input_schema": {"type": "object"}} for name in "fg")
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}
MARKED = {"cache_control": {"type": "ephemeral"}}


def call(id: str = "t1", name: str = "f", input: Json = {}, *, before: tuple[Json | str, ...] = ()) -> Json:
    return assistant(*before, tool_use(id, name, input))


def round(*before: Json | str, id: str = "t1", content: Any = "r") -> list[Json]:
    """A conversation with one call and its result."""
    return [{"role": "user", "content": "x"}, call(id, before=before), user(tool_result(id, content))]


Check = Callable[[Json], object]


class Case(NamedTuple):
    asked: Json
    up: Json = {}
    """What must be contained in the upstream's request."""
    absent: tuple[str, ...] = ()
    """Paths that must not be there: ``tools.0.function.strict``."""
    dialect: str = "generic"
    model: str = MODEL
    check: Check | None = None
    """More to be said of the request; returns what must be true."""


def contains(found: Any, expected: Any) -> bool:
    """Objects may have more, lists not."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            key in found and contains(found[key], value) for key, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(contains(each, value) for each, value in zip(found, expected, strict=True))
        )
    return bool(found == expected) and type(found) is type(expected)


def at(value: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def keys(value: Any) -> Iterator[str]:
    """All names in a request, however deep."""
    if isinstance(value, dict):
        for name, inside in value.items():
            yield name
            yield from keys(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from keys(inside)


def only(*roles: str) -> Check:
    return lambda body: [message["role"] for message in body["messages"]] == list(roles)


def message(role: str, content: Any, **more: Any) -> Json:
    return {"role": role, "content": content} | more


X = message("user", "x")

CASES: dict[str, Case] = {
    "G01 defaults": Case(
        asked(max_tokens=100, metadata={"user_id": "user_" + "a" * 150}),
        {"model": MODEL, "max_tokens": 100, "messages": [X]},
        ("user", "metadata", "max_completion_tokens", "tools", "stop", "temperature", "safety_identifier", "stream"),
    ),
    "G02 system-array-joined": Case(
        asked(system=[{"type": "text", "text": "a"} | MARKED, {"type": "text", "text": "b"}]),
        {"messages": [message("system", "a\n\nb"), X]},
    ),
    "G03 text-parts-flattened": Case(asked(messages=[user("a", "b")]), {"messages": [message("user", "a\n\nb")]}),
    "G04 tool-roundtrip": Case(
        asked(
            messages=[
                X,
                assistant("ok", tool_use("t1", "Bash", {"command": "ls"})),
                user(tool_result("t1", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), "go on"),
            ]
        ),
        {
            "messages": [
                X,
                message(
                    "assistant",
                    "ok",
                    tool_calls=[
                        {"id": "t1", "type": "function", "function": {"name": "Bash", "arguments": '{"command": "ls"}'}}
                    ],
                ),
                message("tool", "a\nb", tool_call_id="t1"),
                message("user", "go on"),
            ]
        },
    ),
    "G05 tool-result-image-moved": Case(
        asked(
            messages=[
                X,
                assistant(tool_use("t1", "Read", {}), tool_use("t2", "Read", {})),
                user(tool_result("t1", [PNG]), tool_result("t2", "two")),
            ]
        ),
        check=lambda body: (
            [each.get("tool_call_id") for each in body["messages"]] == [None, None, "t1", "t2", None]
            and isinstance(body["messages"][2]["content"], str)
            and body["messages"][3]["content"] == "two"
            and {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
            in body["messages"][4]["content"]
        ),
    ),
    "G06 tool-result-error": Case(
        asked(messages=[X, call(), user(tool_result("t1", "boom", is_error=True))]),
        {"messages": [X, {"role": "assistant"}, message("tool", "Error: boom", tool_call_id="t1")]},
    ),
    "G07 tool-result-empty": Case(
        asked(messages=[X, call(), user(tool_result("t1", ...))]),
        {"messages": [X, {"role": "assistant"}, message("tool", "", tool_call_id="t1")]},
    ),
    "G10 tool-schema-fixed": Case(
        asked(tools=[{"name": "f", "input_schema": {"$schema": "https://json-schema.org/x", "type": "object"}}]),
        {
            "tools": [
                {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
            ]
        },
        ("tools.0.function.strict", "tools.0.function.parameters.$schema"),
    ),
    "G11 gemini-schema": Case(
        asked(
            tools=[
                {
                    "name": "f",
                    "input_schema": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "n": {"type": "integer", "exclusiveMinimum": 0},
                            "m": {"type": "object", "propertyNames": {"type": "string"}, "additionalProperties": {}},
                            "k": {"const": "a"},
                            "u": {"type": "string", "format": "uri"},
                            "r": {"$ref": "#/$defs/R"},
                        },
                        "$defs": {"R": {"type": "string"}},
                    },
                }
            ]
        ),
        {
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "f",
                        "parameters": {
                            "type": "object",
                            "properties": {
                                "n": {"type": "integer", "description": "(exclusiveMinimum: 0)"},
                                "m": {"type": "object"},
                                "k": {"type": "string", "enum": ["a"]},
                                "u": {"type": "string", "description": "(format: uri)"},
                                "r": {"type": "string"},
                            },
                        },
                    },
                }
            ]
        },
        dialect="gemini",
        model="gemini-3.8-flash",
        check=lambda body: (
            not (
                {"additionalProperties", "exclusiveMinimum", "propertyNames", "const", "$ref", "$defs", "format"}
                & set(keys(body))
            )
        ),
    ),
    "G12 tool-choice-any": Case(asked(tools=[F], tool_choice=ANY), {"tool_choice": "required"}),
    "G13 tool-choice-any-mistral": Case(asked(tools=[F], tool_choice=ANY), {"tool_choice": "any"}, dialect="mistral"),
    "G14 tool-choice-named-openai": Case(
        asked(tools=[F, G], tool_choice={"type": "tool", "name": "f"}),
        {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        dialect="openai",
    ),
    "G15 tool-choice-named-llamacpp": Case(
        asked(tools=[F, G], tool_choice={"type": "tool", "name": "f"}),
        {"tool_choice": "required", "tools": [{"type": "function", "function": {"name": "f"}}]},
        dialect="llamacpp",
    ),
    # Absent is auto: the smallest request.
    "G16 tool-choice-forced-with-thinking-deepseek": Case(
        asked(tools=[F], tool_choice=ANY, thinking=THINK),
        {"thinking": {"type": "enabled"}},
        ("tool_choice",),
        dialect="deepseek",
    ),
    "G17 no-tools-no-keys": Case(
        asked(tools=[], tool_choice={"type": "auto"}), absent=("tools", "tool_choice", "parallel_tool_calls")
    ),
    "G18 mistral-ids": Case(
        asked(messages=round(id="toolu_01ABC")),
        dialect="mistral",
        check=lambda body: (
            body["messages"][1]["tool_calls"][0]["id"] == body["messages"][2]["tool_call_id"]
            and re.fullmatch("[a-zA-Z0-9]{9}", body["messages"][2]["tool_call_id"])
            and body == sent(asked(messages=round(id="toolu_01ABC")), "mistral", model=MODEL)
        ),
    ),
    "G19 thinking-back-deepseek": Case(
        asked(messages=round(thinking("plan"))),
        {
            "messages": [
                X,
                {
                    "role": "assistant",
                    "reasoning_content": "plan",
                    "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                },
                message("tool", "r", tool_call_id="t1"),
            ]
        },
        dialect="deepseek",
    ),
    "G20 thinking-missing-deepseek": Case(
        asked(messages=round(), thinking=THINK),
        {"messages": [X, {"role": "assistant", "reasoning_content": ""}, {"role": "tool"}]},
        dialect="deepseek",
    ),
    "G21 thinking-back-ollama-field": Case(
        asked(messages=round(thinking("plan"))),
        {"messages": [X, {"role": "assistant", "reasoning": "plan"}, {"role": "tool"}]},
        ("messages.1.reasoning_content",),
        dialect="ollama",
    ),
    "G22 foreign-signature-dropped": Case(
        asked(messages=round(FOREIGN)),
        absent=("messages.1.reasoning_content", "messages.1.reasoning", "messages.1.content"),
        check=lambda body: "plan" not in json.dumps(body),
    ),
    "G23 redacted_thinking-dropped": Case(
        asked(messages=[X, assistant({"type": "redacted_thinking", "data": "q"}, "a"), message("user", "y")]),
        {"messages": [X, message("assistant", "a"), message("user", "y")]},
    ),
    # Stop sequences are matched here and never sent; see test_stop_sequences_hold_without_the_upstream.
    "G24 stop-truncated": Case(asked(stop_sequences=["1", "2", "3", "4", "5"]), absent=("stop",), dialect="openai"),
    "G25 temperature-dropped-kimi": Case(
        asked(temperature=0.2), absent=("temperature",), dialect="moonshot", model="kimi-k3"
    ),
    "G26 reasoning-model-params": Case(
        asked(max_tokens=900, temperature=1, top_p=0.9, top_k=5, thinking=THINK),
        {"max_completion_tokens": 900, "reasoning_effort": "medium"},
        ("max_tokens", "temperature", "top_p", "top_k", "thinking"),
        dialect="openai",
        model="gpt-5.2",
    ),
    "G27 thinking-zai": Case(
        asked(stream=True, tools=[F], thinking=THINK),
        {"thinking": {"type": "enabled", "clear_thinking": False}, "tool_stream": True},
        dialect="zai",
        model="glm-5",
    ),
    "G28 thinking-off-qwen-stream-forced": Case(
        asked(stream=False, thinking=THINK), {"stream": True, "enable_thinking": True}, dialect="qwen"
    ),
    "G29 pdf-fallback": Case(
        asked(messages=[user(PDF, "what is it?")]),
        check=lambda body: isinstance(body["messages"][0]["content"], str) and "PDF" in body["messages"][0]["content"],
    ),
    "G30 cache-control-openrouter-claude": Case(
        asked(system=[{"type": "text", "text": "s"} | MARKED]),
        {"messages": [message("system", [{"type": "text", "text": "s", **MARKED}]), X]},
        dialect="openrouter",
        model="anthropic/claude-x",
    ),
    "G31 null-keys-omitted": Case(
        asked(system="s", messages=[*round(), message("assistant", "done"), message("user", "on")], tools=[F]),
        check=lambda body: (
            [name for each in body["messages"] for name in each if each[name] is None] == ["content"]
            and "tool_calls" in body["messages"][2]
        ),
    ),
    "G32 consecutive-users-merged": Case(
        asked(messages=[message("user", "a"), message("user", "b")]), {"messages": [message("user", "a\n\nb")]}
    ),
    "G33 system-role-in-messages": Case(
        asked(messages=[message("user", "a"), message("system", "note"), message("user", "b")]),
        check=lambda body: only("user")(body) and "note" in body["messages"][0]["content"],
    ),
    "G39 trailing-assistant-whitespace": Case(
        asked(messages=[X, message("assistant", "Sure: ")]),
        {"messages": [X, message("assistant", "Sure:")]},
        dialect="llamacpp",
    ),
}

MORE: dict[str, Case] = {
    # What the vendors' own pages say, beyond the cases that have a number.
    "azure gpt-5": Case(
        asked(temperature=0.5), {"max_completion_tokens": 9}, ("max_tokens", "temperature"), "azure", "gpt-5-mini"
    ),
    "azure mistral": Case(asked(), {"max_tokens": 9}, ("max_completion_tokens",), "azure", "mistral-large-3"),
    "openai gpt-4.1 has no effort": Case(
        asked(temperature=0.5, thinking=THINK), {"temperature": 0.5}, ("reasoning_effort",), "openai", "gpt-4.1"
    ),
    "openai gpt-5.4 doesn't think beside tools": Case(
        asked(tools=[F], thinking=THINK), {"reasoning_effort": "none"}, dialect="openai", model="gpt-5.4"
    ),
    "openai takes 128 tools": Case(
        asked(tools=[{"name": f"f{number}"} for number in range(200)]),
        dialect="openai",
        check=lambda body: [each["function"]["name"] for each in body["tools"]] == [f"f{n}" for n in range(128)],
    ),
    "openai long ids": Case(
        asked(messages=round(id="call_" + "x" * 400)),
        dialect="openai",
        check=lambda body: (
            body["messages"][1]["tool_calls"][0]["id"] == body["messages"][2]["tool_call_id"]
            and len(body["messages"][2]["tool_call_id"]) == 40
        ),
    ),
    "openai root of a schema": Case(
        asked(
            tools=[
                {
                    "name": "f",
                    "input_schema": {
                        "type": "object",
                        "anyOf": [{"properties": {"a": {"type": "array"}}}, {"properties": {"b": {}}}],
                    },
                }
            ]
        ),
        {
            "tools": [
                {
                    "function": {
                        "parameters": {"type": "object", "properties": {"a": {"type": "array", "items": {}}, "b": {}}}
                    }
                }
            ]
        },
        ("tools.0.function.parameters.anyOf",),
        dialect="openai",
    ),
    "prompt cache key": Case(
        asked(metadata={"user_id": "u"}),
        dialect="openai",
        check=lambda body: re.fullmatch("[0-9a-f]{24}", body["prompt_cache_key"]),
    ),
    "openrouter effort": Case(
        asked(output_config={"effort": "max"}),
        {"reasoning": {"effort": "xhigh"}},
        ("reasoning_effort",),
        dialect="openrouter",
    ),
    "openrouter off": Case(
        asked(thinking={"type": "disabled"}), {"reasoning": {"enabled": False}}, dialect="openrouter"
    ),
    "openrouter marks a turn": Case(
        asked(messages=[message("user", [{"type": "text", "text": "a"} | MARKED])]),
        {"messages": [message("user", [{"type": "text", "text": "a", **MARKED}])]},
        dialect="openrouter",
        model="anthropic/claude-x",
    ),
    "openrouter marks a result": Case(
        asked(messages=[X, call(), user(tool_result("t1", "r", **MARKED))]),
        {"messages": [X, {}, message("tool", [{"type": "text", "text": "r", **MARKED}], tool_call_id="t1")]},
        dialect="openrouter",
        model="anthropic/claude-x",
    ),
    "openrouter marks nothing for others": Case(
        asked(system=[{"type": "text", "text": "s"} | MARKED]),
        {"messages": [message("system", "s"), X]},
        dialect="openrouter",
        model="openai/gpt-5.2",
    ),
    "deepseek forces a call without thinking": Case(
        asked(tools=[F], tool_choice=ANY),
        {"tool_choice": "required", "thinking": {"type": "disabled"}},
        dialect="deepseek",
    ),
    "moonshot has no required": Case(asked(tools=[F], tool_choice=ANY), absent=("tool_choice",), dialect="moonshot"),
    "moonshot thinks by itself": Case(
        asked(thinking={"type": "disabled"}),
        {"thinking": {"type": "disabled"}},
        dialect="moonshot",
        model="kimi-k2.5",
    ),
    "moonshot k3 can't be switched off": Case(
        asked(thinking={"type": "disabled"}), {"reasoning_effort": "low"}, ("thinking",), "moonshot", "kimi-k3"
    ),
    "moonshot takes no image by its URL": Case(
        asked(messages=[user({"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}, "see")]),
        dialect="moonshot",
        check=lambda body: "image not shown" in body["messages"][0]["content"],
    ),
    "zai off": Case(asked(thinking={"type": "disabled"}), {"thinking": {"type": "disabled"}}, ("tool_stream",), "zai"),
    "minimax": Case(
        asked(temperature=0), {"reasoning_split": True, "temperature": 0.01}, ("response_format",), "minimax"
    ),
    "qwen off": Case(
        asked(thinking={"type": "disabled"}), {"enable_thinking": False}, ("stream", "thinking"), dialect="qwen"
    ),
    "qwen marks": Case(
        asked(system=[{"type": "text", "text": "s"} | MARKED]),
        {"messages": [message("system", [{"type": "text", "text": "s", **MARKED}]), X]},
        dialect="qwen",
    ),
    "mistral conversation": Case(
        asked(messages=[X, call("aB3dE6gH9"), user(tool_result("aB3dE6gH9", "r"), "go on")]),
        {
            "messages": [
                X,
                {
                    "role": "assistant",
                    "tool_calls": [
                        {"id": "aB3dE6gH9", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                    ],
                },
                message("tool", "r", tool_call_id="aB3dE6gH9", name="f"),
                {"role": "assistant", "content": "Understood."},
                message("user", "go on"),
            ]
        },
        ("messages.1.content",),
        dialect="mistral",
        check=lambda body: "content" not in body["messages"][1],
    ),
    "white space is nothing to go on from": Case(
        asked(messages=[X, message("assistant", " \n")]), {"messages": [X]}, dialect="mistral"
    ),
    "mistral schema": Case(
        asked(
            tools=[
                {
                    "name": "f",
                    "input_schema": {
                        "$id": "urn:x",
                        "type": "object",
                        "properties": {"r": {"$ref": "#/definitions/R"}, "$id": {"type": "string"}},
                        "definitions": {"R": {"type": "string"}},
                    },
                }
            ]
        ),
        {
            "tools": [
                {
                    "function": {
                        "parameters": {
                            "type": "object",
                            "properties": {"r": {"type": "string"}, "$id": {"type": "string"}},
                        }
                    }
                }
            ]
        },
        ("tools.0.function.parameters.$id", "tools.0.function.parameters.definitions"),
        dialect="mistral",
    ),
    "groq": Case(
        asked(output_config={"effort": "max"}),
        {"max_completion_tokens": 9, "reasoning_effort": "high"},
        dialect="groq",
        model="openai/gpt-oss-120b",
    ),
    "groq qwen": Case(
        asked(thinking={"type": "disabled"}),
        {"reasoning_format": "parsed", "reasoning_effort": "none"},
        dialect="groq",
        model="qwen/qwen3-32b",
    ),
    "cerebras glm": Case(
        asked(messages=round(thinking("plan", "zai-glm-4.7")), thinking={"type": "disabled"}),
        {
            "disable_reasoning": True,
            "messages": [X, message("assistant", "<think>plan</think>\n", tool_calls=[{}]), {"role": "tool"}],
        },
        ("reasoning_effort", "messages.1.reasoning_content"),
        dialect="cerebras",
        model="zai-glm-4.7",
    ),
    "together off": Case(
        asked(thinking={"type": "disabled"}),
        {"reasoning": {"enabled": False}},
        dialect="together",
        model="zai-org/GLM-5",
    ),
    "fireworks off": Case(asked(thinking={"type": "disabled"}), {"reasoning_effort": "none"}, dialect="fireworks"),
    "xai has no effort": Case(
        asked(thinking=THINK, tools=[F | {"strict": True}]), absent=("reasoning_effort", "strict"), dialect="xai"
    ),
    "gemini can't be switched off": Case(
        asked(thinking={"type": "disabled"}), {"reasoning_effort": "low"}, dialect="gemini", model="gemini-2.5-pro"
    ),
    "gemini names": Case(
        asked(tools=[{"name": "7zip"}]),
        dialect="gemini",
        check=lambda body: re.fullmatch(r"_zip_[0-9a-f]{8}", body["tools"][0]["function"]["name"]),
    ),
    "gemma has no system": Case(
        asked(system="s"), {"messages": [message("user", "s\n\nx")]}, dialect="gemini", model="gemma-3-27b-it"
    ),
    "huggingface wants text": Case(
        asked(messages=round()), {"messages": [X, message("assistant", ""), {"role": "tool"}]}, dialect="huggingface"
    ),
    "ollama names results": Case(
        asked(messages=round()),
        {"messages": [X, {"role": "assistant"}, message("tool", "r", tool_call_id="t1", name="f")]},
        dialect="ollama",
    ),
    "lmstudio": Case(asked(top_k=5), {"max_tokens": 9, "top_k": 5}, dialect="lmstudio"),
    "vllm template": Case(
        asked(thinking=THINK),
        {"chat_template_kwargs": {"thinking": True}},
        dialect="vllm",
        model="deepseek-ai/DeepSeek-V3.1",
    ),
    "nim template": Case(
        asked(thinking={"type": "disabled"}),
        {"chat_template_kwargs": {"enable_thinking": False}},
        ("enable_thinking",),
        dialect="nim",
        model="qwen/qwen3-next-80b-a3b-thinking",
    ),
    "sglang off": Case(
        asked(thinking={"type": "disabled"}), {"chat_template_kwargs": {"enable_thinking": False}}, dialect="sglang"
    ),
    "litellm claude": Case(
        asked(system=[{"type": "text", "text": "s"} | MARKED]),
        {"messages": [message("system", [{"type": "text", "text": "s", **MARKED}]), X]},
        dialect="litellm",
        model="claude-sonnet-5",
    ),
    "newapi gpt-5": Case(
        asked(temperature=0.2), {"max_completion_tokens": 9}, ("max_tokens", "temperature"), "newapi", "gpt-5.2"
    ),
}


def told(case: Case) -> Json:
    return sent(case.asked, case.dialect, model=case.model)


@pytest.mark.parametrize("case", (CASES | MORE).values(), ids=(CASES | MORE).keys())
def test_request(case: Case) -> None:
    body = told(case)

    assert contains(body, case.up), f"\nexpected {json.dumps(case.up, indent=1)}\nfound    {json.dumps(body, indent=1)}"
    assert [path for path in case.absent if at(body, path) is not None] == []
    assert case.check is None or case.check(body), json.dumps(body, indent=1)


# ---- what is refused, in Anthropic's words

REFUSED: dict[str, tuple[list[Json], str]] = {
    "G08 orphan-tool-use-refused": (
        [X, call(), message("user", "never mind")],
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t1.",
    ),
    "G09 orphan-tool-result-refused": (
        [user(tool_result("gone", "x"))],
        "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: gone.",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_refusal(case: tuple[list[Json], str]) -> None:
    messages, words = case
    with pytest.raises(RequestError) as refused:
        sent(asked(messages=messages))

    assert refused.value.status == 400
    assert str(refused.value).startswith(words)


def test_what_is_refused_can_be_mended() -> None:
    """``repair_history``: the placeholder stands between call and user; a result of no call goes."""
    [(lone_call, _), (lone_result, _)] = REFUSED.values()

    mended = sent(asked(messages=lone_call), repair_history=True)
    assert only("user", "assistant", "tool", "user")(mended)
    assert mended["messages"][2]["tool_call_id"] == "t1"

    mended = sent(asked(messages=[*lone_result, message("user", "hi")]), repair_history=True)
    assert only("user")(mended)


# ---- there and back


def test_stop_sequences_hold_without_the_upstream() -> None:
    """The fifth too, of which OpenAI would take four."""
    of = translator(asked(stream=True, stop_sequences=["1", "2", "3", "4", "5"]), "openai")
    chunk = b'data: {"choices":[{"index":0,"delta":{"content":"ab5cd"},"finish_reason":null}]}\n\n'

    said = stream(of, [chunk]).decode()

    assert '"stop_sequence":"5"' in said
    assert "cd" not in said


def test_ids_of_mistral_s_own_come_back_as_they_were() -> None:
    body = sent(asked(messages=round(id="D681PevKs")), "mistral")

    assert body["messages"][1]["tool_calls"][0]["id"] == body["messages"][2]["tool_call_id"] == "D681PevKs"


def test_ids_that_are_alike_at_the_start_stay_apart() -> None:
    one, other = "call_" + "x" * 60 + "1", "call_" + "x" * 60 + "2"

    assert capped(one) != capped(other)
    assert capped(one) == capped(one)
    assert capped("call_1") == "call_1"


def test_a_forced_call_that_had_to_be_weakened_is_noted() -> None:
    of = translator(asked(tools=[F], tool_choice=ANY, thinking=THINK), "deepseek")

    assert any("while it thinks" in note for note in of.outcome.warnings)


def test_tools_that_are_too_many_are_noted() -> None:
    of = translator(asked(tools=[{"name": f"f{number}"} for number in range(129)]), "openai")

    assert "1 tools dropped: the upstream takes 128" in of.outcome.warnings


# ---- the list


def test_all_cases_are_there() -> None:
    """A case that is lost would be missed by nobody."""
    numbers = sorted(name[:3] for name in [*CASES, *REFUSED, *OVER_HTTP])
    assert numbers == [f"G{number:02}" for number in range(1, 41)]
