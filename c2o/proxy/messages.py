"""``POST /v1/messages``: decode, route, translate, send, feed, write."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import aiohttp
from aiohttp import web
from msgspec import structs

from c2o.errors import RequestError
from c2o.proxy.access import REQUEST_ID, internal_error, new_id, respond
from c2o.proxy.body import decoded, read_body
from c2o.proxy.client import JSON, ClientLeft, ClientStream
from c2o.proxy.journal import Entry, client_of
from c2o.proxy.life_signs import StreamVoice, Watch, WholeVoice
from c2o.proxy.memory import FOR_GOOD, of_body
from c2o.proxy.patience import Patience, gave_up
from c2o.proxy.rate_limits import rate_limit_headers, states_limits
from c2o.proxy.route_choice import choose
from c2o.proxy.setup import SETUP, Setup
from c2o.proxy.state import STATE, State
from c2o.proxy.streams import ENDING
from c2o.proxy.upstream import ERROR_LIMIT, WHOLE_LIMIT, read_capped, read_rest
from c2o.routing import Route
from c2o.translate.answers import failed, with_id
from c2o.translate.chat import prewarmed
from c2o.translate.context_edits import edited
from c2o.translate.translators import translator_for
from c2o.translate.types import Answer, Job, Remedy, Translator
from c2o.translate.upstream_errors import UNKNOWN_MODEL
from c2o.wire.anthropic import AppliedEdit, MessagesRequest, decode_request
from c2o.wire.sse import frame


class Exchange(NamedTuple):
    """One request on its way through, and everything it needs."""

    request: web.Request
    state: State
    setup: Setup
    entry: Entry
    route: Route
    translator: Translator
    message: MessagesRequest
    job: Job

    @property
    def patience(self) -> Patience:
        return self.setup.upstreams.patience(self.route)


async def create_message(request: web.Request) -> web.StreamResponse:
    """The road that everything takes."""
    state, setup = request.app[STATE], request[SETUP]
    with state.journal.entry(request[REQUEST_ID], client_of(request.headers)) as entry:
        body = await read_body(request)
        message, edits = edited(decoded(body, decode_request))
        entry.asked, entry.stream = message.model, bool(message.stream)
        route, entry.kind = await choose(request, message, len(body))
        entry.begins(route)
        _recall_failure(state, route, message, body)
        room = await state.windows.room(setup, route, message, body)
        job = _job(request, route, body, room, edits)
        if message.max_tokens == 0 and not (_speaks_anthropic(route) and job.dialect.messages_prewarm):
            return respond(request, prewarmed(message, job))
        translator = await _translator(state, route, message, job)
        entry.outcome = translator.outcome
        exchange = Exchange(request, state, setup, entry, route, translator, message, job)
        response = await (_stream(exchange) if message.stream else _whole(exchange))
        state.remembered.update(entry.outcome.remember)
        _note_failure(exchange, message, body)
        _learn_from_answer(exchange)
        state.counts.learn(setup, route, message, len(body), entry.outcome)
        return response


def _learn_from_answer(exchange: Exchange) -> None:
    said = "the answer ended at its limit with nothing but reasoning"
    exchange.state.learned.note(exchange.route, exchange.entry.outcome.fact, said, "answer")


async def _again(exchange: Exchange, fact: str) -> Exchange:
    """The same request once more, with what its first answer has taught; nobody has had anything of that."""
    _learn_from_answer(exchange)
    job = structs.replace(exchange.job, learned=[*exchange.job.learned, fact])
    translator = await _translator(exchange.state, exchange.route, exchange.message, job)
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


def _job(request: web.Request, route: Route, body: bytes, room: int | None, edits: list[AppliedEdit]) -> Job:
    state, setup = request.app[STATE], request[SETUP]
    return Job(
        message_id=new_id("msg_"),
        model=route.model,
        dialect=setup.dialects[route.name].of(route.model),
        failing=setup.upstreams.failing(route),
        request_size=len(body),
        remembered=state.remembered,
        learned=state.learned.of(route),
        max_output_tokens=state.windows.longest_answer(route),
        room=room,
        edits=edits,
        size_factor=state.calibration.of(route.target).by_size.factor,
        extra_body=route.upstream.body_fields(),
        repair_history=setup.config.server.repair_history,
        body=body,
        headers={name: request.headers[name] for name in PASSED_ON if name in request.headers},
    )


PASSED_ON = ("anthropic-version", "anthropic-beta")
"""The headers of a client that belong to its request."""


# Repetitions of what has just failed ---------------------------------------------------------------


def _recall_failure(state: State, route: Route, message: MessagesRequest, body: bytes) -> None:
    """Raises the RequestError with which the same request has just failed, if it did."""
    if not state.failures:
        return
    failure = state.failures.recall(_model_key(route))
    if failure is None and not message.stream:
        failure = state.failures.recall(of_body(body))
    if failure is not None:
        raise failure


def _note_failure(exchange: Exchange, message: MessagesRequest, body: bytes) -> None:
    failure = exchange.entry.outcome.failure
    if failure is None:
        return
    if failure.code == UNKNOWN_MODEL:
        exchange.state.failures.note(_model_key(exchange.route), failure)
    elif message.stream and failure.type in FOR_GOOD:
        exchange.state.failures.note(of_body(body), failure)


def _model_key(route: Route) -> str:
    return f"{route.name}/{route.model}"


# The two kinds of answers --------------------------------------------------------------------------


async def _stream(exchange: Exchange) -> web.StreamResponse:
    client = ClientStream(exchange.request, exchange.state.clock, exchange.entry.id)
    try:
        with exchange.state.streams.running():
            refused = await _pump(exchange, client)
    except ClientLeft:
        raise
    except asyncio.CancelledError:
        if not exchange.state.streams.ending:
            raise  # the client has left
        return await _broken_off(exchange, client, ENDING)
    except Exception as error:
        return await _broken_off(exchange, client, error)
    if refused is None:
        return await client.end()
    if client.quiet:
        return respond(exchange.request, refused)
    await client.write(frame("error", refused.body))  # the answer has begun: only an event can say it now
    return await client.end()


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
    failure = error if isinstance(error, RequestError) else internal_error(exchange.request, error)
    exchange.entry.outcome.error = str(failure)
    return failure


async def _pump(exchange: Exchange, client: ClientStream) -> Answer | None:
    """Everything that the upstream says, over to the client; or the answer with which it refused."""
    translator = exchange.translator
    watch = Watch(exchange.state.clock, exchange.patience, voice=StreamVoice(client, translator))
    try:
        async with watch, _sent(exchange, watch) as upstream:
            if isinstance(upstream, Answer):
                return upstream
            client.headers.update(_limits_of(upstream))
            async for data in upstream.content.iter_any():
                exchange.entry.heard()
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
    if failure is None or not client.quiet or not said.startswith(ERROR_EVENT):
        return None
    return with_id(failed(failure), exchange.entry.id)


async def _whole(exchange: Exchange) -> web.StreamResponse:
    client = ClientStream(exchange.request, exchange.state.clock, exchange.entry.id, JSON)
    try:
        answer = await _complete(exchange, client)
    except ClientLeft:
        raise
    except Exception as error:
        if client.quiet:
            raise
        answer = with_id(failed(_told(exchange, error)), exchange.entry.id)
    if client.quiet:
        return respond(exchange.request, answer)
    await client.write(answer.body)  # after white space, under a status that has been said
    return await client.end()


async def _complete(exchange: Exchange, client: ClientStream) -> Answer:
    """The upstream's whole answer, or its refusal, as the client gets it."""
    limit = _client_limit(exchange.request)
    trickle = limit is None or limit > CUTS_AT_300
    watch = Watch(
        exchange.state.clock,
        exchange.patience,
        client=None if limit is None else limit - min(BEFORE_CLIENT, limit / 10),
        voice=WholeVoice(client) if trickle else None,
    )
    try:
        async with watch, _sent(exchange, watch) as upstream:
            if isinstance(upstream, Answer):
                return upstream
            exchange.entry.heard()
            answer = exchange.translator.complete(await read_capped(upstream, WHOLE_LIMIT, watch.heard))
        if (fact := exchange.entry.outcome.fact) and fact not in exchange.job.learned:
            return await _complete(await _again(exchange, fact), client)
        return with_id(answer, exchange.entry.id)._replace(headers={**answer.headers, **_limits_of(upstream)})
    except TimeoutError:
        raise gave_up(exchange.route.name, watch.exceeded) from None


