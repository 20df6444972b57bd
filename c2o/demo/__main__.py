"""``python -m c2o.demo``: the embedded upstream as a process.

``--ready-fd FD`` is for whoever starts it: one JSON line says that it serves and where, or why it can't.
SIGTERM and SIGINT end it with exit code 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from aiohttp import web

import c2o
from c2o.demo import DEFAULT_PORT
from c2o.demo.server import create_app
from c2o.errors import C2oError, PortTaken

HOST = "127.0.0.1"
"""Never another address: it serves whoever asks."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal ends it.  Returns the exit code."""
    options = _options(arguments)
    try:
        asyncio.run(_serve(options))
    except C2oError as error:
        _tell(options.ready_fd, {"ok": False, "exit_code": error.exit_code, "error": str(error)})
        sys.stderr.write(f"c2o demo: {error}\n")
        return error.exit_code
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m c2o.demo", description="A scripted OpenAI-compatible upstream.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between two words (default: none)")
    parser.add_argument("--ready-fd", type=int, help="where to write one JSON line when it serves")
    return parser.parse_args(arguments)


async def _serve(options: argparse.Namespace) -> None:
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    runner = web.AppRunner(create_app(options.pace), access_log=None, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    try:
        port = await _listen(runner, options.port)
        place = {"ok": True, "pid": os.getpid(), "host": HOST, "port": port, "version": c2o.__version__}
        _tell(options.ready_fd, place)
        sys.stderr.write(f"c2o demo: the scripted upstream serves at http://{HOST}:{port}/v1\n")
        await end.wait()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int) -> int:
    site = web.TCPSite(runner, HOST, port)
    try:
        await site.start()
    except OSError as error:
        raise PortTaken(
            f"port {port} can't be had: {error.strerror}. Take another: --port 0 finds a free one."
        ) from None
    bound: int = runner.addresses[0][1]
    return bound


def _tell(ready_fd: int | None, message: dict[str, Any]) -> None:
    if ready_fd is not None:
        with os.fdopen(ready_fd, "w") as pipe:
            pipe.write(json.dumps(message) + "\n")


if __name__ == "__main__":
    sys.exit(main())
