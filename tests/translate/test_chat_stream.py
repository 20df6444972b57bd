"""What a chunk says: finish reasons, usage, reasoning, errors, and everything odd that servers send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from c2o.errors import RequestError
from tests import grammar
from tests.fake_upstream import DONE, chunk, event, finish, reasoning, text
from tests.translate.talk import Json, answered, completion, request, stream, streamed, tool, translator, whole

BASH = [tool("Bash", {"command": {"type": "string"}})]
CALL = chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "Bash", "arguments": '{"command": "ls"}'}}]})
HALF = chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "Bash", "arguments": '{"command": "ls"'}}]})

# ---- finish reasons

REASONS: dict[str | None, tuple[str, str]] = {
    # reason → with text, with a call
    "stop": ("end_turn", "tool_use"),
    "eos": ("end_turn", "tool_use"),
    "eos_token": ("end_turn", "tool_use"),
    "end_turn": ("end_turn", "tool_use"),
    "COMPLETE": ("end_turn", "tool_use"),
    "": ("end_turn", "tool_use"),
    "whatever": ("end_turn", "tool_use"),
    None: ("end_turn", "tool_use"),
    "tool_calls": ("end_turn", "tool_use"),
    "function_call": ("end_turn", "tool_use"),
    "length": ("max_tokens", "max_tokens"),
    "max_tokens": ("max_tokens", "max_tokens"),
    "model_length": ("max_tokens", "max_tokens"),
    "model_context_window_exceeded": ("model_context_window_exceeded", "model_context_window_exceeded"),
    "content_filter": ("refusal", "refusal"),
    "sensitive": ("refusal", "refusal"),
    "refusal": ("refusal", "refusal"),
    "STOP": ("end_turn", "tool_use"),
    "TOOL_CALL": ("end_turn", "tool_use"),
    "MAX_TOKENS": ("max_tokens", "max_tokens"),
    "max_output_tokens": ("max_tokens", "max_tokens"),
    "SAFETY": ("refusal", "refusal"),
    "content_filter: PROHIBITED_CONTENT": ("refusal", "refusal"),
    "guardrail_intervened": ("refusal", "refusal"),
}


@pytest.mark.parametrize("reason", REASONS)
def test_finish_reasons(reason: str | None) -> None:
    with_text, with_call = REASONS[reason]

    assert streamed(text("Hi"), chunk({}, reason), DONE).stop_reason == with_text
    assert streamed(CALL, chunk({}, reason), DONE, tools=BASH).stop_reason == with_call
    assert answered(completion({"content": "Hi"}, reason))["stop_reason"] == with_text


FAILURES = {
    "error": "api_error",
    "network_error": "api_error",
    "abort": "api_error",
    "insufficient_system_resource": "overloaded_error",
}


@pytest.mark.parametrize("reason", FAILURES)
def test_finish_reasons_of_an_answer_that_is_none(reason: str) -> None:
    told = streamed(text("Hi"), finish(reason), DONE)

    assert told.error is not None
    assert told.error["type"] == FAILURES[reason]
    assert reason in told.error["message"]
    assert told.open == {"type": "text", "text": "Hi"}
    assert whole(completion({"content": "Hi"}, reason)).status in (502, 529)


@pytest.mark.parametrize("reason", ["length", "content_filter", "", "whatever", None])
def test_a_half_call_is_marked_unless_the_upstream_said_that_it_was_whole(reason: str | None) -> None:
    """Never complete what the model did not say: the client would run it."""
    [call] = streamed(HALF, chunk({}, reason), DONE, tools=BASH).calls

    assert call["input"] == {"__c2o_truncated__": True}


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "function_call"])
def test_a_half_call_gets_its_bracket_where_the_upstream_said_that_it_was_whole(reason: str) -> None:
    assert streamed(HALF, finish(reason), DONE, tools=BASH).calls[0]["input"] == {"command": "ls"}


@pytest.mark.parametrize(("answered_tokens", "reason"), [(1000, "max_tokens"), (300, "model_context_window_exceeded")])
def test_an_answer_cut_off_before_its_limit_has_filled_the_window(answered_tokens: int, reason: str) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": answered_tokens}

    assert streamed(text("Hi"), chunk({}, "length", usage=usage), DONE, max_tokens=1000).stop_reason == reason


def test_a_filtered_answer_is_a_refusal_without_words() -> None:
    told = streamed(text("I"), finish("content_filter"), DONE)

    assert told.stop_details == {"type": "refusal", "category": None, "explanation": None}


# ---- the end

TEXT = text("Hi")

ENDS: dict[str, tuple[list[bytes], bool]] = {
    "finish and [DONE]": ([TEXT, finish(), DONE], True),
    "finish alone": ([TEXT, finish()], True),
    "[DONE] alone": ([TEXT, DONE], True),
    "[DONE] without a space": ([TEXT, b"data:[DONE]\n\n"], True),
    "[DONE] with spaces": ([TEXT, b"data:  [DONE] \n\n"], True),
    "[DONE] without its blank line": ([TEXT, b"data: [DONE]"], True),
    "finish without its blank line": ([TEXT, finish().rstrip()], True),
    "nothing": ([TEXT], False),
    "half a chunk": ([TEXT, finish()[:-20]], False),
    "nothing at all": ([], False),
    "a comment": ([b": keep-alive\n\n"], False),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_answer_is_finished_only_where_the_upstream_said_so(end: str) -> None:
    chunks, good = ENDS[end]

    told = streamed(*chunks)

    assert (told.error is None) == good
    if good:
        assert (told.said("text"), told.stop_reason) == ("Hi", "end_turn")
    elif chunks:
        assert "closed the stream" in str(told.error) or "no JSON" in str(told.error)


def test_what_follows_the_end_is_ignored() -> None:
    assert streamed(TEXT, finish(), DONE, text("ghost"), b"data: {\n\n").said("text") == "Hi"


def test_a_reason_for_breaking_off_is_told() -> None:
    of = translator(request(stream=True))
    out = of.feed(TEXT)

    told = grammar.read(out + of.close(RequestError("the line went dead", status=504, type="timeout_error")))

    assert told.error == {"type": "timeout_error", "message": "the line went dead"}
    assert of.outcome.error == "the line went dead"


# ---- text and reasoning

THINKING = {"type": "adaptive"}

REASONING: dict[str, list[Json]] = {
    "reasoning_content": [{"reasoning_content": "a"}, {"reasoning_content": "b"}, {"content": "c"}],
    "reasoning": [{"reasoning": "a"}, {"reasoning": "b"}, {"content": "c"}],
    "reasoning_text": [{"reasoning_text": "ab"}, {"content": "c"}],
    "thinking": [{"thinking": "ab"}, {"content": "c"}],
    "two fields with the same": [{"reasoning": "ab", "reasoning_content": "ab"}, {"content": "c"}],
    "both in one chunk": [{"reasoning_content": "ab", "content": "c"}],
    "null beside the other": [
        {"content": None, "reasoning_content": "ab"},
        {"content": "c", "reasoning_content": None},
    ],
    "empty beside the other": [{"content": "", "reasoning_content": "ab"}, {"content": "c", "reasoning_content": ""}],
    "tags": [{"content": "<think>ab</think>c"}],
    "parts": [{"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "ab"}]}]}, {"content": "c"}],
    "details": [{"reasoning_details": [{"type": "reasoning.text", "text": "ab", "index": 0}]}, {"content": "c"}],
    "details beside the text": [
        {"reasoning": "ab", "reasoning_details": [{"type": "reasoning.text", "text": "ab", "index": 0}]},
        {"content": "c"},
    ],
}


@pytest.mark.parametrize("where", REASONING)
def test_reasoning_is_found_and_shown_once(where: str) -> None:
    told = streamed(*map(chunk, REASONING[where]), finish(), DONE, thinking=THINKING)

    assert [block["type"] for block in told.content] == ["thinking", "text"]
    assert (told.said("thinking"), told.said("text")) == ("ab", "c")
    assert told.content[0]["signature"]


@pytest.mark.parametrize("thinking", [None, {"type": "disabled"}])
def test_reasoning_is_not_shown_to_those_who_did_not_ask(thinking: Json | None) -> None:
    """Clients that take the first block for the answer keep working."""
    told = streamed(reasoning("a"), text("b"), finish(), DONE, thinking=thinking)

    assert told.content == [{"type": "text", "text": "b"}]


CONTENT: dict[str, tuple[Any, str]] = {
    "text": ("a", "a"),
    "parts": ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab"),
    "a part": ({"type": "text", "text": "a"}, "a"),
    "parts that are text": (["a", "b"], "ab"),
    "parts of other kinds": ([{"type": "text", "text": "a"}, {"type": "reference", "reference_ids": [1]}, None], "a"),
}


@pytest.mark.parametrize("what", CONTENT)
def test_content_of_any_shape(what: str) -> None:
    content, expected = CONTENT[what]

    assert streamed(chunk({"content": content}), finish(), DONE).said("text") == expected
    assert answered(completion({"content": content}))["content"] == [{"type": "text", "text": expected}]


def test_a_tag_is_text_for_an_upstream_that_parses_reasoning_itself() -> None:
    told = streamed(text("<think>a</think>b"), finish(), DONE, dialect="openai")

    assert told.said("text") == "<think>a</think>b"


# ---- what is skipped, and what is an error

SKIPPED: dict[str, bytes] = {
    "comments": b": OPENROUTER PROCESSING\n\n",
    "words": b"data: ping\n\n",
    "null": b"data: null\n\n",
    "a number": b"data: 5\n\n",
    "nothing": b"data:\n\n",
    "another event": b'event: sglext_ids\ndata: {"sglext": {"input_ids": [1]}}\n\n',
    "no choices": event({"choices": [], "prompt_filter_results": []}),
    "null choices": event({"choices": None}),
    "a null delta": chunk(None),
    "another choice": event({"choices": [{"index": 1, "delta": {"content": "ghost"}}]}),
    "a second choice": event({"choices": [{"index": 0, "delta": {}}, {"index": 1, "delta": {"content": "ghost"}}]}),
    "no error": event({"choices": [], "error": None}),
    "an empty list of calls": chunk({"tool_calls": []}),
    "null calls": chunk({"tool_calls": None, "function_call": None, "refusal": None}),
}


@pytest.mark.parametrize("what", SKIPPED)
def test_what_says_nothing_changes_nothing(what: str) -> None:
    told = streamed(SKIPPED[what], text("H"), SKIPPED[what], text("i"), SKIPPED[what], finish(), SKIPPED[what], DONE)

    assert told.content == [{"type": "text", "text": "Hi"}]


def test_a_line_that_is_skipped_is_noted() -> None:
    of = translator(request(stream=True))

    stream(of, [b"data: ping\n\n", TEXT, finish(), DONE])

    assert of.outcome.warnings == ["a line that is no JSON skipped"]


ERRORS: dict[str, tuple[bytes, str, str]] = {
    "llama.cpp": (event({"error": {"code": 500, "message": "no match"}}), "api_error", "no match"),
    "SGLang": (
        event({"error": {"object": "error", "message": "Aborted.", "code": 400}}),
        "invalid_request_error",
        "Aborted.",
    ),
    "text": (event({"error": "CUDA out of memory"}), "api_error", "CUDA out of memory"),
    "Groq": (b'event: error\ndata: {"error": {"message": "no call", "code": "x"}}\n\n', "api_error", "no call"),
    "OpenRouter": (
        event({"error": {"code": 502, "message": "gone"}, "choices": [{"delta": {}, "finish_reason": "error"}]}),
        "api_error",
        "gone",
    ),
    "a rate": (event({"error": {"code": 429, "message": "slow down"}}), "rate_limit_error", "slow down"),
    "an overflow": (
        event({"error": {"message": "context_length_exceeded"}}),
        "invalid_request_error",
        "prompt is too long",
    ),
    "a broken object": (b'data: {"choices": [\n\n', "api_error", "no JSON"),
    "a broken list": (b"data: [1\n\n", "api_error", "no JSON"),
    "a list": (b"data: []\n\n", "api_error", "no JSON"),
    "transformers": (b'data: {"error": "bad "quote" here"}\n\n', "api_error", 'bad "quote" here'),
    "nesting without end": (b"data: " + b'{"a":' * 5000 + b"\n\n", "api_error", "no JSON"),
}


@pytest.mark.parametrize("who", ERRORS)
def test_an_error_in_the_middle_ends_the_answer(who: str) -> None:
    line, kind, words = ERRORS[who]

    told = streamed(TEXT, line, text("ghost"), finish(), DONE)

    assert told.error is not None
    assert told.error["type"] == kind
    assert words in told.error["message"]
    assert told.open == {"type": "text", "text": "Hi"}


def test_bytes_that_are_no_text_are_replaced_and_noted() -> None:
    of = translator(request(stream=True))

    told = grammar.read(stream(of, [b'data: {"choices": [{"delta": {"content": "a\xffb"}}]}\n\n', finish(), DONE]))

    assert told.said("text") == "a\ufffdb"
    assert of.outcome.warnings == ["bytes that are no UTF-8 replaced"]


def test_a_broken_line_is_told_without_anybody_s_words() -> None:
    told = streamed(b'data: {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": "my secret\n\n')

    assert "chatcmpl-1" in str(told.error)
    assert "secret" not in str(told.error)


EMPTY: dict[str, list[bytes]] = {
    "an end alone": [finish(), DONE],
    "empty text": [text(""), finish(), DONE],
    "[DONE] alone": [DONE],
    "calls that never came": [finish("tool_calls"), DONE],
}


@pytest.mark.parametrize("what", EMPTY)
def test_an_empty_answer_is_an_honest_error(what: str) -> None:
    told = streamed(*EMPTY[what])

    assert told.error is not None
    assert told.error["type"] == "api_error"
    assert "empty answer" in told.error["message"]


def test_an_empty_answer_that_was_cut_off_is_an_answer() -> None:
    told = streamed(finish("length"), DONE)

    assert (told.content, told.stop_reason) == ([], "max_tokens")


WHOLE_FAILURES: dict[str, tuple[Any, int, str]] = {
    "an error": ({"error": {"code": 502, "message": "Upstream down"}}, 502, "Upstream down"),
    "a rate": ({"error": {"code": 429, "message": "slow down"}}, 429, "slow down"),
    "null choices": ({"id": None, "choices": None}, 502, ""),
    "no choices": ({"choices": []}, 502, "empty answer"),
    "an empty message": (completion({"content": ""}), 502, "empty answer"),
    "a web page": (b"<html><title>Login</title></html>", 502, "Login"),
    "text": (b"hello", 502, "hello"),
    "nothing": (b"", 502, "no chat completion"),
    "half an object": (b'{"choices": [', 502, "no chat completion"),
    "an error in a list": ([{"error": {"code": 429, "message": "quota"}}], 502, "quota"),
}


@pytest.mark.parametrize("what", WHOLE_FAILURES)
def test_a_whole_answer_that_is_none_is_an_error(what: str) -> None:
    body, status, words = WHOLE_FAILURES[what]
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    answer = whole(data)
    told = streamed(data)

    assert answer.status == status
    assert words in json.loads(answer.body)["error"]["message"]
    assert told.error is not None
    assert words in told.error["message"] or not data


# ---- usage


def used(prompt: int, completion: int, **more: Any) -> Json:
    """An upstream's report."""
    return {"prompt_tokens": prompt, "completion_tokens": completion} | more


