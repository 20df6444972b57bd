"""An import without some of its upstreams, and without what leads to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from c2o.config import texts
from c2o.imports.draft import Import


def main(found: Import) -> str:
    """The upstream without which nothing works: that of the default model."""
    default = texts(found.models.get("default"))
    return _upstream(default[0]) if default else next(iter(found.upstreams))


def without(found: Import, names: Collection[str]) -> Import:
    """All but these upstreams.  Of a list of fallbacks the others stay."""
    return found._replace(
        upstreams={name: table for name, table in found.upstreams.items() if name not in names},
        models=_kept(found.models, names),
        routes=_kept(found.routes, names),
        limits={target: limits for target, limits in found.limits.items() if _upstream(target) not in names},
    )


def lost(found: Import, names: Collection[str]) -> list[str]:
    """What has no model any more without them: names of models and kinds of requests."""
    after = without(found, names)
    return [name for name in (*found.models, *found.routes) if name not in after.models and name not in after.routes]


def _upstream(target: str) -> str:
    return target.partition("/")[0]


def _kept(places: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    kept = {place: _others(value, names) for place, value in places.items()}
    return {place: value for place, value in kept.items() if value is not None}


def _others(value: Any, names: Collection[str]) -> Any:
    """A target, a list of them, or a table with one of these as ``model``; None if nothing is left of it."""
    if isinstance(value, Mapping):
        model = _others(value["model"], names)
        return None if model is None else {**value, "model": model}
    left = [each for each in texts(value) if _upstream(each) not in names]
    return left[0] if len(left) == 1 else left or None
