"""What every test may use."""

from __future__ import annotations

from tests.fake_upstream import upstream

__all__ = ["upstream"]
