"""``POST /v1/messages``: decode, route, translate, send, feed, write."""

from __future__ import annotations

import asyncio
import logging
import re

from aiohttp import web
from msgspec import structs

from c2o.errors import RequestError
from c2o.proxy.access import ENTRY, REQUEST_ID, internal_error, new_id
from c2o.proxy.body import decoded, read_body
from c2o.proxy.client import EVENTS, JSON, ClientLeft, ClientStream
from c2o.proxy.exchange import SESSION, Asked, Exchange, Unseen
from c2o.proxy.failover import GiveWay, gives_way
from c2o.proxy.journal import client_of
from c2o.proxy.key_ring import KeyInUse
from c2o.proxy.life_signs import StreamVoice, Watch, WholeVoice
from c2o.proxy.memory import FOR_GOOD, of_body
from c2o.proxy.patience import GaveUp, Limit, gave_up
from c2o.proxy.route_choice import choose, to_image
from c2o.proxy.sending import limits_of, sent
from c2o.proxy.setup import SETUP
from c2o.proxy.state import STATE, State
from c2o.proxy.streams import ENDING
from c2o.proxy.upstream import WHOLE_LIMIT, read_capped, read_rest
from c2o.routing import Route
from c2o.translate.answers import failed, with_id
from c2o.translate.chat import prewarmed
from c2o.translate.context_edits import edited
from c2o.translate.translators import translator_for
from c2o.translate.types import Answer, Job, Translator
from c2o.translate.upstream_errors import UNKNOWN_MODEL
from c2o.wire.anthropic import MessagesRequest, decode_request
from c2o.wire.sse import frame

log = logging.getLogger(__name__)


async def create_message(request: web.Request) -> web.StreamResponse:
    """The road that everything takes."""
    state, setup = request.app[STATE], request[SETUP]
    with state.journal.entry(request[REQUEST_ID], client_of(request.headers)) as entry:
        request[ENTRY] = entry
        entry.trace = state.tracing.begin(entry.id, state.redacted)
        body = await read_body(request)
        if entry.trace:
            entry.trace.request("asked", f"{request.method} {request.path_qs}", request.headers, body)
        message, edits = edited(decoded(body, decode_request))
        entry.asked, entry.stream = message.model, bool(message.stream)
        entry.session = request.headers.get(SESSION, "")[:LONGEST_SESSION]
        route, entry.kind = await choose(request, message, len(body))
        entry.begins(route)
        client = ClientStream(request, state.clock, entry.id, EVENTS if message.stream else JSON, entry.trace)
        asked = Asked(request, state, setup, entry, client, body, message, edits)
        try:
            return await _answered_by_one(asked, state.detours.ways(route, asked.session))
        except Unseen:
            route, entry.kind = to_image(setup.config, message)
            return await _answered_by_one(asked, state.detours.ways(route, asked.session))


LONGEST_SESSION = 64
"""Characters of a client's id for one; it is a UUID."""


# Who answers ---------------------------------------------------------------------------------------


async def _answered_by_one(asked: Asked, ways: list[Route]) -> web.StreamResponse:
    """The answer of the first upstream that can give one; what became of those before is in the journal."""
    missed: list[GiveWay] = []
    for route in ways:
        asked.entry.route = route
        try:
            return await _answered(asked, route, several=len(ways) > 1)
        except GiveWay as given:
            _note_detour(asked, route, given, last=route is ways[-1])
            missed.append(given)
        except RequestError as failure:
            if not missed or isinstance(failure, GaveUp):
                raise
            asked.entry.attempt(route, str(failure))  # a prompt that it can't hold, say: nobody's fault but ours
    return await _told_why(asked, next((each for each in missed if not each.hopeless), missed[0]))


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


async def _answered(asked: Asked, route: Route, *, several: bool) -> web.StreamResponse:
    """The answer of one upstream.  Raises GiveWay if another of ``several`` may give it instead."""
    state, setup, message, entry = asked.state, asked.setup, asked.message, asked.entry
    exchange = await _prepared(asked, route, several=several)
    if isinstance(exchange, Answer):
        return await asked.tell(exchange)
    entry.outcome = exchange.translator.outcome
    response = await (_stream(exchange) if message.stream else _whole(exchange))
    state.remembered.update(entry.outcome.remember)
    _note_failure(asked, route, entry.outcome.failure)
    _go_round(exchange, entry.outcome.failure)
    _learn_from_answer(exchange)
    state.counts.learn(setup, route, message, len(asked.body), entry.outcome)
    return response


