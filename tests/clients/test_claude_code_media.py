"""What the real Claude Code reads with its own tools reaches an upstream in a form that it can take.

Version 2.1.329 puts a PDF into the tool result, 2.1.197 beside it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from c2o.proxy.documents import png
from tests.clients.claude import Claude
from tests.clients.service import Service, configuration
from tests.clients.test_claude_code import conversation, steps
from tests.fake_upstream import Call, FakeUpstream, Reply, as_text
from tests.pdf import scanned_pdf, text_pdf

Json = dict[str, Any]
Start = Callable[..., Service]

BLIND = {"quirks": {"vision": False}}
FILES = {"dialect": "openai"}

PICTURE = png.encoded(bytes(range(192)) * 64, width=64, height=64, stride=192)
LETTER = text_pdf("Dear Alice,\nthe treasure is under the oak.", "Yours, Bob")


@pytest.fixture
def read(claude: Claude, start_c2o: Start, upstream: FakeUpstream) -> Callable[..., list[Json]]:
    """``read("a.png", data)``: the messages that the upstream gets after Claude Code has read the file."""

    def reading(name: str, data: bytes, **how: Any) -> list[Json]:
        start_c2o(configuration(upstream.base_url, **how))
        path = claude.project / name
        path.write_bytes(data)
        upstream.think(steps(Reply(calls=(Call("Read", {"file_path": str(path)}),)), Reply(text="I have read it.")))

        done = claude.through_c2o("-p", f"Read {name}", "--allowedTools", "Read")

        assert (done.stdout.strip(), done.returncode) == ("I have read it.", 0), done
        messages = conversation(upstream)[-1].messages
        call = next(number for number, message in enumerate(messages) if message.get("tool_calls"))
        assert messages[call + 1]["role"] == "tool"
        return messages[call + 1 :]

    return reading


def images(messages: list[Json]) -> list[str]:
    """The images in the users' messages, as data URLs."""
    found = (message["content"] for message in messages if message["role"] == "user")
    parts = [part for content in found if isinstance(content, list) for part in content]
    return [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]


def text(messages: list[Json]) -> str:
    """Everything that is said, in one piece."""
    return "\n".join(as_text(message["content"]) for message in messages)


def test_a_picture_for_an_upstream_that_sees(read: Callable[..., list[Json]]) -> None:
    messages = read("map.png", PICTURE)

    (image,) = images(messages)
    assert isinstance(messages[0]["content"], str)
    assert "image 1 of tool result" in messages[0]["content"]
    kind, data = image.split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data).startswith(b"\x89PNG")


def test_a_picture_for_an_upstream_that_does_not_see(read: Callable[..., list[Json]]) -> None:
    messages = read("map.png", PICTURE, **BLIND)

    assert images(messages) == []
    assert "the upstream model cannot see images" in text(messages)
    assert base64.b64encode(PICTURE[:60]).decode() not in json.dumps(messages)


@pytest.mark.parametrize("how", [{}, BLIND], ids=["seeing", "blind"])
def test_a_pdf_for_an_upstream_that_takes_text(read: Callable[..., list[Json]], how: Json) -> None:
    messages = read("letter.pdf", LETTER, **how)

    said = text(messages)
    assert "[page 1]\nDear Alice,\nthe treasure is under the oak.\n[page 2]\nYours, Bob" in said
    assert images(messages) == []
    assert base64.b64encode(LETTER[:60]).decode() not in json.dumps(messages)


def test_a_pdf_for_an_upstream_that_takes_files(read: Callable[..., list[Json]]) -> None:
    messages = read("letter.pdf", LETTER, **FILES)

    parts = [part for message in messages if isinstance(message["content"], list) for part in message["content"]]
    (file,) = [part["file"] for part in parts if part["type"] == "file"]
    assert file["filename"].endswith(".pdf")
    kind, data = file["file_data"].split(",")
    assert kind == "data:application/pdf;base64"
    assert base64.b64decode(data) == LETTER


def test_a_scan_for_an_upstream_that_sees(read: Callable[..., list[Json]]) -> None:
    messages = read("scan.pdf", scanned_pdf())

    (image,) = images(messages)
    assert image.startswith("data:image/png;base64,iVBOR")


def test_a_scan_for_an_upstream_that_does_not_see(claude: Claude, start_c2o: Start, upstream: FakeUpstream) -> None:
    """It is refused with its place; Claude Code takes it out of the conversation and goes on."""
    start_c2o(configuration(upstream.base_url, **BLIND))
    path = claude.project / "scan.pdf"
    path.write_bytes(scanned_pdf())
    upstream.think(steps(Reply(calls=(Call("Read", {"file_path": str(path)}),)), Reply(text="I can't read it.")))

    done = claude.through_c2o("-p", "Read scan.pdf", "--allowedTools", "Read")

    assert (done.stdout.strip(), done.returncode) == ("I can't read it.", 0), done


def test_a_picture_and_a_pdf_at_once(claude: Claude, start_c2o: Start, upstream: FakeUpstream) -> None:
    start_c2o(configuration(upstream.base_url))
    files: dict[str, Path] = {name: claude.project / name for name in ("map.png", "letter.pdf")}
    files["map.png"].write_bytes(PICTURE)
    files["letter.pdf"].write_bytes(LETTER)
    calls = tuple(Call("Read", {"file_path": str(path)}) for path in files.values())
    upstream.think(steps(Reply(calls=calls), Reply(text="Both.")))

    done = claude.through_c2o("-p", "Read both", "--allowedTools", "Read")

    assert (done.stdout.strip(), done.returncode) == ("Both.", 0), done
    messages = conversation(upstream)[-1].messages
    (call,) = [message["tool_calls"] for message in messages if message.get("tool_calls")]
    answers = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert answers == [each["id"] for each in call]
    assert len(images(messages)) == 1
    assert "the treasure is under the oak" in text(messages)
