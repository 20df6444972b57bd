"""``c2o learned``: what upstreams have taught c2o about themselves, and how to make it forget."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Annotated, Literal

import typer
from msgspec import Struct

from c2o import facts
from c2o.cli import output
from c2o.cli.output import JsonOption, Line
from c2o.facts import Fact
from c2o.printable import printable
from c2o.service.lifecycle import counted

Action = Literal["list", "clear"]

ActionArgument = Annotated[Action, typer.Argument(metavar="[list|clear]", help="Show what is known, or forget it.")]
TargetArgument = Annotated[
    str, typer.Argument(metavar="[UPSTREAM[/MODEL]]", show_default=False, help="Of this upstream or model alone.")
]


class Learned(Struct, frozen=True, kw_only=True):
    """A fact, and what it means."""

    upstream: str
    model: str
    fact: str
    meaning: str
    source: facts.Source
    said: str
    learned_at: datetime
    forgotten_at: datetime


class LearnedResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.learned/1"
    action: Action
    path: str
    facts: list[Learned]
    """What is known; for ``clear``, what was known until now."""
    problem: str
    """Why the file couldn't be read, if it couldn't."""


def learned(action: ActionArgument = "list", target: TargetArgument = "", as_json: JsonOption = False) -> None:
    """Show what upstreams have taught c2o, or forget it.

    A running service follows at once.
    """
    found = facts.read(facts.path(), facts.now())
    chosen = [fact for fact in found.facts if _is_of(fact, target)]
    if action == "clear" and chosen:
        facts.write(facts.path(), [fact for fact in found.facts if fact not in chosen])
    result = LearnedResult(
        action=action, path=str(facts.path()), facts=[_explained(fact) for fact in chosen], problem=found.problem
    )
    output.show(result, lines, as_json=as_json)


def _is_of(fact: Fact, target: str) -> bool:
    return target in ("", fact.upstream, f"{fact.upstream}/{fact.model}")


def _explained(fact: Fact) -> Learned:
    return Learned(
        upstream=fact.upstream,
        model=fact.model,
        fact=fact.fact,
        meaning=meaning(fact.fact),
        source=fact.source,
        said=fact.said,
        learned_at=fact.learned_at,
        forgotten_at=fact.learned_at + facts.KEPT_FOR,
    )


MEANINGS = {
    "drop": "{} isn't sent",
    "max_tokens_field": "the answer's limit is sent as {}",
    "max_output_tokens": "answers have {} tokens at most",
    "min_output_tokens": "a tiny limit for the answer becomes {} tokens, because it thinks in any case",
    "context_window": "its context window has {} tokens",
    "without": "it takes no {}s; a text stands in their place",
    "efforts": "it takes these words for reasoning_effort: {}",
    "thinking": "it thinks {}",
    "stream": "it answers in streams only",
    "tools_without_effort": 'with tools, reasoning_effort must be none; api = "responses" would keep the effort',
    "responses_without": "{} isn't sent",
    "messages": "conversations are sent in another shape: {}",
    "can": "it can do {}",
    "cannot": "it can't do {}",
    "reasoning_field": "its reasoning comes in {}",
}
"""What each kind of fact means; its value goes where the braces are."""


def meaning(fact: str) -> str:
    name, _, value = fact.partition(":")
    return MEANINGS.get(name, fact).format(value.replace(",", ", ").replace("_", " ") if name == "can" else value)


def lines(result: LearnedResult) -> Iterator[Line]:
    if result.problem:
        yield [("! ", "yellow"), printable(result.problem)]
    if not result.facts:
        yield ["nothing has been learned" if result.action == "list" else "there was nothing to forget"]
        return
    if result.action == "clear":
        yield [("✓ ", "green"), f"forgot {counted(len(result.facts), 'fact')}; it is learned again when it matters"]
        return
    for target, known in groupby(result.facts, key=lambda each: f"{each.upstream}/{each.model}"):
        yield [(printable(target), "bold")]
        for fact in known:
            yield from _fact(fact)
    yield [("forget it with: c2o learned clear [UPSTREAM[/MODEL]]", "dim")]


def _fact(fact: Learned) -> Iterator[Line]:
    yield ["  ", printable(fact.meaning), (f"   {fact.learned_at:%Y-%m-%d}, {WHENCE[fact.source]}", "dim")]
    if fact.said:
        yield [("    it said: ", "dim"), (printable(fact.said), "dim")]


WHENCE: dict[facts.Source, str] = {"refusal": "from a refusal", "answer": "from an answer", "probe": "by asking"}
