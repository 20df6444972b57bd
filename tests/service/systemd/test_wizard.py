"""``c2o init`` and ``c2o uninstall`` on a real systemd, with a person at the keys: each test begins in a bare home."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli.on_a_terminal import CTRL_C, DOWN, ENTER
from tests.service.systemd.container import USER, Container, until
from tests.service.systemd.test_systemd import UPSTREAM, URL, health, said, serve_upstream, shown

pytestmark = [pytest.mark.slow]

C2O = f"{sys.executable} -m c2o"
ADDRESS = f"http://127.0.0.1:{UPSTREAM}/v1"
FLAGS = f"--upstream {ADDRESS} --name mine --model c2o-demo"
KEEP = "Shall systemd keep c2o running?"
HOME = f"/home/{USER}"

UNITS = {
    f"{HOME}/.config/systemd/user/{name}"
    for name in ("c2o.service", "c2o.socket", "default.target.wants/c2o.service", "sockets.target.wants/c2o.socket")
}
LINGERS = f"/var/lib/systemd/linger/{USER}"

BASES = {f"{HOME}/{folder}" for folder in (".config", ".local", ".local/state")}
"""Folders of the home that programs share; who needs one makes it, and nobody takes it away."""


@pytest.fixture(autouse=True)
def _nothing_left_running() -> None:
    """The container lives on from test to test."""


@pytest.fixture(scope="module")
def machine(machine: Container) -> Container:
    serve_upstream(machine)
    return machine


@pytest.fixture(autouse=True)
def before(machine: Container) -> Iterator[dict[str, str]]:
    """What there was; and what there is again when ``c2o uninstall --purge`` is done, byte for byte."""
    there = everything(machine)
    yield there
    if everything(machine) != there:
        machine.c2o("uninstall --purge --yes")
        left = everything(machine)
        assert {path: left[path] for path in left.keys() - BASES} == {
            path: there[path] for path in there.keys() - BASES
        }
        assert shown(machine, "LoadState") == ["not-found"]
        assert health(machine) is None


def everything(machine: Container) -> dict[str, str]:
    """Path → kind and mode, where a link leads, and the digest of what is in a file."""
    places = f"{HOME} ~root/.config ~root/.local/state/c2o ~root/.claude /var/lib/systemd/linger /etc/systemd/user"
    lines = machine(
        f"find {places} -maxdepth 8 -printf '%p\\t%y %m %l\\n' 2>/dev/null; find {HOME} /etc/systemd/user -type f"
        " -exec sha256sum {} + | sed 's/^\\([^ ]*\\)  \\(.*\\)/\\2\\t\\1/'"
    ).out.splitlines()
    found: dict[str, str] = {}
    for path, _, what in (line.partition("\t") for line in lines):
        found[path] = f"{found.get(path, '')}{what} "
    return found


def made(machine: Container, before: dict[str, str]) -> set[str]:
    """What wasn't there, without folders and c2o's own state."""
    now = everything(machine)
    new = {path for path in now.keys() - before.keys() if not now[path].startswith("d")}
    return {path for path in new if "/.local/state/" not in path}


def test_enter_has_systemd_keep_it(machine: Container, before: dict[str, str]) -> None:
    """From a bare home, with an address and the Enter key, to a service that survives its own death."""
    with machine.on_a_terminal(f"{C2O} init") as person:
        found = person.see("Which upstream shall Claude Code work on?").partition("Found")[2]
        assert "systemd" in found.splitlines()[0]
        person.type(f"{ADDRESS}\n")
        person.answer("Which model shall it use?")
        person.see(KEEP)
        assert made(machine, before) == set(), "until the last answer nothing is changed"
        person.type(ENTER)
        assert person.end() == 0, person.screen
        assert f"✓ Service    systemd  {URL}" in person.final
    assert made(machine, before) == {*UNITS, LINGERS, f"{HOME}/.config/c2o/config.toml"}
    assert machine.login("systemctl --user is-enabled c2o.service c2o.socket").out.split() == ["enabled"] * 2
    state = said(machine.c2o("status --json"))
    assert (state["state"], state["manager"], state["url"]) == ("running", "systemd", URL)
    (pid,) = shown(machine, "MainPID")
    machine(f"kill -KILL {pid}")
    until(lambda: shown(machine, "MainPID", "ActiveState")[1] == "active" and shown(machine, "MainPID") != [pid])
    assert until(lambda: health(machine))["name"] == "c2o"
    checks = {each["id"]: each["level"] for each in said(machine.c2o("doctor --json"))["checks"]}
    assert checks["service.manager"] == checks["service.running"] == "ok"
    assert "fail" not in checks.values(), checks

    a_second_init_changes_what_is_asked_and_nothing_else(machine)
    uninstall_takes_away_what_it_says(machine, before)


def a_second_init_changes_what_is_asked_and_nothing_else(machine: Container) -> None:
    first, pid = everything(machine), shown(machine, "MainPID")
    with machine.on_a_terminal(f"{C2O} init") as person:
        person.see("What shall be changed?")
        person.type(DOWN * 2 + ENTER)
        person.see("There is nothing to offer: it is all there")
        assert person.end() == 0, person.screen
    done = machine.c2o("init --yes --upstream local --model c2o-demo --map opus=other --no-test")
    assert done.exit_code == 0, done
    now = everything(machine)
    config = f"{HOME}/.config/c2o/config.toml"
    changed = {path for path in first.keys() | now.keys() if first.get(path) != now.get(path)}
    assert {path for path in changed if "/.local/state/" not in path} == {config, f"{config}.bak"}
    assert machine.login(f"diff {config}.bak {config}").out.splitlines()[1:] == ['> opus = "local/other"']
    assert shown(machine, "MainPID", "NRestarts")[0] == pid[0]


def uninstall_takes_away_what_it_says(machine: Container, before: dict[str, str]) -> None:
    there = everything(machine)
    dry = said(machine.c2o("uninstall --dry-run --json"))
    assert everything(machine).keys() == there.keys()
    assert shown(machine, "ActiveState") == ["active"]
    with machine.on_a_terminal(f"{C2O} uninstall") as person:
        person.answer("Do that?", "y")
        assert person.end() == 0, person.screen
        assert "✓ the service of systemd, stopped" in person.screen
    left = everything(machine)
    assert not set(dry["removed"]) & set(left)
    kept = {each["path"] for each in dry["kept"]}
    assert {path for path in left.keys() - before.keys() if not left[path].startswith("d")} == kept
    assert f"{HOME}/.config/c2o/config.toml" in kept


def test_ctrl_c_at_the_question_leaves_all_as_it_was_and_no_is_an_answer(
    machine: Container, before: dict[str, str]
) -> None:
    with machine.on_a_terminal(f"{C2O} init {FLAGS} --no-key --no-test") as person:
        person.see(KEEP)
        person.type(CTRL_C)
        assert person.end() == 130
        assert "nothing was changed. Begin again with: c2o init" in person.screen
    assert everything(machine) == before

    with machine.on_a_terminal(f"{C2O} init {FLAGS} --no-key --no-test") as person:
        person.see(KEEP)
        person.type(DOWN + ENTER)
        assert person.end() == 0, person.screen
        assert "✓ Service    when it is needed" in person.final
    assert made(machine, before) == {f"{HOME}/.config/c2o/config.toml"}


SLOW_TO_LOAD = ("user-generators/slow", "#!/bin/sh\nsleep 60\n")
SLOW_TO_START = ("user/c2o.service.d/slow.conf", "[Service]\nExecStartPre=/bin/sleep 60\n")


@contextmanager
def of_the_system(machine: Container, name: str, text: str) -> Iterator[None]:
    """A file under /etc/systemd; who sleeps because of it wakes up with the block."""
    path = f"/etc/systemd/{name}"
    machine(f"mkdir -p $(dirname {path}) && cat > {path} && chmod 755 {path}", stdin=text)
    try:
        yield
    finally:
        machine(f"rm {path}; rmdir /etc/systemd/user/c2o.service.d; pkill -f 'sleep 60'")
        machine.login("systemctl --user daemon-reload")


@pytest.mark.parametrize(("slow", "state"), [(SLOW_TO_LOAD, ""), (SLOW_TO_START, "activating")])
def test_ctrl_c_while_it_is_installed_takes_all_of_that_away(
    machine: Container, before: dict[str, str], slow: tuple[str, str], state: str
) -> None:
    """systemd is at work: it reads its units, or it starts the service."""
    with machine.on_a_terminal(f"{C2O} init {FLAGS} --no-key --no-test") as person:
        person.see(KEEP)
        with of_the_system(machine, *slow):  # from now on: a login would wait for it, too
            person.type(ENTER)
            until(lambda: f"{HOME}/.config/systemd/user/c2o.service" in everything(machine))
            until(lambda: not state or shown(machine, "ActiveState") == [state])
            person.type(CTRL_C)
        assert person.end() == 130, person.screen
        assert "stopped; ~/.config/c2o/config.toml was written. Look at it with: c2o doctor" in person.screen
    assert made(machine, before) == {f"{HOME}/.config/c2o/config.toml"}
    assert f"{HOME}/.local/state/c2o/installed.json" not in everything(machine)
    assert shown(machine, "LoadState") == ["not-found"]
    assert health(machine) is None


def test_what_a_killed_wizard_leaves_is_found_by_uninstall(machine: Container, before: dict[str, str]) -> None:
    with machine.on_a_terminal(f"{C2O} init {FLAGS} --no-key --no-test") as person:
        person.see(KEEP)
        with of_the_system(machine, *SLOW_TO_LOAD):
            person.type(ENTER)
            until(lambda: f"{HOME}/.config/systemd/user/c2o.service" in everything(machine))
            machine(f"pkill -KILL -u {USER} -f 'm c2o init'")
        assert person.end() == 137
    dry = said(machine.c2o("uninstall --purge --dry-run --json"))
    assert made(machine, before) <= set(dry["removed"]), "and the fixture has it done"


def test_what_does_not_start_stays_installed_and_says_why(machine: Container, before: dict[str, str]) -> None:
    with of_the_system(machine, "user/c2o.service.d/broken.conf", "[Service]\nExecStartPre=/bin/false\n"):
        done = machine.c2o(f"init {FLAGS} --no-key --no-test --yes --service")
        assert done.exit_code == 1, done
        assert "systemd can't start the service" in done.err
        assert "Before that, ~/.config/c2o/config.toml was written, the service was installed for systemd." in done.err
    assert made(machine, before) >= UNITS
    assert said(machine.c2o("start --json"))["url"] == URL


def test_flags_do_the_same_without_a_terminal(machine: Container, before: dict[str, str]) -> None:
    """With a key that only this shell has."""
    flags = f"{FLAGS} --key-env MY_KEY --yes --service --json"
    refused = machine.c2o(f"init {flags}", variables="MY_KEY=sk-fake-0123456789")
    assert (refused.exit_code, everything(machine)) == (4, before)
    done = said(machine.c2o(f"init {flags} --save-keys", variables="MY_KEY=sk-fake-0123456789"))
    assert (done["service"]["manager"], done["service"]["url"]) == ("systemd", URL)
    assert made(machine, before) == {
        *UNITS,
        LINGERS,
        f"{HOME}/.config/c2o/config.toml",
        f"{HOME}/.config/c2o/keys.env",
    }
    assert health(machine)


def test_lingering_that_is_not_allowed_is_told_and_left_to_others(machine: Container, before: dict[str, str]) -> None:
    machine("systemctl mask --now polkit")
    try:
        done = machine.c2o(f"init {FLAGS} --no-key --no-test --yes --service")
        assert done.exit_code == 0, done
        assert "the service will end when you log out: Could not enable linger" in done.err
        assert f"Ask the machine's administrator for: sudo loginctl enable-linger {USER}" in done.err
        assert LINGERS not in made(machine, before)
        machine(f"loginctl enable-linger {USER}")
        assert machine.c2o("uninstall --purge --yes").exit_code == 0
        assert made(machine, before) == {LINGERS}, "whose doing that is, his undoing it is"
        machine(f"loginctl disable-linger {USER}")
    finally:
        machine("systemctl unmask polkit")


# ---- where a login isn't one


def as_user(line: str, **variables: str) -> str:
    """A line that runs as the user, but in no login of that user's, as under cron and some kinds of sudo."""
    given = shlex.join(["env", "-i", f"HOME={HOME}", "PATH=/usr/bin:/bin", "TERM=xterm-256color",
                        *(f"{name}={value}" for name, value in variables.items())])  # fmt: skip
    return f"cd {HOME}; setpriv --reuid {USER} --regid {USER} --init-groups {given} {line}"


