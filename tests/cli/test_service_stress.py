"""The detached service under what machines do to it: many starts at once, kills at any moment, full disks."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from c2o import draining, instance
from c2o.config import load
from c2o.instance import Lock
from c2o.secret import Secret
from c2o.service import lifecycle
from c2o.service.lifecycle import Started
from c2o.service.probe import ask
from tests.cli.test_restart_under_load import Client
from tests.cli.test_start import is_service_of
from tests.clients.service import TOKEN
from tests.command_line import CommandLine, streaming, until
from tests.fake_upstream import FakeUpstream, Reply

pytestmark = pytest.mark.slow

ROUNDS = 50
TOGETHER = 20


def services(c2o: CommandLine) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if is_service_of(c2o, process)]


@pytest.fixture
def ours(configured: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The home of the command line is also this process's, so that a start costs no interpreter."""
    for name, value in configured.environment().items():
        monkeypatch.setenv(name, value)
    return configured


def test_of_many_starts_at_once_one_starts_the_service(ours: CommandLine) -> None:
    """Each start as in a process of its own: its lock is that of a file it has opened itself."""
    config = load(ours.folder / "config.toml")
    with ThreadPoolExecutor(TOGETHER) as pool:
        for _ in range(ROUNDS):
            together = threading.Barrier(TOGETHER)

            def start(together: threading.Barrier = together) -> Started:
                together.wait()
                return lifecycle.start(config, wait=50)

            started = list(pool.map(lambda _: start(), range(TOGETHER)))
            there = ours.service()
            assert {each.instance.pid for each in started} == {there.pid}
            assert [each.already for each in started].count(False) == 1
            assert [process.pid for process in services(ours)] == [there.pid]
            os.kill(there.pid, signal.SIGKILL)
            until(lambda: not instance.running())
            until(lambda pid=there.pid: not psutil.pid_exists(pid) or reaped(pid))


