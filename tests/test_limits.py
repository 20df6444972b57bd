"""Limits of models whose upstreams list nothing but ids."""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import combinations
from pathlib import Path

import pytest
import tomli_w

from c2o import config, facts, limits, routing
from c2o.limits import LIMITS, Known
from c2o.proxy import model_list
from c2o.routing import Route
from c2o.translate.dialects import DIALECTS

IDS_ONLY = b'{"object":"list","data":[{"id":"deepseek-v4-pro","object":"model","owned_by":"deepseek"}]}'


def route(model: str, *, url: str = "https://api.deepseek.com", **configured: int) -> Route:
    tables = {
        "server": {"auth_token": "c2o-token"},
        "upstreams": {"up": {"base_url": url}},
        "models": {"default": f"up/{model}"},
        "limits": {f"up/{model}": configured},
    }
    return routing.resolve(config.parse(tomli_w.dumps(tables).encode(), Path("config.toml")), "claude-sonnet-5")


@pytest.mark.parametrize("case", ["I08 ids-only-uses-table"])
def test_a_list_of_ids(case: str) -> None:
    [listed] = model_list.parse(IDS_ONLY)
    assert (listed.context_window, listed.max_output_tokens) == (None, None)

    found = route(listed.id)

    assert (found.limits.context_window, found.known_limits([]).context_window) == (None, 1_000_000)
    assert found.known_limits([]).max_output_tokens == 384_000


def test_what_is_configured_comes_first() -> None:
    found = route("deepseek-v4-pro", context_window=131_072)

    assert found.known_limits([]).context_window == 131_072
    assert found.known_limits([]).max_output_tokens == 384_000


def test_what_was_learned_comes_between() -> None:
    learned = ["drop:top_p", "context_window:65536", "max_output_tokens:0"]

    assert route("deepseek-v4-pro").known_limits(learned) == config.Limits(
        context_window=65_536, max_output_tokens=384_000
    )
    assert route("deepseek-v4-pro", context_window=131_072).known_limits(learned).context_window == 131_072


def test_what_was_learned_of_another_model_or_elsewhere_does_not_count() -> None:
    here = facts.address("https://api.deepseek.com")
    known = [
        fact("deepseek-v4-pro", here, "context_window:1"),
        fact("deepseek-v4-other", here, "context_window:2"),
        fact("deepseek-v4-pro", "http://127.0.0.1:8080", "context_window:3"),
    ]

    assert route("deepseek-v4-pro").learned(known) == ["context_window:1"]


def fact(model: str, base_url: str, text: str) -> facts.Fact:
    return facts.Fact(upstream="up", model=model, base_url=base_url, fact=text, learned_at=facts.now())


def test_a_model_that_nobody_knows_has_no_limits() -> None:
    assert limits.known("openai", "whatever") is None
    assert limits.known("generic", "gpt-5") is None
    assert route("gpt-5", url="https://llm.example.com/v1").known_limits([]) == config.NO_LIMITS


KNOWN: dict[tuple[str, str], tuple[int, int | None]] = {
    ("openai", "gpt-5.2"): (400_000, 128_000),
    ("openai", "gpt-5-chat-latest"): (128_000, 16_384),
    ("openai", "gpt-4.1-mini"): (1_047_576, 32_768),
    ("azure", "GPT-4o"): (128_000, 16_384),
    ("nim", "meta/llama-3.3-70b-instruct"): (131_072, None),
    ("nim", "qwen/qwen3-coder-480b-a35b-instruct"): (262_144, None),
    ("nim", "moonshotai/kimi-k2-instruct"): (131_072, None),
    ("nim", "moonshotai/kimi-k2-instruct-0905"): (262_144, None),
    ("groq", "openai/gpt-oss-120b"): (131_072, 65_536),
    ("zai", "glm-5.2"): (1_000_000, 128_000),
    ("zai", "glm-5"): (200_000, 128_000),
    ("xai", "grok-4-fast-reasoning"): (2_000_000, None),
    ("gemini", "models/gemini-2.5-pro"): (1_048_576, 65_536),
}


@pytest.mark.parametrize("of", KNOWN, ids="/".join)
def test_known_limits(of: tuple[str, str]) -> None:
    found = limits.known(*of)

    assert found is not None
    assert (found.context_window, found.max_output_tokens) == KNOWN[of]


ENTRIES = [(dialect, pattern, known) for dialect, models in LIMITS.items() for pattern, known in models.items()]


@pytest.mark.parametrize(("dialect", "pattern", "known"), ENTRIES, ids=[f"{name}/{glob}" for name, glob, _ in ENTRIES])
def test_every_entry_has_a_source_and_makes_sense(dialect: str, pattern: str, known: Known) -> None:
    assert dialect in DIALECTS
    assert pattern == pattern.lower()
    assert known.source.startswith("https://")
    assert known.context_window >= (known.max_output_tokens or 0)


@pytest.mark.parametrize("dialect", LIMITS)
def test_no_entry_is_hidden_by_one_before_it(dialect: str) -> None:
    hidden = [(one, other) for one, other in combinations(LIMITS[dialect], 2) if fnmatchcase(other.rstrip("*"), one)]
    assert hidden == []
