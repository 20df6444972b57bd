"""Server-sent events: splitting what arrives, framing what leaves.

Strategy: a piece in which no event ends is only kept; any other is joined to what was kept and
split at blank lines.  Real streams are almost entirely single ``data:`` lines, so that case is one
comparison and one slice.  https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import re

from msgspec import Struct

LIMIT = 8 * 1024 * 1024
"""Bytes that one event may have.  An upstream that sends more is broken or hostile."""

BOM = b"\xef\xbb\xbf"


class ServerSentEvent(Struct, frozen=True, gc=False):
    event: str
    """The event's name; empty if the stream gives none, as OpenAI's doesn't."""
    data: bytes


class TooLong(Exception):
    """An event larger than LIMIT."""


class SSEDecoder:
    """Bytes of any cut in, whole events out.  LF, CRLF and CR, comments, multi-line data, a BOM."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._first = True

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that ``data`` completes.  Raises TooLong."""
        if b"\n" not in data and b"\r" not in data:
            self._keep(data)
            return []
        if self._parts:
            if not _has_blank_line(self._parts[-1][-1:] + data):  # joining each line to all before it takes for ever
                self._keep(data)
                return []
            data = b"".join([*self._parts, data])
        data, held = _unify_line_ends(data)
        if self._first:
            data, self._first = data.removeprefix(BOM), False
        *blocks, rest = data.split(b"\n\n")
        self._parts, self._size = [], 0
        self._keep(rest + held)
        return _events(blocks)

    def close(self) -> list[ServerSentEvent]:
        """The last event, where a stream ends without its blank line."""
        data, _ = _unify_line_ends(b"".join(self._parts) + b"\n")
        self._parts = []
        return _events(data.removeprefix(BOM).split(b"\n\n"))

    def _keep(self, data: bytes) -> None:
        if not data:
            return
        self._parts.append(data)
        self._size += len(data)
        if self._size > LIMIT:
            raise TooLong


def _has_blank_line(data: bytes) -> bool:
    """Can an event end in ``data``?  Two line ends in a row, in any of the three spellings."""
    return b"\n\n" in data or b"\n\r" in data or b"\r\r" in data


def _unify_line_ends(data: bytes) -> tuple[bytes, bytes]:
    """``data`` with LF only, and a CR at its end that may be half of a CRLF."""
    if b"\r" not in data:
        return data, b""
    held = b"\r" if data.endswith(b"\r") else b""
    data = data.removesuffix(b"\r").replace(b"\r\n", b"\n")
    return data.replace(b"\r", b"\n"), held


def _events(blocks: list[bytes]) -> list[ServerSentEvent]:
    events = []
    for block in blocks:
        if block[:6] == b"data: " and b"\n" not in block:
            events.append(ServerSentEvent("", block[6:]))
        elif (event := _event(block)) is not None:
            events.append(event)
    return events


def _event(block: bytes) -> ServerSentEvent | None:
    """An event of any number of lines; None if there is no data in it."""
    name, data = "", []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.strip().decode("utf-8", "replace")
    return ServerSentEvent(name, b"\n".join(data)) if data else None


def frame(event: str, data: bytes) -> bytes:
    """One event as it goes over the wire."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)


class RawEvents:
    """Bytes of any cut in, the same bytes out, cut between events: for streams that are passed on as they are."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The events that ``data`` completes, each with its blank line.  Raises TooLong."""
        if b"\n" in data or b"\r" in data:
            data = b"".join([*self._parts, data])
            *blocks, rest = _cut(data)
            self._parts, self._size = [], 0
        else:
            blocks, rest = [], data
        self._parts.append(rest)
        self._size += len(rest)
        if self._size > LIMIT:
            raise TooLong
        return blocks

    def rest(self) -> bytes:
        """What has come of an event that never got its blank line."""
        return b"".join(self._parts)


_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r(?!\Z)){2}")
"""Two line ends; a CR at the very end may be half of a CRLF."""


def _cut(data: bytes) -> list[bytes]:
    ends = [match.end() for match in _BLANK_LINE.finditer(data)]
    return [data[start:end] for start, end in zip([0, *ends], [*ends, None], strict=True)]


def read_event(block: bytes) -> ServerSentEvent | None:
    """The one event in a block of RawEvents; None if it is a comment."""
    events = _events([_unify_line_ends(block + b"\n")[0].removeprefix(BOM).strip(b"\n")])
    return events[0] if events else None
