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

THREE = ("low", "medium", "high")

Models = dict[str, dict[str, Any]]

OPENAI_MODELS: Models = {
    # https://platform.openai.com/docs/guides/reasoning and the pages of the models
    "o[134]*": {"sampling": False, "reasoning_efforts": THREE},
    "gpt-5*": {"sampling": False, "reasoning_efforts": ("minimal", *THREE)},
    "gpt-5.[1-9]*": {"reasoning_efforts": ("none", *THREE)},
    "gpt-5.[2-9]*": {"reasoning_efforts": ("none", *THREE, "xhigh")},
    "gpt-5.[4-9]*": {"effort_with_tools": False},
    "gpt-6*": {
        "sampling": False,
        "reasoning_efforts": ("none", *THREE, "xhigh"),
        "effort_with_tools": False,
    },
    "gpt-5*-codex*": {"reasoning_efforts": THREE, "effort_with_tools": True},
    "gpt-5*-pro*": {"reasoning_efforts": ("high",), "effort_with_tools": True, "api": "responses"},
    "gpt-5*-chat*": {"reasoning_efforts": ()},
    "codex-*": {"sampling": False, "reasoning_efforts": THREE},
    "*codex*": {"api": "responses"},
    "o[13]-pro*": {"api": "responses"},
    "o[34]*-deep-research*": {"api": "responses"},
    # open weights, under any vendor's prefix
    "*gpt-oss*": {"sampling": True, "reasoning_efforts": THREE},
}
"""A deployment on Azure may have any name; most people give it the model's."""

THINKS_BY_TEMPLATE: Models = {
    # https://docs.vllm.ai/en/stable/features/reasoning_outputs.html: which word a model's template knows
    "*deepseek-v3*": {"thinking_on": {"chat_template_kwargs": {"thinking": True}}},
    "*kimi-k2.*": {"thinking_off": {"chat_template_kwargs": {"thinking": False}}},
    "*granite*": {"thinking_on": {"chat_template_kwargs": {"thinking": True}}},
}

MARKS_FOR_CACHE: Models = {
    # https://openrouter.ai/docs/features/prompt-caching; https://docs.litellm.ai/docs/completion/prompt_caching
    "*claude*": {"cache_control": True},
    "*gemini*": {"cache_control": True, "schemas": "openapi"},
}

