"""A real local upstream that plays scripts: it can be slow, rude or gone.

It runs in a thread of its own, so that sync and async tests use it alike::

    def test_a_text_answer(upstream):
        upstream.play(Reply(text="Hello"))                          # streamed or whole, as the request asks
        upstream.play(stream(text("Hel"), Delay(0.2), BREAK))       # said piece by piece
        upstream.play(error(429, "slow down", headers={"retry-after": "2"}))
        upstream.think(lambda request: Reply(text=request.prompt))  # by looking at the conversation
        ...
        assert upstream.requests[0].json["model"] == "m"
        assert upstream.requests[1].hung_up.wait(8)                 # the peer closed before the answer was complete

Played answers are used up in order by the POST requests; ``GET …/models`` is answered from ``upstream.models``.
A request for which there is no answer gets a 500 and fails the test at its end (fixture ``upstream``).
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

Json = dict[str, Any]


# ---- what a script is made of


@dataclass(frozen=True)
class Delay:
    """Wait before the next piece."""

    seconds: float


@dataclass(frozen=True)
class Hold:
    """Wait until the test sets the event."""

    event: threading.Event


class Break:
    """Reset the connection (RST) in the middle of the answer."""


class Cut:
    """Close the connection politely (FIN) in the middle of the answer, without the end of its framing."""


BREAK = Break()
CUT = Cut()

Piece = bytes | Delay | Hold | Break | Cut


@dataclass(frozen=True)
class Answer:
    """Status, headers, and the body in pieces; every ``bytes`` is one write and one HTTP chunk.

    A ``content-length`` header turns chunked framing off.
    """

    pieces: tuple[Piece, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def after(self, *first: Piece) -> Answer:
        """This answer, its head held back by pieces such as ``Delay`` and ``Hold``."""
        return _Late(self.pieces, self.status, self.headers, first)


@dataclass(frozen=True)
class _Late(Answer):
    first: tuple[Piece, ...] = ()


@dataclass(frozen=True)
class Call:
    """A tool call of a Reply."""

    name: str
    arguments: Json | str
    id: str | None = None


@dataclass(frozen=True)
class Reply:
    """An answer by its meaning; it goes out streamed or whole, as the request asks."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    finish: str | None = None
    usage: Json | None = None
    model: str = "fake-model"


Scripted = Answer | Reply
Thinker = Callable[["Request"], Scripted]


# ---- what arrived


@dataclass
class Request:
    """One request as it arrived."""

    method: str
    path: str
    """With the query."""
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set when the peer closed before the answer was complete."""
    answered: threading.Event = field(default_factory=threading.Event)
    """Set when the whole answer has been written."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def messages(self) -> list[Json]:
        messages: list[Json] = self.json["messages"]
        return messages

    @property
    def prompt(self) -> str:
        """The text of the last user message."""
        return next((as_text(m["content"]) for m in reversed(self.messages) if m["role"] == "user"), "")

    @property
    def system(self) -> str:
        return "\n".join(as_text(m["content"]) for m in self.messages if m["role"] in ("system", "developer"))

    @property
    def tool_results(self) -> list[str]:
        """The results that stand after the last assistant message, in order; empty if the turn is no tool turn."""
        after_last_call: list[str] = []
        for message in self.messages:
            if message["role"] == "assistant":
                after_last_call = []
            elif message["role"] == "tool":
                after_last_call.append(as_text(message["content"]))
        return after_last_call

    @property
    def tool_names(self) -> list[str]:
        return [tool["function"]["name"] for tool in self.json.get("tools", [])]


def as_text(content: Any) -> str:
    """A message's content as text: a string, null, or parts."""
    if isinstance(content, list):
        return "\n".join(part.get("text", f"[{part['type']}]") for part in content)
    return content or ""


# ---- answers


SSE = {"content-type": "text/event-stream; charset=utf-8"}
DONE = b"data: [DONE]\n\n"


def event(data: Json | str) -> bytes:
    """One server-sent event, as OpenAI sends them: data only."""
    return b"data: " + (data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)).encode() + b"\n\n"


