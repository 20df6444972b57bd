"""``c2o service`` on a real systemd, from the installation to its last trace.

The tests are one story, told in the order of this file: each begins where the one before has ended.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.clients.service import TOKEN
from tests.service.systemd.container import USER, Container, Result, until

pytestmark = [pytest.mark.slow]

PORT = 8226
UPSTREAM = 9226
URL = f"http://127.0.0.1:{PORT}"
KEY = "FAKE_KEY=sk-fake-0123456789"

CONFIGURATION = f"""\
[server]
port = {PORT}
auth_token = "{TOKEN}"

[upstreams.demo]
base_url = "http://127.0.0.1:{UPSTREAM}/v1"
api_key = "env:FAKE_KEY"

[models]
default = "demo/c2o-demo"
"""

HOME = Path("home") / USER


@pytest.fixture(autouse=True)
def _nothing_left_running() -> None:
    """The container lives on from test to test."""


@pytest.fixture(scope="module")
def machine(machine: Container) -> Container:
    """With a configuration, an upstream, and a service that a person has started by hand."""
    configure(machine)
    serve_upstream(machine)
    assert machine.c2o("start", variables=KEY).exit_code == 0
    machine.before = files(machine)
    return machine


def configure(machine: Container, text: str = CONFIGURATION) -> None:
    write(machine, ".config/c2o/config.toml", text)


def write(machine: Container, name: str, text: str) -> None:
    done = machine.login(f"umask 077; mkdir -p $(dirname {name}); cat > {name}", stdin=text)
    assert done.exit_code == 0, done.err


def serve_upstream(machine: Container) -> None:
    machine(f"systemd-run --unit=upstream {sys.executable} -m c2o.demo --port {UPSTREAM} --pace 0.005")
    until(lambda: machine(f"curl -sf http://127.0.0.1:{UPSTREAM}/v1/models").exit_code == 0)


def files(machine: Container) -> set[str]:
    """What there is in the user's home and where lingering is kept."""
    found = machine(f"find /{HOME} /var/lib/systemd/linger /etc/systemd/user -not -type d").out
    return set(found.split())


def unit(machine: Container) -> str:
    """What is in it."""
    return machine.login("cat .config/systemd/user/c2o.service").out


def drop_in(machine: Container, lines: str) -> None:
    """A person's own changes to the unit; none if there are no lines."""
    folder = ".config/systemd/user/c2o.service.d"
    if lines:
        write(machine, f"{folder}/own.conf", f"[Service]\n{lines}\n")
    else:
        machine.login(f"rm -r {folder}")
    machine.login("systemctl --user daemon-reload")


def health(machine: Container) -> dict[str, Any] | None:
    done = machine(f"curl -s --max-time 20 {URL}/health")
    return json.loads(done.out) if done.exit_code == 0 else None


def said(done: Result) -> dict[str, Any]:
    assert done.out, done.err
    answer: dict[str, Any] = json.loads(done.out)
    return answer


def shown(machine: Container, *names: str, unit: str = "c2o.service") -> list[str]:
    return [machine.login(f"systemctl --user show --value -p {name} {unit}").out.strip() for name in names]


def journal(machine: Container) -> str:
    return machine("journalctl --no-pager -o cat _SYSTEMD_USER_UNIT=c2o.service + USER_UNIT=c2o.service").out


def test_a_key_that_only_the_shell_has_is_noticed_and_nothing_is_changed(machine: Container) -> None:
    done = machine.c2o("service install --now", variables=KEY)
    assert done.exit_code == 4
    assert "FAKE_KEY is set in this shell, but a service that starts by itself doesn't see your shell" in done.err
    assert "c2o service install --save-keys" in done.err
    assert files(machine) == machine.before


def test_the_installation_takes_over_the_service_that_runs(machine: Container) -> None:
    done = said(machine.c2o("service install --now --save-keys --json", variables=KEY))
    assert (done["manager"], done["handed_over"], done["already"]) == ("systemd", "detached", False)
    assert done["saved_keys"] == ["FAKE_KEY"]
    assert done["lingers"] is True
    assert machine.login("stat -c %a .config/c2o/keys.env").out == "600\n"
    assert "sk-fake" not in unit(machine)


