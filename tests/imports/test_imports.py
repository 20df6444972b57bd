"""Configurations of other tools, written as their documentation has them, told as c2o's."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from c2o import config, imports
from c2o.cli.init import file as init_file
from c2o.cli.init.choice import Draft
from c2o.cli.init.file import Before
from c2o.errors import ConfigError
from c2o.imports import TOOLS, Import

KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"


def put(home: Path, place: str, content: object) -> Path:
    path = home / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def only(home: Path, **environ: str) -> Import:
    [found] = imports.found(home, environ)
    return found


# claude-code-router: https://github.com/musistudio/claude-code-router ---------------------------------------------

ROUTER = {
    "APIKEY": "your-secret-key",
    "PROXY_URL": "http://127.0.0.1:7890",
    "Providers": [
        {
            "name": "openrouter",
            "api_base_url": "https://openrouter.ai/api/v1/chat/completions",
            "api_key": KEY,
            "models": ["google/gemini-2.5-pro-preview", "anthropic/claude-sonnet-4"],
            "transformer": {"use": [["openrouter", {"provider": {"only": ["moonshotai/fp8"]}}]]},
        },
        {
            "name": "deepseek",
            "api_base_url": "https://api.deepseek.com/chat/completions",
            "api_key": "$DEEPSEEK_API_KEY",
            "models": ["deepseek-chat", "deepseek-reasoner"],
            "transformer": {"use": ["deepseek"], "deepseek-chat": {"use": ["tooluse"]}},
        },
        {
            "name": "ollama",
            "api_base_url": "http://localhost:11434/v1/chat/completions",
            "api_key": "ollama",
            "models": ["qwen2.5-coder:latest"],
        },
        {
            "name": "gemini",
            "api_base_url": "https://generativelanguage.googleapis.com/v1beta/models/",
            "api_key": "${GEMINI_API_KEY}",
            "models": ["gemini-2.5-flash"],
            "transformer": {"use": ["gemini"]},
        },
        {
            "name": "Model Scope",
            "api_base_url": "https://api-inference.modelscope.cn/v1/chat/completions",
            "api_key": "",
            "models": ["Qwen/Qwen3-Coder-480B-A35B-Instruct"],
            "transformer": {"use": [["maxtoken", {"max_tokens": 65536}], "enhancetool", "qwen-cli"]},
        },
    ],
    "Router": {
        "default": "deepseek,deepseek-chat",
        "background": "ollama,qwen2.5-coder:latest",
        "think": "deepseek,deepseek-reasoner",
        "longContext": "openrouter,google/gemini-2.5-pro-preview",
        "longContextThreshold": 80000,
        "webSearch": "gemini,gemini-2.5-flash",
    },
}


def test_claude_code_router(tmp_path):
    put(tmp_path, ".claude-code-router/config.json", ROUTER)
    found = only(tmp_path)
    assert found.summary == "5 upstreams"
    assert found.models == {"default": "deepseek/deepseek-chat"}
    assert found.routes == {
        "background": "ollama/qwen2.5-coder:latest",
        "think": "deepseek/deepseek-reasoner",
        "web_search": "gemini/gemini-2.5-flash",
        "long_context": {"model": "openrouter/google/gemini-2.5-pro-preview", "above": 80000},
    }
    assert found.upstreams["openrouter"] == {
        "base_url": "https://openrouter.ai/api/v1/chat/completions",
        "extra_body": {"provider": {"only": ["moonshotai/fp8"]}},
        "proxy": "http://127.0.0.1:7890",
        "api_key": "env:OPENROUTER_API_KEY",
    }
    assert found.upstreams["deepseek"]["api_key"] == "env:DEEPSEEK_API_KEY"
    assert "api_key" not in found.upstreams["ollama"]
    assert found.upstreams["gemini"]["base_url"] == "https://generativelanguage.googleapis.com/v1beta/openai"
    assert found.limits == {"model-scope/Qwen/Qwen3-Coder-480B-A35B-Instruct": {"max_output_tokens": 65536}}
    assert found.keys == {"OPENROUTER_API_KEY": KEY}
    assert found.notes == ["Model Scope: the transformer 'qwen-cli' has no counterpart."]


def test_a_key_that_the_environment_has_as_well_is_referred_to(tmp_path):
    put(tmp_path, ".claude-code-router/config.json", ROUTER)
    found = only(tmp_path, MY_KEY=KEY, UNRELATED=KEY)
    assert (found.upstreams["openrouter"]["api_key"], found.keys) == ("env:MY_KEY", {})


def test_a_variable_with_another_key_in_it_is_not_taken_for_this_one(tmp_path):
    put(tmp_path, ".claude-code-router/config.json", ROUTER)
    found = only(tmp_path, OPENROUTER_API_KEY="sk-another-key-entirely")
    assert found.upstreams["openrouter"]["api_key"] == "env:OPENROUTER_API_KEY_2"
    assert found.keys == {"OPENROUTER_API_KEY_2": KEY}


def test_fallbacks_of_claude_code_router_follow_its_routes(tmp_path):
    fallback = {
        "default": ["openrouter,anthropic/claude-sonnet-4", "nobody,model"],
        "think": ["ollama,qwen2.5-coder:latest"],
    }
    put(tmp_path, ".claude-code-router/config.json", {**ROUTER, "fallback": fallback})
    found = only(tmp_path)
    assert found.models["default"] == ["deepseek/deepseek-chat", "openrouter/anthropic/claude-sonnet-4"]
    assert found.routes["think"] == ["deepseek/deepseek-reasoner", "ollama/qwen2.5-coder:latest"]


def test_claude_code_router_with_comments_and_no_default(tmp_path):
    put(
        tmp_path,
        ".claude-code-router/config.json",
        """{
          // my providers
          "Providers": [{"name": "a", "api_base_url": "https://llm.example.com/v1/messages", "models": ["m", "n"],
                         "transformer": {"use": ["Anthropic"]}},],
        }""",
    )
    found = only(tmp_path)
    assert found.upstreams == {"a": {"base_url": "https://llm.example.com/v1/messages", "api": "anthropic"}}
    assert found.models == {"default": "a/m"}


# LiteLLM: https://docs.litellm.ai/docs/proxy/configs --------------------------------------------------------------

LITELLM = """\
model_list:
  - model_name: claude-sonnet-4-20250514
    litellm_params:
      model: nvidia_nim/qwen/qwen3-coder-480b-a35b-instruct
      api_key: os.environ/NVIDIA_NIM_API_KEY
      rpm: 40
    model_info:
      max_input_tokens: 262144
      max_output_tokens: 65536
  - model_name: claude-haiku
    litellm_params:
      model: ollama_chat/qwen3:8b
      api_base: http://localhost:11434
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://my-endpoint.openai.azure.com/
      api_key: os.environ/AZURE_API_KEY
      api_version: "2024-10-21"
  - model_name: gpt-4o
    litellm_params: {model: gpt-4o}
  - model_name: bedrock-claude
    litellm_params: {model: bedrock/anthropic.claude-3}
  - model_name: "*"
    litellm_params:
      model: openai/some-model
      api_base: https://llm.example.com/v1
      api_key: sk-gateway-0123456789
      extra_headers: {X-Team: tools}
