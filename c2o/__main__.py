"""``c2o`` and ``python -m c2o``: the one place where a failure becomes a sentence and an exit code."""

from __future__ import annotations

import sys

from c2o import quick


def main() -> None:
    """Run the command that was given: the quick way if that can answer it, else by Typer."""
    code = quick.answer(sys.argv[1:])
    if code is None:
        _with_typer()
    sys.exit(code)


def _with_typer() -> None:
    """Bugs show their traceback; everything else is a C2oError."""
    from c2o.cli import app, output  # noqa: PLC0415 - ten times as slow to load as all that ``quick`` needs
    from c2o.errors import C2oError  # noqa: PLC0415

    output.prepare()
    try:
        app(prog_name="c2o")
    except C2oError as error:
        sys.exit(output.fail(error))


if __name__ == "__main__":
    main()
