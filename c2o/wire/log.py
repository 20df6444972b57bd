"""A line of the service's log, as ``c2o.proxy`` writes it and ``c2o logs`` reads it: one JSON object.

Names, counts and times; never content, keys or headers.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

Level = Literal["debug", "info", "warning", "error", "critical"]


class Warned(Struct, frozen=True):
    text: str
    count: int = 1

    def __str__(self) -> str:
        return repr(self.text) + (f" ×{self.count}" if self.count > 1 else "")


class Attempt(Struct, frozen=True, kw_only=True):
    """A try that led to no answer; another one followed, there or elsewhere."""

    target: str
    """``upstream/model``."""
    why: str
    """What came of it, in a sentence."""
    seconds: float = 0.0
    """Since the request's arrival."""


class Begun(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that is on its way to an upstream."""

    id: str
    pid: int
    """Of the service that answers it: if that has gone, so has the request."""
    asked: str = "-"
    target: str | None = None
    kind: str | None = None
    client: str | None = None
    stream: bool = False

    def __str__(self) -> str:
        """``req_… claude-sonnet-5 → nim/qwen3 stream begins``"""
        return f"{_who(self)} begins"


class Finished(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that has come to its end."""

    id: str
    asked: str = "-"
    """The model that the client named."""
    path: str | None = None
    """``GET /v1/models``: of what was refused before it was known to be a message."""
    target: str | None = None
    """``upstream/model``; None if it did not get that far."""
    kind: str | None = None
    """What the client wanted it for, as ``[routes]`` has it: ``subagent``, ``background``, …"""
    client: str | None = None
    """The program that asked, and its version: ``claude-cli/2.1.329``."""
    stream: bool = False
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    first_byte: float | None = None
    """Seconds until the upstream's answer began."""
    seconds: float = 0.0
    stop_reason: str | None = None
    attempts: list[Attempt] = []
    """What was tried in vain before."""
    repairs: list[Warned] = []
    """What was mended in the model's answer."""
    warnings: list[Warned] = []
    """What was dropped or changed on the way."""
    status: int | None = None
    """The HTTP status of a failure that had one."""
    error: str | None = None

    def __str__(self) -> str:
        """``req_… claude-sonnet-5 → nim/qwen3 stream in=812+90 out=40 first=0.31s took=2.04s end_turn``"""
        parts = [_who(self)]
        if self.output_tokens is not None:
            parts += [f"in={self.input_tokens}+{self.cached_tokens}", f"out={self.output_tokens}"]
        if self.first_byte is not None:
            parts.append(f"first={self.first_byte:.2f}s")
        parts += [f"took={self.seconds:.2f}s", self.stop_reason or "-"]
        parts += [f"tried={each.target} why={each.why!r}" for each in self.attempts]
        parts += [f"repaired={each}" for each in self.repairs]
        parts += [f"warning={each}" for each in self.warnings]
        parts += [f"error={self.error!r}"] if self.error else []
        return " ".join(parts)


def _who(request: Begun | Finished) -> str:
    if isinstance(request, Finished) and request.path:
        return f"{request.id} {request.path}"
    how = "stream" if request.stream else "whole"
    kind = f" {request.kind}" if request.kind not in (None, "main") else ""
    return f"{request.id} {request.asked} → {request.target or '-'}{kind} {how}"


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line: a sentence, or a request that has begun or ended."""

    time: str
    """RFC 3339, UTC, with milliseconds."""
    level: Level
    logger: str
    message: str = ""
    traceback: str | None = None
    begun: Begun | None = None
    request: Finished | None = None

    def __str__(self) -> str:
        if about := self.request or self.begun:
            return str(about)
        return f"{self.message}\n{self.traceback}" if self.traceback else self.message


def encode(record: Record) -> bytes:
    """With its line end."""
    return msgspec.json.encode(record) + b"\n"


_decoder = msgspec.json.Decoder(Record)


def decode(line: bytes) -> Record | None:
    """None for what isn't such a line: the last words of a process that crashed, say."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
