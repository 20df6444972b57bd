"""Start and stop where no process is needed to see what they decide; the rest is in ``tests/cli``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from c2o import instance, paths
from c2o.config import Config, parse
from c2o.errors import CredentialError, Unhealthy
from c2o.instance import Instance, Lock
from c2o.service import lifecycle
from c2o.service.probe import Report, UpstreamReport


def config(port: int = 8226, models: Any = None, **keys: str) -> Config:
    upstreams: dict[str, Any] = {
        name: {"base_url": "http://127.0.0.1:9/v1", "api_key": key} for name, key in keys.items()
    }
    upstreams["free"] = {"base_url": "http://127.0.0.1:9/v1"}
    models = models or {"default": "free/m"}
    tables = {"server": {"auth_token": "c2o-x", "port": port}, "upstreams": upstreams, "models": models}
    return parse(tomli_w.dumps(tables).encode(), Path("config.toml"))


def before(port: int, digest: str) -> Instance:
    return Instance(1, "127.0.0.1", port, "0.1.0", "", digest, "config.toml", "detached")


def test_a_service_that_could_answer_nothing_isn_t_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THERE", "sk-1")
    one, both = {"default": "one/m"}, {"default": "two/m", "opus": ["two/n", "one/m"]}
    lifecycle.check_keys(config(models=one, one="env:THERE", two="env:NOT_THERE"))
    lifecycle.check_keys(config(models=both, one="env:THERE", two="env:NOT_THERE"))
    with pytest.raises(
        CredentialError, match=r"^upstream one is without its key: NOT_THERE is not set: export NOT_THERE"
    ):
        lifecycle.check_keys(config(models=one, one="env:NOT_THERE", two="env:THERE"))
    with pytest.raises(
        CredentialError, match=r"^upstream two is .* Nor is there one for one, and no other upstream is"
    ):
        lifecycle.check_keys(config(models=both, one="file:/nonexistent/key", two="env:NOT_THERE"))


def test_a_restart_loses_no_key() -> None:
    """Unless the running service hasn't got it either."""
    had = UpstreamReport("one", key="sk-literal, env:NOT_THERE")
    lacked = UpstreamReport("one", key="sk-literal, env:NOT_THERE", missing=["env:NOT_THERE"])
    wanted = config(one="env:NOT_THERE")
    with pytest.raises(
        CredentialError, match=r"^upstream one would lose a key that the running service has: NOT_THERE is"
    ):
        lifecycle.check_keys(wanted, {}, Report("0.1.0", 1, upstreams=[had]))
    lifecycle.check_keys(wanted, {}, Report("0.1.0", 1, upstreams=[lacked]))
    lifecycle.check_keys(wanted, {}, Report("0.1.0", 1, upstreams=[UpstreamReport("one", key="env:ANOTHER")]))


def test_key_commands_are_left_to_the_service(tmp_path: Path) -> None:
    """A password manager that asks for a fingerprint should ask once."""
    lifecycle.check_keys(config(one=f"command:touch {tmp_path / 'asked'}"))
    assert not (tmp_path / "asked").exists()


def test_the_variables_with_keys() -> None:
    assert lifecycle.key_variables(config(one="env:ONE", two="file:/x", three="env:THREE", four="sk-x")) == {
        "ONE",
        "THREE",
    }


@pytest.mark.parametrize(
    ("configured", "ran_on", "changed", "wanted"),
    [
        (0, 40000, False, 40000),
        (0, 40000, True, 40000),
        (8226, 8226, False, 8226),
        (8226, 9000, False, 9000),
        (8227, 8226, True, None),
    ],
    ids=["any", "any, changed", "same", "by --port", "changed"],
)
def test_the_port_of_a_restart(configured: int, ran_on: int, changed: bool, wanted: int | None) -> None:
    loaded = config(configured)
    assert lifecycle._same_port(loaded, before(ran_on, "other" if changed else loaded.digest)) == wanted


def test_the_first_start_takes_the_configured_port() -> None:
    assert lifecycle._same_port(config(), None) is None


def test_a_command_that_is_busy_too_long_is_told() -> None:
    told: list[str] = []
    with Lock(paths.state_dir() / "command.lock") as lock:
        assert lock.acquire()
        with pytest.raises(Unhealthy, match="another c2o command"):
            lifecycle.start(config(), wait=0.1, tell=told.append)
    assert told == ["waiting for another c2o command"]


def test_a_service_that_goes_on_starting_is_told() -> None:
    with Lock(instance.lock_file()) as lock:
        assert lock.acquire()
        with pytest.raises(Unhealthy, match=r"still starting\. Look again with: c2o status"):
            lifecycle.start(config(), wait=0.1)


def test_an_unwell_service_is_told_with_its_pid() -> None:
    with Lock(instance.lock_file()) as lock:
        assert lock.acquire()
        instance.write(before(1, "")._replace(pid=os.getpid()))
        with pytest.raises(Unhealthy, match=rf"\(pid {os.getpid()}\), but isn't well\. .+ Try: c2o restart"):
            lifecycle.start(config())
