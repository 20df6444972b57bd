"""Completion scripts, made from the command tree: ``python -m c2o.cli.completions`` writes ``completions/``.

Typer's own completion starts Python for each press of Tab (a third of a second), so the scripts hold all that is known
beforehand.  For models, requests and names of the configuration they ask ``c2o __complete`` (``quick_values``).
After ``c2o run`` the completion of the command that follows takes over.
"""

from __future__ import annotations

from collections.abc import Callable

from c2o.cli.completions.bash import bash
from c2o.cli.completions.files import Shell, signed
from c2o.cli.completions.fish import fish
from c2o.cli.completions.tree import Command, tree
from c2o.cli.completions.zsh import zsh

RENDERERS: dict[Shell, Callable[[Command], str]] = {"bash": bash, "zsh": zsh, "fish": fish}

FILES: dict[Shell, str] = {"bash": "c2o.bash", "zsh": "_c2o", "fish": "c2o.fish"}
"""In ``completions/``, for packages."""


def of(shell: Shell) -> str:
    """The script for a shell, signed."""
    return signed(RENDERERS[shell](tree()))
