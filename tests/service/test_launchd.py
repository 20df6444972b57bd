"""The LaunchAgent: its plist, and the sequence of commands, against a stand-in for launchctl."""

from __future__ import annotations

import json
import os
import plistlib
import sys
from pathlib import Path

import pytest

from c2o import instance, paths
from c2o.errors import C2oError, ConfigError, Unhealthy, UsageError
from c2o.instance import Instance, Lock
from c2o.service import launchd
from c2o.service.launchd import ERRORS, Launchd, render
from c2o.service.manager import ServiceSpec
from tests.service.programs import program

LAUNCHCTL = """#!{python}
import json, pathlib, sys
folder = pathlib.Path({folder!r})
state = json.loads((folder / "state.json").read_text())
verb, *rest = sys.argv[1:]
with (folder / "calls").open("a") as file:
    print(verb, *rest, file=file)

def leave(code, text=""):
    (folder / "state.json").write_text(json.dumps(state))
    if text:
        sys.stderr.write(text + "\\n")
    sys.exit(code)

if verb == "print" and "/c2o" not in rest[0]:
    leave(0 if rest[0] in state["domains"] else 112)
if verb == "print":
    if rest[0] != state["loaded"]:
        leave(113, "Could not find service")
    if state["leaving"]:
        state["leaving"] -= 1
        if not state["leaving"]:
            state["loaded"] = ""
    print("\\tstate = " + state["state"] + "\\n\\tlast exit code = " + str(state["last"]))
    leave(0)
if state["errors"].get(verb):
    code = state["errors"][verb].pop(0)
    if code:
        leave(code, "Bootstrap failed: %d: Some words" % code)
if verb == "bootstrap":
    state["loaded"] = rest[0] + "/c2o"
if verb == "bootout":
    state["leaving"] = 2
if verb == "kickstart" and state["says"]:
    with open(state["log"], "a") as log:
        log.write(state["says"])
leave(0)
"""


class Fake:
    """``launchctl`` on the PATH; it knows what is loaded, and fails as it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gui, self.user = f"gui/{os.getuid()}", f"user/{os.getuid()}"
        self.is_in(loaded="")
        script = folder / "launchctl"
        script.write_text(LAUNCHCTL.format(python=sys.executable, folder=str(folder)))
        script.chmod(0o700)

    def is_in(self, **different: object) -> None:
        usual = {
            "domains": [self.gui, self.user],
            "loaded": f"{self.gui}/c2o",
            "leaving": 0,
            "state": "running",
            "last": 0,
            "errors": {},
            "says": "",
        }
        (self.folder / "state.json").write_text(json.dumps(usual | different))

    @property
    def calls(self) -> list[str]:
        """What changes something."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if not line.startswith("print ")]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(launchd, "POLL", 0.001)
    return Fake(folder)


@pytest.fixture
def _ready() -> object:
    """A service that runs and has written itself down."""
    with Lock(instance.lock_file()) as lock:
        assert lock.acquire()
        instance.write(Instance(1, "127.0.0.1", 8226, "", "", "", "", "launchd"))
        yield


def plist() -> Path:
    return Path.home() / "Library" / "LaunchAgents" / "c2o.plist"


def test_the_plist_says_all_that_launchd_must_know() -> None:
    assert plistlib.loads(render(program(variables={"C2O_MANAGER": "launchd"})).encode()) == {
        "Label": "c2o",
        "ProgramArguments": ["/usr/lib/c2o/bin/python", "-P", "-m", "c2o.proxy"],
        "EnvironmentVariables": {"C2O_MANAGER": "launchd"},
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 10,
        "ExitTimeOut": 40,
        "ProcessType": "Interactive",
        "LimitLoadToSessionType": ["Aqua", "Background", "LoginWindow", "StandardIO"],
        "Umask": 63,
        "StandardOutPath": "/home/you/.local/state/c2o/log/c2o.log",
        "StandardErrorPath": "/home/you/.local/state/c2o/log/c2o.log",
    }


def test_installing_writes_it_and_starts_nothing(fake: Fake) -> None:
    Launchd().install(program())
    assert plistlib.loads(plist().read_bytes())["Label"] == "c2o"
    assert plist().stat().st_mode & 0o777 == 0o600
    assert fake.calls == []


@pytest.mark.usefixtures("_ready")
def test_the_first_start_loads_it(fake: Fake) -> None:
    Launchd().install(program())
    Launchd().start(ServiceSpec())
    assert fake.calls == [f"bootstrap {fake.gui} {plist()}", f"kickstart {fake.gui}/c2o"]


