"""Lists of models as upstreams send them, and what is learned from them: I01 to I08."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from c2o.proxy.model_list import parse
from c2o.wire.probe import ListedModel
from tests.fake_upstream import whole
from tests.proxy.test_probe import Gateway, gateway, probe, works

__all__ = ["gateway"]

CASES: dict[str, tuple[Any, ListedModel]] = {
    "I01 vllm": (
        {"object": "list", "data": [{"id": "q", "object": "model", "owned_by": "vllm", "max_model_len": 32768}]},
        ListedModel("q", 32768),
    ),
    "I02 openrouter": (
        {
            "data": [
                {
                    "id": "z-ai/glm-5",
                    "context_length": 200000,
                    "top_provider": {"context_length": 131072, "max_completion_tokens": 65536, "is_moderated": False},
                    "supported_parameters": ["tools", "reasoning"],
                }
            ]
        },
        ListedModel("z-ai/glm-5", 131072, 65536, tools=True, thinking=True),
    ),
    "I03 llamacpp": (
        {
            "models": [{"name": "t.gguf"}],
            "object": "list",
            "data": [{"id": "t.gguf", "object": "model", "meta": {"n_ctx": 8192, "n_ctx_train": 32768}}],
        },
        ListedModel("t.gguf", 8192),
    ),
    "I04 together-bare-array": (
        [{"id": "m", "object": "model", "type": "chat", "context_length": 131072}],
        ListedModel("m", 131072),
    ),
    "I05 copilot": (
        {
            "data": [
                {
                    "id": "gpt-5.6-luna",
                    "capabilities": {
                        "limits": {
                            "max_context_window_tokens": 400000,
                            "max_prompt_tokens": 272000,
                            "max_output_tokens": 128000,
                        },
                        "supports": {"tool_calls": True, "vision": False},
                    },
                    "supported_endpoints": ["/responses"],
                }
            ]
        },
        ListedModel("gpt-5.6-luna", 272000, 128000, tools=True, vision=False, api="responses"),
    ),
    "I06 hf-router": (
        {
            "data": [
                {
                    "id": "a/b",
                    "providers": [
                        {"provider": "x", "status": "live", "context_length": 32768, "supports_tools": False},
                        {"provider": "y", "status": "live", "context_length": 131072, "supports_tools": True},
                    ],
                }
            ]
        },
        ListedModel("a/b", 32768, tools=False),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_list(name: str) -> None:
    body, model = CASES[name]
    assert parse(json.dumps(body).encode()) == [model]


def test_i07_list_500_text(gateway: Gateway) -> None:
    """Chat works all the same, so nothing is made of it."""
    gateway.list_answer = whole(b"Internal Server Error", 500, {"content-type": "text/plain"})
    gateway.think(works)

    models, streamed, tool = probe(f"{gateway.url}/v1")

    assert (models["ok"], models["fault"]) == (False, "list")
    assert (streamed["ok"], tool["ok"]) == (True, True)


def test_i08_ids_only(gateway: Gateway) -> None:
    """There is nothing to learn from ids; what is known of the model by hand counts."""
    gateway.list_answer = whole({"object": "list", "data": [{"id": "deepseek-v4-pro", "owned_by": "deepseek"}]})

    models, window = probe(f"{gateway.url}/v1", "models", "window", model="deepseek-v4-pro", dialect="deepseek")

    assert models["models"] == [{"id": "deepseek-v4-pro"}]
    assert (window["ok"], window["detail"]) == (False, "it doesn't tell")


def test_all_cases_are_here() -> None:
    functions = re.findall(r"def test_i(\d\d)_", Path(__file__).read_text())
    assert sorted([name[1:3] for name in CASES] + functions) == [f"{number:02}" for number in range(1, 9)]
