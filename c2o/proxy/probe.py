"""``python -m c2o.proxy.probe``: asks an upstream on behalf of the command line, in a process of its own.

A Job as JSON on stdin; for each check a line with a Found on stdout.  It asks in the service's own way: the same
translation, the same rules for outgoing calls.  What works here works there, and nothing of the key comes out.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import aiohttp
import msgspec

from c2o import key_file, urls
from c2o.config import ClientCert, Config, Server, Upstream
from c2o.errors import CredentialError, RequestError
from c2o.proxy import model_list
from c2o.proxy.abilities import ABILITIES
from c2o.proxy.access import new_id
from c2o.proxy.clock import Clock
from c2o.proxy.prepared import prepared
from c2o.proxy.upstream import ERROR_LIMIT, WHOLE_LIMIT, Upstreams, read_capped
from c2o.routing import route_to
from c2o.secret import Keys, Secret
from c2o.translate.message_builder import fold
from c2o.translate.translators import translator_for
from c2o.translate.types import Answer, Remedy, Translator, UpstreamRequest
from c2o.translate.types import Job as Translation
from c2o.translate.upstream_errors import UNKNOWN_MODEL, Failing, Told, read
from c2o.wire.anthropic import Event, MessagesResponse, StreamError, TextBlock, ToolUseBlock, decode_request
from c2o.wire.chat import MessageDelta, decode_chunk
from c2o.wire.probe import Fault, Found, Job
from c2o.wire.sse import SSEDecoder

WORDS = 64
"""Tokens that the short answer may have; reasoning models spend them before they speak, which is an answer too."""

CALL = 1024
"""Tokens that a tool call may have, with the reasoning before it."""

GREETING = "Answer with the single word: ready"

TOOL = {
    "name": "get_weather",
    "description": "Tells the weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
QUESTION = "What is the weather in Paris now? Use the tool get_weather."
WEATHER = "Sunny, 21 degrees."


class Failed(Exception):
    """A check that failed: why, in a sentence."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault: Fault = fault


class Heard(NamedTuple):
    """A streamed answer."""

    message: MessagesResponse
    first_ms: int
    streamed: bool
    usage: bool
    """Did the upstream itself say how many tokens were used?"""
    reasoning: str
    """The field in which reasoning came, if it did."""


