"""How the stand-in speaks: OpenAI's chat completions over HTTP, streamed word by word or whole.

https://platform.openai.com/docs/api-reference/chat is what it follows.  ``GET /last`` is its own: the
last completion request as it arrived, so that ``c2o demo`` can show what an upstream gets to see.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web

import c2o
from c2o.demo import MODEL
from c2o.demo.script import Call, Reply, reply_to

CREATED = 1767225600
"""The model's birthday, and every answer's: the stand-in has no clock."""

MAX_BODY = 32 * 1024 * 1024

ABOUT = f"""{MODEL}, the embedded upstream of c2o {c2o.__version__}: a scripted stand-in, no model thinks here.
It speaks OpenAI's chat completions: GET /v1/models, POST /v1/chat/completions.
"""

_PACE = web.AppKey("pace", float)
_LAST = web.AppKey("last", dict[str, Any])


def create_app(pace: float = 0.0) -> web.Application:
    """The server.  ``pace`` is the pause between two pieces of a stream, in seconds."""
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_errors_in_openai_s_shape])
    app[_PACE] = pace
    app[_LAST] = {}
    app.add_routes(
        [
            web.get("/", _about),
            web.get("/last", _last),
            web.get("/v1/models", _models),
            web.post("/v1/chat/completions", _complete),
        ]
    )
    return app


@web.middleware
async def _errors_in_openai_s_shape(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
    except web.HTTPException as error:
        return _error(error.status, f"{request.method} {request.path}: {error.reason}. There is: {_routes(request)}")
    return response


def _routes(request: web.Request) -> str:
    resources = {(route.method, route.resource.canonical) for route in request.app.router.routes() if route.resource}
    return ", ".join(f"{method} {path}" for method, path in sorted(resources) if method != "HEAD")


def _error(status: int, message: str, code: str | None = None) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return web.json_response({"error": error}, status=status)


async def _about(_request: web.Request) -> web.Response:
    return web.Response(text=ABOUT)


async def _last(request: web.Request) -> web.Response:
    return web.json_response(request.app[_LAST])


async def _models(_request: web.Request) -> web.Response:
    model = {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "c2o"}
    return web.json_response({"object": "list", "data": [model]})


async def _complete(request: web.Request) -> web.StreamResponse:
    try:
        asked = json.loads(await request.read())
        reply = reply_to(asked)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return _error(400, f"this is no chat completion request: {type(error).__name__}: {error}")
    if asked.get("model") != MODEL:
        return _error(404, f"there is no model {asked.get('model')!r} here, only {MODEL}.", "model_not_found")
    request.app[_LAST].clear()
    request.app[_LAST].update(asked)
    usage = _usage(asked, reply)
    if not asked.get("stream"):
        return web.json_response(_whole(reply, usage))
    wants_usage = (asked.get("stream_options") or {}).get("include_usage")
    return await _stream(request, reply, usage if wants_usage else None)


async def _stream(request: web.Request, reply: Reply, usage: dict[str, Any] | None) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    for choices, more in _chunks(reply, usage):
        chunk = _head("chat.completion.chunk") | {"choices": choices} | more
        await response.write(b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n")
        await asyncio.sleep(request.app[_PACE])
    await response.write(b"data: [DONE]\n\n")
    return response


Chunk = tuple[list[dict[str, Any]], dict[str, Any]]


def _chunks(reply: Reply, usage: dict[str, Any] | None) -> Iterator[Chunk]:
    """The choices of each chunk, and what else stands in it."""
    for delta in _deltas(reply):
        yield [{"index": 0, "delta": delta, "finish_reason": None}], {}
    yield [{"index": 0, "delta": {}, "finish_reason": _finish_reason(reply)}], {}
    if usage:
        yield [], {"usage": usage}


def _deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    yield from ({"reasoning_content": word} for word in words(reply.reasoning))
    yield from ({"content": word} for word in words(reply.text))
    for index, call in enumerate(reply.calls):
        yield {"tool_calls": [{"index": index} | _call(call._replace(arguments=""))]}
        for fragment in words(call.arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": fragment}}]}


def words(text: str) -> list[str]:
    """``text`` cut behind its spaces; the pieces joined are the text."""
    pieces = text.split(" ")
    return [piece + " " for piece in pieces[:-1]] + [piece for piece in pieces[-1:] if piece]


def _whole(reply: Reply, usage: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = [_call(call) for call in reply.calls]
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(reply)}
    return _head("chat.completion") | {"choices": [choice], "usage": usage}


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-demo", "object": kind, "created": CREATED, "model": MODEL}


def _call(call: Call) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _finish_reason(reply: Reply) -> str:
    return "tool_calls" if reply.calls else "stop"


def _usage(asked: dict[str, Any], reply: Reply) -> dict[str, Any]:
    """Token counts as a tokenizer might give them: four characters of the request, or a word of the answer, are one."""
    prompt = len(json.dumps([asked.get("messages"), asked.get("tools")], ensure_ascii=False)) // 4
    completion = sum(len(words(text)) for text in (reply.reasoning, reply.text, *(c.arguments for c in reply.calls)))
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
