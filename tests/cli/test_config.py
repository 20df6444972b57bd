"""``c2o config``: what it shows, what it changes, and what it never does to the file."""

from __future__ import annotations

import http.client
import shlex
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.on_a_terminal import CTRL_C, on_a_terminal
from tests.clients.service import TOKEN
from tests.command_line import CommandLine, until
from tests.ports import free_port

KEY = "nvapi-0123456789abcdefghij-a1f3"

FILE = """\
# mine
[server]
port = 8226   # where clients look
auth_token = "c2o-0123456789abcdefghij-7890"

[upstreams.nim]  # NVIDIA
base_url = "https://integrate.api.nvidia.com/v1"
api_key = "nvapi-0123456789abcdefghij-a1f3"
headers = { X-Team = "team-0123456789-secret" }

[models]
# tiers
default = "nim/meta/llama"   # main
"""


@pytest.fixture
def c2o(c2o: CommandLine) -> CommandLine:
    """With FILE as its configuration."""
    c2o.folder.mkdir(mode=0o700)
    file_of(c2o).write_text(FILE)
    return c2o


def file_of(c2o: CommandLine) -> Path:
    return c2o.folder / "config.toml"


def text_of(c2o: CommandLine) -> str:
    return file_of(c2o).read_text()


def unchanged(c2o: CommandLine) -> bool:
    return text_of(c2o) == FILE and [each.name for each in c2o.folder.glob("*config.toml*")] == ["config.toml"]


# ---- looking


def test_where_it_is(c2o: CommandLine, tmp_path: Path) -> None:
    assert c2o("config", "path").out == f"{file_of(c2o)}\n"
    elsewhere = c2o("config", "path", "--json", C2O_CONFIG=str(tmp_path / "none.toml"))
    assert elsewhere.json == {"schema": "c2o.config-path/1", "path": str(tmp_path / "none.toml"), "exists": False}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("server.port", "8226"),
        ("server.host", "127.0.0.1"),
        ("server.allow_remote", "false"),
        ("models.default", "nim/meta/llama"),
        ("models", 'default = "nim/meta/llama"'),
        ("upstreams.nim.omit", "[]"),
        ("upstreams.nim.api_key", "nvap…a1f3"),
        ("upstreams.nim.headers.X-Team", "team…cret"),
        ("server.auth_token", "c2o-…7890"),
    ],
)
def test_a_value_or_its_default(c2o: CommandLine, key: str, said: str) -> None:
    done = c2o("config", "get", key)
    assert (done.exit_code, done.out, done.err) == (0, f"{said}\n", "")


def test_all_of_it_without_secrets(c2o: CommandLine) -> None:
    said = c2o("config", "get")
    assert tomllib.loads(said.out)["upstreams"]["nim"]["api_key"] == "nvap…a1f3"
    assert not any(secret in said.out for secret in (KEY, "c2o-0123456789", "team-0123456789"))


def test_a_value_as_json(c2o: CommandLine) -> None:
    assert c2o("config", "get", "server.host", "--json").json == {
        "schema": "c2o.config-get/1",
        "path": str(file_of(c2o)),
        "key": "server.host",
        "value": "127.0.0.1",
        "set": False,
    }


def test_what_is_not_set(c2o: CommandLine) -> None:
    done = c2o("config", "get", "upstreams.nim.timeouts.idle")
    assert (done.exit_code, done.out) == (1, "")
    assert "is not set. Set it with: c2o config set" in done.err


# ---- changing

