"""The configuration: what it takes, and how it says what is wrong with it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from c2o import config
from c2o.config import Config, Upstream, load, parse, render
from c2o.errors import ConfigError
from c2o.presets import PRESETS

SERVER = '[server]\nauth_token = "c2o-token"\n'
UPSTREAM = '[upstreams.nim]\nbase_url = "https://integrate.api.nvidia.com"\n'
MODELS = '[models]\ndefault = "nim/meta/llama-3.3-70b-instruct"\n'

PATH = Path("/home/jo/.config/c2o/config.toml")


def parsed(*parts: str) -> Config:
    return parse("".join(parts).encode(), PATH)


def mistake(*parts: str) -> str:
    with pytest.raises(ConfigError) as raised:
        parsed(*parts)
    assert raised.value.exit_code == 78
    return str(raised.value)


def test_the_smallest_configuration() -> None:
    found = parsed(SERVER, UPSTREAM, MODELS)

    assert (found.server.host, found.server.port, found.server.allow_remote) == ("127.0.0.1", 8226, False)
    assert found.server.auth_token.reveal() == "c2o-token"
    assert found.upstreams["nim"].api_key is None
    assert found.upstreams["nim"].dialect_name() == "nim"
    assert found.models == {"default": ("nim/meta/llama-3.3-70b-instruct",)}
    assert found.path == PATH


def test_everything_at_once() -> None:
    found = parsed(
        '[server]\nhost = "127.0.0.1"\nport = 0\nauth_token = "c2o-token"\nrepair_history = true\n',
        UPSTREAM,
        'api_key = "env:NVIDIA_API_KEY"\napi = "chat"\ndialect = "vllm"\nquirks = { stream_usage = false }\n',
        'headers = { x-team = "a" }\nextra_body = { seed = 7 }\ntimeouts = { connect = 1, idle = 2.5 }\n',
        MODELS,
        'opus = "nim/a/b"\n"gpt-*" = "nim/*"\n',
        '[limits."nim/a/b"]\ncontext_window = 131072\nmax_output_tokens = 8192\n',
    )

    nim = found.upstreams["nim"]
    assert nim.habits().top_k
    assert not nim.habits().stream_usage
    assert (nim.timeouts.connect, nim.timeouts.first_byte, nim.timeouts.idle) == (1, None, 2.5)
    assert found.limits["nim/a/b"].context_window == 131072


def test_several_keys_and_fallbacks() -> None:
    found = parsed(
        SERVER, UPSTREAM, 'api_key = ["env:ONE", " file:~/two "]\n', '[models]\nopus = ["nim/a", "nim/b/c"]\n'
    )

    nim = found.upstreams["nim"]
    assert nim.key_sources() == ["env:ONE", "file:~/two"]
    assert repr(nim.api_key) == "(***, ***)"
    assert found.models == {"opus": ("nim/a", "nim/b/c")}


def test_the_digest_tells_that_the_file_has_changed() -> None:
    first, same, other = (
        parsed(SERVER, UPSTREAM, MODELS),
        parsed(SERVER, UPSTREAM, MODELS),
        parsed(SERVER, MODELS, UPSTREAM),
    )

    assert first.digest == same.digest
    assert first.digest != other.digest


MISTAKES: dict[str, tuple[tuple[str, ...], str, str]] = {
    # what is wrong: the file, its place, what to do
    "no TOML": (("[server\n",), "line 1", "Correct it"),
    "a list of keys that aren't text": (
        (SERVER, UPSTREAM, 'api_key = ["env:A", 7]\n', MODELS),
        "[upstreams.nim] api_key",
        "or a list of such",
    ),
    "no keys at all": ((SERVER, UPSTREAM, "api_key = []\n", MODELS), "[upstreams.nim] api_key", "or a list of such"),
    "a key twice": ((SERVER, UPSTREAM, 'api_key = ["env:A", "env:A"]\n', MODELS), "[upstreams.nim] api_key", "twice"),
    "no fallback": ((SERVER, UPSTREAM, "[models]\nopus = []\n"), "[models] opus", "or a list: fallbacks in order"),
    "a number among the fallbacks": (
        (SERVER, UPSTREAM, '[models]\nopus = ["nim/a", 7]\n'),
        "[models] opus",
        "or a list: fallbacks in order",
    ),
    "its own fallback": ((SERVER, UPSTREAM, '[models]\nopus = ["nim/a", "nim/a"]\n'), "[models] opus", "twice"),
    "a fallback elsewhere": (
        (SERVER, UPSTREAM, '[models]\nopus = ["nim/a", "gone/b"]\n'),
        "[models] opus",
        "no [upstreams.gone]",
    ),
    "unknown table": ((SERVER, UPSTREAM, MODELS, "[srever]\n"), "[srever]", "Did you mean server?"),
    "no tables": (("",), "[server] auth_token", "c2o init"),
    "no token": (("[server]\nport = 1\n", UPSTREAM, MODELS), "[server] auth_token", "c2o init"),
    "empty token": (('[server]\nauth_token = ""\n', UPSTREAM, MODELS), "[server] auth_token", "some text, in quotes"),
    "port as text": (('[server]\nauth_token = "t"\nport = "1"\n', UPSTREAM, MODELS), "[server] port", "a whole number"),
    "port too large": (('[server]\nauth_token = "t"\nport = 70000\n', UPSTREAM, MODELS), "[server] port", "<= 65535"),
    "misspelt key": ((SERVER, "prot = 1\n", UPSTREAM, MODELS), "[server] prot", "Did you mean port?"),
    "strange key": ((SERVER, "colour = 1\n", UPSTREAM, MODELS), "[server] colour", "There are: auth_token, host, port"),
    "open to the network": ((SERVER, 'host = "0.0.0.0"\n', UPSTREAM, MODELS), "[server] host", "allow_remote = true"),
    "no upstream": ((SERVER, MODELS), "upstream", "c2o init"),
    "upstream without table": ((SERVER, '[upstreams]\nnim = "x"\n', MODELS), "upstreams.nim", "[upstreams.nim]"),
    "upstream's name": ((SERVER, '[upstreams."a/b"]\nbase_url = "http://h"\n', MODELS), 'upstreams."a/b"', "letters"),
    "no base_url": ((SERVER, "[upstreams.nim]\n", MODELS), "[upstreams.nim] base_url", "Add base_url = "),
    "no URL": ((SERVER, '[upstreams.nim]\nbase_url = "h/v1"\n', MODELS), "[upstreams.nim] base_url", "http://"),
    "port of a URL": ((SERVER, '[upstreams.nim]\nbase_url = "http://h:99999"\n', MODELS), "base_url", "0-65535"),
    "key in the URL": ((SERVER, '[upstreams.nim]\nbase_url = "http://u:p@h"\n', MODELS), "base_url", "api_key"),
    "misspelt api_key": (
        (SERVER, UPSTREAM, 'apikey = "k"\n', MODELS),
        "[upstreams.nim] apikey",
        "Did you mean api_key?",
    ),
    "key as number": ((SERVER, UPSTREAM, "api_key = 5\n", MODELS), "[upstreams.nim] api_key", "some text, in quotes"),
    "unknown api": ((SERVER, UPSTREAM, 'api = "grpc"\n', MODELS), "[upstreams.nim] api", "one of: chat"),
    "unknown dialect": ((SERVER, UPSTREAM, 'dialect = "nimm"\n', MODELS), "[upstreams.nim] dialect", "there are: "),
    "unknown quirk": (
        (SERVER, UPSTREAM, "quirks = { usage = true }\n", MODELS),
        "[upstreams.nim.quirks] usage",
        "usage",
    ),
    "quirk's type": (
        (SERVER, UPSTREAM, "quirks = { vision = 1 }\n", MODELS),
        "quirks] vision",
        "must be true or false",
    ),
    "no time": ((SERVER, UPSTREAM, "timeouts = { idle = 0 }\n", MODELS), "[upstreams.nim] timeouts.idle", "> 0"),
    "half a client_cert": (
        (SERVER, UPSTREAM, 'client_cert = { cert = "c.pem" }\n', MODELS),
        "client_cert] key",
        "is missing. Add it.",
    ),
    "misspelt time": ((SERVER, UPSTREAM, "timeouts = { idel = 1 }\n", MODELS), "timeouts] idel", "Did you mean idle?"),
    "header's value": ((SERVER, UPSTREAM, "headers = { a = 5 }\n", MODELS), "[upstreams.nim] headers", "must be text"),
    "no models": ((SERVER, UPSTREAM), "[models]", "Add default ="),
    "model without upstream": ((SERVER, UPSTREAM, '[models]\ndefault = "m"\n'), "[models] default", '"upstream/model"'),
    "model of nobody": ((SERVER, UPSTREAM, '[models]\nopus = "x/m"\n'), "[models] opus", "there are: nim"),
    "model as number": ((SERVER, UPSTREAM, "[models]\nopus = 5\n"), "[models] opus", '"upstream/model"'),
    "upstream alone": ((SERVER, UPSTREAM, '[models]\nopus = "nim/"\n'), "[models] opus", '"upstream/model"'),
    "misspelt route": (
        (SERVER, UPSTREAM, MODELS, '[routes]\nbackgrund = "nim/a"\n'),
        "[routes] backgrund",
        "background?",
    ),
    "route as number": (
        (SERVER, UPSTREAM, MODELS, "[routes]\nsubagent = 5\n"),
        "[routes] subagent",
        "fallbacks in order",
    ),
    "route as table": (
        (SERVER, UPSTREAM, MODELS, '[routes]\nimage = { model = "nim/a" }\n'),
        "[routes] image",
        '"upstream/model", or a list',
    ),
    "route of nobody": ((SERVER, UPSTREAM, MODELS, '[routes]\nthink = "x/m"\n'), "[routes] think", "there are: nim"),
    "route to any model": ((SERVER, UPSTREAM, MODELS, '[routes]\nsubagent = "nim/*"\n'), "subagent", "one model"),
    "route without model": (
        (SERVER, UPSTREAM, MODELS, "[routes.long_context]\nabove = 5\n"),
        "[routes.long_context] model",
        'Add model = "upstream/model"',
    ),
    "no threshold": (
        (SERVER, UPSTREAM, MODELS, '[routes]\nlong_context = { model = "nim/a", above = 0 }\n'),
        "[routes.long_context] above",
        ">= 1",
    ),
    "unknown effort": (
        (SERVER, UPSTREAM, MODELS, '[routes]\nthink = { model = "nim/a", effort = "hard" }\n'),
        "[routes.think] effort",
        "one of: low, medium, high, xhigh, max",
    ),
    "no window": ((SERVER, UPSTREAM, MODELS, '[limits."nim/m"]\ncontext_window = 0\n'), '[limits."nim/m"]', ">= 1"),
    "limits of nobody": ((SERVER, UPSTREAM, MODELS, '[limits."x/m"]\n'), '[limits."x/m"]', "there are: nim"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_told_with_file_place_and_remedy(what: str) -> None:
    parts, place, remedy = MISTAKES[what]

    told = mistake(*parts)

    assert told.startswith(str(PATH))
    assert place in told
    assert remedy in told[told.index(place) + len(place) :], told
    assert "\n" not in told


def test_a_file_that_is_no_text() -> None:
    with pytest.raises(ConfigError, match=r"UTF-8.*c2o init"):
        parse(b"\xff\xfe\x00", PATH)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="c2o init"):
        load(tmp_path / "config.toml")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{tmp_path} can't be read"):
        load(tmp_path)


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert parse(b"\xef\xbb\xbf" + f"{SERVER}{UPSTREAM}{MODELS}".encode(), PATH).models


SECRET = "sk-a-secret-that-nobody-may-see"

WITH_SECRETS: dict[str, tuple[str, ...]] = {
    "token": ('[server]\nauth_token = ["SECRET"]\n', UPSTREAM, MODELS),
    "key": (SERVER, UPSTREAM, 'api_key = ["SECRET", 7]\n', MODELS),
    "misspelt key": (SERVER, UPSTREAM, 'apikey = "SECRET"\n', MODELS),
    "key as URL": (SERVER, '[upstreams.nim]\nbase_url = "SECRET"\n', MODELS),
    "key in a URL": (SERVER, '[upstreams.nim]\nbase_url = "ftp://user:SECRET@h"\n', MODELS),
    "key in an http URL": (SERVER, '[upstreams.nim]\nbase_url = "https://user:SECRET@h"\n', MODELS),
    "header": (SERVER, UPSTREAM, 'headers = { authorization = ["SECRET"] }\n', MODELS),
    "broken line": (SERVER, UPSTREAM, 'api_key = "SECRET\n', MODELS),
}


@pytest.mark.parametrize("what", WITH_SECRETS)
def test_a_mistake_is_told_without_secrets(what: str) -> None:
    assert SECRET not in mistake(*(part.replace("SECRET", SECRET) for part in WITH_SECRETS[what]))


def test_a_configuration_does_not_show_its_secrets() -> None:
    headers, body = f'headers = {{ x-key = "{SECRET}" }}\n', f'extra_body = {{ user = "{SECRET}" }}\n'
    found = parsed(SERVER.replace("c2o-token", SECRET), UPSTREAM, f'api_key = "{SECRET}"\n', headers, body, MODELS)

    assert found.upstreams["nim"].api_key is not None
    for shown in (repr(found), str(found), f"{found.server}", repr(found.upstreams)):
        assert SECRET not in shown


def test_fields_of_the_body_are_added_merged_and_left_out() -> None:
    more = 'omit = ["top_p", "a.b", "a", "c.d"]\nextra_body = { seed = 7, c = { e = 1 } }\n'

    found = parsed(SERVER, UPSTREAM, more, MODELS).upstreams["nim"]

    assert found.body_fields() == {"top_p": None, "a": None, "c": {"d": None, "e": 1}, "seed": 7}
    assert found.extra_body == {"seed": 7, "c": {"e": 1}}, "the configuration itself stays as it is"


# ---- the file that init writes


OPENAI, AZURE = "https://api.openai.com/v1", "https://r.openai.azure.com"

APIS: list[tuple[str, dict[str, Any], str, str]] = [
    # address, what is configured beside it, model, the API that is spoken
    (OPENAI, {}, "gpt-5.5", "chat"),
    (OPENAI, {}, "gpt-5.3-codex", "responses"),
    (OPENAI, {}, "codex-mini-latest", "responses"),
    (OPENAI, {}, "gpt-5.2-pro-2025-12-11", "responses"),
    (OPENAI, {}, "o1-pro", "responses"),
    (OPENAI, {}, "o3", "chat"),
    (OPENAI, {}, "o4-mini-deep-research", "responses"),
    (OPENAI, {"api": "chat"}, "gpt-5-codex", "chat"),
    (OPENAI, {"quirks": {"api": "responses"}}, "gpt-5.5", "responses"),
    (OPENAI + "/responses", {}, "gpt-5.5", "responses"),
    (AZURE, {}, "gpt-5-codex", "responses"),
    (AZURE + "/openai/deployments/gpt-5-codex?api-version=2024-10-21", {}, "gpt-5-codex", "chat"),
    ("https://openrouter.ai/api/v1", {}, "openai/gpt-5-codex", "chat"),
    ("https://api.minimax.io/anthropic", {}, "MiniMax-M3", "anthropic"),
]


@pytest.mark.parametrize(("base_url", "more", "model", "api"), APIS)
def test_which_api_is_spoken(base_url: str, more: dict[str, Any], model: str, api: str) -> None:
    assert Upstream(base_url=base_url, **more).api_name(model) == api


def test_who_wants_a_key_is_told_where_to_get_one() -> None:
    pages = {name: preset.keys for name, preset in PRESETS.items() if preset.key_env and name != "copilot"}
    assert len(pages) > 10
    assert [name for name, page in pages.items() if not page.startswith("https://")] == []


@pytest.mark.parametrize("name", PRESETS)
def test_what_init_writes_is_valid(name: str) -> None:
    preset = PRESETS[name]
    upstream: dict[str, Any] = {"base_url": preset.base_url}
    if preset.key_env:
        upstream["api_key"] = f"env:{preset.key_env}"
    model = preset.model or "some/model:free"

    text = render(
        token="c2o-token",
        upstreams={name: upstream},
        models={"default": f"{name}/{model}", "claude-*": f"{name}/{model}"},
        limits={f"{name}/{model}": {"context_window": 131072}},
        port=9999,
    )

    found = parsed(text)
    assert found.server.port == 9999
    assert found.upstreams[name].base_url == preset.base_url
    assert found.models["claude-*"] == (f"{name}/{model}",)
    assert found.limits[f"{name}/{model}"].context_window == 131072
    assert "#" in text


def test_strange_names_are_quoted() -> None:
    text = render(token='quote" \\ and é', upstreams={"a.b": {"base_url": "http://h"}}, models={"gpt-*": 'a.b/x"y'})

    tables = tomllib.loads(text)
    assert tables["server"]["auth_token"] == 'quote" \\ and é'
    assert tables["models"] == {"gpt-*": 'a.b/x"y'}


def test_every_key_has_its_meaning_beside_it() -> None:
    """The reference in the README is made of the same words."""
    source = Path(config.__file__).read_text(encoding="utf-8")
    for table in (config.Server, config.Timeouts, config.Upstream, config.Limits):
        for field in table.__struct_fields__:
            after = source.split(f"    {field}: ", 1)[1].split("\n", 1)[1]
            assert after.lstrip().startswith('"""'), f"{table.__name__}.{field}"


ROUTES = """[routes]
background = "nim/small"
subagent = ["nim/a", "nim/b"]
think = "nim/thinker"
long_context = { model = ["nim/long", "nim/longer"], above = 5000 }
"""


def test_routes_are_models_with_fallbacks_and_conditions() -> None:
    routes = parsed(SERVER, UPSTREAM, MODELS, ROUTES).routes

    assert routes.targets() == {
        "background": ("nim/small",),
        "subagent": ("nim/a", "nim/b"),
        "think": ("nim/thinker",),
        "long_context": ("nim/long", "nim/longer"),
    }
    assert routes.think is not None
    assert routes.think.effort == "xhigh"
    assert routes.long_context is not None
    assert routes.long_context.above == 5000
    assert routes.of("main") == routes.of("image") == ()


def test_a_route_that_is_a_table_may_be_a_model_alone() -> None:
    found = parsed(
        SERVER, UPSTREAM, MODELS, '[routes]\nlong_context = "nim/long"\nthink = { model = "nim/t" }\n'
    ).routes

    assert found.long_context is not None
    assert found.think is not None
    assert (found.long_context.above, found.think.effort) == (60_000, "xhigh")
