"""``api = "responses"``: what OpenAI's Responses API gets and sends, H01 to H10 and what follows from them.

Each stream is cut byte by byte, in sevens and with other line ends; each is given where a whole answer was asked for;
and what can be said as one whole response is said that way too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from c2o.translate.answers import STATUS
from c2o.translate.reasoning import Sealed, seal, unseal
from c2o.translate.responses import ResponsesTranslator
from c2o.translate.types import Answer, Remedy
from tests import grammar
from tests.fake_upstream import event
from tests.translate import talk
from tests.translate.talk import (
    FAILING,
    Json,
    assistant,
    cuts,
    decoded,
    job,
    request,
    tool,
    tool_result,
    tool_use,
    user,
)

MODEL = "gpt-5.5"
ADAPTIVE = {"type": "adaptive"}
BASH = tool("Bash", {"command": {"type": "string"}, "timeout": {"type": "integer"}})


def translator(*, dialect: str = "openai", model: str = MODEL, learned: Any = (), **fields: Any) -> ResponsesTranslator:
    asked = {"stream": True, "thinking": ADAPTIVE, "tools": [BASH]} | fields
    return ResponsesTranslator(decoded(request(**asked)), job(dialect, model=model, learned=learned))


def stream(of: ResponsesTranslator, pieces: Iterable[bytes]) -> bytes:
    return b"".join([*map(of.feed, pieces), of.close()])


def sent(of: ResponsesTranslator) -> Json:
    upstream = of.request()
    assert upstream.path == "/responses"
    body: Json = json.loads(upstream.body)
    return body


# ---- what upstreams say


def says(type: str, **fields: Any) -> Json:
    return {"type": f"response.{type}", **fields}


def words(text: str, item: str = "m1", at: int = 0) -> Json:
    return says("output_text.delta", item_id=item, output_index=at, content_index=0, delta=text)


def added(at: int = 0, **item: Any) -> Json:
    return says("output_item.added", output_index=at, item=item)


def done(at: int = 0, **item: Any) -> Json:
    return says("output_item.done", output_index=at, item=item)


def call(id: str = "1", at: int = 0, **more: Any) -> Json:
    return {"type": "function_call", "id": f"fc_{id}", "call_id": f"call_{id}", "name": "Bash", "arguments": ""} | more


def arguments(delta: str, item: str = "fc_1", at: int = 0) -> Json:
    return says("function_call_arguments.delta", item_id=item, output_index=at, delta=delta)


def all_arguments(text: str, item: str = "fc_1", at: int = 0) -> Json:
    return says("function_call_arguments.done", item_id=item, output_index=at, arguments=text)


def thought(text: str, part: int = 0, item: str = "rs_1") -> Json:
    return says("reasoning_summary_text.delta", item_id=item, output_index=0, summary_index=part, delta=text)


def reasoning(id: str = "rs_1", text: str | None = "plan", encrypted: str = "FINAL") -> Json:
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"type": "reasoning", "id": id, "summary": summary, "encrypted_content": encrypted}


def completed(**fields: Any) -> Json:
    return says("completed", response={"status": "completed"} | fields)


LS = '{"command":"ls"}'
HI: Json = {"type": "text", "text": "Hi"}
RAN: Json = {"type": "tool_use", "id": "call_1", "name": "Bash", "input": {"command": "ls"}}
USAGE: Json = {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 2}, "output_tokens": 1}


class Case:
    """Events, and what a client gets: its blocks, and how it ends."""

    def __init__(self, *events: Json | bytes, blocks: list[Json], stop: str = "end_turn", error: str = "", **more: Any):
        self.body = b"".join(each if isinstance(each, bytes) else event(each) for each in events)
        self.blocks = blocks
        self.stop = None if error else stop
        self.error = error
        self.usage: Json = more.get("usage", {})


CREATED = says("created", response={"id": "resp_1", "status": "in_progress"})

CASES: dict[str, Case] = {
    "H01 text": Case(
        *(
            f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode()
            for each in (CREATED, words("Hi"), completed(id="resp_1", output=[], usage=USAGE))
        ),
        blocks=[HI],
        usage={"input_tokens": 3, "output_tokens": 1, "cache_read_input_tokens": 2},
    ),
    "H02 tool": Case(
        added(**call()),
        arguments(LS),
        all_arguments(LS),
        completed(usage={"input_tokens": 1, "output_tokens": 1}),
        blocks=[RAN],
        stop="tool_use",
        usage={"input_tokens": 1, "output_tokens": 1},
    ),
    "H03 arguments only in done": Case(
        added(**call()), all_arguments(LS), completed(), blocks=[RAN], stop="tool_use"
    ),
    "H04 signature from done": Case(
        added(**reasoning(text=None, encrypted="EARLY")),
        thought("plan"),
        done(**reasoning()),
        words("Hi", at=1),
        completed(),
        blocks=[{"type": "thinking", "thinking": "plan", "signature": [reasoning()]}, HI],
    ),
    "H05 incomplete": Case(
        words("Hi"),
        says("incomplete", response={"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}),
        blocks=[HI],
        stop="max_tokens",
    ),
    "H06 failed": Case(
        says("failed", response={"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow down"}}),
        blocks=[],
        error="rate_limit_error ~ slow down",
    ),
    "H07 error event": Case(
        words("x"),
        {"type": "error", "code": "server_error", "message": "boom", "param": None, "sequence_number": 3},
        blocks=[{"type": "text", "text": "x"}],
        error="api_error ~ boom",
    ),
    "H08 no end": Case(words("x"), blocks=[{"type": "text", "text": "x"}], error="api_error ~ closed"),
    "content filter": Case(
        words("Hi"),
        says("incomplete", response={"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}),
        blocks=[HI],
        stop="refusal",
    ),
    "cut off in a call": Case(
        added(**call()),
        arguments('{"command":"ls","timeout":12'),
        says("incomplete", response={"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}),
        blocks=[RAN | {"input": {"command": "ls", "__c2o_truncated__": True}}],
        stop="max_tokens",
    ),
    "arguments repaired": Case(
        added(**call()), arguments('{"command":"ls","timeout":"5"}'), completed(),
        blocks=[RAN | {"input": {"command": "ls", "timeout": 5}}],
        stop="tool_use",
    ),
    "two calls in turns": Case(
        added(0, **call("1")), added(1, **call("2")),
        arguments('{"command"', "fc_1", 0), arguments(LS, "fc_2", 1), arguments(':"ls"}', "fc_1", 0),
        completed(),
        blocks=[RAN, RAN | {"id": "call_2"}],
        stop="tool_use",
    ),
    "another id in each event": Case(
        added(0, **call("1")), added(1, **call("2")),
        arguments('{"command"', "a", 0), arguments(LS, "b", 1), arguments(':"ls"}', "c", 0),
        completed(),
        blocks=[RAN, RAN | {"id": "call_2"}],
        stop="tool_use",
    ),
    "only finished items": Case(
        done(0, **reasoning()),
        done(1, type="message", id="m1", content=[{"type": "output_text", "text": "Hi", "annotations": []}]),
        done(2, **call(arguments=LS)),
        completed(),
        blocks=[{"type": "thinking", "thinking": "plan", "signature": [reasoning()]}, HI, RAN],
        stop="tool_use",
    ),
    "everything with the end": Case(
        CREATED,
        completed(output=[reasoning(), call(arguments=LS)]),
        blocks=[{"type": "thinking", "thinking": "plan", "signature": [reasoning()]}, RAN],
        stop="tool_use",
    ),
    "arguments with the end": Case(
        added(**call()), completed(output=[call(arguments=LS)]), blocks=[RAN], stop="tool_use"
    ),
    "one index for all": Case(
        added(0, **call("1")), arguments(LS, "fc_1", 0), added(0, **call("2")), arguments(LS, "fc_2", 0), completed(),
        blocks=[RAN, RAN | {"id": "call_2"}],
        stop="tool_use",
    ),
    "no places at all": Case(
        says("output_item.added", item=call()), says("function_call_arguments.delta", delta=LS), completed(),
        blocks=[RAN],
        stop="tool_use",
    ),
    "parts of a summary": Case(
        thought("one"), thought(" more"), thought("two", 1), done(**reasoning(text="one more")), words("Hi", at=1),
        completed(),
        blocks=[{"type": "thinking", "thinking": "one more\n\ntwo", "signature": [reasoning(text="one more")]}, HI],
    ),
    "reasoning as it is": Case(
        says("reasoning_text.delta", item_id="rs_1", output_index=0, content_index=0, delta="hm"),
        words("Hi", at=1),
        completed(),
        blocks=[{"type": "thinking", "thinking": "hm", "signature": None}, HI],
    ),
    "encrypted reasoning alone": Case(
        done(**reasoning(text=None)), words("Hi", at=1), completed(),
        blocks=[{"type": "thinking", "thinking": "", "signature": [reasoning(text=None)]}, HI],
    ),
    "thoughts between calls": Case(
        done(0, **reasoning("rs_1")), added(1, **call("1")), arguments(LS, "fc_1", 1), all_arguments(LS, "fc_1", 1),
        done(2, **reasoning("rs_2")), added(3, **call("2")), arguments(LS, "fc_2", 3), all_arguments(LS, "fc_2", 3),
        completed(),
        blocks=[
            {"type": "thinking", "thinking": "plan", "signature": [reasoning("rs_1")]},
            RAN,
            {"type": "thinking", "thinking": "plan", "signature": [reasoning("rs_2")]},
            RAN | {"id": "call_2"},
        ],
        stop="tool_use",
    ),
    "a comment and an answer": Case(
        words("Let me see.", "m1", 0), words("Hi", "m2", 1), completed(),
        blocks=[{"type": "text", "text": "Let me see.\n\nHi"}],
    ),
    "a refusal": Case(
        says("refusal.delta", item_id="m1", output_index=0, content_index=0, delta="No."),
        says("refusal.done", item_id="m1", output_index=0, content_index=0, refusal="No."),
        completed(),
        blocks=[{"type": "text", "text": "No."}],
        stop="refusal",
    ),
    "unknown events": Case(
        says("queued"), says("web_search_call.searching", output_index=7), {"type": "keepalive"}, words("Hi"),
        completed(),
        blocks=[HI],
    ),
    "fields of odd shapes": Case(
        says("output_text.delta", item_id=5, output_index="0", delta="Hi", item="m", error={}),
        completed(output={}, usage=[], incomplete_details="none"),
        blocks=[HI],
    ),
    "an error in another shape": Case(
        {"type": "error", "error": {"type": "insufficient_quota", "message": "You exceeded your current quota."}},
        blocks=[],
        error="billing_error ~ quota",
    ),
    "no JSON": Case(words("Hi"), b"data: {oops\n\n", blocks=[HI], error="api_error ~ no JSON"),
    "half of a character": Case(
        event(words("HALF")).replace(b"HALF", rb"\ud83c"), event(words("HALF")).replace(b"HALF", rb"\udf89"),
        completed(),
        blocks=[{"type": "text", "text": "🎉"}],
    ),
}  # fmt: skip

every = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def check(case: Case, found: grammar.Message) -> None:
    blocks = [*found.content, *([found.open] if found.open is not None else [])]
    assert [opened(block) for block in blocks] == case.blocks
    assert found.stop_reason == case.stop
    if case.usage:
        assert {name: found.usage[name] for name in case.usage} == case.usage
    if case.error:
        kind, _, said = case.error.partition(" ~ ")
        assert found.error is not None
        assert found.error["type"] == kind
        assert said in found.error["message"]


def opened(block: Json) -> Json:
    """A block, with what its signature holds."""
    if block["type"] != "thinking":
        return block
    state = unseal(block["signature"])
    assert state is not None
    return block | {"signature": state.d}


def test_the_list_is_complete() -> None:
    assert [name[:3] for name in CASES if name.startswith("H")] == [f"H0{number}" for number in range(1, 9)]


@every
def test_a_stream(case: Case) -> None:
    check(case, grammar.read(stream(translator(), [case.body])))


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("size", [1, 7])
@every
def test_a_stream_cut_anywhere(case: Case, size: int, line_end: bytes) -> None:
    data = case.body.replace(b"\n", line_end)

    assert stream(translator(), cuts(data, size)) == stream(translator(), [case.body])


@every
def test_a_stream_where_a_whole_answer_was_asked_for(case: Case) -> None:
    check_whole(case, translator().complete(case.body))


WHOLE: dict[str, Json] = {
    # what the streams of these cases amount to
    "H01 text": {
        "status": "completed",
        "output": [{"type": "message", "id": "m1", "content": [{"type": "output_text", "text": "Hi"}]}],
        "usage": USAGE,
    },
    "H02 tool": {
        "status": "completed",
        "output": [call(arguments=LS)],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
    "H04 signature from done": {
        "status": "completed",
        "output": [reasoning(), {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}],
    },
    "H05 incomplete": {
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}],
    },
    "H06 failed": {
        "status": "failed",
        "output": [],
        "error": {"code": "rate_limit_exceeded", "message": "slow down"},
    },
    "thoughts between calls": {
        "status": "completed",
        "output": [reasoning("rs_1"), call("1", arguments=LS), reasoning("rs_2"), call("2", arguments=LS)],
    },
    "a refusal": {
        "status": "completed",
        "output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}],
    },
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_answer(name: str) -> None:
    body = json.dumps({"id": "resp_1", "object": "response", "error": None} | WHOLE[name]).encode()

    check_whole(CASES[name], translator(stream=None).complete(body))
    check(CASES[name], grammar.read(stream(translator(), cuts(body, 7))))


def test_a_body_that_is_no_response() -> None:
    assert "no response" in json.loads(translator(stream=None).complete(b"Welcome!").body)["error"]["message"]


def check_whole(case: Case, answer: Answer) -> None:
    value = json.loads(answer.body)
    if case.error:
        kind, _, said = case.error.partition(" ~ ")
        assert (answer.status, value["error"]["type"]) == (STATUS[kind], kind)
        assert said in value["error"]["message"]
        return
    assert answer.status == 200, value
    check(case, grammar.Message(**{key: value[key] for key in ("content", "stop_reason", "stop_sequence", "usage")}))


def test_nothing_more_is_read_after_the_end() -> None:
    of = translator()

    of.feed(event(words("Hi")) + event(completed()))

    assert of.done


def test_a_stop_sequence_is_matched_here() -> None:
    of = translator(stop_sequences=["END"])

    found = grammar.read(stream(of, [event(words("Hi E")), event(words("ND of it")), event(completed())]))

    assert "stop" not in sent(of)
    assert (found.content, found.stop_reason, found.stop_sequence) == ([HI | {"text": "Hi "}], "stop_sequence", "END")


# ---- what upstreams get


def sealed(*items: Json, model: str = MODEL) -> str:
    return seal(Sealed(FAILING.upstream, model, "ri", list(items)))


def thinking(signature: str, text: str = "plan") -> Json:
    return {"type": "thinking", "thinking": text, "signature": signature}


def message(role: str, text: str) -> Json:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def ran(id: str) -> Json:
    return {"type": "function_call", "call_id": id, "name": "Bash", "arguments": '{"command": "ls"}'}


def brought(id: str, output: Any) -> Json:
    return {"type": "function_call_output", "call_id": id, "output": output}


ENC = reasoning(encrypted="ENC")


def history(signature: str) -> list[Json]:
    texts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    return [
        user("x"),
        assistant(thinking(signature), "ok", tool_use("t1")),
        user(tool_result("t1", texts), "go on"),
    ]


AFTER = [message("assistant", "ok"), ran("t1"), brought("t1", "a\nb"), message("user", "go on")]


def test_h09_the_shape_of_a_request() -> None:
    body = sent(translator(messages=history(sealed(ENC)), system="Be brief.", output_config={"effort": "high"}))

    assert body.pop("prompt_cache_key")
    assert body == {
        "model": MODEL,
        "instructions": "Be brief.",
        "input": [message("user", "x"), ENC, *AFTER],
        "max_output_tokens": 1000,
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "high", "summary": "auto"},
        "tools": [
            {
                "type": "function",
                "name": "Bash",
                "description": "What Bash does.",
                "parameters": BASH["input_schema"],
                "strict": False,
            }
        ],
    }


@pytest.mark.parametrize(
    "signature",
    ["ErUBCkYIBRgC", sealed(ENC, model="another"), sealed({"type": "reasoning", "id": "rs_1", "summary": []})],
    ids=["Anthropic's", "another model's", "kept by a server that kept nothing"],
)
def test_reasoning_that_the_upstream_can_t_read_stays_out(signature: str) -> None:
    assert sent(translator(messages=history(signature)))["input"] == [message("user", "x"), *AFTER]


def test_a_small_limit_is_lifted_to_what_is_taken() -> None:
    assert sent(translator(max_tokens=5))["max_output_tokens"] == 16


CHOICES: list[tuple[Json, Json]] = [
    ({"type": "auto", "disable_parallel_tool_use": True}, {"parallel_tool_calls": False}),
    ({"type": "any"}, {"tool_choice": "required"}),
    ({"type": "none"}, {"tool_choice": "none"}),
    ({"type": "tool", "name": "Bash"}, {"tool_choice": {"type": "function", "name": "Bash"}}),
]


@pytest.mark.parametrize(("choice", "expected"), CHOICES, ids=[choice["type"] for choice, _ in CHOICES])
def test_the_choice_among_tools(choice: Json, expected: Json) -> None:
    body = sent(translator(tool_choice=choice))

    assert {name: body[name] for name in expected} == expected


def test_an_answer_of_a_given_shape() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}

    body = sent(translator(output_config={"format": {"type": "json_schema", "schema": schema}}))

    format = {"type": "json_schema", "name": "output", "schema": schema, "strict": False}
    assert body["text"] == {"format": format}


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
SEEN = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"}


def test_images_stay_where_a_tool_put_them() -> None:
    said = [user("x"), assistant(tool_use("t1")), user(tool_result("t1", [IMAGE]))]

    assert sent(translator(messages=said))["input"][-1] == brought("t1", [SEEN])


def test_images_follow_a_tool_s_output_where_that_takes_text_alone() -> None:
    said = [user("x"), assistant(tool_use("t1")), user(tool_result("t1", [IMAGE]))]

    *_, output, following = sent(translator(messages=said, dialect="llamacpp", model="any"))["input"]

    assert isinstance(output["output"], str)
    assert following["role"] == "user"
    assert SEEN in following["content"]


def test_two_turns_with_reasoning_before_each_call() -> None:
    """What came comes back, in the order in which it came."""
    first = stream(translator(), [CASES["thoughts between calls"].body])
    blocks = grammar.read(first).content
    said = [user("x"), assistant(*blocks), user(tool_result("call_1", "one"), tool_result("call_2", "two"))]

    back = sent(translator(messages=said))["input"]

    assert [each.get("id") or each.get("call_id") or each["role"] for each in back] == [
        "user", "rs_1", "call_1", "rs_2", "call_2", "call_1", "call_2",
    ]  # fmt: skip
    assert back[1] == reasoning("rs_1")


def test_reasoning_of_clients_that_drop_it_is_remembered() -> None:
    of = translator()
    stream(of, [CASES["only finished items"].body])
    said = [user("Hello"), assistant("Hi", tool_use("call_1")), user(tool_result("call_1"))]
    asked = decoded(request(messages=said, tools=[BASH]))

    again = ResponsesTranslator(asked, job("openai", model=MODEL, remembered=of.outcome.remember))

    assert sent(again)["input"][1] == reasoning()


# ---- refusals


def refusal(message: str, **more: Any) -> bytes:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error"} | more}).encode()


def test_h10_reasoning_that_can_t_be_opened() -> None:
    of = translator(messages=history(sealed(ENC)))
    said = refusal("The encrypted content gAAA could not be verified.", code="invalid_encrypted_content")

    remedy = of.error(400, {}, said)

    assert isinstance(remedy, Remedy)
    assert remedy.fact is None
    assert sent(of)["input"] == [message("user", "x"), *AFTER]
    assert any("reasoning of earlier turns dropped" in note for note in of.outcome.warnings)
    assert isinstance(of.error(400, {}, said), Answer), "the second time there is nothing left to drop"


REFUSALS = {
    "reasoning.summary": "Your organization must be verified to generate reasoning summaries. Unsupported value.",
    "include": "Encrypted content is not supported with this model.",
    "store": "Unknown parameter: 'store'.",
}


@pytest.mark.parametrize("field", REFUSALS)
def test_a_field_that_is_refused_is_left_out_from_then_on(field: str) -> None:
    of = translator()

    remedy = of.error(400, {}, refusal(REFUSALS[field]))

    assert isinstance(remedy, Remedy)
    assert remedy.fact == f"responses_without:{field}"
    for each in (of, translator(learned=[remedy.fact])):
        body = sent(each)
        assert field.partition(".")[2] not in body.get("reasoning", {})
        assert field not in body


def test_what_chat_completions_taught_of_effort_doesn_t_count_here() -> None:
    of = translator(output_config={"effort": "high"}, learned=["tools_without_effort:"])

    assert sent(of)["reasoning"]["effort"] == "high"


def test_chat_completions_note_where_the_effort_would_be_kept() -> None:
    of = talk.translator(request(tools=[BASH], output_config={"effort": "high"}), "openai", model=MODEL)

    assert json.loads(of.request().body)["reasoning_effort"] == "none"
    assert any('api = "responses"' in note for note in of.outcome.warnings)


def test_efforts_that_are_refused_are_corrected() -> None:
    of = translator(output_config={"effort": "xhigh"})

    of.error(400, {}, refusal("Unsupported value: 'reasoning.effort'. Supported values are: 'low' and 'medium'."))

    assert sent(of)["reasoning"]["effort"] == "medium"


def test_a_prompt_that_is_too_long_is_told_in_anthropic_s_words() -> None:
    words = "Your input exceeds the context window of this model. Please adjust your input and try again."

    answer = translator().error(400, {}, refusal(words, code="context_length_exceeded"))

    assert isinstance(answer, Answer)
    assert json.loads(answer.body)["error"]["message"].startswith("prompt is too long")
