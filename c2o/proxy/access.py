"""Who may ask, checked before a byte of the body is read; and every refusal in Anthropic's shape.

The order: Host (DNS rebinding), browsers (a web page must not spend the user's upstream), route, token.
The token alone isn't enough, because other local services have been driven through the browser; the
Host alone isn't either, because any program can forge it.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web

from c2o.errors import RequestError
from c2o.proxy.client import ClientLeft
from c2o.proxy.journal import Entry, client_of
from c2o.proxy.setup import SETUP, Setup
from c2o.proxy.state import STATE
from c2o.secret import Secret
from c2o.translate.answers import failed, with_id
from c2o.translate.types import Answer

log = logging.getLogger("c2o.proxy")

OPEN = frozenset({("HEAD", "/"), ("HEAD", "/api/hello"), ("GET", "/health")})
"""What is answered without a token.  None of it says anything about configuration or use."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ENTRY: web.RequestKey[Entry] = web.RequestKey("entry", Entry)
"""Of a request that has a line of its own in the journal, however it ends."""

REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)


def new_id(prefix: str) -> str:
    """An id in Anthropic's style: ``msg_`` or ``req_`` and 24 characters."""
    return prefix + secrets.token_hex(12)


def guard(current: Callable[[], Setup]) -> Any:
    """The middleware around every route; ``current`` is what a request that comes in now begins with."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = new_id("req_")
        try:
            with current().used() as setup:
                request[SETUP] = setup
                _check(request, setup)
                return await handler(request)
        except RequestError as failure:
            return refusal(request, failure)
        except ClientLeft:
            return web.Response(status=499)  # nobody reads it
        except web.HTTPException as error:
            return refusal(request, _of_aiohttp(request, error))
        except Exception as error:
            return refusal(request, internal_error(request, error))

    return guarded


def _check(request: web.Request, setup: Setup) -> None:
    server = setup.config.server
    if not server.allow_remote:
        _check_host(request)
    _check_no_browser(request)
    if (request.method, request.path) not in OPEN:
        _check_token(request, server.auth_token, setup.former_tokens)


OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")


def _check_host(request: web.Request) -> None:
    """Only names of this machine, with the port that the connection came in on.

    An address in the request line is for proxies, and would count instead of the Host (RFC 9112, 3.2.2).
    """
    port = request.get_extra_info("sockname", ("", 0))[1]
    own = [f"{name}:{port}" for name in OWN_NAMES] + ([*OWN_NAMES] if port == 80 else [])
    given = request.headers.getall("Host", [])
    if len(given) != 1 or given[0] not in own or not request.raw_path.startswith("/"):
        raise RequestError(
            "c2o answers to its own address only: use http://127.0.0.1 and its port.",
            status=403,
            type="permission_error",
        )


def _check_no_browser(request: web.Request) -> None:
    """Web pages send ``Origin`` or ``Sec-Fetch-Site``; Claude Code and the SDKs never do.

    ``Sec-Fetch-Mode`` alone is what Node's own ``fetch`` sends, and with it the TypeScript SDK.
    """
    headers = request.headers
    if "Origin" in headers or "Sec-Fetch-Dest" in headers or headers.get("Sec-Fetch-Site", "none") != "none":
        raise RequestError("c2o doesn't answer web pages.", status=403, type="permission_error")


def _check_token(request: web.Request, token: Secret, former: Iterable[Secret]) -> None:
    """Either header may carry it; clients send one, the other, or both."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    given = (request.headers.get("x-api-key", ""), bearer if scheme.lower() == "bearer" else "")
    if not _is_among(given, [token]):
        raise RequestError(
            OUTDATED if _is_among(given, former) else UNKNOWN, status=401, type="authentication_error", retry=False
        )


OUTDATED = (
    "c2o: auth_token in c2o's configuration was changed after this client was started. Start it again with `c2o run`; "
    "where its settings lead it to c2o, renew them first: `c2o claude on`."
)
UNKNOWN = (
    "c2o: the token is missing or wrong. Start the client with `c2o run`, "
    "or set ANTHROPIC_AUTH_TOKEN to auth_token from c2o's configuration."
)


def _is_among(given: Iterable[str], tokens: Iterable[Secret]) -> bool:
    """Compares all of them, so that the time tells nothing."""
    known = [token.reveal().encode() for token in tokens]
    matches = [hmac.compare_digest(each.encode("utf-8", "surrogateescape"), one) for each in given for one in known]
    return any(matches)


_TYPES = {404: "not_found_error", 405: "invalid_request_error", 408: "timeout_error", 413: "request_too_large"}


def _of_aiohttp(request: web.Request, error: web.HTTPException) -> RequestError:
    messages = {
        404: f"{request.method} {request.path} is not supported by c2o",
        405: f"{request.path} doesn't take {request.method}",
        413: "request_too_large: the request exceeds 32 MB",
    }
    message = messages.get(error.status, error.reason)
    return RequestError(message, status=error.status, type=_TYPES.get(error.status, "invalid_request_error"))


def internal_error(request: web.Request, error: Exception) -> RequestError:
    """What a client is told of an exception that nobody expected; the log gets it whole."""
    log.error("%s failed: this is a bug in c2o", request[REQUEST_ID], exc_info=error)
    message = f"c2o: internal error; the log has it under {request[REQUEST_ID]}"
    return RequestError(message, status=500, type="api_error")


def refusal(request: web.Request, failure: RequestError) -> web.Response:
    """A RequestError as Anthropic would answer it.  Raises ConnectionResetError, which closes, in mid-answer."""
    if ENTRY not in request:
        asked = f"{request.method} {request.path}"
        request.app[STATE].journal.refused(request[REQUEST_ID], asked, client_of(request.headers), failure)
    if request.writer.output_size:
        raise ConnectionResetError("an answer has begun: a second one would only garble it")
    return respond(request, with_id(failed(failure), request[REQUEST_ID]))


def respond(request: web.Request, answer: Answer) -> web.Response:
    """A whole answer, with the request's id."""
    headers = {"Content-Type": "application/json", **answer.headers, "request-id": request[REQUEST_ID]}
    if ENTRY in request and (trace := request[ENTRY].trace):
        trace.whole(answer.status, headers, answer.body)
    return web.Response(status=answer.status, body=answer.body, headers=headers)