USAGE: dict[str, tuple[Json, Json]] = {
    "plain": (used(10, 3, total_tokens=13), {"input_tokens": 10, "output_tokens": 3}),
    "a cache": (
        used(1000, 3, prompt_tokens_details={"cached_tokens": 900, "cache_write_tokens": 50}),
        {"input_tokens": 50, "output_tokens": 3, "cache_read_input_tokens": 900, "cache_creation_input_tokens": 50},
    ),
    "DeepSeek": (
        used(339, 83, prompt_cache_hit_tokens=320, prompt_cache_miss_tokens=19),
        {"input_tokens": 19, "output_tokens": 83, "cache_read_input_tokens": 320},
    ),
    "Moonshot": (used(9, 2, cached_tokens=4), {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 4}),
    "reasoning in the completion": (
        used(9, 8, total_tokens=17, completion_tokens_details={"reasoning_tokens": 7}),
        {"input_tokens": 9, "output_tokens": 8, "output_tokens_details": {"thinking_tokens": 7}},
    ),
    "xAI: reasoning beside the completion": (
        used(12, 2, total_tokens=354, completion_tokens_details={"reasoning_tokens": 340}),
        {"input_tokens": 12, "output_tokens": 342, "output_tokens_details": {"thinking_tokens": 340}},
    ),
    "null details": (
        used(5, 1, prompt_tokens_details=None, completion_tokens_details=None),
        {"input_tokens": 5, "output_tokens": 1},
    ),
}

