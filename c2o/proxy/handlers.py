"""One short function for each endpoint but ``POST /v1/messages``, which has ``messages`` to itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aiohttp import web
from msgspec import UNSET

from c2o import __version__, routing
from c2o.errors import RequestError
from c2o.proxy.access import REQUEST_ID, respond
from c2o.proxy.aside import aside
from c2o.proxy.body import decoded, read_body
from c2o.proxy.route_choice import choose
from c2o.proxy.setup import SETUP
from c2o.proxy.state import STATE
from c2o.translate.context_edits import edited
from c2o.translate.prompt_estimate import estimate
from c2o.translate.types import Answer
from c2o.wire.anthropic import CountedContext, ModelInfo, ModelPage, TokenCount, decode_request, encode
from c2o.wire.health import NAME, Health
from c2o.wire.health import answer as health_answer


async def count_tokens(request: web.Request) -> web.StreamResponse:
    """``POST /v1/messages/count_tokens``: exact or estimated, at once and for nothing."""
    state, setup = request.app[STATE], request[SETUP]
    body = await read_body(request)
    asked = await aside(len(body), decoded, body, decode_request)
    message = (await aside(len(body), edited, asked)).request
    try:
        route, _ = await choose(request, message, len(body))
    except RequestError:  # a model that nobody serves has tokens all the same
        count, original = [(await aside(len(body), estimate, each)).total() for each in (message, asked)]
    else:
        count = await state.counts.count(setup, route, message, body)
        original = count if message is asked else await state.counts.estimated(setup, route, asked, len(body))
    managed = (
        CountedContext(max(count, original)) if asked.context_management and asked.context_management.edits else UNSET
    )
    return respond(request, Answer(200, encode(TokenCount(count, managed)), {}))


async def list_models(request: web.Request) -> web.StreamResponse:
    """``GET /v1/models``: what ``/model`` in Claude Code offers, page by page."""
    stages = {*request.query.getall("lifecycle[]", ()), *request.query.getall("lifecycle", ())}
    models = [model for model in _models(request) if not stages or model.lifecycle in stages]
    request.app[STATE].known_models.refresh(request[SETUP])
    page, more = _page(models, request.query)
    ends = (page[0].id, page[-1].id) if page else (None, None)
    return respond(
        request, Answer(200, encode(ModelPage(data=page, has_more=more, first_id=ends[0], last_id=ends[1])), {})
    )


def _page(models: list[ModelInfo], query: Mapping[str, str]) -> tuple[list[ModelInfo], bool]:
    """What comes after ``after_id``, or right before ``before_id``; and whether there is more in that direction."""
    limit = _limit(query.get("limit", "20"))
    ids = [model.id for model in models]
    if (before := query.get("before_id")) in ids:
        end = ids.index(before)
        return models[max(0, end - limit) : end], end > limit
    after = query.get("after_id")
    start = ids.index(after) + 1 if after in ids else 0
    return models[start : start + limit], start + limit < len(models)


async def get_model(request: web.Request) -> web.StreamResponse:
    """``GET /v1/models/{id}``."""
    id = request.match_info["id"]
    for model in _models(request):
        if model.id == id:
            return respond(request, Answer(200, encode(model), {}))
    raise RequestError(f"model: {id}", status=404, type="not_found_error")


def _limit(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,2}|1000", text):
        raise RequestError("limit: must be a number from 1 to 1000")
    return int(text)


def _models(request: web.Request) -> list[ModelInfo]:
    windows = request.app[STATE].windows
    return [
        ModelInfo(
            id=id,
            display_name=route.title,
            max_input_tokens=windows.known(route),
            max_tokens=windows.longest_answer(route),
        )
        for id, route in routing.listed(request[SETUP].config).items()
    ]


async def hello(request: web.Request) -> web.StreamResponse:
    """``HEAD /`` and ``HEAD /api/hello``: Claude Code warms its connection up."""
    return web.Response(headers={"request-id": request[REQUEST_ID]})


async def swallow(request: web.Request) -> web.StreamResponse:
    """``POST /api/event_logging/batch``: Claude Code's telemetry ends here."""
    return respond(request, Answer(200, b"{}", {}))


async def health(request: web.Request) -> web.StreamResponse:
    """``GET /health``: who answers here; with a challenge, also the proof."""
    given = request.query.get("challenge")
    token = request[SETUP].config.server.auth_token.reveal()
    proof = health_answer(token, given) if given else UNSET
    return respond(request, Answer(200, encode(Health(name=NAME, version=__version__, answer=proof)), {}))


async def status(request: web.Request) -> web.StreamResponse:
    """``GET /c2o/status``: what ``c2o status`` shows."""
    socket = request.get_extra_info("sockname")
    request.app[STATE].look()
    shown = request.app[STATE].status(host=socket[0], port=socket[1])
    return respond(request, Answer(200, encode(shown), {}))
