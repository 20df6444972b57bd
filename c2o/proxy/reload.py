"""The running service follows its configuration: the file, and the files that it names.

They are looked at every POLL seconds; a change is read once it has been still for SETTLED, because editors write in
two steps.  What can't be used changes nothing, and is told in the log, by ``c2o status`` and by ``c2o doctor``.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from c2o import config, key_file, paths
from c2o.config import NEED_RESTART, TABLES, Config
from c2o.config_mistakes import line_of
from c2o.errors import C2oError, ConfigError, CredentialError
from c2o.private_file import Signature, signature
from c2o.proxy.prepared import Prepared, is_told, prepared
from c2o.proxy.state import Problem, State

log = logging.getLogger("c2o.proxy")

POLL = 1.0
SETTLED = 0.2
"""Seconds."""

ASK_AGAIN = 60.0
"""Seconds, the least, until a command or the keyring is asked for a missing key again: they may ask a person."""

BROKEN, RESTART = "config.broken", "config.restart"
"""Problems that ``c2o status`` shows."""


class Source:
    """Where the configuration comes from.  ``environ`` is the service's own, without ``keys.env``."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.path = path
        self._environ = dict(environ)

    def read(self, before: Prepared | None = None, *, again: bool = False, useless: bool = False) -> Reading:
        """All of it, as it stands now.  What is wrong is part of what is read, not raised.

        ``again``: whoever has told a key ``before`` is asked again.  ``useless``: keys may be missing everywhere.
        """
        seen = {path: signature(path) for path in (self.path, paths.key_file())}
        try:
            data = config.read(self.path)
        except ConfigError as error:
            return Reading(seen, "", None, error)
        digest = config.digest_of(data)
        try:
            loaded = config.parse(data, self.path)
            seen |= {path: signature(path) for path in loaded.files()}
            new = prepared(loaded, key_file.beside(self._environ), before, again=again)
            if not useless and (nobody := new.nobody_answers()):
                raise nobody
            return Reading(seen, digest, new, None)
        except CredentialError as error:
            return Reading(seen, digest, None, _placed(error, data, self.path))
        except C2oError as error:
            return Reading(seen, digest, None, error)


class Reading(NamedTuple):
    """What was found at one moment."""

    seen: Mapping[Path, Signature | None]
    """The files that were read."""
    digest: str
    """Of the configuration; empty if it couldn't be read."""
    prepared: Prepared | None
    error: C2oError | None

    @property
    def good(self) -> Prepared:
        """Raises C2oError that says what is wrong."""
        if self.prepared is None:
            assert self.error is not None
            raise self.error
        return self.prepared


def _signatures(files: Mapping[Path, Signature | None]) -> dict[Path, Signature | None]:
    return {path: signature(path) for path in files}


def _placed(error: CredentialError, data: bytes, path: Path) -> C2oError:
    line = line_of(error.place, data.decode("utf-8-sig")) if error.place else None
    return CredentialError(f"{path}:{line}: {error}") if line else error


