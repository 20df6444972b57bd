"""What a configuration adds to each request's body."""

from __future__ import annotations

from typing import Any

import pytest

from c2o.translate.extra_body import with_extra

BODY = b'{"model":"m","temperature":0.50,"tools":[{"a":1e3}],"thinking":{"type":"enabled","n":1}}'

CASES: dict[str, tuple[dict[str, Any], bytes]] = {
    "nothing": ({}, BODY),
    "one more": ({"seed": 7}, BODY[:-1] + b',"seed":7}'),
    "another value": ({"temperature": 0}, BODY.replace(b"0.50", b"0")),
    "merged": ({"thinking": {"n": 2, "m": {"x": []}}}, BODY.replace(b'"n":1', b'"n":2,"m":{"x":[]}')),
    "an object in place of a text": ({"model": {"id": "m"}}, BODY.replace(b'"m",', b'{"id":"m"},')),
    "a text in place of an object": ({"thinking": "no"}, BODY.replace(b'{"type":"enabled","n":1}', b'"no"')),
    "a list in place of a list": ({"tools": []}, BODY.replace(b'[{"a":1e3}]', b"[]")),
    "taken out": ({"temperature": None}, BODY.replace(b'"temperature":0.50,', b"")),
    "taken out inside": ({"thinking": {"n": None}}, BODY.replace(b',"n":1', b"")),
    "taken out what isn't there": ({"seed": None, "x": {"y": None}}, BODY[:-1] + b',"x":{}}'),
}


@pytest.mark.parametrize("what", CASES)
def test_extra_fields(what: str) -> None:
    extra, expected = CASES[what]

    assert with_extra(BODY, extra) == expected
