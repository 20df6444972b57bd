"""``c2o models``: which models there are, what is known of each, and which names lead to it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from msgspec import Struct

from c2o import known_models, paths, urls
from c2o.cli import output
from c2o.cli.models.asked import Listing, listings, remembered
from c2o.cli.models.knowledge import Known, known_of, names_of, passed_on
from c2o.cli.output import JsonOption, Line
from c2o.config import Config, load
from c2o.doctor import Machine
from c2o.errors import CredentialError, UpstreamError, UsageError
from c2o.printable import printable
from c2o.service.lifecycle import counted
from c2o.wire.probe import Fault, ListedModel

WordsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[UPSTREAM] [WORD]…", show_default=False, help="Of this upstream; with this in their id."),
]
RefreshOption = Annotated[bool, typer.Option("--refresh", help="Ask again, though it was asked within a day.")]


class UpstreamModels(Struct, frozen=True, kw_only=True):
    """One upstream's."""

    name: str
    base_url: str
    asked_at: datetime | None
    """When it listed them; null if it never did."""
    problem: str
    """Why it couldn't be asked now; empty if it could, or didn't have to be."""
    fault: Fault | None
    names: list[str]
    """What is passed on to it under the client's own name: ``gpt-*``."""
    models: list[Known]
    """Those with a name first."""


class ModelsResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.models/1"
    path: str
    """Where it is kept."""
    upstreams: list[UpstreamModels]


def models(words: WordsArgument = None, refresh: RefreshOption = False, as_json: JsonOption = False) -> None:
    """List the upstreams' models, and what is known of each.

    Window, longest answer, abilities, and which names lead to it.
    """
    config = load(paths.config_file())
    upstreams, parts = _chosen(config, words or [])
    machine = Machine(os.environ)
    with output.progress() as tell:
        found = listings(machine, upstreams, refresh=refresh, tell=tell)
    if unwritable := remembered(found):
        output.note(unwritable)
    _check_some(found)
    shown = [_upstream(machine, name, found[name], parts) for name in upstreams]
    if parts and not any(each.models for each in shown):
        raise UsageError(f"no model has {' and '.join(parts)} in its id. All of them: c2o models")
    output.show(ModelsResult(path=str(known_models.path()), upstreams=shown), lines, as_json=as_json)
    count = sum(len(each.models) for each in shown)
    if not as_json and sys.stdout.isatty() and count > shutil.get_terminal_size().lines:
        output.note(f"{count} models, the chosen ones above; a part of a name shows fewer: c2o models coder")


def _chosen(config: Config, words: list[str]) -> tuple[list[str], list[str]]:
    """The upstreams that are named, or all; and the other words."""
    named = [word for word in words if word in config.upstreams]
    return named or list(config.upstreams), [word.lower() for word in words if word not in config.upstreams]


def _check_some(found: dict[str, Listing]) -> None:
    """Raises CredentialError or UpstreamError where nobody told anything, now or before."""
    if any(each.catalogue for each in found.values()):
        return
    kind = CredentialError if all(each.fault == "key" for each in found.values()) else UpstreamError
    raise kind(f"{' '.join(_sentence(each.problem) for each in found.values())} More is said by: c2o doctor")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _upstream(machine: Machine, name: str, listing: Listing, parts: list[str]) -> UpstreamModels:
    config = machine.config
    names = names_of(config, name)
    listed = {each.id: each for each in listing.catalogue.models} if listing.catalogue else {}
    ids = [*names, *sorted(listed.keys() - names.keys(), key=str.lower)]
    return UpstreamModels(
        name=name,
        base_url=urls.printable(urls.root(config.upstreams[name].base_url)),
        asked_at=listing.catalogue.asked_at if listing.catalogue else None,
        problem=listing.problem,
        fault=listing.fault,
        names=passed_on(config, name),
        models=[
            known_of(machine, name, listed.get(id, ListedModel(id)), listed=id in listed, names=names.get(id, []))
            for id in ids
            if all(part in id.lower() for part in parts)
        ],
    )


# What a person sees: columns of numbers, and at the end what may be long ------------------------------

HEADING = " window  answer  tools  images  thinks  model"


def lines(result: ModelsResult) -> Iterator[Line]:
    for number, upstream in enumerate(result.upstreams):
        if number:
            yield []
        yield from _of_upstream(upstream)
    yield from _legend(model for upstream in result.upstreams for model in upstream.models)


def _of_upstream(upstream: UpstreamModels) -> Iterator[Line]:
    told = f"{counted(len(upstream.models), 'model')}{_age(upstream.asked_at)}"
    yield [(printable(upstream.name), "bold"), "  ", (printable(upstream.base_url), "cyan"), (f"  {told}", "dim")]
    if upstream.problem:
        before = "" if upstream.asked_at is None else " This is what it listed before."
        yield [("! ", "yellow"), printable(_sentence(upstream.problem)) + before]
    for name in upstream.names:
        yield [("  every model, as ", "dim"), printable(name)]
    if upstream.models:
        yield [(HEADING, "dim")]
    yield from map(_row, upstream.models)


def _age(asked_at: datetime | None) -> str:
    if asked_at is None:
        return ""
    seconds = (datetime.now(UTC) - asked_at).total_seconds()
    return ", listed just now" if seconds < 60 else f", listed {output.duration(seconds).rsplit(' ', 2)[0]} ago"


def _row(model: Known) -> Line:
    line: Line = []
    for field, width in (("context_window", 7), ("max_output_tokens", 8)):
        text, style = _cell(model, field, short_number)
        line += [" " * (width - len(text)), (text, style)]
    for field, width in (("tools", 7), ("vision", 8), ("thinking", 8)):
        text, style = _cell(model, field, lambda can: "yes" if can else "no")
        line += [" " * (width - len(text)), (text, style)]
    line += ["  ", (printable(model.id), "bold" if model.names else "")]
    if model.names:
        line.append((f"  ← {printable(', '.join(model.names))}", "green"))
    return line if model.listed else [*line, ("  not in its list", "yellow")]


PROVEN = ("configured", "learned")
"""What counts without a doubt; anything else stands in parentheses."""


def _cell(model: Known, field: str, written: object) -> tuple[str, str]:
    value = getattr(model, field)
    if value is None:
        return "? ", "dim"
    assert callable(written)
    text, proven = written(value), model.sources.get(field) in PROVEN
    style = "yellow" if value is False else "green" if value is True else ""
    return (f"{text} ", style) if proven else (f"({text})", "dim")


def short_number(count: int) -> str:
    """``131k``, ``1.0M``"""
    if count < 1000:
        return str(count)
    if count < 999_500:
        return f"{count / 1000:.0f}k"
    return f"{count / 1_000_000:.1f}M"


def _legend(shown: Iterable[Known]) -> Iterator[Line]:
    sources = {source for model in shown for source in model.sources.values()}
    if not sources <= set(PROVEN):
        yield []
        yield [("(…) as the upstream or its documentation says; to try it: c2o doctor --probe", "dim")]