def logged_out(machine: Container) -> None:
    machine(f"loginctl disable-linger {USER}; loginctl terminate-user {USER}")
    until(lambda: machine(f"systemctl is-active user@$(id -u {USER})").out != "active\n")


def test_without_a_login_it_is_said_why_and_what_helps(machine: Container, before: dict[str, str]) -> None:
    logged_out(machine)
    advice = f"nothing of {USER}'s: this isn't a login of its own. To have it all the same: sudo loginctl enable-linger"
    with machine.on_a_terminal(as_user(f"{C2O} init {FLAGS} --no-key --no-test"), user="root") as person:
        assert person.end() == 0, person.screen
        told = " ".join(person.screen.split())  # it may take two lines
        assert f"The system can't keep c2o running from here: systemd runs here, but {advice} {USER}" in told
        assert KEEP not in person.screen

    done = machine(as_user(f"{C2O} init {FLAGS} --no-key --no-test --yes --service"))
    assert (done.exit_code, "detached" in done.out) == (0, True), done
    assert f"nothing starts the service again when the machine does. systemd runs here, but {advice}" in done.err
    refused = machine(as_user(f"{C2O} service install --manager systemd"))
    assert (refused.exit_code, advice in refused.err) == (2, True), refused

    machine(f"loginctl enable-linger {USER}")
    for variables in ({}, {"XDG_RUNTIME_DIR": "/run/user/0"}):  # as sudo -E has it
        assert said(machine(as_user(f"{C2O} service status --json", **variables)))["works"] is True
        done = machine(as_user(f"{C2O} service install --now --json", **variables))
        assert said(done)["manager"] == "systemd"
    machine.c2o("service uninstall")
    machine(f"loginctl disable-linger {USER}")