DIALECTS: dict[str, Dialect] = {
    "generic": Dialect(),
    "openai": Dialect(
        sources=(
            "https://platform.openai.com/docs/api-reference/chat/create",
            "https://developers.openai.com/api/docs/guides/prompt-caching",
            "https://developers.openai.com/api/docs/guides/file-inputs",
            "https://developers.openai.com/api/docs/guides/tools-web-search",
        ),
        responses_search=True,
        search_filters=("allowed_domains", "blocked_domains"),
        max_tokens_field="max_completion_tokens",
        system_messages="anywhere",
        tool_choice_named=True,
        parallel_tool_calls=True,
        strict_tools=True,
        most_tools=128,
        documents="file",
        output_media=True,
        safety_identifier=True,
        prompt_cache_key=True,
        think_tags=False,
        schemas="openai",
        steps=("capped_ids",),
        models={
            **OPENAI_MODELS,
            "gpt-5.[6-9]*": {"cache_breakpoints": True},
            "gpt-*-search-*": {"web_search": "options"},
        },
    ),
    "anthropic": Dialect(
        sources=(
            "https://platform.claude.com/docs/en/api/messages",
            "https://platform.claude.com/docs/en/api/overview",
        ),
        key_header="x-api-key",
        messages_betas=True,
        messages_cache_control=("type", "ttl", "scope"),
        messages_signatures=True,
        messages_prewarm=True,
    ),
    "azure": Dialect(
        sources=(
            "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference",
            "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle",
            "https://learn.microsoft.com/en-us/azure/foundry/openai/how-to/web-search",
        ),
        responses_search=True,
        search_filters=("allowed_domains", "blocked_domains"),
        key_header="api-key",
        max_tokens_field="max_completion_tokens",
        system_messages="anywhere",
        tool_choice_named=True,
        parallel_tool_calls=True,
        strict_tools=True,
        most_tools=128,
        output_media=True,
        think_tags=False,
        schemas="openai",
        steps=("capped_ids",),
        models={
            **OPENAI_MODELS,
            # Foundry's other models: https://github.com/pydantic/pydantic-ai/issues/6593
            "*mistral*": {"max_tokens_field": "max_tokens", "parallel_tool_calls": False, "strict_tools": False},
            "*deepseek*": {"max_tokens_field": "max_tokens", "tool_choice_named": False, "think_tags": True},
            "*grok*": {"schemas": "inlined", "strict_tools": False},
        },
    ),
    "nim": Dialect(
        # the schema refuses fields that it doesn't know: the smallest request
        sources=(
            "https://docs.api.nvidia.com/nim/reference/llm-apis",
            "https://docs.nvidia.com/nim/large-language-models/latest/thinking-budget-control.html",
        ),
        schemas="inlined",
        models={
            **THINKS_BY_TEMPLATE,
            "*qwen3*": {"thinking_off": {"chat_template_kwargs": {"enable_thinking": False}}},
            "*qwen3-coder*": {"thinking_off": {}},
            "*glm*": {"thinking_off": {"chat_template_kwargs": {"enable_thinking": False}}},
            "*nemotron-3*": {"thinking_off": {"chat_template_kwargs": {"enable_thinking": False}}},
            "*gpt-oss*": {"reasoning_efforts": THREE},
        },
    ),
    "openrouter": Dialect(
        sources=(
            "https://openrouter.ai/docs/api-reference/parameters",
            "https://openrouter.ai/docs/use-cases/reasoning-tokens",
            "https://openrouter.ai/docs/features/multimodal/pdfs",
            "https://openrouter.ai/docs/guides/features/server-tools/web-search",
        ),
        web_search="openrouter",
        responses_search=True,
        search_filters=("allowed_domains",),
        thinking_off={"reasoning": {"enabled": False}},
        thinking_on={"reasoning": {"enabled": True}},
        effort_field="reasoning",
        reasoning_efforts=("minimal", *THREE, "xhigh"),
        reasoning_replay="reasoning_details",
        messages_signatures=True,  # of Claude models
        tool_choice_named=True,
        parallel_tool_calls=True,
        top_k=True,
        documents="file",
        document_urls=True,
        models={
            **MARKS_FOR_CACHE,
            "minimax/*": {"cache_control": True},
            "z-ai/*": {"cache_control": True, "schemas": "inlined"},
            "qwen/*": {"schemas": "inlined"},
            "deepseek/*": {"forced_calls_think": False},
        },
    ),
    "deepseek": Dialect(
        sources=(
            "https://api-docs.deepseek.com/api/create-chat-completion",
            "https://api-docs.deepseek.com/guides/thinking_mode",
            "https://api-docs.deepseek.com/quick_start/pricing",  # which model sees images
        ),
        thinking_on={"thinking": {"type": "enabled"}},
        thinking_off={"thinking": {"type": "disabled"}},
        reasoning_efforts=(*THREE, "max"),
        reasoning_replay="reasoning_content",
        reasoning_required=True,
        forced_calls_think=False,
        tool_choice_named=True,
        response_format="json_object",
        models={"deepseek-v4-pro*": {"vision": False}, "deepseek-chat": {"vision": False}},
    ),
    "moonshot": Dialect(
        sources=(
            "https://platform.moonshot.ai/docs/api/chat",
            "https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model",
            "https://platform.moonshot.ai/docs/guide/use-kimi-vision-model",
        ),
        tool_choice_required=False,
        image_urls=False,
        prefill="partial",
        prompt_cache_key=True,
        response_format="json_object",
        reasoning_replay="reasoning_content",
        reasoning_filler=" ",
        models={
            "*thinking*": {"sampling": False, "reasoning_required": True},
            "kimi-k2.[5-9]*": {
                "sampling": False,
                "reasoning_required": True,
                "thinking_on": {"thinking": {"type": "enabled"}},
                "thinking_off": {"thinking": {"type": "disabled"}},
            },
            "kimi-k2.7-code*": {"thinking_on": {}, "thinking_off": {}},
            "kimi-k3*": {
                "sampling": False,
                "reasoning_required": True,
                "reasoning_efforts": ("low", "high", "max"),
                "thinking_off": {"reasoning_effort": "low"},
            },
        },
    ),
    "zai": Dialect(
        sources=(
            "https://docs.z.ai/api-reference/llm/chat-completion",
            "https://docs.z.ai/guides/capabilities/thinking-mode",
            "https://docs.z.ai/guides/capabilities/stream-tool",
            "https://docs.z.ai/guides/tools/web-search",
        ),
        web_search="zai",
        vision=False,
        tool_choice_required=False,
        response_format="json_object",
        thinking_on={"thinking": {"type": "enabled", "clear_thinking": False}},
        thinking_off={"thinking": {"type": "disabled"}},
        reasoning_replay="reasoning_content",
        schemas="inlined",
        steps=("tool_stream",),
        models={
            "glm-*v": {"vision": True},
            "glm-*v-*": {"vision": True},
            "glm-5.[23]*": {"reasoning_efforts": ("low", "high", "max")},
            "glm-5.3*": {"thinking_off": {"reasoning_effort": "low"}},
        },
    ),
    "minimax": Dialect(
        sources=(
            "https://platform.minimax.io/docs/api-reference/text-openai-api",
            "https://platform.minimax.io/docs/guides/text-m2-function-call",
        ),
        fields={"reasoning_split": True},
        reasoning_replay="reasoning_details",
        lowest_temperature=0.01,
        response_format="none",
        models={
            "minimax-m2*": {"vision": False},
            "minimax-m3*": {
                "thinking_on": {"thinking": {"type": "adaptive"}},
                "thinking_off": {"thinking": {"type": "disabled"}},
            },
        },
    ),
    "qwen": Dialect(
        sources=(
            "https://www.alibabacloud.com/help/en/model-studio/qwen-api-via-openai-chat-completions",
            "https://www.alibabacloud.com/help/en/model-studio/deep-thinking",
            "https://www.alibabacloud.com/help/en/model-studio/context-cache",
            "https://www.alibabacloud.com/help/en/model-studio/web-search",  # chat completions name no pages
        ),
        responses_search=True,
        thinking_on={"enable_thinking": True},
        thinking_off={"enable_thinking": False},
        forced_calls_think=False,
        cache_control=True,
        top_k=True,
        prefill="partial",
        response_format="json_object",
        schemas="inlined",
        steps=("stream_when_thinking",),
        models={"qwen3-coder*": {"thinking_on": {}, "thinking_off": {}, "tool_choice_required": False}},
    ),
    "mistral": Dialect(
        sources=(
            "https://docs.mistral.ai/api/",
            "https://docs.mistral.ai/capabilities/reasoning",
            "https://docs.mistral.ai/capabilities/function_calling",
            "https://github.com/vybestack/llxprt-code/issues/761",
        ),
        required_word="any",
        tool_choice_named=True,
        parallel_tool_calls=True,
        prompt_cache_key=True,
        empty_content="omit",
        reasoning_replay="thinking_parts",
        prefill="prefix",
        schemas="inlined",
        schema_without=("$id", "$comment"),
        steps=("short_ids", "named_results", "filler"),
        models={"mistral-small-latest": {"thinking_on": {"reasoning_effort": "high"}}},
    ),
    "groq": Dialect(
        sources=(
            "https://console.groq.com/docs/api-reference#chat-create",
            "https://console.groq.com/docs/reasoning",
            "https://console.groq.com/docs/structured-outputs",  # neither with streams nor with tools
            "https://console.groq.com/docs/web-search",
        ),
        max_tokens_field="max_completion_tokens",
        tool_choice_named=True,
        parallel_tool_calls=True,
        most_tools=128,
        response_format="none",
        schemas="inlined",
        models={
            "*gpt-oss*": {"reasoning_efforts": THREE},
            "*qwen3*": {"fields": {"reasoning_format": "parsed"}, "thinking_off": {"reasoning_effort": "none"}},
            "*compound*": {"web_search": "groq"},
        },
    ),
    "cerebras": Dialect(
        sources=(
            "https://inference-docs.cerebras.ai/api-reference/chat-completions",
            "https://inference-docs.cerebras.ai/capabilities/reasoning",
            "https://inference-docs.cerebras.ai/capabilities/structured-outputs",  # no recursion, no $ref elsewhere
        ),
        max_tokens_field="max_completion_tokens",
        schemas="inlined",
        models={
            "*gpt-oss*": {"reasoning_efforts": THREE},
            "*glm*": {"thinking_off": {"disable_reasoning": True}, "reasoning_replay": "think_tags"},
        },
    ),
    "together": Dialect(
        sources=(
            "https://docs.together.ai/reference/chat-completions-1",
            "https://docs.together.ai/docs/reasoning-models-guide",
        ),
        tool_choice_named=True,
        top_k=True,
        schemas="inlined",
        models={
            "*gpt-oss*": {"reasoning_efforts": THREE},
            **{
                hybrid: {
                    "thinking_on": {"reasoning": {"enabled": True}},
                    "thinking_off": {"reasoning": {"enabled": False}},
                }
                for hybrid in ("*deepseek-v3*", "*deepseek-v4*", "*glm-*", "*kimi-k2.5*", "*qwen3.5*")
            },
            "*deepseek-v[34]*": {"forced_calls_think": False},
            "*kimi-k2-thinking*": {"reasoning_replay": "reasoning"},
        },
    ),
    "fireworks": Dialect(
        sources=(
            "https://docs.fireworks.ai/api-reference/post-chatcompletions",
            "https://docs.fireworks.ai/guides/reasoning",
        ),
        tool_choice_named=True,
        top_k=True,
        prompt_cache_key=True,
        reasoning_replay="reasoning_content",
        schemas="inlined",
        thinking_off={"reasoning_effort": "none"},
        reasoning_efforts=THREE,
    ),
    "xai": Dialect(
        sources=(
            "https://docs.x.ai/docs/api-reference#chat-completions",
            "https://docs.x.ai/docs/guides/reasoning",
            "https://docs.x.ai/docs/guides/structured-outputs",
            "https://docs.x.ai/docs/guides/tools/search-tools",
        ),
        responses_search=True,
        search_filters=("allowed_domains", "excluded_domains"),
        most_search_domains=5,
        tool_choice_named=True,
        parallel_tool_calls=True,
        schemas="inlined",
        schema_without=("allOf", "minContains", "maxContains"),
        models={"grok-3-mini*": {"reasoning_efforts": ("low", "high")}},
    ),
    "perplexity": Dialect(
        sources=(
            "https://docs.perplexity.ai/docs/sonar/openai-compatibility",
            "https://docs.perplexity.ai/docs/sonar/filters",
            "https://docs.perplexity.ai/docs/sonar/features",
        ),
        web_search="perplexity",
        most_search_domains=20,
    ),
    "gemini": Dialect(
        sources=(
            "https://ai.google.dev/gemini-api/docs/openai",
            "https://ai.google.dev/gemini-api/docs/thought-signatures",
            "https://ai.google.dev/api/caching#Schema",
        ),
        thinking_off={"reasoning_effort": "none"},
        reasoning_efforts=THREE,
        reasoning_replay="thought_signature",
        schemas="openapi",
        models={
            # these can't be kept from thinking; the least is what they take instead
            "*gemini-2.5-pro*": {"thinking_off": {"reasoning_effort": "low"}},
            "*gemini-3*": {"thinking_off": {"reasoning_effort": "minimal"}},
            "*gemini-3*pro*": {"thinking_off": {"reasoning_effort": "low"}},
            "*gemma*": {"system_role": "user", "thinking_off": {}, "reasoning_efforts": ()},
        },
    ),
    "copilot": Dialect(
        sources=(
            "https://docs.litellm.ai/docs/providers/github_copilot",
            "https://github.com/ericc-ch/copilot-api",
        ),
        max_tokens_field="max_completion_tokens",
        tool_choice_named=True,
        most_tools=128,
        headers={
            "Editor-Version": "vscode/1.104.0",
            "Editor-Plugin-Version": "copilot-chat/0.31.0",
            "Copilot-Integration-Id": "vscode-chat",
            "OpenAI-Intent": "conversation-agent",
        },
        initiator=True,
        models={
            **{model: fields for model, fields in OPENAI_MODELS.items() if "oss" not in model},
            "*gemini*": {"schemas": "openapi"},
        },
    ),
    "huggingface": Dialect(
        sources=("https://huggingface.co/docs/inference-providers/tasks/chat-completion",),
        schemas="inlined",
        empty_content="empty",  # the servers behind it want text: https://github.com/huggingface/text-generation-inference
        models={"*gpt-oss*": {"reasoning_efforts": THREE}},
    ),
    "ollama": Dialect(
        sources=(
            "https://docs.ollama.com/api/openai-compatibility",
            "https://github.com/ollama/ollama/blob/main/openai/openai.go",  # tool_choice isn't read
        ),
        tool_choice_required=False,
        image_urls=False,
        thinking_off={"reasoning_effort": "none"},
        reasoning_replay="reasoning",
        schemas="inlined",
        steps=("named_results",),
        windows="loaded",
        models={"gpt-oss*": {"reasoning_efforts": THREE, "thinking_off": {"reasoning_effort": "low"}}},
    ),
    "lmstudio": Dialect(
        sources=("https://lmstudio.ai/docs/developer/openai-compat/chat-completions",),
        top_k=True,
        schemas="inlined",
        models={"*gpt-oss*": {"reasoning_efforts": THREE}},
    ),
    "llamacpp": Dialect(
        sources=("https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",),
        thinking_off={"chat_template_kwargs": {"enable_thinking": False}},
        top_k=True,
        reasoning_replay="reasoning_content",
        prefill="plain",
        count_tokens="llamacpp",
    ),
    "vllm": Dialect(
        sources=(
            "https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html",
            "https://docs.vllm.ai/en/stable/features/reasoning_outputs.html",
        ),
        thinking_off={"chat_template_kwargs": {"enable_thinking": False}},
        top_k=True,
        tool_choice_named=True,
        reasoning_replay="reasoning",
        prefill="continue_final_message",
        count_tokens="vllm",
        models={**THINKS_BY_TEMPLATE, "*gpt-oss*": {"reasoning_efforts": THREE, "thinking_off": {}}},
    ),
    "sglang": Dialect(
        sources=(
            "https://docs.sglang.ai/basic_usage/openai_api_completions.html",
            "https://docs.sglang.ai/advanced_features/separate_reasoning.html",
        ),
        thinking_off={"chat_template_kwargs": {"enable_thinking": False}},
        top_k=True,
        tool_choice_named=True,
        reasoning_replay="reasoning_content",
        prefill="continue_final_message",
        models={**THINKS_BY_TEMPLATE, "*gpt-oss*": {"reasoning_efforts": THREE, "thinking_off": {}}},
    ),
    "litellm": Dialect(
        sources=(
            "https://docs.litellm.ai/docs/completion/input",
            "https://docs.litellm.ai/docs/completion/prompt_caching",
        ),
        tool_choice_named=True,
        models={
            **MARKS_FOR_CACHE,
            "*gpt-5*": {"sampling": False, "max_tokens_field": "max_completion_tokens"},
        },
    ),
    "newapi": Dialect(
        sources=("https://docs.newapi.pro/en/api/openai-chat/", "https://github.com/songquanpeng/one-api"),
        tool_choice_named=True,
        models={
            "*gemini*": {"schemas": "openapi"},
            "*gpt-5*": {"sampling": False, "max_tokens_field": "max_completion_tokens"},
        },
    ),
}