CUTS_AT_300 = 330.0
"""Claude Code's usual limit for a whole answer is 300 s, and white space doesn't stretch it."""

BEFORE_CLIENT = 10.0
"""Seconds before the client's own limit at which we give up, so that it hears why; a tenth of a short limit."""


def _client_limit(request: web.Request) -> float | None:
    """How long the client says it waits, in seconds.  The Python SDK writes ``600``, ``12.5`` and ``None``."""
    text = request.headers.get("X-Stainless-Timeout", "")
    return float(text) if re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", text) and float(text) else None


# Upstream ------------------------------------------------------------------------------------------


@asynccontextmanager
async def _sent(exchange: Exchange, watch: Watch) -> AsyncIterator[aiohttp.ClientResponse | Answer]:
    """The upstream's good answer, its body not yet read; or the answer with which it refused for good.

    A refusal that says what to change is followed, as long as the translator finds a remedy: nothing has
    been generated by then.  One that says to wait a moment is waited for, by all requests for the upstream.
    """
    state, setup, route = exchange.state, exchange.setup, exchange.route
    while True:
        async with (
            setup.pacing.turn(route.name, watch),
            setup.upstreams.send(route, exchange.translator.request()) as upstream,
        ):
            if upstream.status == 200:
                yield upstream
                return
            refused = await _refused(exchange, upstream)
        if isinstance(refused, Answer):
            yield refused
            return
        exchange.entry.attempt(route, _corrected(refused))
        state.learned.note(route, refused.fact, refused.said)
        if refused.wait:
            setup.pacing.pause(route.name, refused.wait)


def _corrected(refused: Remedy) -> str:
    then = f"asked again with {refused.fact}" if refused.fact else "asked again"
    return f"{refused.said or 'refused'}; {then}"


async def _refused(exchange: Exchange, upstream: aiohttp.ClientResponse) -> Answer | Remedy:
    headers = {name.lower(): value for name, value in upstream.headers.items()}
    refused = exchange.translator.error(upstream.status, headers, await read_capped(upstream, ERROR_LIMIT))
    if isinstance(refused, Remedy):
        return refused
    refused = refused._replace(headers={**refused.headers, **_limits_of(upstream)})
    return with_id(refused, exchange.entry.id)


def _limits_of(upstream: aiohttp.ClientResponse) -> dict[str, str]:
    return rate_limit_headers(upstream.headers, datetime.now(UTC)) if states_limits(upstream.headers) else {}
