"""``c2o learned``: shown and forgotten, with the service running and without."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from c2o import facts
from c2o.facts import Fact
from tests.clients.service import TOKEN
from tests.command_line import CommandLine
from tests.fake_upstream import FakeUpstream, Reply, error


def ask(configured: CommandLine) -> None:
    """A request with a parameter that the upstream may refuse."""
    body = {"model": "m", "max_tokens": 9, "temperature": 0.5, "messages": [{"role": "user", "content": "Hello"}]}
    request = urllib.request.Request(
        f"{configured.service().url}/v1/messages",
        json.dumps(body).encode(),
        {"x-api-key": TOKEN, "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


def temperatures(upstream: FakeUpstream) -> list[bool]:
    return ["temperature" in request.json for request in upstream.requests]


def test_shown_and_forgotten_while_the_service_runs(configured: CommandLine, upstream: FakeUpstream) -> None:
    refusal = error(400, "Unsupported parameter: 'temperature'")
    upstream.play(refusal, Reply("a"), Reply("b"), refusal, Reply("c"))
    configured("start")
    ask(configured)
    ask(configured)
    assert temperatures(upstream) == [True, False, False]

    shown = configured("learned")
    assert (shown.exit_code, shown.err) == (0, "")
    first, fact, words, hint = shown.out.splitlines()
    assert first == "fake/fake-model"
    assert fact.startswith("  temperature isn't sent   20")
    assert fact.endswith(", from a refusal")
    assert words == "    it said: Unsupported parameter: 'temperature'"
    assert "c2o learned clear" in hint

    forgot = configured("learned", "clear", "fake/fake-model")
    assert forgot.out == "✓ forgot 1 fact; it is learned again when it matters\n"
    ask(configured)
    assert temperatures(upstream)[3:] == [True, False]


def known(configured: CommandLine, *models: str) -> None:
    facts.write(
        configured.folder / "state" / "learned.toml",
        [
            Fact(upstream="a", model=model, base_url="http://a/v1", fact="without:image", learned_at=facts.now())
            for model in models
        ],
    )


def listed(configured: CommandLine, *arguments: str) -> Any:
    return configured("learned", *arguments, "--json").json


def test_as_json(configured: CommandLine) -> None:
    known(configured, "m")

    said = listed(configured)

    assert said.keys() == {"schema", "action", "path", "facts", "problem"}
    assert (said["schema"], said["action"]) == ("c2o.learned/1", "list")
    fact = said["facts"][0]
    assert (fact["upstream"], fact["model"], fact["fact"]) == ("a", "m", "without:image")
    assert fact["meaning"] == "it takes no images; a text stands in their place"
    assert fact["forgotten_at"] > fact["learned_at"]


def test_nothing_learned(c2o: CommandLine) -> None:
    assert c2o("learned").out == "nothing has been learned\n"
    assert c2o("learned", "clear").out == "there was nothing to forget\n"
    assert not (c2o.folder / "state").exists()


@pytest.mark.parametrize(
    ("target", "left"), [("a/m", ["n/x"]), ("a", []), ("", []), ("b", ["m", "n/x"]), ("a/n/x", ["m"])]
)
def test_one_model_or_one_upstream_or_all(configured: CommandLine, target: str, left: list[str]) -> None:
    known(configured, "m", "n/x")

    configured("learned", "clear", *([target] if target else []))

    assert [fact["model"] for fact in listed(configured)["facts"]] == left


def test_a_damaged_file_is_told(configured: CommandLine) -> None:
    path = configured.folder / "state" / "learned.toml"
    path.parent.mkdir(parents=True)
    path.write_text("[[")

    shown = configured("learned")

    assert shown.exit_code == 0
    assert "damaged" in shown.out


def test_another_word_is_refused(c2o: CommandLine) -> None:
    assert c2o("learned", "forget").exit_code == 2
