"""Dialects: facts as data, each with its source."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from c2o.translate import dialect
from c2o.translate.dialect import Dialect
from c2o.translate.dialects import DIALECTS, HOSTS, dialect_for, dialect_of
from tests.dialects import reference

HOST_NAMES = {
    "api.openai.com": "openai",
    "integrate.api.nvidia.com": "nim",
    "api.deepseek.com": "deepseek",
    "openrouter.ai": "openrouter",
    "eu.openrouter.ai": "openrouter",
    "api.mistral.ai": "mistral",
    "generativelanguage.googleapis.com": "gemini",
    "r.openai.azure.com": "azure",
    "r.services.ai.azure.com": "azure",
    "api.moonshot.cn": "moonshot",
    "api.z.ai": "zai",
    "api.individual.githubcopilot.com": "copilot",
    "dashscope-intl.aliyuncs.com": "qwen",
    "aliyuncs.com": "generic",
    "127.0.0.1": "generic",
    "evilopenrouter.ai": "generic",
    "api.openai.com.evil.example": "generic",
    "": "generic",
}


@pytest.mark.parametrize("host", HOST_NAMES)
def test_the_dialect_of_a_host(host: str) -> None:
    assert dialect_of(host) == HOST_NAMES[host]


@pytest.mark.parametrize(
    ("host", "port", "dialect"),
    [
        ("127.0.0.1", 11434, "ollama"),
        ("localhost", 11434, "ollama"),
        ("::1", 1234, "lmstudio"),
        ("127.0.0.1", 8000, "generic"),
        ("gpu.example", 11434, "generic"),
        ("api.openai.com", 11434, "openai"),
    ],
)
def test_the_dialect_of_a_port_on_this_machine(host: str, port: int, dialect: str) -> None:
    """What listens on a port elsewhere is anybody's guess."""
    assert dialect_of(host, port) == dialect


def test_every_host_has_a_dialect_that_there_is() -> None:
    assert set(HOSTS.values()) <= set(DIALECTS)


def test_the_default_is_the_smallest_request() -> None:
    """What NVIDIA's schema and other strict servers take."""
    plain = Dialect()

    assert DIALECTS["generic"] == plain
    nim = DIALECTS["nim"]
    assert nim == structs.replace(plain, sources=nim.sources, models=nim.models, schemas="inlined")
    assert (plain.top_k, plain.parallel_tool_calls, plain.tool_choice_named) == (False, False, False)
    assert plain.max_tokens_field == "max_tokens"


def test_a_quirk_overrides_one_fact() -> None:
    found = dialect_for("vllm", {"stream_usage": False, "reasoning_efforts": ["low", "high"]})

    known = structs.replace(DIALECTS["vllm"], stream_usage=False, reasoning_efforts=("low", "high"))
    assert structs.replace(found, models={}) == structs.replace(known, models={})


def test_models_of_a_dialect_differ() -> None:
    assert DIALECTS["openai"].of("gpt-4.1") == DIALECTS["openai"]
    assert not DIALECTS["openai"].of("GPT-5.2").sampling
    assert DIALECTS["openai"].of("gpt-5.2").reasoning_efforts == ("none", "low", "medium", "high", "xhigh")
    assert not DIALECTS["openai"].of("gpt-5.4-mini").effort_with_tools
    assert DIALECTS["azure"].of("mistral-large-3").max_tokens_field == "max_tokens"


def test_a_quirk_holds_for_all_models() -> None:
    found = dialect_for("openai", {"sampling": True})

    assert found.of("gpt-5.2").sampling
    assert found.of("gpt-5.2").reasoning_efforts == DIALECTS["openai"].of("gpt-5.2").reasoning_efforts


def test_quirks_of_a_model_are_the_last_word() -> None:
    found = dialect_for("openai", {"models": {"gpt-5.2": {"sampling": True, "reasoning_efforts": ["high"]}}})

    assert found.of("gpt-5.2").sampling
    assert found.of("gpt-5.2").reasoning_efforts == ("high",)
    assert not found.of("gpt-5.1").sampling


@pytest.mark.parametrize("name", DIALECTS)
def test_what_is_said_of_models_is_right(name: str) -> None:
    """Every rule has fields that there are, with values that they can have."""
    known = DIALECTS[name]
    for fields in known.models.values():
        msgspec.convert({**structs.asdict(known), **fields}, Dialect)


@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "generic"])
def test_a_dialect_says_where_it_was_seen(name: str) -> None:
    assert DIALECTS[name].sources
    assert all(source.startswith("https://") for source in DIALECTS[name].sources)


def test_an_unknown_dialect_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"unknown dialect 'opneai'; there are: .*openai"):
        dialect_for("opneai")


@pytest.mark.parametrize(
    "quirks",
    [{"stream_usages": True}, {"vision": "yes"}, {"system_role": "root"}, {"models": {"a*": {"visions": True}}}],
)
def test_a_wrong_quirk_is_refused(quirks: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        dialect_for("generic", quirks)


def test_every_fact_says_what_it_means() -> None:
    source = Path(dialect.__file__).read_text(encoding="utf-8")
    for name in Dialect.__struct_fields__:
        after = source.split(f"    {name}: ", 1)[1]
        assert '"""' in after.split("\n\n", 1)[0], name


@pytest.mark.parametrize("name", [field.name for field in msgspec.structs.fields(Dialect)])
def test_a_field_says_where_it_was_seen(name: str) -> None:
    said = reference.docstrings()[name]
    assert "http" in said or name in ("sources", "models", "steps"), f"{name}: {said}"
