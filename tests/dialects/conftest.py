"""The service in this process, in front of a fake upstream that plays any family of them."""

from __future__ import annotations

from tests.proxy.conftest import clock, no_bugs_logged, serve, service, timed

__all__ = ["clock", "no_bugs_logged", "serve", "service", "timed"]
