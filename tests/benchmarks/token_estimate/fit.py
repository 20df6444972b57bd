"""Fit the estimator's rates to o200k_base, and show how good they are on texts that the fit didn't see.

    python -m tests.benchmarks.token_estimate.fit [KIND=GLOB …]

The corpus is made from the running Python's library; a ``KIND=GLOB`` adds files of a kind that it lacks, such as
``TypeScript='node_modules/**/*.ts'``.  All kinds weigh the same, however much there is of each.

Two steps.  First each kind of piece for itself: the straight line through the true counts of its pieces.  Then
all together: the relative errors of whole texts, pulled back towards the first step so that no rate is bent
to fit the accidents of a few texts.  Nothing is written: good rates are put into RATES by hand.
"""

from __future__ import annotations

import glob
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from c2o.translate.token_estimate import _PIECES, RATES, Rate, classify
from tests.translate import o200k
from tests.translate.token_corpus import Text, fitted, judged

FIXED = {"plain": ("first", "more")} | dict.fromkeys(("signs", "word", " word", "Word", " Word"), ("first",))
FIXED |= dict.fromkeys(("hex", "base64"), ("first",))
"""What isn't fitted: a short common word is one token, and a hash has no first."""

FREE = [(kind, field) for kind in RATES for field in ("first", "more") if field not in FIXED.get(kind, ())]

PULL = 0.1
"""How strongly the second step is held to the first."""

LONGEST = 60_000


class Row(NamedTuple):
    """A text as an equation: ``fixed + sum(amounts * rates) = 1``, in parts of its true count."""

    text: Text
    weight: float
    fixed: float
    amounts: dict[tuple[str, str], float]


Values = dict[tuple[str, str], float]


def main() -> None:
    texts = [*fitted(), *(text for argument in sys.argv[1:] for text in files(*argument.split("=", 1)))]
    values = together(rows(texts), piece_by_piece(texts))
    for kind, rate in RATES.items():
        print(f"{kind!r:12} {rate} -> {_rate(kind, values)}")
    show("now", {})
    show("fitted", values)


def files(kind: str, pattern: str) -> Iterator[Text]:
    for name in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 - it may be absolute
        text = Path(name).read_text(encoding="utf-8", errors="replace")[:LONGEST] if Path(name).is_file() else ""
        if len(text) > 3000:
            yield Text(kind, name, text)


def _rate(kind: str, values: Values) -> Rate:
    rate = RATES[kind]
    return Rate(
        round(values.get((kind, "first"), rate.first), 3), rate.free, round(values.get((kind, "more"), rate.more), 3)
    )


def pieces(text: str) -> Counter[str]:
    return Counter(_PIECES.findall(text))


# Step one --------------------------------------------------------------------------------------------


def piece_by_piece(texts: list[Text]) -> Values:
    """Least squares for each kind of piece."""
    truth = {text: o200k.tokens(text.text) for text in texts}
    of_kind = Counter[str]()
    for text, tokens in truth.items():
        of_kind[text.kind] += tokens
    weights: defaultdict[str, float] = defaultdict(float)
    for text in texts:
        for piece, times in pieces(text.text).items():
            weights[piece] += times / of_kind[text.kind]
    points: defaultdict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for piece, weight in weights.items():
        kind, size = classify(piece)
        points[kind].append((weight, max(0, size - RATES[kind].free), o200k.tokens(piece)))
    values = {}
    for kind, seen in points.items():
        first, more = line(seen, None if (kind, "first") in FREE else RATES[kind].first)
        values |= {(kind, "first"): first, (kind, "more"): more}
    return {each: values.get(each, getattr(RATES[each[0]], each[1])) for each in FREE}


def line(points: list[tuple[float, float, float]], first: float | None) -> tuple[float, float]:
    """``first + more * x`` through weighted points, with ``first`` given or not."""
    w = sum(weight for weight, _, _ in points)
    x = sum(weight * x for weight, x, _ in points)
    y = sum(weight * y for weight, _, y in points)
    xx = sum(weight * x * x for weight, x, _ in points)
    xy = sum(weight * x * y for weight, x, y in points)
    if first is not None:
        return first, (xy - first * x) / xx if xx else 0.0
    more = (w * xy - x * y) / (w * xx - x * x) if w * xx - x * x else 0.0
    return (y - more * x) / w, more


# Step two --------------------------------------------------------------------------------------------


def rows(texts: list[Text]) -> list[Row]:
    texts_of = Counter(text.kind for text in texts)
    return [row(text, 1 / texts_of[text.kind]) for text in texts]


def row(text: Text, weight: float = 1.0) -> Row:
    amounts: defaultdict[tuple[str, str], float] = defaultdict(float)
    fixed, truth = 0.0, o200k.tokens(text.text)
    for piece, times in pieces(text.text).items():
        kind, size = classify(piece)
        for field, amount in (("first", 1), ("more", max(0, size - RATES[kind].free))):
            if (kind, field) in FREE:
                amounts[kind, field] += times * amount / truth
            else:
                fixed += times * amount * getattr(RATES[kind], field) / truth
    return Row(text, weight, fixed, dict(amounts))


def error(row: Row, values: Values) -> float:
    rate = {each: values.get(each, getattr(RATES[each[0]], each[1])) for each in row.amounts}
    return row.fixed + sum(amount * rate[each] for each, amount in row.amounts.items()) - 1


def together(rows: list[Row], start: Values) -> Values:
    """One rate after another to its best value, until none moves.  Large errors count less than squared."""
    values = dict(start)
    for _ in range(200):
        moved = 0.0
        for each in FREE:
            step = _best_step(rows, values, start, each)
            values[each] += step
            moved = max(moved, abs(step))
        if moved < 1e-4:
            break
    return values


def _best_step(rows: list[Row], values: Values, start: Values, each: tuple[str, str]) -> float:
    pull = PULL / max(abs(start[each]), 0.05) ** 2
    slope, curve = pull * (values[each] - start[each]), pull
    for row in rows:
        if amount := row.amounts.get(each):
            off = error(row, values)
            weight = row.weight / max(abs(off), 0.02)
            slope += weight * amount * off
            curve += weight * amount * amount
    return -slope / curve


def show(name: str, values: Values) -> None:
    """How far off the texts are that weren't fitted."""
    print(f"\n{name:12}  median  worst")
    found: defaultdict[str, list[float]] = defaultdict(list)
    for text in judged():
        found[text.kind].append(error(row(text), values))
    for kind, errors in sorted(found.items()):
        print(f"{kind:12} {median(map(abs, errors)):7.1%} {max(errors, key=abs):+6.1%}")
    every = [abs(error) for errors in found.values() for error in errors]
    print(f"{'all':12} {median(every):7.1%} {max(every):6.1%}")


if __name__ == "__main__":
    main()
