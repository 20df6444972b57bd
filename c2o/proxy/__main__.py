"""``python -m c2o.proxy``: the service, as every service manager runs it.

``--ready-fd FD`` and ``--ready-file PATH`` are for whoever starts it: one JSON line says that it serves and where, or
why it can't.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from c2o import private_file
from c2o.errors import C2oError
from c2o.instance import Instance
from c2o.proxy import notify
from c2o.proxy.process import run


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal.  Returns the exit code."""
    options = _options(arguments)

    def ready(myself: Instance) -> None:
        said = {"pid": myself.pid, "host": myself.host, "port": myself.port, "version": myself.version}
        _tell(options, {"ok": True, **said})

    try:
        run(options.port, ready, options.listen_fd, take_over=options.take_over)
    except C2oError as error:
        _tell(options, {"ok": False, "exit_code": error.exit_code, "error": str(error)})
        notify.status(str(error))
        sys.stderr.write(f"c2o: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:  # before the service listens to signals itself
        return 130
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m c2o.proxy", description="The c2o service, in the foreground.")
    parser.add_argument("--port", type=_port, help="instead of the configuration's; 0 takes a free one")
    parser.add_argument("--ready-fd", type=int, metavar="FD", help="where to write one JSON line when it serves")
    parser.add_argument("--ready-file", type=Path, metavar="PATH", help="the same, in a file; it appears whole")
    parser.add_argument("--listen-fd", type=int, metavar="FD", help="an inherited socket that listens already")
    parser.add_argument("--take-over", action="store_true", help="the running service hands its socket over and ends")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError
    return port


def _tell(options: argparse.Namespace, message: dict[str, Any]) -> None:
    """One line to whoever waits for it; he may have stopped waiting."""
    line = json.dumps({"schema": "c2o.ready/1", **message}) + "\n"
    if options.ready_file is not None:
        with suppress(C2oError):
            private_file.write(options.ready_file, line)
    if options.ready_fd is not None:
        _write(options.ready_fd, line)


def _write(ready_fd: int, line: str) -> None:
    with suppress(OSError):
        os.write(ready_fd, line.encode())
    if ready_fd > 2:  # our own stdout stays open
        with suppress(OSError):
            os.close(ready_fd)


if __name__ == "__main__":
    sys.exit(main())
