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


class Begun(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that is on its way to an upstream."""

    id: str
    pid: int
    """Of the service that answers it: if that has gone, so has the request."""
    asked: str = "-"
    target: str | None = None
    stream: bool = False

    def __str__(self) -> str:
        """``req_… claude-sonnet-5 → nim/qwen3 stream begins``"""
        return f"{_who(self)} begins"


class Finished(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that has come to its end."""

    id: str
    asked: str = "-"
    """The model that the client named."""
    target: str | None = None
    """``upstream/model``; None if it did not get that far."""
    stream: bool = False
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    first_byte: float | None = None
    """Seconds until the upstream's answer began."""
    seconds: float = 0.0
    stop_reason: str | None = None
    warnings: list[Warned] = []
    """What was dropped or mended."""
    error: str | None = None

    def __str__(self) -> str:
        """``req_… claude-sonnet-5 → nim/qwen3 stream in=812+90 out=40 first=0.31s took=2.04s end_turn``"""
        parts = [_who(self)]
        if self.output_tokens is not None:
            parts += [f"in={self.input_tokens}+{self.cached_tokens}", f"out={self.output_tokens}"]
        if self.first_byte is not None:
            parts.append(f"first={self.first_byte:.2f}s")
        parts += [f"took={self.seconds:.2f}s", self.stop_reason or "-"]
        parts += [f"warning={each.text!r}" + (f" ×{each.count}" if each.count > 1 else "") for each in self.warnings]
        parts += [f"error={self.error!r}"] if self.error else []
        return " ".join(parts)


def _who(request: Begun | Finished) -> str:
    kind = "stream" if request.stream else "whole"
    return f"{request.id} {request.asked} → {request.target or '-'} {kind}"


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
