"""What ``c2o init`` does beside the configuration, by flags: service, Claude's settings, completions, imports."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.cli.init.test_command import KEY, file_of, init, works
from tests.clients.service import configuration
from tests.command_line import CommandLine
from tests.fake_upstream import FakeUpstream


def everything(c2o: CommandLine) -> dict[str, bytes]:
    """Every file of the home, byte for byte."""
    return {str(path.relative_to(c2o.home)): path.read_bytes() for path in c2o.home.rglob("*") if path.is_file()}


@pytest.fixture
def with_systemd(c2o: CommandLine) -> CommandLine:
    """A machine whose systemd answers, and does nothing."""
    folder = c2o.home / "bin"
    folder.mkdir()
    (folder / "systemctl").write_text("#!/bin/sh\nexit 0\n")
    (folder / "systemctl").chmod(0o755)
    c2o.variables["PATH"] = f"{folder}:/usr/bin:/bin"
    return c2o


ALL = ["--port", "8226", "--service", "--save-keys", "--claude", "--completions", "--dry-run"]


@pytest.mark.slow
def test_a_dry_run_shows_every_file_and_writes_none(with_systemd: CommandLine, upstream: FakeUpstream) -> None:
    before = everything(with_systemd)
    done = init(with_systemd, upstream, *ALL, SHELL="/bin/bash")
    assert done.exit_code == 0, done
    for words in (
        "# ~/c2o/config.toml\n",
        'auth_token = "***"',
        "# ~/.config/systemd/user/c2o.socket\n",
        "ListenStream=127.0.0.1:8226",
        "ExecStart=",
        "+++ ~/.claude/settings.json",
        '"ANTHROPIC_BASE_URL": "http://127.0.0.1:8226"',
        "completions for ",
    ):
        assert words in done.out, done.out
    assert everything(with_systemd) == before
    assert upstream.requests == []


@pytest.mark.slow
def test_the_same_as_json(with_systemd: CommandLine, upstream: FakeUpstream) -> None:
    said = init(with_systemd, upstream, *ALL, "--json", SHELL="/bin/bash").json
    assert next(iter(said)) == "schema"
    assert said["service"]["manager"] == "systemd"
    assert [Path(file["path"]).name for file in said["service"]["files"]] == ["c2o.socket", "c2o.service"]
    assert "ANTHROPIC_AUTH_TOKEN" in said["claude"]["diff"]
    assert set(said["completions"]) == {"shell", "path", "startup", "lines"}
    assert (said["written"], said["text"] is not None, said["diff"]) == (False, True, None)


@pytest.mark.slow
def test_a_dry_run_shows_what_would_change_in_a_file(c2o: CommandLine, upstream: FakeUpstream) -> None:
    c2o.configure(configuration("http://127.0.0.1:9/v1", api_key=KEY))
    done = c2o("init", "--upstream", "fake", "--model", "newer", "--dry-run", "--yes")
    assert '-default = "fake/fake-model"' in done.out
    assert '+default = "fake/newer"' in done.out
    assert KEY not in done.out
    assert "port" not in done.out, "only what is around it"


@pytest.mark.slow
def test_a_key_that_no_service_would_see_is_told_before_anything_is_written(
    with_systemd: CommandLine, upstream: FakeUpstream
) -> None:
    upstream.think(works)
    before = everything(with_systemd)
    done = init(with_systemd, upstream, "--service")
    assert done.exit_code == 4
    assert "MY_KEY: only this shell knows it" in done.err
    assert "--save-keys" in done.err
    assert everything(with_systemd) == before


@pytest.mark.slow
def test_settings_without_a_lasting_service_are_refused_before_anything_is_written(
    c2o: CommandLine, upstream: FakeUpstream
) -> None:
    upstream.think(works)
    done = init(c2o, upstream, "--claude", PATH="/usr/bin:/bin")
    assert done.exit_code == 8
    assert "Install the service first" in done.err
    assert everything(c2o) == {}


@pytest.mark.slow
def test_the_service_is_kept_by_whom_there_is(c2o: CommandLine, upstream: FakeUpstream) -> None:
    """Where no manager of the system is, as in a container, a process of its own; and it answers at once."""
    upstream.think(works)
    done = init(c2o, upstream, "--service", "--port", "0", "--json", PATH="/usr/bin:/bin")
    assert done.exit_code == 0, done
    assert done.json["service"]["manager"] == "detached"
    assert done.json["service"]["url"] == c2o.service().url
    assert [step["command"] for step in done.json["next"]] == ["c2o run claude"]


@pytest.mark.slow
def test_what_fails_afterwards_says_what_was_done(c2o: CommandLine, upstream: FakeUpstream) -> None:
    """The port is another's, which only the service finds out."""
    upstream.think(works)
    done = init(c2o, upstream, "--service", "--port", str(upstream.port), PATH="/usr/bin:/bin")
    assert done.exit_code == 6
    assert "Before that, ~/c2o/config.toml was written." in done.err
    assert file_of(c2o).exists()


# ---- other tools' configurations


@pytest.fixture
def with_router(c2o: CommandLine, upstream: FakeUpstream) -> CommandLine:
    """A machine on which claude-code-router is at work, with two providers of which one is unreachable."""
    there = c2o.home / ".claude-code-router" / "config.json"
    there.parent.mkdir()
    mine = {"name": "mine", "api_base_url": f"{upstream.base_url}/chat/completions", "api_key": KEY, "models": ["m"]}
    other = {"name": "other", "api_base_url": "http://127.0.0.1:9/v1/chat/completions", "api_key": "", "models": ["x"]}
    router = {"default": "mine,m", "background": "mine,small"}
    there.write_text(json.dumps({"Providers": [mine, other], "Router": router}))
    return c2o


@pytest.mark.slow
def test_an_import_is_tried_and_written_with_its_key_kept_apart(
    with_router: CommandLine, upstream: FakeUpstream
) -> None:
    upstream.think(works)
    done = with_router("init", "--import", "ccr", "--yes", "--json")
    assert done.exit_code == 0, done
    assert done.json["upstream"] is None
    assert done.json["models"]["default"] == "mine/m"
    assert done.json["key_file"] == str(with_router.folder / "keys.env")
    written = tomllib.loads(file_of(with_router).read_text())
    assert written["upstreams"]["mine"] == {
        "base_url": f"{upstream.base_url}/chat/completions",
        "api_key": "env:MINE_API_KEY",
    }
    assert KEY not in file_of(with_router).read_text()
    assert f"MINE_API_KEY={KEY}" in (with_router.folder / "keys.env").read_text()
    assert {request.headers["authorization"] for request in upstream.requests} == {f"Bearer {KEY}"}
    assert with_router("config", "validate").exit_code == 0


@pytest.mark.slow
def test_an_import_beside_what_is_there(with_router: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    with_router.configure(configuration("http://127.0.0.1:9/v1"))
    done = with_router("init", "--import", "ccr", "--yes", "--json")
    assert "+ upstream mine" in done.json["changes"]
    assert {"fake", "mine", "other"} == set(tomllib.loads(file_of(with_router).read_text())["upstreams"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--import", "nonsense"], "no file that c2o knows"),
        (["--import", "litellm"], "has no configuration at"),
        (["--import", "ccr", "--model", "m"], "leave --model out"),
    ],
)
def test_imports_that_can_not_be(with_router: CommandLine, flags: list[str], words: str) -> None:
    done = with_router("init", *flags, "--yes")
    assert done.exit_code in (2, 78)
    assert words in done.err
    assert not with_router.folder.exists()
