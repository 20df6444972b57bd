"""``c2o init`` and ``c2o doctor`` with a real llama.cpp server.  Its scripted model talks, but calls no such tool."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.clients.test_llama_cpp import serving
from tests.command_line import CommandLine


def test_init_finds_the_model_and_its_window_and_the_doctor_agrees(
    c2o: CommandLine, llama_python: Path, tmp_path: Path
) -> None:
    with serving(llama_python, tmp_path, "16384") as address:
        listed = c2o("init", "--upstream", address, "--name", "llama", "--model", "wanted", "--json", "--yes").json
        models = next(found["models"] for found in listed["tested"][0]["checks"] if found["check"] == "models")
        done = c2o("init", "--upstream", address, "--name", "llama", "--model", models[0]["id"], "--yes")
        told = c2o("doctor", "--json").json
    written = tomllib.loads((c2o.folder / "config.toml").read_text())

    assert done.exit_code == 0, done
    assert "✓ streaming  ! no tool call" in done.out
    assert "asked to call a tool" in done.out
    assert written["limits"][written["models"]["default"]] == {"context_window": 16384}
    levels = {check["id"]: check["level"] for check in told["checks"] if check["group"] == "upstream"}
    small = {"upstream.window": "warn"}
    assert levels == {"upstream.models": "ok", "upstream.stream": "ok", "upstream.tool": "warn"} | small
