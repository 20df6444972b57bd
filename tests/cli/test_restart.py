"""``c2o restart``, from outside."""

from __future__ import annotations

import os
import signal

from c2o import instance
from c2o.secret import Secret
from c2o.service.probe import ask
from tests.clients.service import TOKEN, configuration
from tests.command_line import CommandLine, streaming, until
from tests.fake_upstream import FakeUpstream


def test_another_process_at_the_same_address(configured: CommandLine) -> None:
    configured("start")
    before = configured.service()

    done = configured("restart")

    after = configured.service()
    assert done.exit_code == 0
    assert "✓ c2o stopped" in done.out
    assert f"ready on {before.url}" in done.out
    assert after.pid != before.pid
    assert after.port == before.port, "though the configuration leaves the port open"


def test_a_stopped_service_is_started(configured: CommandLine) -> None:
    done = configured("restart")
    assert done.exit_code == 0
    assert "stopped" not in done.out
    assert f"ready on {configured.service().url}" in done.out


def test_the_changed_configuration_is_applied(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    configured.configure(configuration(upstream.base_url) | {"models": {"default": "fake/another"}})

    said = configured("restart", "--json").json

    assert said["schema"] == "c2o.restart/1"
    assert said["started"]["config_changed"] is False
    assert said["stopped"]["already"] is False
    assert ask(configured.service(), Secret(TOKEN)).models == {"default": "fake/another"}


def test_running_streams_finish_first(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    there = configured.service()
    with streaming(there, upstream) as stream:
        restarting = configured.begin("restart")
        until(lambda: (instance.read() or there).draining == 1)
        whole = stream.finish()
    out, _ = restarting.communicate(timeout=30)

    assert "message_stop" in whole
    assert restarting.returncode == 0
    assert "1 running stream finished first" in out
    assert "ready on" in out


def test_a_port_can_be_moved(configured: CommandLine) -> None:
    configured("start")
    before = configured.service()

    assert configured("restart", "--port", "0").exit_code == 0

    assert configured.service().port != before.port


def test_a_port_written_into_the_configuration_is_taken(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    before = configured.service().port
    configured("restart", "--port", "0")
    changed = configuration(upstream.base_url)
    changed["server"]["port"] = before
    configured.configure(changed)

    assert configured("restart").exit_code == 0

    assert configured.service().port == before


def test_nothing_is_stopped_that_could_not_start_again(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    before = configured.service()

    (configured.folder / "config.toml").write_text("nonsense")
    assert configured("restart").exit_code == 78
    configured.configure(configuration(upstream.base_url, api_key="env:NO_SUCH_KEY"))
    assert configured("restart").exit_code == 4

    assert configured.service() == before


def test_a_killed_service_is_started(configured: CommandLine) -> None:
    configured("start")
    before = configured.service()
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: not instance.running())

    assert configured("restart").exit_code == 0
    assert configured.service().pid != before.pid
