"""``c2o init --import`` where a key of the other tool is nowhere to be found: the service wouldn't start like that."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.init.test_command import file_of
from tests.cli.on_a_terminal import DOWN, ENTER, on_a_terminal
from tests.clients.service import configuration
from tests.command_line import CommandLine

pytestmark = pytest.mark.slow

VARIABLE = "ELSEWHERE_API_KEY"
QUESTION = f"{VARIABLE} is not set: the key of far."
KEY = "sk-far-0123456789abcdef"


def provider(name: str, key: str) -> dict[str, Any]:
    return {"name": name, "api_base_url": f"http://127.0.0.1:9/{name}/v1", "api_key": key, "models": ["m"]}


def router(c2o: CommandLine, **routes: str) -> CommandLine:
    """A claude-code-router with a server of this machine, and an upstream whose key the shell doesn't have."""
    there = c2o.home / ".claude-code-router" / "config.json"
    there.parent.mkdir(exist_ok=True)
    providers = [provider("near", ""), provider("far", f"${VARIABLE}")]
    there.write_text(json.dumps({"Providers": providers, "Router": routes}))
    return c2o


@pytest.fixture
def on_the_side(c2o: CommandLine) -> CommandLine:
    return router(c2o, default="near,m", think="far,m")


@pytest.fixture
def by_default(c2o: CommandLine) -> CommandLine:
    return router(c2o, default="far,m")


@pytest.fixture
def with_systemd(c2o: CommandLine) -> None:
    """A systemd that agrees to all."""
    folder = c2o.home / "bin"
    folder.mkdir()
    (folder / "systemctl").write_text("#!/bin/sh\nexit 0\n")
    (folder / "systemctl").chmod(0o755)
    c2o.variables["PATH"] = f"{folder}:/usr/bin:/bin"


def written(c2o: CommandLine) -> dict[str, Any]:
    return tomllib.loads(file_of(c2o).read_text())


def test_an_upstream_without_a_key_is_left_out_and_the_service_starts(on_the_side: CommandLine) -> None:
    done = on_the_side("init", "--import", "ccr", "--port", "0", "--yes", "--no-test")
    assert done.exit_code == 0
    assert done.err == (
        f"! {VARIABLE} is not set, so far was left out, and with it what think had. "
        f"To have it, too: export {VARIABLE}=…, then once more: c2o init --import ccr\n"
    )
    assert "First" not in done.out
    assert list(written(on_the_side)["upstreams"]) == ["near"]
    assert "routes" not in written(on_the_side)
    assert on_the_side("start", "--port", "0").exit_code == 0
    on_the_side("stop")

    assert on_the_side("init", "--import", "ccr", "--port", "0", "--yes", "--no-test", **{VARIABLE: KEY}).err == ""
    assert list(written(on_the_side)["upstreams"]) == ["near", "far"]
    assert written(on_the_side)["routes"] == {"think": "far/m"}


def test_a_key_that_is_in_keys_env_is_there(on_the_side: CommandLine) -> None:
    on_the_side.folder.mkdir()
    (on_the_side.folder / "keys.env").write_text(f"{VARIABLE}={KEY}\n")
    assert on_the_side("init", "--import", "ccr", "--port", "0", "--yes", "--no-test").err == ""
    assert written(on_the_side)["routes"] == {"think": "far/m"}


def test_without_the_key_of_the_default_model_nothing_is_written(by_default: CommandLine) -> None:
    done = by_default("init", "--import", "ccr", "--port", "0", "--yes")
    assert (done.exit_code, done.out) == (4, "")
    assert done.err == (
        f"c2o: {VARIABLE} is not set, and the default model is of far. Try again after: export {VARIABLE}=…  "
        "Or go on without the test: --no-test\n"
    )
    assert not by_default.folder.exists()

    done = by_default("init", "--import", "ccr", "--port", "0", "--yes", "--no-test")
    assert f"First   export {VARIABLE}=…" in done.out
    assert list(written(by_default)["upstreams"]) == ["near", "far"]


def test_a_person_leaves_it_out_with_enter(on_the_side: CommandLine) -> None:
    with on_a_terminal(on_the_side, "init", "--import", "ccr", "--no-test", "--no-completions") as person:
        person.see(QUESTION)
        person.see("without it: think")
        person.type(ENTER)
        assert person.end() == 0
    assert list(written(on_the_side)["upstreams"]) == ["near"]


def test_or_pastes_the_key(on_the_side: CommandLine) -> None:
    on_the_side.configure(configuration("http://127.0.0.1:9/v1"))
    with on_a_terminal(on_the_side, "init", "--import", "ccr", "--no-test", "--no-completions") as person:
        person.see(QUESTION)
        person.type(DOWN + ENTER)
        person.see("Paste the key and press Enter")
        person.type(KEY + ENTER)
        person.see("Write this to")
        person.type(ENTER)
        assert person.end() == 0
    assert KEY not in person.raw
    assert f"{VARIABLE}={KEY}\n" in (on_the_side.folder / "keys.env").read_text()
    assert set(written(on_the_side)["upstreams"]) == {"fake", "near", "far"}


def test_the_key_of_the_default_model_is_asked_for(by_default: CommandLine) -> None:
    with on_a_terminal(by_default, "init", "--import", "ccr", "--no-test", "--no-completions") as person:
        person.see(QUESTION)
        shown = person.see(f"I export {VARIABLE}")
        assert "Leave far out" not in shown
        person.type(DOWN + ENTER)
        person.see(f"export {VARIABLE}=…")
        assert person.end() == 0
    assert Path(file_of(by_default)).exists()


def test_no_service_is_promised_that_could_not_start(by_default: CommandLine, with_systemd: None) -> None:
    done = by_default("init", "--import", "ccr", "--port", "0", "--yes", "--no-test", "--service")
    assert done.exit_code == 4
    assert done.err.startswith(f"c2o: {VARIABLE} is not set, so no service would start.")
    assert not by_default.folder.exists()

    with on_a_terminal(by_default, "init", "--import", "ccr", "--no-test", "--no-completions") as person:
        person.see(QUESTION)
        person.type(DOWN + ENTER)
        assert "keep c2o running" not in person.see(f"export {VARIABLE}=…")
        assert person.end() == 0
