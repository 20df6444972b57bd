"""Recordings of upstreams, both ways: what goes up, and what the client gets, wherever the stream is cut."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from c2o.translate.chat import ChatTranslator
from c2o.translate.context_edits import edited
from c2o.translate.dialects import DIALECTS
from c2o.translate.types import Answer
from c2o.translate.upstream_errors import Failing
from c2o.wire.anthropic import MessagesRequest, decode_request
from tests import grammar
from tests.translate.talk import Json, cuts, stream, translator

RECORDINGS = Path(__file__).parent / "recordings"

CUT_EVERYWHERE = 8 * 1024
"""Bytes up to which a stream is cut at each of its offsets."""

LINE_ENDS = {"LF": b"\n", "CRLF": b"\r\n", "CR": b"\r"}


class Recording:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dialect = folder.parent.name

    def __repr__(self) -> str:
        return f"{self.dialect}/{self.folder.name}"

    def json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_bytes())

    def request(self) -> MessagesRequest:
        """The client's request, as compact as clients send it: what c2o carries it carries byte for byte.

        What the client says should be left out of it is left out, as the service does.
        """
        return edited(decode_request(json.dumps(self.json("request.json"), separators=(",", ":")).encode())).request

    def translator(self, request: MessagesRequest | None = None) -> ChatTranslator:
        """For the model that its upstream's request names, and the API that it is written for."""
        return translator(request or self.request(), self.dialect, **self._fields)

    @cached_property
    def _fields(self) -> Json:
        expected = self.json("expected_request.json")
        beside = self.json("job.json") if self.has("job.json") else {}
        if "failing" in beside:
            beside["failing"] = Failing(**beside["failing"])
        return {"model": expected["model"], "responses": "input" in expected, **beside}

    def raw(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def has(self, *names: str) -> bool:
        return all((self.folder / name).exists() for name in names)

    def refusal(self) -> tuple[Path, Path] | None:
        """The upstream's error and ours, if this recording is of one."""
        said = next(self.folder.glob("upstream.[0-9]*.json"), None)
        return (said, next(self.folder.glob("expected.[0-9]*.json"))) if said else None


ALL = [Recording(file.parent) for file in sorted(RECORDINGS.glob("*/*/request.json"))]
STREAMS = [recording for recording in ALL if recording.has("upstream.sse")]
WHOLE = [recording for recording in ALL if recording.has("upstream.json")]
BOTH = [recording for recording in ALL if recording.has("expected.sse", "expected.json")]
REFUSALS = [recording for recording in ALL if recording.refusal()]


def of(recordings: list[Recording]) -> Any:
    return pytest.mark.parametrize("recording", recordings, ids=repr)


def fits(expected: Any, found: Any) -> bool:
    """Equal, where ``…`` at an end of an expected text leaves that end open."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(fits(expected[key], found[key]) for key in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(fits, expected, found))
    if isinstance(expected, str) and isinstance(found, str) and "…" in (expected[:1], expected[-1:]):
        words = expected.strip("…")
        at_start = expected.startswith("…") or found.startswith(words)
        return at_start and (expected.endswith("…") or found.endswith(words)) and words in found
    return bool(expected == found) and type(expected) is type(found)


def same(expected: Any, found: Any) -> None:
    assert fits(expected, found), f"\nexpected {json.dumps(expected, indent=1)}\nfound    {json.dumps(found, indent=1)}"


def told(raw: bytes) -> list[Json]:
    """A stream's events, without the estimate at its start."""
    grammar.read(raw)
    events = grammar.events(raw)
    if events[0]["type"] == "message_start":
        events[0]["message"]["usage"] = "an estimate"
    return events


def as_whole(story: grammar.Message) -> Json:
    """The whole answer that a stream amounts to."""
    message: Json = {
        "type": "message",
        "id": story.id,
        "role": "assistant",
        "model": story.model,
        "content": story.content,
        "stop_reason": story.stop_reason,
        "stop_sequence": story.stop_sequence,
    }
    return message | ({"stop_details": story.stop_details} if story.stop_details else {}) | {"usage": story.usage}


def translated(recording: Recording, pieces: Any) -> bytes:
    return stream(recording.translator(), pieces)


def test_every_recording_is_complete() -> None:
    assert len(ALL) > 40
    for recording in ALL:
        answered = recording.has("expected.sse") or recording.has("expected.json") or recording.refusal()
        assert answered, recording
        assert recording.has("expected_request.json"), recording


def test_every_dialect_has_a_recording() -> None:
    """A habit without one is a rumour."""
    assert set(DIALECTS) <= {recording.dialect for recording in ALL}


@of(ALL)
def test_what_goes_upstream(recording: Recording) -> None:
    sent = recording.translator().request()

    expected = recording.json("expected_request.json")
    assert sent.path == ("/responses" if "input" in expected else "/chat/completions")
    same(expected, json.loads(sent.body))


@of(STREAMS)
def test_what_a_streaming_client_gets(recording: Recording) -> None:
    found = translated(recording, [recording.raw("upstream.sse")])

    same(told(recording.raw("expected.sse")), told(found))


@of(STREAMS)
def test_the_answer_does_not_depend_on_where_the_stream_is_cut(recording: Recording) -> None:
    check_cuts(recording, LINE_ENDS["LF"], everywhere)


@pytest.mark.parametrize("line_end", ["CRLF", "CR"])
@of(STREAMS)
def test_the_answer_does_not_depend_on_cuts_at_other_line_ends(recording: Recording, line_end: str) -> None:
    check_cuts(recording, LINE_ENDS[line_end], at_line_ends)


@pytest.mark.slow
@pytest.mark.parametrize("line_end", ["CRLF", "CR"])
@of(STREAMS)
def test_the_answer_does_not_depend_on_cuts_between_other_line_ends(recording: Recording, line_end: str) -> None:
    check_cuts(recording, LINE_ENDS[line_end], everywhere)


def everywhere(data: bytes) -> Iterable[int]:
    return range(len(data))


def at_line_ends(data: bytes) -> Iterable[int]:
    """Before, in the midst of, and behind each; and behind the first letter of the next line."""
    ends = [at for at, byte in enumerate(data) if byte in b"\r\n"]
    return sorted({at + beside for at in ends for beside in (0, 1, 2)} & set(everywhere(data)))


def check_cuts(recording: Recording, line_end: bytes, places: Callable[[bytes], Iterable[int]]) -> None:
    """In single bytes, in sevens, and cut in two at each of these places."""
    data = recording.raw("upstream.sse").replace(b"\n", line_end)
    request = recording.request()
    expected = translated(recording, [recording.raw("upstream.sse")])

    def cut(pieces: Any) -> bytes:
        return stream(recording.translator(request), pieces)

    assert cut(cuts(data, 1)) == expected
    assert cut(cuts(data, 7)) == expected
    for at in places(data) if len(data) <= CUT_EVERYWHERE else ():
        assert cut((data[:at], data[at:])) == expected, f"cut at {at}: {data[:at][-40:]!r}"


@of(WHOLE)
def test_what_a_client_gets_that_asked_for_a_whole_answer(recording: Recording) -> None:
    answer = recording.translator().complete(recording.raw("upstream.json"))

    assert answer.status == 200
    same(recording.json("expected.json"), json.loads(answer.body))


@of([recording for recording in WHOLE if recording.has("expected.sse")])
def test_a_whole_answer_where_a_stream_was_asked_for(recording: Recording) -> None:
    data = recording.raw("upstream.json")
    outcomes = {translated(recording, cuts(data, size)) for size in (1, 7, len(data))}

    assert len(outcomes) == 1
    same(recording.json("expected.json"), as_whole(grammar.read(outcomes.pop())))


@of(STREAMS)
def test_a_stream_where_a_whole_answer_was_asked_for(recording: Recording) -> None:
    expected = grammar.read(recording.raw("expected.sse"))

    answer = recording.translator().complete(recording.raw("upstream.sse"))

    if expected.error:
        assert answer.status >= 400
        same({"type": "error", "error": expected.error}, json.loads(answer.body))
    else:
        assert answer.status == 200
        same(as_whole(expected), json.loads(answer.body))


@of(BOTH)
def test_a_stream_and_a_whole_answer_say_the_same(recording: Recording) -> None:
    same(recording.json("expected.json"), as_whole(grammar.read(recording.raw("expected.sse"))))


@of(REFUSALS)
def test_an_error_of_the_upstream(recording: Recording) -> None:
    files = recording.refusal()
    assert files
    said, expected = files

    answer = recording.translator().error(int(said.name.split(".")[1]), {}, said.read_bytes())

    assert isinstance(answer, Answer)
    assert answer.status == int(expected.name.split(".")[1])
    found = json.loads(answer.body)
    found["error"].pop("details", None)
    same(json.loads(expected.read_bytes()), found)
