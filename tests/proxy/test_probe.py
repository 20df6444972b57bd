"""``python -m c2o.proxy.probe``: a job in, a line for each check out; and nothing of the key."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from c2o import urls
from tests.anthropic_answers import as_asked, call, message
from tests.anthropic_answers import text as words
from tests.clients.service import environment
from tests.fake_upstream import (
    BREAK,
    DONE,
    Answer,
    Call,
    FakeUpstream,
    Hold,
    Reply,
    Request,
    Scripted,
    error,
    finish,
    stream,
    text,
    whole,
)

KEY = "sk-probe-key-0123456789"
ALL = ["models", "stream", "tool"]

Found = dict[str, Any]


class Gateway(FakeUpstream):
    """A fake upstream that serves one prefix only, like a real server, and may refuse its list of models."""

    prefix = "/v1"
    list_answer: Answer | None = None

    def _take(self, request: Request) -> Answer:
        path = request.path.partition("?")[0]
        if path not in (f"{self.prefix}/models", f"{self.prefix}/chat/completions"):
            return whole(b"<html><title>404 Not Found</title></html>", 404, {"content-type": "text/html"})
        if path.endswith("/models"):
            self.requests.append(request)
            if self.list_answer:
                return self.list_answer
        return super()._take(request)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    server.start()
    yield server
    server.close()


def works(request: Request) -> Scripted:
    """A model that does what it is asked."""
    if request.tool_results:
        return Reply(text="It is sunny.")
    return Reply(calls=(Call("get_weather", {"city": "Paris"}),)) if request.tool_names else Reply(text="ready")


def run(job: dict[str, Any] | str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "c2o.proxy.probe"],
        input=job if isinstance(job, str) else json.dumps(job),
        env={**environment(home=Path("/nonexistent")), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def probe(base_url: str, *checks: str, **more: Any) -> list[Found]:
    """What the probe finds.  Nothing that it says may contain the key."""
    job = {"name": "up", "base_url": base_url, "key": KEY, "key_from": "env:UP_KEY", "model": "fake-model"}
    done = run({**job, "checks": checks or ALL, **more})
    assert (done.returncode, done.stderr) == (0, "")
    assert KEY not in done.stdout
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- what works


def test_an_upstream_that_works(upstream: FakeUpstream) -> None:
    upstream.think(works)

    models, streamed, tool = probe(upstream.base_url)

    assert (models["check"], models["ok"], models["models"]) == ("models", True, [{"id": "fake-model"}])
    assert (streamed["check"], streamed["ok"], streamed["streamed"], streamed["usage"]) == ("stream", True, True, True)
    assert 0 <= streamed["first_ms"] <= streamed["ms"]
    assert (tool["check"], tool["ok"]) == ("tool", True)
    assert "fault" not in streamed


def test_an_upstream_that_speaks_anthropic(upstream: FakeUpstream) -> None:
    """Its address says so."""

    def think(request: Request) -> Answer:
        assert request.path == "/anthropic/v1/messages"
        asked = request.json.get("tools") and len(request.messages) == 1
        said = call("get_weather", {"city": "Paris"}) if asked else words("ready")
        return as_asked(request, message(said))

    upstream.think(think)

    models, streamed, tool = probe(upstream.base_url.removesuffix("/v1") + "/anthropic")

    assert (models["ok"], streamed["ok"], tool["ok"]) == (True, True, True)
    assert (streamed["streamed"], streamed["usage"]) == (True, True)


def test_the_key_goes_out_as_the_service_sends_it(upstream: FakeUpstream) -> None:
    upstream.think(works)
    probe(upstream.base_url, "stream", headers={"x-team": "blue"}, extra_body={"seed": 7})
    (request,) = upstream.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["x-team"] == "blue"
    assert request.json["seed"] == 7
    assert request.json["stream"] is True
    assert request.json["max_tokens"] <= 64


def test_the_limit_goes_where_the_dialect_has_it(upstream: FakeUpstream) -> None:
    upstream.think(works)
    probe(upstream.base_url, "stream", dialect="openai")
    assert "max_tokens" not in upstream.requests[0].json
    assert upstream.requests[0].json["max_completion_tokens"] <= 64


def test_a_refusal_that_says_what_to_change_is_followed_as_in_the_service(upstream: FakeUpstream) -> None:
    refusal = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    upstream.play(error(400, refusal, code="unsupported_parameter"), Reply(text="ready"))
    (streamed,) = probe(upstream.base_url, "stream")
    assert streamed["ok"] is True


def test_the_result_of_a_tool_is_taken_back(upstream: FakeUpstream) -> None:
    upstream.think(works)
    probe(upstream.base_url, "tool")
    assert [request.tool_results for request in upstream.requests] == [[], ["Sunny, 21 degrees."]]


def test_limits_of_the_list_are_told(upstream: FakeUpstream) -> None:
    upstream.models = [{"id": "a", "max_model_len": 32768}, {"id": "b", "top_provider": {"max_completion_tokens": 9}}]
    (models,) = probe(upstream.base_url, "models")
    assert models["models"] == [{"id": "a", "context_window": 32768}, {"id": "b", "max_output_tokens": 9}]


def test_an_answer_that_comes_all_at_once_is_said(upstream: FakeUpstream) -> None:
    body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "ready"}, "finish_reason": "stop"}]}
    upstream.play(whole(body))
    (streamed,) = probe(upstream.base_url, "stream")
    assert (streamed["ok"], streamed.get("streamed", False)) == (True, False)
    assert "all at once" in streamed["detail"]


def test_missing_usage_is_noticed(upstream: FakeUpstream) -> None:
    upstream.play(stream(text("ready"), finish(), DONE))
    (streamed,) = probe(upstream.base_url, "stream")
    assert (streamed["ok"], streamed.get("usage", False)) == (True, False)


# ---- other spellings of the address


@pytest.mark.parametrize(("prefix", "given"), [("/v1", "/v2"), ("/api/v1", "/api"), ("/openai", "/openai/v1")])
def test_another_spelling_is_found(gateway: Gateway, prefix: str, given: str) -> None:
    gateway.prefix = prefix
    gateway.think(works)
    found = probe(gateway.url + given)
    assert [each["ok"] for each in found] == [True, True, True]
    assert urls.root(found[0]["base_url"]) == gateway.url + prefix
    assert "base_url" not in found[1], "found out once"


def test_a_wrong_address_is_told_with_its_url(gateway: Gateway) -> None:
    gateway.prefix = "/elsewhere/v3"
    models, streamed = probe(gateway.base_url)
    assert (models["ok"], models["fault"]) == (False, "url")
    assert (streamed["ok"], streamed["fault"]) == (False, "url")
    assert f"{gateway.base_url}/chat/completions answers 404" in streamed["detail"]
    assert "<html" not in streamed["detail"]


def test_a_web_page_is_no_list_of_models(gateway: Gateway) -> None:
    gateway.list_answer = whole(b"<!doctype html><title>A login page</title>", headers={"content-type": "text/html"})
    (models,) = probe(gateway.base_url, "models")
    assert (models["ok"], models["fault"]) == (False, "url")


def test_chat_may_work_without_a_list_of_models(gateway: Gateway) -> None:
    gateway.list_answer = error(500, "Internal Server Error")
    gateway.think(works)
    found = probe(gateway.base_url)
    assert [each["ok"] for each in found] == [False, True, True]
    assert found[0]["fault"] == "list"


# ---- what fails


def failing(answer: Scripted) -> Callable[[Request], Scripted]:
    return lambda request: answer


@pytest.mark.parametrize(
    ("answer", "fault", "words"),
    [
        (error(401, "Incorrect API key provided", code="invalid_api_key"), "key", "refused the key from env:UP_KEY"),
        (error(403, "Forbidden"), "key", "refused the key from env:UP_KEY"),
        (error(404, "The model `fake-model` does not exist", code="model_not_found"), "model", "fake-model"),
        (error(429, "You exceeded your current quota", code="insufficient_quota"), "quota", "quota"),
        (error(429, "Rate limit reached"), "busy", "Rate limit"),
        (error(500, "The engine is on fire"), "answer", "on fire"),
        (stream(text("re"), BREAK), "connection", "broke off"),
        (stream(b'data: {"error": {"message": "gone wrong"}}\n\n'), "answer", "gone wrong"),
        (whole(b"<html>hello</html>", headers={"content-type": "text/html"}), "url", "web page"),
        (whole(b"", 307, {"location": "http://127.0.0.1:9/"}), "url", "redirects"),
    ],
)
def test_failures_of_chat(upstream: FakeUpstream, answer: Scripted, fault: str, words: str) -> None:
    upstream.think(failing(answer))
    (streamed,) = probe(upstream.base_url, "stream", "tool")
    assert (streamed["ok"], streamed["fault"]) == (False, fault), streamed
    assert words in streamed["detail"]


def test_a_missing_key_is_no_refused_one(upstream: FakeUpstream) -> None:
    upstream.think(failing(error(401, "Missing bearer")))
    (streamed,) = probe(upstream.base_url, "stream", key="", key_from="")
    assert streamed["fault"] == "key"
    assert "there is none" in streamed["detail"]


def test_nothing_listens(upstream: FakeUpstream) -> None:
    upstream.go_away()
    (models,) = probe(upstream.base_url)
    assert (models["ok"], models["fault"]) == (False, "connection")
    assert upstream.url in models["detail"]
    assert "connection refused" in models["detail"]


def test_an_upstream_that_is_silent_is_given_up(upstream: FakeUpstream) -> None:
    never = threading.Event()
    upstream.think(failing(stream(Hold(never), text("late"))))
    (streamed,) = probe(upstream.base_url, "stream", timeout=0.5)
    assert streamed["fault"] == "slow"
    assert upstream.requests[0].hung_up.wait(8)


CTRL_C_FROM_ELSEWHERE = """
import pathlib, signal, sys, threading, time
from c2o.proxy import probe
def press():
    while not pathlib.Path("go").exists():
        time.sleep(0.02)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
    time.sleep(60)
