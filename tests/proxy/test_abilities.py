"""What a model can do, asked of it: the questions, what each answer means, and the fact that is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from c2o.proxy.model_details import LM_STUDIO, LOADED, PROPS, SHOW, Source, together, told
from c2o.proxy.probe import find_out
from c2o.wire.probe import Check, Found, Job, ListedModel
from tests.fake_upstream import Answer, Call, FakeUpstream, Reply, Request, Scripted, error, whole

Json = dict[str, Any]
Thinker = Callable[[Request], Scripted]

# ---- what servers tell

TOLD: dict[str, tuple[Source, Any, ListedModel]] = {
    "Ollama, a model": (
        SHOW,
        {
            "capabilities": ["completion", "tools", "thinking"],
            "parameters": 'stop "<|im_end|>"\nnum_ctx                        16384\ntemperature 0.7',
            "model_info": {"llama.context_length": 131072},
        },
        ListedModel("m", 16384, tools=True, vision=False, thinking=True),
    ),
    "Ollama, without num_ctx": (
        SHOW,
        {"capabilities": ["completion", "vision"], "model_info": {"llama.context_length": 131072}},
        ListedModel("m", None, tools=False, vision=True, thinking=False),
    ),
    "Ollama, of old": (SHOW, {"parameters": None}, ListedModel("m")),
    "Ollama, loaded": (
        LOADED, {"models": [{"name": "m:latest", "context_length": 4096}]}, ListedModel("m:latest", 4096),
    ),
    "Ollama, another is loaded": (LOADED, {"models": [{"name": "x", "context_length": 4096}]}, ListedModel("m")),
    "llama.cpp": (
        PROPS,
        {"default_generation_settings": {"n_ctx": 8192}, "modalities": {"vision": True, "audio": False}},
        ListedModel("m", 8192, vision=True),
    ),
    "llama.cpp, of old": (PROPS, {"default_generation_settings": {"n_ctx": 8192}}, ListedModel("m", 8192)),
    "LM Studio": (
        LM_STUDIO,
        {
            "data": [
                {"id": "other", "max_context_length": 1},
                {
                    "id": "m",
                    "type": "llm",
                    "state": "loaded",
                    "max_context_length": 131072,
                    "loaded_context_length": 4096,
                    "capabilities": ["tool_use"],
                },
            ]
        },
        ListedModel("m", 4096, tools=True),
    ),
    "another kind of server": (PROPS, ["x"], ListedModel("m")),
}  # fmt: skip


@pytest.mark.parametrize("who", TOLD)
def test_what_a_server_tells(who: str) -> None:
    source, body, model = TOLD[who]
    assert told(source, json.dumps(body).encode(), "m") == model


def test_what_is_no_json_tells_nothing() -> None:
    assert told(PROPS, b"<html>", "m") == ListedModel("m")


def test_the_first_word_counts() -> None:
    answers = [ListedModel("m", 4096), ListedModel("m", 9, 8, tools=True), ListedModel("m", vision=False)]
    assert together(answers) == ListedModel("m", 4096, 8, tools=True, vision=False)


# ---- what models do


class Local(FakeUpstream):
    """A server on this machine that tells more than OpenAI's API."""

    props: Json | None = None

    def _take(self, request: Request) -> Answer:
        if request.path.endswith("/props") and self.props is not None:
            return whole(self.props)
        if request.path.endswith(("/props", "/api/show", "/api/v0/models")):
            return whole({"error": "no such path"}, 404)
        return super()._take(request)


@pytest.fixture
def local() -> Iterator[Local]:
    server = Local()
    server.start()
    yield server
    server.close()


async def probe(local: Local, check: Check, **more: Any) -> Found:
    """What the probe finds."""
    job = Job(checks=[check], name="up", base_url=f"{local.url}/v1", model="fake-model", **more)
    (found,) = [each async for each in find_out(job)]
    return found


class Case(NamedTuple):
    check: Check
    answer: Scripted | Thinker
    ok: bool
    facts: list[str]


