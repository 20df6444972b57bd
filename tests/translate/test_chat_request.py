"""The fields of a request on their way up."""

from __future__ import annotations

from typing import Any

import pytest

from c2o.errors import RequestError
from tests.translate.talk import Json, request, sent, tool, translator, user

HELLO = [{"role": "user", "content": "Hello"}]


def test_the_smallest_request() -> None:
    """Several upstreams answer 400 to a field that they don't know."""
    assert sent(request()) == {"model": "model-at-upstream", "messages": HELLO, "max_tokens": 1000}


def test_a_streaming_request_asks_for_usage() -> None:
    assert sent(request(stream=True)) == {
        "model": "model-at-upstream",
        "messages": HELLO,
        "max_tokens": 1000,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert "stream_options" not in sent(request(stream=True), quirks={"stream_usage": False})


def test_what_only_advises_stays_here() -> None:
    advice = {
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
        "cache_control": {"type": "ephemeral"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "safeguards": [{"type": "dangerous_tool_use"}],
        "diagnostics": {"previous_message_id": "m"},
        "container": "c",
        "of_tomorrow": True,
    }

    assert sent(request(**advice)) == sent(request())


def test_extra_fields_of_the_configuration_win() -> None:
    body = sent(request(temperature=0.5), extra_body={"temperature": 0, "seed": 7})

    assert (body["temperature"], body["seed"]) == (0, 7)


# ---- the answer's limit


@pytest.mark.parametrize(
    ("asked", "cap", "limit"), [(1000, None, 1000), (64_000, 16_384, 16_384), (1000, 16_384, 1000), (1, None, 1)]
)
def test_the_limit_is_cut_down_to_the_model_s_and_never_raised(asked: int, cap: int | None, limit: int) -> None:
    assert sent(request(max_tokens=asked), max_output_tokens=cap)["max_tokens"] == limit
    body = sent(request(max_tokens=asked), "openai", max_output_tokens=cap)
    assert body["max_completion_tokens"] == limit
    assert "max_tokens" not in body


@pytest.mark.parametrize(
    ("asked", "words"), [(None, "max_tokens: Field required"), (-1, "max_tokens: must be at least 1")]
)
def test_a_request_needs_a_limit(asked: int | None, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        translator(request(max_tokens=asked))


# ---- sampling


def test_sampling() -> None:
    fields = {"temperature": 0.3, "top_p": 0.9, "top_k": 40}

    assert {key: sent(request(**fields)).get(key) for key in fields} == {
        "temperature": 0.3,
        "top_p": 0.9,
        "top_k": None,
    }
    assert {key: sent(request(**fields), "vllm").get(key) for key in fields} == fields


def test_zero_is_a_temperature() -> None:
    assert sent(request(temperature=0))["temperature"] == 0


def test_a_parameter_that_is_dropped_is_noted() -> None:
    assert any("top_k" in note for note in translator(request(top_k=5)).outcome.warnings)


# ---- reasoning

CLASSIC = {"reasoning_efforts": ("low", "medium", "high")}
MODERN = {"reasoning_efforts": ("none", "minimal", "low", "medium", "high", "xhigh", "max")}

EFFORTS: list[tuple[Json, Json, str | None]] = [
    # quirks, what the client asks → reasoning_effort
    ({}, {"output_config": {"effort": "high"}}, None),
    (CLASSIC, {}, None),
    (CLASSIC, {"output_config": {"effort": "medium"}}, "medium"),
    (CLASSIC, {"output_config": {"effort": "max"}}, "high"),
    (MODERN, {"output_config": {"effort": "max"}}, "max"),
    ({"reasoning_efforts": ("high", "max")}, {"output_config": {"effort": "low"}}, "high"),
    (CLASSIC, {"thinking": {"type": "adaptive"}}, None),
    (CLASSIC, {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
    (CLASSIC, {"thinking": {"type": "enabled", "budget_tokens": 10_000}}, "medium"),
    (CLASSIC, {"thinking": {"type": "enabled", "budget_tokens": 20_000}}, "high"),
    (MODERN, {"thinking": {"type": "enabled", "budget_tokens": 40_000}}, "xhigh"),
    (MODERN, {"thinking": {"type": "enabled", "budget_tokens": 1024}, "output_config": {"effort": "max"}}, "max"),
    (MODERN, {"thinking": {"type": "disabled"}}, "none"),
    (CLASSIC, {"thinking": {"type": "disabled"}}, None),
    (MODERN, {"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, "none"),
    (MODERN, {"output_config": {"effort": "of tomorrow"}}, None),
]


@pytest.mark.parametrize(("quirks", "asked", "effort"), EFFORTS)
def test_effort_in_the_words_of_the_upstream(quirks: Json, asked: Json, effort: str | None) -> None:
    assert sent(request(**asked), quirks=quirks).get("reasoning_effort") == effort


SWITCHES: list[tuple[str, Json]] = [
    # dialect, what the request must hold where the client wants no thinking
    ("deepseek", {"thinking": {"type": "disabled"}}),
    ("openrouter", {"reasoning": {"enabled": False}}),
    ("vllm", {"chat_template_kwargs": {"enable_thinking": False}}),
    ("llamacpp", {"chat_template_kwargs": {"enable_thinking": False}}),
    ("gemini", {"reasoning_effort": "none"}),
    ("ollama", {"reasoning_effort": "none"}),
]


@pytest.mark.parametrize(("dialect", "fields"), SWITCHES)
def test_thinking_is_switched_off_in_the_words_of_the_upstream(dialect: str, fields: Json) -> None:
    off = sent(request(thinking={"type": "disabled"}), dialect=dialect)
    on = sent(request(thinking={"type": "adaptive"}), dialect=dialect)
    assert {name: off.get(name) for name in fields} == fields
    assert not any(name in on for name in fields)


@pytest.mark.parametrize("dialect", ["generic", "nim", "openai"])
def test_a_switch_that_is_not_known_is_not_tried(dialect: str) -> None:
    assert (
        sent(request(thinking={"type": "disabled"}), dialect=dialect).keys() == sent(request(), dialect=dialect).keys()
    )


# ---- the system prompt

BILLING = "x-anthropic-billing-header: cc_version=2.1.329.d5e; cc_entrypoint=cli;"


def block(words: str) -> Json:
    return {"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}


SYSTEM: dict[str, tuple[Any, str | None]] = {
    "text": ("Be kind.", "Be kind."),
    "blocks": ([block("Be kind."), block("Be brief.")], "Be kind.\n\nBe brief."),
    "none": (None, None),
    "nothing": ("", None),
    "no blocks": ([], None),
    "empty blocks": ([block(""), block("Be kind.")], "Be kind."),
    "attribution": ([block(BILLING), block("Be kind.")], "Be kind."),
    "attribution alone": ([block(BILLING)], None),
    "attribution as the first line of a text": (f"{BILLING}\nBe kind.\nBe brief.", "Be kind.\nBe brief."),
    "attribution as a text": (BILLING, None),
    "words about attribution": (f"Never write {BILLING}", f"Never write {BILLING}"),
}


@pytest.mark.parametrize("what", SYSTEM)
def test_the_system_prompt_is_one_text_without_attribution(what: str) -> None:
    """Claude Code's attribution differs in each conversation: it would spoil the upstream's prompt cache."""
    given, expected = SYSTEM[what]

    messages = sent(request(system=given))["messages"]

    assert messages == ([{"role": "system", "content": expected}] if expected else []) + HELLO


def test_the_role_of_instructions() -> None:
    messages = sent(request(system="Be kind."), quirks={"system_role": "developer"})["messages"]

    assert messages[0] == {"role": "developer", "content": "Be kind."}


# ---- the same again


def test_a_turn_more_leaves_the_bytes_before_it_as_they_were() -> None:
    """Upstreams cache prompts by their beginning."""
    tools = [tool("Bash", {"command": {"type": "string"}})]
    first = request(system="Be kind.", tools=tools, messages=[user("a", "b")])
    second = first | {"messages": [user("a", "b"), {"role": "assistant", "content": "c"}, user("d")]}

    before, after = (translator(body).request().body for body in (first, second))

    shared = before[: before.index(b'"content":"a\\n\\nb"')]
    assert after.startswith(shared)
    assert before[before.index(b'"tools"') :] == after[after.index(b'"tools"') :]
    assert translator(first).request().body == before


def test_a_mark_on_a_turn_that_says_nothing_marks_nothing() -> None:
    """A conversation cut at its front may begin with a thought, and clients mark what is last in a message."""
    thought = {"type": "thinking", "thinking": "hm", "signature": "", "cache_control": {"type": "ephemeral"}}
    messages = [{"role": "assistant", "content": [thought]}, {"role": "user", "content": "Hello"}]
    body = sent(request(messages=messages), "openrouter", model="anthropic/claude-sonnet-5")
    assert body["messages"] == [{"role": "user", "content": "Hello"}]