class Asker:
    """The upstream of a job under one spelling of its address."""

    def __init__(self, job: Job, base_url: str) -> None:
        self.job = job
        self.base_url = base_url
        self.facts: list[str] = []
        """What refusals have taught on the way."""
        self._config = _config(job, base_url)
        self._upstreams = Upstreams(prepared(self._config, key_file.beside()), Clock())
        if failure := self._upstreams.lacks_key(job.name):
            raise CredentialError(str(failure))
        self._route = route_to(self._config, f"{job.name}/{job.model or '-'}")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Asker]:
        await self._upstreams.open()
        try:
            yield self
        finally:
            await self._upstreams.close()

    LIST = UpstreamRequest("/models", b"", "GET")

    @property
    def dialect_name(self) -> str:
        return self._route.upstream.dialect_name()

    def plain_request(self, request: dict[str, Any]) -> UpstreamRequest:
        """A Messages request as the translation sends it."""
        return self._translator({"model": self.job.model, **request}).request()

    def plain_fields(self) -> dict[str, Any]:
        """The fields of the smallest request."""
        asked = {"max_tokens": WORDS, "messages": [{"role": "user", "content": GREETING}]}
        return msgspec.json.decode(self.plain_request(asked).body, type=dict[str, Any])

    def refused_for_now(self, told: Told) -> Failed:
        """A refusal that has nothing to do with what was asked."""
        if told.status in (401, 403):
            return self._key_refused(told)
        return Failed(_FAULTS_BY_STATUS.get(told.status, "answer"), f"{self.job.name}: {told.message}")

    async def models(self) -> Found:
        """Raises Failed."""
        async with self.send(self.LIST) as answer:
            body = await read_capped(answer, WHOLE_LIMIT if answer.status == 200 else ERROR_LIMIT)
        if answer.status != 200:
            raise self._list_refused(read(answer.status, body, self._upstreams.redacted))
        try:
            models = model_list.parse(body)
        except ValueError:
            raise Failed("url", f"what answers at {self._address('/models')} is no list of models") from None
        return Found(check="models", ok=True, ms=0, detail=f"it lists {_counted(len(models), 'model')}", models=models)

    async def stream(self) -> Found:
        """Raises Failed."""
        heard = await self._converse({"max_tokens": WORDS, "messages": [{"role": "user", "content": GREETING}]})
        how = "streams" if heard.streamed else "answers, but all at once"
        return Found(
            check="stream",
            ok=True,
            ms=0,
            detail=f"{self.job.model} {how}",
            first_ms=heard.first_ms,
            streamed=heard.streamed,
            usage=heard.usage,
            facts=[f"reasoning_field:{heard.reasoning}"] if heard.reasoning else [],
        )

    async def tool(self) -> Found:
        """A call, and the answer to its result.  Raises Failed."""
        request: dict[str, Any] = {"max_tokens": CALL, "tools": [TOOL]}
        asked = {"role": "user", "content": QUESTION}
        heard = await self._converse({**request, "messages": [asked]})
        call = next((block for block in heard.message.content if isinstance(block, ToolUseBlock)), None)
        if call is None:
            raise Failed("no_call", f"asked to call a tool, {self.job.model} {_instead(heard.message)}")
        content = json.loads(msgspec.json.encode(heard.message.content))
        result = {"type": "tool_result", "tool_use_id": call.id, "content": WEATHER}
        called, resulted = {"role": "assistant", "content": content}, {"role": "user", "content": [result]}
        await self._converse({**request, "messages": [asked, called, resulted]})
        detail = f"{self.job.model} calls a tool and takes its result back"
        return Found(check="tool", ok=True, ms=0, detail=detail)

    async def _converse(self, request: dict[str, Any]) -> Heard:
        """A Messages request through the translation, as the service does it.  Raises Failed."""
        translator = self._translator({"model": self.job.model, "stream": True, **request})
        refused: Any = None
        while not isinstance(refused, Answer):
            began = time.monotonic()
            async with self.send(translator.request()) as answer:
                if answer.status == 200:
                    self._check_no_page(answer, translator.request().path)
                    return await _listen(answer, translator, began)
                body = await read_capped(answer, ERROR_LIMIT)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            refused = translator.error(answer.status, headers, body)
            if isinstance(refused, Remedy) and refused.fact:
                self.facts.append(refused.fact)
            if isinstance(refused, Remedy) and refused.wait:
                await asyncio.sleep(refused.wait)
        assert translator.outcome.failure is not None
        told = read(answer.status, body, self._upstreams.redacted)
        raise self._refused(translator.outcome.failure, told, translator.request().path)

    def _translator(self, request: dict[str, Any]) -> Translator:
        body = json.dumps(request).encode()
        return translator_for(
            self._route.upstream.api_name(self._route.model),
            decode_request(body),
            Translation(
                message_id=new_id("msg_"),
                model=self.job.model,
                dialect=self._route.upstream.habits().of(self._route.model),
                failing=self._failing(),
                request_size=len(body),
                extra_body=self.job.extra_body,
                body=body,
            ),
        )

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[aiohttp.ClientResponse]:
        """Raises Failed where there is no answer, or none within the time limit."""
        try:
            async with asyncio.timeout(self.job.timeout), self._upstreams.send(self._route, request) as answer:
                yield answer
        except RequestError as error:
            if isinstance(error.__cause__, aiohttp.ClientError | TimeoutError):
                raise Failed("connection", str(error)) from None
            raise Failed("url", str(error)) from None
        except TimeoutError:
            said = f"{self.job.name} didn't answer within {self.job.timeout:.0f} s"
            raise Failed("slow", said) from None

    def _check_no_page(self, answer: aiohttp.ClientResponse, path: str) -> None:
        if answer.content_type == "text/html":
            raise Failed("url", f"{self._address(path)} answers with a web page")

    def _refused(self, failure: RequestError, told: Told, path: str) -> Failed:
        """Our own sentences where the next step is the person's, the service's otherwise."""
        if failure.code == UNKNOWN_MODEL:
            return Failed("model", f"{self.job.name} doesn't know the model {self.job.model}: {told.message}")
        if failure.type == "authentication_error":
            return self._key_refused(told)
        if told.status in (404, 405, 410):
            return Failed("url", f"{self._address(path)} answers {told.status}: {told.message}")
        return Failed(_FAULTS.get(failure.type, "answer"), str(failure))

    def _list_refused(self, told: Told) -> Failed:
        if told.status in (401, 403):
            return self._key_refused(told)
        fault: Fault = "url" if told.status in (404, 405, 410) else "list"
        return Failed(fault, f"{self._address('/models')} answers {told.status}: {told.message}")

    def _key_refused(self, told: Told) -> Failed:
        if not self.job.key:
            return Failed("key", f"{self.job.name} wants a key, and there is none: {told.message}")
        return Failed("key", f"{self.job.name} refused the key from {self.job.key_from}: {told.message}")

    def _failing(self) -> Failing:
        return self._upstreams.failing(self._route)._replace(key=self.job.key_from)

    def _address(self, path: str) -> str:
        return urls.printable(urls.endpoint(self.base_url, path))

    def redacted(self, text: str) -> str:
        return self._upstreams.redacted(text)


_FAULTS: dict[str, Fault] = {
    "billing_error": "quota",
    "rate_limit_error": "busy",
    "overloaded_error": "busy",
    "timeout_error": "slow",
}


_FAULTS_BY_STATUS: dict[int, Fault] = {402: "quota", 429: "busy", 503: "busy", 529: "busy", 408: "slow", 504: "slow"}