def test_start_has_waited_until_it_is_ready(machine: Container) -> None:
    state = said(machine.c2o("status --json"))
    assert (state["state"], state["manager"], state["url"]) == ("running", "systemd", URL)
    assert shown(machine, "Type", "StatusText") == ["notify", f"serves at {URL}"]
    assert machine.login("systemctl --user is-enabled c2o.service c2o.socket").out.split() == ["enabled"] * 2


def test_twice_is_harmless(machine: Container) -> None:
    pid = said(machine.c2o("status --json"))["pid"]
    done = said(machine.c2o("service install --now --json"))
    assert (done["already"], done["started"]["already"], done["started"]["pid"]) == (True, True, pid)
    assert said(machine.c2o("start --json"))["already"] is True


def test_status_says_who_keeps_it(machine: Container) -> None:
    state = said(machine.c2o("service status --json"))
    assert (state["installed"], state["manager"], state["runs"], state["lingers"]) == (True, "systemd", "systemd", True)
    assert [file["state"] for file in state["files"]] == ["current", "current"]
    assert state["details"]["ActiveState"] == "active"


def test_its_lines_are_in_the_journal(machine: Container) -> None:
    assert f"serves at {URL}" in until(lambda: journal(machine))
    own = machine.login("journalctl --user -u c2o -o cat --no-pager")
    assert f"serves at {URL}" in own.out or "No journal files" in own.err, own


def test_restarts_under_load_refuse_nobody(machine: Container) -> None:
    outcome: list[Result] = []
    load = threading.Thread(target=lambda: outcome.append(machine.python("load.py", URL, TOKEN, f"/{HOME}/enough")))
    load.start()
    pids = [said(machine.c2o("restart --json"))["started"]["pid"] for _ in range(5)]
    write(machine, "enough", "")
    load.join()
    machine.login("rm enough")
    done = json.loads(outcome[0].out)
    assert done["failed"] == []
    assert done["asked"] >= 20
    assert len(set(pids)) == 5


def test_the_first_request_starts_it(machine: Container) -> None:
    assert machine.login("systemctl --user stop c2o.service").exit_code == 0
    assert machine.c2o("status").exit_code == 3
    assert health(machine)["name"] == "c2o"
    assert said(machine.c2o("status --json"))["state"] == "running"


def test_a_crash_is_followed_by_a_new_service(machine: Container) -> None:
    (pid,) = shown(machine, "MainPID")
    machine(f"kill -SEGV {pid}")
    assert until(lambda: health(machine))["name"] == "c2o"
    until(lambda: shown(machine, "MainPID", "ActiveState")[1] == "active")
    assert shown(machine, "NRestarts") == ["1"]


def test_one_that_hangs_is_found_and_started_again(machine: Container) -> None:
    drop_in(machine, "WatchdogSec=1\nTimeoutAbortSec=1")
    assert machine.c2o("restart").exit_code == 0
    (pid,) = shown(machine, "MainPID")
    machine(f"kill -STOP {pid}")
    until(lambda: "Watchdog timeout" in journal(machine))
    until(lambda: shown(machine, "MainPID", "ActiveState") != [pid, "active"] and health(machine))
    drop_in(machine, "")


def test_what_fails_too_often_is_left_alone_until_start(machine: Container) -> None:
    drop_in(machine, "RestartSec=0\nExecStart=\nExecStart=/bin/false")
    machine.login("systemctl --user restart c2o.service")
    until(lambda: shown(machine, "ActiveState", "SubState")[0] == "failed")
    done = machine.c2o("start")
    assert done.exit_code == 1
    assert "systemd can't start the service" in done.err
    assert "journalctl --user -u c2o" in done.err
    drop_in(machine, "")
    assert machine.c2o("start").exit_code == 0


def test_why_it_cannot_start_is_told_in_its_own_words(machine: Container) -> None:
    configure(machine, CONFIGURATION.replace('"env:FAKE_KEY"', '"env:FAKE_KEY"\nca = "/nonexistent.pem"'))
    assert machine.c2o("stop").exit_code == 0
    done = machine.c2o("start")
    assert done.exit_code == 4
    assert "/nonexistent.pem can't be read" in done.err
    assert shown(machine, "NRestarts") == ["0"]
    configure(machine)


