"""``c2o __complete``: what it finds, and that it takes anything for a reason to say nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from c2o import known_models, quick_values
from tests.command_line import CommandLine

TABLES = ("upstreams:base_url,timeouts.idle", "limits:context_window", "prices:input")


@pytest.fixture
def configuration(c2o_home: Path) -> Path:
    c2o_home.mkdir(parents=True)
    return c2o_home / "config.toml"


def complete(capfd: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """The values that are printed."""
    assert quick_values.main(list(arguments)) == 0
    out, err = capfd.readouterr()
    assert err == ""
    return [line.partition("\t")[0] for line in out.splitlines()]


@pytest.mark.parametrize(
    ("text", "models"),
    [
        ('[models]\ndefault = "nim/a"', ["default", "nim/a"]),
        ("[models]\ndefault = 'nim/a:b=c' # \"x/y\"", ["default", "nim/a:b=c"]),
        ('[models]\nopus = ["nim/a", "own/b"]', ["opus", "nim/a", "own/b"]),
        ('models.opus = "nim/a"', ["opus", "nim/a"]),
        ('[ models ]\n"odd = name" = "nim/a"', ["odd = name", "nim/a"]),
        ('[models]\n"gpt-*" = "openai/*"\nhaiku = "nim/a"', ["haiku", "nim/a"]),
        ('# [models]\n#default = "nim/a"\n', []),
        (
            '[models]\nopus = [\n  "nim/a", # best\n"own/b=c"\n]\nhaiku = "nim/b"',
            ["opus", "haiku", "nim/a", "own/b=c", "nim/b"],
        ),
        ('[models]\nopus = [ "nim/a",\n', ["opus", "nim/a"]),
        ('[models\n=\n= =\n[[]]\n]\n"', []),
    ],
)
def test_names_of_the_configuration(configuration, capfd, text, models):
    configuration.write_text(text)
    assert complete(capfd, "models") == models


def test_upstreams_and_their_keys(configuration, capfd):
    configuration.write_text(
        '[upstreams.nim]\nbase_url = "https://a/v1"\n[upstreams."my.gw"]\n[limits."nim/m"]\n[prices."nim/*"]\n'
    )
    assert complete(capfd, "upstreams") == ["nim", "my.gw"]
    assert {"upstreams.my.gw.base_url", "limits.nim/m.context_window", "prices.nim/*.input"} <= set(
        complete(capfd, "keys", "", *TABLES)
    )


def test_what_may_be_secret_in_an_address_is_not_shown(configuration, capfd):
    configuration.write_text('[upstreams.nim]\nbase_url = "https://me:secret@a.example:8/v1?key=secret#x"\n')
    quick_values.main(["upstreams"])
    assert capfd.readouterr().out == "nim\ta.example:8\n"


def test_models_that_the_service_knows(c2o_home, capfd):
    listed = known_models.listed("https://a/v1", [], known_models.now())
    known_models.remember(known_models.path(), {"nim": listed})
    assert complete(capfd, "models") == []
    text = known_models.path().read_text().replace('"models":[]', '"models":[{"id":"m:1","context_window":131072}]')
    known_models.path().write_text(text)
    assert known_models.read(known_models.path())["nim"].models[0].id == "m:1"
    assert complete(capfd, "models") == ["nim/m:1"]
    assert complete(capfd, "ids") == ["m:1"]
    assert complete(capfd, "models", "nim/x") == []


def test_the_newest_requests_come_first(c2o_home, capfd):
    log = c2o_home / "log" / "c2o.log"
    log.parent.mkdir(parents=True)
    lines = [json.dumps({"request": {"id": f"req_{number}", "asked": "a\tb\x1b"}}) for number in range(9000)]
    log.write_text("\n".join(lines) + "\nTraceback\n{\n")
    found = complete(capfd, "requests")
    assert found[:2] == ["req_8999", "req_8998"]
    assert len(found) <= quick_values.MOST


BROKEN = {
    "not JSON": b"{",
    "not text": b"\xff\xfe\x00",
    "not ours": b"[1]",
    "other shapes": b'{"upstreams": {"a": 1, "b": {"models": {}}, "c": {"models": [1, {}, {"id": 3}, {"id": null}]}}}',
    "too deep": b"[" * 100_000,
    "steering": b'{"upstreams": {"a": {"models": [{"id": "\\u001b[31m"}, {"id": "two\\nlines"}, {"id": "\\ud800"}]}}}',
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_cant_be_understood_has_no_values(c2o_home, capfd, data):
    for name in ("config.toml", "state/models.json", "log/c2o.log"):
        (c2o_home / name).parent.mkdir(parents=True, exist_ok=True)
        (c2o_home / name).write_bytes(data)
    for kind in (*quick_values.KINDS, "nonsense", ""):
        assert complete(capfd, kind) == []


def test_folders_in_the_place_of_files_have_no_values(c2o_home, capfd):
    for name in ("config.toml", "state/models.json", "log/c2o.log"):
        (c2o_home / name).mkdir(parents=True)
    for kind in quick_values.KINDS:
        assert complete(capfd, kind) == []


def test_no_more_is_shown_than_anybody_reads(configuration, capfd):
    configuration.write_text("[models]\n" + "\n".join(f'm{number} = "nim/a"' for number in range(5000)))
    assert len(complete(capfd, "models")) == quick_values.MOST


def test_where_it_is_in_doubt_there_is_nothing(monkeypatch, capfd):
    monkeypatch.setenv("C2O_HOME", "relative")
    for kind in quick_values.KINDS:
        assert complete(capfd, kind) == []


@pytest.mark.timeout(20)
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(configuration, capfd):
    os.mkfifo(configuration)
    assert complete(capfd, "models") == []


def test_without_a_home_there_is_no_complaint(tmp_path):
    variables = {"PATH": os.environ["PATH"], "NO_COLOR": "1"}
    for kind in quick_values.KINDS:
        done = subprocess.run(
            [sys.executable, "-m", "c2o", "__complete", kind, "x" * 100_000], env=variables, capture_output=True
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_nothing_but_json_os_and_sys_is_loaded(c2o: CommandLine):
    c2o.folder.mkdir(parents=True)
    (c2o.folder / "config.toml").write_text('[models]\ndefault = "nim/a"\n')
    script = (
        "import json, os, sys; before = set(sys.modules); sys.argv = ['c2o', '__complete', 'models']\n"
        "from c2o import quick_values; quick_values.main(['models'])\n"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], env=c2o.environment(), capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "['__future__', 'c2o', 'c2o.prompt', 'c2o.prompt.home', 'c2o.quick_values']"


def test_values_are_written_in_utf8_whatever_the_locale(c2o: CommandLine):
    c2o.folder.mkdir(parents=True)
    (c2o.folder / "config.toml").write_text('[models]\nmodèle = "nim/a"\n', encoding="utf-8")
    said = c2o("__complete", "models", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert (said.exit_code, said.out.splitlines()[0], said.err) == (0, "modèle\tnim/a", "")