def _config(job: Job, base_url: str) -> Config:
    upstream = Upstream(
        base_url=base_url,
        api_key=Keys([Secret(job.key)]) if job.key else None,
        api=job.api,
        dialect=job.dialect,
        quirks=job.quirks,
        headers=job.headers,
        extra_body=job.extra_body,
        proxy=job.proxy,
        ca=job.ca,
        client_cert=msgspec.convert(job.client_cert, str | ClientCert | None),
    )
    return Config(server=Server(auth_token=Secret(new_id("probe-"))), upstreams={job.name: upstream}, models={})


async def _listen(answer: aiohttp.ClientResponse, translator: Translator, began: float) -> Heard:
    """The whole stream, as the client would get it.  Raises Failed for an answer that isn't one."""
    first = 0.0
    said, raw = b"", SSEDecoder()
    pieces: list[bytes] = []
    async for data in answer.content.iter_any():
        first = first or time.monotonic()
        pieces += [event.data for event in raw.feed(data)]
        said += translator.feed(data)
        if translator.done:
            break
    said += translator.close()
    events = list(_events(said))
    if error := next((event.error for event in events if isinstance(event, StreamError)), None):
        raise Failed(_FAULTS.get(error.type, "answer"), error.message)
    return Heard(
        fold(events),
        _ms(began, first),
        streamed=bool(pieces),
        usage=any(map(_has_usage, pieces)),
        reasoning=_reasoning(pieces),
    )


def _ms(began: float, ended: float) -> int:
    return round((ended - began) * 1000)


_event = msgspec.json.Decoder(Event).decode


def _events(said: bytes) -> Iterator[Event]:
    """The events that are known; what else an upstream passes through is for clients that know it."""
    for event in SSEDecoder().feed(said):
        with suppress(msgspec.ValidationError):
            yield _event(event.data)


def _has_usage(data: bytes) -> bool:
    try:
        chunk = decode_chunk(data)
    except (msgspec.DecodeError, RecursionError):
        return False
    return chunk.usage is not None or any(choice.usage for choice in chunk.choices or [])


REASONING = ("reasoning_content", "reasoning", "reasoning_text", "reasoning_details")


def _reasoning(pieces: list[bytes]) -> str:
    """The first of the fields that reasoning comes in."""
    deltas = [delta for data in pieces for delta in _deltas(data)]
    return next((name for name in REASONING if any(getattr(delta, name) for delta in deltas)), "")


def _deltas(data: bytes) -> list[MessageDelta]:
    try:
        return [choice.delta for choice in decode_chunk(data).choices or [] if choice.delta]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _instead(message: MessagesResponse) -> str:
    words = " ".join(block.text for block in message.content if isinstance(block, TextBlock)).strip()
    return f"answered in words: {words[:80]!r}" if words else "said nothing"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


# The checks, one after another ---------------------------------------------------------------------

Ask = Callable[[Asker], Awaitable[Found]]

CHECKS: dict[str, Ask] = {"models": Asker.models, "stream": Asker.stream, "tool": Asker.tool, **ABILITIES}


async def find_out(job: Job) -> AsyncIterator[Found]:
    """Each check in turn, until nothing answers any more; a tool is only asked for where chat works."""
    base_url = job.base_url
    for check in job.checks:
        began = time.monotonic()
        found = await _tried(job, base_url, check)
        base_url = found.base_url or base_url
        yield msgspec.structs.replace(found, ms=_ms(began, time.monotonic()))
        if found.fault == "connection" or (check == "stream" and not found.ok):
            return


async def _tried(job: Job, base_url: str, check: Any) -> Found:
    """One check; where the address is wrong, under its other spellings too."""
    found = await _asked(job, base_url, check)
    if found.fault != "url":
        return found
    for other in urls.siblings(base_url):
        again = await _asked(job, other, check)
        if again.fault not in ("url", "list", "connection"):
            return msgspec.structs.replace(again, base_url=other)
    return found


async def _asked(job: Job, base_url: str, check: Any) -> Found:
    try:
        asker = Asker(job, base_url)
    except CredentialError as error:
        return Found(check=check, ok=False, ms=0, detail=str(error), fault="key")
    async with asker.opened():
        try:
            found = await CHECKS[check](asker)
            return msgspec.structs.replace(found, facts=[*asker.facts, *found.facts])
        except Failed as failed:
            return Found(check=check, ok=False, ms=0, detail=asker.redacted(str(failed)), fault=failed.fault)


async def _tell(job: Job) -> None:
    _end_at_ctrl_c()
    async for found in find_out(job):
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        sys.stdout.buffer.flush()


def _end_at_ctrl_c() -> None:
    """asyncio alone (``Runner.run``) notices one that comes just before the loop waits with the next event only."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is not None and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as under nohup
        with suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(signal.SIGINT, task.cancel)


def main() -> int:
    """Returns the exit code: what was found is no failure of ours."""
    try:
        job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    except msgspec.DecodeError as error:
        sys.stderr.write(f"python -m c2o.proxy.probe wants a job on stdin, see c2o/wire/probe.py: {error}\n")
        return 2
    try:
        asyncio.run(_tell(job))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
