"""One short function for each endpoint.  ``create_message`` is the road that everything takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from c2o import routing
from c2o.errors import RequestError
from c2o.proxy.access import REQUEST_ID, new_id, respond
from c2o.proxy.client import ClientStream
from c2o.proxy.journal import Entry
from c2o.proxy.life_signs import Watch
from c2o.proxy.state import STATE, State
from c2o.proxy.upstream import ERROR_LIMIT, WHOLE_LIMIT, read_capped
from c2o.routing import Route
from c2o.translate.chat import ChatTranslator
from c2o.translate.invalid import not_a_request
from c2o.translate.token_estimate import estimate
from c2o.translate.types import Answer, Job, Translator
from c2o.wire.anthropic import ModelInfo, ModelPage, TokenCount, decode_request, encode
from c2o.wire.health import NAME, Health
from c2o.wire.health import answer as health_answer
from c2o.wire.sse import frame

BODY_WITHIN = 60.0
"""Seconds in which a request's body must have arrived."""


async def create_message(request: web.Request) -> web.StreamResponse:
    """``POST /v1/messages``: decode, route, translate, send, feed, write."""
    state = request.app[STATE]
    with state.journal.entry(request[REQUEST_ID]) as entry:
        body = await _read(request)
        message = _decoded(body, decode_request)
        entry.asked, entry.stream = message.model, bool(message.stream)
        route = entry.route = routing.resolve(state.config, message.model)
        translator = ChatTranslator(message, _job(state, route, len(body)))
        entry.outcome = translator.outcome
        answer = _stream if message.stream else _whole
        response = await answer(request, state, entry, route, translator)
        state.remembered.update(translator.outcome.remember)
        return response


async def _stream(
    request: web.Request, state: State, entry: Entry, route: Route, translator: Translator
) -> web.StreamResponse:
    client = ClientStream(request, state.clock, entry.id)
    try:
        refused = await _pump(state, entry, route, translator, client)
    except RequestError as failure:
        if client.quiet:
            raise
        await client.write(translator.close(failure))
        return await client.end()
    if refused is None:
        return await client.end()
    if client.quiet:
        return respond(request, refused)
    await client.write(_as_event(refused))
    return await client.end()


async def _pump(
    state: State, entry: Entry, route: Route, translator: Translator, client: ClientStream
) -> Answer | None:
    """Everything that the upstream says, over to the client; or the error with which it refused."""
    patience = state.upstreams.patience(route)
    watch = Watch(state.clock, first_byte=patience.first_byte, idle=patience.idle, client=client, translator=translator)
    try:
        async with watch, state.upstreams.send(route, translator.request()) as upstream:
            if upstream.status != 200:
                return await _refused(state, translator, upstream)
            async for data in upstream.content.iter_any():
                entry.heard()
                watch.heard()
                await client.write(translator.feed(data))
                if translator.done:
                    break
    except TimeoutError:
        raise _gave_up(route) from None
    await client.write(translator.close())
    return None


async def _whole(
    request: web.Request, state: State, entry: Entry, route: Route, translator: Translator
) -> web.StreamResponse:
    patience = state.upstreams.patience(route)
    try:
        async with (
            Watch(state.clock, first_byte=patience.first_byte, idle=patience.idle),
            state.upstreams.send(route, translator.request()) as upstream,
        ):
            if upstream.status != 200:
                return respond(request, _with_id(await _refused(state, translator, upstream), entry.id))
            entry.heard()
            answer = translator.complete(await read_capped(upstream, WHOLE_LIMIT))
    except TimeoutError:
        raise _gave_up(route) from None
    return respond(request, _with_id(answer, entry.id))


async def _refused(state: State, translator: Translator, upstream: Any) -> Answer:
    headers = {name.lower(): value for name, value in upstream.headers.items()}
    answer = translator.error(upstream.status, headers, await read_capped(upstream, ERROR_LIMIT))
    return answer._replace(body=state.upstreams.redacted(answer.body))


def _with_id(answer: Answer, request_id: str) -> Answer:
    """Error bodies carry the id of the header, so that a screenshot leads to the log."""
    if answer.status == 200:
        return answer
    return answer._replace(body=answer.body.removesuffix(b"}") + b',"request_id":"%s"}' % request_id.encode())


def _as_event(refused: Answer) -> bytes:
    """An error that came after the answer had begun."""
    return frame("error", refused.body)


