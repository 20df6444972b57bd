"""``c2o init`` with a person at the keys: what is asked, what is shown, and that stopping leaves nothing."""

from __future__ import annotations

import json
import sys
import threading
import tomllib
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.cli.init.test_command import BEFORE, file_of, works
from tests.cli.on_a_terminal import (
    BACKSPACE,
    CLEAR,
    CTRL_C,
    CTRL_D,
    CTRL_Z,
    DOWN,
    ENTER,
    ESCAPE,
    HOME,
    UP,
    Terminal,
    on_a_terminal,
    shell_on_a_terminal,
)  # fmt: skip
from tests.command_line import CommandLine
from tests.fake_upstream import FakeUpstream, Hold, Reply, Request, Scripted, error, stream, whole

KEY = "sk-typed-key-0123456789"
WRONG = "sk-wrong-key-987654"

UPSTREAM = "Which upstream shall Claude Code work on?"
ADDRESS = "Its address, such as"
WHERE = "Where is the key for"
PASTE = "Paste the key"
KEEP = "Where shall it be kept?"
MODEL = "Which model shall it use?"
NOW = "What now?"
WRITE = "Write this to"
AGAIN = "What shall be changed?"


def wizard(c2o: CommandLine, *flags: str, **variables: str) -> AbstractContextManager[Terminal]:
    """``c2o init``; which shell has called it, and wants completions, depends on who runs the tests."""
    return on_a_terminal(c2o, "init", "--no-completions", *flags, **variables)


def written(c2o: CommandLine) -> dict[str, Any]:
    return tomllib.loads(file_of(c2o).read_text())


def everything(c2o: CommandLine) -> dict[str, bytes]:
    """Every file of the home, byte for byte."""
    return {str(path.relative_to(c2o.home)): path.read_bytes() for path in c2o.home.rglob("*") if path.is_file()}


def with_a_key(request: Request) -> Scripted:
    return works(request) if request.headers.get("authorization") == f"Bearer {KEY}" else error(401, "Wrong key")


@pytest.fixture
def ollama(upstream: FakeUpstream) -> FakeUpstream:
    """Looks like Ollama: no key, some models of which it tells what they can do."""
    upstream.think(works)
    upstream.models = [
        {"id": "qwen3-coder:30b", "context_length": 262144, "supports_tools": True},
        {"id": "nomic-embed-text:latest"},
        {"id": "llama3.2:3b", "context_length": 131072, "supports_tools": False},
    ]
    return upstream


def at(ollama: FakeUpstream) -> str:
    """``OLLAMA_HOST``, as Ollama's own documentation has it."""
    return f"127.0.0.1:{ollama.port}"


@pytest.fixture
def keyed(c2o: CommandLine, upstream: FakeUpstream) -> CommandLine:
    """A configuration whose upstream has its key in a variable."""
    c2o.folder.mkdir(mode=0o700)
    text = BEFORE.replace("https://old.example.com/v1", upstream.base_url).replace("command:pass show old", "env:OLD")
    file_of(c2o).write_text(text)
    return c2o


# ---- what a person sees who only presses Enter


def test_enter_is_all_it_takes(c2o: CommandLine, ollama: FakeUpstream) -> None:
    with wizard(c2o, OLLAMA_HOST=at(ollama)) as terminal:
        menu = terminal.see(UPSTREAM) + terminal.see("Esc quit")
        assert f" › Ollama                        127.0.0.1:{ollama.port}  3 models" in menu
        terminal.type(ENTER)
        table = terminal.see("Esc back")
        assert "default  qwen3-coder:30b  262k window, tools" in table
        terminal.type(ENTER)
        assert terminal.end() == 0
        said = terminal.final
    assert "✓ Upstream   Ollama  http://127.0.0.1" in said
    assert "✓ Models     qwen3-coder:30b\n" in said
    assert "✓ Test       ✓ 3 models  ✓ streaming  ✓ tool call  " in said
    assert "✓ Written    ~/c2o/config.toml  readable by you alone" in said
    assert said.endswith("Ready.  c2o run claude\n")
    assert "Which" not in said, "finished questions are gone"
    assert written(c2o)["upstreams"] == {"ollama": {"base_url": ollama.base_url, "dialect": "ollama"}}
    assert written(c2o)["models"] == {"default": "ollama/qwen3-coder:30b"}
    assert file_of(c2o).stat().st_mode & 0o777 == 0o600


