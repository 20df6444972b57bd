"""Which upstream and model a client's name means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from c2o.config import Config, parse
from c2o.errors import RequestError
from c2o.routing import ALIAS, Route, is_picked, listed, resolve

UPSTREAMS = "".join(f'[upstreams.{name}]\nbase_url = "http://{name}.example"\n' for name in ("nim", "openai", "local"))


def configured(models: Mapping[str, str | list[str]], more: str = "") -> Config:
    lines = "".join(f'"{name}" = {json.dumps(target)}\n' for name, target in models.items())
    text = f'[server]\nauth_token = "t"\n{UPSTREAMS}[models]\n{lines}{more}'
    return parse(text.encode(), Path("config.toml"))


ALL = {
    "claude-opus-4-8": "nim/exact",
    "gpt-*": "openai/*",
    "gpt-5*": "openai/five",
    "opus": "nim/big",
    "haiku": "nim/small",
    "default": "nim/meta/llama",
}

ASKED = {
    # exact, before everything
    "claude-opus-4-8": "nim/exact",
    "opus": "nim/big",
    "default": "nim/meta/llama",
    # the longest glob; * on the right keeps the name
    "gpt-4o": "openai/gpt-4o",
    "gpt-5.1": "openai/five",
    # written out, as is or under our alias
    "local/qwen/qwen3:8b": "local/qwen/qwen3:8b",
    "c2o-claude/local/qwen/qwen3:8b": "local/qwen/qwen3:8b",
    "c2o-claude/nim/meta/llama": "nim/meta/llama",
    # the tier in the name
    "claude-opus-5-5": "nim/big",
    "claude-3-opus-20240229": "nim/big",
    "claude-haiku-4-5-20251001": "nim/small",
    # the default: tiers that aren't mapped, names of tomorrow, upstreams that nobody has
    "claude-sonnet-5": "nim/meta/llama",
    "claude-fable-5-2": "nim/meta/llama",
    "claude-something-9": "nim/meta/llama",
    "o3": "nim/meta/llama",
    "nobody/model": "nim/meta/llama",
    "nim/": "nim/meta/llama",
    # Claude Code's mark for long windows
    "claude-opus-5-5[1m]": "nim/big",
    "c2o-claude/local/x[1m]": "local/x",
}


@pytest.mark.parametrize("asked", ASKED)
def test_the_order_in_which_a_name_is_looked_up(asked: str) -> None:
    assert resolve(configured(ALL), asked).target == ASKED[asked]


def test_a_star_on_the_left_pins_everything() -> None:
    pinned = configured({"*": "local/only", "opus": "nim/big"})

    assert {resolve(pinned, name).target for name in ("x", "claude-opus-5", "nim/other")} == {"local/only"}
    assert resolve(pinned, "opus").target == "nim/big"


@pytest.mark.parametrize("name", ["default", "opus", "*"])
def test_a_star_on_the_right_keeps_the_name_everywhere(name: str) -> None:
    assert resolve(configured({name: "openai/*"}), "claude-opus-5").target == "openai/claude-opus-5"


def test_a_claude_name_always_finds_a_way() -> None:
    """Claude Code takes a 404 for a broken set-up, and asks for names of its own."""
    assert resolve(configured({"gpt-4o": "openai/gpt-4o"}), "claude-of-tomorrow").target == "openai/gpt-4o"


def test_any_other_name_without_an_entry_is_a_404_that_says_what_to_do() -> None:
    with pytest.raises(RequestError) as raised:
        resolve(configured({"gpt-4o": "openai/gpt-4o", "opus": "nim/big"}), "gemini-3")

    assert (raised.value.status, raised.value.type) == (404, "not_found_error")
    assert str(raised.value).startswith("model: gemini-3")
    assert "gpt-4o, opus" in str(raised.value)
    assert 'default = "upstream/model"' in str(raised.value)


def test_a_route_knows_its_upstream_and_limits() -> None:
    config = configured({"opus": "nim/a/b"}, '[limits."nim/a/b"]\ncontext_window = 8192\n')

    route = resolve(config, "claude-opus-5")

    assert route == Route("nim", config.upstreams["nim"], "a/b", config.limits["nim/a/b"])
    assert route.limits.context_window == 8192
    assert resolve(config, "nim/other").limits.context_window is None


def test_what_is_listed() -> None:
    """Names of models, then each target under an alias that Claude Code shows; never tiers, globs or the default."""
    found = listed(configured(ALL))

    assert list(found) == [
        "claude-opus-4-8",
        *(ALIAS + target for target in dict.fromkeys(ALL.values()) if "*" not in target),
    ]
    assert all(resolve(configured(ALL), name).target == route.target for name, route in found.items())
    assert all("claude" in name for name in found)


def test_a_list_is_a_model_and_its_fallbacks() -> None:
    config = configured({"opus": ["nim/big", "openai/*", "local/small"], "default": "nim/x"})

    route = resolve(config, "claude-opus-5")

    assert route.target == "nim/big"
    assert [each.target for each in route.fallbacks] == ["openai/claude-opus-5", "local/small"]
    assert all(not each.fallbacks for each in route.fallbacks)
    assert not resolve(config, "claude-sonnet-5").fallbacks
    assert not resolve(config, "nim/big").fallbacks, "who names a model means that one"
    asked_by_run = resolve(config, f"{ALIAS}nim/big")
    assert [each.target for each in (asked_by_run, *asked_by_run.fallbacks)] == ["nim/big", "local/small"]
    assert [name for name in listed(config) if name.startswith(ALIAS)] == [
        "c2o-claude/nim/big", "c2o-claude/local/small", "c2o-claude/nim/x",
    ]  # fmt: skip


ROUTES = '[routes]\nbackground = ["local/tiny", "nim/small"]\nthink = "nim/thinker"\n'


def test_a_kind_of_request_counts_before_the_name() -> None:
    config = configured(ALL, ROUTES)

    found = resolve(config, "claude-opus-4-8", "background")

    assert found.target == "local/tiny"
    assert [each.target for each in found.fallbacks] == ["nim/small"]
    assert resolve(config, "c2o-claude/openai/x", "think").target == "nim/thinker"
    assert resolve(config, "claude-opus-4-8", "subagent").target == "nim/exact", "there is no such route"
    assert resolve(config, "claude-opus-4-8").target == "nim/exact"


def test_a_kind_with_a_route_needs_no_model() -> None:
    config = configured({"gpt-*": "openai/*"}, ROUTES)

    assert resolve(config, "o3", "background").target == "local/tiny"
    with pytest.raises(RequestError):
        resolve(config, "o3", "subagent")


def test_models_of_routes_are_listed() -> None:
    assert {"c2o-claude/local/tiny", "c2o-claude/nim/thinker"} <= listed(configured(ALL, ROUTES)).keys()


PICKED = {
    "local/x": True,
    "c2o-claude/local/x": True,
    "c2o-claude/nim/big": True,  # another than the default, if only a tier's
    "c2o-claude/nim/big[1m]": True,
    "nim/meta/llama": False,  # the default, as c2o run writes it
    "c2o-claude/nim/meta/llama": False,
    "claude-opus-5-5": False,
    "opus": False,
    "gpt-5": False,
}


@pytest.mark.parametrize("asked", PICKED)
def test_who_has_picked_a_model(asked: str) -> None:
    assert is_picked(configured(ALL), asked) is PICKED[asked]
