"""What lies in ``packaging/`` is what the code writes, and each kind's own judge takes it."""

from __future__ import annotations

import importlib.util
import os
import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from c2o.cli.completions import scripts as completion_scripts
from tests import system_tools

ROOT = Path(__file__).parent.parent.parent
PACKAGING = ROOT / "packaging"


COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/c2o",
    "zsh": "usr/share/zsh/vendor-completions/_c2o",
    "fish": "usr/share/fish/vendor_completions.d/c2o.fish",
}
"""Where Debian's shells look for those of packages."""


def rendered() -> dict[str, str]:
    """What ``packaging/render.py`` would write."""
    described = importlib.util.spec_from_file_location("packaging_render", PACKAGING / "render.py")
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    files: dict[str, str] = module.FILES
    return files


@pytest.mark.parametrize("name", ["systemd/c2o.service", "systemd/c2o.socket", "launchd/c2o.plist"])
def test_a_file_is_what_the_code_makes_today(name: str) -> None:
    """If not: python packaging/render.py."""
    assert (PACKAGING / name).read_text() == rendered()[name]


def test_the_plist_is_one() -> None:
    agent = plistlib.loads((PACKAGING / "launchd/c2o.plist").read_bytes())
    assert agent["ProgramArguments"] == ["/opt/homebrew/opt/c2o/libexec/bin/python", "-P", "-m", "c2o.proxy"]


def test_ruby_understands_the_formula() -> None:
    done = system_tools.run("ruby", "-c", str(PACKAGING / "homebrew/c2o.rb"))
    assert (done.returncode, done.stdout) == (0, "Syntax OK\n")


def test_the_formula_starts_what_the_plist_starts() -> None:
    agent = plistlib.loads((PACKAGING / "launchd/c2o.plist").read_bytes())
    formula = (PACKAGING / "homebrew/c2o.rb").read_text()
    words = ", ".join(f'"{word}"' for word in agent["ProgramArguments"][1:])
    assert f'run [opt_libexec/"bin/python", {words}]' in formula


def test_hadolint_takes_the_containerfile() -> None:
    done = system_tools.run("hadolint", str(PACKAGING / "Containerfile"))
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="there is no dpkg on Windows")
def test_the_debian_package_is_built_and_its_c2o_runs(tmp_path: Path) -> None:
    """As its README says, in a copy; pip needs PyPI."""
    source = tmp_path / "c2o-0.1.0"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "tests", "__pycache__"))
    shutil.copytree(PACKAGING / "debian", source / "debian")
    if not shutil.which("dpkg-buildpackage"):
        system_tools.missing("there is no dpkg-buildpackage here")
    without_ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    built = subprocess.run(
        ["dpkg-buildpackage", "--build=binary", "--no-sign"],
        cwd=source,
        env={**without_ours, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]

    (package,) = tmp_path.glob("c2o_*.deb")
    judged = system_tools.run("lintian", "--allow-root", "--fail-on", "error,warning", str(package))
    assert judged.returncode == 0, judged.stdout

    subprocess.run(["dpkg-deb", "--extract", str(package), str(tmp_path / "root")], check=True)
    for shell, name in completion_scripts.FILES.items():
        assert (tmp_path / "root" / COMPLETIONS[shell]).read_bytes() == (source / "completions" / name).read_bytes()
    python = tmp_path / "root/usr/lib/c2o/bin/python"
    (tmp_path / "root/usr/bin/python3").symlink_to("/usr/bin/python3")  # it has a relative link to the system's
    said = subprocess.run([python, "-P", "-m", "c2o", "service", "print", "--help"], capture_output=True, text=True)
    assert "Show the files" in said.stdout, said.stderr
    assert (tmp_path / "root/usr/lib/c2o/bin/c2o").read_text().startswith("#!/usr/lib/c2o/bin/python\n")
