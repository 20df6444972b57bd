"""A real c2o service in a scratch home, for tests that talk to it from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

TOKEN = "c2o-test-token-0123456789"
READY_TIMEOUT = 30


@dataclass(frozen=True)
class Service:
    """A running service."""

    url: str
    home: Path
    """Its ``C2O_HOME``."""
    process: subprocess.Popen[bytes]
    token: str = TOKEN

    @property
    def log(self) -> str:
        return (self.home / "service.err").read_text()


def configuration(base_url: str, **upstream: Any) -> dict[str, Any]:
    """A configuration with one upstream, ``fake``, whose ``fake-model`` answers to every name."""
    return {
        "server": {"auth_token": TOKEN, "port": 0},
        "upstreams": {"fake": {"base_url": base_url, "api_key": "env:FAKE_KEY", **upstream}},
        "models": {"default": "fake/fake-model"},
    }


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a process of a test gets of this machine: as little as possible, and no credentials."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(home), "C2O_HOME": str(home / "c2o"), "FAKE_KEY": "sk-fake-0123456789", **more}


def write_configuration(home: Path, configured: Mapping[str, Any]) -> None:
    folder = home / "c2o"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "config.toml"
    path.write_text(tomli_w.dumps(dict(configured)))
    path.chmod(0o600)


@contextmanager
def running(home: Path, configured: Mapping[str, Any], **more: str) -> Iterator[Service]:
    """``python -m c2o.proxy`` with this configuration, until the block ends.

    Raises AssertionError with the service's own words if it doesn't start, or doesn't end when told.
    """
    write_configuration(home, configured)
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "c2o.proxy", "--port", "0", "--ready-fd", str(writer)]
    with (home / "c2o" / "service.err").open("wb") as log:
        process = subprocess.Popen(
            command,
            pass_fds=[writer],
            env=environment(home, **more),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    os.close(writer)
    try:
        ready = _ready(reader, process, home)
        yield Service(f"http://{ready['host']}:{ready['port']}", home / "c2o", process)
        assert process.poll() is None, f"the service ended by itself: {(home / 'c2o' / 'service.err').read_text()}"
    finally:
        _end(process)


def _ready(reader: int, process: subprocess.Popen[bytes], home: Path) -> dict[str, Any]:
    with os.fdopen(reader) as pipe:
        line = pipe.readline()
    ready: dict[str, Any] = json.loads(line) if line else {}
    if not ready.get("ok"):
        process.wait(READY_TIMEOUT)
        said = (home / "c2o" / "service.err").read_text()
        raise AssertionError(f"the service did not start: {ready} {said}")
    return ready


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError("the service did not end 15 s after SIGTERM") from None
