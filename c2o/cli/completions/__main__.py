"""``python -m c2o.cli.completions``: writes the scripts for packages into the checkout's ``completions/``."""

from __future__ import annotations

from pathlib import Path

from c2o.cli.completions.scripts import FILES, of

FOLDER = Path(__file__).parents[3] / "completions"

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for shell, name in FILES.items():
        (FOLDER / name).write_text(of(shell), encoding="utf-8")
