"""``c2o restart``, from outside."""

from __future__ import annotations

import http.client
import json
import os
import signal
from typing import Any

import psutil
import pytest

import c2o as package
from c2o import draining, instance
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
    assert done.out.startswith("✓ c2o handed over  (no connection was refused)\n")
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


def test_running_streams_finish_where_they_began(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    before = configured.service()
    with streaming(before, upstream) as first, streaming(before, upstream) as second:
        done = configured("restart", "--json").json
        assert (done["handed_over"], done["finishing"]) == (True, 2)
        assert done["stopped"]["pid"] == before.pid
        assert done["started"]["pid"] == configured.service().pid != before.pid

        status = configured("status")
        assert status.exit_code == 0
        assert f"2 streams at c2o {package.__version__}, which has handed over (pid {before.pid})" in status.out

        assert "message_stop" in first.finish()
        until(lambda: [each.requests for each in draining.services()] == [1])
        assert configured("status", "--json").json["finishing"] == [
            {"pid": before.pid, "version": package.__version__, "requests": 1}
        ]
        assert "message_stop" in second.finish()
    until(lambda: not draining.services())
    until(lambda: not psutil.pid_exists(before.pid))
    assert "finishing" not in configured("status").out


def test_stop_waits_for_the_streams_of_both(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    before = configured.service()
    with streaming(before, upstream) as first:
        configured("restart")
        stopping = configured.begin("stop")
        until(lambda: not instance.running())
        assert stopping.poll() is None
        assert "message_stop" in first.finish()
    out, _ = stopping.communicate(timeout=30)
    assert "1 running stream finished first" in out
    assert not draining.services()


def test_a_kept_connection_goes_on_to_the_new_service(configured: CommandLine, upstream: FakeUpstream) -> None:
    """Its client may be sending at this very moment, so it isn't closed; but it gets what it asked the new one."""
    place = configured.home / "patient"
    place.mkdir()
    (place / "sitecustomize.py").write_text("from c2o.proxy import relay\nrelay.QUIET = 30.0\n")
    configured("start", PYTHONPATH=str(place))
    there = configured.service()
    kept = http.client.HTTPConnection(*there.address, timeout=30)
    ask_for_status(kept)
    kept_socket = kept.sock
    configured.configure(configuration(upstream.base_url) | {"models": {"default": "fake/another"}})

    with streaming(there, upstream) as stream:
        configured("restart")
        said, connection = ask_for_status(kept)
        assert said["pid"] == configured.service().pid != there.pid
        assert said["models"] == {"default": "fake/another"}
        assert connection == "close"
        assert kept_socket is not None
        assert "message_stop" in stream.finish()
    kept.close()


@pytest.mark.slow
def test_a_kept_connection_that_stays_silent_is_closed_at_once(configured: CommandLine) -> None:
    """Left open, it would take the client's next request and never answer; and the former service would wait for it."""
    configured("start")
    former = configured.service()
    kept = http.client.HTTPConnection(*former.address, timeout=10)
    ask_for_status(kept)
    assert kept.sock is not None

    configured("restart")

    assert kept.sock.recv(1) == b"", "the end, within ten seconds"
    until(lambda: not psutil.pid_exists(former.pid))
    kept.close()


def ask_for_status(connection: http.client.HTTPConnection) -> tuple[dict[str, Any], str | None]:
    connection.request("GET", "/c2o/status", headers={"x-api-key": TOKEN})
    answer = connection.getresponse()
    return json.loads(answer.read()), answer.headers["Connection"]


@pytest.mark.parametrize(
    ("broken", "wait", "exit_code", "why"),
    [
        ({"api_key": "command:false"}, "30", 4, "upstream fake is without its key: the key command ended with code 1"),
        ({"api_key": "command:sleep 60"}, "1", 7, "isn't ready after 1 s"),
    ],
    ids=["fails", "hangs"],
)
def test_a_new_service_that_does_not_come_up_leaves_the_old_one_alone(
    configured: CommandLine, upstream: FakeUpstream, broken: dict[str, str], wait: str, exit_code: int, why: str
) -> None:
    configured("start")
    before = configured.service()
    with streaming(before, upstream) as stream:
        configured.configure(configuration(upstream.base_url, **broken))
        done = configured("restart", "--wait", wait)
        assert done.exit_code == exit_code
        assert why in done.err
        assert done.err.endswith(f"the service goes on as it was (pid {before.pid}).\n")
        assert "message_stop" in stream.finish()
    assert configured.service() == before
    configured.configure(configuration(upstream.base_url))
    assert configured("restart").exit_code == 0


def test_a_new_service_that_dies_at_the_last_moment_leaves_the_old_one_alone(configured: CommandLine) -> None:
    configured("start")
    before = configured.service()
    place = configured.home / "broken"
    place.mkdir()
    (place / "sitecustomize.py").write_text(
        "import os\nfrom c2o.proxy import handover\n"
        "async def relieve(self, *, moved): os._exit(9)\nhandover.Predecessor.relieve = relieve\n"
    )

    done = configured("restart", PYTHONPATH=str(place))

    assert done.exit_code == 1
    assert "the service ended with exit code 9 before it was ready" in done.err
    until(lambda: configured.service() == before)
    assert configured("status").exit_code == 0
    assert configured("restart").exit_code == 0


def test_an_older_version_is_stopped_and_the_new_one_started(configured: CommandLine) -> None:
    """It has not written into its state file that it can hand over."""
    configured("start")
    before = configured.service()
    instance.write(before._replace(handover=False, version="0.0.9"))
    assert "to update the service: c2o restart" in configured("status").out

    done = configured("restart")

    assert done.exit_code == 0
    assert "✓ c2o stopped" in done.out
    assert configured.service().pid != before.pid
    assert configured.service().handover


def test_another_token_is_handed_over_to(configured: CommandLine, upstream: FakeUpstream) -> None:
    configured("start")
    changed = configuration(upstream.base_url)
    changed["server"]["auth_token"] = "c2o-another-token-0123456789"
    configured.configure(changed)

    done = configured("restart")

    assert done.exit_code == 0
    assert "handed over" in done.out
    assert configured("status").exit_code == 0


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
