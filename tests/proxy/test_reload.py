"""The running service follows its configuration, and serves with the one before as long as it can't."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import tomli_w

from c2o import instance
from c2o.config import digest_of
from c2o.secret import Secret
from c2o.service import following
from c2o.service.probe import Report, ask
from tests.clients.service import TOKEN, configuration
from tests.command_line import CommandLine, streaming, until, without_privileges
from tests.fake_upstream import FakeUpstream, Reply


class Following:
    """A service in a process of its own, and the file that it follows."""

    def __init__(self, c2o: CommandLine) -> None:
        self.c2o = c2o
        self.path = c2o.folder / "config.toml"
        c2o("start")
        self.there = c2o.service()

    def report(self) -> Report:
        return ask(self.there, *filter(None, [instance.read_token()]))

    def write(self, tables: dict[str, Any] | str) -> None:
        """As a careful editor does it."""
        beside = self.path.with_name("beside")
        beside.write_text(tables if isinstance(tables, str) else tomli_w.dumps(tables))
        beside.replace(self.path)

    def follows(self, wanted: Callable[[Report], object]) -> None:
        until(lambda: wanted(self.report()))

    def problem(self) -> str:
        """What it can't use; empty as long as there is nothing."""
        problems = self.report().problems
        return next((problem.hint for problem in problems if problem.id == following.BROKEN), "")

    def ask(self, model: str = "claude-test", token: str = TOKEN) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(*self.there.address, timeout=30)
        body = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
        headers = {"x-api-key": token, "content-type": "application/json"}
        connection.request("POST", "/v1/messages", json.dumps(body), headers)
        answer = connection.getresponse()
        said = json.loads(answer.read())
        connection.close()
        return answer.status, said


@pytest.fixture
def following_service(configured: CommandLine) -> Following:
    configured.prefix = without_privileges()
    return Following(configured)


@pytest.fixture
def other() -> Iterator[FakeUpstream]:
    upstream = FakeUpstream().start()
    upstream.think(lambda _: Reply("from the other"))
    yield upstream
    upstream.close()


def to(upstream: FakeUpstream, **more: Any) -> dict[str, Any]:
    return configuration(upstream.base_url, **more)


def text_of(answer: tuple[int, Any]) -> str:
    status, said = answer
    assert status == 200, said
    text: str = said["content"][0]["text"]
    return text


# ---- what is good is taken


def test_a_stream_ends_where_it_began_and_the_next_request_goes_elsewhere(
    following_service: Following, upstream: FakeUpstream, other: FakeUpstream
) -> None:
    """The one that streams isn't even in the configuration any more."""
    tables = to(other)
    tables["upstreams"] = {"new": tables["upstreams"]["fake"]}
    tables["models"] = {"default": "new/some-model"}
    with streaming(following_service.there, upstream) as stream:
        following_service.write(tables)
        following_service.follows(lambda report: [each.name for each in report.upstreams] == ["new"])

        assert text_of(following_service.ask()) == "from the other"
        assert "message_stop" in stream.finish()
    log = following_service.c2o.log
    assert "the configuration has changed, and was taken: upstreams.fake, upstreams.new, models.default" in log


def test_a_key_is_rotated_by_editing_its_file(configured: CommandLine, upstream: FakeUpstream) -> None:
    key = configured.home / "key"
    key.write_text("sk-first-key-0123456789")
    configured.configure(to(upstream, api_key=f"file:{key}"))
    service = Following(configured)
    upstream.think(lambda request: Reply(request.headers["authorization"]))
    assert text_of(service.ask()) == "Bearer sk-first-key-0123456789"

    key.write_text("sk-second-key-9876543210")

    until(lambda: text_of(service.ask()) == "Bearer sk-second-key-9876543210")
    assert "was taken: the key of fake" in configured.log
    assert "sk-" not in configured.log


def test_keys_env_counts_as_well(following_service: Following, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: Reply(request.headers["authorization"]))
    following_service.write(to(upstream, api_key="env:ANOTHER_KEY"))
    until(following_service.problem)

    (following_service.c2o.folder / "keys.env").write_text("ANOTHER_KEY=sk-from-keys-env-0123\n")

    until(lambda: not following_service.problem())
    assert text_of(following_service.ask()) == "Bearer sk-from-keys-env-0123"


