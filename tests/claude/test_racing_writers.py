"""Ten thousand changes of a settings file, while another program writes it and a third one reads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from c2o.claude import takeover
from c2o.variables import SELECTORS

ROUNDS = 10_000
"""Each is a change and its undoing."""

OURS = {
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:8226",
    "ANTHROPIC_AUTH_TOKEN": "c2o-0123456789",
    **dict.fromkeys(SELECTORS, ""),
}

WRITER = """
import json, os, random, sys, time
path, stop = sys.argv[1], sys.argv[1] + ".stop"
draw = random.Random(8226)
written, number = {}, 0
while not os.path.exists(stop):
    with open(path) as file:
        settings = json.load(file)
    written[f"foreign {number % 20}"] = number
    settings[f"foreign {number % 20}"] = number
    settings["env"][f"FOREIGN_{number % 20}"] = str(number)
    with open(path + ".theirs", "w") as file:
        json.dump(settings, file, indent=2)
    os.replace(path + ".theirs", path)
    number += 1
    time.sleep(draw.random() * 0.02)
print(json.dumps(written))
"""
"""As Claude Code does it: read it all, change something, put it in place; at the end it says what must be there."""

READER = """
import json, sys, time
while True:
    with open(sys.argv[1], "rb") as file:
        json.loads(file.read())
    time.sleep(0.003)
"""


@contextmanager
def beside(script: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another program, which is ended with the block."""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
def test_no_write_is_lost_and_no_read_is_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # a power failure is another matter, and slow
    folder = tmp_path / "claude"
    folder.mkdir()
    path = folder / "settings.json"
    path.write_text(json.dumps({"env": {}}, indent=2))
    with beside(READER, path) as reader, beside(WRITER, path) as writer:
        for _ in range(ROUNDS):
            takeover.on(path, "user", lambda env: OURS)
            takeover.off(path)
        (folder / "settings.json.stop").touch()
        said, trouble = writer.communicate(timeout=30)
        assert writer.returncode == 0, trouble
        assert reader.poll() is None, reader.communicate()[1]
    takeover.off(path)
    written = json.loads(said)
    wanted = {f"FOREIGN_{name.removeprefix('foreign ')}": str(number) for name, number in written.items()}
    left = json.loads(path.read_text())
    assert path.read_text() == json.dumps(left, indent=2), "to the byte as that program would write it"
    assert left.pop("env") == wanted
    assert left == written
    assert len(written) == 20
    assert sorted(each.name for each in folder.iterdir()) == ["settings.json", "settings.json.stop"]


@pytest.mark.slow
def test_there_and_back_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone with the file, each way back is exact."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    path = tmp_path / "settings.json"
    text = '\ufeff{\r\n\t"env": {"A": "\\u00e9", "ANTHROPIC_BASE_URL": "https:\\/\\/x"},\r\n\t"b": [ 1.50 ]\r\n}'
    path.write_bytes(text.encode())
    for _ in range(ROUNDS // 5):
        takeover.on(path, "user", lambda env: OURS)
        takeover.off(path)
        assert path.read_bytes() == text.encode()
