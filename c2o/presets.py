"""The upstreams that ``c2o init`` offers by name."""

from __future__ import annotations

from typing import NamedTuple


class Preset(NamedTuple):
    title: str
    base_url: str
    key_env: str | None
    """The variable in which the vendor's own documentation keeps the key; None: no key needed."""
    docs: str = ""
    """What there is to know of its models."""
    model: str | None = None
    """A model to suggest when the list can't be asked."""
    dialect: str | None = None
    """Where the host doesn't tell it, as with servers on this machine."""
    keys: str = ""
    """The page on which its keys are made."""


PRESETS: dict[str, Preset] = {
    "nim": Preset(
        "NVIDIA NIM", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", "https://build.nvidia.com/models",
        "qwen/qwen3-coder-480b-a35b-instruct",
        keys="https://build.nvidia.com/settings/api-keys",
    ),
    "openai": Preset(
        "OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY", "https://platform.openai.com/docs/models", "gpt-5.1",
        keys="https://platform.openai.com/api-keys",
    ),
    "deepseek": Preset(
        "DeepSeek", "https://api.deepseek.com", "DEEPSEEK_API_KEY", "https://api-docs.deepseek.com", "deepseek-v4-pro",
        keys="https://platform.deepseek.com/api_keys",
    ),
    "openrouter": Preset(
        "OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "https://openrouter.ai/models",
        keys="https://openrouter.ai/settings/keys",
    ),
    "gemini": Preset(
        "Google Gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY",
        "https://ai.google.dev/gemini-api/docs/openai",
        keys="https://aistudio.google.com/apikey",
    ),
    "mistral": Preset(
        "Mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", "https://docs.mistral.ai/getting-started/models",
        keys="https://console.mistral.ai/api-keys",
    ),
    "groq": Preset(
        "Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "https://console.groq.com/docs/models",
        keys="https://console.groq.com/keys",
    ),
    "moonshot": Preset(
        "Moonshot (Kimi)", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", "https://platform.moonshot.ai/docs",
        keys="https://platform.moonshot.ai/console/api-keys",
    ),
    "zai": Preset(
        "Z.ai (GLM)", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", "https://docs.z.ai",
        keys="https://z.ai/manage-apikey/apikey-list",
    ),
    "minimax": Preset(
        "MiniMax", "https://api.minimax.io/v1", "MINIMAX_API_KEY", "https://platform.minimax.io/docs",
        keys="https://platform.minimax.io/user-center/basic-information/interface-key",
    ),
    "qwen": Preset(
        "Qwen (DashScope)", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY",
        "https://www.alibabacloud.com/help/en/model-studio/models",
        keys="https://www.alibabacloud.com/help/en/model-studio/get-api-key",
    ),
    "xai": Preset(
        "xAI", "https://api.x.ai/v1", "XAI_API_KEY", "https://docs.x.ai/docs/models",
        keys="https://console.x.ai",
    ),
    "cerebras": Preset(
        "Cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY",
        "https://inference-docs.cerebras.ai/models/overview",
        keys="https://cloud.cerebras.ai",
    ),
    "together": Preset(
        "Together", "https://api.together.xyz/v1", "TOGETHER_API_KEY",
        "https://docs.together.ai/docs/serverless-models",
        keys="https://api.together.ai/settings/api-keys",
    ),
    "fireworks": Preset(
        "Fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", "https://app.fireworks.ai/models",
        keys="https://app.fireworks.ai/settings/users/api-keys",
    ),
    "huggingface": Preset(
        "Hugging Face", "https://router.huggingface.co/v1", "HF_TOKEN", "https://huggingface.co/inference/models",
        keys="https://huggingface.co/settings/tokens",
    ),
    "copilot": Preset(
        "GitHub Copilot", "https://api.githubcopilot.com", "GITHUB_COPILOT_TOKEN",
        "https://docs.github.com/en/copilot/reference/ai-models/supported-models",
    ),
    "ollama": Preset("Ollama", "http://127.0.0.1:11434/v1", None, "https://docs.ollama.com", dialect="ollama"),
    "lmstudio": Preset("LM Studio", "http://127.0.0.1:1234/v1", None, "https://lmstudio.ai/docs", dialect="lmstudio"),
    "vllm": Preset("vLLM", "http://127.0.0.1:8000/v1", None, "https://docs.vllm.ai", dialect="vllm"),
    "sglang": Preset("SGLang", "http://127.0.0.1:30000/v1", None, "https://docs.sglang.ai", dialect="sglang"),
    "llamacpp": Preset(
        "llama.cpp", "http://127.0.0.1:8080/v1", None, "https://github.com/ggml-org/llama.cpp", dialect="llamacpp",
    ),
    "litellm": Preset("LiteLLM", "http://127.0.0.1:4000/v1", None, "https://docs.litellm.ai", dialect="litellm"),
    "newapi": Preset("New API", "http://127.0.0.1:3000/v1", None, "https://docs.newapi.pro", dialect="newapi"),
    "demo": Preset("Demo", "http://127.0.0.1:8227/v1", None, model="c2o-demo"),
}  # fmt: skip
"""``demo`` is the embedded upstream, ``python -m c2o.demo`` on its own port: for whoever has no key.

Azure has none: each resource is an address of its own.
"""
