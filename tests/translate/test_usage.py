"""Usage reports of many makes, as Anthropic's usage."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2o.translate.usage import PromptSize, counted, estimated, prompt_size, size_in, usage_of
from c2o.wire.anthropic import encode
from c2o.wire.chat import (
    ChatMessage,
    ChatRequest,
    ChatUsage,
    File,
    FilePart,
    ImagePart,
    ImageURL,
    TextPart,
    decode_chunk,
    encode_request,
)
from tests.translate.test_media_tokens import png

Json = dict[str, Any]


def reported(usage: Json) -> ChatUsage:
    """As it is read from a chunk."""
    found = decode_chunk(json.dumps({"usage": usage}).encode()).usage
    assert found is not None
    return found


def told(usage: Json) -> Json:
    """Anthropic's usage, without zeros."""
    made = json.loads(encode(usage_of(reported(usage), prompt_estimate=777, answer_size=40)))
    return {name.removesuffix("_tokens"): number for name, number in made.items() if number}


OPENAI = {"prompt_tokens": 1000, "completion_tokens": 20, "total_tokens": 1020}
SPLIT = {"input": 50, "cache_read_input": 900, "cache_creation_input": 50, "output": 20}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(OPENAI, {"input": 1000, "output": 20}, id="openai"),
        pytest.param(
            OPENAI | {"prompt_tokens_details": {"cached_tokens": 900, "cache_write_tokens": 50}},
            SPLIT,
            id="cache-details",
        ),
        pytest.param(
            OPENAI | {"prompt_tokens_details": {"cached_tokens": 900, "created_cache_tokens": 50}}, SPLIT, id="vllm"
        ),
        pytest.param(
            OPENAI | {"prompt_cache_hit_tokens": 900, "prompt_cache_miss_tokens": 100},
            {"input": 100, "cache_read_input": 900, "output": 20},
            id="deepseek",
        ),
        pytest.param(
            OPENAI | {"cached_tokens": 900}, {"input": 100, "cache_read_input": 900, "output": 20}, id="moonshot"
        ),
        pytest.param(OPENAI | {"cache_read_input_tokens": 900, "cache_creation_input_tokens": 50}, SPLIT, id="litellm"),
        pytest.param(OPENAI | {"cached_tokens": 900, "cache_creation_tokens": 50}, SPLIT, id="creation-flat"),
        pytest.param(
            {
                "input_tokens": 50,
                "cache_read_input_tokens": 900,
                "cache_creation_input_tokens": 50,
                "output_tokens": 20,
            },
            SPLIT,
            id="anthropic-names",
        ),
        pytest.param(
            {"input_tokens": 1000, "output_tokens": 20, "input_tokens_details": {"cached_tokens": 900}},
            {"input": 100, "cache_read_input": 900, "output": 20},
            id="responses-names",
        ),
        pytest.param(
            OPENAI | {"completion_tokens_details": {"reasoning_tokens": 7}},
            {"input": 1000, "output": 20, "output_tokens_details": {"thinking_tokens": 7}},
            id="reasoning",
        ),
        pytest.param(
            OPENAI | {"reasoning_tokens": 7},
            {"input": 1000, "output": 20, "output_tokens_details": {"thinking_tokens": 7}},
            id="sglang-reasoning",
        ),
        pytest.param(
            OPENAI | {"total_tokens": 1320, "completion_tokens_details": {"reasoning_tokens": 300}},
            {"input": 1000, "output": 320, "output_tokens_details": {"thinking_tokens": 300}},
            id="xai-reasoning-outside",
        ),
        pytest.param(OPENAI | {"total_tokens": 1320}, {"input": 1000, "output": 320}, id="gemini-reasoning-unsaid"),
        pytest.param(OPENAI | {"total_tokens": 1010}, {"input": 1000, "output": 20}, id="total-too-small"),
        pytest.param(OPENAI | {"total_tokens": None}, {"input": 1000, "output": 20}, id="no-total"),
        pytest.param(
            {"prompt_tokens": "1000", "completion_tokens": "20", "prompt_tokens_details": {"cached_tokens": "900"}},
            {"input": 100, "cache_read_input": 900, "output": 20},
            id="strings",
        ),
        pytest.param({"prompt_tokens": 1000.0, "completion_tokens": 20.0}, {"input": 1000, "output": 20}, id="floats"),
        pytest.param({"prompt_tokens": "many", "completion_tokens": 20}, {"input": 777, "output": 20}, id="a-word"),
        pytest.param({"prompt_tokens": 0, "completion_tokens": 0}, {"input": 777, "output": 10}, id="zeros"),
        pytest.param({"prompt_tokens": -1, "completion_tokens": -1}, {"input": 777, "output": 10}, id="negative"),
        pytest.param({"prompt_tokens": 1000}, {"input": 1000, "output": 10}, id="prompt-only"),
        pytest.param({"completion_tokens": 20}, {"input": 777, "output": 20}, id="completion-only"),
        pytest.param(
            OPENAI | {"prompt_tokens_details": {"cached_tokens": 5000}},
            {"cache_read_input": 1000, "output": 20},
            id="more-cached-than-there-is",
        ),
        pytest.param(
            OPENAI | {"prompt_tokens_details": {"cached_tokens": -7, "cache_write_tokens": 5000}},
            {"cache_creation_input": 1000, "output": 20},
            id="more-written-than-there-is",
        ),
        pytest.param(
            OPENAI | {"prompt_tokens_details": "none"}, {"input": 1000, "output": 20}, id="details-of-no-shape"
        ),
        pytest.param({}, {"input": 777, "output": 10}, id="empty"),
    ],
)
def test_reports(usage: Json, expected: Json) -> None:
    assert told(usage) == expected


