"""``c2o models``: asked, kept, shown; and what happens when somebody doesn't answer."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from c2o import facts, known_models
from c2o.facts import Fact
from c2o.wire.probe import ListedModel
from tests.cli.on_a_terminal import COLOUR, on_a_terminal
from tests.clients.service import TOKEN
from tests.command_line import CommandLine
from tests.fake_upstream import FakeUpstream

WIDE = 80


@pytest.fixture
def second() -> Iterator[FakeUpstream]:
    server = FakeUpstream().start()
    yield server
    server.close()


@pytest.fixture
def two(c2o: CommandLine, upstream: FakeUpstream, second: FakeUpstream) -> CommandLine:
    """Two upstreams: ``near`` with a model of each kind, and ``far``."""
    upstream.models = [
        {"id": "plain"},
        {"id": "vendor/large-one", "context_length": 1_048_576, "max_output_tokens": 65536},
        {"id": "all", "context_length": 131072, "supported_parameters": ["tools", "reasoning"], "vision": False},
    ]
    second.models = [{"id": "other"}]
    c2o.configure(
        {
            "server": {"auth_token": TOKEN, "port": 0},
            "upstreams": {"near": {"base_url": upstream.base_url}, "far": {"base_url": second.base_url}},
            "models": {
                "default": "near/plain",
                "opus": ["near/all", "near/plain"],
                "sonnet": "near/gone",
                "gpt-*": "far/*",
            },
            "routes": {"image": ["near/all", "far/other"]},
            "limits": {"near/plain": {"context_window": 8192, "max_output_tokens": 999}},
        }
    )
    return c2o


def cache(c2o: CommandLine) -> Path:
    return c2o.folder / "state" / "models.json"


def learned(upstream: FakeUpstream, model: str, *known: str) -> None:
    new = [
        Fact(upstream="near", model=model, base_url=facts.address(upstream.base_url), fact=fact, learned_at=facts.now())
        for fact in known
    ]
    facts.add(facts.path(), new, facts.now())


def test_a_table_that_fits_a_terminal(two: CommandLine, upstream: FakeUpstream) -> None:
    learned(upstream, "plain", "can:tools", "without:image", "reasoning_field:reasoning")

    shown = two("models")

    assert (shown.exit_code, shown.err) == (0, "")
    near, heading, *rows = shown.out.splitlines()
    assert near == f"near  {upstream.base_url}  4 models, listed just now"
    assert heading == " window  answer  tools  images  thinks  model"
    assert rows[:4] == [
        "    8k     999    yes      no     yes   plain  ← default, opus (fallback)",
        " (131k)      ?   (yes)    (no)   (yes)  all  ← opus, image (route)",
        "     ?       ?      ?       ?       ?   gone  ← sonnet  not in its list",
        " (1.0M)   (66k)     ?       ?       ?   vendor/large-one",
    ]
    assert rows[4] == ""
    assert rows[6:8] == ["  every model, as gpt-*", heading]
    assert rows[8] == "     ?       ?      ?       ?       ?   other  ← image (route) (fallback)"
    assert max(map(len, shown.out.splitlines())) <= WIDE


def test_as_json(two: CommandLine, upstream: FakeUpstream) -> None:
    said = two("models", "near", "all", "--json").json

    assert list(said) == ["schema", "path", "upstreams"]
    assert (said["schema"], said["path"]) == ("c2o.models/1", str(cache(two)))
    (near,) = said["upstreams"]
    assert list(near) == ["name", "base_url", "asked_at", "problem", "fault", "names", "models"]
    assert (near["name"], near["base_url"], near["problem"], near["fault"]) == ("near", upstream.base_url, "", None)
    assert near["models"] == [
        {
            "id": "all",
            "listed": True,
            "names": ["opus", "image (route)"],
            "context_window": 131072,
            "max_output_tokens": None,
            "tools": True,
            "vision": False,
            "thinking": True,
            "sources": {"context_window": "told", "tools": "told", "vision": "told", "thinking": "told"},
            "price": None,
        }
    ]


@pytest.mark.slow
def test_asked_once_a_day_unless_told_to(two: CommandLine, upstream: FakeUpstream) -> None:
    assert two("models").exit_code == 0
    assert stat.S_IMODE(cache(two).stat().st_mode) == 0o600
    before = upstream.connections

    two("models")
    assert upstream.connections == before

    upstream.models = [{"id": "new"}]
    assert "new" not in two("models").out
    assert "  new\n" in two("models", "--refresh").out
    age(cache(two), timedelta(hours=25))
    upstream.models = [{"id": "newest"}]
    assert "  newest\n" in two("models").out


def age(path: Path, by: timedelta) -> None:
    kept = json.loads(path.read_bytes())
    for each in kept["upstreams"].values():
        each["asked_at"] = (datetime.now(UTC) - by).isoformat()
    path.write_text(json.dumps(kept))


def test_the_file_that_completions_read(two: CommandLine, upstream: FakeUpstream) -> None:
    two("models", "near")

    kept = json.loads(cache(two).read_bytes())

    assert kept["schema"] == "c2o.known_models/1"
    assert kept["upstreams"].keys() == {"near"}
    assert kept["upstreams"]["near"].keys() == {"base_url", "asked_at", "models"}
    assert [model["id"] for model in kept["upstreams"]["near"]["models"]] == ["plain", "vendor/large-one", "all"]


def test_a_dead_upstream_is_a_line(two: CommandLine, second: FakeUpstream) -> None:
    second.go_away()

    shown = two("models")

    assert shown.exit_code == 0
    assert "  plain  ← default, opus (fallback)" in shown.out
    assert "! upstream far: connection refused. Is it running? Its address: http://127.0.0.1:" in shown.out


@pytest.mark.slow
def test_what_it_listed_before_is_shown_with_the_reason(two: CommandLine, second: FakeUpstream) -> None:
    two("models")
    second.go_away()

    shown = two("models", "far", "--refresh")

    assert shown.exit_code == 0
    assert f"Is it running? Its address: {second.base_url}. This is what it listed before.\n" in shown.out
    assert "  other  ← image" in shown.out


@pytest.mark.slow
def test_nothing_at_all(two: CommandLine, upstream: FakeUpstream, second: FakeUpstream) -> None:
    upstream.go_away()
    second.go_away()

    failed = two("models")

    assert (failed.exit_code, failed.out) == (5, "")
    assert failed.err.count("connection refused") == 2
    assert failed.err.endswith("More is said by: c2o doctor\n")
    assert two("models", "--json").json["exit_code"] == 5


def test_a_key_that_is_missing(configured: CommandLine) -> None:
    del_key = configured("models", FAKE_KEY="")

    assert del_key.exit_code == 4
    assert "FAKE_KEY" in del_key.err


@pytest.mark.slow
@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"schema": "c2o.known_models/9", "upstreams": {}}', '{"upstreams": 3}']
)
def test_a_damaged_file_is_asked_anew(two: CommandLine, content: str) -> None:
    cache(two).parent.mkdir(parents=True)
    cache(two).write_text(content)

    assert two("models").exit_code == 0
    assert json.loads(cache(two).read_bytes())["schema"] == "c2o.known_models/1"


@pytest.mark.slow
def test_a_list_of_another_address_does_not_count(two: CommandLine, upstream: FakeUpstream) -> None:
    stale = known_models.listed("http://elsewhere/v1", [ListedModel("elsewhere")], known_models.now())
    known_models.remember(known_models.path(), {"near": stale})

    assert "elsewhere" not in two("models").out


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["LARGE"], ["vendor/large-one"]),
        (["vendor", "one"], ["vendor/large-one"]),
        (["far"], ["other"]),
        (["near", "l", "a"], ["plain", "all", "vendor/large-one"]),
    ],
)
@pytest.mark.slow
def test_words_choose(two: CommandLine, words: list[str], ids: list[str]) -> None:
    said: Any = two("models", *words, "--json").json

    assert [model["id"] for upstream in said["upstreams"] for model in upstream["models"]] == ids


@pytest.mark.slow
def test_a_word_that_nobody_has(two: CommandLine) -> None:
    failed = two("models", "near", "zz9")

    assert failed.exit_code == 2
    assert failed.err == "c2o: no model has zz9 in its id. All of them: c2o models\n"


@pytest.mark.slow
def test_on_a_terminal_it_says_whom_it_asks(two: CommandLine) -> None:
    with on_a_terminal(two, "models") as terminal:
        terminal.see("asking near, far")
        terminal.see("← default")
        assert terminal.end() == 0


@pytest.mark.slow
def test_of_more_than_a_terminal_shows_one_is_told_how_to_see_fewer(two: CommandLine, upstream: FakeUpstream) -> None:
    hint = "a part of a name shows fewer: c2o models coder"
    upstream.models = [{"id": f"vendor/model-{number}"} for number in range(50)]
    with on_a_terminal(two, "models") as terminal:
        assert terminal.end() == 0
        assert terminal.final.splitlines()[-1].endswith(hint)
    with on_a_terminal(two, "models", "model-7") as terminal:
        assert terminal.end() == 0
        assert hint not in terminal.final
    assert hint not in two("models").err


def test_without_colours_nothing_but_text(two: CommandLine) -> None:
    with on_a_terminal(two, "models", NO_COLOR="1") as terminal:
        assert terminal.end() == 0
        assert not COLOUR.search(terminal.raw)


@pytest.mark.slow
def test_names_can_not_move_the_cursor(two: CommandLine, upstream: FakeUpstream) -> None:
    upstream.models = [{"id": "a\x1b[2Jb"}]

    assert "\x1b" not in two("models").out


@pytest.mark.slow
def test_symbols_in_ascii(two: CommandLine) -> None:
    assert "  plain  <- default, opus (fallback)\n" in two("models", PYTHONIOENCODING="ascii").out
