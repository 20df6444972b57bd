"""Completion scripts, made from the command tree: ``python -m c2o.cli.completion_scripts`` writes ``completions/``.

Typer's own completion starts Python for each press of Tab (a third of a second), so the scripts hold all that is known
beforehand.  For models, requests and names of the configuration they ask ``c2o __complete`` (``quick_values``).
After ``c2o run`` the completion of the command that follows takes over.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from c2o.cli.completion_bash import bash
from c2o.cli.completion_fish import fish
from c2o.cli.completion_tree import Command, tree
from c2o.cli.completion_zsh import zsh

SCRIPTS: dict[str, Callable[[Command], str]] = {"c2o.bash": bash, "_c2o": zsh, "c2o.fish": fish}


def main() -> None:
    folder = Path(__file__).parent.parent.parent / "completions"
    folder.mkdir(exist_ok=True)
    for name, render in SCRIPTS.items():
        (folder / name).write_text(render(tree()), encoding="utf-8")


if __name__ == "__main__":
    main()