def test_the_terminal_is_as_it_was(c2o: CommandLine, ollama: FakeUpstream) -> None:
    with wizard(c2o, OLLAMA_HOST=at(ollama)) as terminal:
        before = terminal.modes
        terminal.see(UPSTREAM)
        assert terminal.modes != before
        terminal.type(CTRL_C)
        assert terminal.end() == 130
        assert terminal.modes == before
        assert terminal.raw.rindex("\x1b[?25h") > terminal.raw.rindex("\x1b[?25l"), "the cursor is seen again"


@pytest.mark.slow
def test_keys_are_found_by_name_and_never_shown(c2o: CommandLine) -> None:
    with wizard(c2o, GROQ_API_KEY=KEY) as terminal:
        terminal.see(UPSTREAM)
        menu = terminal.see("Esc quit")
        terminal.type(CTRL_C)
        assert terminal.end() == 130
        assert KEY not in terminal.screen
    lines = menu.splitlines()
    ready = next(number for number, line in enumerate(lines) if "Groq" in line and "GROQ_API_KEY is set" in line)
    assert ready < next(number for number, line in enumerate(lines) if "needs a key" in line)


@pytest.mark.slow
def test_where_nothing_is_ready_that_is_said(c2o: CommandLine) -> None:
    """A server that runs on this machine, be it another's, is told of instead."""
    with wizard(c2o) as terminal:
        terminal.see("Esc quit")
        said = " ".join(terminal.final.split())
        assert ("No model server runs on this machine, and no provider's key" in said) != ("models" in said)
        terminal.type(CTRL_C)
        assert terminal.end() == 130


@pytest.mark.slow
def test_typing_filters_and_escape_takes_it_back(c2o: CommandLine) -> None:
    with wizard(c2o) as terminal:
        terminal.see(UPSTREAM)
        terminal.type("open")
        terminal.see("OpenRouter")
        terminal.type("r")
        terminal.see(" › OpenRouter")
        terminal.type(ESCAPE)
        terminal.see("NVIDIA NIM")
        terminal.type(ESCAPE)
        assert terminal.end() == 130
        assert "nothing was changed. Begin again with: c2o init" in terminal.screen


# ---- keys


def test_a_pasted_key_goes_into_the_key_file(c2o: CommandLine, upstream: FakeUpstream) -> None:
    """From a bare home, for a server that wants a key; the first one is wrong."""
    upstream.think(with_a_key)
    with wizard(c2o) as terminal:
        terminal.answer(UPSTREAM, upstream.base_url)
        terminal.answer(MODEL)
        terminal.see("✗ local wants a key, and there is none: Wrong key.")
        terminal.answer(NOW)
        terminal.answer(WHERE)
        terminal.answer(PASTE, f"export LOCAL_API_KEY={KEY}")
        terminal.see("✗ A key is one line of letters, digits and signs, without spaces inside.")
        terminal.answer(PASTE, WRONG)
        terminal.answer(KEEP)
        terminal.see("✗ local refused the key from this terminal: Wrong key.")
        terminal.answer(NOW)
        terminal.answer(WHERE)
        terminal.see(PASTE)
        terminal.type(f"{KEY[:8]}x{BACKSPACE}{KEY[8:]}")
        terminal.see("•" * len(KEY))
        terminal.type(ENTER)
        terminal.answer(KEEP)
        assert terminal.end() == 0
        assert KEY not in terminal.screen
        assert (
            "✓ Key        sk-w…7654  kept in ~/c2o/keys.env\n"
            "✗ Key        sk-w…7654  not used\n"
            "✓ Key        sk-t…6789  kept in ~/c2o/keys.env\n"
        ) in terminal.final
        assert "✓ Test       ✓ key accepted  ✓ 1 model  ✓ streaming  ✓ tool call" in terminal.final
    assert written(c2o)["upstreams"]["local"]["api_key"] == "env:LOCAL_API_KEY"
    kept = c2o.folder / "keys.env"
    assert f"LOCAL_API_KEY={KEY}" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_lines_that_were_pasted_behind_the_key_are_neither_shown_nor_an_answer(
    c2o: CommandLine, upstream: FakeUpstream
) -> None:
    upstream.think(with_a_key)
    with wizard(c2o, "--upstream", upstream.base_url, "--model", "fake-model") as terminal:
        terminal.answer(NOW)
        terminal.answer(WHERE)
        terminal.see(PASTE)
        terminal.type(f"{KEY}\r3-more-of-a-secret\r\r")
        terminal.see(KEEP)
        terminal.type(ENTER)
        assert terminal.end() == 0
        assert "more-of-a-secret" not in terminal.raw
    assert (c2o.folder / "keys.env").exists()


