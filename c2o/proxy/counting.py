"""How many tokens a prompt has: asked of a server on this machine that can tell, otherwise estimated.

Never a paid call.  Claude Code asks for 25 counts at once for ``/context``, so each has ANSWER_WITHIN seconds and is
remembered for its body.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, structs

from c2o.errors import RequestError
from c2o.proxy.aside import aside
from c2o.proxy.calibration import Calibration
from c2o.proxy.clock import Clock
from c2o.proxy.setup import Setup
from c2o.proxy.upstream import Upstreams
from c2o.routing import Route
from c2o.translate.chat import ChatTranslator
from c2o.translate.passthrough_request import passed_on
from c2o.translate.prompt_estimate import Estimate, estimate
from c2o.translate.token_estimate import KnownTexts
from c2o.translate.types import Job, Outcome, UpstreamRequest
from c2o.wire.anthropic import MessagesRequest, TokenCount

ANSWER_WITHIN = 0.3
"""Seconds that a server gets to count."""

SILENT_FOR = 10.0
"""Seconds for which a server that didn't count in time isn't asked again."""

COUNTS = 1024
"""Exact counts that are remembered."""

IN_A_THREAD = 32 * 1024
"""Bytes of a request from which estimating leaves the event loop: it takes a millisecond for 15 of them."""

LEARN_AT_FIRST, LEARN_EVERY = 10, 20.0
"""Answers of a model from which each is learned from, and seconds between two of the later ones."""


class TokenCounts:
    """Counts for ``count_tokens``, and what is learned for them from answers."""

    def __init__(self, calibration: Calibration, clock: Clock) -> None:
        self._calibration = calibration
        self._clock = clock
        self._texts = KnownTexts()
        self._exact: OrderedDict[bytes, int] = OrderedDict()
        self._silent_until: dict[str, float] = {}
        self._lessons: dict[str, tuple[int, float]] = {}
        """How often a model's answers were learned from by text, and when last."""
        self._learning: asyncio.Task[None] | None = None

    async def count(self, setup: Setup, route: Route, message: MessagesRequest, body: bytes) -> int:
        """The tokens of a prompt, as exactly as they can be had at once."""
        exact = await self._exact_count(setup, route, message, body)
        return exact if exact is not None else await self.estimated(setup, route, message, len(body))

    async def estimated(self, setup: Setup, route: Route, message: MessagesRequest, size: int) -> int:
        """An estimate, corrected by what the model's upstream has counted so far.  ``size`` is the request's."""
        guess = await self._estimate(setup, route, message, size)
        return guess.total(self._calibration.of(route.target).by_text.factor)

    async def _estimate(self, setup: Setup, route: Route, message: MessagesRequest, size: int) -> Estimate:
        dialect, count = setup.dialects[route.name], self._texts.tokens_in
        if size < IN_A_THREAD:
            return estimate(message, dialect, count)
        return await asyncio.to_thread(estimate, message, dialect, count)

    # What answers teach

    def learn(self, setup: Setup, route: Route, message: MessagesRequest, size: int, outcome: Outcome) -> None:
        """From a finished answer: the cheap number always, the other one sampled, and not on the request's time."""
        prompt, counted = outcome.prompt_size, outcome.prompt_tokens
        if prompt is None or counted is None or prompt.media:  # what an image costs, differs with the model
            return
        self._calibration.learn(route.target, counted=counted, by_size=prompt.tokens())
        if self._may_learn(route):
            self._learning = asyncio.create_task(self._learn_by_text(setup, route, message, size, counted))

    def _may_learn(self, route: Route) -> bool:
        if self._learning is not None and not self._learning.done():
            return False
        times, last = self._lessons.get(route.target, (0, 0.0))
        if times >= LEARN_AT_FIRST and self._clock.now() - last < LEARN_EVERY:
            return False
        self._lessons[route.target] = (times + 1, self._clock.now())
        return True

    async def _learn_by_text(
        self, setup: Setup, route: Route, message: MessagesRequest, size: int, counted: int
    ) -> None:
        guess = await self._estimate(setup, route, message, size)
        self._calibration.learn(route.target, counted=counted, by_text=guess.text)

    async def close(self) -> None:
        """Finish learning, and keep what was learned."""
        if self._learning is not None:
            await asyncio.wait([self._learning])
        self._calibration.save()

    # What a local server counts

    async def _exact_count(self, setup: Setup, route: Route, message: MessagesRequest, body: bytes) -> int | None:
        """The server's own count; None where it can't be had, or not in time."""
        if not setup.upstreams.is_local(route):
            return None
        key = await aside(len(body), _key, route, body)
        if (known := self._exact.get(key)) is not None:
            self._exact.move_to_end(key)
            return known
        count = await self._asked(setup, route, message, body)
        if count is not None:
            self._exact[key] = count
            if len(self._exact) > COUNTS:
                self._exact.popitem(last=False)
        return count

    async def _asked(self, setup: Setup, route: Route, message: MessagesRequest, body: bytes) -> int | None:
        if self._clock.now() < self._silent_until.get(route.name, 0.0):
            return None
        question = await aside(len(body), _question, setup, route, message, body)
        if question is None:
            return None
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await question(_Server(setup.upstreams, route))
        except (RequestError, TimeoutError, msgspec.DecodeError, UnicodeDecodeError):
            self._silent_until[route.name] = self._clock.now() + SILENT_FOR
            return None


