"""``c2o upgrade``: a c2o in an environment of its own, renewed by pip from a folder of wheels."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from c2o import __version__
from c2o.cli.completions.files import signed
from c2o.cli.completions.scripts import of
from tests.command_line import CommandLine, Result

ROOT = Path(__file__).parent.parent.parent
NEXT = "99.0.0"


def test_without_a_terminal_it_says_the_command_and_runs_nothing(c2o: CommandLine) -> None:
    done = c2o("upgrade", "--json").json
    assert (done["run"], done["before"], done["after"], done["service"]) == (False, __version__, __version__, None)
    assert any("install" in command for command in done["commands"])
    assert c2o("upgrade").out.startswith(f"○ c2o {__version__}, installed by {done['installer']}   to renew it:\n")


def wheel(folder: Path, version: str) -> None:
    """Of this c2o, under another version."""
    source = folder / f"source-{version}"
    source.mkdir(parents=True)
    for name in ("c2o", "completions", "packaging"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "ARCHITECTURE.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, source)
    init = source / "c2o" / "__init__.py"
    init.write_text(init.read_text().replace(f'"{__version__}"', f'"{version}"'))
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source]
    subprocess.run(pip, check=True)


class Installed:
    """A c2o of the first version, and what it takes for its own command."""

    def __init__(self, c2o: CommandLine, folder: Path) -> None:
        self._c2o = c2o
        self.python = folder / "venv" / "bin" / "python"
        self.wheels = folder / "wheels"
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        [packages] = (folder / "venv" / "lib").glob("python*/site-packages")
        (packages / "of_the_tests.pth").write_text(sysconfig.get_path("purelib"))  # what c2o depends on
        wheel(self.wheels, __version__)
        self._pip("install", "-q", "--ignore-installed", f"c2o=={__version__}")

    def _pip(self, *arguments: str) -> None:
        subprocess.run([self.python, "-m", "pip", *arguments], env=self.environment(), check=True)

    def environment(self) -> dict[str, str]:
        own = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_NO_DEPS": "1", "PIP_NO_CACHE_DIR": "1"}
        return self._c2o.environment(PIP_DISABLE_PIP_VERSION_CHECK="1", **own)

    def __call__(self, *arguments: str, **variables: str) -> Result:
        done = subprocess.run(
            [self.python, "-P", "-m", "c2o", *arguments],
            env=self.environment() | variables,
            cwd=self._c2o.home,
            capture_output=True,
            text=True,
        )
        return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def installed(configured: CommandLine, tmp_path: Path) -> Installed:
    return Installed(configured, tmp_path)


@pytest.mark.slow
def test_it_is_renewed_and_the_service_with_it(installed: Installed, configured: CommandLine) -> None:
    assert installed("start").exit_code == 0
    first = configured.service()

    assert installed("upgrade", "--yes").out == f"✓ c2o {__version__} stays: pip has nothing newer for it\n"
    assert configured.service() == first

    wheel(installed.wheels, NEXT)
    completions = configured.home / ".config" / "fish" / "completions" / "c2o.fish"
    completions.parent.mkdir(parents=True)
    completions.write_text(signed("# of an older c2o\n"))
    done = installed("upgrade", "--yes", "--json")
    said: dict[str, Any] = done.json
    assert (said["before"], said["after"], said["service"], said["restarted"]) == (__version__, NEXT, NEXT, True)
    assert (configured.service().version, configured.service().port) == (NEXT, first.port)
    assert installed("--version").out == f"c2o {NEXT}\n"
    assert completions.read_text() == of("fish")

    failed = installed("upgrade", "--yes", PIP_RETRIES="many")
    assert failed.exit_code == 1
    assert re.search(r"could not be renewed: it ended with code \d+\. By hand, to see why: .*pip install", failed.err)
    assert configured.service().version == NEXT
