"""The quick commands say and do what the Typer commands do, or leave it to them."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pytest
import typer.main
from platformdirs.macos import MacOS

import c2o as package
from c2o import facts, instance, paths, quick
from c2o.__main__ import main
from c2o.cli import app
from c2o.cli.remembering import remember
from c2o.config import load
from c2o.facts import Fact
from c2o.prompt import client, digest, home, memory, service
from c2o.prompt import sessions as quick_sessions
from c2o.service import sessions
from tests.clients.service import TOKEN, configuration
from tests.command_line import CommandLine

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Typer answers everything there")

DEAD = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A running service for all tests here, and a first command that has remembered what it found."""
    there = CommandLine(tmp_path_factory.mktemp("home"))
    configured = configuration(DEAD) | {
        "models": {"default": ["fake/fake-model", "fake/other"], "haiku": "fake/small"},
        "routes": {"background": "fake/small", "long_context": {"model": "fake/large", "above": 60000}},
    }
    there.configure(configured)
    there("start")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("C2O_HOME", str(there.folder))
        yield there
        patched.setenv("C2O_HOME", str(there.folder))
        there.end()


@pytest.fixture
def shell(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """This process, as a shell of that home: its environment and folder."""
    for name in list(os.environ):
        if name != "PYTEST_CURRENT_TEST":
            monkeypatch.delenv(name)
    for name, value in command.environment().items():
        monkeypatch.setenv(name, value)
    folder = command.home / "project"
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(service, "PATIENCE", 20.0)  # of a busy machine nothing is to be concluded
    remember(load(paths.config_file()))
    return monkeypatch


class Became(BaseException):
    """The process would be another program now."""


@pytest.fixture
def outcome(shell: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """What a command line says, how it ends, and what it becomes; by Typer alone, or by the quick command alone."""

    def become(*given: object) -> None:
        raise Became(*given)

    def ended(arguments: list[str], *, quickly: bool) -> Any:
        with shell.context() as patched:
            patched.setattr(os, "execve", become)
            patched.setattr(sys, "argv", ["c2o", *arguments])
            if quickly:
                patched.setattr("c2o.__main__._with_typer", lambda: pytest.fail(f"left to Typer: {arguments}"))
            else:
                patched.setattr(quick, "COMMANDS", {})
            try:
                main()
            except SystemExit as ending:
                return ending.code or 0, *capfd.readouterr()
            except Became as became:
                return *became.args, *capfd.readouterr()
        raise AssertionError("it ends")

    return ended


def same(outcome: Callable[..., Any], *arguments: str) -> Any:
    """The outcome of both, which is one."""
    by_typer = outcome(list(arguments), quickly=False)
    quickly = outcome(list(arguments), quickly=True)
    assert without_time(quickly) == without_time(by_typer), arguments
    return quickly


def without_time(outcome: Any) -> Any:
    """Two looks at a service that runs differ in its age."""
    return [
        re.sub(r'"uptime": [\d.]+|running[^ ]* (\d+ m )?\d+ s', "…", each) if isinstance(each, str) else each
        for each in outcome
    ]


def left(*arguments: str) -> bool:
    """Is it left to Typer?  What it says otherwise isn't shown."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        return quick.answer(list(arguments)) is None


# ---- the same


@pytest.mark.parametrize("name", ["run", "env", "status"])
def test_each_option_is_known(name: str) -> None:
    """Whoever adds one decides whether it is answered quickly."""
    parameters = typer.main.get_command(app).commands[name].params  # type: ignore[attr-defined]
    options = {option for each in parameters for option in each.opts if option.startswith("-")}
    assert options == OPTIONS[name]


OPTIONS = {
    "run": {"--model", "--upstream", "--no-start", "--json"},
    "env": {"--model", "--upstream", "--no-start", "--json", "--shell", "--format"},
    "status": {"--json"},
}

WORDS = [(), ("--shell", "bash"), ("--shell=fish",), ("--shell", "bash", "--shell", "pwsh")]
FORMATS = [(), ("--format", "dotenv"), ("--format=json",), ("--format", "vscode"), ("--format", "shell")]
MODELS = [(), ("--model", "special"), ("--upstream", "fake"), ("--model=opus", "--upstream", "fake")]
OTHERS = [(), ("--json",), ("--no-start",), ("--",)]


def test_env_says_the_same_with_each_option(outcome: Callable[..., Any]) -> None:
    for option in (*WORDS, *FORMATS[1:], *OTHERS[1:]):
        code, out, err = same(outcome, "env", *option)
        assert (code, TOKEN in out, err) == (0, True, "")


@pytest.mark.slow
@pytest.mark.parametrize("models", MODELS, ids=" ".join)
def test_env_says_the_same_with_all_options_together(outcome: Callable[..., Any], models: tuple[str, ...]) -> None:
    remember(load(paths.config_file()), *chosen(models))
    for words, format, others in itertools.product(WORDS, FORMATS, OTHERS):
        same(outcome, "env", *words, *models, *format, *others)


def chosen(models: tuple[str, ...]) -> tuple[str | None, str | None]:
    options, _ = client._options(list(models), ("--model", "--upstream"))
    return options.get("--model"), options.get("--upstream")


ODD_SHELLS: list[dict[str, str]] = [
    {"SHELL": "/usr/bin/fish"},
    {"NO_PROXY": 'intranet,it\'s,"quoted",$HOME,`id`,back\\slash,*,%PATH%', "no_proxy": " a , ,b"},
    {"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_UNIX_SOCKET": "/tmp/x", "ANTHROPIC_CUSTOM_HEADERS": "x: y"},
    {
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "5",
        "C2O_SUGGESTED": "CLAUDE_CODE_MAX_CONTEXT_TOKENS=5 GONE=1 odd",
        "GONE": "1",
    },
    {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "7", "ANTHROPIC_API_KEY": "sk-ant-1", "ANTHROPIC_MODEL": "claude-x"},
    {"NO_PROXY": "ünïcode.example,日本"},
]


@pytest.mark.parametrize("variables", ODD_SHELLS, ids=str)
def test_env_and_run_keep_the_same_of_a_shell(
    outcome: Callable[..., Any], shell: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        shell.setenv(name, value)
    same(outcome, "env")
    same(outcome, "env", "--format", "dotenv")
    same(outcome, "env", "--json")
    same(outcome, "run", "true")


@pytest.mark.parametrize("models", MODELS, ids=" ".join)
def test_run_becomes_the_same(outcome: Callable[..., Any], command: CommandLine, models: tuple[str, ...]) -> None:
    remember(load(paths.config_file()), *chosen(models))
    file, arguments, environment, out, err = same(outcome, "run", *models, "env", "--json", "--", "-x", "")
    assert (Path(file).name, arguments, out, err) == ("env", ["env", "--json", "--", "-x", ""], "", "")
    assert environment["ANTHROPIC_BASE_URL"] == command.service().url
    for options in (("--json",), ("--no-start",), ("--",), ("--no-start", "--json", "--")):
        same(outcome, "run", *models, *options, "true")


def test_run_finds_the_same_program(
    outcome: Callable[..., Any], shell: pytest.MonkeyPatch, command: CommandLine
) -> None:
    here = Path.cwd()
    for name, mode in (("tool", 0o755), ("notes.txt", 0o644), ("claude", 0o755)):
        (here / name).write_text("#!/bin/sh\n")
        (here / name).chmod(mode)
    (here / "folder" / "true").mkdir(parents=True, exist_ok=True)
    assert same(outcome, "run", "./tool")[0] == "./tool"
    assert same(outcome, "run", str(here / "tool"))[0] == str(here / "tool")
    shell.setenv("PATH", f"{here}/folder:{here}/nowhere::{here}:/usr/bin:/bin")
    assert same(outcome, "run", "tool")[0] == "tool", "an empty entry is the current folder"
    assert same(outcome, "run", "true")[0] in ("/usr/bin/true", "/bin/true"), "a folder is no program"
    assert same(outcome, "run")[1] == ["claude"]
    assert same(outcome, "run", "--", "claude", "-p", "hi")[1] == ["claude", "-p", "hi"]
    shell.delenv("PATH")
    same(outcome, "run", "true")
    for arguments in ([str(here / "notes.txt")], [str(here / "folder")], ["no-such-program"], [""], ["-"]):
        assert left("run", *arguments), arguments
    shell.setenv("PATH", "")
    assert left("run", "true")


@pytest.mark.parametrize("variables", [{}, {"CLICOLOR_FORCE": "1"}, {"NO_COLOR": "1"}], ids=str)
def test_status_says_the_same(
    outcome: Callable[..., Any], shell: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        shell.setenv(name, value)
    code, out, _ = same(outcome, "status")
    assert (code, "fake-model" in out, "\x1b[" in out) == (0, True, "CLICOLOR_FORCE" in variables)
    same(outcome, "status", "--json")
    same(outcome, "status", "--json", "--json")


def settings(path: Path, **env: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"env": env, "model": "opus"}))


def test_status_says_the_same_of_clients_settings(
    outcome: Callable[..., Any], shell: pytest.MonkeyPatch, command: CommandLine
) -> None:
    own, local = paths.claude_settings_file(), paths.claude_local_settings_file(Path.cwd())
    shell.setenv("ANTHROPIC_BASE_URL", "https://elsewhere.example")
    assert "shell → another place" in same(outcome, "status")[1]
    settings(local, ANTHROPIC_BASE_URL="https://gateway.example")
    assert "settings.local.json → another place" in same(outcome, "status")[1]
    settings(own, CLAUDE_CODE_USE_VERTEX="true")
    assert "~/.claude/settings.json → another place" in same(outcome, "status")[1]
    settings(local, CLAUDE_CODE_USE_VERTEX="", ANTHROPIC_BASE_URL="")
    shell.setenv("CLAUDE_CODE_USE_VERTEX", "1")
    same(outcome, "status", "--json")
    local.unlink()
    own.unlink()
    shell.delenv("CLAUDE_CODE_USE_VERTEX")
    shell.delenv("ANTHROPIC_BASE_URL")
    assert command("claude", "on", "--force").exit_code == 0
    assert "~/.claude/settings.json → c2o" in same(outcome, "status")[1]
    shell.chdir(command.home)
    same(outcome, "status", "--json")
    same(outcome, "run", "true")
    settings(local, ANTHROPIC_BASE_URL="http://127.1:80")
    assert command("claude", "off").exit_code == 0
    local.unlink()


@pytest.mark.parametrize("text", ["{", "[]", '{"env": 3}', '{"env": {"A": 1}}', '{"env": {"A": "", "A": ""}}', "\xff"])
def test_odd_settings_are_left(shell: pytest.MonkeyPatch, text: str) -> None:
    path = paths.claude_settings_file()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode("latin-1"))
    try:
        assert left("status")
        path.write_text("\ufeff{}")
        assert not left("status"), "a mark at its start is none"
    finally:
        path.unlink()


@pytest.mark.slow
def test_settings_that_say_otherwise_are_left_when_claude_is_run(
    outcome: Callable[..., Any], shell: pytest.MonkeyPatch, command: CommandLine
) -> None:
    """Claude Code needs more than variables then."""
    claude = Path.cwd() / "claude"
    claude.write_text("#!/bin/sh\n")
    claude.chmod(0o755)
    command("claude", "on", "--force")
    own = paths.claude_settings_file()
    try:
        same(outcome, "run", str(claude))
        own.write_text(own.read_text().replace("MAX_CONTEXT_TOKENS=200000", "MAX_CONTEXT_TOKENS=5"))
        assert left("run", str(claude))
        same(outcome, "run", "true")
    finally:
        command("claude", "off")
        own.unlink(missing_ok=True)


def test_an_organisation_s_settings_that_lead_elsewhere_are_left(
    shell: pytest.MonkeyPatch, tmp_path: Path, outcome: Callable[..., Any]
) -> None:
    shell.setattr("c2o.prompt.settings._MANAGED", {sys.platform: str(tmp_path)})
    shell.setattr("c2o.paths._MANAGED", {sys.platform: tmp_path})
    settings(tmp_path / "managed-settings.d" / "10-more.json", OTHER="1")
    same(outcome, "run", "true")
    same(outcome, "status", "--json")
    settings(tmp_path / "managed-settings.d" / "20-more.json", ANTHROPIC_BASE_URL="https://gateway.example")
    settings(tmp_path / "managed-settings.json", ANTHROPIC_BASE_URL="https://other.example")
    assert left("run", "true")
    assert "20-more.json" in same(outcome, "status", "--json")[1]


# ---- left to Typer


@pytest.mark.parametrize(
    "line",
    [
        *("", "-h", "--help", "--version x", "--version status", "start", "no-such-command"),
        *("status -h", "status --jso", "status x", "status --", "status --json=1"),
        *("env --shell", "env --shell zsh", "env --format yaml", "env x", "env -- x", "env --watch"),
        *("env --model", "env --model -x", "env --model=", "env --no-start=1"),
        *("run --model", "run --model= true", "run --help", "run --shell bash true", "run -x true"),
        *("run --model never-asked-for true", "run -- --no-such-program"),
    ],
)
def test_what_is_not_known_is_left(shell: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], line: str) -> None:
    shell.setattr(os, "execve", lambda *_: pytest.fail("it became a program"))
    assert quick.answer(line.split()) is None
    assert capfd.readouterr() == ("", "")


def test_what_was_left_is_remembered(command: CommandLine, shell: pytest.MonkeyPatch) -> None:
    assert left("env", "--model", "another")
    said = command("env", "--model", "another").out
    assert said
    assert not left("env", "--model", "another")


# ---- never of yesterday


@pytest.fixture
def file(shell: pytest.MonkeyPatch) -> Iterator[Path]:
    """``quick.json``, as it was left; after the test it is so again."""
    path = paths.state_dir() / memory.FILE
    before = path.read_bytes()
    assert not left("env")
    yield path
    path.unlink(missing_ok=True)
    path.write_bytes(before)
    path.chmod(0o600)


def test_another_configuration_is_left(command: CommandLine, file: Path) -> None:
    path = paths.config_file()
    before, times = path.read_bytes(), path.stat()
    try:
        path.write_bytes(before.replace(b"fake-model", b"real-model"))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert left("env"), "of the same size, time and name"
        assert left("status")
        assert command("run", "true").err == "", "the service has followed"
        assert not left("env")
        path.unlink()
        assert left("env")
    finally:
        path.write_bytes(before)
        path.chmod(0o600)
    command("run", "true")
    assert not left("env")


def test_what_was_learned_since_is_told(outcome: Callable[..., Any], command: CommandLine, file: Path) -> None:
    fact = Fact(
        upstream="fake",
        model="fake-model",
        base_url=facts.address(DEAD),
        fact="context_window:54321",
        learned_at=facts.now(),
    )
    path = paths.state_dir() / memory.LEARNED
    try:
        facts.add(path, [fact], facts.now())
        assert left("env")
        assert left("status")
        command("env")
        assert "CONTEXT_TOKENS=54321" in same(outcome, "env")[1]
        assert "1 fact about upstreams" in same(outcome, "status")[1]
        path.write_text("nonsense")
        assert left("env")
    finally:
        path.unlink(missing_ok=True)


def test_what_is_about_to_be_too_old_is_not_remembered(shell: pytest.MonkeyPatch, file: Path) -> None:
    path = paths.state_dir() / memory.LEARNED
    old = facts.now() - facts.KEPT_FOR + facts.timedelta(hours=1)
    fact = Fact(upstream="fake", model="m", base_url=facts.address(DEAD), fact="drop:x", learned_at=old)
    try:
        facts.write(path, [fact])
        remember(load(paths.config_file()))
        assert left("env")
    finally:
        path.unlink()


@pytest.mark.parametrize("days", [-1, 1.01])
def test_it_holds_for_a_day(shell: pytest.MonkeyPatch, file: Path, days: float) -> None:
    now = time.time()
    shell.setattr(memory.time, "time", lambda: now + days * 86400)
    assert left("env")


def test_another_version_or_installation_is_left(shell: pytest.MonkeyPatch, file: Path) -> None:
    with shell.context() as patched:
        patched.setattr(package, "__version__", "9.9.9")
        assert left("env")
    shell.setattr(package, "__file__", "/elsewhere/c2o/__init__.py")
    assert left("env")


def test_another_place_of_the_configuration_is_left(shell: pytest.MonkeyPatch, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_bytes(paths.config_file().read_bytes())
    shell.setenv("C2O_CONFIG", str(other))
    assert left("env")


def _give_away(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 12345, -1)


def _link(path: Path) -> None:
    path.rename(path.with_name("real"))
    path.symlink_to("real")


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "absent": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "another kind": lambda path: path.write_text("[1, 2]"),
    "nested": lambda path: path.write_text("[" * 100_000),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "nothing in it": lambda path: path.write_text("{}"),
    "huge": lambda path: path.write_bytes(path.read_bytes() + b" " * home.LARGEST),
    "for others to read": lambda path: path.chmod(0o644),
    "of another user": _give_away,
    "a link": _link,
    "a pipe": _pipe,
}


@pytest.fixture
def own_file(file: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """One of the files that are read; after the test it is as before."""
    path = file.with_name(request.param)
    before = path.read_bytes()
    yield path
    path.unlink(missing_ok=True)
    path.with_name("real").unlink(missing_ok=True)
    path.write_bytes(before)
    path.chmod(0o600)
    assert not left("env")


@pytest.mark.parametrize("own_file", ["quick.json", "service.json"], indirect=True)
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_left(own_file: Path, damage: str) -> None:
    DAMAGE[damage](own_file)
    for command in (["env"], ["status"], ["run", "true"]):
        assert left(*command)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"c2o.quick/1"', '"c2o.quick/9"'), ('"token"', '"toke"'), ('"token":[', '"token":[1,'), ('"since"', '"sinse"')],
)
def test_a_file_of_another_shape_is_left(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    assert left("env")
    assert left("status")


def test_what_the_status_has_and_quick_does_not_know_is_left(file: Path) -> None:
    """A field that somebody adds is Typer's to show, until quick knows it."""
    file.write_text(file.read_text().replace('"status":[', '"status":["news",'))
    assert left("status")
    assert not left("env")


# ---- a service that isn't there, or isn't ours


CHANGES = [
    {"draining": 1},
    {"version": "0.0.9"},
    {"host": "192.0.2.1"},
    {"port": 1},
    {"port": "x"},
    {"config_digest": ""},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_service_that_is_not_as_it_should_be_is_left(file: Path, change: dict[str, Any]) -> None:
    path = instance.state_file()
    before = path.read_text()
    path.write_text(json.dumps({**json.loads(before), **change}))
    try:
        assert left("env")
        assert left("status")
    finally:
        path.write_text(before)


def test_without_the_lock_there_is_no_service(shell: pytest.MonkeyPatch, file: Path) -> None:
    """A killed one has left its file behind."""
    shell.setattr(service, "_held", lambda _: False)
    assert left("env")


def test_a_lock_is_looked_at_as_others_do(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with pytest.raises(FileNotFoundError):
        service._held(str(path))
    with instance.Lock(path) as lock:
        lock.acquire()
        assert service._held(str(path))
    assert not service._held(str(path))
    assert instance.Lock(path).acquire(), "looking doesn't hold it"


ANSWERS = [
    b'HTTP/1.1 200 OK\r\ncontent-length: 38\r\n\r\n{"name":"c2o","answer":"0123456789abcd"}',
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\n\r\n{}",
    b"HTTP/1.1 404 No\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{",
    b"HTTP/1.1 200 OK\r\nendless: " + b"x" * 2 * service.LARGEST,
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"",
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer[:24])
def test_a_stranger_on_the_port_never_gets_the_token(file: Path, answer: bytes) -> None:
    path = instance.state_file()
    before = path.read_text()
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        path.write_text(json.dumps({**json.loads(before), "port": stranger.getsockname()[1]}))
        script = "import sys; from c2o import quick; sys.exit(42 if quick.answer(['status']) is None else 0)"
        with subprocess.Popen([sys.executable, "-c", script], env=dict(os.environ)) as asking:
            connection, _ = stranger.accept()
            with connection:
                heard = connection.recv(65536)
                with suppress(ConnectionError):  # it may have heard enough
                    connection.sendall(answer)
                    connection.shutdown(socket.SHUT_WR)
                    while data := connection.recv(65536):
                        heard += data
            assert asking.wait(30) == 42
    path.write_text(before)
    assert heard.startswith(b"GET /health?challenge=")
    assert heard.count(b"GET") == 1
    assert TOKEN.encode() not in heard


def test_a_service_that_says_nothing_is_left_soon(command: CommandLine, file: Path, shell: pytest.MonkeyPatch) -> None:
    there = command.service()
    shell.setattr(service, "PATIENCE", 0.3)
    os.kill(there.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert left("env")
        assert time.monotonic() - began < 15
    finally:
        os.kill(there.pid, signal.SIGCONT)


@pytest.mark.slow
@pytest.mark.parametrize("host", ["::1", "::", "0.0.0.0", "localhost"])
def test_wherever_it_listens_it_is_found(
    c2o: CommandLine, host: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    configured = configuration(DEAD)
    configured["server"] |= {"host": host, "allow_remote": True}
    c2o.configure(configured)
    c2o("start")
    usual = c2o("env", "--json", "--model", "another").json
    for name, value in c2o.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(service, "PATIENCE", 20.0)
    assert quick.answer(["env", "--json", "--model", "another"]) == 0
    quickly = json.loads(capfd.readouterr().out)["env"]
    assert quickly["ANTHROPIC_BASE_URL"] == usual["env"]["ANTHROPIC_BASE_URL"] == c2o.service().url
    assert quick.answer(["status"]) == 0


def test_click_s_own_completion_is_left(shell: pytest.MonkeyPatch) -> None:
    shell.setenv("_C2O_COMPLETE", "bash_source")
    assert left("status")


# ---- what is written twice, because pathlib and OpenSSL are slow to load


@pytest.mark.parametrize(
    "variables",
    [
        {"C2O_HOME": ""},
        {"C2O_HOME": "", "XDG_CONFIG_HOME": "/x/config", "XDG_STATE_HOME": "/x/state"},
        {"C2O_HOME": "/opt/c2o"},
        {"C2O_CONFIG": "/etc/c2o.toml"},
        {"CLAUDE_CONFIG_DIR": "/opt/claude"},
        {"C2O_HOME": "~/c2o"},
        {"C2O_HOME": "c2o"},
        {"C2O_HOME": "/opt//c2o/"},
        {"C2O_HOME": "", "HOME": "/"},
        {"C2O_HOME": "", "XDG_STATE_HOME": "relative"},
        {"C2O_CONFIG": "/etc/../c2o.toml"},
    ],
    ids=str,
)
def test_files_are_where_they_are_for_all(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    from c2o.prompt import settings  # noqa: PLC0415 - its name is another function's here

    for name, value in {"HOME": "/home/someone", **variables}.items():
        monkeypatch.setenv(name, value)
    pairs: list[tuple[Callable[[], str], Callable[[], Path]]] = [
        (home.config_file, paths.config_file),
        (lambda: home.state_file("x"), lambda: paths.state_dir() / "x"),
        (home.log_file, paths.log_file),
        (settings.user_file, paths.claude_settings_file),
    ]
    for quickly, usual in pairs:
        try:
            found = quickly()
        except home.Unsure:
            continue
        assert found == str(usual())


def test_usual_places_are_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("C2O_HOME")
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/someone")
    assert home.config_file() == str(paths.config_file())
    assert home.state_file("x") == str(paths.state_dir() / "x")


def test_places_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("XDG_")] + ["C2O_HOME"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/Users/someone")
    usual = MacOS("c2o", appauthor=False)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "platform", "darwin")
        found = [home.config_file(), home.state_file("x"), home.log_file()]
    assert found == [
        f"{usual.user_config_dir}/config.toml",
        f"{usual.user_state_dir}/x",
        f"{usual.user_log_dir}/c2o.log",
    ]


@pytest.mark.parametrize("length", [0, 1, 31, 63, 64, 65, 200])
def test_the_proof_is_an_hmac(length: int) -> None:
    key, message = os.urandom(length), os.urandom(100)
    assert digest.keyed(key, message) == hmac.new(key, message, "sha256").hexdigest()
    assert digest.of(message) == hashlib.sha256(message).hexdigest()


# ---- clients at work

IDLE = "import time\nprint('ready', flush=True)\ntime.sleep(60)"

CONNECTED = f"import socket\nhere = socket.create_connection(('127.0.0.1', {{}}))\n{IDLE}"

PARENT = "import subprocess\nsubprocess.run([{!r}, '-c', {!r}])"


@contextmanager
def program(name: list[str], script: str, **environ: str) -> Iterator[None]:
    """A process that the system lists under this name."""
    process = subprocess.Popen(
        [*name, "-c", script], executable=sys.executable, env=environ, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_clients_are_counted_as_by_psutil(command: CommandLine, shell: pytest.MonkeyPatch, tmp_path: Path) -> None:
    there = command.service()
    led = tmp_path / ".claude" / "settings.json"
    settings(led, X="1")
    files = {str(led)}

    def counts() -> list[int]:
        usual = len(sessions.attached(there.port, [Path(each) for each in files]))
        return [usual, quick_sessions.attached(there.host, there.port, files, alone=False)]

    connected = CONNECTED.format(there.port)
    assert counts() == [0, 0]
    with program(["claude"], IDLE, ANTHROPIC_BASE_URL=there.url):
        assert counts() == [1, 1]
        assert quick_sessions.attached(there.host, there.port, files, alone=True) == 1
        with (
            program(["python"], connected),
            program(["claude.exe"], PARENT.format(sys.executable, connected), HOME=str(tmp_path)),
        ):
            assert counts() == [3, 3]
    with program(["claude"], IDLE, ANTHROPIC_BASE_URL=f"http://127.0.0.1:{there.port + 1}", HOME="/nowhere"):
        assert counts() == [0, 0]
    with program(["python"], connected):
        assert quick_sessions.attached(there.host, there.port, files, alone=True) == 0, "it wasn't looked"
        assert "1 live session" in command("status").out


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_an_address_that_may_be_written_in_another_way_is_left() -> None:
    with pytest.raises(home.Unsure):
        quick_sessions._leads_to("http://user@127.0.0.1:8226", 8226)
    assert not quick_sessions._leads_to("https://elsewhere.example", 8226)


# ---- as a process

STDLIB = {
    *("__future__", "_collections", "_functools", "_json", "_operator", "_sha2", "_sha256", "_socket", "_sre", "array"),
    *(
        "atexit",
        "collections",
        "copyreg",
        "enum",
        "errno",
        "fcntl",
        "functools",
        "itertools",
        "json",
        "keyword",
        "math",
    ),
    *("operator", "re", "reprlib", "select", "selectors", "shlex", "signal", "socket", "types"),
}
"""Besides what an interpreter has loaded before it begins."""

OURS = {"quick", "__main__", "prompt", "become", "env_text", "shown", "status_lines", "variables"}

RUN = """
import os, sys
before = set(sys.modules)
def show(*_):
    sys.stderr.write(' '.join(set(sys.modules) - before))
    sys.stderr.flush()
    os._exit(0)
os.execve = show
from c2o.prompt import service
service.PATIENCE = 20.0
import atexit; atexit.register(show)
sys.argv = {!r}
from c2o.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "line",
    ["--version", "status", "status --json", "env", "env --json", "env --format vscode", "run true", "run sh -c true"],
)
def test_it_loads_next_to_nothing(command: CommandLine, shell: pytest.MonkeyPatch, line: str) -> None:
    script = RUN.format(["c2o", *line.split()])
    done = subprocess.run(
        [sys.executable, "-c", script], env=dict(os.environ), capture_output=True, text=True, timeout=60
    )
    loaded = set(done.stderr.split())
    assert "c2o.quick" in loaded, done.stderr
    strangers = {name for name in loaded if name.split(".")[0] not in STDLIB | {"c2o"}}
    assert strangers == set()
    assert {name.split(".")[1] for name in loaded if name.startswith("c2o.")} <= OURS


def test_the_closed_end_of_a_pipe_is_minded_quietly(command: CommandLine) -> None:
    for line in (["env"], ["env", "--json"], ["status"], ["status", "--json"], ["--version"]):
        reader, writer = os.pipe()
        os.close(reader)
        arguments = [sys.executable, "-m", "c2o", *line]
        done = subprocess.run(arguments, env=command.environment(), stdout=writer, stderr=subprocess.PIPE, timeout=60)
        os.close(writer)
        assert (done.returncode, done.stderr) == (1, b""), line


def test_what_the_system_refuses_is_told(command: CommandLine) -> None:
    script = command.home / "script"
    script.write_text("true\n")
    script.chmod(0o755)
    done = command("run", str(script))
    assert (done.exit_code, "no program that this system knows" in done.err, "Traceback" in done.err) == (
        126,
        True,
        False,
    )


def test_symbols_become_ascii_where_there_are_no_others(command: CommandLine) -> None:
    out = command("status", PYTHONIOENCODING="ascii").out
    assert out.startswith("* c2o")
    assert "default -> fake/fake-model" in out


ROUNDS = 15

TIMES = {
    ("--version",): 4,
    ("status",): 4,
    ("status", "--json"): 4,
    ("env",): 4,
    ("env", "--json"): 4,
    ("run", "true"): 5,
    ("run", "--no-start", "--", "true"): 5,
}
"""How many times as long as ``python -c pass`` a command may take."""


@pytest.mark.slow
@pytest.mark.parametrize("clients", [0, 1])
def test_it_takes_few_times_as_long_as_python_itself(
    command: CommandLine, shell: pytest.MonkeyPatch, clients: int
) -> None:
    """The least of many rounds, in each of which all take their turn: processor time, so that others don't matter.

    A client that is connected is looked for in the system's table of connections.
    """
    with ExitStack() as connected:
        for _ in range(clients):
            connected.enter_context(socket.create_connection(command.service().address))
        _measure()


def _measure() -> None:
    script = Path(sys.executable).with_name("c2o")
    assert script.exists(), "c2o is installed where the tests run"
    commands = {("python",): [sys.executable, "-c", "pass"], **{line: [str(script), *line] for line in TIMES}}
    least = dict.fromkeys(commands, float("inf"))
    for _ in range(ROUNDS):
        for line, arguments in commands.items():
            least[line] = min(least[line], processor_time(arguments))
    ratios = {line: round(least[line] / least[("python",)], 1) for line in TIMES}
    assert {line: ratio for line, ratio in ratios.items() if ratio > TIMES[line]} == {}, ratios


def processor_time(arguments: list[str]) -> float:
    """Seconds that a command took of the processor."""
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime
