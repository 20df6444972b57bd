"""C: an upstream's stream, as both SDKs read it, and as it goes over the wire."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from tests.clients import install
from tests.clients.conftest import missing
from tests.clients.service import environment
from tests.conformance.judges import Judges, PythonSDK, plain, tidy
from tests.conformance.proxy import TOKEN, Json, Proxy, configuration
from tests.conformance.stream_cases import CASES, FAILURES, THINKING, TOOLS, body, said, thought
from tests.fake_upstream import (
    DONE,
    Answer,
    FakeUpstream,
    Hold,
    Request,
    arguments,
    error,
    finish,
    reasoning,
    role,
    stream,
    text,
    tool_call,
    usage,
)
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import check_grammar, events, names, told


def played(request: Request) -> Answer:
    """The upstream's answer to a case, whose name is the model's."""
    name = request.json["model"]
    return stream(*(CASES[name].pieces if name in CASES else FAILURES[name].pieces))


@pytest.fixture(scope="module")
def stage() -> Iterator[Proxy]:
    """One service for all cases; the upstream streams always, also where a whole answer was asked for."""
    upstream = FakeUpstream().start()
    upstream.think(played)
    proxy = Proxy(configuration(upstream.url))
    yield proxy
    proxy.close()
    upstream.close()
    assert upstream.unexpected == []


@pytest.fixture(scope="module")
def python(judges: Judges, stage: Proxy) -> PythonSDK:
    return PythonSDK(judges, stage.url)


def request_of(name: str) -> Json:
    case = CASES.get(name)
    return body(name, case.dialect, case.request) if case else body(name, "generic", {})


def check(name: str, message: Json) -> None:
    """Is this the message that the case wants?"""
    case = CASES[name]
    numbers = message.pop("usage")
    assert message.pop("content") == case.content
    assert message == {
        "type": "message",
        "role": "assistant",
        "model": f"{case.dialect}/{name}",
        "stop_reason": case.stop_reason,
        **case.more,
    }
    assert numbers["input_tokens"] > 0
    assert numbers["output_tokens"] > 0
    if case.usage is not None:
        assert case.usage.items() <= numbers.items()


# ---- the tables


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("name", CASES)
def test_stream(python: PythonSDK, name: str, way: str) -> None:
    check(name, python.ways[way](request_of(name)))


@pytest.mark.parametrize("name", CASES)
def test_c42_the_strict_beta_client(python: PythonSDK, name: str) -> None:
    """Its accumulator is another than the stable one's, and the one with the newer events."""
    message = python.streamed_beta(request_of(name))
    assert message["content"] == CASES[name].content
    assert message["stop_reason"] == CASES[name].stop_reason


@pytest.mark.parametrize("name", CASES)
def test_c43_events_on_the_wire(stage: Proxy, name: str) -> None:
    """Each event has its name, and its data on one line: ``events`` fails on anything else."""
    answer = stage.post(request_of(name) | {"stream": True})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    check_grammar(events(answer.body))


@pytest.mark.parametrize("name", CASES)
def test_c44_whole_answer_from_a_stream(python: PythonSDK, name: str) -> None:
    check(name, python.whole(request_of(name)))


# ---- the TypeScript SDK: one process judges all cases


