"""The service's side of ``c2o trace``: what goes over the wire at both ends, written down while it does.

Off, it is one comparison for a request.  On, no request may fail of it: what can't be written is left out.  Nor may any
wait for it: what is small is written at once, and what is large, with all that comes after it, in steps of a
millisecond, between which others have their turn.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from c2o import __version__, paths, trace_file
from c2o.proxy.clock import Clock
from c2o.redaction import HIDDEN, SHORTEST, SLICE, Redactor, Steps, at_once, steps_without_keys
from c2o.routing import Route
from c2o.trace_file import SCHEMA, SHARE, Frame, Switch, What
from c2o.translate.types import Job

log = logging.getLogger("c2o.trace")

LOOK = 0.1
"""Seconds between two looks at the switch."""

SHOWN = (
    "accept",
    "anthropic-",
    "cache-control",
    "connection",
    "content-",
    "date",
    "host",
    "openai-",
    "request-id",
    "retry-after",
    "server",
    "transfer-encoding",
    "user-agent",
    "via",
    "x-app",
    "x-claude-",
    "x-ratelimit-",
    "x-request-id",
    "x-should-",
    "x-stainless-",
)
"""The beginnings of headers' names whose values are shown; in any other there may be a key."""

_FIELD = re.compile(r'"(?P<name>\w{1,40})"\s{0,20}:\s{0,20}"')
_LONGEST_FIELD = 85
"""How a text in JSON begins, and what it is called; how many characters that is at most."""

_INSIDE = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
"""What such a text consists of."""

FIELDS = 1024
"""Characters in which fields are looked at in a step."""

SMALL = 8 * 1024
"""Bytes up to which something is written at once."""

MOST_WAITING = 64 * 1024 * 1024
"""Bytes that wait to be written; a trace for which there is no more room ends there."""

PIECE = 256 * 1024
"""Bytes that are written in a step."""

LAST = 5.0
"""Seconds that the service takes at its end to write what still waits."""


class _Waiting(NamedTuple):
    steps: Iterator[None]
    size: int
    """Bytes that it holds."""


