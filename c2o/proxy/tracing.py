"""The service's side of ``c2o trace``: what goes over the wire at both ends, written down while it does.

Off, it is one comparison for a request.  On, no request may fail of it: what can't be written is left out.
"""

from __future__ import annotations

import base64
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from c2o import __version__, paths, trace_file
from c2o.proxy.clock import Clock
from c2o.redaction import HIDDEN, SHORTEST, Redactor, without_what_looks_like_a_key
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

_FIELD = re.compile(r'"(?P<name>\w{1,40})"\s*:\s*"(?P<value>(?:[^"\\]|\\.)*)"')
"""A text in JSON, and what it is called."""

Redact = Callable[[str], str]


class Tracing:
    """Which requests are traced, and how much room there is for them."""

    def __init__(self, folder: Path | None, clock: Clock) -> None:
        """``folder``: where the service keeps its state; without one nothing is traced."""
        self._folder = folder / "trace" if folder else None
        self._clock = clock
        self._look_at = 0.0
        self._switch: Switch | None = None
        self._sizes: dict[Path, int] = {}
        """Of all traces, the oldest first."""

    def begin(self, request_id: str, redact: Redact) -> Trace | None:
        """A trace of this request, if requests are traced."""
        if (now := self._clock.now()) >= self._look_at:
            self._look_at = now + LOOK
            self._switch = trace_file.switch(self._folder) if self._folder else None
        if self._switch is None or not self._switch.on or self._folder is None:
            return None
        return self._begun(self._folder, self._switch, request_id, redact)

    def _begun(self, folder: Path, switch: Switch, request_id: str, redact: Redact) -> Trace | None:
        now = time.time()
        path = folder / trace_file.name(request_id, now)
        when = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        about = {"schema": SCHEMA, "id": request_id, "time": when, "version": __version__}
        line = _encoded(Frame(at=0.0, what="asked", about=about))
        try:
            paths.private_dir(folder)
            self._sizes = trace_file.sizes(folder)
            while len(self._sizes) >= switch.most:
                self._drop_oldest()
            trace_file.append(path, line, new=True)
        except OSError as error:
            self.failed(error)
            return None
        self._sizes[path] = len(line)
        return Trace(self, path, self._clock, redact, switch.largest)

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

    def __init__(self, tracing: Tracing, path: Path, clock: Clock, redact: Redact, largest: int) -> None:
        self._tracing = tracing
        self._path = path
        self._clock = clock
        self._began_at = clock.now()
        self._redact = redact
        self._largest = largest
        self._own = Redactor(())
        """Hides what the client came with, right or wrong: it may be in its prompt as well."""
        self._closed = False
        self._rest: dict[What, bytes] = {}
        """What has come of a line that hasn't ended yet: a key in it would not be known for one."""
        self._said: dict[tuple[What, str], str] = {}
        """The end of what events have said so far, by the name of their field: a model says a key word by word."""

    def request(self, what: What, line: str, headers: Mapping[str, str], body: bytes) -> None:
        """The client's, or ours to the upstream."""
        if self._closed:
            return
        if what == "asked":
            self._own = Redactor(_credentials(headers))
        self._end_lines("heard")
        text, packed = self._shown(body)
        self._write(
            Frame(
                at=self._now(), what=what, line=self._clean(line), headers=self._of(headers), text=text, base64=packed
            )
        )

    def answer(self, what: What, status: int, headers: Mapping[str, str]) -> None:
        """The beginning of the upstream's answer, or of ours to the client."""
        self._write(Frame(at=self._now(), what=what, status=status, headers=self._of(headers)))

    def data(self, what: What, data: bytes) -> None:
        """A piece of an answer."""
        if self._closed:
            return
        whole, end, rest = (self._rest.get(what, b"") + data).rpartition(b"\n")
        self._rest[what] = rest
        if end:
            self._say(what, whole + end)

    def about(self, what: What, about: Mapping[str, Any]) -> None:
        """Something to be known of it."""
        text = self._clean(msgspec.json.encode(about, enc_hook=str).decode())
        with suppress(msgspec.DecodeError):  # the secret was half of an escape: nothing is better than half of it
            self._write(Frame(at=self._now(), what=what, about=msgspec.json.decode(text)))

    def end(self, about: Mapping[str, Any]) -> None:
        """It is over; what is still told to the client comes after it."""
        self._end_lines("heard")
        self._end_lines("told")
        self.about("ended", about)

    def _end_lines(self, what: What) -> None:
        if rest := self._rest.pop(what, b""):
            self._say(what, rest)

    def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """An answer to the client in one piece: what the upstream had to say, it has said."""
        self._end_lines("heard")
        self.answer("told", status, headers)
        if body:
            self._say("told", body)

    def _say(self, what: What, data: bytes) -> None:
        text, packed = self._shown(data, what)
        self._write(Frame(at=self._now(), what=what, text=text, base64=packed))

    def _shown(self, data: bytes, what: What | None = None) -> tuple[str | None, str | None]:
        try:
            text = data.decode()
            return self._clean(_FIELD.sub(partial(self._word, what), text) if what else text), None
        except UnicodeDecodeError:
            return None, base64.b64encode(self._clean(data.decode("latin-1")).encode("latin-1")).decode()

    def _word(self, what: What, field: re.Match[str]) -> str:
        """A field of an event, hidden if it goes on with a key: no more than the key's beginning is kept."""
        before = self._said.get((what, field["name"]), "")
        said = before + field["value"]
        self._said[what, field["name"]] = said[1 - SHORTEST :]
        whole = self._own(self._redact(said))
        return field[0] if whole == said else f'"{field["name"]}":"{HIDDEN}"'

    def _clean(self, text: str) -> str:
        """Without keys, and without halves of characters, which headers can hold and JSON can't."""
        return without_what_looks_like_a_key(self._own(self._redact(text))).encode(errors="replace").decode()

    def _of(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: self._clean(value) if _is_shown(name) else HIDDEN for name, value in headers.items()}

    def _now(self) -> float:
        return round(self._clock.now() - self._began_at, 4)

    def _write(self, frame: Frame) -> None:
        if self._closed:
            return
        line = _encoded(frame)
        if not self._tracing.room(self._path, len(line), self._largest):
            self._closed = True
            line = _encoded(Frame(at=frame.at, what="cut"))
        try:
            trace_file.append(self._path, line)
        except OSError as error:
            self._closed = True
            self._tracing.failed(error)


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
