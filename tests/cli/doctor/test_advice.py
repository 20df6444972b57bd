"""What doctor advises in words is followed here to the letter, and it helps."""

from __future__ import annotations

import json
import re
import shlex
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.init.test_command import works
from tests.clients.service import configuration
from tests.command_line import CommandLine
from tests.fake_upstream import FakeUpstream, Request, Scripted, error

SET = re.compile(r'set (?P<key>\w+)(?: = (?P<value>"[^"]*"|\d+))? under \[(?P<table>[^\]]+)\] in ')


def found(c2o: CommandLine, id: str) -> Any:
    """What doctor says of this id, unless all is well with it."""
    said = c2o("doctor", "--only", id, "--json").json
    return next((each for each in said["checks"] if each["id"] == id and each["level"] in ("fail", "warn")), None)


def advice(c2o: CommandLine, id: str) -> str:
    finding = found(c2o, id)
    assert finding, f"nothing is wrong with {id}"
    text: str = finding["fix"]["text"]
    return text


def follow_export(c2o: CommandLine, text: str, value: str = "") -> None:
    """``export NAME=VALUE``, where ``…`` stands for something that only the person knows."""
    exported = re.search(r"export (\w+)=(\S+?),?(?: and |$)", text)
    assert exported, text
    c2o.variables[exported[1]] = value if exported[2] == "…" else exported[2].rstrip(",")


def follow_set(c2o: CommandLine, text: str, value: str = "") -> None:
    """``set KEY = VALUE under [TABLE] in FILE``."""
    change = SET.search(text)
    assert change, text
    given = (change["value"] or value).strip('"')
    done = c2o("config", "set", f"{change['table']}.{change['key']}", given)
    assert done.exit_code == 0, done


def follow_unset(c2o: CommandLine, text: str) -> None:
    for name in shlex.split(text.partition("unset ")[2]):
        del c2o.variables[name]


def settings(c2o: CommandLine, **content: Any) -> Path:
    path = c2o.home / ".claude" / "settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    return path


# ---- the configuration


def test_a_key_is_exported(configured: CommandLine) -> None:
    configured.variables["FAKE_KEY"] = ""
    follow_export(configured, advice(configured, "config.key"), "sk-fake-0123456789")
    assert found(configured, "config.key") is None