class Tracing:
    """Which requests are traced, and how much room there is for them."""

    def __init__(self, folder: Path | None, clock: Clock) -> None:
        """``folder``: where the service keeps its state; without one nothing is traced."""
        self._folder = folder / "trace" if folder else None
        self._clock = clock
        self._look_at = 0.0
        self._switch: Switch | None = None
        self._sizes: dict[Path, int] = {}
        """Of all traces, the oldest first, with what is just being written."""
        self._waiting: deque[_Waiting] = deque()
        self._held = 0
        """Bytes in what waits."""
        self._writing: asyncio.Task[None] | None = None

    def begin(self, request_id: str, redactor: Callable[[], Redactor]) -> Trace | None:
        """A trace of this request, if requests are traced.  ``redactor`` gives the present one, which knows all secrets
        that are in use."""
        if (now := self._clock.now()) >= self._look_at:
            self._look_at = now + LOOK
            self._switch = trace_file.switch(self._folder) if self._folder else None
        if self._switch is None or not self._switch.on or self._folder is None:
            return None
        return self._begun(self._folder, self._switch, request_id, redactor)

    def _begun(self, folder: Path, switch: Switch, request_id: str, redactor: Callable[[], Redactor]) -> Trace | None:
        now = time.time()
        path = folder / trace_file.name(request_id, now)
        when = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        about = {"schema": SCHEMA, "id": request_id, "time": when, "version": __version__}
        line = _encoded(Frame(at=0.0, what="asked", about=about))
        try:
            paths.private_dir(folder)
            there = trace_file.sizes(folder)
            self._sizes = {each: max(size, self._sizes.get(each, 0)) for each, size in there.items()}
            while len(self._sizes) >= switch.most:
                self._drop_oldest()
            trace_file.append(path, line, new=True)
        except OSError as error:
            self.failed(error)
            return None
        self._sizes[path] = len(line)
        return Trace(self, path, self._clock, redactor, switch.largest)

    def do(self, steps: Iterator[None], size: int) -> bool:
        """Write something of so many bytes, after all that waits.  False if there is no room for it."""
        if size <= SMALL and not self._waiting:
            deque(steps, maxlen=0)
            return True
        if self._held + size > MOST_WAITING:
            return False
        self._waiting.append(_Waiting(steps, size))
        self._held += size
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return True

    async def _write(self) -> None:
        while self._waiting:
            try:
                for _ in self._waiting[0].steps:
                    await asyncio.sleep(0)
            except Exception:
                log.exception("a request could not be traced: this is a bug in c2o")
            self._held -= self._waiting.popleft().size
        self._writing = None

    async def close(self) -> None:
        """Write what waits."""
        if writing := self._writing:
            await asyncio.wait([writing], timeout=LAST)
            writing.cancel()

    def room(self, path: Path, more: int, largest: int) -> bool:
        """Is there room for ``more`` bytes of this trace?  The oldest ones go for it."""
        if self._sizes.get(path, 0) + more > largest // SHARE:
            return False
        while sum(self._sizes.values()) + more > largest and next(iter(self._sizes)) != path:
            self._drop_oldest()
        if path not in self._sizes:  # it was the oldest
            return False
        self._sizes[path] += more
        return True

    def _drop_oldest(self) -> None:
        oldest = next(iter(self._sizes))
        del self._sizes[oldest]
        oldest.unlink(missing_ok=True)

    def failed(self, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # it was taken away meanwhile
            log.warning("a request could not be traced: %s", error.strerror)


class Trace:
    """One request's, while it runs."""

    def __init__(
        self, tracing: Tracing, path: Path, clock: Clock, redactor: Callable[[], Redactor], largest: int
    ) -> None:
        self._tracing = tracing
        self._path = path
        self._clock = clock
        self._began_at = clock.now()
        self._redactor = redactor
        self._largest = largest
        self._taken = 0
        """Bytes that were to be written so far."""
        self._own = Redactor(())
        """Hides what the client came with, right or wrong: it may be in its prompt as well."""
        self._both = self._known = redactor()
        """Hides that and what ``_known`` does, the last that ``redactor`` gave."""
        self._full = self._closed = False
        """There is no room for more; nothing more is written, whatever waits."""
        self._rest: dict[What, list[bytes]] = {}
        """What has come of a line that hasn't ended yet: a key in it would not be known for one."""
        self._said: dict[tuple[What, str], str] = {}
        """The end of what events have said so far, by the name of their field: a model says a key word by word."""

    def request(self, what: What, line: str, headers: Mapping[str, str], body: bytes) -> None:
        """The client's, or ours to the upstream."""
        if not self._has_room(len(body)):
            return
        if what == "asked":
            self._own = Redactor(_credentials(headers))
            self._both = self._known | self._own
        self._end_lines("heard")
        shown = {"line": self._clean(line), "headers": self._of(headers)}
        self._do(self._data(self._frame(what, **shown), body, self._present()), len(body))

    def answer(self, what: What, status: int, headers: Mapping[str, str]) -> None:
        """The beginning of the upstream's answer, or of ours to the client."""
        self._write(self._frame(what, status=status, headers=self._of(headers)))

    def data(self, what: What, data: bytes) -> None:
        """A piece of an answer."""
        if not self._has_room(len(data)):
            return
        rest = self._rest.setdefault(what, [])
        end = data.rfind(b"\n") + 1
        if end:
            whole = b"".join([*rest, data[:end]])
            rest.clear()
            self._say(what, whole)
        if data[end:]:
            rest.append(data[end:])

    def about(self, what: What, about: Mapping[str, Any]) -> None:
        """Something to be known of it."""
        text = self._clean(msgspec.json.encode(about, enc_hook=str).decode())
        with suppress(msgspec.DecodeError):  # the secret was half of an escape: nothing is better than half of it
            self._write(self._frame(what, about=msgspec.json.decode(text)))

    def end(self, about: Mapping[str, Any]) -> None:
        """It is over; what is still told to the client comes after it."""
        self._end_lines("heard")
        self._end_lines("told")
        self.about("ended", about)

    def _end_lines(self, what: What) -> None:
        if rest := self._rest.pop(what, None):
            self._say(what, b"".join(rest))

    def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """An answer to the client in one piece: what the upstream had to say, it has said."""
        self._end_lines("heard")
        self.answer("told", status, headers)
        if body and self._has_room(len(body)):
            self._say("told", body)

    def _say(self, what: What, data: bytes) -> None:
        self._do(self._data(self._frame(what), data, self._present(), of_events=True), len(data))

    # What takes its time

    def _data(self, frame: Frame, data: bytes, redactor: Redactor, *, of_events: bool = False) -> Iterator[None]:
        """Write a frame with these bytes.  ``redactor`` is the one of when they came: secrets may be in them that are
        out of use by the time they are written."""
        if self._closed:
            return
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = yield from _steps_without(data.decode("latin-1"), redactor)
            yield from self._append(frame, base64.b64encode(text.encode("latin-1")).decode(), "base64")
            return
        if of_events:
            text = yield from self._without_words(frame.what, text, redactor)
        text = yield from _steps_without(text, redactor)
        yield from self._append(frame, text)

    def _without_words(self, what: What, text: str, redactor: Redactor) -> Steps[str]:
        """Without the fields of events that go on with a key: no more than the key's beginning is kept.  What is in one
        field alone is found later."""
        kept: list[str] = []
        shown = at = turn = 0
        while at < len(text):
            if at >= turn:
                turn = at + FIELDS
                yield
            field = _FIELD.search(text, at, at + SLICE)
            if field is None:
                at += SLICE - _LONGEST_FIELD
                continue
            at = yield from _end_of_value(text, field.end())
            if self._goes_on(what, field["name"], text[field.end() : at], redactor):
                kept += (text[shown : field.start()], f'"{field["name"]}":"{HIDDEN}')
                shown = at
            at += 1
        return "".join([*kept, text[shown:]]) if kept else text

    def _goes_on(self, what: What, name: str, value: str, redactor: Redactor) -> bool:
        """Does a field end a secret that fields of its name have begun?"""
        before = self._said.get((what, name), "")
        self._said[what, name] = (before + value[1 - SHORTEST :])[1 - SHORTEST :]
        said = before + value[: SHORTEST - 1]
        return redactor(said) != said

    def _append(self, frame: Frame, text: str = "", kind: str = "text") -> Iterator[None]:
        """Write a frame, with this text unless it is empty."""
        pieces = [msgspec.json.encode(frame)]
        if text:
            pieces = [pieces[0][:-1], f',"{kind}":"'.encode()]
            for at in range(0, len(text), SLICE):
                pieces.append(msgspec.json.encode(text[at : at + SLICE])[1:-1])
                yield
            pieces.append(b'"}')
        line = b"".join([*pieces, b"\n"])
        if self._closed:
            return
        fits = self._tracing.room(self._path, len(line), self._largest)
        yield from self._put(line) if fits else self._cut(frame.at)

    def _cut(self, at: float) -> Iterator[None]:
        """Say that there was no more room."""
        if not self._closed:
            self._closed = True
            yield from self._put(_encoded(Frame(at=at, what="cut")))

    def _put(self, line: bytes) -> Iterator[None]:
        try:
            for at in range(0, len(line), PIECE):
                trace_file.append(self._path, line[at : at + PIECE])
                yield
        except OSError as error:
            self._closed = True
            self._tracing.failed(error)

    # What doesn't

    def _has_room(self, more: int) -> bool:
        """May so many bytes be traced?  If not, that's the end of it."""
        self._taken += more
        if self._taken > self._largest // SHARE:
            self._fill()
        return not self._full

    def _fill(self) -> None:
        if not self._full:
            self._full = True
            self._rest.clear()
            self._tracing.do(self._cut(self._now()), 0)

    def _do(self, steps: Iterator[None], size: int) -> None:
        if not self._full and not self._tracing.do(steps, size):
            self._fill()

    def _write(self, frame: Frame) -> None:
        self._do(self._append(frame), 0)

    def _frame(self, what: What, **fields: Any) -> Frame:
        return Frame(at=self._now(), what=what, **fields)

    def _now(self) -> float:
        return round(self._clock.now() - self._began_at, 4)

    def _of(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: self._clean(value) if _is_shown(name) else HIDDEN for name, value in headers.items()}

    def _clean(self, text: str) -> str:
        """Without keys, and without halves of characters, which headers can hold and JSON can't."""
        return at_once(_steps_without(text, self._present())).encode(errors="replace").decode()

    def _present(self) -> Redactor:
        known = self._redactor()
        if known is not self._known:
            self._known, self._both = known, known | self._own
        return self._both


def _steps_without(text: str, redactor: Redactor) -> Steps[str]:
    """A text without secrets, and without what looks like one."""
    return (yield from steps_without_keys((yield from redactor.steps(text))))


def _end_of_value(text: str, at: int) -> Generator[None, None, int]:
    """Where a text in JSON ends that begins here."""
    while (inside := _INSIDE.match(text, at, at + SLICE)) and inside.end() > at:
        at = inside.end()
        if text[at : at + 1] == '"':
            break
        yield
    return at


def _is_shown(header: str) -> bool:
    return header.lower().startswith(SHOWN)


def _credentials(headers: Mapping[str, str]) -> list[str]:
    """The words of all headers that may hold a key."""
    return [word for name, value in headers.items() if not _is_shown(name) for word in value.split()]


def way_of(route: Route, job: Job, learned: Sequence[str]) -> dict[str, Any]:
    """What the translation was given beside the request, as far as it isn't the same for everybody; ``learned`` also
    from the refusals of this request itself."""
    failing = job.failing
    way = {
        "upstream": route.name,
        "model": job.model,
        "api": route.upstream.api_name(route.model),
        "dialect": route.upstream.dialect_name(),
        "quirks": route.upstream.quirks,
        "learned": learned,
        "max_output_tokens": job.max_output_tokens,
        "room": job.room,
        "extra_body": job.extra_body,
        "repair_history": job.repair_history,
        "message_id": job.message_id,
        "failing": {"upstream": failing.upstream, "url": failing.url, "model": failing.model, "key": str(failing.key)},
    }
    return {name: value for name, value in way.items() if value}


def _encoded(frame: Frame) -> bytes:
    return msgspec.json.encode(frame) + b"\n"
