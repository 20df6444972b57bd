"""``c2o init`` from flags: what it tries, what it writes, what it leaves alone, and how it fails."""

from __future__ import annotations

import json
import re
import socket
import stat
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest

from c2o import config, facts
from c2o.cli.init import command
from c2o.cli.init.choice import Given
from c2o.cli.init.file import Before
from tests.anthropic_answers import as_asked, message
from tests.anthropic_answers import call as call_block
from tests.anthropic_answers import text as text_block
from tests.cli.doctor.test_probe import blind
from tests.clients.service import TOKEN, configuration
from tests.command_line import CommandLine, Result, without_privileges
from tests.fake_upstream import (
    DONE,
    Call,
    FakeUpstream,
    Hold,
    Reply,
    Request,
    Scripted,
    error,
    finish,
    role,
    stream,
    text,
    whole,
)

KEY = "sk-init-key-0123456789"


def works(request: Request) -> Scripted:
    """A model that does what it is asked."""
    if request.tool_results:
        return Reply(text="It is sunny.")
    return Reply(calls=(Call("get_weather", {"city": "Paris"}),)) if request.tool_names else Reply(text="ready")


def init(c2o: CommandLine, upstream: FakeUpstream, *more: str, **variables: str) -> Result:
    """init with the fake upstream as ``mine``."""
    flags = ["--upstream", upstream.base_url, "--name", "mine", "--key-env", "MY_KEY", "--model", "fake-model", "--yes"]
    done = c2o("init", *flags, *more, **{"MY_KEY": KEY, **variables})
    assert KEY not in done.out + done.err
    return done


def file_of(c2o: CommandLine) -> Path:
    return c2o.folder / "config.toml"


def files_of(c2o: CommandLine) -> list[str]:
    return sorted(path.name for path in c2o.folder.iterdir())


def written(c2o: CommandLine) -> dict[str, Any]:
    return tomllib.loads(file_of(c2o).read_text())


# ---- a fresh start


