"""The variables for a client: what is set, what is taken away, and what of the person's own is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from c2o import config, facts
from c2o.claude.environment import Environment
from c2o.claude.environment import environment as of_client
from c2o.claude.models import choose
from c2o.config import Config, LongContext, Routes
from c2o.errors import UsageError
from c2o.facts import Fact
from c2o.variables import SELECTORS

TOKEN = "c2o-0123456789abcdef"


def configured(**limits: dict[str, int]) -> Config:
    text = config.render(
        token=TOKEN,
        upstreams={
            "cloud": {"base_url": "https://llm.example.com/v1"},
            "local": {"base_url": "http://127.0.0.1:11434/v1"},
        },
        models={"default": "cloud/large", "haiku": "local/small", "opus": "cloud/huge"},
        limits={name.replace("__", "/"): values for name, values in limits.items()},
    )
    return config.parse(text.encode(), Path("config.toml"))


def environment(config: Config, port: int, outer: dict[str, str], model=None, upstream=None, learned=()) -> Environment:
    models = choose(config, model, upstream)
    return of_client(f"http://127.0.0.1:{port}", config.server.auth_token, models, outer, learned)


def test_a_client_finds_the_service_by_its_literal_address():
    found = environment(configured(), 8226, {}).set
    assert found["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:8226"
    assert found["ANTHROPIC_AUTH_TOKEN"] == TOKEN
    assert found["CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"] == "1"


def test_a_key_in_the_shell_is_blanked():
    """It would raise a dialog in Claude Code, and be sent along."""
    assert environment(configured(), 1, {"ANTHROPIC_API_KEY": "sk-ant-real"}).set["ANTHROPIC_API_KEY"] == ""


def test_selectors_of_other_providers_are_taken_away():
    outer = {"CLAUDE_CODE_USE_BEDROCK": "1", "HOME": "/home/me", "ANTHROPIC_BASE_URL": "https://elsewhere"}
    inner = environment(configured(), 1, outer).onto(outer)
    assert "CLAUDE_CODE_USE_BEDROCK" not in inner
    assert inner["HOME"] == "/home/me"
    assert inner["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:1"


def test_each_tier_is_an_alias_of_its_target():
    found = environment(configured(), 1, {}).set
    assert found["ANTHROPIC_MODEL"] == "c2o-claude/cloud/large"
    assert found["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "c2o-claude/cloud/huge"
    assert found["ANTHROPIC_DEFAULT_SONNET_MODEL"] == "c2o-claude/cloud/large"
    assert found["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "c2o-claude/local/small"
    assert found["ANTHROPIC_DEFAULT_HAIKU_MODEL_NAME"] == "small (local)"


@pytest.mark.parametrize(
    ("model", "upstream", "main"),
    [
        ("opus", None, "cloud/huge"),
        ("local/other", None, "local/other"),
        (None, "local", "local/small"),
        ("tiny", "local", "local/tiny"),
        ("local/tiny", "local", "local/tiny"),
    ],
)
def test_a_model_and_an_upstream_can_be_asked_for(model, upstream, main):
    found = environment(configured(), 1, {}, model=model, upstream=upstream).set
    assert found["ANTHROPIC_MODEL"] == f"c2o-claude/{main}"


def test_with_an_upstream_nothing_goes_elsewhere():
    found = environment(configured(), 1, {}, upstream="local").set
    assert {value for name, value in found.items() if name.endswith("_MODEL")} == {"c2o-claude/local/small"}


@pytest.mark.parametrize(("model", "upstream", "words"), [(None, "nowhere", "there are: cloud, local")])
def test_what_is_not_configured_is_refused_with_what_is(model, upstream, words):
    with pytest.raises(UsageError, match=words):
        environment(configured(), 1, {}, model=model, upstream=upstream)


def test_the_window_is_told_where_it_is_known():
    limits = {"cloud__large": {"context_window": 64000, "max_output_tokens": 8000}}
    found = environment(configured(**limits), 1, {}).set
    assert found["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "64000"
    assert found["CLAUDE_CODE_DISABLE_1M_CONTEXT"] == "1"
    assert found["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "8000"


def test_a_window_that_was_learned_is_told():
    window = Fact(
        upstream="cloud",
        model="large",
        base_url=facts.address("https://llm.example.com/v1"),
        fact="context_window:98304",
        learned_at=facts.now(),
    )
    assert environment(configured(), 1, {}, learned=[window]).set["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "98304"
    limits = {"cloud__large": {"context_window": 64000}}
    found = environment(configured(**limits), 1, {}, learned=[window]).set
    assert found["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "64000"


@pytest.mark.parametrize(
    ("main", "long", "model", "told"),
    [
        (64000, 300000, None, "300000"),
        (64000, 32000, None, "64000"),
        (None, 300000, None, "300000"),
        (64000, None, None, "64000"),
        (64000, 300000, "cloud/picked", "200000"),  # long prompts stay with what was picked
        (64000, 300000, "cloud/large", "300000"),
    ],
)
def test_a_session_may_grow_as_long_as_the_model_for_long_prompts_takes(main, long, model, told):
    limits = {"cloud__large": {"context_window": main}, "cloud__long": {"context_window": long}}
    known = configured(**{name: window for name, window in limits.items() if window["context_window"]})
    routes = Routes(long_context=LongContext(model=("cloud/long",)))

    found = environment(structs.replace(known, routes=routes), 1, {}, model=model).set

    assert found["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == told


def test_a_window_that_nobody_knows_is_not_taken_for_a_million():
    """Claude Code would, with a warning at each start, and compact far too late."""
    found = environment(configured(), 1, {}).set
    assert found["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "200000"
    assert found["CLAUDE_CODE_DISABLE_1M_CONTEXT"] == "1"


def test_a_local_model_is_waited_for():
    assert environment(configured(), 1, {}, upstream="local").set["API_TIMEOUT_MS"] == "3600000"
    assert "API_TIMEOUT_MS" not in environment(configured(), 1, {}).set


def test_what_the_person_set_is_kept_where_it_does_not_lead_elsewhere():
    outer = {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "1000", "API_TIMEOUT_MS": "5", "NO_PROXY": "intranet, localhost"}
    limits = {"local__small": {"max_output_tokens": 8000}}
    inner = environment(configured(**limits), 1, outer, upstream="local").onto(outer)
    assert inner["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "1000"
    assert inner["API_TIMEOUT_MS"] == "5"
    assert inner["NO_PROXY"] == "intranet,localhost,127.0.0.1,::1"


def test_a_c2o_inside_a_c2o_starts_afresh():
    """What the outer one suggested for its model isn't the person's choice."""
    limits = {"local__small": {"context_window": 8000}, "cloud__large": {"context_window": 100_000}}
    config = configured(**limits)
    person = {"CLAUDE_CODE_ATTRIBUTION_HEADER": "1"}
    outer = environment(config, 1, person, upstream="local").onto(person)
    assert (outer["CLAUDE_CODE_MAX_CONTEXT_TOKENS"], outer["API_TIMEOUT_MS"]) == ("8000", "3600000")
    inner = environment(config, 1, outer, upstream="cloud").onto(outer)
    assert inner["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "100000"
    assert "API_TIMEOUT_MS" not in inner, "cloud is no model on this machine"
    assert inner["CLAUDE_CODE_ATTRIBUTION_HEADER"] == "1"


def test_what_the_person_changes_in_between_is_theirs():
    outer = environment(configured(), 1, {}).onto({}) | {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "50000"}
    assert environment(configured(), 1, outer).onto(outer)["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "50000"


def test_a_small_window_is_not_all_for_the_answer():
    """Claude Code asks for 32,000 tokens; in a window of that size it would compact at every turn."""
    found = environment(configured(cloud__large={"context_window": 32768}), 1, {}).set
    assert found["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "8192"
    assert "CLAUDE_CODE_MAX_OUTPUT_TOKENS" not in environment(configured(), 1, {}).set


@pytest.mark.parametrize("name", SELECTORS)
def test_each_selector_is_taken_away(name):
    outer = {name: "1", "PATH": "/bin"}
    assert name not in environment(configured(), 1, outer).onto(outer)
    assert environment(configured(), 1, {}).unset == []


def test_an_address_that_is_no_loopback_is_reached_without_a_proxy():
    models = choose(configured())
    found = of_client("http://192.168.1.5:8226", configured().server.auth_token, models, {}, []).set
    assert found["ANTHROPIC_BASE_URL"] == "http://192.168.1.5:8226"
    assert "192.168.1.5" in found["NO_PROXY"].split(",")
    assert found["NO_PROXY"] == found["no_proxy"]