def test_b16_without_a_report_it_is_estimated() -> None:
    usage = usage_of(None, prompt_estimate=777, answer_size=2)

    assert (usage.input_tokens, usage.output_tokens) == (777, 1)


def test_a_report_of_groq() -> None:
    chunk = decode_chunk(json.dumps({"choices": [], "x_groq": {"id": "req_1", "usage": OPENAI}}).encode())

    assert chunk.x_groq
    assert chunk.x_groq.usage
    assert counted(chunk.x_groq.usage).prompt == 1000


NUMBERS = st.none() | st.integers() | st.sampled_from([0, 1, -1, "12", "x", 2.5, True, [], {}])
DETAILS = st.none() | st.dictionaries(
    st.sampled_from(["cached_tokens", "cache_write_tokens", "reasoning_tokens"]), NUMBERS
)


@given(
    st.dictionaries(
        st.sampled_from([name for name in ChatUsage.__struct_fields__ if not name.endswith("details")]), NUMBERS
    ),
    DETAILS,
    DETAILS,
)
def test_no_report_gives_a_zero_prompt_or_less(usage: Json, prompt_details: Any, completion_details: Any) -> None:
    given = reported(usage | {"prompt_tokens_details": prompt_details, "completion_tokens_details": completion_details})

    made = usage_of(given, prompt_estimate=777, answer_size=40)

    parts = (made.input_tokens, made.cache_read_input_tokens, made.cache_creation_input_tokens)
    assert min(parts) >= 0
    assert sum(parts) > 0
    assert made.output_tokens > 0


# Estimates by size ---------------------------------------------------------------------------------


def test_an_estimate_is_never_zero() -> None:
    assert estimated(0) == estimated(3, 0.1) == 1
    assert estimated(4000) == 1000
    assert estimated(4000, 1.25) == 1250


def test_a_text_in_any_script_is_measured_in_bytes() -> None:
    assert size_in("word" * 100) == 400
    assert estimated(size_in("日本語" * 100)) == pytest.approx(0.7 * 300, rel=0.1)
    assert size_in("\ud83d") == 3  # half a character, as a cut stream may have it


def size_of(*parts: Any) -> PromptSize:
    chat = ChatRequest(model="m", messages=[ChatMessage(role="user", content=list(parts) if parts else "hello")])
    return prompt_size(chat, encode_request(chat))


def test_images_count_by_their_pixels_and_not_by_their_bytes() -> None:
    image = ImagePart(ImageURL("data:image/png;base64," + base64.b64encode(png(280, 280) + bytes(90_000)).decode()))

    size = size_of(TextPart("look"), image, TextPart("again"), image)

    assert size.media == 200
    assert size.text < 300
    assert size.tokens(2.0) == round(size.text / 4 * 2) + 200


def test_an_image_elsewhere_and_a_file() -> None:
    assert size_of(ImagePart(ImageURL("https://example.com/a.png"))).media == 1500
    assert size_of(FilePart(File("a.pdf", "data:application/pdf;base64," + "A" * 250_000))).media == 3 * 2000


def test_a_text_is_all_text() -> None:
    assert size_of() == PromptSize(len(b'{"model":"m","messages":[{"role":"user","content":"hello"}]}'), 0)