@pytest.mark.usefixtures("_ready")
def test_the_next_only_kicks_it(fake: Fake) -> None:
    fake.is_in()
    Launchd().start(ServiceSpec())
    assert fake.calls == [f"kickstart {fake.gui}/c2o"]


def test_a_changed_plist_is_loaded_anew(fake: Fake) -> None:
    Launchd().install(program())
    fake.is_in()
    Launchd().install(program(port=9000, command=("/another/python",)))
    assert fake.calls == [f"bootout {fake.gui}/c2o"]
    Launchd().install(program(port=9000, command=("/another/python",)))
    assert len(fake.calls) == 1


@pytest.mark.usefixtures("_ready")
@pytest.mark.parametrize("code", [5, 37])
def test_a_label_that_is_still_leaving_is_waited_for(fake: Fake, code: int) -> None:
    fake.is_in(loaded="", errors={"bootstrap": [code, code]})
    Launchd().start(ServiceSpec())
    assert fake.calls == [*[f"bootstrap {fake.gui} {plist()}"] * 3, f"kickstart {fake.gui}/c2o"]


@pytest.mark.usefixtures("_ready")
@pytest.mark.parametrize("code", [112, 125])
def test_without_a_screen_it_runs_in_the_background(fake: Fake, code: int) -> None:
    fake.is_in(loaded="", errors={"bootstrap": [code]})
    Launchd().start(ServiceSpec())
    assert fake.calls[1:] == [f"bootstrap {fake.user} {plist()}", f"kickstart {fake.user}/c2o"]


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_each_known_error_is_a_sentence_that_ends_with_what_to_do(fake: Fake, code: int) -> None:
    fake.is_in(errors={"kickstart": [code]})
    with pytest.raises(C2oError) as failed:
        Launchd().start(ServiceSpec())
    assert str(failed.value).startswith(f"launchctl kickstart: Bootstrap failed: {code}: Some words. In other words: ")
    assert "{" not in str(failed.value)


def test_an_error_that_nobody_knows_is_looked_up_by_its_number(fake: Fake) -> None:
    fake.is_in(errors={"kickstart": [199]})
    with pytest.raises(C2oError, match="launchctl error 199"):
        Launchd().start(ServiceSpec())


def test_one_that_busies_launchd_for_good_is_told(fake: Fake) -> None:
    fake.is_in(loaded="", errors={"bootstrap": [5] * 9})
    with pytest.raises(C2oError, match=r"launchd still has the service of before.+launchctl bootout gui/"):
        Launchd().start(ServiceSpec())


def test_why_it_ended_is_told_in_its_own_words(fake: Fake) -> None:
    log = paths.private_dir(paths.log_file().parent) / paths.log_file().name
    log.write_text("c2o: words of another day\n")
    fake.is_in(state="not running", last=78)
    with pytest.raises(ConfigError, match=r"^the service ended at once"):
        Launchd().start(ServiceSpec())
    fake.is_in(state="not running", last=78, says="c2o: [server] port: bad.\n", log=str(log))
    with pytest.raises(ConfigError, match=r"^\[server\] port: bad\.$"):
        Launchd().start(ServiceSpec())


def test_one_that_is_never_ready_is_told(fake: Fake) -> None:
    fake.is_in()
    with pytest.raises(Unhealthy, match="isn't ready after 0 s"):
        Launchd().start(ServiceSpec(wait=0.05))


def test_another_port_just_once_cannot_be(fake: Fake) -> None:
    with pytest.raises(UsageError, match="the configuration's port"):
        Launchd().start(ServiceSpec(port=1))


def test_stop_asks_and_kill_ends(fake: Fake) -> None:
    fake.is_in()
    Launchd().stop()
    Launchd().kill()
    assert fake.calls == [f"kill SIGTERM {fake.gui}/c2o", f"kill SIGKILL {fake.gui}/c2o"]


def test_uninstalling_waits_until_it_is_forgotten_and_leaves_nothing(fake: Fake) -> None:
    Launchd().install(program())
    fake.is_in()
    Launchd().uninstall()
    assert fake.calls == [f"bootout {fake.gui}/c2o"]
    assert not plist().exists()
    Launchd().uninstall()
    assert len(fake.calls) == 1


def test_how_it_is_in_launchds_words(fake: Fake) -> None:
    fake.is_in()
    assert Launchd().details() == {"state": "running", "last exit code": "0"}