@pytest.mark.slow
def test_who_is_impatient_answers_nothing_unseen(c2o: CommandLine, upstream: FakeUpstream) -> None:
    go_on = threading.Event()
    upstream.play(error(400, "Not today").after(Hold(go_on)))
    with wizard(c2o, "--upstream", upstream.base_url, "--model", "fake-model") as terminal:
        upstream.wait_for(1)
        terminal.type(ENTER)
        go_on.set()
        terminal.see(NOW)
        terminal.see("Esc")
        terminal.type(CTRL_C)
        assert terminal.end() == 130
    assert len(upstream.requests) == 1


@pytest.mark.slow
def test_a_key_that_is_set_is_used_without_a_question(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(with_a_key)
    flags = ["--upstream", upstream.base_url, "--key-env", "MY_KEY"]
    with wizard(c2o, *flags, MY_KEY=KEY) as terminal:
        terminal.see("✓ Key        from MY_KEY  sk-t…6789")
        terminal.answer(MODEL)
        assert terminal.end() == 0
    assert written(c2o)["upstreams"]["local"]["api_key"] == "env:MY_KEY"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "source", "kept"),
    [(2, KEY, "kept in the configuration"), (3, "env:LOCAL_API_KEY", "kept nowhere")],
    ids=["in the configuration", "nowhere"],
)
def test_where_a_key_may_be_kept(c2o: CommandLine, upstream: FakeUpstream, where: int, source: str, kept: str) -> None:
    upstream.think(with_a_key)
    with wizard(c2o, "--upstream", upstream.base_url, "--model", "fake-model") as terminal:
        terminal.answer(NOW)
        terminal.answer(WHERE)
        terminal.answer(PASTE, KEY)
        terminal.see(KEEP)
        terminal.type(str(where))
        terminal.see(kept)
        assert terminal.end() == 0
        if where == 3:
            assert "First   export LOCAL_API_KEY=…" in terminal.final
    assert written(c2o)["upstreams"]["local"]["api_key"] == source
    assert not (c2o.folder / "keys.env").exists()


