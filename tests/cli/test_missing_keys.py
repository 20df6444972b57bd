"""One key is missing: what each command makes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from c2o import instance
from tests.clients.service import configuration
from tests.command_line import CommandLine, until
from tests.fake_upstream import FakeUpstream, Reply

BARE = "upstream bare is without its key: NO_SUCH_KEY is not set: export NO_SUCH_KEY=…"

KEY = "sk-bare-0123456789abcdef"


def tables(upstream: FakeUpstream) -> dict[str, Any]:
    found = configuration(upstream.base_url)
    found["upstreams"]["bare"] = {"base_url": upstream.base_url, "api_key": "env:NO_SUCH_KEY"}
    found["models"]["opus"] = "bare/bare-model"
    return found


@pytest.fixture
def started(c2o: CommandLine, upstream: FakeUpstream) -> CommandLine:
    c2o.configure(tables(upstream))
    done = c2o("start")
    assert done.exit_code == 0
    assert done.err.startswith(f"! {BARE}")
    assert done.err.count("\n") == 1
    return c2o


def problems(c2o: CommandLine) -> list[str]:
    return [each["id"] for each in c2o("status", "--json").json["problems"]]


def test_the_service_runs_and_says_what_it_does_without(started: CommandLine) -> None:
    shown = started("status")
    ran = started("run", "echo", "hi")

    assert shown.exit_code == 0
    (row,) = (line for line in shown.out.splitlines() if line.strip().startswith("bare "))
    assert row.endswith("key from NO_SUCH_KEY  without its key")
    assert f"  ! {BARE}" in shown.out
    assert (ran.exit_code, ran.out) == (0, "hi\n")
    assert ran.err.startswith(f"! {BARE}")
    warned = [json.loads(line) for line in started.log.splitlines() if BARE in line]
    assert [line["level"] for line in warned] == ["warning"], "it is told once"


@pytest.mark.slow
def test_who_does_not_need_it_hears_nothing(started: CommandLine) -> None:
    """Whatever quick.py knows, and what Typer's command does."""
    for _ in range(2):
        ran = started("run", "--upstream", "fake", "echo", "hi")
        assert (ran.exit_code, ran.out, ran.err) == (0, "hi\n", "")
    for _ in range(2):
        shown = started("env")
        assert "ANTHROPIC_BASE_URL" in shown.out
        assert shown.err.startswith(f"! {BARE}")


@pytest.mark.slow
def test_doctor_names_it_with_its_fix(started: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda _: Reply("ok"))
    found = {each["id"]: each for each in started("doctor", "--json").json["checks"] if each["level"] != "ok"}

    assert found["config.key"]["title"] == "bare is without its key: NO_SUCH_KEY is not set"
    assert "upstream.key_missing" not in found, "the same need not be said twice"
    assert "service.running" not in found

    here = started("doctor", "--json", NO_SUCH_KEY=KEY).json["checks"]
    told = next(each for each in here if each["id"] == "upstream.key_missing")
    assert told["title"] == "the service does without a key of bare that is here: env:NO_SUCH_KEY"
    assert told["fix"]["command"] == "c2o restart"
    assert not any(each["id"] == "config.key" and each["level"] != "ok" for each in here)


@pytest.mark.slow
def test_a_shell_that_has_the_key_leads_to_a_restart_and_none_loses_it(started: CommandLine) -> None:
    again = started("start", NO_SUCH_KEY=KEY)
    assert "! NO_SUCH_KEY is set in this shell, but not where the service was started." in again.err
    assert again.err.endswith("Let it have the key: c2o restart\n")
    assert started("restart", NO_SUCH_KEY=KEY).err == ""
    assert problems(started) == []
    pid = started.service().pid

    refused = started("restart")

    assert refused.exit_code == 4
    assert refused.err.startswith(
        "c2o: upstream bare would lose a key that the running service has: NO_SUCH_KEY is not"
    )
    assert started.service().pid == pid
    (started.folder / "keys.env").write_text(f"NO_SUCH_KEY={KEY}\n")
    assert started("restart").exit_code == 0
    assert problems(started) == []
    assert KEY not in started.log


@pytest.mark.slow
def test_a_reload_is_applied_and_a_key_that_appears_is_taken(c2o: CommandLine, upstream: FakeUpstream) -> None:
    c2o.configure(configuration(upstream.base_url))
    c2o("start")
    key = c2o.home / "key"

    c2o.configure(tables(upstream))
    until(lambda: problems(c2o) == ["upstream.key_missing"])
    done = c2o("config", "set", "upstreams.bare.api_key", f'["env:NO_SUCH_KEY", "file:{key}"]')
    assert done.exit_code == 0
    assert "the running service has taken it" in done.out
    assert [each["missing"] for each in c2o("status", "--json").json["upstreams"]] == [
        [],
        ["env:NO_SUCH_KEY", f"file:{key}"],
    ]

    key.write_text(KEY)
    until(lambda: "does without key 1 of 2 (env:NO_SUCH_KEY)" in c2o("status").out)
    (c2o.folder / "keys.env").write_text(f"NO_SUCH_KEY={KEY}\n")
    until(lambda: problems(c2o) == [])
    key.unlink()
    until(lambda: "upstream bare goes on with the key that it had" in c2o("status").out)


def test_validation_warns(c2o: CommandLine, upstream: FakeUpstream) -> None:
    c2o.configure(tables(upstream))
    done = c2o("config", "validate")
    assert (done.exit_code, done.err) == (0, "")
    assert f"\n! {BARE}" in done.out
    assert "c2o start would refuse" not in done.out

    c2o.configure(configuration(upstream.base_url, api_key="env:NO_SUCH_KEY"))
    said = c2o("config", "validate", "--json").json
    assert said["valid"] is True
    assert said["warnings"][1:] == ["So nothing could be answered, and c2o start would refuse."]


@pytest.mark.slow
def test_what_systemd_starts_comes_up_with_no_key_at_all(c2o: CommandLine, upstream: FakeUpstream) -> None:
    """By hand it is refused with the same words (``test_start``); at boot nobody reads them but the clients."""
    c2o.configure(configuration(upstream.base_url, api_key="env:NO_SUCH_KEY"))
    command = [sys.executable, "-m", "c2o.proxy"]
    process = subprocess.Popen(command, env=c2o.environment(C2O_MANAGER="systemd"), stderr=subprocess.DEVNULL)
    try:
        until(instance.running)
        until(lambda: c2o("status").exit_code == 0, 30)
        shown = c2o("status")
        assert "! upstream fake is without its key: NO_SUCH_KEY is not set" in shown.out
        (c2o.folder / "keys.env").write_text(f"NO_SUCH_KEY={KEY}\n")
        until(lambda: problems(c2o) == [])
    finally:
        process.terminate()
        process.wait(30)