HOSTS: dict[str, str] = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "openai.azure.com": "azure",
    "services.ai.azure.com": "azure",
    "cognitiveservices.azure.com": "azure",
    "integrate.api.nvidia.com": "nim",
    "openrouter.ai": "openrouter",
    "api.deepseek.com": "deepseek",
    "api.moonshot.ai": "moonshot",
    "api.moonshot.cn": "moonshot",
    "api.kimi.com": "moonshot",
    "api.z.ai": "zai",
    "open.bigmodel.cn": "zai",
    "api.minimax.io": "minimax",
    "api.minimaxi.com": "minimax",
    "dashscope.aliyuncs.com": "qwen",
    "dashscope-intl.aliyuncs.com": "qwen",
    "dashscope-us.aliyuncs.com": "qwen",
    "api.mistral.ai": "mistral",
    "codestral.mistral.ai": "mistral",
    "api.groq.com": "groq",
    "api.cerebras.ai": "cerebras",
    "api.together.xyz": "together",
    "api.together.ai": "together",
    "api.fireworks.ai": "fireworks",
    "api.x.ai": "xai",
    "api.perplexity.ai": "perplexity",
    "generativelanguage.googleapis.com": "gemini",
    "githubcopilot.com": "copilot",
    "router.huggingface.co": "huggingface",
    "ollama.com": "ollama",
}
"""The dialect of a host, or of any host below it."""

