"""Checks of the port and the service."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from c2o import instance, paths, service
from c2o.cli import app
from c2o.doctor import Finding
from c2o.service import linger, record, unit_files
from c2o.service.detached import Detached
from c2o.service.manager import Program
from tests.clients.service import TOKEN
from tests.command_line import CommandLine, until
from tests.doctor.conftest import Configure, look
from tests.fake_upstream import FakeUpstream


def with_port(port: int) -> dict[str, object]:
    return {"auth_token": TOKEN, "port": port}


def test_a_free_port_and_no_service(configure: Configure) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    configure(server=with_port(port))
    found = look("port.foreign", "service.running")
    assert (found["port.foreign"].level, found["port.foreign"].title) == ("ok", f"port {port} is free")
    assert found["service.running"].level == "warn"
    assert found["service.running"].fix is not None
    assert found["service.running"].fix.command == "c2o start"


def test_a_stranger_on_the_port_is_named(configure: Configure) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        configure(server=with_port(port))
        found = look("port.foreign", "service.running")
    assert found["port.foreign"].level == "fail"
    assert f"pid {os.getpid()}" in found["port.foreign"].title
    assert found["port.foreign"].fix is not None
    assert f"port = {port + 1}" in found["port.foreign"].fix.text
    assert found["service.running"].level == "skip"


def test_a_running_service(configured: CommandLine) -> None:
    configured("start")
    there = configured.service()
    found = look("port.foreign", "service.running", "daemon.version_skew", "config.changed", "service.problems")
    assert list(found) == ["config.file", "service.running"], "nothing else is worth a word"
    assert found["service.running"].level == "ok"
    assert there.url in found["service.running"].title
    assert str(there.pid) in found["service.running"].detail


def test_a_service_of_another_version(configured: CommandLine) -> None:
    configured("start")
    instance.write(configured.service()._replace(version="0.0.1"))
    finding = look("daemon.version_skew")["daemon.version_skew"]
    assert finding.level == "warn"
    assert "c2o 0.0.1" in finding.title
    assert finding.fix is not None
    assert finding.fix.command == "c2o restart"


def test_a_service_that_does_not_follow_and_its_fix(configured: CommandLine) -> None:
    configured("start")
    instance.write(configured.service()._replace(config_digest="another"))
    finding = look("config.changed")["config.changed"]
    assert finding.level == "warn"
    assert finding.fix is not None
    assert finding.fix.command == "c2o restart"
    configured("restart")
    assert "config.changed" not in look("config.changed")


def test_a_killed_service_is_just_not_running(configured: CommandLine) -> None:
    configured("start")
    os.kill(configured.service().pid, signal.SIGKILL)
    until(lambda: not instance.running())
    assert look("service.running")["service.running"].level == "warn"


def test_a_service_that_a_stranger_stands_in_for(configured: CommandLine) -> None:
    configured("start")
    there = configured.service()
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    instance.write(there._replace(port=port))
    finding = look("service.running")["service.running"]
    assert finding.level == "fail"
    assert f"127.0.0.1:{port}" in finding.title


# ---- what a service manager keeps


class Kept(Detached):
    """A manager whose files and environment a test decides."""

    def __init__(self, folder: Path, *, there: bool = True, **environ: str) -> None:
        self.unit, self.there, self.variables = folder / "c2o.unit", there, environ

    def available(self) -> bool:
        return self.there

    def files(self, program: Program) -> dict[Path, str]:
        return {self.unit: f"run on port {program.port}\n"}

    def install(self, program: Program) -> None:
        unit_files.put(self.files(program))

    def environ(self) -> dict[str, str]:
        return self.variables


@pytest.fixture
def keep(tmp_path: Path, configure: Configure, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Kept]:
    """Installs a manager in the place of systemd."""
    configure(server=with_port(8299), upstreams={"up": {"base_url": "http://127.0.0.1:9/v1", "api_key": "env:UP_KEY"}})

    def kept(**how: Any) -> Kept:
        manager = Kept(tmp_path, **how)
        monkeypatch.setitem(service.MANAGERS, "systemd", manager)
        monkeypatch.setattr(service, "preferred", lambda: "systemd")
        monkeypatch.setattr(linger, "on", lambda: True)
        record.write(record.Record("systemd", False))
        return manager

    return kept


def do(finding: Finding) -> None:
    """The command that is its fix, in this process: another one has the real managers."""
    assert finding.fix is not None
    program, *words = shlex.split(str(finding.fix.command))
    assert program == "c2o"
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output


def test_without_a_manager_there_is_nothing_to_keep(configure: Configure) -> None:
    configure()
    checks = ("service.manager", "service.unit.stale", "service.linger", "service.env.missing_key")
    assert set(look(*checks)) == {"config.file"}


def test_a_manager_that_cannot_be_reached(keep: Callable[..., Kept]) -> None:
    keep(there=False)
    found = look("service.manager", "service.unit.stale")
    assert (found["service.manager"].level, found["service.unit.stale"].level) == ("fail", "skip")


def test_a_unit_of_another_day(keep: Callable[..., Kept]) -> None:
    manager = keep(UP_KEY="sk-0123456789abcdef")
    unit_files.put({manager.unit: "run on port 8299\n"})
    assert "service.unit.stale" not in look("service.unit.stale")
    unit_files.put({manager.unit: "run on port 1\n"})
    finding = look("service.unit.stale")["service.unit.stale"]
    assert (finding.level, finding.fix and finding.fix.command) == ("warn", "c2o service install")
    do(finding)
    assert "service.unit.stale" not in look("service.unit.stale")


def test_a_unit_that_a_person_has_changed(keep: Callable[..., Kept]) -> None:
    """To install it again would be refused, so that isn't advised."""
    manager = keep()
    unit_files.put({manager.unit: "run on port 8299\n"})
    manager.unit.write_text(manager.unit.read_text() + "and more\n")
    finding = look("service.unit.stale")["service.unit.stale"]
    assert finding.title == f"{manager.unit} has been changed since c2o wrote it, so it is left as it is"
    assert finding.fix is not None
    assert (finding.fix.command, f"rm {manager.unit}, then: c2o service install" in finding.fix.text) == (None, True)