NOTHING = {"cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}


@pytest.mark.parametrize("who", USAGE)
def test_openai_s_arithmetic_as_anthropic_s(who: str) -> None:
    usage, expected = USAGE[who]

    assert streamed(TEXT, chunk({}, "stop", usage=usage), DONE).usage == NOTHING | expected
    assert answered(completion({"content": "Hi"}, usage=usage))["usage"] == NOTHING | expected


LAST = used(10, 3)
IN_THE_CHOICE = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": LAST}]})

PLACES: dict[str, list[bytes]] = {
    "after the finish chunk": [TEXT, finish(), event({"choices": [], "usage": LAST}), DONE],
    "with the finish chunk": [TEXT, chunk({}, "stop", usage=LAST), DONE],
    "on every chunk": [chunk({"content": "Hi"}, usage=used(10, 1)), chunk({}, "stop", usage=LAST)],
    "in the choice": [TEXT, IN_THE_CHOICE],
    "in x_groq": [TEXT, chunk({}, "stop", x_groq={"id": "r", "usage": LAST}), DONE],
    "zeros first": [chunk({"content": "Hi"}, usage=used(0, 0)), chunk({}, "stop", usage=LAST)],
    "zeros last": [TEXT, chunk({}, "stop", usage=LAST), event({"choices": [], "usage": used(0, 0)}), DONE],
    "null elsewhere": [chunk({"content": "Hi"}, usage=None), chunk({}, "stop", usage=LAST), DONE],
}


@pytest.mark.parametrize("where", PLACES)
def test_usage_is_found_where_servers_put_it(where: str) -> None:
    assert streamed(*PLACES[where]).usage == NOTHING | USAGE["plain"][1]


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 0, "completion_tokens": 0}, "none"])
def test_usage_that_is_missing_is_estimated_and_never_zero(usage: Any) -> None:
    told = streamed(text("Hello, world"), chunk({}, "stop", usage=usage), DONE)

    assert told.usage["input_tokens"] > 0
    assert told.usage["output_tokens"] > 0
