"""What holds for any upstream: whatever it sends, in whatever pieces, the client gets a well-formed answer.

Judges are the grammar in ``tests/grammar.py`` and the official SDK, which puts streams together as strictly as it can.
"""

from __future__ import annotations

import itertools
import json
import re

import anthropic
import httpx2
import msgspec
import pytest
from hypothesis import strategies as st

from c2o.errors import RequestError
from c2o.translate.invalid import not_a_request
from c2o.translate.types import Answer
from c2o.wire.anthropic import MessagesRequest
from tests import grammar
from tests.examples import for_all
from tests.fake_upstream import DONE, chunk
from tests.strategies import TOOLS, USED_ID, answers, bodies, cut_answers, dialects, odd_requests, requests, some_text
from tests.translate.talk import Json, answered, completion, cuts, request, sent, stream, translator, whole

# ---- any stream


@for_all(requests, dialects, cut_answers, few=400)
def test_whatever_an_upstream_streams_the_client_gets_a_well_formed_stream(
    message: MessagesRequest, dialect: str, pieces: list[bytes]
) -> None:
    told = grammar.read(stream(translator(message, dialect), pieces))

    if told.error is None:
        assert told.open is None
        assert told.stop_reason != "tool_use" or told.calls
    ids = [call["id"] for call in told.calls]
    assert USED_ID not in ids, "an id of the conversation is used again"


@for_all(requests, dialects, answers)
def test_the_answer_does_not_depend_on_the_cuts(message: MessagesRequest, dialect: str, answer: bytes) -> None:
    expected = stream(translator(message, dialect), [answer])

    assert stream(translator(message, dialect), cuts(answer, 1)) == expected
    assert stream(translator(message, dialect), cuts(answer, 7)) == expected


@for_all(requests, dialects, bodies)
def test_whatever_an_upstream_answers_as_a_whole_the_client_gets_a_message_or_an_error(
    message: MessagesRequest, dialect: str, body: bytes
) -> None:
    answer = translator(message, dialect).complete(body)

    value = json.loads(answer.body)
    if answer.status == 200:
        assert value["type"] == "message"
        assert value["stop_reason"] in grammar.STOP_REASONS
        grammar.assert_usage(value["usage"])
    else:
        assert answer.status >= 400
        assert value["type"] == "error"
        assert value["error"]["type"] in grammar.ERRORS


@for_all(requests, dialects, st.sampled_from([400, 401, 404, 413, 422, 429, 500, 503, 599]), bodies)
def test_whatever_an_upstream_refuses_with_becomes_an_error(
    message: MessagesRequest, dialect: str, status: int, body: bytes
) -> None:
    refused = translator(message, dialect).error(status, {"retry-after": "3"}, body)

    if isinstance(refused, Answer):  # else the request was corrected, to be sent again
        assert refused.status >= 400
        assert json.loads(refused.body)["error"]["type"] in grammar.ERRORS


@for_all(requests, dialects, cut_answers, st.lists(st.booleans(), max_size=8))
def test_life_signs_may_come_at_any_time(
    message: MessagesRequest, dialect: str, pieces: list[bytes], signs: list[bool]
) -> None:
    def interrupted(*, by_signs: bool) -> grammar.Message:
        of = translator(message, dialect)
        out = b""
        for piece, parsed in itertools.zip_longest(pieces, signs):
            if parsed is not None and by_signs:
                out += of.keep_alive(parsed=parsed)
            if piece is not None and not of.done:
                out += of.feed(piece)
        return grammar.read(out + of.close(), life_signs=True)

    alive, quiet = interrupted(by_signs=True), interrupted(by_signs=False)

    assert (alive.content, alive.open, alive.stop_reason) == (quiet.content, quiet.open, quiet.stop_reason)


@for_all(requests, dialects, cut_answers)
def test_nothing_follows_the_end(message: MessagesRequest, dialect: str, pieces: list[bytes]) -> None:
    of = translator(message, dialect)
    stream(of, pieces)

    assert of.feed(chunk({"content": "ghost"})) == b""
    assert of.keep_alive(parsed=True) == b""
    assert of.close() == b""


# ---- the official SDK


class SDK:
    """The official client, strict, fed with our bytes."""

    def __init__(self) -> None:
        self.answer = b""
        transport = httpx2.MockTransport(self._respond)
        self._client = anthropic.Anthropic(
            api_key="k",
            base_url="http://c2o.example",
            max_retries=0,
            http_client=httpx2.Client(transport=transport),
            _strict_response_validation=True,
        )

    def _respond(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=self.answer)

    def message(self, answer: bytes) -> anthropic.types.Message:
        self.answer = answer
        with self._client.messages.stream(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]
        ) as streaming:
            return streaming.get_final_message()


sdk = SDK()


