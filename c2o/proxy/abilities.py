"""What a model at an upstream can do, found out by asking it: a short request for each ability.

Each question goes out as the service's own translation writes it, with the few fields that the question is about.
Answers become facts (``c2o.facts``), which the translation and the windows use from then on.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from c2o import urls
from c2o.proxy import model_details, model_list
from c2o.proxy.upstream import ERROR_LIMIT, read_capped
from c2o.translate.media_remedies import refuses_images
from c2o.translate.upstream_errors import Told, read
from c2o.wire.chat import Chunk, MessageDelta, decode_chunk
from c2o.wire.probe import Found, ListedModel

if TYPE_CHECKING:
    from c2o.proxy.probe import Asker

Json = dict[str, Any]

ROOM = 1024
"""Tokens that an answer may have, with the reasoning before it."""

SHORT = 24
"""Tokens of an answer that would be longer."""


class Said(NamedTuple):
    """An upstream's answer to a question: a completion, or a refusal."""

    chunk: Chunk | None
    told: Told | None

    @property
    def message(self) -> MessageDelta:
        choice = next(iter(self.chunk.choices or []), None) if self.chunk else None
        return (choice.message if choice else None) or MessageDelta()

    @property
    def calls(self) -> list[str]:
        return [call.function.name or "" for call in self.message.tool_calls or [] if call.function]

    @property
    def text(self) -> str:
        return self.message.content if isinstance(self.message.content, str) else ""

    @property
    def refusal(self) -> str:
        return f"it refuses: {self.told.message[:120]}" if self.told else ""


async def _ask(asker: Asker, content: Any, **fields: Any) -> Said:
    """Raises Failed where there is no answer at all, or one that has nothing to do with the question."""
    request = asker.plain_request({"max_tokens": ROOM, "messages": [{"role": "user", "content": "?"}]})
    body = {**msgspec.json.decode(request.body), **fields}
    body["messages"] = [{"role": "user", "content": content}]
    async with asker.send(request._replace(body=json.dumps(body).encode())) as answer:
        data = await read_capped(answer, ERROR_LIMIT)
    if answer.status == 200:
        try:
            return Said(decode_chunk(data), None)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Said(None, read(502, data, asker.redacted))
    told = read(answer.status, data, asker.redacted)
    if answer.status in (401, 402, 403, 408, 429, 529) or answer.status >= 502:
        raise asker.refused_for_now(told)
    return Said(None, told)


def _found(check: Any, ok: bool, detail: str, *facts: str) -> Found:
    return Found(check=check, ok=ok, ms=0, detail=detail, facts=list(facts))


# Windows -------------------------------------------------------------------------------------------


async def window(asker: Asker) -> Found:
    """What the server tells of the model, in its list and beside it; costs nothing.  Raises Failed."""
    details = model_details.together([*await _details(asker), *await _in_list(asker), ListedModel(asker.job.model)])
    facts = [f"context_window:{details.context_window}"] if details.context_window else []
    facts += [f"max_output_tokens:{details.max_output_tokens}"] if details.max_output_tokens else []
    facts += ["without:image"] if details.vision is False else []
    facts += ["cannot:tools"] if details.tools is False else []
    said = [f"a window of {details.context_window} tokens"] if details.context_window else []
    said += [f"answers of {details.max_output_tokens} tokens"] if details.max_output_tokens else []
    said += [f"{'tools' if details.tools else 'no tools'}"] if details.tools is not None else []
    said += [f"{'images' if details.vision else 'no images'}"] if details.vision is not None else []
    return _found("window", bool(said), ", ".join(said) or "it doesn't tell", *facts)


async def _details(asker: Asker) -> list[ListedModel]:
    model = asker.job.model
    answers = [(source, await _answer(asker, source, model)) for source in _sources(asker)]
    return [model_details.told(source, body, model) for source, body in answers if body]


def _sources(asker: Asker) -> tuple[model_details.Source, ...]:
    everywhere = model_details.EVERYWHERE if urls.is_loopback(asker.base_url) else ()
    return model_details.SOURCES.get(asker.dialect_name, everywhere)


async def _answer(asker: Asker, source: model_details.Source, model: str) -> bytes:
    """Empty where the server doesn't know the question."""
    async with asker.send(source.request(model)) as answer:
        body = await read_capped(answer, ERROR_LIMIT * 16)
    return body if answer.status == 200 else b""


async def _in_list(asker: Asker) -> list[ListedModel]:
    async with asker.send(asker.LIST) as answer:
        body = await read_capped(answer, ERROR_LIMIT * 256)
    try:
        return [each for each in model_list.parse(body) if answer.status == 200 and each.id == asker.job.model]
    except ValueError:
        return []


MOST_DETAILS = 100
"""Models that a server is asked about one by one."""


async def catalogue(asker: Asker) -> Found:
    """The list of models, with what the server tells beside it of each; costs nothing.  Raises Failed."""
    found = await asker.models()
    told = await _told_of_all(asker, [each.id for each in found.models])
    models = [model_details.together([*told[each.id], each]) for each in found.models]
    return msgspec.structs.replace(found, check="catalogue", models=models)