@pytest.mark.parametrize("lingers", [True, False])
def test_a_service_that_ends_at_logout(
    keep: Callable[..., Kept], monkeypatch: pytest.MonkeyPatch, lingers: bool
) -> None:
    keep()
    monkeypatch.setattr(linger, "on", lambda: lingers)
    assert ("service.linger" in look("service.linger")) is not lingers


def test_a_key_that_only_this_shell_has(keep: Callable[..., Kept], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UP_KEY", "sk-0123456789abcdef")
    keep()
    finding = look("service.env.missing_key")["service.env.missing_key"]
    assert (finding.level, finding.fix and finding.fix.command) == ("fail", "c2o service install --save-keys")
    assert "0123456789" not in repr(finding)
    do(finding)
    assert "service.env.missing_key" not in look("service.env.missing_key")
    paths.key_file().unlink()
    keep(UP_KEY="sk-0123456789abcdef")
    assert "service.env.missing_key" not in look("service.env.missing_key")


def test_a_service_for_everybody(configure: Configure) -> None:
    configure(server=with_port(0) | {"host": "0.0.0.0", "allow_remote": True})
    assert look("service.remote")["service.remote"].level == "warn"
    configure(server=with_port(0))
    assert "service.remote" not in look("service.remote")


def test_an_upstream_that_is_down_is_told_with_its_remedy(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.go_away()
    configured("start")
    there = configured.service()
    headers = {"x-api-key": TOKEN, "Content-Type": "application/json"}
    body = json.dumps({"model": "x", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]})
    for _ in range(5):
        connection = http.client.HTTPConnection("127.0.0.1", there.port)
        connection.request("POST", "/v1/messages", body, headers)
        assert connection.getresponse().status in (502, 503)
        connection.close()

    finding = look("service.problems")["upstream.down"]

    assert finding.level == "warn"
    assert "connection refused. Is it running?" in finding.title
    assert finding.fix is not None
    assert "base_url" in finding.fix.text
    assert "  can't be reached" in configured("status").out