def test_a_command_is_asked_again_by_sighup_only(configured: CommandLine, upstream: FakeUpstream) -> None:
    """A person may have to put a finger on something for it."""
    key, asked = configured.home / "key", configured.home / "asked"
    key.write_text("sk-first-key-0123456789")
    command = configured.home / "tell"
    command.write_text(f"#!/bin/sh\necho >> {asked}\ncat {key}\n")
    command.chmod(0o700)
    tables = to(upstream, api_key=f"command:{command}")
    configured.configure(tables)
    service = Following(configured)
    upstream.think(lambda request: Reply(request.headers["authorization"]))
    key.write_text("sk-second-key-9876543210")

    service.write(tables | {"models": {"default": "fake/another-model"}})
    service.follows(lambda report: report.models["default"] == "fake/another-model")
    assert text_of(service.ask()) == "Bearer sk-first-key-0123456789"

    os.kill(service.there.pid, signal.SIGHUP)
    until(lambda: text_of(service.ask()) == "Bearer sk-second-key-9876543210")
    assert asked.read_text() == "\n\n"


@pytest.mark.slow
def test_the_end_waits_for_no_key(following_service: Following, upstream: FakeUpstream) -> None:
    asked = following_service.c2o.home / "asked"
    command = following_service.c2o.home / "tell"
    command.write_text(f"#!/bin/sh\ntouch {asked}\nexec sleep 15\n")
    command.chmod(0o700)
    following_service.write(to(upstream, api_key=f"command:{command}"))
    until(asked.exists)

    began = time.monotonic()
    following_service.c2o("stop")

    assert time.monotonic() - began < 8
    assert '"level":"error"' not in following_service.c2o.log


def test_a_changed_link_and_a_changed_target_are_followed(configured: CommandLine, upstream: FakeUpstream) -> None:
    first, second = configured.home / "first.toml", configured.home / "second.toml"
    path = configured.folder / "config.toml"
    first.write_text(path.read_text())
    second.write_text(path.read_text().replace("fake-model", "second-model"))
    path.unlink()
    path.symlink_to(first)
    service = Following(configured)

    first.write_text(first.read_text().replace("fake-model", "first-model"))
    service.follows(lambda report: report.models["default"] == "fake/first-model")
    link = configured.folder / "link"
    link.symlink_to(second)
    link.replace(path)
    service.follows(lambda report: report.models["default"] == "fake/second-model")


def test_another_token_holds_at_once(following_service: Following, upstream: FakeUpstream) -> None:
    upstream.think(lambda _: Reply("ok"))
    tables = to(upstream)
    tables["server"]["auth_token"] = "c2o-another-token-0123456789"

    following_service.write(tables)

    until(lambda: following_service.ask()[0] == 401)
    assert "was changed after this client was started" in following_service.ask()[1]["error"]["message"]
    assert "missing or wrong" in following_service.ask(token="nonsense")[1]["error"]["message"]
    assert following_service.ask(token="c2o-another-token-0123456789")[0] == 200


# ---- what is broken is not

BROKEN = {
    "no TOML": ("[server", "config.toml:1 is not valid TOML"),
    "an unknown key": ('[server]\nauth_token = "x"\nprot = 1', "config.toml:3: [server] prot: there is no such key."),
    "half of it": ('[server]\nauth_token = "x"', "config.toml: there is no upstream."),
    "too deep": (
        "[server]\na = " + 9999 * "[",
        "config.toml:2 is not valid TOML: a number is too long, or too many lists",
    ),
    "nothing": ("", "config.toml: [server] auth_token is missing"),
}


def test_a_broken_file_keeps_what_was_and_says_so(following_service: Following, upstream: FakeUpstream) -> None:
    upstream.think(lambda _: Reply("ok"))
    good = following_service.path.read_text()
    for broken, told in BROKEN.values():
        following_service.write(broken)
        until(lambda told=told: told in following_service.problem())
        assert text_of(following_service.ask()) == "ok"
    said = following_service.c2o("status")
    assert said.exit_code == 0
    assert "  ! " in said.out
    assert "The service goes on with what it read before, until this is mended: " in said.out
    doctor = following_service.c2o("doctor", "--json").json["checks"]
    assert "until this is mended" in next(each["title"] for each in doctor if each["id"] == "config.broken")

    following_service.write(good)

    until(lambda: not following_service.problem())
    assert "right again, and as it was before" in following_service.c2o.log
    assert following_service.c2o("status", "--json").json["problems"] == []
    for broken in BROKEN.values():
        assert following_service.c2o.log.count(broken[1]) == 1, "each is told once"


