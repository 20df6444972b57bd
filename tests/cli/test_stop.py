"""``c2o stop``, from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from c2o import instance
from tests.command_line import CommandLine, streaming, until
from tests.fake_upstream import FakeUpstream


def test_a_stopped_service_is_gone(configured: CommandLine) -> None:
    configured("start")
    there = configured.service()

    done = configured("stop")

    assert done.exit_code == 0
    assert done.err == ""
    assert done.out == "✓ c2o stopped\n"
    assert not instance.running()
    assert instance.read() is None
    until(lambda: not psutil.pid_exists(there.pid))


def test_saying_it_twice_is_harmless(configured: CommandLine) -> None:
    done = configured("stop")
    assert (done.exit_code, done.out, done.err) == (0, "○ c2o isn't running\n", "")
    assert configured("stop", "--json").json == {
        "schema": "c2o.stop/1",
        "already": True,
        "pid": None,
        "finished": 0,
        "killed": False,
        "seconds": 0.0,
        "settings": [],
        "sessions": [],
    }


def test_a_running_stream_finishes_first(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    there = configured.service()
    with streaming(there, upstream) as stream:
        stopping = configured.begin("stop")
        until(lambda: (instance.read() or there).draining == 1)
        assert stopping.poll() is None
        whole = stream.finish()
    out, _ = stopping.communicate(timeout=30)

    assert "message_stop" in whole
    assert "last" in whole
    assert stopping.returncode == 0
    assert "✓ c2o stopped  (1 running stream finished first, " in out


def test_two_stops_do_not_cut_the_stream(configured: CommandLine, upstream: FakeUpstream) -> None:
    """A second signal would end the service at once."""
    configured("start")
    there = configured.service()
    with streaming(there, upstream) as stream:
        first = configured.begin("stop")
        until(lambda: (instance.read() or there).draining == 1)
        first.kill()  # Ctrl-C, say; and then once more
        first.communicate()
        second, third = configured.begin("stop"), configured.begin("stop")
        until(lambda: instance.held(configured.folder / "state" / "command.lock"))
        time.sleep(0.5)  # in which they would do harm
        assert instance.running()
        whole = stream.finish()

    assert "message_stop" in whole
    assert [process.communicate(timeout=30) and process.returncode for process in (second, third)] == [0, 0]


def test_it_works_without_a_readable_configuration(configured: CommandLine) -> None:
    configured("start")
    (configured.folder / "config.toml").write_text("nonsense")

    assert configured("stop").exit_code == 0
    assert not instance.running()


def test_it_stops_a_service_in_the_foreground(configured: CommandLine) -> None:
    foreground = configured.begin("serve")
    until(instance.read)

    assert configured("stop").exit_code == 0
    assert foreground.wait(10) == 0
    foreground.communicate()


def test_a_stranger_with_the_pid_of_the_state_file_is_never_signalled(configured: CommandLine) -> None:
    """The pid is used again: the service's own process is found by the lock that it holds."""
    configured("start")
    there = configured.service()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            instance.write(there._replace(pid=stranger.pid))
            done = configured("stop")
            assert done.exit_code == 0
            assert stranger.poll() is None
        finally:
            stranger.kill()
    until(lambda: not psutil.pid_exists(there.pid))


HOLD = """
import sys
from c2o import instance
lock = instance.Lock(instance.lock_file())
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


def test_whoever_else_holds_the_lock_is_never_signalled(configured: CommandLine) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"True\n"
            done = configured("stop")
            assert done.exit_code == 7
            assert "can't be told from a stranger" in done.err
            assert holder.poll() is None
        finally:
            holder.kill()


def test_a_deleted_state_file_does_not_hide_the_service(configured: CommandLine) -> None:
    configured("start")
    instance.remove()
    assert configured("stop").exit_code == 0
    assert not instance.running()


def test_a_frozen_service_is_killed_when_its_time_is_over(configured: CommandLine) -> None:
    configured("start")
    there = configured.service()
    os.kill(there.pid, signal.SIGSTOP)

    done = impatiently(configured, "stop")

    assert done.returncode == 0, done.stderr
    assert "c2o didn't end within" in done.stdout
    assert "was killed" in done.stdout
    assert not instance.running()


def impatiently(c2o: CommandLine, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command for which the drain is over after a second, and an answer late after half of one."""
    hurry = (
        "from c2o.service import lifecycle, probe; lifecycle.DRAIN_LIMIT = 1.0; lifecycle.MARGIN = 1.0; "
        "probe.PATIENCE = 0.5; from c2o.__main__ import main; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", hurry, *arguments], env=c2o.environment(), capture_output=True, text=True, timeout=60
    )


def test_from_a_folder_that_is_gone(configured: CommandLine, tmp_path: Path) -> None:
    """Every command that looks for a project's settings; the shell still stands in the removed folder."""
    gone = tmp_path / "gone"
    commands = "start && $C2O claude status >/dev/null && $C2O run true && $C2O restart && $C2O stop"
    script = f'cd {gone} && rmdir {gone} && C2O="{sys.executable} -P -m c2o" && $C2O {commands}'
    gone.mkdir()
    done = subprocess.run(["sh", "-c", script], env=configured.environment(), capture_output=True, text=True)
    assert done.stderr == ""
    assert done.returncode == 0
    assert not instance.running()