CHANGES: list[tuple[str, str, tuple[str, ...], Any]] = [
    ("server.port", "8300", ("server", "port"), 8300),
    ("server.repair_history", "true", ("server", "repair_history"), True),
    ("models.default", "nim/x", ("models", "default"), "nim/x"),
    ("models.gpt-5.1", "nim/x", ("models", "gpt-5.1"), "nim/x"),
    ('models."gpt-*"', "nim/*", ("models", "gpt-*"), "nim/*"),
    ("models.opus", '"nim/x"', ("models", "opus"), "nim/x"),
    ('limits."nim/meta/llama".context_window', "8192", ("limits", "nim/meta/llama", "context_window"), 8192),
    ("limits.nim/llama-3.3-70b.context_window", "8192", ("limits", "nim/llama-3.3-70b", "context_window"), 8192),
    ("routes.background", "nim/x", ("routes", "background"), "nim/x"),
    ("routes.subagent", '["nim/x", "nim/y"]', ("routes", "subagent"), ["nim/x", "nim/y"]),
    ("routes.think", "nim/x", ("routes", "think"), "nim/x"),
    ("routes.long_context", '{ model = "nim/x" }', ("routes", "long_context"), {"model": "nim/x"}),
    ("upstreams.nim.timeouts.idle", "2.5", ("upstreams", "nim", "timeouts", "idle"), 2.5),
    ("upstreams.nim.quirks.vision", "false", ("upstreams", "nim", "quirks", "vision"), False),
    ("upstreams.nim.omit", '["temperature"]', ("upstreams", "nim", "omit"), ["temperature"]),
    ("upstreams.nim.extra_body", "{ a = { b = 1 } }", ("upstreams", "nim", "extra_body"), {"a": {"b": 1}}),
    ("upstreams.nim.extra_body.top.k", "fast", ("upstreams", "nim", "extra_body", "top", "k"), "fast"),
    ("upstreams.nim.headers.X-Other", "7", ("upstreams", "nim", "headers", "X-Other"), "7"),
    ("upstreams.nim.api_key", "env:NIM_KEY", ("upstreams", "nim", "api_key"), "env:NIM_KEY"),
    ("upstreams.my.box.base_url", "http://127.0.0.1:1", ("upstreams", "my.box", "base_url"), "http://127.0.0.1:1"),
]


@pytest.mark.parametrize(("key", "value", "place", "expected"), CHANGES, ids=[each[0] for each in CHANGES])
def test_only_that_value_is_set(c2o: CommandLine, key: str, value: str, place: tuple[str, ...], expected: Any) -> None:
    wanted = tomllib.loads(FILE)
    inside = wanted
    for name in place[:-1]:
        inside = inside.setdefault(name, {})
    inside[place[-1]] = expected

    done = c2o("config", "set", key, value)

    assert (done.exit_code, done.err) == (0, ""), done
    assert tomllib.loads(text_of(c2o)) == wanted
    comments = ("# mine", "# where clients look", "# NVIDIA", "# tiers", "# main")
    assert all(comment in text_of(c2o) for comment in comments)


def test_the_file_looks_as_if_a_person_had_written_it(c2o: CommandLine) -> None:
    c2o("config", "set", "upstreams.loc.base_url", "http://127.0.0.1:1")
    c2o("config", "set", "limits.loc/m.context_window", "8192")
    c2o("config", "set", "server.port", "9000")
    local = '[upstreams.loc]\nbase_url = "http://127.0.0.1:1"\n\n[models]'
    expected = FILE.replace("[models]", local).replace("8226", "9000")
    assert text_of(c2o) == expected + '\n[limits."loc/m"]\ncontext_window = 8192\n'


def test_as_json(c2o: CommandLine) -> None:
    assert c2o("config", "set", "upstreams.nim.api_key", "env:NIM", "--json").json == {
        "schema": "c2o.config-change/1",
        "action": "set",
        "path": str(file_of(c2o)),
        "key": "upstreams.nim.api_key",
        "before": "nvap…a1f3",
        "after": "env:NIM",
        "changed": True,
        "taken": None,
        "problem": None,
        "restart_needed": False,
        "token_changed": False,
        "restarted": None,
    }


def test_saying_it_twice_changes_nothing(c2o: CommandLine) -> None:
    assert c2o("config", "set", "server.port", "8226").out.startswith("✓ nothing to change in ")
    assert c2o("config", "unset", "models.opus").out.startswith("✓ nothing to change in ")
    assert unchanged(c2o)


def test_what_is_unset_is_gone(c2o: CommandLine) -> None:
    done = c2o("config", "unset", "server.port")
    assert done.out.startswith("✓ server.port is gone; it was 8226")
    assert text_of(c2o) == FILE.replace("port = 8226   # where clients look\n", "")


def test_it_stays_its_owners(c2o: CommandLine) -> None:
    file_of(c2o).chmod(0o644)
    c2o("config", "set", "server.port", "1")
    assert stat.S_IMODE(file_of(c2o).stat().st_mode) == 0o600