def test_two_commands_lead_to_an_answer(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    assert init(c2o, upstream, "--port", "0").exit_code == 0
    ask = """
import json, os, urllib.request
body = {"model": "claude-sonnet-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
headers = {"content-type": "application/json", "x-api-key": os.environ["ANTHROPIC_AUTH_TOKEN"]}
url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
answer = urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers))
print(json.load(answer)["content"][0]["text"])
"""
    done = c2o("run", sys.executable, "-c", ask, MY_KEY=KEY)
    assert (done.exit_code, done.out) == (0, "ready\n"), done


def test_what_is_written(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    init(c2o, upstream)
    text = file_of(c2o).read_text()
    assert stat.S_IMODE(file_of(c2o).stat().st_mode) == 0o600
    assert stat.S_IMODE(c2o.folder.stat().st_mode) == 0o700
    assert re.fullmatch(r"c2o-[\w-]{43}", written(c2o)["server"]["auth_token"])
    assert written(c2o)["upstreams"] == {"mine": {"base_url": upstream.base_url, "api_key": "env:MY_KEY"}}
    assert written(c2o)["models"] == {"default": "mine/fake-model"}
    assert "# " in text, "it is commented"
    assert files_of(c2o) == ["config.toml", "state"], "nothing is left beside it"


def test_two_tokens_are_never_the_same(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    init(c2o, upstream)
    first = written(c2o)["server"]["auth_token"]
    file_of(c2o).unlink()
    init(c2o, upstream)
    assert written(c2o)["server"]["auth_token"] != first


def test_it_is_tried_for_real(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    done = init(c2o, upstream)
    streamed, called, resulted = upstream.requests
    assert streamed.json["stream"] is True
    assert called.tool_names == ["get_weather"]
    assert resulted.tool_results
    assert {request.headers["authorization"] for request in upstream.requests} == {f"Bearer {KEY}"}
    assert re.match(r"✓ Test +✓ key accepted  ✓ 1 model  ✓ streaming  ✓ tool call  \d+ ms\n", done.out)
    assert done.out.splitlines()[-1] == "Ready.  c2o run claude"


def test_as_json(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    said = init(c2o, upstream, "--json").json
    [tested] = said.pop("tested")
    assert [(each["check"], each["ok"]) for each in tested.pop("checks")] == [
        *[("models", True), ("stream", True), ("window", False), ("tool", True)]
    ]
    assert tested == {
        "upstream": "mine",
        "model": "fake-model",
        "learned": ["can:streaming", "can:usage_in_stream", "can:tools"],
    }
    assert said == {
        "schema": "c2o.init/1",
        "path": str(file_of(c2o)),
        "written": True,
        "backup": None,
        "upstream": {"name": "mine", "base_url": upstream.base_url, "key": "env:MY_KEY"},
        "models": {"default": "mine/fake-model"},
        "changes": [],
        **dict.fromkeys(("text", "diff", "key_file", "service", "claude", "completions")),
        "next": [{"command": "c2o run claude", "why": "Claude Code on it"}],
    }


def test_tiers_and_port(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    said = init(c2o, upstream, "--map", "haiku=small", "--map", "opus=huge/one", "--port", "9000", "--json").json
    assert [each["model"] for each in said["tested"]] == ["fake-model", "small", "huge/one"]
    assert written(c2o)["models"] == {"default": "mine/fake-model", "haiku": "mine/small", "opus": "mine/huge/one"}
    assert written(c2o)["server"]["port"] == 9000


def test_limits_that_the_upstream_tells_are_kept(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    upstream.models = [{"id": "fake-model", "max_model_len": 32768}, {"id": "other", "max_model_len": 5}]
    init(c2o, upstream)
    assert written(c2o)["limits"] == {"mine/fake-model": {"context_window": 32768}}


def facts_of(c2o: CommandLine) -> set[str]:
    return {fact.fact for fact in facts.read(c2o.folder / "state" / "learned.toml", facts.now()).facts}


def test_what_is_found_out_is_kept_as_facts(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    upstream.models = [{"id": "fake-model", "max_model_len": 32768, "capabilities": ["vision"]}]
    init(c2o, upstream)

    assert facts_of(c2o) == {"can:usage_in_stream", "can:streaming", "can:tools", "context_window:32768"}
    assert len(upstream.requests) == 3, "what the server tells costs nothing"


def test_what_was_tried_is_stronger_than_what_is_told(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    upstream.models = [{"id": "fake-model", "context_length": 32768, "supports_tools": False}]
    init(c2o, upstream)
    assert {fact for fact in facts_of(c2o) if fact.endswith(":tools")} == {"can:tools"}


def test_all_that_the_model_can_do_is_tried_and_kept(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(blind)
    said = init(c2o, upstream, "--probe", "--json").json

    assert set(said["tested"][0]["learned"]) == facts_of(c2o)
    assert {"can:required_tools", "can:named_tools", "cannot:parallel_tools", "without:image"} <= facts_of(c2o)
    assert len(upstream.requests) == 3 + 5

    init(c2o, upstream)
    assert "without:image" in facts_of(c2o), "what isn't asked again stays"


def test_an_address_that_speaks_anthropic_is_known_by_its_end(c2o: CommandLine, upstream: FakeUpstream) -> None:
    """As DeepSeek, Moonshot, MiniMax and z.ai have one; nothing more has to be said of it."""

    def think(request: Request) -> Scripted:
        assert request.path == "/anthropic/v1/messages"
        asked = request.json.get("tools") and len(request.messages) == 1
        said = call_block("get_weather", {"city": "Paris"}) if asked else text_block("ready")
        return as_asked(request, message(said))

    upstream.think(think)
    address = f"{upstream.url}/anthropic"
    flags = ["--upstream", address, "--name", "mine", "--no-key", "--model", "fake-model", "--probe"]
    done = c2o("init", *flags, "--yes")

    assert done.exit_code == 0, done
    assert written(c2o)["upstreams"] == {"mine": {"base_url": address}}
    assert config.load(file_of(c2o)).upstreams["mine"].api_name() == "anthropic"
    assert {"can:streaming", "can:tools"} <= facts_of(c2o)
    assert len(upstream.requests) == 3, "the other questions are those of chat completions"


def test_with_dry_run_and_without_a_test_nothing_is_learned(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    init(c2o, upstream, "--dry-run")
    init(c2o, upstream, "--no-test")

    assert facts_of(c2o) == set()


def test_the_spelling_that_answers_is_what_is_kept(c2o: CommandLine, upstream: FakeUpstream) -> None:
    def think(request: Request) -> Scripted:
        return works(request) if request.path == "/v1/chat/completions" else whole(b"no", 404)

    upstream.think(think)
    done = c2o("init", "--upstream", f"{upstream.url}/openai", "--model", "fake-model", "--yes")
    assert done.exit_code == 0, done
    assert config.load(file_of(c2o)).upstreams["local"].base_url == f"{upstream.url}"


def test_a_preset_needs_only_its_name(c2o: CommandLine) -> None:
    done = c2o("init", "--upstream", "nim", "--model", "some/model", "--no-test", NVIDIA_API_KEY=KEY)
    assert done.exit_code == 0, done
    assert written(c2o)["upstreams"]["nim"] == {
        "base_url": "https://integrate.api.nvidia.com/v1",
        "api_key": "env:NVIDIA_API_KEY",
    }


def test_a_server_of_this_machine_gets_its_dialect_and_no_key(c2o: CommandLine) -> None:
    c2o("init", "--upstream", "ollama", "--model", "qwen3-coder", "--no-test")
    assert written(c2o)["upstreams"]["ollama"] == {"base_url": "http://127.0.0.1:11434/v1", "dialect": "ollama"}


@pytest.mark.slow
def test_ollama_is_where_its_own_variable_says(c2o: CommandLine) -> None:
    c2o("init", "--upstream", "ollama", "--model", "qwen3-coder", "--no-test", OLLAMA_HOST="0.0.0.0:11500")
    assert written(c2o)["upstreams"]["ollama"]["base_url"] == "http://127.0.0.1:11500/v1"


def test_the_demo_comes_with_the_command_that_starts_it(c2o: CommandLine) -> None:
    done = c2o("init", "--upstream", "demo", "--model", "c2o-demo", "--no-test", "--yes")
    assert done.exit_code == 0, done
    assert written(c2o)["upstreams"]["demo"] == {"base_url": "http://127.0.0.1:8227/v1"}
    assert "-m c2o.demo --port 8227" in done.out


def test_a_model_that_calls_no_tools_is_told_but_taken(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: Reply(text="I only talk."))
    done = init(c2o, upstream)
    assert done.exit_code == 0
    assert "! no tool call" in done.out
    assert "asked to call a tool, fake-model answered in words: 'I only talk.'" in done.out


def test_dry_run_shows_all_and_does_nothing(c2o: CommandLine, upstream: FakeUpstream) -> None:
    done = init(c2o, upstream, "--dry-run")
    assert done.exit_code == 0
    assert tomllib.loads(done.out)["models"] == {"default": "mine/fake-model"}
    assert tomllib.loads(done.out)["server"]["auth_token"] == "***"
    assert not c2o.folder.exists()
    assert upstream.requests == []


def test_no_test_asks_nobody(c2o: CommandLine, upstream: FakeUpstream) -> None:
    done = init(c2o, upstream, "--no-test", MY_KEY="")
    assert done.exit_code == 0
    assert upstream.connections == 0
    assert "export MY_KEY=…" in done.out, "the service will need it"


# ---- wrong use


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ([], ["--upstream", "--model"]),
        (["--upstream", "nim"], ["--model"]),
        (["--model", "m"], ["--upstream"]),
        (["--upstream", "https://llm.example.com/v1", "--model", "m"], ["--key-env", "--no-key"]),
    ],
    ids=str,
)
def test_missing_flags_are_named(c2o: CommandLine, flags: list[str], named: list[str]) -> None:
    for more in ([], ["--yes"], ["--json"]):
        done = c2o("init", *flags, *more)
        assert done.exit_code == 2
        sentence = done.err.partition("For example")[0]
        assert [flag for flag in named if flag not in sentence] == []
    assert not c2o.folder.exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--upstream", "nmi"], "there is no upstream 'nmi'. Did you mean nim? Known are nim, openai"),
        (["--upstream", "ftp://x/v1"], "address: not an http:// or https:// URL"),
        (["--upstream", "https://me:pw@x/v1"], "put the key into api_key"),
        (["--upstream", "nim", "--key-env", KEY], "takes the name of a variable"),
        (["--upstream", "nim", "--map", "opus"], "TIER=MODEL"),
        (["--upstream", "nim", "--map", "giant=x"], "opus, sonnet, haiku"),
    ],
    ids=str,
)
def test_flags_that_make_no_sense(c2o: CommandLine, flags: list[str], words: str) -> None:
    done = c2o("init", *flags, "--model", "m", "--yes")
    assert done.exit_code == 2
    assert words in done.err
    assert KEY not in done.err
    assert not c2o.folder.exists()


# ---- what doesn't work is not written


@pytest.mark.parametrize(
    ("answer", "exit_code", "words"),
    [
        (error(401, "Incorrect API key"), 4, ["mine refused the key from env:MY_KEY: Incorrect API key", "--key-env"]),
        (error(404, "No such model", code="model_not_found"), 5, ["fake-model", "It has fake-model.", "--model"]),
        (error(404, "Not Found"), 5, ["answers 404", "Check the address", "with and without /v1"]),
        (error(429, "No credit", code="insufficient_quota"), 5, ["No credit"]),
        (error(500, "On fire"), 5, ["On fire", "try again"]),
    ],
)
def test_why_it_does_not_work(
    c2o: CommandLine, upstream: FakeUpstream, answer: Scripted, exit_code: int, words: list[str]
) -> None:
    upstream.think(lambda request: answer)
    done = init(c2o, upstream)
    assert done.exit_code == exit_code
    assert [word for word in [*words, "--no-test"] if word not in done.err] == []
    assert not c2o.folder.exists()


def test_nothing_answers(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.go_away()
    done = init(c2o, upstream)
    assert done.exit_code == 5
    assert f"upstream mine: connection refused. Is it running? Its address: {upstream.base_url}." in done.err


def test_a_variable_that_is_not_set(c2o: CommandLine, upstream: FakeUpstream) -> None:
    done = init(c2o, upstream, MY_KEY="")
    assert done.exit_code == 4
    assert "MY_KEY is not set" in done.err
    assert upstream.connections == 0


def test_a_failure_can_be_json(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: error(401, "no"))
    said = init(c2o, upstream, "--json").json
    assert (said["ok"], said["exit_code"]) == (False, 4)


# ---- what was there


BEFORE = f"""\
# my own words
[server]
auth_token = "{TOKEN}"  # made by hand
port = 9123

[upstreams.old]
base_url = "https://old.example.com/v1"  # the company's
api_key = "command:pass show old"
quirks = {{ stream_usage = false }}

[upstreams.old.timeouts]
idle = 77

[models]
default = "old/usual"  # the usual one
haiku = "old/small"
"""


@pytest.fixture
def before(c2o: CommandLine) -> CommandLine:
    """A configuration that somebody has written by hand."""
    c2o.folder.mkdir(mode=0o700)
    file_of(c2o).write_text(BEFORE)
    file_of(c2o).chmod(0o640)
    return c2o


def test_everything_else_stays(before: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    done = init(before, upstream)
    assert done.exit_code == 0
    old, new = tomllib.loads(BEFORE), written(before)
    assert new["server"] == old["server"]
    assert new["upstreams"] == {**old["upstreams"], "mine": {"base_url": upstream.base_url, "api_key": "env:MY_KEY"}}
    assert new["models"] == {"default": "mine/fake-model", "haiku": "old/small"}
    for words in ("# my own words", "# made by hand", "# the company's", "# the usual one"):
        assert words in file_of(before).read_text()


def test_the_old_file_is_kept_beside_it(before: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    said = init(before, upstream, "--json").json
    backup = file_of(before).with_name("config.toml.bak")
    assert said["backup"] == str(backup)
    assert backup.read_text() == BEFORE
    assert {stat.S_IMODE(path.stat().st_mode) for path in (backup, file_of(before))} == {0o600}
    assert said["changes"] == ["+ upstream mine", "~ default: old/usual → mine/fake-model"]


def test_saying_it_twice_is_harmless(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    init(c2o, upstream)
    first = file_of(c2o).stat()
    done = init(c2o, upstream)
    assert done.exit_code == 0
    assert "has all of this already" in done.out
    again = file_of(c2o).stat()  # not compared whole: reading it changes the time of access
    assert (again.st_ino, again.st_mtime_ns, again.st_mode) == (first.st_ino, first.st_mtime_ns, first.st_mode)
    assert files_of(c2o) == ["config.toml", "state"]


def test_a_configured_upstream_is_known_by_its_name(before: CommandLine) -> None:
    done = before("init", "--upstream", "old", "--model", "newer", "--no-test")
    assert done.exit_code == 0, done
    assert file_of(before).read_text() == BEFORE.replace('"old/usual"', '"old/newer"')


def test_its_key_is_changed_only_if_another_is_named(before: CommandLine) -> None:
    before("init", "--upstream", "old", "--model", "usual", "--key-env", "OLD_KEY", "--no-test")
    assert written(before)["upstreams"]["old"]["api_key"] == "env:OLD_KEY"
    before("init", "--upstream", "old", "--model", "usual", "--no-key", "--no-test")
    assert "api_key" not in written(before)["upstreams"]["old"]


def test_fallbacks_and_further_keys_stay(before: CommandLine) -> None:
    several = BEFORE.replace('"old/usual"', '["old/usual", "old/other"]').replace(
        '"command:pass show old"', '["command:pass show old", "env:OTHER_KEY"]'
    )
    assert several.count("[") == BEFORE.count("[") + 2
    file_of(before).write_text(several)

    done = before("init", "--upstream", "old", "--model", "usual", "--no-test")

    assert done.exit_code == 0, done
    assert file_of(before).read_text() == several


def test_an_address_that_is_configured_keeps_its_name(before: CommandLine) -> None:
    before("init", "--upstream", "https://old.example.com/v1/", "--model", "usual", "--no-test")
    assert list(written(before)["upstreams"]) == ["old"]
    assert written(before)["upstreams"]["old"]["api_key"] == "command:pass show old"


def test_a_failed_try_changes_nothing(before: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: error(401, "no"))
    assert init(before, upstream).exit_code == 4
    assert file_of(before).read_text() == BEFORE
    assert files_of(before) == ["config.toml"]


def test_limits_by_hand_win_over_what_is_told(before: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    upstream.models = [{"id": "fake-model", "context_length": 50, "max_output_tokens": 5}]
    file_of(before).write_text(BEFORE + '\n[limits."old/x"]\ncontext_window = 1\n')
    init(before, upstream)
    file_of(before).write_text(file_of(before).read_text().replace("context_window = 50", "context_window = 40"))
    init(before, upstream)
    told = {"context_window": 40, "max_output_tokens": 5}
    assert written(before)["limits"] == {"old/x": {"context_window": 1}, "mine/fake-model": told}


@pytest.mark.parametrize("broken", ["[server\n", "[server]\nprt = 1\n", "[server]\nport = 1\n", "\udcff"])
def test_a_broken_file_is_left_alone(before: CommandLine, upstream: FakeUpstream, broken: str) -> None:
    file_of(before).write_text(broken, errors="surrogateescape")
    done = init(before, upstream)
    assert done.exit_code == 78
    assert done.err.count("c2o init") == 1, "one remedy, which works"
    assert "c2o init --force" in done.err
    assert file_of(before).read_text(errors="surrogateescape") == broken


def test_an_empty_file_is_as_good_as_none(before: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    file_of(before).write_text("\n")
    assert init(before, upstream).exit_code == 0
    assert list(written(before)["upstreams"]) == ["mine"]


def test_force_begins_anew_and_keeps_the_old_file(before: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    file_of(before).write_text("[server\n")
    assert init(before, upstream, "--force").exit_code == 0
    assert list(written(before)["upstreams"]) == ["mine"]
    assert file_of(before).with_name("config.toml.bak").read_text() == "[server\n"


def test_force_keeps_the_token_that_clients_know(before: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    init(before, upstream, "--force")
    assert written(before)["server"]["auth_token"] == TOKEN
    assert list(written(before)["upstreams"]) == ["mine"]


def test_a_link_to_the_file_stays_one(before: CommandLine, upstream: FakeUpstream, tmp_path: Path) -> None:
    upstream.think(works)
    kept = tmp_path / "dotfiles.toml"
    file_of(before).rename(kept)
    file_of(before).symlink_to(kept)
    init(before, upstream)
    assert file_of(before).is_symlink()
    assert "mine" in tomllib.loads(kept.read_text())["upstreams"]


def test_a_place_that_cannot_be_written_is_refused(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    c2o.folder.write_text("a file where the folder should be")
    done = init(c2o, upstream)
    assert done.exit_code == 8
    assert "C2O_HOME" in done.err


def test_a_running_service_is_to_be_restarted(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    c2o.configure(configuration(upstream.base_url))
    c2o("start")
    said = init(c2o, upstream, "--json").json
    assert [step["command"] for step in said["next"]] == ["c2o restart", "c2o run claude"]
    assert c2o("restart", MY_KEY=KEY).exit_code == 0
    assert json.loads(c2o("status", "--json").out)["models"] == {"default": "mine/fake-model"}


def test_who_may_need_a_proxy_to_get_there_is_told(c2o: CommandLine) -> None:
    words = ["--upstream", "https://no-such-host.invalid/v1", "--name", "work", "--no-key", "--model", "m", "--yes"]
    done = c2o("init", *words, HTTPS_PROXY="http://127.0.0.1:9")
    assert done.exit_code == 5
    assert "HTTPS_PROXY is set: if its proxy is the only way out" in done.err
    assert "c2o config set upstreams.work.proxy env." in done.err


def test_a_stopped_upstream_is_told_in_whole_sentences(c2o: CommandLine) -> None:
    done = c2o("init", "--upstream", "http://127.0.0.1:9/v1", "--no-key", "--model", "m", "--yes")
    assert done.exit_code == 5
    assert "connection refused. Is it running? Its address: http://127.0.0.1:9/v1. Start it, or check" in done.err


# ---- not alone


def test_the_usual_port_is_left_to_who_has_it(c2o: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the real one: other tests, and who works on c2o, have use for that."""
    with socket.create_server(("127.0.0.1", 0)) as stranger, socket.create_server(("127.0.0.1", 0)) as other:
        usual, next_one = stranger.getsockname()[1], other.getsockname()[1]
        monkeypatch.setattr(command, "DEFAULT_PORT", usual)
        monkeypatch.setattr(command, "OTHER_PORTS", [next_one, 1])  # nobody listens at 1
        given, told = command._with_free_port(Given(), Before(file_of(c2o)))
        assert given.port == 1
        assert re.fullmatch(rf"port {usual} is taken by .+, so c2o takes 1", told)
        assert command._with_free_port(Given(port=usual), Before(file_of(c2o))) == (Given(port=usual), "")
        assert command._with_free_port(Given(), Before(file_of(c2o), "[server]")) == (Given(), "")
    assert command._with_free_port(Given(), Before(file_of(c2o))) == (Given(), "")


def test_of_two_at_once_none_overwrites_the_other(c2o: CommandLine, upstream: FakeUpstream) -> None:
    go_on = threading.Event()
    slow = stream(role(), Hold(go_on), text("ready"), finish(), DONE)
    upstream.think(lambda request: slow if request.json["model"] == "slow" else works(request))
    flags = ["--upstream", upstream.base_url, "--no-key", "--port", "0", "--yes"]
    first = c2o.begin("init", *flags, "--name", "one", "--model", "slow")
    upstream.wait_for(1, 30)
    assert c2o("init", *flags, "--name", "other", "--model", "quick").exit_code == 0
    go_on.set()
    _, told = first.communicate(timeout=30)
    assert first.returncode == 8
    assert "config.toml was changed by another command meanwhile, so nothing was written" in told
    assert list(written(c2o)["upstreams"]) == ["other"]
    assert not (c2o.folder / "config.toml.bak").exists()


def test_a_home_that_cannot_be_written_is_told_before_anything_is_asked(
    c2o: CommandLine, upstream: FakeUpstream
) -> None:
    c2o.prefix = without_privileges()
    c2o.home.chmod(0o555)
    try:
        done = init(c2o, upstream)
    finally:
        c2o.home.chmod(0o755)
    assert done.exit_code == 8
    assert done.err == (
        f"c2o: {file_of(c2o)} can't be written: Permission denied. Make its folder writable, "
        "or set C2O_HOME to a folder elsewhere.\n"
    )
    assert not upstream.requests
