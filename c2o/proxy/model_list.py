"""An upstream's list of models, in any of the shapes that are seen in the wild, with the limits that some tell.

OpenAI's ``{"data": […]}``, a bare list (Together), ``{"models": […]}``; limits under a dozen names:
https://openrouter.ai/docs/api-reference/list-available-models (``context_length``, ``top_provider``),
https://docs.vllm.ai (``max_model_len``), https://console.groq.com/docs/models (``context_window``),
https://docs.mistral.ai/api (``max_context_length``), https://github.com/ggml-org/llama.cpp/tree/master/tools/server
(``meta.n_ctx``: what the server was started with; ``n_ctx_train`` would be what the model could take).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from c2o.wire.probe import ListedModel, Price

WINDOWS = (
    "context_length",
    "context_window",
    "max_model_len",
    "max_context_length",
    "loaded_context_length",
    "max_input_tokens",
    "inputTokenLimit",
    "n_ctx",
)
ANSWERS = ("max_output_tokens", "max_completion_tokens", "outputTokenLimit")

INSIDE = ("top_provider", "meta", "limits", "capabilities", "supports", "providers", "architecture", "model_info")
"""Where else a model's limits may stand."""

COPILOT = ("max_prompt_tokens", "max_context_window_tokens")


def parse(body: bytes) -> list[ListedModel]:
    """The models in ``body``.  Raises ValueError if it is no list of models."""
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise ValueError("no JSON") from None
    if isinstance(value, dict):
        value = next((value[name] for name in ("data", "models") if isinstance(value.get(name), list)), None)
    if not isinstance(value, list):
        raise ValueError("no list of models")
    return [model for entry in value if isinstance(entry, dict) and (model := _model(entry))]


def _model(entry: dict[str, Any]) -> ListedModel | None:
    id = entry.get("id") or entry.get("name")
    if not isinstance(id, str):
        return None
    tables = list(_tables(entry))
    return ListedModel(
        id.removeprefix("models/"),
        _least(tables, WINDOWS + COPILOT),
        _least(tables, ANSWERS),
        tools=_can(tables, TOOLS),
        vision=_can(tables, VISION),
        api=_api(entry.get("supported_endpoints")),
        thinking=_can(tables, THINKING),
        price=_price(entry.get("pricing")),
    )


TOOLS = ("supports_tools", "function_calling", "tool_calls", "supports_function_calling", "tools", "tool_use")
VISION = ("supports_image_input", "vision", "supports_vision", "image")
THINKING = ("reasoning", "supports_reasoning", "thinking")
"""The words for what a model can do: Fireworks, Mistral, Copilot, LiteLLM, OpenRouter, LM Studio, Ollama."""

LISTS = ("supported_parameters", "capabilities", "input_modalities")
"""Where they are in a list, which has what the model can do and nothing else."""


def _can(tables: list[dict[str, Any]], words: tuple[str, ...]) -> bool | None:
    """Every word must be a yes: any provider of the model may be asked."""
    said = [table[word] for table in tables for word in words if isinstance(table.get(word), bool)]
    lists = [table[name] for table in tables for name in LISTS if isinstance(table.get(name), list)]
    said += [True for each in lists if any(word in each for word in words)]
    return all(said) if said else None


def _api(endpoints: object) -> str | None:
    """Copilot names the endpoints of each model: https://github.com/simonw/llm-github-copilot"""
    if not isinstance(endpoints, list) or not endpoints or "/chat/completions" in endpoints:
        return None
    return next((api for path, api in APIS.items() if path in endpoints), None)


PRICES = {
    "prompt": "input",
    "completion": "output",
    "input_cache_read": "cache_read",
    "input_cache_write": "cache_write",
}
"""OpenRouter's words for what a token costs, a number of dollars as text:
https://openrouter.ai/docs/api-reference/list-available-models"""


def _price(pricing: object) -> Price | None:
    told = pricing if isinstance(pricing, dict) else {}
    known = {
        ours: dollars for theirs, ours in PRICES.items() if (dollars := _for_a_million(told.get(theirs))) is not None
    }
    return Price(**known) if known.keys() >= {"input", "output"} else None


def _for_a_million(dollars: object) -> float | None:
    """A negative price is OpenRouter's for a model that is chosen later."""
    if not isinstance(dollars, str) or not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,20})?(e-[0-9]{1,2})?", dollars):
        return None
    return round(float(dollars) * 1_000_000, 6)


APIS = {"/responses": "responses", "/v1/messages": "anthropic"}


def _tables(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The entry, and the tables inside it that may have limits; providers that are down don't count."""
    yield entry
    for name in INSIDE:
        inside = entry.get(name)
        for table in inside if isinstance(inside, list) else [inside]:
            if isinstance(table, dict) and table.get("status", "live") == "live":
                yield from _tables(table)


def _least(tables: list[dict[str, Any]], names: tuple[str, ...]) -> int | None:
    """Where several limits are named, the smallest holds: any provider of the model may be asked."""
    given = (table.get(name) for table in tables for name in names)
    return min((number for number in given if type(number) is int and number > 0), default=None)
