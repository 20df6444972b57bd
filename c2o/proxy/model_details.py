"""What servers tell of a model beside OpenAI's list: how large its window is now, and what it can do.

- Ollama: ``/api/show`` (https://docs.ollama.com/api/show) and ``/api/ps``.  ``context_length`` of its own card is what
  a model was trained for; what the server gives it is ``num_ctx``, or what ``/api/ps`` says once it is loaded.
- llama.cpp: ``/props`` (https://github.com/ggml-org/llama.cpp/tree/master/tools/server)
- LM Studio: ``/api/v0/models`` (https://lmstudio.ai/docs/developer/rest/endpoints)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from msgspec import structs

from c2o.proxy import model_list
from c2o.translate.types import UpstreamRequest
from c2o.wire.probe import ListedModel


class Source(NamedTuple):
    """A question to a server, and what its answer says of the model that it is asked about."""

    path: str
    read: Callable[[Any, bytes, str], ListedModel]
    asks_by_name: bool = False

    def request(self, model: str) -> UpstreamRequest:
        if self.asks_by_name:
            return UpstreamRequest(self.path, json.dumps({"model": model}).encode(), at_server=True)
        return UpstreamRequest(self.path, b"", "GET", at_server=True)


def told(source: Source, body: bytes, model: str) -> ListedModel:
    """What is told of ``model``; nothing where the answer is of another kind."""
    try:
        return source.read(msgspec.json.decode(body), body, model)
    except (msgspec.DecodeError, ValueError, AttributeError, TypeError, RecursionError):
        return ListedModel(model)


def _show(answer: Any, _: bytes, model: str) -> ListedModel:
    can = answer.get("capabilities")
    num_ctx = re.search(r"^num_ctx\s+(\d{2,9})\s*$", answer.get("parameters") or "", re.MULTILINE)
    known = isinstance(can, list)
    return ListedModel(
        model,
        context_window=int(num_ctx[1]) if num_ctx else None,
        tools="tools" in can if known else None,
        vision="vision" in can if known else None,
        thinking="thinking" in can if known else None,
    )


def _props(answer: Any, _: bytes, model: str) -> ListedModel:
    window = answer.get("default_generation_settings", {}).get("n_ctx")
    vision = answer.get("modalities", {}).get("vision")
    return ListedModel(
        model,
        context_window=window if type(window) is int and window > 0 else None,
        vision=vision if isinstance(vision, bool) else None,
    )


def _listed(_: Any, body: bytes, model: str) -> ListedModel:
    names = (model, f"{model}:latest")
    return next((each for each in model_list.parse(body) if each.id in names), ListedModel(model))


SHOW = Source("/api/show", _show, asks_by_name=True)
LOADED = Source("/api/ps", _listed)
PROPS = Source("/props", _props)
LM_STUDIO = Source("/api/v0/models", _listed)

SOURCES: dict[str, tuple[Source, ...]] = {
    "ollama": (LOADED, SHOW),
    "llamacpp": (PROPS,),
    "lmstudio": (LM_STUDIO,),
}
"""Whom to ask, by dialect."""

EVERYWHERE = (LM_STUDIO, PROPS, LOADED, SHOW)
"""A server on this machine whose kind isn't known is asked in all ways."""


def together(found: list[ListedModel]) -> ListedModel:
    """Several answers as one: the first word on each thing counts."""
    known = ListedModel(found[0].id)
    for each in found:
        missing = {name: value for name, value in structs.asdict(each).items() if getattr(known, name) is None}
        known = structs.replace(known, **missing)
    return known
