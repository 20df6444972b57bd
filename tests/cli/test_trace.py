"""``c2o trace``, from outside: a service, a client, an upstream, and what of it is written down."""

from __future__ import annotations

import http.client
import json
import os
import pty
import re
import signal
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.json import encode as json_of

from c2o import trace_file
from c2o.cli.trace.answer import told
from c2o.cli.trace.command import clear, export, off, on, show
from c2o.errors import C2oError, RefusedFile
from c2o.instance import Instance
from c2o.trace_file import Frame
from c2o.wire.sse import frame
from tests import test_recordings as recordings
from tests.clients.service import TOKEN
from tests.command_line import CommandLine, streaming, until
from tests.fake_upstream import Call, FakeUpstream, Reply, error
from tests.translate.talk import tool

BASH = tool("Bash", {"command": {"type": "string"}, "timeout": {"type": "integer"}})
HEADERS = {"x-api-key": TOKEN, "content-type": "application/json", "user-agent": "claude-cli/2.1.329 (external, cli)"}


def ask(there: Instance, **fields: Any) -> tuple[int, str, str]:
    """A request's status, id and body."""
    body = {"model": "claude-sonnet-5", "max_tokens": 90, "messages": [{"role": "user", "content": "Hi"}], **fields}
    connection = http.client.HTTPConnection(*there.address, timeout=60)
    connection.request("POST", "/v1/messages?beta=true", json.dumps(body), HEADERS)
    answer = connection.getresponse()
    said = answer.read().decode()
    connection.close()
    return answer.status, answer.headers["request-id"], said


@pytest.fixture
def traced(configured: CommandLine) -> CommandLine:
    configured("start")
    assert configured("trace", "on").exit_code == 0
    return configured


def passes(folder: Path) -> None:
    """The functions of the recordings' own tests take it for one of theirs."""
    recording = recordings.Recording(folder)
    recordings.test_what_goes_upstream(recording)
    if recording.has("upstream.sse"):
        recordings.test_what_a_streaming_client_gets(recording)
        recordings.test_the_answer_does_not_depend_on_where_the_stream_is_cut(recording)
        recordings.test_a_stream_where_a_whole_answer_was_asked_for(recording)
    if recording.has("upstream.json"):
        recordings.test_what_a_client_gets_that_asked_for_a_whole_answer(recording)
    if recording.refusal():
        recordings.test_an_error_of_the_upstream(recording)


@pytest.mark.slow
def test_switched_on_without_a_restart_and_off_again(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda _: Reply(text="Hello there"))
    configured("start")
    there = configured.service()
    assert configured("trace", "--json").json["traces"] == []
    ask(there)
    assert not trace_file.folder().exists()

    said = configured("trace", "on", "--for", "2h", "--max", "3").out
    assert "prompts and answers are written to this machine's disk, readable by you alone: ~/c2o/state/trace" in said
    assert "the last 3 requests are kept" in said
    ids = [ask(there)[1] for _ in range(5)]
    listed = configured("trace", "--json").json
    assert listed["schema"] == "c2o.traces/1"
    assert [each["id"] for each in listed["traces"]] == ids[2:]
    assert (
        listed["traces"][0].items() >= {"asked": "claude-sonnet-5", "target": "fake/fake-model", "status": 200}.items()
    )
    folder = Path(listed["folder"])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}

    configured("restart")
    _, after_restart, _ = ask(configured.service())
    assert "requests are traced no more" in configured("trace", "off").out
    until(lambda: ask(configured.service())[1] and not (trace_file.switch()))
    _, untraced, _ = ask(configured.service())
    assert configured("trace", "--json").json["traces"][-1]["id"] == after_restart
    assert configured("trace", "show", untraced).exit_code == 1
    assert configured("trace", "clear", "--json").json["removed"] == 3
    assert configured("trace", "off", "--json").json["changed"] is False