@pytest.mark.parametrize("how", ["removed", "forbidden", "a folder", "a pipe"])
def test_what_cannot_be_read_keeps_what_was(following_service: Following, upstream: FakeUpstream, how: str) -> None:
    upstream.think(lambda _: Reply("ok"))
    path, good = following_service.path, following_service.path.read_text()
    path.chmod(0) if how == "forbidden" else path.unlink()
    if how == "a folder":
        path.mkdir()
    elif how == "a pipe":
        os.mkfifo(path)
    until(following_service.problem)
    assert text_of(following_service.ask()) == "ok"

    if how == "a folder":
        path.rmdir()
    elif how == "forbidden":
        path.chmod(0o600)
    following_service.write(good)

    until(lambda: not following_service.problem())


def test_a_file_that_is_written_in_two_steps_is_read_when_it_is_whole(
    following_service: Following, upstream: FakeUpstream
) -> None:
    """Truncated first, filled a moment later, as ``cp`` and many editors do it."""
    text = following_service.path.read_text().replace("fake-model", "another-model")
    with following_service.path.open("w") as file:
        following_service.report()  # it looks now
        file.flush()
        for line in text.splitlines(keepends=True):
            file.write(line)
            file.flush()
            following_service.report()

    following_service.follows(lambda report: report.models["default"] == "fake/another-model")
    assert "was not taken" not in following_service.c2o.log


def test_a_restart_with_a_broken_file_leaves_the_running_service_alone(
    following_service: Following, upstream: FakeUpstream
) -> None:
    good = following_service.path.read_text()
    following_service.write("[server")

    refused = following_service.c2o("restart")

    assert refused.exit_code == 78
    assert following_service.c2o.service().pid == following_service.there.pid
    following_service.write(good)
    assert following_service.c2o("restart").exit_code == 0
    assert following_service.c2o.service().pid != following_service.there.pid


def test_sighup_reads_at_once(following_service: Following, upstream: FakeUpstream) -> None:
    process = psutil.Process(following_service.there.pid)

    process.send_signal(signal.SIGHUP)

    until(lambda: "the configuration is unchanged" in following_service.c2o.log)


# ---- under load


@contextmanager
def load(service: Following, threads: int = 4) -> Iterator[list[int]]:
    """Requests from several clients, one after another, until the block ends; the status of each."""
    end, statuses = threading.Event(), list[int]()

    def client() -> None:
        while not end.is_set():
            statuses.append(service.ask()[0])

    clients = [threading.Thread(target=client) for _ in range(threads)]
    for each in clients:
        each.start()
    try:
        yield statuses
    finally:
        end.set()
        for each in clients:
            each.join(60)


@pytest.mark.slow
def test_a_hundred_bad_reloads_under_load(configured: CommandLine, upstream: FakeUpstream) -> None:
    """The configuration before serves every request; now and then a good one comes between."""
    service = Following(configured)
    bad = [broken for broken, _ in BROKEN.values()]
    with streaming(service.there, upstream) as stream:
        upstream.think(lambda _: Reply("ok"))
        with load(service) as statuses:
            for number in range(100):
                service.path.write_text(f"{bad[number % len(bad)]}\n# {number}\n")
                hang_up(service, lambda report: report.config.refused == digest_of(service.path.read_bytes()))
                if number % 10 == 9:
                    service.write(to(upstream) | {"models": {"default": f"fake/model-{number}"}})
                    hang_up(service, lambda report: report.config.digest == digest_of(service.path.read_bytes()))
        assert "message_stop" in stream.finish()
    assert len(statuses) > 100
    assert set(statuses) == {200}
    assert "Traceback" not in configured.log


def hang_up(service: Following, wanted: Callable[[Report], object]) -> None:
    """Have it read at once, and wait until it has."""
    os.kill(service.there.pid, signal.SIGHUP)
    service.follows(wanted)


@pytest.mark.slow
def test_two_hundred_good_reloads_leave_nothing_behind(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda _: Reply("ok"))
    service = Following(configured)
    process = psutil.Process(service.there.pid)

    def reloads(first: int, last: int) -> tuple[int, int]:
        for number in range(first, last):
            service.write(to(upstream) | {"models": {"default": f"fake/model-{number}"}})
            hang_up(service, lambda report: report.config.digest == digest_of(service.path.read_bytes()))
            assert service.ask()[0] == 200
        return process.num_fds(), process.memory_info().rss

    descriptors, memory = reloads(0, 50)
    later_descriptors, later_memory = reloads(50, 250)

    assert later_descriptors <= descriptors + 3
    assert later_memory < memory + 8 * 1024 * 1024


def test_the_token_file_is_the_owner_s_and_goes_with_the_service(following_service: Following) -> None:
    assert instance.read_token() == Secret(TOKEN)
    assert Path(instance.token_file()).stat().st_mode & 0o777 == 0o600

    following_service.c2o("stop")

    assert instance.read_token() is None
    assert '"level":"error"' not in following_service.c2o.log