litellm_settings:
  drop_params: true
  fallbacks: [{"claude-sonnet-4-20250514": ["gpt-4o"]}]
"""


def test_litellm(tmp_path):
    put(tmp_path, ".litellm/config.yaml", LITELLM)
    found = only(tmp_path)
    sonnet = ["nim/qwen/qwen3-coder-480b-a35b-instruct", "azure/gpt-4o-eu", "openai/gpt-4o"]
    assert found.models == {
        "claude-sonnet-4-20250514": sonnet,
        "sonnet": sonnet,
        "claude-haiku": "ollama/qwen3:8b",
        "haiku": "ollama/qwen3:8b",
        "gpt-4o": ["azure/gpt-4o-eu", "openai/gpt-4o"],
        "default": "openai-2/some-model",
    }
    assert found.upstreams == {
        "nim": {
            "base_url": "https://integrate.api.nvidia.com/v1",
            "api_key": "env:NVIDIA_NIM_API_KEY",
            "requests_per_minute": 40,
        },
        "ollama": {"base_url": "http://localhost:11434", "dialect": "ollama"},
        "azure": {
            "base_url": "https://my-endpoint.openai.azure.com/openai/deployments/gpt-4o-eu?api-version=2024-10-21",
            "api_key": "env:AZURE_API_KEY",
        },
        "openai": {"base_url": "https://api.openai.com/v1", "api_key": "env:OPENAI_API_KEY"},
        "openai-2": {
            "base_url": "https://llm.example.com/v1",
            "headers": {"X-Team": "tools"},
            "api_key": "env:OPENAI_API_KEY_2",
        },
    }
    assert found.limits == {
        "nim/qwen/qwen3-coder-480b-a35b-instruct": {"context_window": 262144, "max_output_tokens": 65536}
    }
    assert found.notes == ["bedrock-claude: bedrock has no OpenAI-compatible address, so it was left out."]


# cc-switch: https://github.com/farion1231/cc-switch ---------------------------------------------------------------

GLM = {
    "env": {
        "ANTHROPIC_BASE_URL": "https://api.z.ai/api/anthropic",
        "ANTHROPIC_AUTH_TOKEN": "glm-0123456789abcdef",
        "ANTHROPIC_MODEL": "glm-5",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "glm-5-air",
    }
}
RELAY = {"env": {"ANTHROPIC_BASE_URL": "https://relay.example.com/v1", "ANTHROPIC_API_KEY": "sk-relay-0123456789"}}


PROVIDERS = """\
CREATE TABLE providers (
    id TEXT NOT NULL, app_type TEXT NOT NULL, name TEXT NOT NULL, settings_config TEXT NOT NULL,
    meta TEXT NOT NULL DEFAULT '{}', is_current BOOLEAN NOT NULL DEFAULT 0, PRIMARY KEY (id, app_type)
)"""


def database(home: Path, *providers: tuple[str, dict[str, Any], dict[str, Any], bool]) -> None:
    path = home / ".cc-switch" / "cc-switch.db"
    path.parent.mkdir()
    with sqlite3.connect(path) as made:
        made.execute(PROVIDERS)
        made.executemany(
            "INSERT INTO providers VALUES (?, 'claude', ?, ?, ?, ?)",
            [
                (name, name, json.dumps(settings), json.dumps(meta), current)
                for name, settings, meta, current in providers
            ],
        )
    made.close()


def test_cc_switch(tmp_path):
    database(
        tmp_path,
        ("Relay", RELAY, {"apiFormat": "openai_chat"}, False),
        ("Zhipu GLM", GLM, {}, True),
        ("Google", {"env": {"ANTHROPIC_BASE_URL": "https://g.example.com"}}, {"apiFormat": "gemini_native"}, False),
        ("Official", {"env": {}}, {}, False),
    )
    found = only(tmp_path)
    assert found.upstreams == {
        "zhipu-glm": {
            "base_url": "https://api.z.ai/api/anthropic",
            "api": "anthropic",
            "api_key": "env:ZAI_API_KEY",
        },
        "relay": {"base_url": "https://relay.example.com/v1", "api": "chat", "api_key": "env:RELAY_API_KEY"},
    }
    assert found.models == {"default": "zhipu-glm/glm-5", "haiku": "zhipu-glm/glm-5-air"}
    assert found.keys == {"ZAI_API_KEY": "glm-0123456789abcdef", "RELAY_API_KEY": "sk-relay-0123456789"}
    assert found.notes == ["Google: c2o doesn't speak gemini_native, so it was left out."]


def test_an_older_cc_switch(tmp_path):
    providers = {"1": {"name": "Relay", "settingsConfig": RELAY}, "2": {"name": "GLM", "settingsConfig": GLM}}
    put(tmp_path, ".cc-switch/config.json", {"version": 2, "claude": {"providers": providers, "current": "1"}})
    found = only(tmp_path)
    assert list(found.upstreams) == ["relay", "glm"]
    assert found.models == {"default": "relay/*"}


# claude-code-proxy: https://github.com/fuergaosi233/claude-code-proxy, https://github.com/1rgs/claude-code-proxy --

ENV = """\
# Required: Your OpenAI API key
OPENAI_API_KEY="sk-proj-0123456789"
OPENAI_BASE_URL="https://llm.example.com/v1"  # the gateway
BIG_MODEL=gpt-4o   # Used for Claude opus requests
MIDDLE_MODEL='gpt-4o-2'
SMALL_MODEL="gpt-4o-mini"
"""


def test_claude_code_proxy(tmp_path):
    put(tmp_path, "claude-code-proxy/.env", ENV)
    found = only(tmp_path)
    assert found.upstreams == {
        "upstream": {"base_url": "https://llm.example.com/v1", "api_key": "env:UPSTREAM_API_KEY"}
    }
    assert found.keys == {"UPSTREAM_API_KEY": "sk-proj-0123456789"}
    assert found.models == {
        "default": "upstream/gpt-4o-2",
        "opus": "upstream/gpt-4o",
        "sonnet": "upstream/gpt-4o-2",
        "haiku": "upstream/gpt-4o-mini",
    }


def test_claude_code_proxy_on_google(tmp_path):
    path = put(tmp_path, "elsewhere/.env", "PREFERRED_PROVIDER=google\nGEMINI_API_KEY=AIza-0123456789abcdef\n")
    found = imports.read(str(path), tmp_path, {})
    assert found.upstreams["gemini"]["api_key"] == "env:GEMINI_API_KEY"
    assert found.models["haiku"] == "gemini/gemini-2.5-flash"


# What isn't there, or isn't what it should be ---------------------------------------------------------------------


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"Providers": 5}',
        "model_list: 7",
        "\x00\x01",
        '{"Providers": [{"name": "a"}]}',
        "A=1\nB",
    ],
)
def test_what_is_no_configuration_is_no_offer_and_a_sentence(tool, content, tmp_path):
    path = put(tmp_path, TOOLS[tool].places[-1], content)
    assert imports.found(tmp_path, {}) == []
    with pytest.raises(ConfigError, match=r"Nothing was imported\.$") as failed:
        imports.read(str(path), tmp_path, {})
    assert str(path) in str(failed.value)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_that_isnt_there(tool, tmp_path):
    with pytest.raises(ConfigError, match=r"has no configuration at ~/.*--import FILE"):
        imports.read(tool, tmp_path, {})


def test_a_file_of_nobody(tmp_path):
    with pytest.raises(ConfigError, match=r"is no file that c2o knows\. Name one of ccr, litellm, cc-switch"):
        imports.read(str(tmp_path / "notes.txt"), tmp_path, {})


def test_a_file_that_cant_be_read(tmp_path):
    (tmp_path / ".claude-code-router" / "config.json").mkdir(parents=True)
    with pytest.raises(ConfigError, match="Is a directory"):
        imports.read("ccr", tmp_path, {})


def test_placeholders_are_no_keys(tmp_path):
    provider = {"name": "a", "api_base_url": "https://llm.example.com/v1", "api_key": "your-api-key", "models": ["m"]}
    put(tmp_path, ".claude-code-router/config.json", {"Providers": [provider]})
    found = only(tmp_path)
    assert "api_key" not in found.upstreams["a"]
    assert found.keys == {}


@pytest.mark.parametrize("there", [False, True], ids=["fresh", "beside another"])
@pytest.mark.parametrize(
    ("place", "content"),
    [
        (".claude-code-router/config.json", json.dumps(ROUTER)),
        (".litellm/config.yaml", LITELLM),
        ("claude-code-proxy/.env", ENV),
    ],
)
def test_what_is_imported_is_a_configuration(place: str, content: str, there: bool, tmp_path: Path) -> None:
    put(tmp_path, place, content)
    path = tmp_path / "config.toml"
    if there:
        path.write_text(
            '[server]\nauth_token = "c2o-x"\n[upstreams.a]\nbase_url = "http://a"\n[models]\ndefault = "a/m"\n'
        )
    found = only(tmp_path)
    draft = Draft(found.upstreams, found.models, found.limits, found.routes)
    text = init_file.written(init_file.find(path, force=False), draft)

    upstreams = config.parse(text.encode(), path).upstreams
    assert {name: each.base_url for name, each in upstreams.items() if name != "a"} == {
        name: table["base_url"] for name, table in found.upstreams.items()
    }
    for name, table in found.upstreams.items():
        assert upstreams[name].extra_body == table.get("extra_body", {})
        assert upstreams[name].headers == table.get("headers", {})


def test_a_provider_with_a_dot_in_its_name_is_one_upstream(tmp_path: Path) -> None:
    provider = {"name": "Z.ai", "api_base_url": "https://api.z.ai/v1", "api_key": KEY, "models": ["glm"]}
    put(tmp_path, ".claude-code-router/config.json", {"Providers": [provider], "Router": {"default": "Z.ai,glm"}})
    found = only(tmp_path)
    text = init_file.written(Before(tmp_path / "config.toml"), Draft(found.upstreams, found.models))
    assert config.parse(text.encode(), tmp_path / "config.toml").models == {"default": ("z.ai/glm",)}


LITELLM_MODEL = {
    "model_name": "m",
    "litellm_params": {
        "model": "openai/m",
        "api_base": "https://llm.example.com/v1",
        "extra_headers": {"x-team": 7},
        "extra_body": {"top_k": None, "provider": {"only": ["a", None]}},
        "rpm": "os.environ/RPM",
    },
}


def test_values_that_c2o_cant_use_are_left_out_and_told(tmp_path: Path) -> None:
    put(tmp_path, ".litellm/config.yaml", {"model_list": [LITELLM_MODEL]})
    found = only(tmp_path)
    assert found.upstreams["openai"] == {
        "base_url": "https://llm.example.com/v1",
        "extra_body": {"provider": {"only": ["a"]}},
    }
    assert found.notes == [
        "openai: its headers is nothing that c2o could use, so it was left out.",
        "openai: its requests_per_minute is nothing that c2o could use, so it was left out.",
    ]


@pytest.mark.parametrize(
    ("place", "content"),
    [
        (".claude-code-router/config.json", "[" * 100_000),
        (".claude-code-router/config.json", '{"Providers": [{"name": "a", "api_base_url": "http://a", "models": 3}]}'),
        (".claude-code-router/config.json", '{"Providers": [{}], "fallback": {"default": 3}}'),
        (".claude-code-router/config.json", json.dumps({**ROUTER, "Router": {"default": "ollama,a\nb"}})),
        (".litellm/config.yaml", "[" * 10_000),
        (".cc-switch/config.json", "[" * 100_000),
    ],
)
def test_what_nobody_would_write_is_no_traceback(place: str, content: str, tmp_path: Path) -> None:
    put(tmp_path, place, content)
    imports.found(tmp_path, {})


def test_a_short_variable_of_a_server_here_is_no_placeholder(tmp_path: Path) -> None:
    provider = {"name": "here", "api_base_url": "http://127.0.0.1:8000/v1", "api_key": "$HERE", "models": ["m"]}
    put(tmp_path, ".claude-code-router/config.json", {"Providers": [provider]})
    assert only(tmp_path).upstreams["here"]["api_key"] == "env:HERE"