@pytest.fixture(scope="module")
def typescript(stage: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Json:
    """What the TypeScript SDK makes of each case, streamed, and of each as a whole answer."""
    try:
        (version,) = install.VERSIONS["npm"][install.TYPESCRIPT_SDK]
        modules = install.npm(install.TYPESCRIPT_SDK, version)
    except install.InstallError as problem:
        missing(str(problem))
    streamed = {name: {"streamed": True, "request": request_of(name)} for name in (*CASES, *FAILURES)}
    whole = {f"{name} whole": {"streamed": False, "request": request_of(name)} for name in CASES}
    done = subprocess.run(
        ["node", str(Path(__file__).parent / "typescript_judge.mjs"), str(modules)],
        input=json.dumps({"url": stage.url, "token": TOKEN, "jobs": streamed | whole}),
        env=environment(tmp_path_factory.mktemp("home")),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    results: Json = json.loads(done.stdout)
    return results


@pytest.mark.parametrize("way", ["", " whole"], ids=["typescript", "typescript_whole"])
@pytest.mark.parametrize("name", CASES)
def test_stream_in_typescript(typescript: Json, name: str, way: str) -> None:
    result = typescript[name + way]
    assert "message" in result, result
    check(name, tidy(result["message"]))


@pytest.mark.parametrize("name", FAILURES)
def test_failure_in_typescript(typescript: Json, name: str) -> None:
    failure = typescript[name].get("failure")
    assert failure, typescript[name]
    assert failure["body"]["error"]["type"] == FAILURES[name].type


# ---- failures


@pytest.mark.parametrize("name", FAILURES)
def test_failure(python: PythonSDK, stage: Proxy, name: str) -> None:
    with pytest.raises(anthropic.APIStatusError) as raised:
        python.streamed(request_of(name))
    assert raised.value.type == FAILURES[name].type
    assert FAILURES[name].words in str(raised.value)


@pytest.mark.parametrize("name", FAILURES)
def test_failure_on_the_wire(stage: Proxy, name: str) -> None:
    """No message_stop: clients would take what there is for the whole."""
    answer = stage.post(request_of(name) | {"stream": True})
    found = told(answer.status, answer.body)
    check_grammar(found)
    assert names(found)[-1] == "error"
    assert "message_stop" not in names(found)


def test_c27_refused_before_the_first_byte(sdk: Anthropic, upstream: FakeUpstream) -> None:
    upstream.play(error(429, "slow down", headers={"retry-after": "17"}))
    with pytest.raises(anthropic.RateLimitError) as raised, sdk.messages.stream(**body("c27", "generic", {})) as answer:
        answer.get_final_message()
    assert raised.value.status_code == 429
    assert raised.value.response.headers["retry-after"] == "17"


# ---- the order on the wire


def wire(proxy: Proxy, upstream: FakeUpstream, *pieces: Any, dialect: str = "generic", **fields: Any) -> list[Any]:
    upstream.play(stream(*pieces))
    return events(proxy.post(body("m", dialect, fields) | {"stream": True}).body)


def test_c01_the_order_of_events(proxy: Proxy, upstream: FakeUpstream) -> None:
    found = wire(proxy, upstream, *CASES["c01_text"].pieces)
    assert names(found) == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_c06_the_signature_comes_last_in_its_block(proxy: Proxy, upstream: FakeUpstream) -> None:
    case = CASES["c06_reasoning_then_text"]
    found = wire(proxy, upstream, *case.pieces, **case.request)
    kinds = [(event.data["index"], event.data.get("delta", {}).get("type", event.name)) for event in found[1:-2]]
    assert kinds == [
        (0, "content_block_start"),
        (0, "thinking_delta"),
        (0, "thinking_delta"),
        (0, "signature_delta"),
        (0, "content_block_stop"),
        (1, "content_block_start"),
        (1, "text_delta"),
        (1, "content_block_stop"),
    ]


def test_c06_each_block_is_shown_as_it_comes(sdk: Anthropic, upstream: FakeUpstream) -> None:
    """The upstream goes on only when the client has read what came before."""
    kinds = ["thinking_delta", "text_delta", "input_json_delta"]
    wait = [threading.Event() for _ in kinds]
    call = tool_call(0, "call_1", "Bash", '{"command":"ls",')
    pieces = (reasoning("Hm."), Hold(wait[0]), text("I look."), Hold(wait[1]), call, Hold(wait[2]))
    upstream.play(stream(role(), *pieces, arguments(0, '"timeout":5}'), finish("tool_calls"), usage(), DONE))
    with sdk.messages.stream(**body("m", "generic", THINKING | TOOLS)) as answer:
        for event in answer:
            if event.type == "content_block_delta" and event.delta.type in kinds:
                wait[kinds.index(event.delta.type)].set()
        assert answer.get_final_message().stop_reason == "tool_use"


def test_c32_nothing_is_said_for_empty_text(proxy: Proxy, upstream: FakeUpstream) -> None:
    found = wire(proxy, upstream, role(), text(""), text("a"), text(""), finish(), usage(), DONE)
    said = [event.data["delta"]["text"] for event in found if event.name == "content_block_delta"]
    assert said == ["a"]


# ---- time, and who hangs up


@pytest.mark.parametrize(("seconds", "pings", "parsed"), [(40, 2, 1), (5 * 60, 20, 2), (30 * 60, 120, 10)])
def test_c28_silence(
    start: Callable[..., Proxy], upstream: FakeUpstream, seconds: int, pings: int, parsed: int
) -> None:
    clock, over = FakeClock(), threading.Event()
    proxy = start(clock=clock)
    upstream.play(stream(role(), text("Yes."), finish(), usage(), DONE).after(Hold(over)))
    with ThreadPoolExecutor(1) as threads:
        raw = threads.submit(proxy.post, body("m", "generic", {"stream": True}))
        upstream.wait_for(1)
        proxy.run(clock.advance(seconds))
        over.set()
        found = events(raw.result(10).body)
    check_grammar(found)
    before = names(found)[: names(found).index("content_block_start")]
    assert before.count("ping") >= pings
    assert len(before) - before.count("ping") >= parsed


SILENCES: dict[str, Json] = {"text": {}, "thinking": THINKING}


@pytest.mark.parametrize("kind", SILENCES)
def test_c28_silence_changes_nothing(
    start: Callable[..., Proxy], judges: Judges, upstream: FakeUpstream, kind: str
) -> None:
    """Half an hour before the first token, then ten minutes in an open block."""
    clock, begin, over, begun = FakeClock(), threading.Event(), threading.Event(), threading.Event()
    proxy = start(clock=clock)
    first, last = (text("Yes"), text(".")) if kind == "text" else (reasoning("Hm"), reasoning("."))
    upstream.play(stream(role(), first, Hold(over), last, text("!"), finish(), usage(), DONE).after(Hold(begin)))

    def ask() -> Json:
        with judges.sync(proxy.url).messages.stream(**body("m", "generic", SILENCES[kind])) as answer:
            for event in answer:
                if event.type == "content_block_delta":
                    begun.set()
            return plain(answer.get_final_message())

    with ThreadPoolExecutor(1) as threads:
        message = threads.submit(ask)
        upstream.wait_for(1)
        proxy.run(clock.advance(30 * 60))
        begin.set()
        assert begun.wait(20)
        proxy.run(clock.advance(10 * 60))
        over.set()
        got = message.result(10)
    told = [{"type": "text", "text": "Yes.!"}] if kind == "text" else [thought("Hm."), said("!")]
    assert got["content"] == told
    assert got["stop_reason"] == "end_turn"


def test_c29_the_upstream_is_cancelled(sdk: Anthropic, upstream: FakeUpstream) -> None:
    never = threading.Event()
    upstream.play(stream(role(), text("One END"), Hold(never)))
    with sdk.messages.stream(**body("m", "generic", {"stop_sequences": ["END"]})) as answer:
        assert answer.get_final_message().stop_sequence == "END"
    assert upstream.requests[0].hung_up.wait(8)


def test_c34_two_megabytes_take_less_than_a_second(proxy: Proxy, upstream: FakeUpstream) -> None:
    case = CASES["c34_two_megabytes_of_input"]
    begin = time.process_time()  # of all three parties, whatever else this machine does
    wire(proxy, upstream, *case.pieces, **case.request)
    assert time.process_time() - begin < 1


def test_c36_the_client_leaves(sdk: Anthropic, upstream: FakeUpstream) -> None:
    never = threading.Event()
    upstream.play(stream(role(), text("Yes"), Hold(never)))
    with sdk.messages.stream(**body("m", "generic", {})) as answer:
        next(iter(answer.text_stream))
    assert upstream.requests[0].hung_up.wait(8)


def test_c36_the_client_leaves_before_the_first_byte(proxy: Proxy, upstream: FakeUpstream, judges: Judges) -> None:
    never = threading.Event()
    upstream.play(Answer().after(Hold(never)))
    impatient = judges.sync(proxy.url).with_options(timeout=0.2)
    with pytest.raises(anthropic.APITimeoutError):
        impatient.messages.create(**body("m", "generic", {}))
    assert upstream.requests[0].hung_up.wait(8)
