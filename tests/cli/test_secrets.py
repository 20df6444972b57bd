"""Eight secrets, and everything that c2o writes, says and passes on: none of it may hold a piece of one."""

from __future__ import annotations

import base64
import io
import json
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import psutil
import pytest

from c2o.cli.trace.answer import told
from tests import fake_upstream as fake
from tests.clients.service import configuration
from tests.command_line import CommandLine, Result
from tests.fake_upstream import FakeUpstream, Request, Scripted, error
from tests.translate.talk import tool

CANARIES = {
    "env": "nvapi-CANARY1env7Qz4Lw9XkTm2",
    "file": "sk-CANARY2file8Rb5Ny3VcGp6Jd",
    "command": "gsk_CANARY3cmd1Ht6Zs9FqWx4Km",
    "literal": "sk-or-CANARY4lit2Yg7Pd5BnRv8",
    "token": "c2o-CANARY5tok3Uj9Mk4CsEw7Lh",
    "header": "CANARY6hdr6Fv2Xb8QaZt5Nc1Rm",
    "x-api-key": "sk-ant-CANARY7key9Dw3Gs6JpVy2",
    "bearer": "CANARY8brr4Kz7Hm1TfBq5Xn9Ls",
}

BASH = tool("Bash", {"command": {"type": "string"}})

CONFIGURED = ("env", "file", "command", "literal", "token", "header")
"""The others are what a client comes with."""

PIECE = 12
"""Characters that are too much."""


def forms(secret: str) -> Iterator[str]:
    """A secret's pieces, in plain and in base64 wherever it begins."""
    encoded = (base64.b64encode(b" " * offset + secret.encode()).decode()[4:-4] for offset in range(3))
    for text in (secret[secret.find("CANARY") :], *encoded):
        yield from (text[at : at + PIECE] for at in range(len(text) - PIECE + 1))


def leaks(text: str) -> list[str]:
    return sorted({name for name, secret in CANARIES.items() for form in forms(secret) if form in text})


@pytest.fixture
def guarded(c2o: CommandLine, upstream: FakeUpstream, tmp_path: Path) -> CommandLine:
    """A service whose upstreams have keys of every kind, and repeat them in their errors."""
    (tmp_path / "key").write_text(CANARIES["file"] + "\n")
    (tmp_path / "give").write_text(f"#!/bin/sh\necho {CANARIES['command']}\n")
    (tmp_path / "give").chmod(0o700)
    kinds = {
        "env": "env:CANARY_KEY",
        "file": f"file:{tmp_path / 'key'}",
        "command": f"command:{tmp_path / 'give'}",
        "literal": CANARIES["literal"],
    }
    tables = configuration(upstream.base_url)
    tables["server"]["auth_token"] = CANARIES["token"]
    tables["upstreams"] = {
        name: {"base_url": upstream.base_url, "api_key": key, "headers": {"x-gateway": CANARIES["header"]}}
        for name, key in kinds.items()
    }
    tables["models"] = {"default": "env/fake-model"} | {name: f"{name}/fake-model" for name in kinds}
    c2o.configure(tables)
    c2o.variables["CANARY_KEY"] = CANARIES["env"]
    upstream.think(_repeats)
    settings = c2o.home / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"env": {"ANTHROPIC_AUTH_TOKEN": CANARIES["token"]}}))
    return c2o


def _repeats(request: Request) -> Scripted:
    """What upstreams do: they say which key it was, and which headers they saw."""
    shown = f"{request.headers.get('authorization')} {request.headers.get('x-gateway')}"
    return error(401, f"Incorrect API key provided: {shown}. It is {base64.b64encode(shown.encode()).decode()}")


def asked(
    url: str, model: str, stream: bool = False, content: str = "Hi", tools: tuple[Any, ...] = (), **headers: str
) -> str:
    """A request's answer, whatever it is, with its headers."""
    body = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": content}], "stream": stream}
    body |= {"tools": tools} if tools else {}
    request = urllib.request.Request(url + "/v1/messages", json.dumps(body).encode(), method="POST")
    for name, value in {"content-type": "application/json", **headers}.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return str(answer.headers) + answer.read().decode()
    except HTTPError as answer:
        return str(answer.headers) + answer.read().decode()


