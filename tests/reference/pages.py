"""The pages of the documentation that are made from the code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.dialects import reference as dialects
from tests.reference import commands, json_output

DOCS = Path(__file__).parent.parent.parent / ".github" / "docs"

PAGES: dict[Path, Callable[[], str]] = {
    DOCS / "commands.md": commands.page,
    DOCS / "json.md": json_output.page,
    DOCS / "dialects.md": dialects.page,
}
