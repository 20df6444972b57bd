"""The upstreams that ``c2o init`` offers by name."""

from __future__ import annotations

from typing import NamedTuple


class Preset(NamedTuple):
    title: str
    base_url: str
    key_env: str | None
    """The variable in which the vendor's own documentation keeps the key; None: no key needed."""
    docs: str
    """Where keys and models are found."""
    model: str | None = None
    """A model to suggest when the list can't be asked."""


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
    "ollama": Preset("Ollama", "http://127.0.0.1:11434/v1", None, "https://docs.ollama.com"),
    "lmstudio": Preset("LM Studio", "http://127.0.0.1:1234/v1", None, "https://lmstudio.ai/docs"),
    "vllm": Preset("vLLM", "http://127.0.0.1:8000/v1", None, "https://docs.vllm.ai"),
    "llamacpp": Preset("llama.cpp", "http://127.0.0.1:8080/v1", None, "https://github.com/ggml-org/llama.cpp"),
}