def cut_at(field: str) -> Thinker:
    """A model that counts to 200, and stops at this limit only."""
    return lambda request: (
        Reply(text="1 2 3", finish="length")
        if request.json.get(field) == 24
        else Reply(text=" ".join(map(str, range(1, 201))))
    )


def sees(colour: str) -> Thinker:
    def look(request: Request) -> Scripted:
        image = request.messages[0]["content"][1]["image_url"]["url"]
        assert image.startswith("data:image/png;base64,iVBOR")
        return Reply(text=colour)

    return look


WEATHER, TIME = Call("get_weather", {"city": "Paris"}), Call("get_time", {"city": "Paris"})
NO_CHOICE = error(400, "tool_choice is not supported by this model")

CASES: dict[str, Case] = {
    "stops": Case("limit", cut_at("max_tokens"), True, []),
    "ignores the older limit": Case(
        "limit", cut_at("max_completion_tokens"), True, ["max_tokens_field:max_completion_tokens"]
    ),
    "ignores both": Case("limit", cut_at("nothing"), False, []),
    "two calls": Case("parallel", Reply(calls=(WEATHER, WEATHER)), True, ["can:parallel_tools"]),
    "one call": Case("parallel", Reply(calls=(WEATHER,)), False, ["cannot:parallel_tools"]),
    "obeys": Case("required", Reply(calls=(WEATHER,)), True, ["can:required_tools"]),
    "talks": Case("required", Reply(text="Hello!"), False, ["cannot:required_tools"]),
    "refuses": Case("required", NO_CHOICE, False, ["drop:tool_choice", "cannot:required_tools"]),
    "calls the one it is told": Case("named", Reply(calls=(TIME,)), True, ["can:named_tools"]),
    "calls another": Case("named", Reply(calls=(WEATHER,)), False, ["cannot:named_tools"]),
    "refuses the name": Case("named", NO_CHOICE, False, ["cannot:named_tools"]),
    "sees": Case("vision", sees("It is Red."), True, ["can:vision"]),
    "is blind": Case("vision", sees("Blue"), False, ["without:image"]),
    "refuses images": Case("vision", error(500, "image input is not supported"), False, ["without:image"]),
    "fails": Case("vision", error(500, "CUDA out of memory"), False, []),
    "says nothing": Case("vision", Reply(text="", reasoning="Hm"), False, []),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
async def test_ability(local: Local, what: str) -> None:
    case = CASES[what]
    local.think(case.answer if callable(case.answer) else lambda _: case.answer)

    found = await probe(local, case.check)

    assert (found.ok, found.facts) == (case.ok, case.facts), found
    assert found.fault is None
    assert found.detail


@pytest.mark.parametrize(("status", "fault"), [(401, "key"), (402, "quota"), (429, "busy"), (503, "busy")])
async def test_a_refusal_that_has_other_reasons_says_nothing_of_the_model(
    local: Local, status: int, fault: str
) -> None:
    local.think(lambda _: error(status, "not now"))

    found = await probe(local, "vision")

    assert (found.ok, found.fault, found.facts) == (False, fault, [])


async def test_what_a_server_tells_is_learned(local: Local) -> None:
    local.props = {"default_generation_settings": {"n_ctx": 8192}, "modalities": {"vision": False}}

    found = await probe(local, "window", dialect="llamacpp")

    assert found.facts == ["context_window:8192", "without:image"]
    assert found.detail == "a window of 8192 tokens, no images"


async def test_a_server_of_unknown_kind_is_asked_in_all_ways(local: Local) -> None:
    local.loaded = [{"name": "fake-model", "context_length": 4096}]

    found = await probe(local, "window")

    assert found.facts == ["context_window:4096"]


async def test_the_field_of_reasoning_and_what_was_corrected_are_learned(local: Local) -> None:
    local.play(
        error(400, "Unsupported parameter: 'stream_options' is not supported"), Reply(text="ready", reasoning="Hm")
    )

    found = await probe(local, "stream")

    assert found.facts == ["drop:stream_options", "reasoning_field:reasoning_content"]
