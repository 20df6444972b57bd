"""How much one request holds up the stream of another: ``python -m tests.benchmarks.stalls [--traced] [CASE …]``.

For each case, in milliseconds: the longest delay of a tick while nothing else happens, the longest while the request
runs, and what the request took.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.clients.service import running
from tests.heavy import CASES
from tests.stalls import Ticks, configuration, heavy, listening, ticking_upstream, trace

IDLE, AFTERWARDS = 1.5, 1.5
"""Seconds of nothing before each case, and after it: what is done later holds others up as well."""


def main(arguments: list[str]) -> None:
    traced = "--traced" in arguments
    wanted = [each for each in arguments if not each.startswith("-")]
    cases = [case for case in CASES if not wanted or any(word in case for word in wanted)]
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        other = stack.enter_context(heavy())
        configured = configuration(stack.enter_context(ticking_upstream()), other.port)
        service = stack.enter_context(running(home, configured))
        if traced:
            trace(service.home)
        ticks = stack.enter_context(listening(service.url, "ticking"))
        print(f"{'traced' if traced else 'not traced':30} {'idle':>8} {'stall':>8} {'took':>8}   ms")
        for case in cases:
            idle, done, stall = _measured(ticks, lambda case=case: other(service.url, case))
            print(
                f"{case:30} {idle * 1000:8.0f} {stall * 1000:8.0f} {done['seconds'] * 1000:8.0f}"
                f"   {done['status']}, {done['bytes']} bytes",
                flush=True,
            )


def _measured(ticks: Ticks, work: Callable[[], Mapping[str, Any]]) -> tuple[float, Mapping[str, Any], float]:
    began = time.monotonic()
    time.sleep(IDLE)
    idle = ticks.longest_since(began)
    done = work()
    time.sleep(AFTERWARDS)
    return idle, done, ticks.longest_since(done["began"])


main(sys.argv[1:])