def _key(route: Route, body: bytes) -> bytes:
    return hashlib.sha256(f"{route.target}\0{route.upstream.base_url}\0".encode() + body).digest()


def _question(setup: Setup, route: Route, message: MessagesRequest, body: bytes) -> _Question | None:
    """How the server is asked; None where it can't be."""
    dialect = setup.dialects[route.name]
    if route.upstream.api_name() == "anthropic":
        fields = {"model": route.model, **dict.fromkeys(_OF_ANSWERS)}
        return partial(_ask_anthropic, body=passed_on(body, fields, dialect, []))
    ask = _ASK.get(dialect.count_tokens)
    chat = _chat(setup, route, message) if ask else None
    return partial(_about, ask, chat) if ask and chat else None


def _chat(setup: Setup, route: Route, message: MessagesRequest) -> _Chat | None:
    """The conversation as it would go to the upstream; None for one that wouldn't, or that has images,
    which no tokenizer counts."""
    job = Job(
        message_id="msg_count",
        model=route.model,
        dialect=setup.dialects[route.name].of(route.model),
        failing=setup.upstreams.failing(route),
        request_size=0,
        repair_history=True,
    )
    try:
        answerable = structs.replace(message, max_tokens=1, stream=False)
        chat = msgspec.json.decode(ChatTranslator(answerable, job).request().body, type=_Chat)
    except RequestError:
        return None
    return None if b'"image_url"' in bytes(chat.messages) else chat


class _Server(NamedTuple):
    """A server on this machine, and the route that leads to it."""

    upstreams: Upstreams
    route: Route

    async def ask(self, path: str, question: Struct) -> bytes:
        """Beside its API.  Raises RequestError where the answer isn't 200."""
        request = UpstreamRequest(path, msgspec.json.encode(question), at_server=True)
        return await self.upstreams.ask(self.route, request)


class _Chat(Struct, omit_defaults=True):
    """A conversation, in a chat-completions request and in the questions about it."""

    model: str
    messages: Raw
    tools: Raw | UnsetType = UNSET


class _Count(Struct):
    count: int


class _Prompt(Struct):
    prompt: str


class _Text(Struct):
    content: str
    add_special: bool = True
    parse_special: bool = True


class _Tokens(Struct):
    tokens: list[int]


async def _ask_vllm(server: _Server, chat: _Chat) -> int:
    """https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html#tokenizer-api"""
    return msgspec.json.decode(await server.ask("/tokenize", chat), type=_Count).count


async def _ask_llamacpp(server: _Server, chat: _Chat) -> int:
    """https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md: the template first, then the tokens."""
    templated = msgspec.json.decode(await server.ask("/apply-template", chat), type=_Prompt)
    told = await server.ask("/tokenize", _Text(templated.prompt))
    return len(msgspec.json.decode(told, type=_Tokens).tokens)


_OF_ANSWERS = ("max_tokens", "stream", "metadata", "stop_sequences", "temperature", "top_k", "top_p")
"""Fields of a Messages request that one for a count hasn't got
(https://platform.claude.com/docs/en/api/messages/count_tokens)."""


async def _ask_anthropic(server: _Server, body: bytes) -> int:
    """Whoever speaks Anthropic counts in Anthropic's way: vLLM, llama.cpp, LiteLLM."""
    told = await server.upstreams.ask(server.route, UpstreamRequest("/messages/count_tokens", body))
    return msgspec.json.decode(told, type=TokenCount).input_tokens


async def _about(ask: _Ask, chat: _Chat, server: _Server) -> int:
    return await ask(server, chat)


_Question = Callable[[_Server], Awaitable[int]]

_Ask = Callable[[_Server, _Chat], Awaitable[int]]

_ASK: dict[str, _Ask] = {"vllm": _ask_vllm, "llamacpp": _ask_llamacpp}
