"""``c2o usage``: what was used and what it cost, from a file on this machine that nobody else gets."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated

import typer
from msgspec import Struct

from c2o import known_models, paths, usage_store
from c2o.cli import output
from c2o.cli.logs.lines import moment
from c2o.cli.models.command import short_number
from c2o.cli.output import JsonOption, Line
from c2o.cli.usage.groups import By, Group, grouped, total
from c2o.config import load
from c2o.errors import C2oError
from c2o.prices import Priced, price_of
from c2o.printable import printable
from c2o.usage_store import Sum, Unusable

ByOption = Annotated[By, typer.Option(help="Put together by day, model, tier (what was asked for), or session.")]
SinceOption = Annotated[
    str, typer.Option(metavar="TIME", help="From then on: 7d is today and the six days before; 2h, 14:30, 2026-11-21.")
]


class UsageResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.usage/1"
    by: By
    since: datetime
    path: str
    """Where it is kept."""
    set_aside: str | None
    """An earlier file that was damaged; what it held isn't counted."""
    groups: list[Group]
    total: Group


def usage(by: ByOption = "day", since: SinceOption = "7d", as_json: JsonOption = False) -> None:
    """Show requests, tokens, cache hits and cost.

    Counted by the service, kept on this machine alone.
    """
    config, beginning = load(paths.config_file()), _beginning(since, datetime.now(UTC))
    sums = _read(beginning)
    known = known_models.read(known_models.path())

    @cache
    def price(upstream: str, model: str) -> Priced | None:
        return price_of(config, known, upstream, model)

    aside = usage_store.aside(usage_store.path())
    result = UsageResult(
        by=by,
        since=beginning,
        path=str(usage_store.path()),
        set_aside=str(aside) if aside.exists() else None,
        groups=grouped(sums, by, config, price),
        total=total(sums, price),
    )
    output.show(result, lines, as_json=as_json)


def _read(since: datetime) -> list[Sum]:
    try:
        return usage_store.read(usage_store.path(), since)
    except Unusable as unusable:
        then = " The service sets it aside when it next writes, and counts anew." if unusable.damaged else ""
        raise C2oError(f"{unusable}{then}") from None


def _beginning(text: str, now: datetime) -> datetime:
    """Days are whole ones, today among them.  Raises UsageError."""
    days = re.fullmatch(r"([1-9][0-9]{0,4})\s*d", text.strip())
    if days is None:
        return max(moment(text, now), BEFORE_ALL)
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return max(midnight - timedelta(days=int(days[1]) - 1), BEFORE_ALL)


BEFORE_ALL = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing was used before; and the calendar's own beginning has no local time."""


# What a person sees: columns of numbers, a bar on a terminal, and at the end what may be long ---------

HEADING = " requests  failed       in  cached      out      cost"

BAR = 24
"""Columns that the longest bar takes at most; below a quarter of them there is none."""


def lines(result: UsageResult) -> Iterator[Line]:
    if result.set_aside:
        yield [("! ", "yellow"), f"an earlier file was damaged and set aside as {printable(result.set_aside)}"]
    if not result.groups:
        yield [f"nothing was used since {result.since.astimezone():%Y-%m-%d %H:%M}; the service counts as it answers"]
        return
    width = _bar_width(max(len(_name(result, group)) for group in result.groups))
    yield [(f"{HEADING}{' ' * (width + 2 if width else 0)}  {result.by}", "dim")]
    most = max(group.tokens for group in result.groups)
    for group in result.groups:
        yield [*_numbers(group), *_bar(group, most, width), "  ", (printable(_name(result, group)), "bold")]
    if len(result.groups) > 1:
        yield [*_numbers(result.total), " " * (width + 2 if width else 0), "  ", ("total", "dim")]
    yield from _remarks(result)


def _numbers(group: Group) -> Line:
    ratio = "-" if group.cache_hit_ratio is None else f"{int(group.cache_hit_ratio * 100)} %"
    about = "~" if group.estimated else ""
    return [
        f"{group.requests:9}",
        (f"{group.failed or '-':>8}", "yellow" if group.failed else "dim"),
        f"{about + short_number(group.prompt_tokens):>9}",
        f"{ratio:>8}",
        f"{about + short_number(group.output_tokens):>9}",
        (f"{cost(group):>10}", "green"),
    ]


def cost(group: Group) -> str:
    """``$1.23``, ``$0.0042``; ``?`` for what isn't known, beside what is."""
    if group.cost is None:
        return "?" if group.unpriced else "-"
    digits = 4 if 0 < group.cost < 1 else 2
    return f"${group.cost:.{digits}f}{'+?' if group.unpriced else ''}"


def _bar_width(longest: int) -> int:
    """0 where there is none: in a pipe, or beside long names."""
    if not sys.stdout.isatty():
        return 0
    room = shutil.get_terminal_size().columns - len(HEADING) - 4 - longest
    return min(BAR, room) if room >= BAR / 4 else 0


def _bar(group: Group, most: int, width: int) -> Line:
    if not width:
        return []
    filled = max(1, round(width * group.tokens / most)) if group.tokens else 0
    return ["  ", ("█" * filled, "cyan"), " " * (width - filled)]


def _name(result: UsageResult, group: Group) -> str:
    if result.by == "day":
        return "today" if group.key == f"{datetime.now(UTC).astimezone():%Y-%m-%d}" else group.key
    if result.by != "session":
        return group.key
    ended = f"{group.ended_at.astimezone():%Y-%m-%d %H:%M}  " if group.ended_at else ""
    return f"{ended}{group.key[:SHORT_ID] or 'no session'}"


SHORT_ID = 8
"""Characters of a session's id that tell it from others; ``--json`` has all."""


def _remarks(result: UsageResult) -> Iterator[Line]:
    if result.total.estimated:
        yield [("~ c2o's own count among it, because the upstream told none", "dim")]
    if unpriced := result.total.unpriced:
        more = f" and {len(unpriced) - 1} more" if len(unpriced) > 1 else ""
        yield [
            ("? no price is known of ", "dim"),
            printable(unpriced[0]),
            (f"{more}. Dollars for a million tokens:", "dim"),
        ]
        yield [
            ("  c2o config set ", "dim"),
            printable(f"'prices.\"{unpriced[0]}\".input' 0.60"),
            ("   and .output", "dim"),
        ]
    yield [(f"kept on this machine alone: {output.short(result.path)}", "dim")]