def test_a_folder_that_only_the_shell_knows(machine: Container, before: dict[str, str]) -> None:
    """The unit goes where systemd looks, the configuration where the shell says; the service is told."""
    own = f"XDG_CONFIG_HOME={HOME}/own"
    machine.login(f"systemctl --user set-environment {own}")  # as desktops do, when systemd has long chosen its folders
    done = machine.c2o(f"init {FLAGS} --no-key --yes --service --no-test", variables=own)
    assert done.exit_code == 0, done
    assert made(machine, before) == {*UNITS, LINGERS, f"{HOME}/own/c2o/config.toml"}
    assert health(machine)
    assert machine.c2o("uninstall --purge --yes", variables=own).exit_code == 0
    assert made(machine, before) == set()
    machine.login("rmdir own; systemctl --user unset-environment XDG_CONFIG_HOME")


def test_root_has_a_service_of_its_own_and_none_in_anothers_home(machine: Container, before: dict[str, str]) -> None:
    flags = f"{FLAGS} --no-key --yes --service --no-test --json"
    done = machine(f"su -l -c '{C2O} init {flags}'")
    assert said(done)["service"] == said(done)["service"] | {"manager": "systemd", "url": URL}
    assert machine("su -l -c 'systemctl --user is-active c2o.service'").out == "active\n"
    assert machine(f"su -l -c '{C2O} uninstall --purge --yes'").exit_code == 0

    machine.c2o(f"init {FLAGS} --no-key --yes --no-test --no-service")
    done = machine(f"su -l -c 'HOME={HOME} {C2O} service install --manager systemd'")
    assert done.exit_code == 2, done
    assert f"root's systemd has /root for its home, not {HOME}. Try again with: export HOME=/root" in done.err
