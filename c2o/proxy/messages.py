"""``POST /v1/messages``: decode, route, translate, send, feed, write.

Here is what is common to all answers, and who gives one.  ``preparing`` makes a request ready for an upstream,
``sending`` sends it, and ``answering`` takes the answer from there to the client.
"""

from __future__ import annotations

import logging

from aiohttp import web

from c2o.errors import RequestError
from c2o.proxy.access import ENTRY, REQUEST_ID
from c2o.proxy.answering import streamed, whole
from c2o.proxy.aside import aside
from c2o.proxy.body import decoded, read_body
from c2o.proxy.client import EVENTS, JSON, ClientStream
from c2o.proxy.exchange import SESSION, Asked, Exchange, Unseen
from c2o.proxy.failover import MOST_TRIED, GiveWay, gives_way
from c2o.proxy.journal import Entry, client_of
from c2o.proxy.memory import FOR_GOOD, of_body
from c2o.proxy.patience import GaveUp
from c2o.proxy.preparing import learn_from_answer, prepared
from c2o.proxy.route_choice import choose, to_image
from c2o.proxy.setup import SETUP
from c2o.proxy.state import STATE
from c2o.routing import Route
from c2o.translate.answers import failed, with_id
from c2o.translate.context_edits import Edited, edited
from c2o.translate.types import Answer
from c2o.translate.upstream_errors import UNKNOWN_MODEL
from c2o.wire.anthropic import decode_request

log = logging.getLogger(__name__)


async def create_message(request: web.Request) -> web.StreamResponse:
    """The road that everything takes."""
    state = request.app[STATE]
    with state.journal.entry(request[REQUEST_ID], client_of(request.headers)) as entry:
        asked = await _asked(request, entry)
        route, entry.kind = await choose(request, asked.message, len(asked.body))
        entry.begins(route)
        try:
            return await _answered_by_one(asked, route)
        except Unseen:
            route, entry.kind = to_image(asked.setup.config, asked.message)
            return await _answered_by_one(asked, route)


async def _asked(request: web.Request, entry: Entry) -> Asked:
    """What the client asks.  Raises RequestError where it can't be understood."""
    state = request.app[STATE]
    request[ENTRY] = entry
    entry.trace = state.tracing.begin(entry.id, state.redactor)
    body = await read_body(request)
    if entry.trace:
        entry.trace.request("asked", f"{request.method} {request.path_qs}", request.headers, body)
    message, edits = await aside(len(body), _understood, body)
    entry.asked, entry.stream = message.model, bool(message.stream)
    entry.session = request.headers.get(SESSION, "")[:LONGEST_SESSION]
    client = ClientStream(request, state.clock, entry.id, EVENTS if message.stream else JSON, entry.trace)
    return Asked(request, state, request[SETUP], entry, client, body, message, edits)


def _understood(body: bytes) -> Edited:
    return edited(decoded(body, decode_request))


LONGEST_SESSION = 64
"""Characters of a client's id for one; it is a UUID."""


# Who answers ---------------------------------------------------------------------------------------


async def _answered_by_one(asked: Asked, meant: Route) -> web.StreamResponse:
    """The answer of the first upstream that can give one; what became of those before is in the journal.

    What a fallback can't do says nothing of the model that is meant: its window, say, which isn't the client's.
    """
    ways, missed = _ways(asked, meant)
    most = len(missed) + MOST_TRIED
    for route in ways:
        asked.entry.route = route
        try:
            return await _answered(asked, route, meant)
        except GiveWay as given:
            missed.append(given)
            _note_detour(asked, route, given, last=route is ways[-1] or len(missed) == most)
        except RequestError as failure:
            if route is meant or isinstance(failure, GaveUp):
                raise
            asked.entry.attempt(route, str(failure))
        if len(missed) == most:
            break
    return await _told_why(asked, next((each for each in missed if not each.hopeless), missed[0]))


def _ways(asked: Asked, meant: Route) -> tuple[list[Route], list[GiveWay]]:
    """Whom to ask, in order; and why others aren't: those without a key.  Raises RequestError where nobody has one."""
    lacks_key = asked.setup.upstreams.lacks_key
    lacking = [(way, why) for way in (meant, *meant.fallbacks) if (why := lacks_key(way.name))]
    ways = [way for way in asked.state.detours.ways(meant, asked.session) if not lacks_key(way.name)]
    if lacking:
        asked.state.miss_key()
    if not ways:
        raise lacking[0][1]
    for way, why in lacking:
        asked.entry.attempt(way, str(why))
    return ways, [GiveWay(why) for _, why in lacking]


def _note_detour(asked: Asked, route: Route, given: GiveWay, *, last: bool) -> None:
    failure = given.failure
    if asked.current:
        asked.state.detours.note(route, asked.session, given)
    _note_failure(asked, route, failure, repeated=False)
    asked.entry.attempt(route, str(failure))
    if not last:
        log.warning("%s: a fallback is asked, for %s failed: %s", asked.entry.id, route.target, failure)


async def _told_why(asked: Asked, given: GiveWay) -> web.StreamResponse:
    """Nobody could answer."""
    outcome = asked.entry.outcome
    outcome.failure, outcome.error = given.failure, str(given.failure)
    _note_failure(asked, None, given.failure)
    return await asked.tell(given.answer or with_id(failed(given.failure), asked.entry.id))


async def _answered(asked: Asked, route: Route, meant: Route) -> web.StreamResponse:
    """The answer of one upstream.  Raises GiveWay if another may give it instead."""
    state, message, entry = asked.state, asked.message, asked.entry
    _recall_failure(asked, route, several=bool(meant.fallbacks))
    exchange = await prepared(asked, route, meant)
    if isinstance(exchange, Answer):
        return await asked.tell(exchange)
    entry.outcome = exchange.translator.outcome
    response = await (streamed(exchange) if message.stream else whole(exchange))
    state.remembered.update(entry.outcome.remember)
    _note_failure(asked, route, entry.outcome.failure)
    _go_round(exchange, entry.outcome.failure)
    learn_from_answer(exchange)
    state.counts.learn(asked.setup, route, message, len(asked.body), entry.outcome)
    return response


def _go_round(exchange: Exchange, failure: RequestError | None) -> None:
    """Of an answer that broke off nobody else can give the rest; but the client repeats its request."""
    asked = exchange.asked
    if exchange.several and asked.current and failure is not None and gives_way(failure):
        asked.state.detours.note(exchange.route, asked.session, GiveWay(failure))


# Repetitions of what has just failed ---------------------------------------------------------------


def _recall_failure(asked: Asked, route: Route, *, several: bool) -> None:
    """Raises the RequestError with which the same request has just failed, if it did; GiveWay as ``_answered`` does."""
    failures = asked.state.failures
    if not failures:
        return
    failure = failures.recall(route.target)
    if failure is None and not asked.message.stream:
        failure = failures.recall(of_body(asked.body))
    if failure is not None:
        raise GiveWay(failure) if several and gives_way(failure) else failure


def _note_failure(asked: Asked, route: Route | None, failure: RequestError | None, *, repeated: bool = True) -> None:
    """``repeated``: the client hears of it, and may repeat the request."""
    if failure is None or not asked.current:
        return
    if failure.code == UNKNOWN_MODEL:
        if route is not None:
            asked.state.failures.note(route.target, failure)
    elif repeated and asked.message.stream and failure.type in FOR_GOOD:
        asked.state.failures.note(of_body(asked.body), failure)