def chunk(delta: Json | None, finish_reason: str | None = None, **more: Any) -> bytes:
    """A chat completion chunk with one choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return event(_head("chat.completion.chunk") | {"choices": [choice]} | more)


def _head(kind: str, model: str = "fake-model") -> Json:
    return {"id": "chatcmpl-fake", "object": kind, "created": 1700000000, "model": model}


def role() -> bytes:
    return chunk({"role": "assistant", "content": ""})


def text(content: str) -> bytes:
    return chunk({"content": content})


def reasoning(content: str, name: str = "reasoning_content") -> bytes:
    return chunk({name: content})


def tool_call(index: int, id: str, name: str, arguments: str = "") -> bytes:
    """The head of a tool call, with the first of its arguments."""
    function = {"name": name, "arguments": arguments}
    return chunk({"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]})


def arguments(index: int, fragment: str) -> bytes:
    """More arguments of a call."""
    return chunk({"tool_calls": [{"index": index, "function": {"arguments": fragment}}]})


def finish(reason: str = "stop") -> bytes:
    return chunk({}, reason)


def usage(prompt: int = 10, completion: int = 5, cached: int = 0) -> bytes:
    """The trailing chunk with usage and no choices."""
    return event(_head("chat.completion.chunk") | {"choices": [], "usage": usage_of(prompt, completion, cached)})


def usage_of(prompt: int = 10, completion: int = 5, cached: int = 0) -> Json:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def stream(*pieces: Piece, status: int = 200, headers: Mapping[str, str] = {}) -> Answer:
    """A stream of exactly these pieces; end it with ``finish()``, ``usage()`` and ``DONE`` yourself."""
    return Answer(pieces, status, SSE | dict(headers))


def whole(body: Json | bytes, status: int = 200, headers: Mapping[str, str] = {}) -> Answer:
    """A body that isn't streamed."""
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Answer(
        (data,), status, {"content-type": "application/json", "content-length": str(len(data))} | dict(headers)
    )


def error(
    status: int,
    message: str,
    *,
    type: str = "invalid_request_error",
    code: str | None = None,
    headers: Mapping[str, str] = {},
) -> Answer:
    """An error in OpenAI's shape."""
    body = {"error": {"message": message, "type": type, "param": None, "code": code}}
    return whole(body, status, headers)


def too_long(tokens: int = 140_000, maximum: int = 131_072) -> Answer:
    """OpenAI's words for a prompt that doesn't fit."""
    message = (
        f"This model's maximum context length is {maximum} tokens. However, your messages resulted in {tokens} tokens. "
        "Please reduce the length of the messages."
    )
    return error(400, message, code="context_length_exceeded")


def completion(reply: Reply) -> Answer:
    """A reply as a whole chat completion."""
    message: Json = {"role": "assistant", "content": reply.text or None}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = [_whole_call(n, call) for n, call in enumerate(reply.calls)]
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(reply)}
    head = _head("chat.completion", reply.model)
    return whole(head | {"choices": [choice], "usage": reply.usage or usage_of()})


def streamed(reply: Reply, *, with_usage: bool = True) -> Answer:
    """A reply as a stream, word by word, the arguments of its calls interleaved as some upstreams do."""
    pieces = [role()]
    pieces += [reasoning(word) for word in _words(reply.reasoning)]
    pieces += [text(word) for word in _words(reply.text)]
    heads = [_whole_call(n, call) for n, call in enumerate(reply.calls)]
    pieces += [tool_call(n, head["id"], head["function"]["name"]) for n, head in enumerate(heads)]
    pieces += [arguments(n, part) for n, part in _interleaved([head["function"]["arguments"] for head in heads])]
    pieces.append(finish(_finish_reason(reply)))
    if with_usage:
        pieces.append(event(_head("chat.completion.chunk") | {"choices": [], "usage": reply.usage or usage_of()}))
    return stream(*pieces, DONE)