async def _prepared(asked: Asked, route: Route, *, several: bool) -> Exchange | Answer:
    """The request, ready to be sent; or the answer to it, where nobody need be asked."""
    try:
        _recall_failure(asked, route)
    except RequestError as failure:
        if several and gives_way(failure):
            raise GiveWay(failure) from None
        raise
    key = KeyInUse(asked.setup.upstreams.rings[route.name], asked.session)
    room = await asked.state.windows.room(asked.setup, route, asked.message, asked.body)
    job = _job(asked, route, key, room)
    if asked.message.max_tokens == 0 and not (_speaks_anthropic(route) and job.dialect.messages_prewarm):
        return prewarmed(asked.message, job)
    translator = await _translator(asked.state, route, asked.message, job)
    return Exchange(asked, route, key, translator, job, several)


def _give_way(exchange: Exchange, failure: BaseException | None, answer: Answer | None = None) -> None:
    """Raises GiveWay where another upstream may give the answer of which the client has heard nothing yet."""
    may = exchange.several and not exchange.asked.client.committed
    if may and isinstance(failure, RequestError) and gives_way(failure):
        raise GiveWay(failure, answer) from None


def _go_round(exchange: Exchange, failure: RequestError | None) -> None:
    """Of an answer that broke off nobody else can give the rest; but the client repeats its request."""
    asked = exchange.asked
    if exchange.several and asked.current and failure is not None and gives_way(failure):
        asked.state.detours.note(exchange.route, asked.session, GiveWay(failure))


# What answers teach --------------------------------------------------------------------------------


def _learn_from_answer(exchange: Exchange) -> None:
    said = "the answer ended at its limit with nothing but reasoning"
    exchange.state.learned.note(exchange.route, exchange.entry.outcome.fact, said, "answer")


async def _again(exchange: Exchange, fact: str) -> Exchange:
    """The same request once more, with what its first answer has taught; nobody has had anything of that."""
    _learn_from_answer(exchange)
    job = structs.replace(exchange.job, learned=[*exchange.job.learned, fact])
    translator = await _translator(exchange.state, exchange.route, exchange.asked.message, job)
    exchange.entry.outcome = translator.outcome
    exchange.entry.attempt(exchange.route, f"its answer was nothing but reasoning; asked again with {fact}")
    return exchange._replace(translator=translator, job=job)


async def _translator(state: State, route: Route, message: MessagesRequest, job: Job) -> Translator:
    """The request, translated; again if there are PDFs in it that had to be read first."""
    api = route.upstream.api_name(route.model)
    translator = translator_for(api, message, job)
    media = translator.media
    if not media.unread:
        return translator
    documents = await state.reader.read(media.unread, pictures=media.vision)
    return translator_for(api, message, structs.replace(job, documents=documents))


def _speaks_anthropic(route: Route) -> bool:
    return route.upstream.api_name() == "anthropic"


def _job(asked: Asked, route: Route, key: KeyInUse, room: int | None) -> Job:
    request, state, setup = asked.request, asked.state, asked.setup
    return Job(
        message_id=new_id("msg_"),
        model=route.model,
        dialect=setup.dialects[route.name].of(route.model),
        failing=setup.upstreams.failing(route, key),
        request_size=len(asked.body),
        remembered=state.remembered,
        learned=state.learned.of(route),
        max_output_tokens=state.windows.longest_answer(route),
        room=room,
        edits=asked.edits,
        size_factor=state.calibration.of(route.target).by_size.factor,
        extra_body=route.upstream.body_fields(),
        repair_history=setup.config.server.repair_history,
        body=asked.body,
        headers={name: request.headers[name] for name in PASSED_ON if name in request.headers},
    )


PASSED_ON = ("anthropic-version", "anthropic-beta")
"""The headers of a client that belong to its request."""


# Repetitions of what has just failed ---------------------------------------------------------------


def _recall_failure(asked: Asked, route: Route) -> None:
    """Raises the RequestError with which the same request has just failed, if it did."""
    failures = asked.state.failures
    if not failures:
        return
    failure = failures.recall(route.target)
    if failure is None and not asked.message.stream:
        failure = failures.recall(of_body(asked.body))
    if failure is not None:
        raise failure


def _note_failure(asked: Asked, route: Route | None, failure: RequestError | None, *, repeated: bool = True) -> None:
    """``repeated``: the client hears of it, and may repeat the request."""
    if failure is None or not asked.current:
        return
    if failure.code == UNKNOWN_MODEL:
        if route is not None:
            asked.state.failures.note(route.target, failure)
    elif repeated and asked.message.stream and failure.type in FOR_GOOD:
        asked.state.failures.note(of_body(asked.body), failure)


# The two kinds of answers --------------------------------------------------------------------------


async def _stream(exchange: Exchange) -> web.StreamResponse:
    client = exchange.asked.client
    try:
        with exchange.state.streams.running():
            refused = await _pump(exchange, client)
    except (ClientLeft, Unseen):
        raise
    except asyncio.CancelledError:
        if not exchange.state.streams.ending:
            raise  # the client has left
        return await _broken_off(exchange, client, ENDING)
    except Exception as error:
        _give_way(exchange, error)
        return await _broken_off(exchange, client, error)
    if refused is None:
        return await client.end()
    _give_way(exchange, exchange.entry.outcome.failure, refused)
    return await exchange.asked.tell(refused)