@for_all(requests, dialects, cut_answers)
def test_the_official_sdk_puts_the_same_message_together(
    message: MessagesRequest, dialect: str, pieces: list[bytes]
) -> None:
    answer = stream(translator(message, dialect), pieces)
    told = grammar.read(answer)

    if told.error is not None:
        with pytest.raises(anthropic.APIStatusError) as raised:
            sdk.message(answer)
        assert raised.value.type == told.error["type"]
        return
    found = sdk.message(answer)
    assert [block.to_dict(exclude_none=True) for block in found.content] == told.content
    assert (found.stop_reason, found.stop_sequence) == (told.stop_reason, told.stop_sequence)
    assert found.usage.input_tokens == told.usage["input_tokens"]


# ---- a stream and a whole answer

whole_calls = st.lists(
    st.fixed_dictionaries({"command": st.text(max_size=8)}, optional={"timeout": st.integers(0, 9)}), max_size=3
)


@for_all(
    st.lists(some_text, max_size=4), st.lists(some_text, max_size=4), whole_calls,
    st.sampled_from(["stop", "tool_calls", "length", "content_filter"]), st.booleans(),
)  # fmt: skip
def test_a_whole_answer_is_a_stream_of_one_chunk(
    thoughts: list[str], words: list[str], inputs: list[Json], reason: str, stops: bool
) -> None:
    fields: Json = {"tools": TOOLS, "thinking": {"type": "adaptive"}, "stop_sequences": ["END"] if stops else []}
    heads = [{"id": f"call_{n}", "type": "function", "function": {"name": "Bash"}} for n in range(len(inputs))]
    calls = [
        head | {"function": {"name": "Bash", "arguments": json.dumps(input)}}
        for head, input in zip(heads, inputs, strict=True)
    ]
    pieces = [chunk({"reasoning_content": thought}) for thought in thoughts]
    pieces += [chunk({"content": word}) for word in words]
    for n, call in enumerate(calls):
        text = call["function"]["arguments"]
        pieces.append(chunk({"tool_calls": [heads[n] | {"index": n}]}))
        pieces += [chunk({"tool_calls": [{"index": n, "function": {"arguments": letter}}]}) for letter in text]
    usage = {"prompt_tokens": 9, "completion_tokens": 9}
    told = grammar.read(
        stream(translator(request(stream=True, **fields)), [*pieces, chunk({}, reason, usage=usage), DONE])
    )
    message = {"content": "".join(words), "reasoning_content": "".join(thoughts), "tool_calls": calls}

    if told.error is not None:
        assert whole(completion(message, reason, usage=usage), **fields).status >= 400
        return
    found = answered(completion(message, reason, usage=usage), **fields)
    assert found["content"] == told.content
    assert (found["stop_reason"], found["stop_sequence"]) == (told.stop_reason, told.stop_sequence)
    assert found["stop_sequence"] or found["usage"] == told.usage


# ---- any request


@for_all(odd_requests, dialects, st.booleans(), few=500)
def test_a_request_is_translated_or_refused_with_a_sentence(body: Json, dialect: str, repair: bool) -> None:
    """Never anything else: what escapes here is a 500, on which clients try ten times more."""
    found = translated(body, dialect, repair)

    if isinstance(found, RequestError):
        assert found.status == 400
        assert str(found)
    else:
        assert_accepted(found)


def translated(body: Json, dialect: str, repair: bool) -> Json | RequestError:
    """What goes upstream, or why nothing does."""
    try:
        return sent(body, dialect, repair_history=repair)
    except msgspec.ValidationError as error:
        return not_a_request(error)
    except RequestError as refused:
        return refused


SEARCHES = ("openrouter:web_search", "web_search")


def assert_accepted(body: Json) -> None:
    """What every OpenAI-compatible server asks of a request."""
    called: list[str] = []
    for message in body["messages"]:
        assert message["role"] in ("system", "developer", "user", "assistant", "tool")
        if message["role"] == "tool":
            assert message["tool_call_id"] in called, "a result without its call"
            called.remove(message["tool_call_id"])
            assert isinstance(message["content"], str)
            continue
        assert not called, "a call that isn't answered before anything else is said"
        if message["role"] == "assistant":
            called = [call["id"] for call in message.get("tool_calls", [])]
            assert all(
                isinstance(json.loads(call["function"]["arguments"]), dict) for call in message.get("tool_calls", [])
            )
            assert message["content"] or called
        else:
            assert message["content"]
    assert not called
    assert "tools" in body or "tool_choice" not in body
    for declared in body.get("tools", []):
        if declared["type"] in SEARCHES:
            continue  # a search that the upstream makes by itself
        assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", declared["function"]["name"])
        assert isinstance(declared["function"]["parameters"], dict)