class Reloader:
    """Keeps the service's ``State`` at what its ``Source`` says."""

    def __init__(self, state: State, source: Source, reading: Reading) -> None:
        """``reading`` is what the service has begun with."""
        self._state = state
        self._source = source
        self._seen = reading.seen
        self._bound = state.setup.config
        """host and port of this one are those of the socket."""
        self._busy = asyncio.Lock()
        self._hurry = asyncio.Event()
        self._read_at = state.clock.now()
        self._missed = False
        """Has a request found no key, which somebody might tell now?"""
        state.look, state.miss_key = self.look, self.miss_key
        _tell_of_keys(reading.good)

    async def follow(self) -> None:
        """For ever."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), POLL)
            self._hurry.clear()
            if self._missed:
                await self._read()
            await self._settled()

    def look(self) -> None:
        """Somebody wants to know whether we follow: don't wait for the next look."""
        if self._changed():
            self._hurry.set()

    def miss_key(self) -> None:
        """A password manager or keyring that was locked may be open now.  A file that appears is seen without this."""
        told = (is_told(source) for whys in self._state.setup.prepared.whys().values() for source in whys)
        if any(told) and self._state.clock.now() - self._read_at >= ASK_AGAIN:
            self._missed = True
            self._hurry.set()

    def _changed(self) -> bool:
        return _signatures(self._seen) != self._seen

    async def _settled(self) -> None:
        """Follow a change as soon as nobody writes any more."""
        now = _signatures(self._seen)
        while now != self._seen:
            await asyncio.sleep(SETTLED)
            before, now = now, _signatures(self._seen)
            if before == now:
                await self._read()
                return

    async def now(self) -> None:
        """SIGHUP: read everything again, changed or not, and what commands tell too."""
        await self._read(again=True)

    async def _read(self, *, again: bool = False) -> None:
        async with self._busy:
            self._seen = _signatures(self._seen)  # whatever comes of it, once is enough
            self._read_at, self._missed = self._state.clock.now(), False
            before = self._state.setup.prepared
            useless = before.nobody_answers() is not None
            try:
                reading = await _apart(lambda: self._source.read(before, again=again, useless=useless))
                self._seen = reading.seen
                if reading.prepared is None:
                    self._refuse(reading.error, reading.digest or None)
                else:
                    await self._take(reading.prepared)
            except Exception:
                log.exception("the configuration can't be followed: this is a bug in c2o")
                self._refuse("this is a bug in c2o, see: c2o logs. It may be taken by: c2o restart", None)

    def _refuse(self, why: object, digest: str | None) -> None:
        hint = f"The service goes on with what it read before, until this is mended: {why}"
        if self._state.problems.get(BROKEN) != Problem(BROKEN, hint):
            log.warning("the configuration was not taken: %s", hint)
        self._state.problems[BROKEN] = Problem(BROKEN, hint)
        self._state.refused = digest

    async def _take(self, new: Prepared) -> None:
        before = self._state.setup.prepared
        mended = self._state.problems.pop(BROKEN, None)
        self._state.refused = None
        if new == before:
            log.info("the configuration is %s", "right again, and as it was before" if mended else "unchanged")
            return
        await self._state.follow(new)
        _tell_of_keys(new, before)
        log.info("the configuration has changed, and was taken: %s", ", ".join(changes(before, new)) or "comments")
        self._say_what_needs_a_restart(new.config)

    def _say_what_needs_a_restart(self, new: Config) -> None:
        self._state.problems.pop(RESTART, None)
        needed = [f"{table}.{key}" for table, key in NEED_RESTART if self._is_other(new, table, key)]
        if needed:
            hint = f"{' and '.join(needed)} in the configuration changed, which takes effect with: c2o restart"
            self._state.problems[RESTART] = Problem(RESTART, hint)
            log.warning("%s", hint)

    def _is_other(self, new: Config, table: str, key: str) -> bool:
        return bool(getattr(getattr(new, table), key) != getattr(getattr(self._bound, table), key))


async def _apart(work: Callable[[], Reading]) -> Reading:
    """In a thread for which nobody waits at the end, as one would for those of the loop: a key command may take long,
    and a keyring may wait for a person."""
    future: Future[Reading] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=run, name="reload", daemon=True).start()
    return await asyncio.wrap_future(future)


def changes(before: Prepared, after: Prepared) -> Iterator[str]:
    """The keys that are different, ``upstreams.nim`` for one, and upstreams whose keys are."""
    for table in TABLES:
        old, new = _entries(before.config, table), _entries(after.config, table)
        yield from (f"{table}.{name}" for name in {**old, **new} if old.get(name) != new.get(name))
    for name, keys in after.keys.items():
        if before.config.upstreams.get(name) == after.config.upstreams[name] and before.keys[name] != keys:
            yield f"the key of {name}"
        if before.config.upstreams.get(name) == after.config.upstreams[name] and (
            before.networks[name] != after.networks[name]
        ):
            yield f"the certificates of {name}"


def _tell_of_keys(new: Prepared, before: Prepared | None = None) -> None:
    """Of each that is missing, once."""
    known = set(before.missing()) if before else set()
    for each in new.missing():
        if each not in known:
            log.warning("%s", each)


def _entries(config: Config, table: str) -> Mapping[str, object]:
    found = getattr(config, table)
    return found if isinstance(found, dict) else msgspec.structs.asdict(found)
