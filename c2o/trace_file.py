"""Traces: what went over the wire for single requests, both sides; written by the service, read by ``c2o trace``.

A switch file in the folder says that requests are traced, how long and how much; a running service sees it at once
and a new one goes by it too.  Each request is a file of JSON lines, each of them written when it happened, so that
what a killed service leaves can be read.  All of it is the owner's alone, bounded, and without keys; prompts and
answers are in it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from c2o import paths, private_file
from c2o.errors import RefusedFile

SCHEMA = "c2o.trace/1"

MOST, LARGEST = 200, 64 * 1024 * 1024
"""Requests, and bytes of all of them together, that are kept unless something else is said; the oldest go first."""

SHARE = 4
"""A request may take the SHAREth part of that."""

LONGEST = 24 * 3600.0
"""Seconds after which tracing has ended in any case: what is forgotten must not fill a disk with prompts for ever."""

What = Literal["asked", "routed", "sent", "heard", "told", "cut", "ended"]
"""``asked``: the client's request.  ``routed``: what c2o knew of the way.  ``sent``: a request to the upstream.
``heard``: what the upstream said.  ``told``: what the client got.  ``cut``: nothing more is kept.  ``ended``: how."""


class Switch(Struct, frozen=True, kw_only=True):
    """Requests are traced."""

    until: float
    """Seconds since 1970."""
    most: int = MOST
    largest: int = LARGEST

    @property
    def on(self) -> bool:
        return time.time() < self.until


class Frame(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that went over the wire, or that is to be known of it."""

    at: float
    """Seconds since the request's arrival."""
    what: What
    line: str | None = None
    """Of a request: ``POST https://…/v1/chat/completions``."""
    status: int | None = None
    headers: dict[str, str] | None = None
    text: str | None = None
    base64: str | None = None
    """What is no UTF-8."""
    about: dict[str, Any] | None = None
    """Of ``routed`` and ``ended``; in the first line of all, the id, the time and the version."""

    @property
    def data(self) -> str:
        return self.text or (f"<base64 {self.base64}>" if self.base64 else "")


class Trace(Struct, frozen=True, kw_only=True):
    """A request's frames in the order in which they were written."""

    schema: str = SCHEMA
    id: str
    time: str
    """RFC 3339, UTC."""
    version: str
    """Of c2o."""
    frames: list[Frame]

    def of(self, what: What) -> list[Frame]:
        return [frame for frame in self.frames if frame.what == what]

    def about(self, what: What) -> Mapping[str, Any]:
        """What is said in the last frame of this kind."""
        found = self.of(what)
        return (found[-1].about if found else None) or {}

    def text(self, what: What) -> str:
        """The bodies of this kind, together."""
        return "".join(frame.text or "" for frame in self.of(what))

    def status(self, what: What) -> int | None:
        return next((frame.status for frame in reversed(self.of(what)) if frame.status), None)


def folder() -> Path:
    return paths.state_dir() / "trace"


def switch_file(place: Path | None = None) -> Path:
    return (place or folder()) / "on.json"


def switch(place: Path | None = None) -> Switch | None:
    """What the switch file says; None if there is none, or none that can be understood."""
    try:
        return msgspec.json.decode(switch_file(place).read_bytes(), type=Switch)
    except (OSError, msgspec.DecodeError):
        return None


def turn_on(switch: Switch) -> None:
    """Raises RefusedFile."""
    private_file.write(switch_file(), msgspec.json.encode(switch))


def turn_off() -> bool:
    """Was it on?  Raises RefusedFile."""
    there = switch()
    _remove(switch_file())
    return there is not None and there.on


def _remove(path: Path) -> None:
    """Raises RefusedFile if it stays."""
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise RefusedFile(f"{path} can't be removed: {error.strerror}. Make its folder writable.") from None


def files(place: Path | None = None) -> list[Path]:
    """Of all traces, the oldest first."""
    return sorted((place or folder()).glob("*-req_*.jsonl"))


def sizes(place: Path | None = None) -> dict[Path, int]:
    """In bytes, of all traces, the oldest first; another service may take some away meanwhile."""
    found = {}
    for path in files(place):
        with suppress(FileNotFoundError):
            found[path] = path.stat().st_size
    return found


def clear() -> int:
    """Remove all traces.  How many there were.  Raises RefusedFile."""
    there = files()
    for path in there:
        _remove(path)
    return len(there)


def name(request_id: str, now: float) -> str:
    """``20261121T165002.123-req_….jsonl``: in the order of time."""
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
    return f"{moment}.{int(now % 1 * 1000):03d}-{request_id}.jsonl"


def id_of(path: Path) -> str:
    return path.stem.partition("-")[2]


def find(request_id: str) -> Path | None:
    """The trace of this request; ``last`` is the youngest one, and the beginning of an id is enough."""
    there = files()
    if request_id == "last":
        return there[-1] if there else None
    wanted = request_id if request_id.startswith("req_") else f"req_{request_id}"
    found = [path for path in there if id_of(path).startswith(wanted)] if re.fullmatch(r"req_\w+", wanted) else []
    return found[0] if len(found) == 1 else None


def read(path: Path) -> Trace | None:
    """None for a file that is none of ours, or gone.  A last line that was cut is left out."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return None
    frames = list(_frames(lines))
    about = frames[0].about if frames else None
    if not about or about.get("schema") != SCHEMA:
        return None
    return Trace(id=str(about["id"]), time=str(about["time"]), version=str(about["version"]), frames=frames[1:])


_decoder = msgspec.json.Decoder(Frame)


def _frames(lines: list[bytes]) -> Iterator[Frame]:
    for line in lines:
        try:
            yield _decoder.decode(line)
        except msgspec.DecodeError:
            continue


def append(path: Path, line: bytes, *, new: bool = False) -> None:
    """Add a line.  Raises OSError; FileNotFoundError for what was removed meanwhile."""
    flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | (os.O_CREAT | os.O_EXCL if new else 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        if os.write(descriptor, line) < len(line):
            raise OSError(28, "No space left on device")
    finally:
        os.close(descriptor)