def _gave_up(route: Route) -> RequestError:
    return RequestError(
        f"upstream {route.name} has been silent for longer than its time limit; "
        f"see [upstreams.{route.name}.timeouts] in c2o's configuration.",
        status=504,
        type="timeout_error",
        retry=False,
    )


def _job(state: State, route: Route, size: int) -> Job:
    return Job(
        message_id=new_id("msg_"),
        model=route.model,
        dialect=state.dialects[route.name],
        failing=state.upstreams.failing(route),
        request_size=size,
        remembered=state.remembered,
        max_output_tokens=route.limits.max_output_tokens,
        extra_body=route.upstream.extra_body,
        repair_history=state.config.server.repair_history,
    )


async def _read(request: web.Request) -> bytes:
    """The body.  JSON only: other types are what web pages can send without asking."""
    kind = request.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RequestError("the request's content-type must be application/json", status=415)
    try:
        async with asyncio.timeout(BODY_WITHIN):
            return await request.read()
    except TimeoutError:
        raise RequestError("the request's body didn't arrive in time", status=408, type="timeout_error") from None
    except web.RequestPayloadError as error:
        raise RequestError(f"the request's body can't be read: {error}") from None


T = TypeVar("T")


def _decoded(body: bytes, decode: Callable[[bytes], T]) -> T:
    try:
        return decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise not_a_request(error) from None


IN_A_THREAD = 64 * 1024
"""Bytes from which counting leaves the event loop: it is pure Python and takes 0.15 ms a kilobyte."""


async def count_tokens(request: web.Request) -> web.StreamResponse:
    """``POST /v1/messages/count_tokens``: an estimate, never a call upstream.  Claude Code sends 25 at once."""
    body = await _read(request)
    message = _decoded(body, decode_request)
    count = await asyncio.to_thread(estimate, message) if len(body) > IN_A_THREAD else estimate(message)
    return respond(request, Answer(200, encode(TokenCount(count)), {}))


async def list_models(request: web.Request) -> web.StreamResponse:
    """``GET /v1/models``: what ``/model`` in Claude Code offers, page by page."""
    models = _models(request.app[STATE])
    limit = _limit(request.query.get("limit", "20"))
    ids = [model.id for model in models]
    start, end = 0, len(models)
    if (after := request.query.get("after_id")) in ids:
        start = ids.index(after) + 1
    if (before := request.query.get("before_id")) in ids:
        end = ids.index(before)
        start = max(start, end - limit)
    page = models[start : min(end, start + limit)]
    more = start + limit < end
    ends = (page[0].id, page[-1].id) if page else (None, None)
    return respond(
        request, Answer(200, encode(ModelPage(data=page, has_more=more, first_id=ends[0], last_id=ends[1])), {})
    )


async def get_model(request: web.Request) -> web.StreamResponse:
    """``GET /v1/models/{id}``."""
    id = request.match_info["id"]
    for model in _models(request.app[STATE]):
        if model.id == id:
            return respond(request, Answer(200, encode(model), {}))
    raise RequestError(f"model: {id}", status=404, type="not_found_error")


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1000:
        raise RequestError("limit: must be a number from 1 to 1000")
    return int(text)


def _models(state: State) -> list[ModelInfo]:
    return [
        ModelInfo(
            id=id,
            display_name=f"{route.model} ({route.name})",
            max_input_tokens=route.limits.context_window,
            max_tokens=route.limits.max_output_tokens,
        )
        for id, route in routing.listed(state.config).items()
    ]


async def hello(request: web.Request) -> web.StreamResponse:
    """``HEAD /`` and ``HEAD /api/hello``: Claude Code warms its connection up."""
    return web.Response(headers={"request-id": request[REQUEST_ID]})


async def swallow(request: web.Request) -> web.StreamResponse:
    """``POST /api/event_logging/batch``: Claude Code's telemetry ends here."""
    return respond(request, Answer(200, b"{}", {}))


async def health(request: web.Request) -> web.StreamResponse:
    """``GET /health``: who answers here; with a challenge, also the proof."""
    state = request.app[STATE]
    given = request.query.get("challenge")
    token = state.config.server.auth_token.reveal()
    proof = health_answer(token, given) if given else msgspec.UNSET
    return respond(request, Answer(200, encode(Health(name=NAME, version=state.version, answer=proof)), {}))


async def status(request: web.Request) -> web.StreamResponse:
    """``GET /c2o/status``: what ``c2o status`` shows."""
    socket = request.get_extra_info("sockname")
    shown = request.app[STATE].status(host=socket[0], port=socket[1])
    return respond(request, Answer(200, encode(shown), {}))
