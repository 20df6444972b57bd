"""``c2o start``, from outside: what is said, what runs then, and how it fails."""

from __future__ import annotations

import os
import pty
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

import c2o as package
from c2o import instance
from c2o.secret import Secret
from c2o.service.probe import ask, listens
from tests.clients.service import TOKEN, configuration
from tests.command_line import CommandLine, streaming, until, without_privileges
from tests.fake_upstream import FakeUpstream
from tests.ports import free_port


@contextmanager
def stranger() -> Iterator[int]:
    """A web server that has nothing to do with c2o, in another process; its port."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: listens("127.0.0.1", port))
            yield port
        finally:
            process.kill()


def with_port(c2o: CommandLine, port: int) -> None:
    configured = configuration("http://127.0.0.1:9/v1")
    configured["server"]["port"] = port
    c2o.configure(configured)


# ---- it works


def test_it_returns_when_the_service_answers(configured: CommandLine) -> None:
    done = configured("start")

    there = configured.service()
    assert done.exit_code == 0
    assert done.err == ""
    assert done.out.startswith(f"● c2o {package.__version__} ready on {there.url}  in ")
    assert f"(pid {there.pid}, detached)" in done.out
    assert ask(there, Secret(TOKEN)).pid == there.pid


def test_json(configured: CommandLine) -> None:
    said = configured("start", "--json").json

    there = configured.service()
    assert said == {
        "schema": "c2o.start/1",
        "already": False,
        "url": there.url,
        "pid": there.pid,
        "version": package.__version__,
        "cli_version": package.__version__,
        "manager": "detached",
        "uptime": said["uptime"],
        "seconds": said["seconds"],
        "config_changed": False,
    }


def test_saying_it_twice_is_harmless(configured: CommandLine) -> None:
    configured("start")
    there = configured.service()

    again = configured("start")

    assert again.exit_code == 0
    assert f"already runs on {there.url}" in again.out
    assert again.err == ""
    assert configured.service() == there


def test_the_second_start_tells_of_a_service_that_does_not_follow(configured: CommandLine) -> None:
    configured("start")
    instance.write(configured.service()._replace(config_digest="another"))

    again = configured("start")

    assert again.exit_code == 0
    assert again.err == "! the configuration has changed, and the service doesn't follow; to apply it: c2o restart\n"
    assert configured("start", "--json").json["config_changed"] is True


def test_the_second_start_waits_until_the_service_follows(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    configured.configure(configuration(upstream.base_url) | {"models": {"default": "fake/another"}})

    again = configured("start")

    assert (again.exit_code, again.err) == (0, "")
    assert configured("status", "--json").json["models"] == {"default": "fake/another"}


def test_the_port_of_the_option_wins(configured: CommandLine) -> None:
    port = free_port()
    assert configured("start", "--port", str(port)).exit_code == 0
    assert configured.service().port == port

    again = configured("start", "--port", str(port + 1))
    assert again.exit_code == 0
    assert f"c2o restart --port {port + 1}" in again.err


def test_twenty_starts_at_once_make_one_service(configured: CommandLine) -> None:
    started = [configured.begin("start", "--json", "--wait", "50") for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(lambda process: process.communicate(timeout=60), started))

    assert [process.returncode for process in started] == [0] * 20, said
    assert sum('"already": false' in out for out, _ in said) == 1
    assert {f'"pid": {configured.service().pid},' in out for out, _ in said} == {True}
    services = [process for process in psutil.process_iter() if is_service_of(configured, process)]
    assert len(services) == 1


def is_service_of(c2o: CommandLine, process: psutil.Process) -> bool:
    try:
        ours = process.environ().get("C2O_HOME") == str(c2o.folder)
        return ours and "c2o.proxy" in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def test_a_killed_service_is_no_obstacle(configured: CommandLine) -> None:
    configured("start")
    before = configured.service()
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: not instance.running())
    assert instance.read() == before, "the state file is still there"

    done = configured("start")

    assert done.exit_code == 0
    assert "ready on" in done.out
    assert configured.service().pid != before.pid


def test_a_state_file_that_names_a_stranger_is_no_obstacle(configured: CommandLine) -> None:
    configured("start")
    there = configured.service()
    configured("stop")
    instance.write(there._replace(pid=os.getpid()))

    assert configured("start").exit_code == 0
    assert configured.service().pid != os.getpid()


def test_it_waits_for_a_service_that_is_just_ending(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    before = configured.service()
    with streaming(before, upstream) as stream:
        os.kill(before.pid, signal.SIGTERM)
        until(lambda: (instance.read() or before).draining)
        starting = configured.begin("start", "--json")
        stream.finish()
        out, err = starting.communicate(timeout=60)

    assert starting.returncode == 0, err
    assert '"already": false' in out
    assert configured.service().pid != before.pid


# ---- what runs then


def test_it_survives_its_terminal(configured: CommandLine) -> None:
    """Started from a shell on a terminal of its own, which then goes away."""
    shell, terminal = pty.fork()
    if shell == 0:
        os.chdir(configured.home)
        os.execve(sys.executable, [sys.executable, "-m", "c2o", "start"], configured.environment(TERM="xterm"))
    shown = b""
    while b"ready on" not in shown:
        shown += os.read(terminal, 4096)
    os.close(terminal)  # hangs up
    os.waitpid(shell, 0)

    there = configured.service()
    assert ask(there, Secret(TOKEN)).pid == there.pid
    assert os.getsid(there.pid) == there.pid


def test_it_runs_in_its_own_folder_with_its_own_environment(configured: CommandLine, tmp_path: Path) -> None:
    """People start it from inside Claude Code, and from folders that may hold anything."""
    hostile = tmp_path / "project"
    for folder in (hostile, configured.folder / "state"):
        folder.mkdir()
        for name in ("json", "c2o", "sitecustomize", "aiohttp"):
            (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    (hostile / "config.toml").write_text("nonsense")

    done = subprocess.run(
        [sys.executable, "-P", "-m", "c2o", "start"],  # -P, as for the installed command: Python itself looks elsewhere
        env=configured.environment(CLAUDECODE="1", CLAUDE_CODE_SESSION="x", ANTHROPIC_API_KEY="y", HARMLESS="z"),
        cwd=hostile,
        capture_output=True,
    )

    assert done.returncode == 0, done.stderr
    process = psutil.Process(configured.service().pid)
    environment = process.environ()
    assert process.cwd() == str(configured.folder / "state")
    assert environment["HARMLESS"] == "z"
    assert not {"CLAUDECODE", "CLAUDE_CODE_SESSION", "ANTHROPIC_API_KEY"} & environment.keys()
    assert not (tmp_path / "canary").exists()


def test_a_relative_home_is_the_same_home_for_the_service(configured: CommandLine) -> None:
    assert configured("start", cwd=configured.home, C2O_HOME="c2o").exit_code == 0
    assert configured("status", cwd=configured.home, C2O_HOME="c2o").exit_code == 0
    assert psutil.Process(configured.service().pid).environ()["C2O_HOME"] == str(configured.folder)


def test_all_its_files_are_private_whatever_the_umask(configured: CommandLine) -> None:
    careless = ["sh", "-c", f"umask 000; exec {sys.executable} -m c2o start"]
    subprocess.run(careless, env=configured.environment(), cwd=configured.home, check=True, capture_output=True)

    files = [path for path in configured.folder.rglob("*") if path.name != "config.toml"]
    assert {path.name for path in files} >= {"service.lock", "service.json", "c2o.log", "state", "log"}
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_no_secret_is_in_its_command_line(configured: CommandLine) -> None:
    configured("start")
    command = " ".join(psutil.Process(configured.service().pid).cmdline())
    assert "c2o.proxy" in command
    assert TOKEN not in command
    assert "sk-fake" not in command


# ---- it can't


def test_without_a_configuration_it_says_what_to_do(c2o: CommandLine) -> None:
    done = c2o("start")
    assert done.exit_code == 78
    assert done.out == ""
    assert done.err == f"c2o: there is no configuration at {c2o.folder / 'config.toml'}. Run: c2o init\n"


def test_a_wrong_configuration_is_named_with_file_and_key(c2o: CommandLine) -> None:
    configured = configuration("http://127.0.0.1:9/v1")
    configured["server"]["port"] = "many"
    c2o.configure(configured)

    done = c2o("start")

    assert done.exit_code == 78
    assert done.err.startswith(f"c2o: {c2o.folder / 'config.toml'}:3: [server] port must be ")
    assert not instance.running()


def test_a_missing_key_is_named_before_anything_starts(c2o: CommandLine) -> None:
    c2o.configure(configuration("http://127.0.0.1:9/v1", api_key="env:NO_SUCH_KEY"))

    done = c2o("start")

    assert done.exit_code == 4
    assert "upstream fake is without its key: NO_SUCH_KEY is not set" in done.err
    assert done.err.count("\n") == 1
    assert not (c2o.folder / "log").exists(), "nothing was started"


def test_a_key_command_that_fails_is_told_by_the_service(c2o: CommandLine) -> None:
    c2o.configure(configuration("http://127.0.0.1:9/v1", api_key="command:false"))
    done = c2o("start")
    assert done.exit_code == 4
    assert "upstream fake is without its key: the key command ended with code 1" in done.err
    assert not instance.running()


def test_errors_as_json(c2o: CommandLine) -> None:
    done = c2o("start", "--json")
    assert done.exit_code == 78
    assert done.json["schema"] == "c2o.error/1"
    assert done.json["exit_code"] == 78
    assert done.json["error"] in done.err


def test_a_port_taken_by_a_stranger_is_told_with_the_stranger(c2o: CommandLine) -> None:
    with stranger() as port:
        with_port(c2o, port)
        done = c2o("start")

    assert done.exit_code == 6
    assert f"port {port} is taken by " in done.err
    assert "python" in done.err
    assert f"c2o config set server.port {port + 1}, or for this once: c2o start --port {port + 1}\n" in done.err
    assert not instance.running()


def test_a_port_taken_by_the_c2o_of_another_home_is_told(
    configured: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured("start")
    port = configured.service().port
    other = CommandLine(tmp_path / "other")
    other.home.mkdir()
    with_port(other, port)

    done = other("start")

    assert done.exit_code == 6
    assert f"(pid {configured.service().pid}, another c2o" in done.err


def test_a_program_that_is_not_ours_to_see_is_known_by_its_answer(c2o: CommandLine) -> None:
    """As another user's c2o would look: it answers, but the system doesn't show its process."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"name": "c2o", "version": "0.0.9"}')

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            with_port(c2o, server.server_port)
            done = c2o("start", PYTHONPATH=str(blind_psutil(c2o.home)))
        finally:
            server.shutdown()

    assert done.exit_code == 6
    assert "taken by another user's c2o" in done.err