def test_without_its_key_it_comes_up_and_says_so(machine: Container) -> None:
    """At boot nobody would read why it didn't.  By hand, what can be seen beforehand is refused."""
    configure(machine, CONFIGURATION.replace("env:FAKE_KEY", "command:false"))
    done = machine.c2o("start")
    assert done.exit_code == 0
    assert "is without its key: the key command ended with code 1" in done.err
    (problem,) = said(machine.c2o("status --json"))["problems"]
    assert problem["id"] == "upstream.key_missing"

    configure(machine, CONFIGURATION.replace("env:FAKE_KEY", "env:NO_SUCH_KEY"))
    assert machine.c2o("stop").exit_code == 0
    refused = machine.c2o("start")
    assert refused.exit_code == 4
    assert "is without its key: NO_SUCH_KEY is not set" in refused.err
    machine.login("systemctl --user start c2o.service")
    assert health(machine)
    configure(machine)
    until(lambda: said(machine.c2o("status --json"))["problems"] == [])


def test_stop_stops_the_socket_too(machine: Container) -> None:
    assert machine.c2o("start").exit_code == 0
    assert machine.c2o("stop").exit_code == 0
    assert health(machine) is None
    assert said(machine.c2o("stop --json"))["already"] is True


def test_a_port_that_is_taken(machine: Container) -> None:
    machine(f"systemd-run --unit=stranger python3 -m http.server {PORT} --bind 127.0.0.1")
    until(lambda: machine(f"curl -s {URL}").exit_code == 0)
    done = machine.c2o("start")
    assert done.exit_code == 6, done
    assert f"port {PORT} is taken by" in done.err
    machine("systemctl stop stranger")


def test_another_port_moves_the_socket(machine: Container) -> None:
    configure(machine, CONFIGURATION.replace(f"port = {PORT}", f"port = {PORT + 1}"))
    assert said(machine.c2o("start --json"))["url"].endswith(str(PORT + 1))
    configure(machine)
    assert said(machine.c2o("restart --json"))["started"]["url"] == URL


def test_a_units_own_changes_are_kept(machine: Container) -> None:
    ours = unit(machine)
    write(machine, ".config/systemd/user/c2o.service", ours.replace("WatchdogSec=30", "WatchdogSec=90"))
    machine.login("systemctl --user daemon-reload")
    assert machine.c2o("restart").exit_code == 0
    assert "WatchdogSec=90" in unit(machine)
    assert shown(machine, "WatchdogUSec") == ["1min 30s"]
    done = machine.c2o("service install")
    assert (done.exit_code, "has been changed since c2o wrote it" in done.err) == (8, True)
    write(machine, ".config/systemd/user/c2o.service", ours)


def test_doctor_has_it_outlive_the_login_again(machine: Container) -> None:
    """``service.linger``, and its fix."""

    def found() -> list[str]:
        said = json.loads(machine.c2o("doctor --only service.linger --json").out)
        return [each["fix"]["command"] for each in said["checks"] if each["id"] == "service.linger" and each["fix"]]

    assert found() == []
    machine(f"loginctl disable-linger {USER}")
    assert found() == ["loginctl enable-linger"]
    machine.c2o("doctor --only service.linger --fix --yes")
    assert found() == []


def test_after_a_reboot_it_answers_with_nobody_logged_in(machine: Container) -> None:
    assert machine.c2o("start").exit_code == 0
    machine.end("reboot")
    machine.boot()
    assert until(lambda: health(machine))["name"] == "c2o"
    assert machine("loginctl list-sessions --no-legend").out == ""
    serve_upstream(machine)


def test_systemd_finds_it_well_confined(machine: Container) -> None:
    done = machine.login("systemd-analyze security --user --no-pager --threshold=45 c2o.service")
    assert done.exit_code == 0, done.out[-300:]


def test_nothing_is_left(machine: Container) -> None:
    done = said(machine.c2o("service uninstall --json"))
    assert (done["manager"], done["stopped"], done["lingering_ended"]) == ("systemd", True, True)
    assert health(machine) is None
    assert machine.login("ls .config").out == "c2o\n"
    assert shown(machine, "LoadState") == ["not-found"]
    left = files(machine) - machine.before
    assert {name for name in left if "/state/" not in name} == {f"/{HOME}/.config/c2o/keys.env"}
    assert not any(name.endswith("installed.json") for name in left)
    assert said(machine.c2o("service uninstall --json"))["manager"] is None