def test_another_port_is_set(configured: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert configured("config", "set", "server.port", str(server.getsockname()[1])).exit_code == 0
        follow_set(configured, advice(configured, "port.foreign"))
        assert found(configured, "port.foreign") is None


def test_the_service_is_kept_to_this_machine(configured: CommandLine, upstream: FakeUpstream) -> None:
    tables = configuration(upstream.base_url)
    tables["server"] |= {"host": "0.0.0.0", "allow_remote": True}
    configured.configure(tables)
    follow_set(configured, advice(configured, "service.remote"))
    assert found(configured, "service.remote") is None


# ---- upstreams


def test_the_address_that_answers_is_set(configured: CommandLine, upstream: FakeUpstream) -> None:
    def there(request: Request) -> Scripted:
        return works(request) if request.path.startswith("/api/v1/") else error(404, "404 page not found")

    upstream.think(there)
    configured.configure(configuration(f"{upstream.url}/api"))
    follow_set(configured, advice(configured, "upstream.url"))
    assert found(configured, "upstream.url") is None


def test_a_valid_key_is_put_there(configured: CommandLine, upstream: FakeUpstream) -> None:
    def locked(request: Request) -> Scripted:
        valid = request.headers.get("authorization") == "Bearer sk-the-right-one"
        return works(request) if valid else error(401, "Incorrect API key")

    upstream.think(locked)
    assert "put a valid key there" in advice(configured, "upstream.key")
    configured.variables["FAKE_KEY"] = "sk-the-right-one"
    assert found(configured, "upstream.key") is None


def test_the_model_that_there_is_is_chosen(configured: CommandLine, upstream: FakeUpstream) -> None:
    def picky(request: Request) -> Scripted:
        known = request.json["model"] == "fake-model"
        return works(request) if known else error(404, "model not found", code="model_not_found")

    upstream.think(picky)
    assert configured("config", "set", "models.default", "fake/fake-modle").exit_code == 0
    named = re.search(r"\(there is (\S+)\)", advice(configured, "upstream.model"))
    assert named
    assert configured("config", "set", "models.default", f"fake/{named[1]}").exit_code == 0
    assert found(configured, "upstream.model") is None


def test_an_upstream_is_started(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    upstream.go_away()
    assert advice(configured, "upstream.connection").startswith("start it")
    upstream.come_back()
    assert found(configured, "upstream.connection") is None


def test_a_window_is_set(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    follow_set(configured, advice(configured, "upstream.window"), "131072")
    assert found(configured, "upstream.window") is None


def test_ollama_is_given_more(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    upstream.models = [{"id": "fake-model", "context_length": 4096}]
    configured.configure(configuration(upstream.base_url, dialect="ollama"))
    given = re.search(r"OLLAMA_CONTEXT_LENGTH=(\d+)", advice(configured, "upstream.num_ctx"))
    assert given
    upstream.models = [{"id": "fake-model", "context_length": int(given[1])}]
    assert found(configured, "upstream.num_ctx") is None


# ---- Claude's surroundings


SHELLS: dict[str, tuple[dict[str, str], Callable[[CommandLine, str], None]]] = {
    "claude.env.http_proxy": ({"HTTP_PROXY": "http://proxy.example:3128"}, follow_export),
    "claude.env.bedrock": ({"CLAUDE_CODE_USE_BEDROCK": "1", "CLAUDE_CODE_USE_VERTEX": "true"}, follow_unset),
    "claude.env.api_key": ({"ANTHROPIC_API_KEY": "sk-ant-0123456789"}, follow_unset),
    "claude.base_url.v1": ({"ANTHROPIC_BASE_URL": "http://127.0.0.1:8226/v1"}, follow_export),
}


@pytest.mark.parametrize("id", SHELLS)
def test_the_shell_is_put_right(configured: CommandLine, id: str) -> None:
    variables, follow = SHELLS[id]
    configured.variables |= variables
    follow(configured, advice(configured, id))
    assert found(configured, id) is None


def test_a_helper_for_keys_is_taken_out(configured: CommandLine) -> None:
    settings(configured, apiKeyHelper="echo sk-ant-0123456789")
    assert advice(configured, "claude.login_key").startswith("take apiKeyHelper out")
    settings(configured)
    assert found(configured, "claude.login_key") is None


def test_a_variable_is_taken_out_of_the_stronger_file(configured: CommandLine) -> None:
    configured("config", "set", "server.port", "8299")
    settings(configured, env={"ANTHROPIC_BASE_URL": "http://127.0.0.1:8299"})
    project = configured.home / "project"
    (project / ".claude").mkdir(parents=True)
    stronger = project / ".claude" / "settings.json"
    stronger.write_text('{"env": {"ANTHROPIC_BASE_URL": "https://elsewhere.example.com"}}')

    def level() -> list[str]:
        said = configured("doctor", "--only", "claude.settings.shadowed", "--json", cwd=project).json["checks"]
        return [each["fix"]["text"] for each in said if each["id"] == "claude.settings.shadowed" and each["fix"]]

    (text,) = level()
    assert text.startswith("take ANTHROPIC_BASE_URL out of its env")
    stronger.write_text('{"env": {}}')
    assert level() == []


def test_a_refused_key_is_allowed_again(configured: CommandLine) -> None:
    key = "sk-ant-0123456789-0123456789"
    configured.variables["ANTHROPIC_API_KEY"] = key
    state = configured.home / ".claude.json"
    state.write_text(json.dumps({"customApiKeyResponses": {"approved": [], "rejected": [key[-20:]]}}))
    assert "take it out of customApiKeyResponses" in advice(configured, "claude.refused_key")
    state.write_text(json.dumps({"customApiKeyResponses": {"approved": [key[-20:]], "rejected": []}}))
    assert found(configured, "claude.refused_key") is None