def blind_psutil(folder: Path) -> Path:
    """A ``sitecustomize`` under which the system shows no connections, as it does for other users' processes."""
    place = folder / "blind"
    place.mkdir()
    (place / "sitecustomize.py").write_text("import psutil\npsutil.net_connections = lambda kind: []\n")
    return place


def test_a_service_that_dies_at_its_start_leaves_its_last_words(configured: CommandLine) -> None:
    place = configured.home / "broken"
    place.mkdir()
    (place / "uvloop.py").write_text("raise RuntimeError('the wheel is\x1b[2J broken')")

    done = configured("start", PYTHONPATH=str(place))

    assert done.exit_code == 1
    assert "the service ended with exit code 1 before it was ready" in done.err
    assert "RuntimeError: the wheel is\\x1b[2J broken" in done.err
    assert str(configured.folder / "log" / "c2o.log") in done.err
    assert 'File "' not in done.err.split("\n")[0]


def test_a_service_that_is_not_ready_in_time_is_told(c2o: CommandLine) -> None:
    c2o.configure(configuration("http://127.0.0.1:9/v1", api_key="command:sleep 20"))

    done = c2o("start", "--wait", "1")

    assert done.exit_code == 7
    assert "the service isn't ready after 1 s" in done.err
    assert c2o("status").exit_code == 7


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_read_only_home_is_told_in_a_sentence(configured: CommandLine) -> None:
    configured.folder.chmod(0o500)
    done = subprocess.run(
        [*without_privileges(), sys.executable, "-m", "c2o", "start"],
        env=configured.environment(),
        capture_output=True,
        text=True,
    )
    configured.folder.chmod(0o700)

    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 1
    assert "can't be written: Permission denied" in done.stderr
    assert "C2O_HOME" in done.stderr


def test_a_service_takes_another_token_without_a_restart(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    changed = configuration(upstream.base_url)
    changed["server"]["auth_token"] = "c2o-another-token-0123456789"
    configured.configure(changed)

    done = configured("start")

    assert (done.exit_code, done.err) == (0, "")
    assert configured("status", "--json").json["problems"] == []
