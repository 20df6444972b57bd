"""Which models are suggested for which tier, for lists as upstreams have them."""

from __future__ import annotations

import pytest

from c2o.cli.init.suggest import size, suggest
from c2o.wire.probe import ListedModel

NIM = (
    "01-ai/yi-large", "baai/bge-m3", "deepseek-ai/deepseek-v3.2", "google/gemma-3-27b-it", "meta/llama-3.1-8b-instruct",
    "meta/llama-3.3-70b-instruct", "moonshotai/kimi-k2-instruct", "nvidia/nv-embed-v1", "openai/gpt-oss-120b",
    "qwen/qwen3-coder-480b-a35b-instruct",
)  # fmt: skip
OPENAI = (
    "gpt-5.1", "gpt-5.1-codex", "gpt-5.1-2025-11-13", "gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-4o", "whisper-1",
    "text-embedding-3-large", "gpt-image-1", "gpt-4o-realtime-preview", "gpt-5.1-chat-latest",
)  # fmt: skip
DEEPSEEK = ("deepseek-v4-flash", "deepseek-v4-pro")
OPENROUTER = (
    "anthropic/claude-haiku-4.5", "anthropic/claude-opus-4.1", "anthropic/claude-opus-4.5",
    "anthropic/claude-sonnet-4.5", "openai/gpt-5.1", "meta-llama/llama-guard-4-12b",
)  # fmt: skip
OLLAMA = ("nomic-embed-text:latest", "llama3.2:3b", "qwen3-coder:30b", "gpt-oss:20b")


@pytest.mark.parametrize(
    ("ids", "usual", "local", "opus", "sonnet", "haiku"),
    [
        (NIM, "qwen/qwen3-coder-480b-a35b-instruct", False,
         "deepseek-ai/deepseek-v3.2", "qwen/qwen3-coder-480b-a35b-instruct", "meta/llama-3.3-70b-instruct"),
        (OPENAI, "gpt-5.1", False, "gpt-5.1", "gpt-5.1", "gpt-5-mini"),
        (DEEPSEEK, "deepseek-v4-pro", False, "deepseek-v4-pro", "deepseek-v4-pro", "deepseek-v4-flash"),
        (OPENROUTER, "", False,
         "anthropic/claude-opus-4.5", "anthropic/claude-sonnet-4.5", "anthropic/claude-haiku-4.5"),
        (OLLAMA, "", True, "qwen3-coder:30b", "qwen3-coder:30b", "qwen3-coder:30b"),
        (("nobody-3b", "nobody-14b", "nobody-70b"), "", False, "nobody-70b", "nobody-70b", "nobody-14b"),
        (("only-one",), "", False, "only-one", "only-one", "only-one"),
        (("text-embedding",), "", False, "text-embedding", "text-embedding", "text-embedding"),
    ],
    ids=["nim", "openai", "deepseek", "openrouter", "ollama", "sizes", "one", "no choice"],
)  # fmt: skip
def test_suggestions(ids: tuple[str, ...], usual: str, local: bool, opus: str, sonnet: str, haiku: str) -> None:
    found = suggest([ListedModel(id) for id in ids], usual=usual, local=local)
    assert (found["opus"], found["sonnet"], found["haiku"]) == (opus, sonnet, haiku)
    assert found["default"] == sonnet


def test_what_calls_no_tools_is_not_suggested() -> None:
    models = [ListedModel("deepseek-v3.2", tools=False), ListedModel("small-7b", tools=True)]
    assert set(suggest(models).values()) == {"small-7b"}


def test_without_a_list_there_is_what_is_usual_or_nothing() -> None:
    assert suggest([], usual="gpt-5.1")["default"] == "gpt-5.1"
    assert suggest([]) == {}


@pytest.mark.parametrize(
    ("id", "billions"), [("qwen3-coder-480b-a35b", 480), ("llama3.2:3b", 3), ("qwen2.5-0.5b", 0.5), ("gpt-5.1", 0)]
)
def test_sizes_in_names(id: str, billions: float) -> None:
    assert size(id) == billions
