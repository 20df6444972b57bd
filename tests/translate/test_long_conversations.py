"""What it costs when there is very much of something: nobody else is served meanwhile."""

from __future__ import annotations

import time
from typing import Any

import pytest

from c2o.translate.context_edits import edited
from tests.translate.talk import Json, decoded, request, translator

MANY = 20_000
WITHIN = 5.0
"""Seconds of work; a step that looks at each pair takes minutes."""

QUESTION: Json = {"role": "user", "content": "x"}


def call(number: int) -> Json:
    return {"type": "tool_use", "id": f"t{number}", "name": "a", "input": {}}


def result(number: int) -> Json:
    return {"type": "tool_result", "tool_use_id": f"t{number}", "content": "x"}


def at_once() -> Json:
    calls, results = [call(n) for n in range(MANY)], [result(n) for n in reversed(range(MANY))]
    return {
        "messages": [QUESTION, {"role": "assistant", "content": calls}, {"role": "user", "content": results}],
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919", "clear_tool_inputs": True}]},
    }


def one_by_one() -> Json:
    pairs = (
        ({"role": "assistant", "content": [call(n)]}, {"role": "user", "content": [result(n)]}) for n in range(MANY)
    )
    return {"messages": [QUESTION, *(message for pair in pairs for message in pair)]}


def messages_of_one_role() -> Json:
    return {"messages": [QUESTION] * MANY}


@pytest.mark.parametrize("much", [at_once, one_by_one, messages_of_one_role])
def test_work_grows_with_the_request_only(much: Any) -> None:
    body = edited(decoded(request(**much()))).request
    began = time.process_time()
    translator(body, repair_history=True).request()
    assert time.process_time() - began < WITHIN
