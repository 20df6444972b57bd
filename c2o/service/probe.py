"""Is it our service that answers, and how is it?

The token is sent only to whoever has proved to know it: a challenge goes first, on the same connection.
"""

from __future__ import annotations

import hmac
import http.client
import json
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import msgspec
from msgspec import Struct

from c2o import instance
from c2o.instance import Instance
from c2o.secret import Secret
from c2o.wire import health

PATIENCE = 3.0
"""Seconds for an answer; a healthy service needs milliseconds."""

LARGEST = 1024 * 1024
"""Bytes of an answer that are read: a stranger may say anything."""


class Requests(Struct, frozen=True):
    total: int = 0
    failed: int = 0
    active: int = 0


class UpstreamReport(Struct, frozen=True):
    name: str
    base_url: str = ""
    dialect: str = ""
    key: str | None = None
    """Where the keys come from."""
    breaker: str = "closed"
    """Open or half open: it can't be reached."""
    missing: list[str] = []
    """Where there should be keys, and are none: ``env:NAME``."""
    without_key: str | None = None
    """Why it isn't asked for anything: not one of its keys is there."""


class RouteReport(Struct, frozen=True, omit_defaults=True):
    """Where requests of a kind go."""

    models: list[str] = []
    """With fallbacks, in order."""
    effort: str | None = None
    """From which on, for ``think``."""
    above: int | None = None
    """Tokens of a prompt, for ``long_context``."""


class ConfigReport(Struct, frozen=True):
    path: str = ""
    digest: str = ""
    """Of what the service works with."""
    refused: str | None = None
    """Of what lies there and can't be used."""


class Problem(Struct, frozen=True):
    id: str
    hint: str


class Report(Struct, frozen=True):
    """What the service says on ``GET /c2o/status``; it may be another version's."""

    version: str
    pid: int
    started_at: str = ""
    uptime: float = 0.0
    """Seconds."""
    config: ConfigReport = ConfigReport()
    upstreams: list[UpstreamReport] = []
    models: dict[str, str] = {}
    fallbacks: dict[str, list[str]] = {}
    routes: dict[str, RouteReport] = {}
    requests: Requests = Requests()
    problems: list[Problem] = []


State = Literal["running", "starting", "stopping", "unhealthy", "stopped"]


class ServiceStatus(Struct, frozen=True):
    """How the service of this home is."""

    state: State
    instance: Instance | None = None
    """None unless it runs and has written itself down."""
    report: Report | None = None
    """None unless it answered."""
    why: str = ""
    """Why it is unhealthy, as a sentence."""


class NoAnswer(Exception):
    """The service didn't answer, or a stranger did; says so in a sentence."""


def look(token: Secret | None) -> ServiceStatus:
    """How the service is.  ``token`` is the configuration's, if that can be read; the service may have another yet."""
    if not instance.running():
        return ServiceStatus("stopped")
    there = instance.read()
    if there is None:
        return ServiceStatus("starting")
    if there.draining is not None:
        return ServiceStatus("stopping", there)
    tokens = [each for each in (token, instance.read_token()) if each]
    if not tokens:
        return ServiceStatus("unhealthy", there, why="It can't be asked: the token in the configuration can't be read.")
    try:
        return ServiceStatus("running", there, ask(there, *tokens))
    except NoAnswer as reason:
        return _ended_meanwhile() or ServiceStatus("unhealthy", there, why=str(reason))


def _ended_meanwhile() -> ServiceStatus | None:
    if not instance.running():
        return ServiceStatus("stopped")
    there = instance.read()
    return ServiceStatus("stopping", there) if there is None or there.draining is not None else None


def ask(there: Instance, *tokens: Secret) -> Report:
    """The service's report, by whichever token it has.  Raises NoAnswer if there is none, or a stranger gives it."""
    with _connection(there) as connection:
        nonce = secrets.token_hex(16)
        said = _get(connection, f"/health?challenge={nonce}")
        given = said.get("answer")
        if said.get("name") != health.NAME:
            raise NoAnswer(f"Another program answers at {there.url}.")
        token = _proven(given, nonce, tokens)
        if token is None:
            raise NoAnswer(f"What answers at {there.url} has another token than the configuration.")
        return _report(_get(connection, "/c2o/status", {"x-api-key": token.reveal()}), there)


def _proven(answer: object, nonce: str, tokens: Sequence[Secret]) -> Secret | None:
    """The token that whoever answers has proved to know."""
    if not isinstance(answer, str):
        return None
    return next((each for each in tokens if hmac.compare_digest(answer, health.answer(each.reveal(), nonce))), None)


def listens(host: str, port: int) -> bool:
    """Does any program listen there?"""
    try:
        socket.create_connection(_somebody(host, port).address, PATIENCE).close()
    except OSError:
        return False
    return True


def is_c2o(host: str, port: int) -> bool:
    """Does a c2o listen there, ours or not?"""
    try:
        with _connection(_somebody(host, port)) as connection:
            return _get(connection, "/health").get("name") == health.NAME
    except NoAnswer:
        return False


def _somebody(host: str, port: int) -> Instance:
    return Instance(0, host, port, "", "", "", "", "")


@contextmanager
def _connection(there: Instance) -> Iterator[http.client.HTTPConnection]:
    """http.client, because it asks neither the environment's proxies nor ``.netrc``."""
    connection = http.client.HTTPConnection(*there.address, timeout=PATIENCE)
    try:
        yield connection
    except TimeoutError:
        raise NoAnswer(f"It doesn't answer at {there.url} within {PATIENCE:.0f} s.") from None
    except OSError as error:
        raise NoAnswer(f"It doesn't answer at {there.url}: {error.strerror or type(error).__name__}.") from None
    except http.client.HTTPException:
        raise NoAnswer(f"What answers at {there.url} doesn't speak HTTP.") from None
    finally:
        connection.close()


def _get(connection: http.client.HTTPConnection, path: str, headers: dict[str, str] = {}) -> dict[str, Any]:
    connection.request("GET", path, headers=headers)
    body = connection.getresponse().read(LARGEST)
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _report(said: dict[str, Any], there: Instance) -> Report:
    try:
        return msgspec.convert(said, Report)
    except msgspec.ValidationError:
        raise NoAnswer(f"c2o at {there.url} doesn't say how it is; it may be another version: c2o restart") from None
