"""Windows and output limits of models whose upstreams list nothing but ids: kept by hand, each with its source.

What is configured, and what an upstream says itself, come first.  A number that is too large is worse than none: the
upstream would refuse what c2o has let through; so where sources differ the smaller one is here.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple


class Known(NamedTuple):
    """What a model can take, in tokens."""

    context_window: int
    """Prompt and answer together."""
    max_output_tokens: int | None
    source: str


def known(dialect: str, model: str) -> Known | None:
    """The limits of a model at an upstream of that dialect; the first entry that matches holds."""
    id = model.lower()
    return next((limits for pattern, limits in LIMITS.get(dialect, {}).items() if fnmatchcase(id, pattern)), None)


_GPT = "https://platform.openai.com/docs/models/"
_NIM = "https://build.nvidia.com/"
_DEEPSEEK = "https://api-docs.deepseek.com/quick_start/pricing"
_GROQ = "https://console.groq.com/docs/models"
_CEREBRAS = "https://inference-docs.cerebras.ai/models/overview"
_XAI = "https://docs.x.ai/docs/models"
_ZAI = "https://docs.z.ai/guides/llm/"
_KIMI = "https://platform.moonshot.ai/docs/pricing/chat"
_MINIMAX = "https://platform.minimax.io/docs/guides/text-generation"
_QWEN = "https://www.alibabacloud.com/help/en/model-studio/models"
_GEMINI = "https://ai.google.dev/gemini-api/docs/models"

_OPENAI = {
    "gpt-5*-chat*": Known(128_000, 16_384, _GPT + "gpt-5-chat-latest"),
    "gpt-5*": Known(400_000, 128_000, _GPT + "gpt-5"),
    "gpt-4.1*": Known(1_047_576, 32_768, _GPT + "gpt-4.1"),
    "gpt-4o*": Known(128_000, 16_384, _GPT + "gpt-4o"),
    "o1*": Known(200_000, 100_000, _GPT + "o1"),
    "o3*": Known(200_000, 100_000, _GPT + "o3"),
    "o4-mini*": Known(200_000, 100_000, _GPT + "o4-mini"),
}

LIMITS: dict[str, dict[str, Known]] = {
    "openai": _OPENAI,
    "azure": _OPENAI,
    "nim": {
        "meta/llama-3.1-*": Known(131_072, None, _NIM + "meta/llama-3_1-8b-instruct/modelcard"),
        "meta/llama-3.3-*": Known(131_072, None, _NIM + "meta/llama-3_3-70b-instruct/modelcard"),
        "qwen/qwen3-coder-480b*": Known(262_144, None, _NIM + "qwen/qwen3-coder-480b-a35b-instruct/modelcard"),
        "deepseek-ai/deepseek-v3*": Known(131_072, None, _NIM + "deepseek-ai/deepseek-v3_1/modelcard"),
        "openai/gpt-oss-*": Known(131_072, None, _NIM + "openai/gpt-oss-120b/modelcard"),
        "moonshotai/kimi-k2-instruct": Known(131_072, None, _NIM + "moonshotai/kimi-k2-instruct/modelcard"),
        "moonshotai/kimi-k2-*": Known(262_144, None, _NIM + "moonshotai/kimi-k2-instruct-0905/modelcard"),
        "nvidia/llama-3*nemotron*": Known(131_072, None, _NIM + "nvidia/llama-3_3-nemotron-super-49b-v1_5/modelcard"),
        "mistralai/mistral-nemotron": Known(131_072, None, _NIM + "mistralai/mistral-nemotron/modelcard"),
    },
    "deepseek": {"deepseek-*": Known(1_000_000, 384_000, _DEEPSEEK)},
    "groq": {
        "llama-3.3-70b-versatile": Known(131_072, 32_768, _GROQ),
        "llama-3.1-8b-instant": Known(131_072, 131_072, _GROQ),
        "openai/gpt-oss-*": Known(131_072, 65_536, _GROQ),
        "qwen/qwen3-32b": Known(131_072, 40_960, _GROQ),
        "moonshotai/kimi-k2-instruct-0905": Known(262_144, 16_384, _GROQ),
    },
    "cerebras": {
        "gpt-oss-120b": Known(131_072, 40_960, _CEREBRAS),
        "zai-glm-4.7": Known(131_072, 40_960, _CEREBRAS),
    },
    "xai": {
        "grok-4-fast*": Known(2_000_000, None, _XAI),
        "grok-4.3*": Known(1_000_000, None, _XAI),
        "grok-4.5*": Known(500_000, None, _XAI),
        "grok-4": Known(256_000, None, _XAI),
        "grok-code-fast-1*": Known(256_000, None, _XAI),
        "grok-3*": Known(131_072, None, _XAI),
    },
    "zai": {
        "glm-5.[23]*": Known(1_000_000, 128_000, _ZAI + "glm-5.2"),
        "glm-5*": Known(200_000, 128_000, _ZAI + "glm-5"),
        "glm-4.[67]*": Known(200_000, 128_000, _ZAI + "glm-4.6"),
        "glm-4.5*": Known(128_000, 96_000, _ZAI + "glm-4.5"),
    },
    "moonshot": {
        "kimi-k2-0711-preview": Known(131_072, None, _KIMI),
        "kimi-k2*": Known(262_144, None, _KIMI),
    },
    "minimax": {"minimax-m2*": Known(204_800, 131_072, _MINIMAX)},
    "qwen": {
        "qwen3-coder-plus*": Known(1_000_000, 65_536, _QWEN),
        "qwen3-coder-flash*": Known(1_000_000, 65_536, _QWEN),
        "qwen3-max*": Known(262_144, 32_768, _QWEN),
        "qwen-plus*": Known(1_000_000, 32_768, _QWEN),
    },
    "gemini": {
        "*gemini-2.5-*": Known(1_048_576, 65_536, _GEMINI),
        "*gemini-3*": Known(1_048_576, 65_536, _GEMINI),
    },
}
"""By dialect, and by a glob for the model's id in lower case."""
