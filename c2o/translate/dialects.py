"""The families of upstreams and how they differ: facts as data, each with its source.

A fact that is wrong for one deployment is overridden in the configuration::

    [upstreams.nim]
    quirks = { stream_usage = false }
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import structs

from c2o.translate.dialect import Dialect

DIALECTS: dict[str, Dialect] = {
    "generic": Dialect(),
    # https://platform.openai.com/docs/api-reference/chat/create
    "openai": Dialect(
        max_tokens_field="max_completion_tokens",
        system_messages="anywhere",
        tool_choice_named=True,
        parallel_tool_calls=True,
        strict_tools=True,
        documents="file",  # https://developers.openai.com/api/docs/guides/file-inputs
        safety_identifier=True,
        think_tags=False,
    ),
    # https://docs.api.nvidia.com/nim/reference/llm-apis: the schema refuses additional fields
    "nim": Dialect(),
    # https://api-docs.deepseek.com/api/create-chat-completion: no json_schema
    "deepseek": Dialect(
        thinking_off={"thinking": {"type": "disabled"}},
        reasoning_efforts=("low", "medium", "high", "max"),
        response_format="json_object",
        tool_choice_named=True,
        reasoning_replay="reasoning_content",
        reasoning_required=True,
    ),
    # https://openrouter.ai/docs/api-reference/parameters
    "openrouter": Dialect(
        thinking_off={"reasoning": {"enabled": False}},
        tool_choice_named=True,
        parallel_tool_calls=True,
        top_k=True,
        documents="file",  # https://openrouter.ai/docs/features/multimodal/pdfs: for any model
        document_urls=True,
        reasoning_efforts=("low", "medium", "high"),
        reasoning_replay="reasoning_details",
    ),
    # https://ai.google.dev/gemini-api/docs/openai and …/thought-signatures
    "gemini": Dialect(
        thinking_off={"reasoning_effort": "none"},
        reasoning_efforts=("low", "medium", "high"),
        reasoning_replay="thought_signature",
    ),
    # https://docs.mistral.ai/capabilities/reasoning
    "mistral": Dialect(reasoning_replay="thinking_parts", prefill="prefix"),
    # https://docs.ollama.com/api/openai-compatibility: tool_choice isn't supported
    "ollama": Dialect(
        thinking_off={"reasoning_effort": "none"},
        tool_choice_required=False,
        reasoning_replay="reasoning",
        windows="loaded",
    ),
    # https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
    "llamacpp": Dialect(
        thinking_off={"chat_template_kwargs": {"enable_thinking": False}},
        top_k=True,
        reasoning_replay="reasoning_content",
        prefill="plain",
        count_tokens="llamacpp",
    ),
    # https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html
    "vllm": Dialect(
        thinking_off={"chat_template_kwargs": {"enable_thinking": False}},
        top_k=True,
        tool_choice_named=True,
        reasoning_replay="reasoning",
        prefill="continue_final_message",
        count_tokens="vllm",
    ),
}

HOSTS: dict[str, str] = {
    "api.openai.com": "openai",
    "integrate.api.nvidia.com": "nim",
    "api.deepseek.com": "deepseek",
    "generativelanguage.googleapis.com": "gemini",
    "api.mistral.ai": "mistral",
    "openrouter.ai": "openrouter",
    "ollama.com": "ollama",
}
"""The dialect of a host, or of any host below it."""


def dialect_of(host: str) -> str:
    """The name of the dialect that a host speaks, as far as it's known."""
    return next((HOSTS[known] for known in HOSTS if host == known or host.endswith("." + known)), "generic")


def dialect_for(name: str, quirks: Mapping[str, Any] = {}) -> Dialect:
    """The dialect of that name, with single fields overridden.

    Raises ValueError for an unknown dialect, msgspec.ValidationError for a wrong quirk.
    """
    if name not in DIALECTS:
        raise ValueError(f"unknown dialect {name!r}; there are: {', '.join(sorted(DIALECTS))}")
    if not quirks:
        return DIALECTS[name]
    return msgspec.convert({**structs.asdict(DIALECTS[name]), **quirks}, Dialect)