async def _broken_off(exchange: Exchange, client: ClientStream, error: Exception) -> web.StreamResponse:
    if client.quiet:
        raise error
    await client.write(_last_words(exchange, error))
    return await client.end()


def _last_words(exchange: Exchange, error: Exception) -> bytes:
    """The end of a stream that has begun and can't be finished."""
    if isinstance(error, RequestError):
        return exchange.translator.close(error)
    return frame("error", failed(_told(exchange, error)).body)


def _told(exchange: Exchange, error: Exception) -> RequestError:
    """What the client and the journal are told of an exception that ended an answer."""
    failure = error if isinstance(error, RequestError) else internal_error(exchange.asked.request, error)
    exchange.entry.outcome.error = str(failure)
    return failure


async def _pump(exchange: Exchange, client: ClientStream) -> Answer | None:
    """Everything that the upstream says, over to the client; or the answer with which it refused."""
    translator = exchange.translator
    watch = Watch(exchange.state.clock, exchange.patience, voice=StreamVoice(client, translator, open=exchange.several))
    try:
        async with watch, sent(exchange, watch) as upstream:
            if isinstance(upstream, Answer):
                return upstream
            client.limits = limits_of(upstream)
            async for data in upstream.content.iter_any():
                exchange.entry.heard(data)
                said = translator.feed(data)
                watch.heard(translator.events)
                if refused := _failed_at_once(exchange, client, said):
                    return refused
                await client.write(said)
                if translator.done:
                    break
            said = translator.close()
            if refused := _failed_at_once(exchange, client, said):
                return refused
            await client.write(said)
            await read_rest(upstream)
    except TimeoutError:
        raise gave_up(exchange.route.name, watch.exceeded) from None
    return None


ERROR_EVENT = frame("error", b"").split(b"\n")[0]


def _failed_at_once(exchange: Exchange, client: ClientStream, said: bytes) -> Answer | None:
    """The failure as an answer with an honest status, where it is the very first that there is to say."""
    failure = exchange.translator.outcome.failure
    if failure is None or client.committed or not said.startswith(ERROR_EVENT):
        return None
    return with_id(failed(failure), exchange.entry.id)


async def _whole(exchange: Exchange) -> web.StreamResponse:
    client = exchange.asked.client
    try:
        answer = await _complete(exchange, client)
    except (ClientLeft, Unseen):
        raise
    except Exception as error:
        _give_way(exchange, error)
        if client.quiet:
            raise
        answer = with_id(failed(_told(exchange, error)), exchange.entry.id)
    if answer.status != 200:
        _give_way(exchange, exchange.entry.outcome.failure, answer)
    return await exchange.asked.tell(answer)


async def _complete(exchange: Exchange, client: ClientStream) -> Answer:
    """The upstream's whole answer, or its refusal, as the client gets it."""
    seconds = _client_limit(exchange.asked.request)
    watch = Watch(
        exchange.state.clock,
        exchange.patience,
        client=None if seconds is None else _before(seconds, exchange.entry.began_at),
        voice=WholeVoice(client) if seconds is None or seconds > CUTS_AT_300 else None,
    )
    try:
        async with watch, sent(exchange, watch) as upstream:
            if isinstance(upstream, Answer):
                return upstream
            exchange.entry.heard()
            body = await read_capped(upstream, WHOLE_LIMIT, watch.heard)
            exchange.entry.heard(body)
            answer = exchange.translator.complete(body)
        if (fact := exchange.entry.outcome.fact) and fact not in exchange.job.learned:
            return await _complete(await _again(exchange, fact), client)
        return with_id(answer, exchange.entry.id)._replace(headers={**answer.headers, **limits_of(upstream)})
    except TimeoutError:
        raise gave_up(exchange.route.name, watch.exceeded) from None


CUTS_AT_300 = 330.0
"""Claude Code's usual limit for a whole answer is 300 s, and white space doesn't stretch it."""

BEFORE_CLIENT = 10.0
"""Seconds before the client's own limit at which we give up, so that it hears why; a tenth of a short limit."""


def _before(seconds: float, began_at: float) -> Limit:
    """The end of a request for which the client waits so long, whoever has been asked by then."""
    seconds -= min(BEFORE_CLIENT, seconds / 10)
    return Limit(began_at + seconds, seconds, "client")


def _client_limit(request: web.Request) -> float | None:
    """How long the client says it waits, in seconds.  The Python SDK writes ``600``, ``12.5`` and ``None``."""
    text = request.headers.get("X-Stainless-Timeout", "")
    return float(text) if re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", text) and float(text) else None