threading.Thread(target=press, daemon=True).start()
sys.exit(probe.main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_ends_it_though_the_loop_does_not_notice(upstream: FakeUpstream, tmp_path: Path) -> None:
    """As one that comes just before the loop begins to wait: the wait isn't interrupted by it."""
    upstream.think(lambda _: stream(Hold(threading.Event())))
    job = {"name": "up", "base_url": upstream.base_url, "model": "m", "checks": ["stream"], "timeout": 120}
    with subprocess.Popen(
        [sys.executable, "-c", CTRL_C_FROM_ELSEWHERE], stdin=subprocess.PIPE, cwd=tmp_path, env=environment(tmp_path)
    ) as process:
        assert process.stdin
        process.stdin.write(json.dumps(job).encode())
        process.stdin.close()
        try:
            upstream.wait_for(1, 30)
            (tmp_path / "go").touch()
            assert process.wait(30) == 130
        finally:
            process.kill()


def test_a_model_that_answers_in_words_calls_no_tool(upstream: FakeUpstream) -> None:
    upstream.think(failing(Reply(text="I can't see the weather.")))
    streamed, tool = probe(upstream.base_url, "stream", "tool")
    assert streamed["ok"] is True
    assert (tool["ok"], tool["fault"]) == (False, "no_call")
    assert "I can't see the weather." in tool["detail"]


def test_a_result_that_is_refused_fails_the_tool_check(upstream: FakeUpstream) -> None:
    """Chat templates that know calls but no results do this."""

    def think(request: Request) -> Scripted:
        return error(500, "Unexpected role: tool") if request.tool_results else works(request)

    upstream.think(think)
    (tool,) = probe(upstream.base_url, "tool")
    assert (tool["ok"], tool["fault"]) == (False, "answer")
    assert "Unexpected role: tool" in tool["detail"]


def test_an_upstream_that_repeats_the_key_is_not_repeated(upstream: FakeUpstream) -> None:
    upstream.think(failing(error(400, f"what is {KEY} supposed to be?")))
    (streamed,) = probe(upstream.base_url, "stream")  # probe() itself looks for the key
    assert "***" in streamed["detail"]


def test_a_key_that_cannot_be_one_is_told(upstream: FakeUpstream) -> None:
    (models,) = probe(upstream.base_url, "models", key="schlüssel")
    assert (models["ok"], models["fault"]) == (False, "key")
    assert "schlüssel" not in models["detail"]


# ---- the rules


def test_the_environment_s_proxy_is_not_asked(upstream: FakeUpstream) -> None:
    upstream.think(works)
    job = {"name": "up", "base_url": upstream.base_url, "model": "m", "checks": ["stream"]}
    done = run(job, HTTP_PROXY="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9")
    assert json.loads(done.stdout)["ok"] is True


def test_a_job_that_is_none_is_a_wrong_use() -> None:
    done = run(json.dumps({"base_url": "http://127.0.0.1:9", "key": KEY, "keys": "x"}))
    assert done.returncode == 2
    assert KEY not in done.stderr
    assert "Traceback" not in done.stderr
