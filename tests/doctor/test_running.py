"""Checks of the port and the service."""

from __future__ import annotations

import os
import signal
import socket

from c2o import instance
from tests.clients.service import TOKEN, configuration
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


def test_a_changed_configuration_and_its_fix(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    configured.configure(configuration(upstream.base_url) | {"models": {"default": "fake/another"}})
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