@pytest.mark.slow
def test_a_key_from_elsewhere(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(with_a_key)
    (c2o.home / "key").write_text(f"{KEY}\n")
    with wizard(c2o, "--upstream", upstream.base_url, "--model", "fake-model") as terminal:
        terminal.answer(NOW)
        terminal.see(WHERE)
        terminal.type(DOWN * 2 + ENTER)  # FAKE_KEY is set, and comes second
        terminal.answer("A variable's NAME", "NO_SUCH_KEY")
        terminal.see("✗ NO_SUCH_KEY is not set")
        terminal.see("› NO_SUCH_KEY")
        terminal.type(f"{CLEAR}file:{c2o.home}/key{ENTER}")
        assert terminal.end() == 0
    assert written(c2o)["upstreams"]["local"]["api_key"] == f"file:{c2o.home}/key"


# ---- models


@pytest.mark.slow
def test_another_model_for_a_tier(c2o: CommandLine, ollama: FakeUpstream) -> None:
    with wizard(c2o, "--upstream", ollama.base_url) as terminal:
        terminal.see(MODEL)
        terminal.type("5")
        terminal.see("Which model for haiku?")
        terminal.see("131k window, no tools")
        terminal.type("llama" + ENTER)
        terminal.see("Which models shall it use?")
        terminal.type("1")
        assert terminal.end() == 0
        assert "✓ Models     qwen3-coder:30b  for default, opus, sonnet" in terminal.final
        assert "             llama3.2:3b  for haiku" in terminal.final
    assert written(c2o)["models"] == {"default": "local/qwen3-coder:30b", "haiku": "local/llama3.2:3b"}
    assert written(c2o)["limits"]["local/llama3.2:3b"] == {"context_window": 131072}
    asked = {request.json["model"] for request in ollama.requests if request.path.endswith("completions")}
    assert asked == {"qwen3-coder:30b", "llama3.2:3b"}, "each is tried"


@pytest.mark.slow
def test_a_model_that_is_not_in_the_list(c2o: CommandLine, upstream: FakeUpstream) -> None:
    def think(request: Request) -> Scripted:
        known = request.json["model"] == "fake-model"
        return works(request) if known else error(404, "No such model", code="model_not_found")

    upstream.think(think)
    with wizard(c2o, "--upstream", upstream.base_url) as terminal:
        terminal.see(MODEL)
        terminal.type("2")
        terminal.see("Which model for default?")
        terminal.type("gone")
        terminal.see("as typed")
        terminal.type(ENTER)
        terminal.answer(MODEL)
        terminal.see("✗ local doesn't know the model gone: No such model.")
        terminal.answer(NOW)
        terminal.see("Which model instead of gone?")
        terminal.type(ENTER)
        assert terminal.end() == 0
    assert written(c2o)["models"] == {"default": "local/fake-model"}


@pytest.mark.slow
def test_without_a_list_the_model_is_typed(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    upstream.models = []
    with wizard(c2o, "--upstream", upstream.base_url) as terminal:
        terminal.answer("Which model?", "")
        terminal.see("✗ A model is needed")
        terminal.type("fake-model" + ENTER)
        assert terminal.end() == 0
    assert written(c2o)["models"] == {"default": "local/fake-model"}


@pytest.mark.slow
def test_a_model_that_calls_no_tools(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: Reply(text="I only talk."))
    with wizard(c2o, "--upstream", upstream.base_url, "--model", "fake-model") as terminal:
        terminal.see("✗ asked to call a tool, fake-model answered in words: 'I only talk.'.")
        terminal.see("Claude Code does its work by calling tools")
        terminal.see(NOW)
        assert " › 1 Choose another model" in terminal.see("Quit")
        terminal.type("3")
        assert terminal.end() == 0
        assert "! no tool call" in terminal.final
    assert written(c2o)["models"] == {"default": "local/fake-model"}


# ---- what doesn't work


PAGE = whole(b"<html>Sign in</html>", headers={"content-type": "text/html"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "words", "first"),
    [
        (error(401, "Wrong key"), "wants a key, and there is none: Wrong key.", "Enter a key"),
        (
            error(404, "No such model", code="model_not_found"),
            "doesn't know the model fake-model",
            "Choose another model",
        ),
        (error(500, "On fire"), "On fire", "Try again"),
        (error(402, "No credit"), "No credit", "Try again"),
        (PAGE, "answers with a web page", "Change the address"),
    ],
    ids=["key", "model", "500", "402", "web page"],
)
def test_every_failure_is_a_sentence_and_a_way_on(
    c2o: CommandLine, upstream: FakeUpstream, answer: Scripted, words: str, first: str
) -> None:
    upstream.think(lambda request: answer)
    with wizard(c2o, "--upstream", upstream.base_url, "--model", "fake-model") as terminal:
        terminal.see("✗ ")
        assert words in terminal.see(NOW)
        assert f" › 1 {first}" in terminal.see("Save it anyway")
        terminal.type(UP + ENTER)
        assert terminal.end() == 130
        assert "Traceback" not in terminal.screen
    assert everything(c2o) == {}


@pytest.mark.slow
def test_what_does_not_work_can_be_saved_all_the_same(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: error(500, "On fire"))
    with wizard(c2o, "--upstream", upstream.base_url, "--model", "fake-model") as terminal:
        terminal.see(NOW)
        terminal.type("4")
        assert terminal.end() == 0
        assert "not passed: saved as it is" in terminal.final
    assert written(c2o)["models"]["default"] == "local/fake-model"


@pytest.mark.slow
def test_nothing_answers_and_another_address_is_typed(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    with wizard(c2o, "--upstream", "http://127.0.0.1:9/v1") as terminal:
        terminal.see("connection refused. Is it running?")
        terminal.see(NOW)
        terminal.type("2")
        terminal.answer("Its address", upstream.base_url.removeprefix("h"))
        terminal.see("✗ the upstream's address: not an http:// or https:// URL")
        terminal.type(f"{HOME}h{ENTER}")
        terminal.answer(MODEL)
        assert terminal.end() == 0
    assert written(c2o)["upstreams"]["local"]["base_url"] == upstream.base_url


@pytest.mark.slow
def test_another_upstream_is_chosen(c2o: CommandLine, ollama: FakeUpstream) -> None:
    flags = ["--upstream", "http://127.0.0.1:9/v1"]
    with wizard(c2o, *flags, OLLAMA_HOST=at(ollama)) as terminal:
        terminal.see(NOW)
        terminal.type("3")
        terminal.answer(UPSTREAM)
        terminal.answer(MODEL)
        assert terminal.end() == 0
        assert "127.0.0.1:9" not in terminal.final, "what led nowhere is taken back"
    assert list(written(c2o)["upstreams"]) == ["ollama"]


def test_escape_leads_back_to_the_question_before(c2o: CommandLine, ollama: FakeUpstream) -> None:
    with wizard(c2o, OLLAMA_HOST=at(ollama)) as terminal:
        terminal.answer(UPSTREAM)
        terminal.see(MODEL)
        terminal.type("3")
        terminal.see("Which model for opus?")
        terminal.type(ESCAPE)
        terminal.see(MODEL)
        terminal.type(ESCAPE)
        terminal.see(UPSTREAM)
        terminal.see("Esc quit")
        terminal.type(ENTER)
        terminal.answer(MODEL)
        assert terminal.end() == 0
        assert terminal.final.count("✓ Upstream") == 1


# ---- where there is a configuration


@pytest.mark.slow
def test_what_is_there_is_shown_and_tested_without_a_change(keyed: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(with_a_key)
    before = file_of(keyed).read_bytes()
    with wizard(keyed, OLD=KEY) as terminal:
        shown = terminal.see(AGAIN)
        assert f"old  {upstream.base_url}  key from env:OLD" in shown
        assert "default  old/usual" in shown
        terminal.type("3")
        assert terminal.end() == 0
        assert "old/usual" in terminal.final
        assert terminal.final.count("✓ tool call") == 2, "both models"
    assert file_of(keyed).read_bytes() == before


def test_only_what_is_asked_changes(keyed: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(with_a_key)
    with wizard(keyed, OLD=KEY) as terminal:
        terminal.see(AGAIN)
        terminal.type("1")
        terminal.see("Which models shall it use?")
        terminal.type("5")
        terminal.see("Which model for haiku?")
        terminal.type(ENTER)  # the list's only one
        terminal.see("Which models shall it use?")
        terminal.type("1")
        terminal.see("~ haiku: old/small → old/fake-model")
        terminal.answer(WRITE)
        assert terminal.end() == 0
    text = BEFORE.replace("https://old.example.com/v1", upstream.base_url).replace("command:pass show old", "env:OLD")
    assert file_of(keyed).read_text() == text.replace('"old/small"', '"old/fake-model"')
    assert file_of(keyed).with_name("config.toml.bak").read_text() == text


@pytest.mark.slow
def test_a_test_that_fails_says_so_and_changes_nothing(keyed: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(with_a_key)
    before = everything(keyed)
    with wizard(keyed, OLD=WRONG) as terminal:
        terminal.answer(AGAIN)
        terminal.see("✗ old refused the key from env:OLD: Wrong key.")
        terminal.see("c2o: not everything works as it is configured. Change what is wrong with: c2o init")
        assert terminal.end() == 5
    assert everything(keyed) == before


@pytest.mark.slow
def test_another_key(keyed: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(with_a_key)
    with wizard(keyed, OLD=WRONG, NEW_KEY=KEY) as terminal:
        terminal.see(AGAIN)
        terminal.type("2")
        terminal.see(WHERE)
        terminal.see("NEW_KEY")
        terminal.type(DOWN * 2 + ENTER)  # after FAKE_KEY
        terminal.see("~ upstream old")
        terminal.answer(WRITE)
        assert terminal.end() == 0
    assert written(keyed)["upstreams"]["old"]["api_key"] == "env:NEW_KEY"
    assert "# the usual one" in file_of(keyed).read_text()


@pytest.mark.slow
def test_another_upstream_beside_what_is_there(keyed: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    with wizard(keyed, OLLAMA_HOST=at(upstream)) as terminal:
        terminal.see(AGAIN)
        terminal.type("4")
        terminal.answer(UPSTREAM)
        terminal.see(MODEL)
        terminal.see("Keep the models that are configured")
        terminal.type(UP + ENTER)
        terminal.see("+ upstream ollama")
        terminal.answer(WRITE)
        assert terminal.end() == 0
    assert list(written(keyed)["upstreams"]) == ["old", "ollama"]
    assert written(keyed)["models"] == {"default": "old/usual", "haiku": "old/small"}


@pytest.mark.slow
def test_who_says_no_changes_nothing(keyed: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    before = everything(keyed)
    with wizard(keyed, "--upstream", "old", "--model", "fake-model", OLD=KEY) as terminal:
        terminal.see("~ default: old/usual → old/fake-model")
        terminal.see(WRITE)
        terminal.type("2")
        assert terminal.end() == 130
        assert "nothing was changed. ~/c2o/config.toml is as it was." in terminal.screen
    assert everything(keyed) == before


# ---- service, and Claude's settings


@pytest.fixture
def with_systemd(c2o: CommandLine) -> CommandLine:
    """A machine whose systemd answers, and does nothing; with a Claude Code that tells its version."""
    folder = c2o.home / "bin"
    folder.mkdir()
    for name, said in (("systemctl", "exit 0"), ("claude", "echo '2.1.329 (Claude Code)'")):
        (folder / name).write_text(f"#!/bin/sh\n{said}\n")
        (folder / name).chmod(0o755)
    c2o.variables["PATH"] = f"{folder}:/usr/bin:/bin"
    return c2o


@pytest.mark.slow
def test_service_and_settings_are_offered_and_shown(with_systemd: CommandLine, upstream: FakeUpstream) -> None:
    """With --dry-run: every file that would be written, and none is."""
    upstream.think(with_a_key)
    flags = ["--upstream", upstream.base_url, "--key-env", "MY_KEY", "--model", "fake-model", "--dry-run"]
    flags += ["--port", "8226"]
    before = everything(with_systemd)
    with wizard(with_systemd, *flags, MY_KEY=KEY) as terminal:
        terminal.see("✓ Found      Claude Code 2.1.329, systemd")
        terminal.answer("Shall systemd keep c2o running?")
        terminal.see("A service doesn't see your shell's MY_KEY.")
        terminal.answer("Keep it in ~/c2o/keys.env")
        terminal.see("Shall plain claude use c2o, too?")
        terminal.type("2")
        assert terminal.end() == 0
        said = terminal.final
    assert "✓ Service    kept running by systemd" in said
    assert "✓ Claude     by its settings" in said
    assert 'auth_token = "***"' in said
    assert "ListenStream=127.0.0.1:8226" in said
    assert "# ~/.config/systemd/user/c2o.service" in said
    assert '+    "ANTHROPIC_BASE_URL": "http://127.0.0.1:8226"' in said
    assert KEY not in said
    assert everything(with_systemd) == before


@pytest.mark.slow
def test_without_a_service_settings_are_not_offered(with_systemd: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    flags = ["--upstream", upstream.base_url, "--model", "fake-model"]
    with wizard(with_systemd, *flags) as terminal:
        terminal.see("Shall systemd keep c2o running?")
        terminal.type("2")
        assert terminal.end() == 0
        assert "plain claude" not in terminal.screen


@pytest.mark.slow
def test_completions_are_offered_for_the_shell_that_calls(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    flags = ["--upstream", upstream.base_url, "--model", "fake-model", "--no-test"]
    with shell_on_a_terminal(c2o) as terminal:
        terminal.answer("$ ", f"{sys.executable} -m c2o init {' '.join(flags)}")
        terminal.answer("Shall bash complete c2o's commands with Tab?")
        terminal.see("Ready.")
        terminal.answer("$ ", "exit")
        assert terminal.end() == 0
        assert "✓ Tab        completes in bash" in terminal.final
    assert (c2o.home / ".local/share/bash-completion/completions/c2o").exists()


# ---- other tools


@pytest.mark.slow
def test_another_tools_configuration_is_taken_over(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(with_a_key)
    there = c2o.home / ".claude-code-router" / "config.json"
    there.parent.mkdir()
    provider = {"name": "mine", "api_base_url": f"{upstream.base_url}/chat/completions", "api_key": KEY,
                "models": ["fake-model"]}  # fmt: skip
    there.write_text(json.dumps({"Providers": [provider], "Router": {"default": "mine,fake-model"}}))
    with wizard(c2o) as terminal:
        terminal.see(" › Import from claude-code-router  1 upstream")
        terminal.type(ENTER)
        assert terminal.end() == 0
        assert "✓ Upstream   claude-code-router  1 upstream" in terminal.final
        assert "✓ streaming  ✓ tool call" in terminal.final
        assert KEY not in terminal.screen
    assert written(c2o)["models"] == {"default": "mine/fake-model"}
    assert written(c2o)["upstreams"]["mine"]["api_key"] == "env:MINE_API_KEY"
    assert f"MINE_API_KEY={KEY}" in (c2o.folder / "keys.env").read_text()


# ---- stopping


FRESH: list[tuple[str, str]] = [
    (UPSTREAM, "http"),
    ("nothing", "\x15other" + ENTER),
    (ADDRESS, "{url}" + ENTER),
    (MODEL, "3"),
    ("Which model for opus?", ENTER),
    (MODEL, ENTER),
    (NOW, ENTER),
    (WHERE, ENTER),
    (PASTE, KEY),
    ("•" * len(KEY), ENTER),
    (KEEP, ENTER),
    ("Shall systemd keep c2o running?", ENTER),
    ("Shall plain claude use c2o, too?", ""),
]
"""What is seen from a bare home on, and what leads from there to the next."""

THERE: list[tuple[str, str]] = [
    (AGAIN, "2"),
    (WHERE, "1"),
    (PASTE, KEY + ENTER),
    (KEEP, ENTER),
    (WRITE, ""),
]
"""The same, where there is a configuration."""


def go_to(terminal: Terminal, way: list[tuple[str, str]], last: int, url: str) -> None:
    for seen, keys in way[:last]:
        terminal.see(seen)
        terminal.type(keys.replace("{url}", url))
    terminal.see(way[last][0])


@pytest.mark.slow
@pytest.mark.parametrize("last", range(len(FRESH)))
def test_ctrl_c_at_every_question_leaves_nothing_behind(
    with_systemd: CommandLine, upstream: FakeUpstream, last: int
) -> None:
    upstream.think(with_a_key)
    before = everything(with_systemd)
    with wizard(with_systemd) as terminal:
        go_to(terminal, FRESH, last, upstream.base_url)
        terminal.type(CTRL_C)
        assert terminal.end() == 130
        assert terminal.final.endswith("c2o: nothing was changed. Begin again with: c2o init\n")
        assert "Traceback" not in terminal.screen
    assert everything(with_systemd) == before


@pytest.mark.slow
@pytest.mark.parametrize("stop", [CTRL_C, CTRL_D], ids=["Ctrl-C", "Ctrl-D"])
@pytest.mark.parametrize("last", range(len(THERE)))
def test_who_stops_leaves_the_file_as_it_was(keyed: CommandLine, upstream: FakeUpstream, last: int, stop: str) -> None:
    upstream.think(with_a_key)
    before = everything(keyed)
    with wizard(keyed, OLD=WRONG) as terminal:
        go_to(terminal, THERE, last, upstream.base_url)
        terminal.type(stop)
        assert terminal.end() == 130
        assert "nothing was changed. ~/c2o/config.toml is as it was." in terminal.screen
    assert everything(keyed) == before


@pytest.mark.slow
def test_ctrl_c_while_an_upstream_is_tried(c2o: CommandLine, upstream: FakeUpstream) -> None:
    never = threading.Event()
    upstream.think(lambda request: stream(Hold(never)))
    with wizard(c2o, "--upstream", upstream.base_url, "--model", "fake-model") as terminal:
        request = upstream.wait_for(1)[-1]
        terminal.type(CTRL_C)
        assert terminal.end() == 130
        assert "Traceback" not in terminal.screen
        assert request.hung_up.wait(8), "the one who asks has ended too"
    assert everything(c2o) == {}


@pytest.mark.slow
def test_ctrl_z_and_back(c2o: CommandLine, ollama: FakeUpstream) -> None:
    """A shell has its terminal back meanwhile, and the question stands there again."""
    c2o.variables["OLLAMA_HOST"] = at(ollama)
    with shell_on_a_terminal(c2o) as terminal:
        terminal.answer("$ ", f"{sys.executable} -m c2o init --no-completions")
        terminal.see(UPSTREAM)
        terminal.type(CTRL_Z)
        terminal.see("Stopped")
        terminal.answer("$ ", "echo as usu''al")
        terminal.see("as usual")
        terminal.answer("$ ", "fg")
        terminal.see(UPSTREAM)
        terminal.type(ENTER)
        terminal.answer(MODEL)
        terminal.see("Ready.")
        terminal.answer("$ ", "exit")
        assert terminal.end() == 0
        assert "\nas usual\n" in terminal.final, "what others have written isn't drawn over"


# ---- other terminals


@pytest.mark.slow
def test_without_colours_it_is_the_same(c2o: CommandLine, ollama: FakeUpstream) -> None:
    with wizard(c2o, OLLAMA_HOST=at(ollama), NO_COLOR="1") as terminal:
        terminal.answer(UPSTREAM)
        terminal.answer(MODEL)
        assert terminal.end() == 0
        assert "\x1b[3" not in terminal.raw
        assert "\x1b[1m" not in terminal.raw


@pytest.mark.slow
def test_in_ascii(c2o: CommandLine, ollama: FakeUpstream) -> None:
    with wizard(c2o, OLLAMA_HOST=at(ollama), PYTHONIOENCODING="ascii") as terminal:
        terminal.see(" > Ollama")
        terminal.type(ENTER)
        terminal.answer(MODEL)
        assert terminal.end() == 0
        assert "+ Test " in terminal.final
        assert terminal.screen.isascii()


@pytest.mark.slow
@pytest.mark.parametrize("columns", [30, 60])
def test_a_narrow_terminal(c2o: CommandLine, ollama: FakeUpstream, columns: int) -> None:
    with wizard(c2o, OLLAMA_HOST=at(ollama)) as terminal:
        terminal.see(UPSTREAM)
        terminal.resize(columns, 12)
        terminal.see("Enter choose")
        terminal.type(ENTER)
        terminal.see("Use this one")
        terminal.type(ENTER)
        assert terminal.end() == 0
    assert written(c2o)["models"] == {"default": "ollama/qwen3-coder:30b"}


def test_all_of_a_question_and_an_answer_is_seen_where_it_is_narrow(c2o: CommandLine) -> None:
    with wizard(c2o) as terminal:
        terminal.see(UPSTREAM)
        terminal.resize(30, 12)
        terminal.see("? Which upstream shall Claude\n  Code work on?\n   Other")
        terminal.type("mist")
        terminal.see("  Code work on?  mist\n › Mistral")
        terminal.type("https://one.of.those.very.long.example.com/v1")
        terminal.see("  …e.very.long.example.com/v1\n")
        terminal.type(CTRL_C)
        assert terminal.end() == 130


def test_a_terminal_that_moves_no_cursor_gets_numbered_lines(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(with_a_key)
    with wizard(c2o, TERM="dumb") as terminal:
        terminal.see(UPSTREAM)
        terminal.answer("Number, or a part of a name", "nonsense")
        terminal.see("✗ nothing has nonsense in its name")
        terminal.answer("Number, or a part of a name", upstream.base_url)
        terminal.answer("Number, or a part of a name", "<")
        terminal.see(UPSTREAM)
        terminal.answer("Number, or a part of a name", upstream.base_url)
        terminal.answer("Number, or a part of a name", "")
        terminal.see("wants a key")
        terminal.answer("Number, or a part of a name", "Enter a key")
        terminal.answer("Number, or a part of a name", "1")
        terminal.answer("stays hidden", KEY)
        terminal.answer("Number, or a part of a name", "1")
        assert terminal.end() == 0
        assert "\x1b" not in terminal.raw
        assert KEY not in terminal.raw
    assert written(c2o)["models"] == {"default": "local/fake-model"}


def test_a_number_that_no_line_has_is_no_model(c2o: CommandLine, ollama: FakeUpstream) -> None:
    with wizard(c2o, TERM="dumb", OLLAMA_HOST=at(ollama)) as terminal:
        terminal.answer("Number, or a part of a name", "Ollama")
        terminal.answer("Number, or a part of a name", "2")
        terminal.see("Which model for default?")
        terminal.answer("Number, or a part of a name", "99")
        terminal.see("✗ nothing has 99 in its name")
        terminal.answer("Number, or a part of a name", "my-own")
        terminal.see("default  my-own")
        terminal.type(CTRL_C)
        assert terminal.end() == 130


@pytest.mark.slow
@pytest.mark.parametrize("flags", [["--yes"], ["--json"]])
def test_nothing_is_asked_of_who_does_not_want_it(c2o: CommandLine, flags: list[str]) -> None:
    with wizard(c2o, *flags) as terminal:
        terminal.see("--upstream and --model")
        assert terminal.end() == 2


def test_c2o_no_input_is_respected(c2o: CommandLine) -> None:
    with wizard(c2o, C2O_NO_INPUT="1") as terminal:
        assert terminal.end() == 2


@pytest.mark.slow
def test_flags_answer_their_questions(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    with wizard(c2o, "--upstream", upstream.base_url, "--model", "fake-model") as terminal:
        assert terminal.end() == 0
        assert "?" not in terminal.final


@pytest.mark.slow
def test_the_demo_asks_nothing_more(c2o: CommandLine) -> None:
    with wizard(c2o) as terminal:
        terminal.see(UPSTREAM)
        terminal.type("demo" + ENTER)
        terminal.see("-m c2o.demo --port 8227")
        assert terminal.end() == 0
    assert written(c2o)["models"] == {"default": "demo/c2o-demo"}
