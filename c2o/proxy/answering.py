"""The two kinds of answers, a stream and a whole one: sent for, fed to the translator, written to the client."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from c2o.errors import RequestError
from c2o.proxy.access import internal_error
from c2o.proxy.aside import aside
from c2o.proxy.client import ClientLeft, ClientStream
from c2o.proxy.exchange import Exchange, Unseen
from c2o.proxy.failover import GiveWay, gives_way, is_too_long
from c2o.proxy.life_signs import StreamVoice, Watch, WholeVoice
from c2o.proxy.patience import Limit, gave_up
from c2o.proxy.preparing import again
from c2o.proxy.sending import limits_of, sent
from c2o.proxy.streams import ENDING
from c2o.proxy.upstream import WHOLE_LIMIT, read_capped, read_rest
from c2o.translate.answers import failed, with_id
from c2o.translate.types import Answer
from c2o.wire.sse import frame


async def streamed(exchange: Exchange) -> web.StreamResponse:
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
            async for data in _pieces(upstream):
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


PIECE = 32 * 1024
"""Bytes of a stream after which others have their turn; usually much less has arrived."""


async def _pieces(upstream: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """What arrives, as it does, but in small pieces where a lot has arrived at once."""
    async for data in upstream.content.iter_any():
        yield data[:PIECE]
        for at in range(PIECE, len(data), PIECE):
            await asyncio.sleep(0)
            yield data[at : at + PIECE]


ERROR_EVENT = frame("error", b"").split(b"\n")[0]


def _failed_at_once(exchange: Exchange, client: ClientStream, said: bytes) -> Answer | None:
    """The failure as an answer with an honest status, where it is the very first that there is to say."""
    failure = exchange.translator.outcome.failure
    if failure is None or client.committed or not said.startswith(ERROR_EVENT):
        return None
    return with_id(failed(failure), exchange.entry.id)


async def whole(exchange: Exchange) -> web.StreamResponse:
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
            answer = await aside(len(body), exchange.translator.complete, body)
        if (fact := exchange.entry.outcome.fact) and fact not in exchange.job.learned:
            return await _complete(await again(exchange, fact), client)
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


def _give_way(exchange: Exchange, failure: BaseException | None, answer: Answer | None = None) -> None:
    """Raises GiveWay where another upstream may give the answer of which the client has heard nothing yet; the failure
    itself where a fallback can't hold a prompt that the model itself may."""
    may = exchange.several and not exchange.asked.client.committed
    if may and isinstance(failure, RequestError) and gives_way(failure):
        raise GiveWay(failure, answer) from None
    if may and isinstance(failure, RequestError) and exchange.stands_in and is_too_long(failure):
        raise failure from None
