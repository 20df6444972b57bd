"""What failures cost: the upstream isn't asked more often than it must be, and the person waits for nothing."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest

from tests.clients.claude import Claude
from tests.clients.service import Service, configuration
from tests.fake_upstream import (
    Answer,
    Call,
    Delay,
    FakeUpstream,
    Reply,
    Request,
    Scripted,
    error,
    running_upstream,
    whole,
)

QUOTA = error(429, "You exceeded your current quota, please check your plan.", code="insufficient_quota")

FOR_GOOD: dict[str, Answer] = {
    "a refused key": error(401, "Incorrect API key provided", code="invalid_api_key"),
    "a forbidden key": error(403, "This key may not use this model"),
    "no credit": error(402, "Insufficient Balance"),
    "no quota": QUOTA,
    "a limit for five minutes": error(429, "slow down", headers={"retry-after": "300"}),
    "an unknown model": error(404, "The model does not exist", code="model_not_found"),
    "a wrong path": error(404, "Not Found"),
    "a wrong method": error(405, "Method Not Allowed"),
    "a bad request": error(400, "messages: this is odd"),
    "a prompt that is too long": error(400, "maximum context length is 8192 tokens, you requested 9001 tokens"),
    "a redirect": Answer((), 307, {"location": "https://elsewhere.example/"}),
    "a login page": whole(b"<!doctype html><title>Hotel WiFi</title>", headers={"content-type": "text/html"}),
    "a body that is too large": error(413, "Payload Too Large"),
}


@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "whole"])
def test_a_failure_for_good_is_one_request(c2o_service: Service, upstream: FakeUpstream, streamed: bool) -> None:
    """The official SDK repeats what fails twice, unless it is told not to."""
    upstream.think(lambda request: FOR_GOOD[request.prompt])
    with anthropic.Anthropic(base_url=c2o_service.url, api_key=c2o_service.token) as client:
        assert client.max_retries == 2
        for what in FOR_GOOD:
            messages: Any = [{"role": "user", "content": what}]
            with pytest.raises(anthropic.APIStatusError):
                client.messages.create(model=f"fake/{what}", max_tokens=9, messages=messages, stream=streamed)

    assert [request.prompt for request in upstream.requests] == list(FOR_GOOD), "amplification 1.00"


@pytest.fixture
def spare() -> Iterator[FakeUpstream]:
    with running_upstream() as upstream:
        yield upstream


def with_fallback(upstream: FakeUpstream, spare: FakeUpstream) -> dict[str, Any]:
    tables = configuration(upstream.base_url)
    tables["upstreams"]["spare"] = {"base_url": spare.base_url}
    tables["models"] = {"default": ["fake/fake-model", "spare/other-model"]}
    return tables


@pytest.mark.slow
def test_pings_before_a_fallback_are_nothing_to_the_sdk(
    start_c2o: Callable[..., Service], upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    """The first upstream thinks for longer than c2o is silent, and then can't."""
    upstream.play(error(503, "overloaded").after(Delay(11)))
    spare.play(Reply("Hi"))
    service = start_c2o(with_fallback(upstream, spare))
    hello: Any = [{"role": "user", "content": "Hello"}]
    with (
        anthropic.Anthropic(base_url=service.url, api_key=service.token) as client,
        client.messages.stream(model="claude-sonnet-5", max_tokens=9, messages=hello) as stream,
    ):
        kinds = [event.type for event in stream]

    assert stream.get_final_text() == "Hi"
    assert kinds[-1] == "message_stop"
    assert len(upstream.requests) == len(spare.requests) == 1


# ---- the real Claude Code


def titled(think: Callable[[Request], Scripted]) -> Callable[[Request], Scripted]:
    """With an answer for the requests that aren't the conversation's."""
    return lambda request: think(request) if request.tool_names else Reply(text='{"title": "A test"}')


def conversation(upstream: FakeUpstream) -> list[Request]:
    return [request for request in upstream.requests if request.tool_names]


def journal(service: Service) -> list[dict[str, Any]]:
    """Each request's line in the log."""
    text = (service.home / "log" / "c2o.log").read_text() if (service.home / "log").exists() else service.log
    lines = (json.loads(line) for line in text.splitlines() if line.startswith("{"))
    return [line["request"] for line in lines if line.get("request")]


SENTENCES = {
    "a refused key": "refused the key from env:FAKE_KEY",
    "no quota": "You exceeded your current quota",
    "a redirect": "redirects elsewhere",
}


@pytest.mark.parametrize("what", SENTENCES)
def test_claude_code_is_told_after_one_request(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream, what: str
) -> None:
    """By itself it would ask eleven times, for three minutes."""
    arrived: list[float] = []

    def think(_: Request) -> Scripted:
        arrived.append(time.monotonic())
        return FOR_GOOD[what]

    upstream.think(titled(think))
    done = claude.through_c2o("-p", "Hi")
    waited = time.monotonic() - arrived[0]

    assert len(conversation(upstream)) == 1
    assert SENTENCES[what] in done.stdout + done.stderr
    assert done.returncode != 0
    assert waited < 15, "this and the end of a Node process; on a quiet machine it is less than 2 s"
    assert all(line.get("seconds", 0.0) < 2 for line in journal(c2o_service))