def _finish_reason(reply: Reply) -> str:
    return reply.finish or ("tool_calls" if reply.calls else "stop")


def _whole_call(n: int, call: Call) -> Json:
    given = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments, ensure_ascii=False)
    function = {"name": call.name, "arguments": given}
    return {"index": n, "id": call.id or f"call_{n}", "type": "function", "function": function}


def _words(content: str) -> list[str]:
    return [word + " " for word in content.split(" ")[:-1]] + content.split(" ")[-1:] if content else []


def _interleaved(all_arguments: list[str], size: int = 12) -> Iterator[tuple[int, str]]:
    """The calls' arguments in fragments, taken in turns."""
    for start in range(0, max(map(len, all_arguments), default=0), size):
        for n, whole_arguments in enumerate(all_arguments):
            if fragment := whole_arguments[start : start + size]:
                yield n, fragment


# ---- the server


class FakeUpstream:
    """An HTTP/1.1 server on a free loopback port, in a thread."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        """All requests but ``GET …/models``, in the order of their arrival."""
        self.models: list[Json] = [{"id": "fake-model", "object": "model", "created": 1700000000, "owned_by": "tests"}]
        """What ``GET …/models`` lists."""
        self.loaded: list[Json] = []
        """What ``GET /api/ps`` lists, as Ollama does."""
        self.unexpected: list[Request] = []
        """Requests for which there was no answer."""
        self.connections = 0
        """How many have been made."""
        self._answers: deque[Scripted] = deque()
        self._thinker: Thinker | None = None
        self._arrived = threading.Condition()
        self._connections: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake upstream", daemon=True)
        self._server: asyncio.Server | None = None
        self.port = 0

    # -- for tests

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def play(self, *answers: Scripted) -> None:
        """Add answers for the coming POST requests, one for each."""
        self._answers.extend(answers)

    def think(self, thinker: Thinker) -> None:
        """Answer every POST request by looking at it."""
        self._thinker = thinker

    def forget(self) -> None:
        """Be as new for the next test.  Fails where it was asked more than it was told to answer."""
        asked = [f"{request.method} {request.path}" for request in self.unexpected]
        self.requests, self.unexpected, self._thinker = [], [], None
        self._answers.clear()
        assert not asked, f"the fake upstream had no answer for: {asked}"

    def wait_for(self, count: int, timeout: float = 10) -> list[Request]:
        """The requests, once there are ``count`` of them.  Raises TimeoutError."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.requests) >= count, timeout):
                raise TimeoutError(f"{len(self.requests)} requests came, not {count}")
            return list(self.requests)

    def start(self) -> FakeUpstream:
        self._thread.start()
        self.come_back()
        return self

    def go_away(self) -> None:
        """Stop listening and drop all connections: from now on they are refused."""
        self._do(self._stop())

    def come_back(self) -> None:
        """Listen (again, on the same port)."""
        self._do(self._listen())

    def close(self) -> None:
        self.go_away()
        self._do(self._settle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    # -- inside

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, limit=64 * 1024 * 1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._server:
            for listener in self._server.sockets:
                self._loop.remove_reader(listener.fileno())
            for _ in range(5):  # a connection that is being accepted while the server closes would leak
                await asyncio.sleep(0)
            self._server.close()
            self._server = None
        await _cancelled(self._connections)

    async def _settle(self) -> None:
        """Nothing of the loop's own is left: connections just accepted, and the ends of those just closed."""
        await _cancelled(asyncio.all_tasks() - {asyncio.current_task()})
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        task = self._loop.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._converse(reader, writer)
                writer.close()
        finally:
            if not writer.is_closing():
                writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = b""
        while request := await _read_request(first, reader):
            answer = self._take(request)
            # The byte read ahead tells a peer that hangs up (nothing) from its next request on this connection.
            ahead = asyncio.ensure_future(reader.read(1))
            try:
                if not await _write(answer, request, ahead, writer):
                    return
                first = await ahead
            finally:
                ahead.cancel()

    def _take(self, request: Request) -> Answer:
        if request.method == "GET" and request.path.partition("?")[0].endswith("/models"):
            return whole({"object": "list", "data": self.models})
        if request.method == "GET" and request.path.endswith("/api/ps"):
            return whole({"models": self.loaded})
        if request.path.endswith(("/props", "/api/show")):  # llama.cpp and Ollama have these
            return whole({"error": "no such path"}, 404)
        with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()
        try:
            scripted = self._thinker(request) if self._thinker else self._answers.popleft()
        except Exception as problem:  # a script's own mistake must be seen by the test, not only by the peer
            self.unexpected.append(request)
            return error(500, f"the fake upstream has no answer: {problem!r}")
        return _as_asked(scripted, request) if isinstance(scripted, Reply) else scripted


async def _cancelled(tasks: Iterable[asyncio.Task[Any] | None]) -> None:
    """Cancel tasks, and wait until they have ended."""
    wanted = [task for task in tasks if task]
    for task in wanted:
        task.cancel()
    await asyncio.gather(*wanted, return_exceptions=True)


def _as_asked(reply: Reply, request: Request) -> Answer:
    if not request.json.get("stream"):
        return completion(reply)
    return streamed(reply, with_usage=bool((request.json.get("stream_options") or {}).get("include_usage")))


async def _read_request(first: bytes, reader: asyncio.StreamReader) -> Request | None:
    """The next request on a connection; None when there is none."""
    try:
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    request_line, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _ = request_line.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(method, path, headers, await _read_body(headers, reader))


async def _read_body(headers: Mapping[str, str], reader: asyncio.StreamReader) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    parts = []
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)