def test_a_link_stays_one(c2o: CommandLine, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    file_of(c2o).rename(real)
    file_of(c2o).symlink_to(real)
    assert c2o("config", "set", "server.port", "1").exit_code == 0
    assert file_of(c2o).is_symlink()
    assert real.read_text() == FILE.replace("8226", "1")


def test_of_changes_at_once_none_is_lost(c2o: CommandLine) -> None:
    names = [f"model-{number}" for number in range(8)]
    at_once = [c2o.begin("config", "set", f"models.{name}", f"nim/{name}") for name in names]
    for each in at_once:
        assert each.communicate(timeout=60)[1] == ""
    assert tomllib.loads(text_of(c2o))["models"] == {
        "default": "nim/meta/llama",
        **{name: f"nim/{name}" for name in names},
    }


# ---- refusing

REFUSED: dict[str, tuple[list[str], int, str]] = {
    "misspelt key": (["set", "server.prot", "1"], 2, "Did you mean port?"),
    "misspelt table": (["get", "srever.port"], 2, "Did you mean server?"),
    "misspelt key of an upstream": (["set", "upstreams.nim.apikey", "env:A"], 2, "Did you mean api_key?"),
    "misspelt key behind dots": (["set", "limits.nim/a-3.3.context_windw", "1"], 2, "Did you mean context_window?"),
    "misspelt quirk": (["set", "upstreams.nim.quirks.vison", "true"], 2, "Did you mean vision?"),
    "key inside a value": (["set", "server.port.x", "1"], 2, "server.port has no keys"),
    "key that is none": (["get", 'a b"'], 2, "Names are separated by dots"),
    "no key": (["set", "", "1"], 2, "a key is needed"),
    "wrong type": (["set", "server.port", "abc"], 78, "[server] port must be a whole number, not text."),
    "wrong word": (["set", "upstreams.nim.api", "grpc"], 78, "must be one of: "),
    "no list": (["set", "upstreams.nim.omit", "[1"], 2, 'A list: ["a", "b"]'),
    "model of nobody": (["set", "models.opus", "x/y"], 78, "there is no [upstreams.x]; there are: nim."),
    "needed table": (["unset", "upstreams.nim"], 78, "there is no upstream."),
    "needed key": (["unset", "server.auth_token"], 78, "auth_token is missing."),
    "upstream without address": (["set", "upstreams.nimm.api_key", "env:A"], 78, "base_url is missing."),
    "nobody to ask": (["set", "server.port"], 2, "c2o config set 'server.port' VALUE, or - for stdin"),
    "a secret among others for all to see": (
        ["set", "upstreams.nim.api_key", '["env:ONE", "sk-abcdefghijklmnop"]'],
        2,
        "seen by other users",
    ),
    "secret for all to see": (["set", "upstreams.nim.api_key", "sk-abcdefghijklmnop"], 2, "seen by other users"),
    "no editor": (["edit"], 2, "export EDITOR=nano"),
}


@pytest.mark.parametrize(("arguments", "exit_code", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_changes_nothing(c2o: CommandLine, arguments: list[str], exit_code: int, said: str) -> None:
    done = c2o("config", *arguments)
    assert (done.exit_code, done.out) == (exit_code, "")
    assert said in done.err
    assert "Traceback" not in done.err
    assert unchanged(c2o)


def test_a_refused_change_as_json(c2o: CommandLine) -> None:
    said = c2o("config", "set", "server.port", "abc", "--json").json
    assert (said["schema"], said["exit_code"]) == ("c2o.error/1", 78)
    assert said["error"].endswith("Nothing was changed.")


@pytest.mark.parametrize("arguments", [["get"], ["set", "server.port", "1"], ["unset", "server.port"]])
def test_a_broken_file_is_told_and_left(c2o: CommandLine, arguments: list[str]) -> None:
    file_of(c2o).write_text(FILE + "[oops\n")
    done = c2o("config", *arguments)
    assert (done.exit_code, done.out) == (78, "")
    assert "is not valid TOML" in done.err
    assert text_of(c2o) == FILE + "[oops\n"


def test_a_mistake_is_mended_by_setting_it_right(c2o: CommandLine) -> None:
    file_of(c2o).write_text(FILE.replace("8226", '"8226"'))
    assert c2o("config", "get", "server.port").out == "8226\n"
    assert c2o("config", "set", "server.port", "8226").exit_code == 0
    assert text_of(c2o) == FILE


def test_there_is_none(c2o: CommandLine) -> None:
    file_of(c2o).unlink()
    for arguments in (["get"], ["set", "server.port", "1"], ["edit"]):
        done = c2o("config", *arguments, EDITOR="true")
        assert done.exit_code == 78
        assert "c2o init" in done.err
    assert not file_of(c2o).exists()


def test_a_folder_that_cannot_be_written(c2o: CommandLine) -> None:
    (c2o.folder / ".config.toml.new").mkdir()  # what stands in the way of root, too
    done = c2o("config", "set", "server.port", "1")
    assert done.exit_code == 8
    assert "config.toml can't be written: " in done.err
    assert text_of(c2o) == FILE


def test_fallbacks_and_several_keys_are_lists(c2o: CommandLine) -> None:
    c2o("config", "set", "models.gpt-4.1", '["nim/a", "nim/b"]')
    c2o("config", "set", "upstreams.nim.api_key", '["env:ONE", "env:OTHER"]')

    tables = tomllib.loads(text_of(c2o))
    assert tables["models"]["gpt-4.1"] == ["nim/a", "nim/b"]
    assert tables["upstreams"]["nim"]["api_key"] == ["env:ONE", "env:OTHER"]
    assert c2o("config", "get", "upstreams.nim.api_key").out == '["env:ONE", "env:OTHER"]\n'
    jsonschema.validate(tables, c2o("config", "schema", "--json").json["json_schema"])


# ---- secrets


def test_a_secret_from_stdin(c2o: CommandLine, tmp_path: Path) -> None:
    script = f"printf 'nvapi-new-0123456789-zzzz\\n' | {sys.executable} -m c2o config set upstreams.nim.api_key -"
    process = subprocess_shell(c2o, script)
    assert process == "✓ upstreams.nim.api_key = nvap…zzzz  was nvap…a1f3  (~/c2o/config.toml)\n"
    assert text_of(c2o) == FILE.replace(KEY, "nvapi-new-0123456789-zzzz")


def subprocess_shell(c2o: CommandLine, script: str) -> str:
    done = subprocess.run(["sh", "-c", script], env=c2o.environment(), capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout


def test_a_secret_that_is_asked_for_stays_unseen(c2o: CommandLine) -> None:
    with on_a_terminal(c2o, "config", "set", "upstreams.nim.api_key") as terminal:
        terminal.answer("upstreams.nim.api_key (what you type stays hidden)", "nvapi-typed-0123456789-zzzz")
        assert terminal.end() == 0
        assert "typed" not in terminal.screen
    assert text_of(c2o) == FILE.replace(KEY, "nvapi-typed-0123456789-zzzz")


def test_nothing_happens_after_ctrl_c(c2o: CommandLine) -> None:
    with on_a_terminal(c2o, "config", "set", "server.port") as terminal:
        terminal.see("server.port ")
        terminal.type(CTRL_C)
        assert terminal.end() == 130
    assert unchanged(c2o)


# ---- the editor


def editor(tmp_path: Path, *changes: tuple[str, str]) -> str:
    """A program that makes one of these changes each time that it is started."""
    script = tmp_path / "editor.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\n"
        f"changes = {changes!r}\n"
        "at = Path(__file__).with_name('at')\n"
        "turn = len(at.read_text()) if at.exists() else 0\n"
        "at.write_text('.' * (turn + 1))\n"
        "file = Path(sys.argv[1])\n"
        "assert file.stat().st_mode & 0o077 == 0\n"
        "file.write_text(file.read_text().replace(*changes[turn]))\n"
    )
    return shlex.join([sys.executable, str(script)])


def test_what_is_edited_takes_its_place(c2o: CommandLine, tmp_path: Path) -> None:
    done = c2o("config", "edit", EDITOR="false", VISUAL=editor(tmp_path, ("8226", "9000")))
    assert (done.exit_code, done.out, done.err) == (0, "✓ saved  (~/c2o/config.toml)\n", "")
    assert text_of(c2o) == FILE.replace("8226", "9000")


def test_a_broken_file_can_be_edited(c2o: CommandLine, tmp_path: Path) -> None:
    file_of(c2o).write_text(FILE + "[oops\n")
    assert c2o("config", "edit", EDITOR=editor(tmp_path, ("[oops\n", ""))).exit_code == 0
    assert text_of(c2o) == FILE


def test_an_edit_that_is_wrong_changes_nothing(c2o: CommandLine, tmp_path: Path) -> None:
    done = c2o("config", "edit", EDITOR=editor(tmp_path, ("port", "prot")))
    assert done.exit_code == 78
    assert "config.toml:3: [server] prot: there is no such key. Did you mean port?" in done.err
    assert unchanged(c2o)


def test_an_edit_that_is_wrong_goes_on(c2o: CommandLine, tmp_path: Path) -> None:
    command = editor(tmp_path, ("port", "prot"), ("prot = 8226", "port = 9000"))
    with on_a_terminal(c2o, "config", "edit", EDITOR=command) as terminal:
        terminal.see("Did you mean port?")
        terminal.answer("Go on editing?")
        terminal.see("✓ saved")
        assert terminal.end() == 0
    assert text_of(c2o) == FILE.replace("8226", "9000")


def test_an_edit_that_is_given_up(c2o: CommandLine, tmp_path: Path) -> None:
    with on_a_terminal(c2o, "config", "edit", EDITOR=editor(tmp_path, ("port", "prot"))) as terminal:
        terminal.answer("Go on editing?", "n")
        assert terminal.end() == 130
    assert unchanged(c2o)


def test_an_editor_that_fails(c2o: CommandLine) -> None:
    assert "ended with code 1, so nothing was changed" in c2o("config", "edit", EDITOR="false").err
    assert "can't be started" in c2o("config", "edit", EDITOR="/none/such").err
    assert unchanged(c2o)


def test_what_another_changed_meanwhile_is_not_lost(c2o: CommandLine, tmp_path: Path) -> None:
    meanwhile = f"{sys.executable} -m c2o config set models.opus nim/x >&2 && {editor(tmp_path, ('8226', '9000'))}"
    done = c2o("config", "edit", EDITOR=f"sh -c {shlex.quote(meanwhile + ' $0')}")
    assert done.exit_code == 8
    assert "changed by another while you edited" in done.err
    assert tomllib.loads(text_of(c2o))["models"]["opus"] == "nim/x"
    assert tomllib.loads(text_of(c2o))["server"]["port"] == 8226


def test_nor_is_it_when_the_edit_was_wrong_at_first(c2o: CommandLine, tmp_path: Path) -> None:
    command = editor(tmp_path, ("8226", "oops"), ("oops", "9000"))
    with on_a_terminal(c2o, "config", "edit", EDITOR=command) as terminal:
        terminal.see("Go on editing?")
        assert c2o("config", "set", "models.opus", "nim/x").exit_code == 0
        terminal.type("\n")
        terminal.see("changed by another while you edited")
        terminal.answer("What you save then replaces it.", "n")
        assert terminal.end() == 130
    assert text_of(c2o) == f'{FILE}opus = "nim/x"\n'


# ---- checking

WRONG = {
    "misspelt key": (FILE.replace("port =", "prot ="), 3),
    "missing key": (FILE.replace("auth_token", "#"), 2),
    "value in a table": (FILE + "\n[upstreams.b]\nbase_url = 5\n", 16),
    "model of nobody": (FILE + 'opus = [\n  "x"]\n', 14),
    "limits of nobody": (FILE + '\n[limits."x/m"]\n', 15),
    "key of an inline table": (FILE.replace("headers =", "timeouts ="), 9),
    "no TOML": (FILE + "oops\n[a]\n", 14),
    "a list without end": (FILE + "opus = [\n1,\n2\n", 14),
}


@pytest.mark.parametrize(("text", "line"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_told_with_its_line(c2o: CommandLine, tmp_path: Path, text: str, line: int) -> None:
    other = tmp_path / "other.toml"
    other.write_text(text)
    done = c2o("config", "validate", str(other), "--json")
    assert done.exit_code == 78
    said = done.json
    assert said.pop("problem").startswith(f"{other}:{line}")
    assert said == {"schema": "c2o.config-validate/1", "path": str(other), "valid": False, "line": line, "warnings": []}


def test_a_mistake_as_people_and_editors_read_it(c2o: CommandLine) -> None:
    file_of(c2o).write_text(FILE.replace("port =", "prot ="))
    done = c2o("config", "validate")
    assert (done.exit_code, done.err) == (78, "")
    assert done.out == f"✗ {file_of(c2o)}:3: [server] prot: there is no such key. Did you mean port?\n"


def test_a_valid_file(c2o: CommandLine) -> None:
    done = c2o("config", "validate")
    assert (done.exit_code, done.out) == (0, f"✓ {file_of(c2o)} is valid\n")


def test_the_schema_takes_what_the_configuration_takes(c2o: CommandLine) -> None:
    schema = c2o("config", "schema").json
    assert c2o("config", "schema", "--json").json == {"schema": "c2o.config-schema/1", "json_schema": schema}
    judge = jsonschema.Draft202012Validator(schema)
    judge.check_schema(schema)
    judge.validate(tomllib.loads(FILE))
    for wrong in ("prot = 1", "port = 'x'"):
        assert not judge.is_valid(tomllib.loads(FILE.replace("port = 8226", wrong)))
    for more in ("quirks = { vison = true }", 'dialect = "nimm"', 'digest = "x"', "timeouts = { idle = 0 }"):
        assert not judge.is_valid(tomllib.loads(FILE.replace("headers", f"{more}\nheaders")))
    assert not judge.is_valid(tomllib.loads("digest = 'x'\n" + FILE))
    for route, fits in ROUTES.items():
        assert judge.is_valid(tomllib.loads(f"{FILE}\n[routes]\n{route}")) is fits, route


ROUTES = {
    'background = "nim/x"': True,
    'subagent = ["nim/x", "nim/y"]': True,
    'think = "nim/x"': True,
    'think = { model = ["nim/x", "nim/y"], effort = "max" }': True,
    'long_context = { model = "nim/x", above = 9 }': True,
    'backgrund = "nim/x"': False,
    'image = { model = "nim/x" }': False,
    'think = { effort = "max" }': False,
    'think = { model = "nim/x", effort = "hard" }': False,
    'long_context = { model = "nim/x", above = 0 }': False,
}


# ---- a running service


def test_a_running_service_follows_at_once(configured: CommandLine) -> None:
    configured("start")
    before = configured.service().pid

    done = configured("config", "set", "models.opus", "fake/other")

    assert done.out.splitlines()[1:] == ["  the running service has taken it"]
    assert configured("status", "--json").json["models"]["opus"] == "fake/other"
    followed = configured("config", "unset", "models.opus", "--restart", "--json").json
    assert (followed["taken"], followed["restart_needed"], followed["restarted"]) == (True, False, None)
    assert configured.service().pid == before, "no restart was needed"


def test_another_port_needs_a_restart(configured: CommandLine) -> None:
    configured("start")
    before = configured.service()
    port = str(free_port())

    hinted = configured("config", "set", "server.port", port)
    assert hinted.out.splitlines()[1:] == ["  takes effect with: c2o restart"]
    assert "server.port in the configuration changed" in configured("status").out

    done = configured("config", "set", "server.port", port, "--restart", "--json").json
    assert done["restarted"]["schema"] == "c2o.restart/1"
    assert not done["restart_needed"]
    assert configured.service().pid != before.pid
    assert configured.service().port == int(port)
    assert configured("status", "--json").json["problems"] == []


def test_what_the_service_cannot_use_is_told_and_changes_nothing(configured: CommandLine) -> None:
    configured("start")

    done = configured("config", "set", "upstreams.fake.api_key", "env:NO_SUCH_KEY")

    path = configured.folder / "config.toml"
    line = path.read_text().splitlines().index('api_key = "env:NO_SUCH_KEY"') + 1
    told = "  ! The service goes on with what it read before, until this is mended: "
    assert f"{told}{path}:{line}: upstream fake is without its key: NO_SUCH_KEY is not set: export" in done.out
    assert "into keys.env" in done.out
    (configured.folder / "keys.env").write_text("NO_SUCH_KEY=sk-now-there-is-one\n")
    until(lambda: configured("status", "--json").json["problems"] == [])


def test_another_token_is_told_to_who_has_the_former_one(configured: CommandLine) -> None:
    configured("start")
    there = configured.service()

    done = configured("config", "edit", EDITOR="sed -i s/test-token/other-token/")

    assert "  clients that run now have the former token: start them again" in done.out
    connection = http.client.HTTPConnection(*there.address, timeout=10)
    connection.request("GET", "/v1/models", headers={"x-api-key": TOKEN})
    answer = connection.getresponse()
    assert answer.status == 401
    assert b"was changed after this client was started" in answer.read()
    connection.close()
