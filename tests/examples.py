"""Property tests at two efforts: some examples in every run, many with ``-m slow``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

FEW, MANY = 120, 2000


def for_all(*strategies: SearchStrategy[Any], few: int = FEW, many: int = MANY) -> Callable[[Callable[..., None]], Any]:
    """Makes a check a test that must hold for whatever these strategies think of."""
    efforts = [pytest.param(few, id="few"), pytest.param(many, id="many", marks=[pytest.mark.slow])]

    def decorate(check: Callable[..., None]) -> Any:
        @pytest.mark.parametrize("examples", efforts)
        def test(examples: int) -> None:
            effort = settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
            effort(given(*strategies)(check))()

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorate
