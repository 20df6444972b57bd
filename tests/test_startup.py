"""What the two programs load: the command line no server, the service no command line.  And how fast they start."""

from __future__ import annotations

import subprocess
import sys

import pytest

from c2o.service import processes
from tests.command_line import CommandLine

SERVER = ("aiohttp", "uvloop", "yarl", "c2o.proxy", "c2o.demo")
COMMAND_LINE = ("typer", "click", "rich", "pygments", "psutil", "c2o.cli", "c2o.service", "c2o.claude", "c2o.doctor")


def loaded_by(script: str, c2o: CommandLine) -> set[str]:
    """The modules that a script has loaded at its end."""
    show = "import sys; sys.stderr.write('\\nLOADED ' + ' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"import atexit\natexit.register(lambda: exec({show!r}))\n{script}"],
        env=c2o.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "\nLOADED " in done.stderr, done.stderr
    return set(done.stderr.rpartition("\nLOADED ")[2].split())


def parts(loaded: set[str], names: tuple[str, ...]) -> set[str]:
    return {module for module in loaded if any(module == name or module.startswith(f"{name}.") for name in names)}


@pytest.mark.parametrize("command", [["--help"], ["start"], ["status"], ["stop"], ["status", "--json"]], ids=" ".join)
def test_the_command_line_loads_no_server(configured: CommandLine, command: list[str]) -> None:
    configured("start")
    script = f"import sys; sys.argv = ['c2o', *{command!r}]; from c2o.__main__ import main; main()"
    assert parts(loaded_by(script, configured), SERVER) == set()


def test_into_a_pipe_status_loads_no_rich(configured: CommandLine) -> None:
    configured("start")
    script = "import sys; sys.argv = ['c2o', 'status']; from c2o.__main__ import main; main()"
    assert parts(loaded_by(script, configured), ("rich", "pygments")) == set()


def test_the_service_loads_no_command_line(configured: CommandLine) -> None:
    script = """
import os, signal, threading, time
from c2o.proxy.__main__ import main
def soon():
    from c2o import instance
    while not instance.read(): time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=soon).start()
main(["--port", "0"])
"""
    loaded = loaded_by(script, configured)
    assert "c2o.proxy.app" in loaded
    assert parts(loaded, COMMAND_LINE) == set()
    assert processes.of_the_service() is None


def test_what_can_fail_early_fails_before_the_server_is_loaded(c2o: CommandLine) -> None:
    loaded = loaded_by("from c2o.proxy.__main__ import main; main([])", c2o)
    assert "c2o.config" in loaded
    assert parts(loaded, ("aiohttp", "uvloop")) == set()