def test_both_sides_are_shown(traced: CommandLine, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="Hello there", calls=(Call("Bash", {"command": "ls"}),)))
    _, id, got = ask(traced.service(), stream=True, tools=[BASH], system="x" * 5000)

    shown = traced("trace", "show", id, "--json").json
    assert (shown["schema"], shown["id"]) == ("c2o.trace/1", id)
    frames: dict[str, list[Any]] = {}
    for each in shown["frames"]:
        frames.setdefault(each["what"], []).append(each)
    assert frames["asked"][0]["line"] == "POST /v1/messages?beta=true"
    assert json.loads(frames["asked"][0]["text"])["system"] == "x" * 5000
    assert frames["sent"][0]["line"] == f"POST {upstream.base_url}/chat/completions"
    assert frames["sent"][0]["text"].encode() == upstream.requests[0].body
    assert frames["sent"][0]["headers"]["Authorization"] == frames["asked"][0]["headers"]["x-api-key"] == "***"
    assert [frames["heard"][0]["status"], frames["told"][0]["status"]] == [200, 200]
    assert "".join(each.get("text", "") for each in frames["told"]) == got
    assert "".join(each.get("text", "") for each in frames["heard"]).endswith("data: [DONE]\n\n")
    assert [each["at"] for each in shown["frames"]] == sorted(each["at"] for each in shown["frames"])

    text = traced("trace", "show", "last").out
    headings = ["── the client asks", "── c2o asks the upstream", "── the upstream answers", "── the client gets"]
    said = [line.partition("  +")[0] for line in text.splitlines() if line.startswith("── ")]
    assert list(dict.fromkeys(said)) == headings, "what comes in pieces takes turns with what goes out"
    assert "(4700 more characters: --full)" in text
    assert "x" * 5000 in traced("trace", "show", id[:12], "--full").out
    assert f"c2o trace show {id}" in traced("logs", "--request", id).out


@pytest.mark.slow
@pytest.mark.parametrize("columns", [120, 160])
def test_side_by_side_where_there_is_room(traced: CommandLine, upstream: FakeUpstream, columns: int) -> None:
    upstream.play(
        error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."), Reply(text="Hi")
    )
    _, id, _ = ask(traced.service())
    pid, terminal = pty.fork()
    if pid == 0:
        command = [sys.executable, "-m", "c2o", "trace", "show", id]
        os.execve(sys.executable, command, traced.environment(TERM="xterm-256color", COLUMNS=str(columns)))
    shown = b""
    with suppress(OSError):  # its end, on Linux
        while piece := os.read(terminal, 4096):
            shown += piece
    os.waitpid(pid, 0)
    os.close(terminal)

    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown.decode().splitlines()]
    headings = [re.findall(r"── ([^+]+?) +\+", line) for line in lines if "── " in line]
    asks, answers = ["c2o asks the upstream"], ["the upstream answers"]
    beside = [["the client asks", *asks], answers, asks, ["the client gets", *answers]]
    alone = [["the client asks"], asks, answers, asks, answers, ["the client gets"]]
    assert headings == (beside if columns == 160 else alone)


@pytest.mark.slow
def test_an_export_is_a_recording(traced: CommandLine, upstream: FakeUpstream, tmp_path: Path) -> None:
    """A stream with thinking and a repaired call, a whole answer, a refusal, and what took a lesson first."""
    there = traced.service()
    call = Call("Bash", '{"command": "ls", "timeout": "5"}', "")
    upstream.play(
        Reply(text="So", reasoning="Well", calls=(call,)),
        Reply(text="Bye"),
        error(400, "CUDA error"),
        error(400, "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."),
        Reply(text="Learned"),
    )
    thinking = {"type": "enabled", "budget_tokens": 1024}
    user = {"user_id": '{"device_id":"d3v1c3","session_id":"s3ss10n"}'}
    ids = [
        ask(there, stream=True, tools=[BASH], thinking=thinking, max_tokens=2000, metadata=user)[1],
        ask(there)[1],
        ask(there)[1],
        ask(there, stream=True)[1],
    ]

    for number, id in enumerate(ids):
        folder = tmp_path / "generic" / str(number)
        done = traced("trace", "export", id, "--to", str(folder), "--json")
        assert done.json.items() >= {"schema": "c2o.trace-export/1", "dialect": "generic", "reproducible": True}.items()
        assert sorted(done.json["files"]) == sorted(path.name for path in folder.iterdir())
        passes(folder)
    assert "s3ss10n" not in "".join(path.read_text() for path in tmp_path.glob("generic/*/*"))
    beside = json.loads((tmp_path / "generic/3/job.json").read_text())
    assert beside == {"learned": ["max_tokens_field:max_completion_tokens"]}
    again = traced("trace", "export", ids[0], "--to", str(tmp_path / "generic/0"))
    assert (again.exit_code, "is there already" in again.err) == (8, True)


def test_an_export_that_was_changed_to_what_should_come_fails(
    traced: CommandLine, upstream: FakeUpstream, tmp_path: Path
) -> None:
    upstream.play(Reply(text="Bye"))
    _, id, _ = ask(traced.service())
    traced("trace", "export", id, "--to", str(tmp_path / "generic/bug"))
    expected = tmp_path / "generic/bug/expected.json"
    expected.write_text(expected.read_text().replace("Bye", "Good bye"))
    with pytest.raises(AssertionError, match="Good bye"):
        passes(expected.parent)