def test_claude_code_and_a_limit_that_passes(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    """Two seconds are waited for once, here: the client hears of no failure."""
    said: list[Scripted] = [error(429, "slow down", headers={"retry-after": "2"}), Reply("Greetings.")]
    upstream.think(titled(lambda _: said.pop(0)))

    start = time.monotonic()
    done = claude.through_c2o("-p", "Hi")

    assert (done.stdout.strip(), done.returncode) == ("Greetings.", 0), done
    assert len(conversation(upstream)) == 2
    assert time.monotonic() - start >= 2
    assert not [line for line in journal(c2o_service) if line.get("error")]


def test_claude_code_does_not_notice_a_dead_upstream(
    claude: Claude, start_c2o: Callable[..., Service], upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    """A session with a tool call, whose first upstream isn't there."""

    def work(request: Request) -> Scripted:
        if request.tool_results:
            return Reply(text=f"It is {request.tool_results[-1].strip()}.")
        return Reply(calls=(Call("Bash", {"command": "echo $((6 * 7))", "description": "Compute"}),))

    spare.think(titled(work))
    upstream.go_away()
    start_c2o(with_fallback(upstream, spare))

    done: subprocess.CompletedProcess[str] = claude.through_c2o("-p", "Compute", "--allowedTools", "Bash")

    assert (done.stdout.strip(), done.returncode) == ("It is 42.", 0), done
    assert not upstream.requests
    assert len(conversation(spare)) == 2


@pytest.mark.slow
def test_claude_code_keeps_its_conversation_when_the_fallback_is_too_small_for_it(
    claude: Claude, start_c2o: Callable[..., Service], upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    """The stand-in refuses the prompt as too long, each time: to hear that would end the turn, or the conversation."""
    said: list[Scripted] = [error(503, "overloaded"), error(503, "overloaded"), Reply("Greetings.")]
    upstream.think(titled(lambda _: said.pop(0)))
    spare.think(titled(lambda _: error(400, "maximum context length is 1000 tokens, you requested 20000 tokens")))
    service = start_c2o(with_fallback(upstream, spare))

    done = claude.through_c2o("-p", "Hi")

    assert (done.stdout.strip(), done.returncode) == ("Greetings.", 0), done
    assert not any("too long" in line.get("error", "") for line in journal(service))


def without_key(upstream: FakeUpstream, spare: FakeUpstream) -> dict[str, Any]:
    """The default's upstream lacks its key; titles and summaries are another's."""
    tables = with_fallback(upstream, spare)
    tables["upstreams"]["fake"]["api_key"] = "env:NO_SUCH_KEY"
    return tables | {"models": {"default": "fake/fake-model", "haiku": "spare/other-model"}}


@pytest.mark.slow
def test_claude_code_is_told_of_a_missing_key_at_once(
    claude: Claude, start_c2o: Callable[..., Service], upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    """Nobody is asked, and what to do is on the screen; no login is asked for, and nothing is tried again."""
    spare.think(lambda _: Reply(text='{"title": "A test"}'))
    service = start_c2o(without_key(upstream, spare))

    begun = time.monotonic()
    done = claude.through_c2o("-p", "Hi")
    waited = time.monotonic() - begun

    said = done.stdout + done.stderr
    assert "upstream fake is without its key: NO_SUCH_KEY is not set: export NO_SUCH_KEY=…" in done.stdout
    assert done.stderr.startswith("! upstream fake is without its key: "), "before it began, too"
    assert done.returncode != 0
    assert not upstream.requests
    refused = [line for line in journal(service) if line.get("status") == 401]
    assert len(refused) == 1, said
    assert refused[0].get("seconds", 0.0) < 2
    assert waited < 60, "two starts of Node and Python on a busy machine; on a quiet one it is 3 s"


@pytest.mark.slow
def test_claude_code_does_not_notice_a_missing_key_behind_which_is_a_fallback(
    claude: Claude, start_c2o: Callable[..., Service], upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    spare.think(titled(lambda _: Reply("Greetings.")))
    service = start_c2o(
        without_key(upstream, spare) | {"models": {"default": ["fake/fake-model", "spare/other-model"]}}
    )

    done = claude.through_c2o("-p", "Hi")

    assert (done.stdout.strip(), done.returncode) == ("Greetings.", 0), done
    assert "without its key" not in done.stderr
    assert not upstream.requests
    (line,) = (each for each in journal(service) if each["target"] == "spare/other-model" and each["stream"])
    assert line["attempts"][0]["why"].startswith("upstream fake is without its key: ")