PORTS: dict[int, str] = {11434: "ollama", 1234: "lmstudio"}
"""The dialect of a server on this machine, where a port is known for one program and no other.  8000, 8080 and 3000 are
everybody's."""

LOCAL = ("localhost", "127.0.0.1", "::1")


def dialect_of(host: str, port: int | None = None) -> str:
    """The name of the dialect that is spoken there, as far as it's known."""
    if host in LOCAL:
        return PORTS.get(port or 0, "generic")
    return next((HOSTS[known] for known in HOSTS if host == known or host.endswith("." + known)), "generic")


def dialect_for(name: str, quirks: Mapping[str, Any] = {}) -> Dialect:
    """The dialect of that name, with single fields overridden, for all of its models.

    Raises ValueError for an unknown dialect, msgspec.ValidationError for a wrong quirk.
    """
    if name not in DIALECTS:
        raise ValueError(f"unknown dialect {name!r}; there are: {', '.join(sorted(DIALECTS))}")
    known = DIALECTS[name]
    if not quirks:
        return known
    dialect = msgspec.convert({**structs.asdict(known), **quirks}, Dialect)
    own = {
        pattern: {field: value for field, value in fields.items() if field not in quirks}
        for pattern, fields in known.models.items()
    }
    given = {pattern: _typed(dialect, fields) for pattern, fields in dialect.models.items()}
    return structs.replace(dialect, models={**own, **(given if "models" in quirks else {})})


def _typed(dialect: Dialect, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a configuration, checked, in the types that a dialect has them in."""
    checked = msgspec.convert({**structs.asdict(dialect), **fields}, Dialect)
    return {field: getattr(checked, field) for field in fields}
