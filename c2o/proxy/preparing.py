"""A request, made ready for the upstream that is to answer it; and once more, with what its first answer has taught."""

from __future__ import annotations

from msgspec import structs

from c2o.proxy.access import new_id
from c2o.proxy.aside import aside
from c2o.proxy.exchange import Asked, Exchange
from c2o.proxy.key_ring import KeyInUse
from c2o.proxy.state import State
from c2o.routing import Route
from c2o.translate.chat import prewarmed
from c2o.translate.translators import translator_for
from c2o.translate.types import Answer, Job, Translator
from c2o.wire.anthropic import MessagesRequest


async def prepared(asked: Asked, route: Route, meant: Route) -> Exchange | Answer:
    """The request, ready to be sent; or the answer to it, where nobody need be asked.  ``route`` is the one that the
    client means, or one of its fallbacks.

    Raises RequestError for a mistake in it, and where the model can't hold it.
    """
    key = KeyInUse(asked.setup.upstreams.rings[route.name], asked.session)
    room = await asked.state.windows.room(asked.setup, route, asked.message, asked.body)
    job = _job(asked, route, key, room)
    if asked.message.max_tokens == 0 and not _takes_prewarming(route, job):
        return prewarmed(asked.message, job)
    translator = await _translator(asked.state, route, asked.message, job)
    return Exchange(asked, route, key, translator, job, bool(meant.fallbacks), route is not meant)


def _takes_prewarming(route: Route, job: Job) -> bool:
    return route.upstream.api_name(route.model) == "anthropic" and job.dialect.messages_prewarm


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


async def _translator(state: State, route: Route, message: MessagesRequest, job: Job) -> Translator:
    """The request, translated; again if there are PDFs in it that had to be read first."""
    api = route.upstream.api_name(route.model)
    translator = await aside(job.request_size, translator_for, api, message, job)
    media = translator.media
    if not media.unread:
        return translator
    documents = await state.reader.read(media.unread, pictures=media.vision)
    return await aside(job.request_size, translator_for, api, message, structs.replace(job, documents=documents))


async def again(exchange: Exchange, fact: str) -> Exchange:
    """The same request once more, with what its first answer has taught; nobody has had anything of that."""
    learn_from_answer(exchange)
    job = structs.replace(exchange.job, learned=[*exchange.job.learned, fact])
    translator = await _translator(exchange.state, exchange.route, exchange.asked.message, job)
    exchange.entry.outcome = translator.outcome
    exchange.entry.attempt(exchange.route, f"its answer was nothing but reasoning; asked again with {fact}")
    return exchange._replace(translator=translator, job=job)


def learn_from_answer(exchange: Exchange) -> None:
    """For the requests to come: how much room the model needs."""
    said = "the answer ended at its limit with nothing but reasoning"
    exchange.state.learned.note(exchange.route, exchange.entry.outcome.fact, said, "answer")