def reaped(pid: int) -> bool:
    """The service is a child of this process here."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def waited(pid: int | str = "self") -> float:
    """Seconds that a process was ready to run, but others had the processor: not the fault of what is measured.

    https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
    """
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except OSError:  # not on Linux
        return 0.0


def test_after_a_kill_at_any_moment_the_next_start_works(ours: CommandLine, upstream: FakeUpstream) -> None:
    """200 kills: while it starts, serves, learns, hands over and ends.  All its files can be read afterwards."""
    upstream.think(lambda request: Reply(text="Hello"))
    config = load(ours.folder / "config.toml")
    chance = random.Random(8226)
    took = []
    for number in range(200):
        began = time.monotonic() - waited()
        started = lifecycle.start(config, wait=50)
        took.append(time.monotonic() - waited() - waited(started.instance.pid) - began)
        assert not started.already
        ending = None
        if number % 4 == 1:
            ask(started.instance, Secret(TOKEN))
        elif number % 4 == 2:
            os.kill(started.instance.pid, signal.SIGTERM)
        elif number % 20 == 3:
            ending = ours.begin("restart")
        time.sleep(chance.random() * (0.3 if ending else 0.02))
        os.kill(started.instance.pid, signal.SIGKILL)  # not reaped before we do, so it is no stranger's
        if ending:
            for process in services(ours):
                process.kill()
            ending.communicate(timeout=60)
            for process in services(ours):
                process.kill()
        until(lambda: not instance.running())
        reaped(started.instance.pid)
    usual = sorted(took)[len(took) // 2]
    print(f"start after a kill: usually {usual:.2f} s, at most {max(took):.2f} s")
    assert max(took) <= 1.0, "a kill delays no start"
    lifecycle.start(config)
    assert not draining.services()
    assert "ERROR" not in ours.log


def test_a_stream_is_whole_however_often_the_service_is_told_to_end(ours: CommandLine, upstream: FakeUpstream) -> None:
    """50 times SIGTERM with 20 running streams."""
    config = load(ours.folder / "config.toml")
    for _ in range(50):
        there = lifecycle.start(config, wait=50).instance
        whole = streams_through_an_end(there, upstream, 20)
        assert whole == 20
        until(lambda: not instance.running())
        until(lambda pid=there.pid: reaped(pid))


def streams_through_an_end(there: instance.Instance, upstream: FakeUpstream, count: int) -> int:
    """How many streams come to their end though the service is told to end in their middle."""
    with ExitStack() as stack:
        running = [stack.enter_context(streaming(there, upstream)) for _ in range(count)]
        os.kill(there.pid, signal.SIGTERM)
        until(lambda: (instance.read() or there).draining == count)
        return sum("message_stop" in each.finish() for each in running)


# ---- what is in the way, each told in its own sentence


def test_a_pid_that_is_used_again_is_not_signalled(ours: CommandLine) -> None:
    """The state file of a killed service names what is another program by now."""
    started = lifecycle.start(load(ours.folder / "config.toml"))
    os.kill(started.instance.pid, signal.SIGKILL)
    until(lambda: not instance.running())
    reaped(started.instance.pid)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        instance.write(started.instance._replace(pid=stranger.pid))
        try:
            assert ours("status").out.startswith("○ c2o")
            assert "isn't running" in ours("stop").out
            assert ours("restart").exit_code == 0
            assert ours("stop").exit_code == 0
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_lock_that_a_stranger_holds_is_told(ours: CommandLine) -> None:
    with Lock(instance.lock_file()) as lock:
        assert lock.acquire()
        done = ours("start", "--wait", "1")
    assert done.exit_code == 7
    assert done.err == "c2o: the service is still starting. Look again with: c2o status\n"


def test_a_full_disk_for_the_log_stops_no_request(ours: CommandLine, upstream: FakeUpstream, tmp_path: Path) -> None:
    """A log folder of a few pages, where this user may mount one; the test below needs no right."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system; the next test does it with a limit")
    upstream.think(lambda request: Reply(text="Hello"))
    folder = ours.folder / "log"
    folder.mkdir(mode=0o700)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "c2o-small-log", str(folder)])
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        started = lifecycle.start(load(ours.folder / "config.toml"))
        enough = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(Client(started.instance, 1).ask_until, enough)
            until(lambda: "log.unwritable" in ours("status", "--json").out, 60)
            enough.set()
            assert set(asking.result()) == {"ok"}
        shown = ours("status")
        assert shown.exit_code == 0
        assert f"! the log {folder / 'c2o.log'} can't be written: No space left on device." in shown.out
        assert "can't be written: No space left on device" in ours("restart").err
        until(lambda: not draining.services())  # while a process has the file open, deleting it makes no room
        (folder / "c2o.log").unlink()
        after = Client(ours.service(), 1)
        until(lambda: after.ask() == "ok" and "that could not be written before this one: " in ours("logs").out)
        assert "log.unwritable" not in ours("status", "--json").out
    finally:
        ours.end()
        subprocess.run(["umount", str(folder)], check=True)


def test_a_log_that_may_not_grow_stops_no_request(ours: CommandLine, upstream: FakeUpstream) -> None:
    """The same for any user: the service's files may be no larger than 16 KB."""
    upstream.think(lambda request: Reply(text="Hello"))
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16 * 1024, unlimited[1]))
    try:
        started = lifecycle.start(load(ours.folder / "config.toml"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    client = Client(started.instance, 1)
    assert {client.ask() for _ in range(60)} == {"ok"}
    log = ours.folder / "log" / "c2o.log"
    shown = ours("status")
    assert shown.exit_code == 0
    assert f"! the log {log} can't be written: File too large." in shown.out
    log.unlink()
    assert client.ask() == "ok"
    until(lambda: "that could not be written before this one: " in ours("logs").out)
    assert "log.unwritable" not in ours("status", "--json").out


def test_a_log_that_can_not_be_opened_stops_nothing(ours: CommandLine) -> None:
    (ours.folder / "log").write_text("a file where the folder should be")
    done = ours("start")
    assert done.exit_code == 0
    assert f"! the log {ours.folder / 'log' / 'c2o.log'} can't be written: " in done.err
    assert done.err.endswith("or set C2O_HOME to a folder that is.\n")
