"""``c2o env``: what it prints means the same in every shell, whatever is in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.clients.service import TOKEN
from tests.command_line import CommandLine

NASTY = 'intranet,it\'s,"quoted",$HOME,`id`,back\\slash,*,%PATH%'
"""As a NO_PROXY, which is passed on with our hosts added."""

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


def in_shell(shell: list[str], lines: str, outer: dict[str, str]) -> dict[str, str]:
    """The environment of a program that is started in a shell after these lines."""
    script = f"{lines}\n'{sys.executable}' -c '{SHOW}'\n"
    done = subprocess.run([*shell, script], env=outer, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, ""), done
    inner: dict[str, str] = json.loads(done.stdout)
    return inner


SHELLS = {
    "sh": (["sh", "-c"], "bash"),
    "bash": (["bash", "-c"], "bash"),
    "zsh": (["zsh", "-f", "-c"], "bash"),
    "fish": (["fish", "--no-config", "-c"], "fish"),
    "pwsh": (["pwsh", "-NoProfile", "-Command"], "pwsh"),
}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_sets_what_is_meant(configured: CommandLine, shell: str) -> None:
    command, words = SHELLS[shell]
    if not shutil.which(command[0]):
        pytest.skip(f"there is no {shell} here")
    outer = configured.environment(NO_PROXY=NASTY, CLAUDE_CODE_USE_BEDROCK="1", ANTHROPIC_UNIX_SOCKET="/tmp/x")
    variables = {name: outer[name] for name in ("NO_PROXY", "CLAUDE_CODE_USE_BEDROCK", "ANTHROPIC_UNIX_SOCKET")}
    told = configured("env", "--json", **variables).json
    lines = configured("env", "--shell", words, **variables).out

    inner = in_shell(command, lines, outer)

    assert {name: inner.get(name) for name in told["env"]} == told["env"]
    assert told["unset"] == ["CLAUDE_CODE_USE_BEDROCK", "ANTHROPIC_UNIX_SOCKET"]
    assert not set(told["unset"]) & set(inner)
    assert inner["NO_PROXY"] == f"{NASTY},127.0.0.1,localhost,::1"


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("fish", "set -gx ANTHROPIC_AUTH_TOKEN 'x\\\\y\\'z'"),
        ("pwsh", "$env:ANTHROPIC_AUTH_TOKEN = 'x\\y''z'"),
        ("bash", """export ANTHROPIC_AUTH_TOKEN='x\\y'"'"'z'"""),
    ],
)
def test_quoting(c2o: CommandLine, shell: str, line: str) -> None:
    """Also for shells that aren't here."""
    c2o.configure(
        {
            "server": {"auth_token": "x\\y'z", "port": 0},
            "upstreams": {"up": {"base_url": "http://127.0.0.1:9"}},
            "models": {"default": "up/m"},
        }
    )
    assert line in c2o("env", "--shell", shell).out.splitlines()


@pytest.mark.parametrize(("login", "line"), [("/usr/bin/fish", "set -gx "), ("/bin/bash", "export "), ("", "export ")])
def test_without_an_option_it_speaks_the_shell_that_one_has(configured: CommandLine, login: str, line: str) -> None:
    assert configured("env", SHELL=login).out.startswith(line)


def test_a_dotenv_file_is_bare_where_it_can_be(configured: CommandLine) -> None:
    """``docker --env-file`` takes quotes for a part of the value."""
    lines = configured("env", "--format", "dotenv", CLAUDE_CODE_USE_BEDROCK="1", NO_PROXY='a,"b"').out.splitlines()
    there = configured.service()
    assert f"ANTHROPIC_AUTH_TOKEN={TOKEN}" in lines
    assert f"ANTHROPIC_BASE_URL={there.url}" in lines
    assert "ANTHROPIC_API_KEY=" in lines
    assert "CLAUDE_CODE_USE_BEDROCK=" in lines, "it can't be taken away, but emptied"
    assert 'NO_PROXY="a,\\"b\\",127.0.0.1,localhost,::1"' in lines


def test_the_format_json_is_the_option_json(configured: CommandLine) -> None:
    assert configured("env", "--format", "json").json == configured("env", "--json").json


def test_a_model_and_an_upstream_can_be_chosen(configured: CommandLine) -> None:
    told = configured("env", "--json", "--model", "special").json["env"]
    assert told["ANTHROPIC_MODEL"] == "c2o-claude/fake/special"
    assert configured("env", "--upstream", "nowhere").exit_code == 2


def test_no_start_starts_nothing(configured: CommandLine) -> None:
    done = configured("env", "--no-start")
    assert (done.exit_code, done.out, "c2o start" in done.err) == (3, "", True)


def test_twice_is_the_same(configured: CommandLine) -> None:
    """In a shell that has them already."""
    once = configured("env", "--json").json
    outer = {name: value for name, value in once["env"].items() if name not in os.environ}
    assert configured("env", "--json", **outer).json == once


def test_what_goes_into_vs_code_is_json_but_for_its_comments(configured: CommandLine) -> None:
    printed = configured("env", "--format", "vscode", CLAUDE_CODE_USE_BEDROCK="1").out
    comments = [line for line in printed.splitlines() if line.startswith("//")]
    assert "settings.json" in comments[1]
    settings = json.loads("{" + "\n".join(line for line in printed.splitlines() if line not in comments) + "}")
    assert settings["claudeCode.disableLoginPrompt"] is True
    variables = {each["name"]: each["value"] for each in settings["claudeCode.environmentVariables"]}
    assert variables["CLAUDE_CODE_USE_BEDROCK"] == ""
    assert variables["ANTHROPIC_BASE_URL"] == configured.service().url
    del variables["CLAUDE_CODE_USE_BEDROCK"]
    assert variables == configured("env", "--json").json["env"]
