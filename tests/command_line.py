"""The ``c2o`` command as a person or a script uses it: a process, in a scratch home."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from c2o import instance
from c2o.instance import Instance
from c2o.service import processes
from tests import fake_upstream as fake
from tests.clients.service import TOKEN, environment, write_configuration
from tests.fake_upstream import FakeUpstream, Hold

TIMEOUT = 60
"""Seconds that a command may take; a usual one takes less than one."""


@dataclass(frozen=True)
class Result:
    """What a command said and how it ended."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class CommandLine:
    """``c2o`` in a home of its own, which this process shares through ``C2O_HOME``."""

    home: Path
    """Where ``HOME`` points; ``C2O_HOME`` is ``c2o`` in it."""
    variables: dict[str, str] = field(default_factory=dict)
    """More environment for all commands."""
    prefix: list[str] = field(default_factory=list)
    """A program that runs them."""

    @property
    def folder(self) -> Path:
        """Its ``C2O_HOME``."""
        return self.home / "c2o"

    @property
    def log(self) -> str:
        path = self.folder / "log" / "c2o.log"
        return path.read_text() if path.exists() else ""

    def configure(self, configured: dict[str, Any]) -> None:
        write_configuration(self.home, configured)

    def environment(self, **more: str) -> dict[str, str]:
        return environment(self.home, **self.variables, **more)

    def __call__(self, *arguments: str, cwd: Path | None = None, **variables: str) -> Result:
        """Run a command to its end."""
        process = self.begin(*arguments, cwd=cwd, **variables)
        out, err = process.communicate(timeout=TIMEOUT)
        return Result(process.returncode, out, err)

    def begin(self, *arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.Popen[str]:
        """Start a command; it is the caller's to wait for it."""
        return subprocess.Popen(
            [*self.prefix, sys.executable, "-m", "c2o", *arguments],
            env=self.environment(**variables),
            cwd=cwd or self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def service(self) -> Instance:
        """The running service of this home."""
        there = instance.read()
        assert instance.running()
        assert there is not None
        return there

    def end(self) -> None:
        """Kill the service of this home, if there is one."""
        while instance.running():
            if process := processes.of_the_service():
                process.kill()
            time.sleep(0.02)


def until(true: Callable[[], Any], seconds: float = 30) -> Any:
    """What ``true`` returns, once that is true.  Fails if it takes too long."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.02)
    return value


def without_privileges() -> list[str]:
    """Root may read and write everything, unless these capabilities are taken from it."""
    taken = "-dac_override,-dac_read_search"
    return ["setpriv", "--bounding-set", taken, "--inh-caps", "-all"] if os.geteuid() == 0 else []


def umask_000() -> None:
    """For ``preexec_fn``: as careless as a shell can be."""
    os.umask(0)


@contextmanager
def streaming(there: Instance, upstream: FakeUpstream) -> Iterator[Stream]:
    """A client in the middle of a stream; the upstream holds the rest back until it is told to go on."""
    go_on = threading.Event()
    rest = (fake.text("last"), fake.finish(), fake.DONE)
    upstream.play(fake.stream(fake.role(), fake.text("first "), Hold(go_on), *rest))
    connection = http.client.HTTPConnection(*there.address, timeout=60)
    body = {"model": "claude-test", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"x-api-key": TOKEN, "content-type": "application/json"}
    connection.request("POST", "/v1/messages", json.dumps(body), headers)
    answer = connection.getresponse()
    try:
        begun = b""
        while b"first" not in begun:
            begun += answer.readline()
        yield Stream(begun, answer, go_on)
    finally:
        go_on.set()
        connection.close()


@dataclass(frozen=True)
class Stream:
    begun: bytes
    answer: http.client.HTTPResponse
    go_on: threading.Event

    def finish(self) -> str:
        """Let the upstream go on; the whole stream."""
        self.go_on.set()
        return (self.begun + self.answer.read()).decode()
