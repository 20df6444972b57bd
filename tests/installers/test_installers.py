"""c2o as the real pipx, uv and pip install, renew and remove it, from an index of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from c2o import __version__
from c2o.cli.completions import scripts
from c2o.cli.completions.files import signed
from tests.clients.conftest import installed
from tests.clients.install import installers
from tests.command_line import CommandLine, Result
from tests.installers.index import Index, served
from tests.system_tools import missing

pytestmark = [pytest.mark.slow]

NEXT, LATER = "98.0.0", "99.0.0"

SYSTEMS = "/usr/bin/python3"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Way:
    """To install it: commands in which ``{home}`` and ``{python}`` are filled in."""

    installer: str
    install: tuple[str, ...]
    upgrade: str
    remove: str
    command: str
    """c2o's own, beneath the home folder."""
    yes: str = ""
    """With which an uninstaller doesn't ask."""
    variables: dict[str, str] = field(default_factory=dict)
    """What the shell has in which it is installed, and no other."""
    whole: bool = False
    """Is everything tried, or only whether it can be renewed and removed?"""


WAYS = {
    "pipx": Way(
        "pipx", ("pipx install --backend pip --python {python} c2o",), "pipx upgrade c2o", "pipx uninstall c2o",
        ".local/bin/c2o", whole=True,
    ),
    "pipx elsewhere": Way(
        "pipx", ("pipx install --python {python} c2o",),
        "env PIPX_HOME={home}/pipx PIPX_BIN_DIR={home}/links pipx upgrade c2o",
        "env PIPX_HOME={home}/pipx PIPX_BIN_DIR={home}/links pipx uninstall c2o",
        "links/c2o", variables={"PIPX_HOME": "{home}/pipx", "PIPX_BIN_DIR": "{home}/links"},
    ),
    "uv": Way(
        "uv", ("uv tool install -q --python {python} c2o",), "uv tool upgrade c2o", "uv tool uninstall c2o",
        ".local/bin/c2o", whole=True,
    ),
    "uv elsewhere": Way(
        "uv", ("uv tool install -q --python {python} c2o",),
        "env UV_TOOL_DIR={home}/tools UV_TOOL_BIN_DIR={home}/links uv tool upgrade c2o",
        "env UV_TOOL_DIR={home}/tools UV_TOOL_BIN_DIR={home}/links uv tool uninstall c2o",
        "links/c2o", variables={"UV_TOOL_DIR": "{home}/tools", "UV_TOOL_BIN_DIR": "{home}/links"},
    ),
    "pip in an environment": Way(
        "pip", ("{python} -m venv env", "env/bin/python -m pip install -q c2o"),
        "{home}/env/bin/python -m pip install --upgrade c2o", "{home}/env/bin/python -m pip uninstall c2o",
        "env/bin/c2o", "-y", whole=True,
    ),
    "uv in an environment": Way(
        "pip", ("uv venv -q --python {python} env", "uv pip install -q --python env c2o"),
        "uv pip install --python {home}/env/bin/python --upgrade c2o",
        "uv pip uninstall --python {home}/env/bin/python c2o", "env/bin/c2o",
    ),
    "pip beside the system's packages": Way(
        "pip", (f"{SYSTEMS} -m pip install -q --user --break-system-packages --no-warn-script-location c2o",),
        f"{SYSTEMS} -m pip install --user --break-system-packages --upgrade c2o",
        f"{SYSTEMS} -m pip uninstall --break-system-packages c2o", ".local/bin/c2o", "-y",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """With the pip that pipx wants for its environments."""
    index = Index(tmp_path_factory.mktemp("index"))
    folder = tmp_path_factory.mktemp("pip")
    got = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, "pip>=26.1"])
    if got.returncode:
        missing("pip can't be had from PyPI")
    index.add(*folder.iterdir())
    return index


