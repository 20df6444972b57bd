"""``c2o trace export ID``: a recording in the form of c2o's own tests, of what really went over the wire.

What differs from one run to the next is written as the tests have it: the message's id, the client's user, signatures.
What c2o knew beside the request (quirks, what it has learned, limits) stands in ``job.json``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from c2o import private_file
from c2o.cli import output
from c2o.cli.output import Line
from c2o.errors import C2oError, RefusedFile
from c2o.redaction import HIDDEN
from c2o.trace_file import Frame, Trace
from c2o.translate.answers import without_id
from c2o.translate.context_edits import edited
from c2o.translate.dialects import dialect_for
from c2o.translate.translators import translator_for
from c2o.translate.types import Job
from c2o.translate.upstream_errors import Failing
from c2o.wire.anthropic import decode_request
from c2o.wire.sse import SSEDecoder, frame

BESIDE = ("quirks", "learned", "max_output_tokens", "room", "extra_body", "repair_history")
"""What ``job.json`` says, where it isn't as usual."""

SIGNATURE = "…"
"""Opaque: the tests take anything in its place."""


class ExportResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.trace-export/1"
    id: str
    folder: str
    dialect: str
    files: list[str]
    hidden: bool
    """Something in it was a secret, and is ``***`` now."""
    reproducible: bool
    """c2o makes the same upstream request of ``request.json`` and ``job.json`` alone."""


def exported(trace: Trace, to: Path | None) -> ExportResult:
    """Raises C2oError if the trace isn't whole, or there is no form for it; RefusedFile if the folder is taken."""
    way = trace.about("routed")
    if not way or trace.of("cut") or not trace.about("ended"):
        raise C2oError(
            f"the trace of {trace.id} isn't whole: no upstream was asked, it hasn't ended, or there was no room. See"
            f" what there is: c2o trace show {trace.id}"
        )
    if way["api"] == "anthropic":
        raise C2oError(
            "an upstream that speaks Anthropic's own API gets the client's bytes: there is no translation to record. "
            f"Pass on what was said: c2o trace show {trace.id} --json"
        )
    files = _files(trace, way)
    folder = to or Path(way["dialect"]) / trace.id
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RefusedFile(f"{folder} is there already. Name another folder: --to FOLDER")
    for name, text in files.items():
        private_file.write(folder / name, text)
    return ExportResult(
        id=trace.id,
        folder=str(folder),
        dialect=way["dialect"],
        files=list(files),
        hidden=any(HIDDEN in text for text in files.values()),
        reproducible=_reproducible(files, way),
    )


def _files(trace: Trace, way: Mapping[str, Any]) -> dict[str, str]:
    """Name → content."""
    last = max(n for n, each in enumerate(trace.frames) if each.what == "sent")
    attempt = trace.frames[last:]
    asked, sent = _without_user(trace.text("asked"), attempt[0].text or "")
    heard, told = _of(attempt, "heard"), _of(trace.frames, "told")
    upstream, status = _text(heard), _status(heard)
    beside = {name: way[name] for name in BESIDE if name in way}
    files = {"request.json": _pretty(asked), "expected_request.json": _pretty(sent)}
    if status != 200:
        files |= {f"upstream.{status}.json": upstream, f"expected.{_status(told)}.json": _error(_text(told))}
        beside["failing"] = way["failing"]
    elif _is_stream(heard):
        files |= {"upstream.sse": upstream, "expected.sse": _events(_text(told), way)}
    else:
        files |= {"upstream.json": upstream, "expected.json": _whole(_text(told), way)}
    return files | ({"job.json": _pretty(msgspec.json.encode(beside))} if beside else {})


def _of(frames: list[Frame], what: str) -> list[Frame]:
    return [each for each in frames if each.what == what]


def _text(frames: list[Frame]) -> str:
    return "".join(each.text or "" for each in frames)


def _status(frames: list[Frame]) -> int:
    return next((each.status for each in frames if each.status), 200)


def _is_stream(heard: list[Frame]) -> bool:
    return not _text(heard).lstrip().startswith("{")


def _pretty(text: str | bytes) -> str:
    return msgspec.json.format(text if isinstance(text, str) else text.decode(), indent=2) + "\n"


def _without_user(asked: str, sent: str) -> tuple[str, str]:
    """Claude Code names device, account and session in ``metadata.user_id``: nobody else's business."""
    user = (msgspec.json.decode(asked).get("metadata") or {}).get("user_id")
    if not isinstance(user, str) or not user:
        return asked, sent
    written = msgspec.json.encode(user).decode()
    return asked.replace(written, '"recorded"'), sent.replace(written, '"recorded"')


def _events(told: str, way: Mapping[str, Any]) -> str:
    """The client's stream, without what only kept it alive; an error told at once is the stream's only event."""
    if told.startswith("{"):
        return frame("error", _error(told).encode()).decode()
    events = SSEDecoder().feed(_normal(told, way).encode() + b"\n\n")
    return "".join(_event(each.event, each.data) for each in events if each.event != "ping")


def _event(name: str, data: bytes) -> str:
    event = msgspec.json.decode(data)
    if name == "error":
        return frame(name, _error(data.decode()).encode()).decode()
    for holder in (event.get("delta"), event.get("content_block")):
        if holder and holder.get("signature"):
            holder["signature"] = SIGNATURE
    return frame(name, msgspec.json.encode(event)).decode()


def _whole(told: str, way: Mapping[str, Any]) -> str:
    message = msgspec.json.decode(_normal(told, way))
    for block in message["content"]:
        if block.get("signature"):
            block["signature"] = SIGNATURE
    return _pretty(msgspec.json.encode(message))


def _normal(told: str, way: Mapping[str, Any]) -> str:
    """With the id that the tests give a message; calls that had none of their own have it in theirs."""
    return told.replace(way["message_id"].removeprefix("msg_"), "recorded")


def _error(told: str) -> str:
    """Without the id of the request, and what follows from it."""
    said = msgspec.json.decode(told)
    error = {name: value for name, value in said["error"].items() if name != "details"}
    error["message"] = without_id(error["message"])
    return msgspec.json.encode({"type": "error", "error": error}).decode()


def _reproducible(files: dict[str, str], way: Mapping[str, Any]) -> bool:
    asked = msgspec.json.encode(msgspec.json.decode(files["request.json"]))
    message, edits = edited(decode_request(asked))
    beside = {name: way[name] for name in BESIDE if name in way and name != "quirks"}
    job = Job(
        message_id="msg_recorded",
        model=way["model"],
        dialect=dialect_for(way["dialect"], way.get("quirks", {})).of(way["model"]),
        failing=Failing(**way["failing"]),
        request_size=len(asked),
        edits=edits,
        **beside,
    )
    made = translator_for(way["api"], message, job).request().body
    return bool(msgspec.json.decode(made) == msgspec.json.decode(files["expected_request.json"]))


def lines(result: ExportResult) -> Iterator[Line]:
    yield [("✓ ", "green"), f"{result.folder} has {', '.join(result.files)}"]
    yield [("! ", "yellow"), "prompt and answer are in it: read it before you pass it on"]
    if result.hidden:
        yield [("! ", "yellow"), "what was a key or a token in it is *** now"]
    if not result.reproducible:
        why = "a PDF's text, or reasoning that c2o remembered, isn't in it"
        yield [("! ", "yellow"), f"request.json alone doesn't make the same upstream request: {why}"]
    yield [
        f"  as a test of c2o: tests/recordings/{result.dialect}/<what it shows>/, with what should come in expected.*"
    ]
    yield [f"  {output.short(result.folder)} is readable by you alone"]