async def _told_of_all(asker: Asker, models: list[str]) -> dict[str, list[ListedModel]]:
    told: dict[str, list[ListedModel]] = {model: [] for model in models}
    for source in _sources(asker):
        body = b""
        for model in models[:MOST_DETAILS] if source.asks_by_name else models:
            if source.asks_by_name or not body:
                body = await _answer(asker, source, model)
            if not body:  # it doesn't know the question
                break
            told[model].append(model_details.told(source, body, model))
    return told


# Limits --------------------------------------------------------------------------------------------


async def limit(asker: Asker) -> Found:
    """Does it stop at the limit?  Ollama and DeepSeek ignore ``max_completion_tokens``, others ``max_tokens``."""
    names = ("max_tokens", "max_completion_tokens")
    usual = next((name for name in names if name in asker.plain_fields()), "max_tokens")
    said = await _ask(asker, COUNT, **{usual: SHORT})
    if said.told:
        return _found("limit", False, said.refusal)
    if _kept(said):
        return _found("limit", True, f"it stops at {usual}")
    other = next(name for name in names if name != usual)
    again = await _ask(asker, COUNT, **{usual: 4 * ROOM, other: SHORT})
    if _kept(again):
        return _found("limit", True, f"it ignores {usual} and stops at {other}", f"max_tokens_field:{other}")
    return _found("limit", False, "it doesn't stop at a limit; long answers may cost more than was asked for")


COUNT = "Count from 1 to 200 in digits, separated by spaces. Write nothing else."


def _kept(said: Said) -> bool:
    """Was the answer cut before its end?"""
    choice = next(iter(said.chunk.choices or []), None) if said.chunk else None
    return bool(choice and choice.finish_reason in ("length", "max_tokens")) or (
        bool(said.chunk and said.chunk.choices) and not re.search(r"\b200\b", said.text)
    )


# Tools ---------------------------------------------------------------------------------------------


def _tool(name: str, about: str) -> Json:
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"type": "function", "function": {"name": name, "description": about, "parameters": city}}


WEATHER = _tool("get_weather", "Tells the weather in a city.")
TIME = _tool("get_time", "Tells the time in a city.")


async def parallel(asker: Asker) -> Found:
    """Does it make several calls at once?  Raises Failed."""
    question = "What is the weather in Paris, and in Rome? Call get_weather for both cities at once."
    said = await _ask(asker, question, tools=[WEATHER])
    if said.told:
        return _found("parallel", False, said.refusal)
    if len(said.calls) > 1:
        return _found("parallel", True, f"{len(said.calls)} calls in one answer", "can:parallel_tools")
    return _found("parallel", False, "it calls one tool after the other", "cannot:parallel_tools")


async def required(asker: Asker) -> Found:
    """Can it be made to call some tool?  Raises Failed."""
    said = await _ask(asker, "Say hello.", tools=[WEATHER], tool_choice="required")
    return _forced("required", said, said.calls[:1] == ["get_weather"])


async def named(asker: Asker) -> Found:
    """Can it be made to call one tool of several?  Raises Failed."""
    choice = {"type": "function", "function": {"name": "get_time"}}
    said = await _ask(asker, "What is the weather in Paris?", tools=[WEATHER, TIME], tool_choice=choice)
    return _forced("named", said, said.calls[:1] == ["get_time"])


def _forced(check: str, said: Said, obeyed: bool) -> Found:
    if said.told:
        facts = ("drop:tool_choice",) if check == "required" and "tool_choice" in said.told.words else ()
        return _found(check, False, said.refusal, *facts, f"cannot:{check}_tools")
    if obeyed:
        return _found(check, True, "it calls the tool that it is told to", f"can:{check}_tools")
    return _found(check, False, "it takes the wish, and doesn't follow it", f"cannot:{check}_tools")


# Images --------------------------------------------------------------------------------------------

RED = (
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAJ0lEQVR42u3NsQkAAAjAsP7/tF7hIASyp6lTCQQCgUAgEAgEgi/B"
    "AjLD/C5w/SM9AAAAAElFTkSuQmCC"
)
"""A red square as PNG."""


async def vision(asker: Asker) -> Found:
    """Does it see?  Raises Failed."""
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{RED}"}}
    question = {"type": "text", "text": "Which colour is this image? Answer with one word."}
    said = await _ask(asker, [question, image])
    if said.told and (refuses_images(said.told) or said.told.status in (400, 415, 422)):
        return _found("vision", False, said.refusal, "without:image")
    if said.told:
        return _found("vision", False, said.refusal)
    if "red" in said.text.lower():
        return _found("vision", True, "it sees", "can:vision")
    if said.text.strip():
        return _found("vision", False, f"it doesn't see a red square: {said.text.strip()[:60]!r}", "without:image")
    return _found("vision", False, "it said nothing")


ABILITIES = {
    "catalogue": catalogue,
    "window": window,
    "limit": limit,
    "parallel": parallel,
    "required": required,
    "named": named,
    "vision": vision,
}
"""The questions, in their order."""
