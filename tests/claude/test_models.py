"""Which models a session gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from c2o import config
from c2o.claude.models import choose
from c2o.config import Config
from c2o.errors import UsageError


def configured(**models: str) -> Config:
    upstreams = {"cloud": {"base_url": "https://llm.example.com/v1"}, "local": {"base_url": "http://127.0.0.1:1/v1"}}
    names = {name.replace("__", "*"): target for name, target in models.items()}
    return config.parse(config.render(token="c2o-x", upstreams=upstreams, models=names).encode(), Path("config.toml"))


def main(config: Config, model: str | None = None, upstream: str | None = None) -> str | None:
    route = choose(config, model, upstream).main
    return f"{route.name}/{route.model}" if route else None


@pytest.mark.parametrize(
    ("model", "meant"),
    [
        (None, "cloud/large"),
        ("haiku", "local/small"),
        ("claude-haiku-9", "local/small"),
        ("sonnet", "cloud/large"),
        ("local/else", "local/else"),
        ("c2o-claude/local/else", "local/else"),
        ("gpt-5.1", "cloud/gpt-5.1"),
        ("qwen/qwen3-coder", "cloud/qwen/qwen3-coder"),
    ],
)
def test_what_a_name_means(model: str | None, meant: str) -> None:
    assert main(configured(default="cloud/large", haiku="local/small"), model) == meant


def test_a_name_that_nobody_knows_is_never_taken_for_the_default() -> None:
    """The routing would: for names that the client makes up.  Here a person has asked for it."""
    assert main(configured(default="cloud/large"), "mistral-large") == "cloud/mistral-large"


def test_a_glob_decides_before_that() -> None:
    assert main(configured(default="cloud/large", **{"gpt-__": "local/*"}), "gpt-5") == "local/gpt-5"


def test_without_a_default_somebody_must_say_whose_model_it_is() -> None:
    with pytest.raises(UsageError, match="--upstream: cloud, local"):
        choose(configured(opus="cloud/large"), "gpt-5")


def test_names_that_pass_as_they_are_stay_the_client_s_own() -> None:
    models = choose(configured(__="cloud/*"))
    assert models.main is None
    assert models.tiers == {}


def test_tiers_follow_the_model_that_is_asked_for_unless_they_have_their_own() -> None:
    tiers = choose(configured(default="cloud/large", haiku="local/small"), "gpt-5").tiers
    assert {tier: route.model for tier, route in tiers.items()} == {
        "opus": "gpt-5", "sonnet": "gpt-5", "haiku": "small", "fable": "gpt-5",
    }  # fmt: skip


def test_an_upstream_takes_all_tiers() -> None:
    models = choose(configured(default="cloud/large", haiku="local/small"), None, "local")
    assert {route.name for route in models.tiers.values()} == {"local"}


def test_an_upstream_without_a_model_needs_one() -> None:
    with pytest.raises(UsageError, match="no model of local"):
        choose(configured(default="cloud/large"), None, "local")


def test_an_unknown_upstream_is_refused_with_what_there_is() -> None:
    with pytest.raises(UsageError, match="there are: cloud, local"):
        choose(configured(default="cloud/large"), None, "nowhere")
