"""JSON as models miswrite it: read where it can mean but one thing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from c2o.translate.loose_json import read

MEANT: dict[str, Any] = {
    '{"a": [1, 2.5, -3e2, true, false, null]}': {"a": [1, 2.5, -300.0, True, False, None]},
    "[1, 2,]": [1, 2],
    '{"a": "x, }", }': {"a": "x, }"},
    "{'a': 'it\\'s \"x\"', 'b': None}": {"a": 'it\'s "x"', "b": None},
    "{'a': 'c:\\\\d\\n'}": {"a": "c:\\d\n"},
    '// first\n{"a": /* { */ 1 # "last"\n}': {"a": 1},
    '{"a": "one\ntwo\x01"}': {"a": "one\ntwo\x01"},
    "True": True,
    '"x"': "x",
}


@pytest.mark.parametrize("said", MEANT)
def test_what_it_can_only_mean(said: str) -> None:
    reading = read(f" {said} rest")

    assert reading is not None
    assert json.loads(reading.json) == MEANT[said]
    assert reading.rest == " rest"
    assert bool(reading.repairs) == (not parses(said))


@pytest.mark.parametrize(
    "said",
    [
        *[
            "",
            "  ",
            "{",
            '{"a": [1}',
            "ls -la",
            "{a: 1}",
            "undefined",
            "NaN",
            "'x",
            '"x',
            '{"a": 1',
            "{'a': 'echo 'x''}",
        ],
        *[
            "{'a': 1 /* */}",
            '{"a": "x"//y"\n}',
            "[,]",
            "[1,,]",
            "[1 2]",
            '{"a" 1}',
            "{'a': '\\x41'}",
        ],
    ],
)
def test_what_is_not_whole_or_may_mean_something_else(said: str) -> None:
    reading = read(said)

    assert reading is None or not parses(reading.json)


def parses(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