@pytest.mark.slow
def test_a_trace_goes_into_a_bundle_if_that_is_wanted(
    traced: CommandLine, upstream: FakeUpstream, tmp_path: Path
) -> None:
    upstream.play(Reply(text="Hello there"))
    _, id, _ = ask(traced.service())
    bundle = tmp_path / "report.zip"
    assert "--bundle FILE --trace ID" in traced("doctor", "--trace", id).err
    assert traced("doctor", "--no-probe", "--bundle", str(bundle), "--trace", "req_none").exit_code == 1
    assert not bundle.exists()
    traced("doctor", "--no-probe", "--bundle", str(bundle), "--trace", id)
    with zipfile.ZipFile(bundle) as opened:
        assert json.loads(opened.read("trace.json"))["id"] == id


@pytest.mark.slow
def test_replayed_with_what_is_different(traced: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: Reply(text="Bye" if len(upstream.requests) < 3 else "Ciao\nBye"))
    _, id, _ = ask(traced.service(), stream=True, max_tokens=17)

    same = traced("trace", "replay", id)
    assert "✓ the answer is the same" in same.out
    other = traced("trace", "replay", id, "--model", "fake/another", "--json").json
    assert [each["what"] for each in other["differences"]] == ["text"]
    assert (other["before"]["text"], other["after"]["text"]) == ("Bye", "Ciao\nBye")
    assert [request.json["model"] for request in upstream.requests] == ["fake-model", "fake-model", "another"]
    assert {request.json["max_tokens"] for request in upstream.requests} == {17}
    shown = traced("trace", "replay", id).out
    assert "≠ text\n  +Ciao\n   Bye\n" in shown
    assert traced("trace", "show", other["replayed_as"]).exit_code == 0

    traced("stop")
    assert traced("trace", "replay", id).exit_code == 3


@pytest.mark.slow
def test_a_killed_service_leaves_readable_traces(traced: CommandLine, upstream: FakeUpstream) -> None:
    there = traced.service()
    with streaming(there, upstream):
        id = until(lambda: traced("trace", "--json").json["traces"])[0]["id"]
        until(lambda: "first" in traced("trace", "show", id).out)
        os.kill(there.pid, signal.SIGKILL)
    shown = traced("trace", "show", id)
    assert "no end is known" in shown.out
    assert '"content": "first "' in shown.out
    assert "isn't whole" in traced("trace", "export", id).err


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: on(for_="soon"), "--for: 'soon' won't do. Say 90s, 10m or 2h; 24h at most."),
        (lambda: on(for_="25h"), "24h at most."),
        (lambda: on(max_="0"), "--max: '0' won't do. Say 100 (requests) or 64MB; 1MB to 4GB."),
        (lambda: on(max_="1KB"), "1MB to 4GB."),
        (lambda: on(max_="900GB"), "1MB to 4GB."),
        (lambda: show("req_none"), "there is no trace of req_none"),
        (lambda: show("../config"), "there is no trace of ../config"),
        (lambda: export("last"), "there is no trace of last"),
    ],
)
def test_what_won_t_do_is_said(call: Callable[[], None], said: str) -> None:
    with pytest.raises(C2oError) as failure:
        call()
    assert said in str(failure.value)
    assert trace_file.switch() is None


def test_a_trace_without_room_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    about = {"schema": trace_file.SCHEMA, "id": "req_1", "time": "2026-11-21T18:00:00Z", "version": "1"}
    frames = Frame(at=0.0, what="asked", about=about), Frame(at=1.0, what="cut")
    path = trace_file.folder() / "20261121T180000.000-req_1.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\n".join(json_of(each) for each in frames))
    show("req_1")
    assert "only its beginning was kept" in capsys.readouterr().out


def test_what_can_t_be_removed_is_said() -> None:
    """Or somebody would believe that nothing is written any more."""
    for path in (trace_file.switch_file(), trace_file.folder() / "20260101T000000.000-req_1.jsonl"):
        path.mkdir(parents=True)
    for call in (off, clear):
        with pytest.raises(RefusedFile, match=r"can't be removed: Is a directory\. Make its folder writable"):
            call()


def test_without_a_folder_there_is_nothing_to_remove() -> None:
    trace_file.folder().parent.mkdir(parents=True, exist_ok=True)
    trace_file.folder().write_text("in its place")
    assert trace_file.turn_off() is False
    assert trace_file.clear() == 0


def event(name: str, **fields: Any) -> bytes:
    return frame(name, json.dumps({"type": name} | fields).encode())


def test_an_answer_is_read_back() -> None:
    stream = event("message_start", message={"id": "m"})
    stream += event("content_block_start", content_block={"type": "text", "text": "a"})
    stream += event("content_block_delta", delta={"type": "text_delta", "text": "b"})
    stream += event("error", error={"type": "api_error", "message": "no (c2o logs --request req_1)"})
    read = told(200, stream, 0.1, 0.2)
    assert (read.text, read.error) == ("ab", "no")
    assert told(502, b"<html>", None, None).text == "<html>"
