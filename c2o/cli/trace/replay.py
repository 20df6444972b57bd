"""``c2o trace replay ID``: a client's request once more, through the running service, and what is different."""

from __future__ import annotations

import difflib
import http.client
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct

from c2o import config, paths, redaction, secret
from c2o.cli.messages import posted
from c2o.cli.output import Line
from c2o.cli.trace.answer import Told, told
from c2o.config import Config
from c2o.errors import C2oError, CredentialError, NotRunning, Unhealthy
from c2o.instance import Instance
from c2o.printable import printable
from c2o.redaction import Redactor, without_what_looks_like_a_key
from c2o.service import probe
from c2o.trace_file import Trace

PATIENCE = 600.0
"""Seconds of silence that are borne; as Claude Code does."""

PASSED_ON = ("accept", "anthropic-", "user-agent", "x-app", "x-claude-", "x-stainless-")
"""The beginnings of the headers that belong to a request, whoever makes it."""

COMPARED = ("status", "stop_reason", "error", "calls", "thinking", "text", "usage")


class Difference(Struct, frozen=True):
    what: str
    before: Any
    after: Any


class ReplayResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.trace-replay/1"
    id: str
    replayed_as: str | None
    """The id of the new request."""
    model: str
    """That was asked for this time."""
    same: bool
    differences: list[Difference]
    before: Told
    after: Told


def replayed(trace: Trace, model: str | None) -> ReplayResult:
    """Raises C2oError if there is nothing to send, NotRunning or Unhealthy if there is nobody to send it to."""
    asked = _request(trace, model)
    loaded = config.load(paths.config_file())
    there = _service(loaded)
    after, id = _ask(there, loaded, trace, asked)
    before = _before(trace)
    differences = [
        Difference(name, getattr(before, name), getattr(after, name))
        for name in COMPARED
        if getattr(before, name) != getattr(after, name)
    ]
    return ReplayResult(
        id=trace.id,
        replayed_as=id,
        model=str(asked.get("model")),
        same=not differences,
        differences=differences,
        before=before,
        after=after,
    )


def _request(trace: Trace, model: str | None) -> dict[str, Any]:
    try:
        asked = msgspec.json.decode(trace.text("asked"), type=dict[str, Any])
    except msgspec.DecodeError:
        raise C2oError(
            f"the request of {trace.id} isn't whole in its trace. Trace it again with more room: c2o trace on --max 1GB"
        ) from None
    return asked | ({"model": model} if model else {})


def _service(loaded: Config) -> Instance:
    status = probe.look(loaded.server.auth_token)
    if status.state != "running" or status.instance is None:
        failure = NotRunning if status.state == "stopped" else Unhealthy
        raise failure(f"the service is {status.state}. {status.why} Start it with: c2o start".replace("  ", " "))
    return status.instance


def _ask(there: Instance, loaded: Config, trace: Trace, asked: dict[str, Any]) -> tuple[Told, str | None]:
    (frame, *_) = trace.of("asked")
    given = {name.lower(): value for name, value in (frame.headers or {}).items()}
    headers = {name: value for name, value in given.items() if name.startswith(PASSED_ON)}
    path = (frame.line or "POST /v1/messages").partition(" ")[2]
    token = loaded.server.auth_token.reveal()
    began = time.monotonic()
    try:
        with posted(there.address, token, asked, patience=PATIENCE, path=path, headers=headers) as answer:
            pieces = [answer.read(1)]
            first = time.monotonic() - began
            pieces.append(answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise Unhealthy(f"the service broke off ({type(error).__name__}). See why: c2o logs") from None
    seconds = time.monotonic() - began
    found = told(answer.status, b"".join(pieces), round(first, 3), round(seconds, 3))
    return _without_secrets(found, loaded), answer.headers["request-id"]


def _without_secrets(found: Told, loaded: Config) -> Told:
    hide = Redactor(_secrets(loaded))

    def clean(text: str) -> str:
        return without_what_looks_like_a_key(hide(text))

    return msgspec.structs.replace(
        found,
        text=clean(found.text),
        thinking=clean(found.thinking),
        calls=[clean(each) for each in found.calls],
        error=found.error and clean(found.error),
    )


def _secrets(loaded: Config) -> Iterator[str]:
    """What the trace doesn't show either, or it would be all the difference."""
    yield loaded.server.auth_token.reveal()
    for upstream in loaded.upstreams.values():
        yield from redaction.in_headers(upstream.headers)
        for source in upstream.key_sources():
            with suppress(CredentialError):
                yield secret.find(source).reveal()


def _before(trace: Trace) -> Told:
    frames = trace.of("told")
    first = next((frame.at for frame in frames if frame.data), None)
    return told(trace.status("told"), trace.text("told").encode(), first, trace.about("ended").get("seconds"))


def lines(result: ReplayResult) -> Iterator[Line]:
    yield [(f"{result.id} again, as {result.replayed_as}, asking for {printable(result.model)}", "bold")]
    if result.same:
        yield [("✓ ", "green"), "the answer is the same"]
    for each in result.differences:
        yield [("≠ ", "yellow"), each.what]
        yield from _diff(each)
    yield [("  then ", "dim"), _times(result.before)]
    yield [("  now  ", "dim"), _times(result.after)]


def _diff(each: Difference) -> Iterator[Line]:
    for line in difflib.unified_diff(_as_lines(each.before), _as_lines(each.after), lineterm="", n=1):
        if not line.startswith(("---", "+++", "@@")):
            yield [(f"  {printable(line)}", {"-": "red", "+": "green"}.get(line[0], "dim"))]


def _as_lines(value: Any) -> list[str]:
    match value:
        case None:
            return []
        case list():
            return [str(each) for each in value]
        case dict():
            return [f"{name}: {each}" for name, each in value.items()]
        case _:
            return str(value).splitlines()


def _times(answer: Told) -> str:
    first = "" if answer.first_byte is None else f"the answer began after {answer.first_byte:.2f} s"
    whole = "" if answer.seconds is None else f", ended after {answer.seconds:.2f} s"
    return first + whole or "no times are known"
