"""What every test may use, and what every test gets: a scratch home, and a look whether it left processes behind."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from c2o import instance
from tests.clients.service import configuration
from tests.command_line import CommandLine
from tests.fake_upstream import FakeUpstream, upstream

__all__ = ["upstream"]


def pytest_configure() -> None:
    """Where these tests run in the background, a shell has Ctrl-C and Ctrl-\\ ignored: by all that they start, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGQUIT") and signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end: the garbage collector needn't look at them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def c2o_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``C2O_HOME`` is a folder of this test alone, not yet made; nobody's own c2o is ever touched."""
    folder = tmp_path / "home" / "c2o"
    monkeypatch.setenv("C2O_HOME", str(folder))
    monkeypatch.delenv("C2O_CONFIG", raising=False)
    monkeypatch.delenv("C2O_MANAGER", raising=False)
    return folder


@pytest.fixture(autouse=True)
def _nothing_left_running(tmp_path: Path) -> Iterator[None]:
    """A test that leaves a process behind fails, and the process is ended."""
    before = _children()
    yield
    _, left = psutil.wait_procs(_children() - before, timeout=3)
    for process in left:
        process.kill()
    services = [lock for lock in tmp_path.rglob("service.lock") if instance.held(lock)]
    assert not left, f"left running: {[str(process) for process in left]}"
    assert not services, f"left running: the service of {services}"


@pytest.fixture(autouse=True)
def _a_closed_connection_is_no_end() -> Iterator[None]:
    """A test that leaves SIGPIPE as the system has it would have a later one end all of them."""
    yield
    if hasattr(signal, "SIGPIPE"):
        was, _ = signal.getsignal(signal.SIGPIPE), signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        assert was is signal.SIG_IGN, "SIGPIPE ends this process now"


def _children() -> set[psutil.Process]:
    """All below this process.  That there is none, the kernel says at once; psutil reads the whole machine's table."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)  # macOS has it from Python 3.13 on
    except ChildProcessError:
        return set()
    except AttributeError:
        pass
    return set(psutil.Process().children(recursive=True))


@pytest.fixture
def c2o(tmp_path: Path) -> Iterator[CommandLine]:
    """The command line in the scratch home, without a configuration.  Its service ends with the test."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    command = CommandLine(home)
    yield command
    command.end()


@pytest.fixture
def configured(c2o: CommandLine, upstream: FakeUpstream) -> CommandLine:
    """The command line with a configuration: the fake upstream is its only one, and any port is taken."""
    c2o.configure(configuration(upstream.base_url))
    return c2o