@pytest.fixture(scope="module")
def address(index: Index) -> Iterator[str]:
    with served(index) as address:
        yield address


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pipx and uv."""
    python = installed(installers)
    folder = tmp_path_factory.mktemp("bin")
    (folder / "uv").symlink_to(python.parent / "uv")
    (folder / "pipx").write_text(f'#!/bin/sh\nexec {python} -m pipx "$@"\n')
    (folder / "pipx").chmod(0o755)
    return folder


class Shell:
    """A person's shell in a scratch home."""

    def __init__(self, c2o: CommandLine, way: Way, address: str, programs: Path) -> None:
        self.home = c2o.home
        self.way = way
        self._command = c2o.home / way.command
        kept = c2o.environment()
        path = [str(self._command.parent), str(programs), str(Path(SYSTEMS).parent), "/bin"]
        self._variables = {name: kept[name] for name in ("HOME", "C2O_HOME", "FAKE_KEY")} | {
            "PATH": os.pathsep.join(path),
            "PIP_INDEX_URL": address, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", "PIP_NO_COMPILE": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_DEFAULT_INDEX": address, "UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(c2o.home / "cache"),
            "UV_PYTHON_DOWNLOADS": "never",
        }  # fmt: skip

    def filled(self, text: str) -> str:
        return text.format(home=self.home, python=sys.executable)

    def __call__(self, line: str, **variables: str) -> Result:
        done = subprocess.run(
            shlex.split(self.filled(line)),
            env=self._variables | {name: self.filled(value) for name, value in variables.items()},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def c2o(self, arguments: str) -> Result:
        return self(f"{self._command} {arguments}")

    def install(self) -> None:
        for line in self.way.install:
            done = self(line, **self.way.variables)
            assert done.exit_code == 0, done

    def removes_c2o(self) -> None:
        """By the command that ``c2o uninstall`` names."""
        package = self.c2o("uninstall --purge --yes --json").json["package"]
        assert package == self.filled(self.way.remove)
        done = self(f"{package} {self.way.yes}")
        assert done.exit_code == 0, done
        assert not os.path.lexists(self._command)


@pytest.fixture
def published(index: Index) -> Iterator[Index]:
    """The index, which has one version of c2o."""
    yield index
    index.withdraw(NEXT, LATER)


@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if way.whole])
def test_it_is_renewed_and_removed_as_it_came(
    name: str, configured: CommandLine, published: Index, address: str, programs: Path
) -> None:
    way = WAYS[name]
    shell = Shell(configured, way, address, programs)
    shell.install()
    assert shell.c2o("start").exit_code == 0
    first = configured.service()

    done = shell.c2o("upgrade --yes")
    assert done.out == f"✓ c2o {__version__} stays: {way.installer} has nothing newer for it\n", done
    assert configured.service() == first

    completions = configured.home / ".config/fish/completions/c2o.fish"
    completions.parent.mkdir(parents=True)
    completions.write_text(signed("# of an older c2o\n"))
    published.publish(NEXT)
    said = shell.c2o("upgrade --yes --json").json
    assert said["commands"] == [shell.filled(way.upgrade)]
    assert (said["before"], said["after"], said["service"], said["restarted"]) == (__version__, NEXT, NEXT, True)
    there = configured.service()
    assert (there.version, there.port, there.pid != first.pid) == (NEXT, first.port, True)
    assert completions.read_text() == scripts.of("fish")

    published.publish(LATER)
    published.spoil(LATER)
    failed = shell.c2o("upgrade --yes")
    assert failed.exit_code == 1, failed
    by_hand = f"By hand, to see why: {shell.filled(way.upgrade)}\n"
    assert re.search(rf"c2o could not be renewed: it ended with code \d\. {re.escape(by_hand)}", failed.err)
    assert "CRC" in failed.err, "the installer's own words"
    assert (configured.service(), shell.c2o("--version").out) == (there, f"c2o {NEXT}\n")

    shell.removes_c2o()


@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if not way.whole])
def test_its_installer_is_found_and_told_the_place(
    name: str, configured: CommandLine, published: Index, address: str, programs: Path
) -> None:
    way = WAYS[name]
    if SYSTEMS in way.install[0]:
        check_the_systems_python()
    shell = Shell(configured, way, address, programs)
    shell.install()
    links = set(configured.home.rglob("bin/c2o")) | set(configured.home.rglob("links/c2o"))
    published.publish(NEXT)
    said = shell.c2o("upgrade --yes --json").json
    assert (said["commands"], said["after"]) == ([shell.filled(way.upgrade)], NEXT)
    assert set(configured.home.rglob("bin/c2o")) | set(configured.home.rglob("links/c2o")) == links, "no other link"
    shell.removes_c2o()


def test_a_new_version_that_does_not_run_stops_nothing(
    configured: CommandLine, published: Index, address: str, programs: Path
) -> None:
    shell = Shell(configured, WAYS["uv"], address, programs)
    shell.install()
    assert shell.c2o("start").exit_code == 0
    there = configured.service()
    published.publish(NEXT, broken=True)
    done = shell.c2o("upgrade --yes")
    assert done.exit_code == 1
    assert "c2o was renewed, but doesn't work now: RuntimeError: this version is of no use. A service" in done.err
    assert configured.service() == there


def check_the_systems_python() -> None:
    """It must take what this Python has, refuse by itself to have anything beside its packages, and have pip."""
    ask = "import sys, sysconfig; print('%d.%d' % sys.version_info[:2], sysconfig.get_path('stdlib'))"
    try:
        version, stdlib = subprocess.run([SYSTEMS, "-c", ask], capture_output=True, text=True).stdout.split()
    except (OSError, ValueError):
        missing(f"there is no {SYSTEMS}")
    if version != sysconfig.get_python_version():
        missing(f"{SYSTEMS} is {version}, not {PYTHON}")
    if not Path(stdlib, "EXTERNALLY-MANAGED").exists() or subprocess.run([SYSTEMS, "-m", "pip", "-V"]).returncode:
        missing(f"{SYSTEMS} has no pip of Debian's")