async def _write(answer: Answer, request: Request, ahead: asyncio.Future[bytes], writer: asyncio.StreamWriter) -> bool:
    """Play an answer.  Says whether the connection can be used again."""
    chunked = "content-length" not in answer.headers
    late = answer.first if isinstance(answer, _Late) else ()
    pieces: list[Piece] = [*late, _head_of(answer, chunked=chunked)]
    pieces += [_framed(piece) if chunked and isinstance(piece, bytes) else piece for piece in answer.pieces]
    if chunked:
        pieces.append(b"0\r\n\r\n")
    try:
        complete = await _play(pieces, ahead, writer)
    except ConnectionError:
        complete = None
    if complete is None:
        request.hung_up.set()
    elif complete:
        request.answered.set()
    return bool(complete) and answer.headers.get("connection") != "close"


async def _play(pieces: Iterable[Piece], ahead: asyncio.Future[bytes], writer: asyncio.StreamWriter) -> bool | None:
    """True: all written.  False: the script ended it.  None: the peer hung up."""
    for piece in pieces:
        if isinstance(piece, Break):
            _reset(writer)
            return False
        if isinstance(piece, Cut):
            return False
        if isinstance(piece, bytes):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        else:
            await _wait(piece, ahead)
        if ahead.done() and ahead.result() == b"":
            return None
    return True


async def _wait(piece: Delay | Hold, ahead: asyncio.Future[bytes]) -> None:
    """Wait as the piece says, but not for a peer that has gone."""
    if isinstance(piece, Delay):
        await asyncio.wait({ahead}, timeout=piece.seconds)
        return
    while not piece.event.is_set() and not ahead.done():
        await asyncio.wait({ahead}, timeout=0.01)


def _head_of(answer: Answer, *, chunked: bool) -> bytes:
    headers = dict(answer.headers) | ({"transfer-encoding": "chunked"} if chunked else {})
    lines = [f"HTTP/1.1 {answer.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _framed(piece: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(piece), piece) if piece else b""


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: https://man7.org/linux/man-pages/man7/socket.7.html, SO_LINGER with zero seconds."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextmanager
def running_upstream() -> Iterator[FakeUpstream]:
    """A fake upstream.  Fails where it was asked more than it was told to answer."""
    server = FakeUpstream().start()
    try:
        yield server
    finally:
        server.close()
    server.forget()


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    """The upstream of a test."""
    with running_upstream() as server:
        yield server
