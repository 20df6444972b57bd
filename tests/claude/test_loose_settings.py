"""Settings as people write them, made strict."""

from __future__ import annotations

import json

import pytest

from c2o.claude import loose_settings


@pytest.mark.parametrize(
    ("loose", "strict"),
    [
        ('{\n  // mine\n  "a": 1\n}', '{\n  \n  "a": 1\n}'),
        ('{"a": [1, 2,], "b": {"c": "d",},}', '{"a": [1, 2], "b": {"c": "d"}}'),
        ('{"a": 1, /* last */ }', '{"a": 1  }'),
        (
            '{"url": "http://x//y", "b": "/* no */", "c": ",}"} // end',
            '{"url": "http://x//y", "b": "/* no */", "c": ",}"} ',
        ),
        ('{"a": "\\"//\\\\",}\r\n', '{"a": "\\"//\\\\"}\r\n'),
        ("\ufeff{} // mark", "\ufeff{} "),
    ],
)
def test_comments_and_commas_go_and_nothing_else(loose: str, strict: str) -> None:
    assert loose_settings.strict(loose.encode()) == strict.encode()
    json.loads(strict.removeprefix("\ufeff"))


@pytest.mark.parametrize(
    "text", ["", "{", "{'a': 1}", '{"a": 1,, }', "[1,]", '{"a": /b/}', b"\xff\xfe{\x00}\x00", '{"a": "']
)
def test_what_takes_more_is_left_alone(text: str | bytes) -> None:
    assert loose_settings.strict(text if isinstance(text, bytes) else text.encode()) is None