def commands_of(processes: list[psutil.Process]) -> str:
    return "\n".join(" ".join(process.cmdline()) for process in processes)


def written(folder: Path) -> dict[str, str]:
    """Every file of c2o's but those where secrets belong: the configuration, and the running service's own token."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in ("config.toml", "service.token")]
    return {str(path): path.read_bytes().decode(errors="replace") for path in files}


def test_no_secret_leaves_its_place(guarded: CommandLine, tmp_path: Path) -> None:
    started = guarded("start", "--json")
    there = guarded.service()
    good = {"x_api_key": CANARIES["token"]}
    heard = [asked(there.url, model, **good) for model in ("env", "file", "command", "literal")]
    heard.append(asked(there.url, "env", x_api_key=CANARIES["x-api-key"]))
    heard.append(asked(there.url, "env", authorization=f"Bearer {CANARIES['bearer']}"))
    heard.append(
        asked(there.url, "env", **good, authorization=f"Bearer {CANARIES['bearer']}", cookie=CANARIES["bearer"])
    )
    assert [text for text in heard if '"type":"error"' not in text] == []
    processes = commands_of([psutil.Process(there.pid)])

    bundle = tmp_path / "report.zip"
    said = [
        started,
        guarded("status", "--json"),
        guarded("status"),
        guarded("doctor", "--json"),
        guarded("doctor", "--bundle", str(bundle)),
        guarded("learned", "--json"),
        guarded("claude", "status"),
        guarded("restart"),
        guarded("stop"),
    ]

    assert {"answers": leaks("\n".join(heard)), "processes": leaks(processes)} == {"answers": [], "processes": []}
    assert {index: leaks(each.out + each.err) for index, each in enumerate(said)} == {
        index: [] for index in range(len(said))
    }
    assert {path: leaks(text) for path, text in written(guarded.folder).items() if leaks(text)} == {}
    assert {name: leaks(text) for name, text in _contents(bundle).items() if leaks(text)} == {}


def _chats(request: Request) -> Scripted:
    """A model that has seen keys, and repeats its prompt: as text, encoded, in JSON, word by word, in a tool call; in
    pieces of any cut."""
    shown = f"{' '.join(CANARIES[name] for name in CONFIGURED)} {request.prompt}"
    said = [shown, base64.b64encode(shown.encode()).decode(), "\n" + json.dumps({"text": shown})]
    call = fake.tool_call(0, "call_1", "Bash", json.dumps({"command": f"echo {shown}"}))
    words = [fake.text(shown[at : at + 3]) for at in range(0, len(shown), 3)]
    raw = b"".join([*map(fake.text, said), *words, call, fake.finish("tool_calls"), fake.DONE])
    return fake.stream(*(raw[at : at + 7] for at in range(0, len(raw), 7)))


def test_no_secret_is_in_a_trace_or_what_is_made_of_it(
    guarded: CommandLine, upstream: FakeUpstream, tmp_path: Path
) -> None:
    """Prompts and answers are, keys are not: wherever they come from, and whoever says them."""
    guarded("start")
    guarded("trace", "on")
    there = guarded.service()
    everything = {f"x-{name}": secret for name, secret in CANARIES.items()} | {
        "x_api_key": CANARIES["token"],
        "authorization": f"Bearer {CANARIES['bearer']}",
        "cookie": CANARIES["header"],
    }
    heard = [asked(there.url, model, **everything) for model in ("env", "file", "command", "literal")]
    assert [text for text in heard if '"type":"error"' not in text] == []
    upstream.think(_chats)
    shown = " ".join([*CANARIES.values(), *(base64.b64encode(each.encode()).decode() for each in CANARIES.values())])
    asked(there.url, "env", stream=True, content=shown, tools=(BASH,), **everything)

    ids = [each["id"] for each in guarded("trace", "--json").json["traces"]]
    assert len(ids) == 5
    said = [guarded("trace", "show", ids[-1], "--full"), guarded("trace", "--json"), guarded("logs", "--json")]
    said += [guarded("trace", "replay", ids[-1], "--json")]
    made = tmp_path / "generic" / "case"
    assert guarded("trace", "export", ids[-1], "--to", str(made)).exit_code == 0

    assert {index: leaks(each.out + each.err) for index, each in enumerate(said)} == {index: [] for index in range(4)}
    assert {path: leaks(text) for path, text in written(guarded.folder).items() if leaks(text)} == {}
    assert {path: leaks(text) for path, text in written(made).items() if leaks(text)} == {}
    assert "***" in (made / "request.json").read_text()
    read = told(200, (made / "expected.sse").read_bytes(), None, None)
    assert leaks(read.text + "".join(read.calls)) == []


def test_a_bundle_has_what_a_report_needs(guarded: CommandLine, tmp_path: Path) -> None:
    guarded("start")
    bundle = tmp_path / "report.zip"
    done = guarded("doctor", "--no-probe", "--bundle", str(bundle))
    files = _contents(bundle)

    assert set(files) == {
        "doctor.json",
        "versions.json",
        "status.json",
        "config.toml",
        "claude-settings.json",
        "learned.json",
        "c2o.log",
    }
    assert all(name in done.err for name in files)
    assert bundle.stat().st_mode & 0o777 == 0o600
    assert 'api_key = "env:CANARY_KEY"' in files["config.toml"]
    assert 'auth_token = "***"' in files["config.toml"]
    assert json.loads(files["status.json"])["pid"] == guarded.service().pid
    assert json.loads(files["claude-settings.json"])
    assert str(guarded.home) not in "".join(files.values())


def test_a_bundle_overwrites_nothing(configured: CommandLine, tmp_path: Path) -> None:
    there = tmp_path / "mine.zip"
    there.write_text("mine")
    done: Result = configured("doctor", "--no-probe", "--bundle", str(there))
    assert (done.exit_code, there.read_text()) == (8, "mine")
    assert "is there already" in done.err


def test_a_bundle_of_a_broken_configuration(configured: CommandLine, tmp_path: Path) -> None:
    (configured.folder / "config.toml").write_text(f'key = "{CANARIES["literal"]}\n')
    configured("doctor", "--no-probe", "--bundle", str(tmp_path / "report.zip"))
    files = _contents(tmp_path / "report.zip")
    assert leaks("".join(files.values())) == []
    assert "not readable" in files["config.toml"]


def _contents(bundle: Path) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(bundle.read_bytes())) as opened:
        return {name: opened.read(name).decode() for name in opened.namelist()}


def test_no_secret_is_in_the_process_list_while_a_client_runs(guarded: CommandLine, tmp_path: Path) -> None:
    """Nor when settings are in its way, which are beaten on its command line."""
    claude = tmp_path / "bin" / "claude"
    claude.parent.mkdir()
    claude.write_text("#!/bin/sh\necho here\nwhile :; do sleep 0.1; done\n")
    claude.chmod(0o755)
    guarded("claude", "on", "--force")
    settings = guarded.home / ".claude" / "settings.json"
    settings.write_text(settings.read_text().replace("CONTEXT_TOKENS=200000", "CONTEXT_TOKENS=5"))
    with guarded.begin("run", str(claude), "-p", "Hi") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        shown = commands_of([psutil.Process(process.pid), psutil.Process(guarded.service().pid)])
        process.kill()
    assert f"{claude} --settings" in shown
    assert leaks(shown) == []


def test_env_prints_the_local_token_and_no_other_secret(guarded: CommandLine) -> None:
    """That one is what it is for."""
    done = guarded("env")
    assert leaks(done.out) == ["token"]
    assert leaks(done.err) == []
