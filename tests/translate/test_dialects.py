"""Dialects: facts as data, each with its source."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from c2o.translate import dialect
from c2o.translate.dialect import Dialect
from c2o.translate.dialects import DIALECTS, HOSTS, dialect_for, dialect_of

HOST_NAMES = {
    "api.openai.com": "openai",
    "integrate.api.nvidia.com": "nim",
    "api.deepseek.com": "deepseek",
    "openrouter.ai": "openrouter",
    "eu.openrouter.ai": "openrouter",
    "api.mistral.ai": "mistral",
    "generativelanguage.googleapis.com": "gemini",
    "127.0.0.1": "generic",
    "evilopenrouter.ai": "generic",
    "api.openai.com.evil.example": "generic",
    "": "generic",
}


@pytest.mark.parametrize("host", HOST_NAMES)
def test_the_dialect_of_a_host(host: str) -> None:
    assert dialect_of(host) == HOST_NAMES[host]


def test_every_host_has_a_dialect_that_there_is() -> None:
    assert set(HOSTS.values()) <= set(DIALECTS)


def test_the_default_is_the_smallest_request() -> None:
    """What NVIDIA's schema and other strict servers take."""
    plain = Dialect()

    assert DIALECTS["generic"] == plain
    assert DIALECTS["nim"] == plain
    assert (plain.top_k, plain.parallel_tool_calls, plain.tool_choice_named) == (False, False, False)
    assert plain.max_tokens_field == "max_tokens"


def test_a_quirk_overrides_one_fact() -> None:
    found = dialect_for("vllm", {"stream_usage": False, "reasoning_efforts": ["low", "high"]})

    assert found == structs.replace(DIALECTS["vllm"], stream_usage=False, reasoning_efforts=("low", "high"))


def test_an_unknown_dialect_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"unknown dialect 'opneai'; there are: .*openai"):
        dialect_for("opneai")


@pytest.mark.parametrize("quirks", [{"stream_usages": True}, {"vision": "yes"}, {"system_role": "root"}])
def test_a_wrong_quirk_is_refused(quirks: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        dialect_for("generic", quirks)


def test_every_fact_says_what_it_means() -> None:
    source = Path(dialect.__file__).read_text(encoding="utf-8")
    for name in Dialect.__struct_fields__:
        after = source.split(f"    {name}: ", 1)[1]
        assert '"""' in after.split("\n\n", 1)[0], name
