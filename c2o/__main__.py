"""``c2o`` and ``python -m c2o``: the one place where a failure becomes a sentence and an exit code."""

from __future__ import annotations

import sys

from c2o.cli import app, output
from c2o.errors import C2oError


def main() -> None:
    """Run the command that was given.  Bugs show their traceback; everything else is a C2oError."""
    output.prepare()
    try:
        app(prog_name="c2o")
    except C2oError as error:
        sys.exit(output.fail(error))


if __name__ == "__main__":
    main()
