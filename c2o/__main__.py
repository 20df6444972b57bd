"""``c2o`` and ``python -m c2o``: the one place where a failure becomes a sentence and an exit code."""

from __future__ import annotations

import sys

from c2o import quick


def main() -> None:
    """Run the command that was given: the quick way if that can answer it, else by Typer."""
    code = quick.answer(sys.argv[1:])
    if code is None:
        code = _with_typer()
    sys.exit(code)


def _with_typer() -> int:
    from c2o.cli import program  # noqa: PLC0415 - ten times as slow to load as all that ``quick`` needs

    return program.main()


if __name__ == "__main__":
    main()
