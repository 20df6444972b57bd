"""A c2o of uv's, kept by a real systemd: renewed under load, moved, and removed.

The tests are one story, told in the order of this file.
"""

from __future__ import annotations

import json
import shutil
import sys
import threading
from pathlib import Path

import pytest

from c2o import __version__
from tests.clients.conftest import installed
from tests.clients.install import installers
from tests.installers.index import Index
from tests.service.systemd.container import USER, Container, Result, until
from tests.service.systemd.test_systemd import UPSTREAM, URL, health, said, serve_upstream, shown, unit, write

pytestmark = [pytest.mark.slow]

HOME, NEXT, INDEX = f"/home/{USER}", "99.0.0", 9227
SHELL = f"UV_DEFAULT_INDEX=http://127.0.0.1:{INDEX}/simple/ UV_CACHE_DIR=/tmp/uv-of-{USER} UV_NO_CONFIG=1"
OLD, NEW = f"{HOME}/tools", f"{HOME}/other tools"


@pytest.fixture(autouse=True)
def _nothing_left_running() -> None:
    """The container lives on from test to test."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """With the next version beside it: what is outside of the container can't change once that is there."""
    index = Index(tmp_path_factory.mktemp("index"))
    index.publish(NEXT)
    (index.folder / "later").mkdir()
    shutil.move(index.place("c2o", NEXT), index.folder / "later")
    return index


@pytest.fixture(scope="module")
def machine(index: Index, machine: Container) -> Container:
    """With uv, an index and an upstream."""
    machine(f"install -m 755 {installed(installers).parent / 'uv'} /usr/local/bin/uv")
    serve = f"python3 -m http.server {INDEX} --bind 127.0.0.1 --directory {index.folder}"
    machine(f"systemd-run --unit=index {serve}")
    serve_upstream(machine)
    until(lambda: machine(f"curl -sf http://127.0.0.1:{INDEX}/simple/c2o/").exit_code == 0)
    return machine


def uv(machine: Container, arguments: str, tools: str) -> Result:
    done = machine.login(f"{SHELL} UV_TOOL_DIR='{tools}' UV_PYTHON={sys.executable} uv {arguments}")
    assert done.exit_code == 0, done
    return done


def c2o(machine: Container, arguments: str) -> Result:
    """Its own command, as a person's shell has it, which knows nothing of ``UV_TOOL_DIR``."""
    return machine.login(f"{SHELL} PATH={HOME}/.local/bin:$PATH c2o {arguments}")


def test_the_unit_starts_the_python_of_its_environment(machine: Container) -> None:
    uv(machine, "tool install -q c2o", OLD)
    flags = f"--upstream http://127.0.0.1:{UPSTREAM}/v1 --name mine --no-key --model c2o-demo --no-test --service"
    done = c2o(machine, f"init --yes {flags}")
    assert done.exit_code == 0, done
    assert f"ExecStart={OLD}/c2o/bin/python -P -m c2o.proxy" in unit(machine)
    assert c2o(machine, "completions install bash").exit_code == 0


def test_an_upgrade_under_load_refuses_nobody(machine: Container, index: Index) -> None:
    before = unit(machine)
    machine(f"cp {index.folder}/later/*.whl {index.folder}/simple/c2o/")
    config = machine.login("cat .config/c2o/config.toml").out
    token = config.partition('auth_token = "')[2].partition('"')[0]
    outcome: list[Result] = []
    load = threading.Thread(target=lambda: outcome.append(machine.python("load.py", URL, token, f"{HOME}/enough")))
    load.start()
    done = said(c2o(machine, "upgrade --yes --json"))
    write(machine, "enough", "")
    load.join()
    assert done["commands"] == [f"env UV_TOOL_DIR={OLD} UV_TOOL_BIN_DIR={HOME}/.local/bin uv tool upgrade c2o"]
    assert (done["before"], done["after"], done["service"], done["restarted"]) == (__version__, NEXT, NEXT, True)
    asked = json.loads(outcome[0].out)
    assert (asked["failed"], asked["asked"] > 0) == ([], True)
    state = said(c2o(machine, "status --json"))
    assert (state["version"], state["manager"]) == (NEXT, "systemd")
    assert unit(machine) == before


def test_an_environment_that_moves_is_found_again(machine: Container) -> None:
    """By a new name of the folder, which uv makes anew; the unit still has the old one."""
    uv(machine, "tool install -q --force c2o", NEW)
    machine.login(f"rm -r {OLD}")
    (pid,) = shown(machine, "MainPID")
    machine(f"kill -KILL {pid}")
    until(lambda: shown(machine, "ActiveState", "ExecMainStatus") == ["failed", "203"] or None, 60)

    found = {each["id"]: each for each in json.loads(c2o(machine, "doctor --json").out)["checks"]}
    assert found["service.unit.stale"]["fix"]["command"] == "c2o service install", found
    done = c2o(machine, "start --json")
    assert said(done)["url"] == URL
    assert f'ExecStart="{NEW}/c2o/bin/python" -P -m c2o.proxy' in unit(machine)
    assert health(machine)
    script = machine.login(f"cat {HOME}/.local/share/bash-completion/completions/c2o").out
    assert "c2o" in script
    assert not [line for line in script.splitlines() if HOME in line]


def test_what_uninstall_leaves_is_what_uv_takes(machine: Container) -> None:
    done = said(c2o(machine, "uninstall --purge --yes --json"))
    assert done["problems"] == []
    assert done["package"] == f"env 'UV_TOOL_DIR={NEW}' UV_TOOL_BIN_DIR={HOME}/.local/bin uv tool uninstall c2o"
    assert machine.login(done["package"]).exit_code == 0
    left = machine.login(f"find .config .local {NEW!r} ! -type d ! -path '*/uv/*'").out.split("\n")
    assert [path for path in left if path and not Path(path).name.startswith(".")] == []
    assert health(machine) is None
