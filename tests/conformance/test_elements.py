"""The table of elements names everything that the code knows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from c2o.proxy.rate_limits import KINDS
from c2o.translate import answers, chat_stream, content, dialects, tool_offer
from c2o.wire import anthropic, chat

PAGE = (Path(__file__).parents[2] / ".github/docs/elements.md").read_text()
WORDS = set(re.findall(r"[a-z_<>-]+", " ".join(re.findall(r"`+([^`]+)`+", PAGE))))


def fields(struct: type) -> list[str]:
    return [field.name for field in msgspec.structs.fields(struct)]


def tags(union: object) -> list[str]:
    return [str(kind.__struct_config__.tag) for kind in get_args(union)]


ELEMENTS: dict[str, Iterable[str]] = {
    "request fields": fields(anthropic.MessagesRequest),
    "output config": fields(anthropic.OutputConfig),
    "tool fields": {"strict", "input_examples", "defer_loading", "allowed_callers"} & set(fields(anthropic.Tool)),
    "blocks": {"text", "image", "tool_use", "tool_result", *content.OPAQUE, *content._TELL, *content._TELL_INSIDE},
    "answers' blocks": tags(anthropic.ContentBlock),
    "deltas": tags(anthropic.Delta),
    "events": tags(anthropic.Event),
    "stop reasons": get_args(anthropic.StopReason),
    "usage": fields(anthropic.Usage),
    "errors": answers.STATUS,
    "failures": chat_stream.FAILURES,
    "server tools": [name.rstrip("_") for name in tool_offer.SERVER_TOOLS],
    "dialect fields": fields(dialects.Dialect),
    "upstream's message": set(fields(chat.MessageDelta)) - {"content"},
    "rate limits": [f"anthropic-ratelimit-{kind}-" for kind in KINDS],
}


@pytest.mark.parametrize("kind", ELEMENTS)
def test_all_are_named(kind: str) -> None:
    missing = [name for name in ELEMENTS[kind] if name not in WORDS and f"{name}_" not in WORDS]
    assert not missing, f"{kind} that .github/docs/elements.md doesn't name: {missing}"
