"""Lists of models as upstreams send them, and the limits in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from c2o.proxy.model_list import parse
from c2o.wire.probe import ListedModel, Price

COPILOT = {"limits": {"max_context_window_tokens": 400000, "max_prompt_tokens": 272000, "max_output_tokens": 128000}}
TWO_PROVIDERS = [
    {"provider": "x", "status": "live", "context_length": 32768},
    {"provider": "y", "status": "live", "context_length": 131072},
    {"provider": "z", "status": "staging", "context_length": 4096},
]


@pytest.mark.parametrize(
    ("body", "model"),
    [
        pytest.param({"data": [{"id": "gpt-5.1"}]}, ("gpt-5.1", None, None), id="openai: ids only"),
        pytest.param({"data": [{"id": "q", "max_model_len": 32768}]}, ("q", 32768, None), id="vllm"),
        pytest.param(
            {
                "data": [
                    {
                        "id": "z-ai/glm-5",
                        "context_length": 200000,
                        "top_provider": {"context_length": 131072, "max_completion_tokens": 65536},
                    }
                ]
            },
            ("z-ai/glm-5", 131072, 65536),
            id="openrouter",
        ),
        pytest.param(
            {
                "models": [{"name": "t.gguf"}],
                "data": [{"id": "t.gguf", "meta": {"n_ctx": 8192, "n_ctx_train": 32768}}],
            },
            ("t.gguf", 8192, None),
            id="llama.cpp: what it was started with",
        ),
        pytest.param([{"id": "m", "context_length": 131072}], ("m", 131072, None), id="together: a bare list"),
        pytest.param({"data": [{"id": "l", "capabilities": COPILOT}]}, ("l", 272000, 128000), id="copilot"),
        pytest.param(
            {"data": [{"id": "a/b", "providers": TWO_PROVIDERS}]}, ("a/b", 32768, None), id="least of what is live"
        ),
        pytest.param(
            {"models": [{"name": "models/gemini", "inputTokenLimit": 9, "outputTokenLimit": 4}]},
            ("gemini", 9, 4),
            id="gemini",
        ),
        pytest.param(
            {"data": [{"id": "odd", "context_length": "many", "max_output_tokens": 0, "meta": None}]},
            ("odd", None, None),
            id="nonsense is no limit",
        ),
    ],
)
def test_shapes(body: Any, model: tuple[str, int | None, int | None]) -> None:
    assert parse(json.dumps(body).encode()) == [ListedModel(*model)]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b'"ok"', b'{"object": "list"}', b'{"data": {}}'])
def test_what_is_no_list(body: bytes) -> None:
    with pytest.raises(ValueError, match="no "):
        parse(body)


def test_entries_that_are_no_models_are_left_out() -> None:
    assert parse(b'{"data": [null, {"object": "model"}, {"id": 7}, {"id": "m"}]}') == [ListedModel("m")]


@pytest.mark.parametrize(
    ("pricing", "price"),
    [
        ({"prompt": "0.0000006", "completion": "0.0000022"}, Price(0.6, 2.2)),
        (
            {
                "prompt": "0.000003",
                "completion": "0.000015",
                "input_cache_read": "3e-7",
                "input_cache_write": "0.00000375",
            },
            Price(3.0, 15.0, 0.3, 3.75),
        ),
        ({"prompt": "0", "completion": "0", "image": "0"}, Price(0.0, 0.0)),
        ({"prompt": "-1", "completion": "-1"}, None),
        ({"prompt": "0.000003"}, None),
        ({"prompt": 0.6, "completion": 2.2}, None),
        ({"prompt": "nan", "completion": "1e999"}, None),
        ("free", None),
        (None, None),
    ],
)
def test_the_price_of_a_million_tokens(pricing: object, price: Price | None) -> None:
    """As OpenRouter tells it, for one token; numbers that aren't text may be for a thousand, or a million."""
    (model,) = parse(json.dumps({"data": [{"id": "m", "pricing": pricing}]}).encode())
    assert model.price == price
