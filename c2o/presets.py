"""The upstreams that ``c2o init`` offers by name."""

from __future__ import annotations

from typing import NamedTuple


class Preset(NamedTuple):
    title: str
    base_url: str
    key_env: str | None
    """The variable in which the vendor's own documentation keeps the key; None: no key needed."""
    docs: str = ""
    """Where keys and models are found."""
    model: str | None = None
    """A model to suggest when the list can't be asked."""
    dialect: str | None = None
    """Where the host doesn't tell it, as with servers on this machine."""


PRESETS: dict[str, Preset] = {
    "nim": Preset(
        "NVIDIA NIM", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", "https://build.nvidia.com/models",
        "qwen/qwen3-coder-480b-a35b-instruct",
    ),
    "openai": Preset(
        "OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY", "https://platform.openai.com/docs/models", "gpt-5.1",
    ),
    "deepseek": Preset(
        "DeepSeek", "https://api.deepseek.com", "DEEPSEEK_API_KEY", "https://api-docs.deepseek.com", "deepseek-chat",
    ),
    "openrouter": Preset(
        "OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "https://openrouter.ai/models",
    ),
    "gemini": Preset(
        "Google Gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY",
        "https://ai.google.dev/gemini-api/docs/openai",
    ),
    "mistral": Preset(
        "Mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", "https://docs.mistral.ai/getting-started/models",
    ),
    "groq": Preset("Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "https://console.groq.com/docs/models"),
    "ollama": Preset("Ollama", "http://127.0.0.1:11434/v1", None, "https://docs.ollama.com", dialect="ollama"),
    "lmstudio": Preset("LM Studio", "http://127.0.0.1:1234/v1", None, "https://lmstudio.ai/docs"),
    "vllm": Preset("vLLM", "http://127.0.0.1:8000/v1", None, "https://docs.vllm.ai", dialect="vllm"),
    "llamacpp": Preset(
        "llama.cpp", "http://127.0.0.1:8080/v1", None, "https://github.com/ggml-org/llama.cpp", dialect="llamacpp",
    ),
    "demo": Preset("Demo", "http://127.0.0.1:8227/v1", None, model="c2o-demo"),
}  # fmt: skip
"""``demo`` is the embedded upstream, ``python -m c2o.demo`` on its own port: for whoever has no key."""
