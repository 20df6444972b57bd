"""How the tests of the translation talk to it: a request and an upstream's answer in, the client's message out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from c2o.translate.chat import ChatTranslator
from c2o.translate.dialects import DIALECTS, dialect_for
from c2o.translate.responses import ResponsesTranslator
from c2o.translate.types import Answer, Job
from c2o.translate.upstream_errors import Failing
from c2o.wire.anthropic import MessagesRequest, decode_request
from tests import grammar
from tests.fake_upstream import DONE, finish

Json = dict[str, Any]

FAILING = Failing(upstream="up", url="https://up.example/v1", model="model-at-upstream", key="env:UP_KEY")

HELLO: Json = {"model": "claude-sonnet-5", "max_tokens": 1000, "messages": [{"role": "user", "content": "Hello"}]}


def request(**fields: Any) -> Json:
    """A small request, with these fields; ``None`` takes one out."""
    return {key: value for key, value in (HELLO | fields).items() if value is not None}


def decoded(body: Json) -> MessagesRequest:
    return decode_request(json.dumps(body).encode())


def job(dialect: str = "generic", quirks: Json = {}, model: str = FAILING.model, **fields: Any) -> Job:
    """What the surroundings hand in.  A dialect that isn't known is one that needs nothing special."""
    known = dialect if dialect in DIALECTS else "generic"
    return Job(
        **{
            "message_id": "msg_recorded",
            "model": model,
            "dialect": dialect_for(known, quirks).of(model),
            "failing": FAILING,
            "request_size": 400,
        }
        | fields
    )


def translator(
    body: Json | MessagesRequest, dialect: str = "generic", *, responses: bool = False, **fields: Any
) -> ChatTranslator:
    message = body if isinstance(body, MessagesRequest) else decoded(body)
    return (ResponsesTranslator if responses else ChatTranslator)(message, job(dialect, **fields))


def sent(body: Json, dialect: str = "generic", **fields: Any) -> Json:
    """What goes upstream."""
    value: Json = json.loads(translator(body, dialect, **fields).request().body)
    return value


def stream(of: ChatTranslator, pieces: Iterable[bytes]) -> bytes:
    """What the client gets while the upstream's answer comes in these pieces."""
    out = []
    for piece in pieces:
        out.append(of.feed(piece))
        if of.done:
            break
    return b"".join([*out, of.close()])


def streamed(*chunks: bytes, dialect: str = "generic", quirks: Json = {}, **fields: Any) -> grammar.Message:
    """The message that these chunks make."""
    return grammar.read(stream(translator(request(stream=True, **fields), dialect, quirks=quirks), chunks))


def answered(body: bytes | Json, dialect: str = "generic", **fields: Any) -> Json:
    """The message that a whole answer makes."""
    answer = whole(body, dialect, **fields)
    assert answer.status == 200, answer
    value: Json = json.loads(answer.body)
    return value


def whole(body: bytes | Json, dialect: str = "generic", **fields: Any) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return translator(request(**fields), dialect).complete(data)


def completion(message: Json, finish_reason: str | None = "stop", **more: Any) -> Json:
    """A whole chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}],
    } | more


def ended(reason: str = "stop") -> tuple[bytes, bytes]:
    """The end of a good stream."""
    return finish(reason), DONE


def cuts(data: bytes, size: int) -> Iterator[bytes]:
    """``data`` in pieces of this size."""
    return (data[at : at + size] for at in range(0, len(data), size))


def tool(name: str, properties: Json = {}, required: tuple[str, ...] = (), **more: Any) -> Json:
    """A tool that a client declares."""
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"name": name, "description": f"What {name} does.", "input_schema": schema} | more


def user(*blocks: Json | str) -> Json:
    return {"role": "user", "content": [text(block) if isinstance(block, str) else block for block in blocks]}


def assistant(*blocks: Json | str) -> Json:
    return {"role": "assistant", "content": [text(block) if isinstance(block, str) else block for block in blocks]}


def text(words: str) -> Json:
    return {"type": "text", "text": words}


def tool_use(id: str, name: str = "Bash", input: Any = {"command": "ls"}) -> Json:
    return {"type": "tool_use", "id": id, "name": name, "input": input}


def tool_result(id: str, content: Any = "done", **more: Any) -> Json:
    block: Json = {"type": "tool_result", "tool_use_id": id, "content": content} | more
    return {key: value for key, value in block.items() if value is not ...}
