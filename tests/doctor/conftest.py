"""A machine to look at: a scratch home with whatever a test puts there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from c2o.doctor import CHECKS, Finding, Machine, diagnose
from tests.clients.service import TOKEN

Configure = Callable[..., Path]
Diagnose = Callable[..., dict[str, Finding]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``HOME``, without settings of Claude's."""
    folder = tmp_path / "home"
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    return folder


@pytest.fixture
def configure(c2o_home: Path) -> Configure:
    """Writes a configuration: ``configure(upstreams={…}, models={…})``; its file."""

    def write(mode: int = 0o600, **tables: Any) -> Path:
        c2o_home.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = c2o_home / "config.toml"
        usual = {
            "server": {"auth_token": TOKEN, "port": 0},
            "upstreams": {"up": {"base_url": "http://127.0.0.1:9/v1"}},
            "models": {"default": "up/fake-model"},
        }
        path.write_text(tomli_w.dumps(usual | tables))
        path.chmod(mode)
        return path

    return write


@pytest.fixture
def settings(home: Path) -> Callable[[str], Path]:
    """Writes Claude Code's user settings."""

    def write(text: str | bytes) -> Path:
        path = home / ".claude" / "settings.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def look(*ids: str, **environ: str) -> dict[str, Finding]:
    """What these checks, and those that they need, find; by id.  A check that finds several has the last."""
    wanted = set(ids)
    for check in reversed(CHECKS):
        if check.id in wanted:
            wanted |= set(check.needs)
    checks = tuple(check for check in CHECKS if check.id in wanted)
    return {finding.id: finding for finding in diagnose(Machine(environ), checks=checks)}
