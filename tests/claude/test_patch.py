"""The change of a settings file, and its way back."""

from __future__ import annotations

import json

import pytest

from c2o.claude import patch
from c2o.claude.patch import applied, carried, recognised, undone

OURS = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8226", "ANTHROPIC_AUTH_TOKEN": "c2o-0123456789", "NEW": "1"}


def on(data: bytes | None, ours: dict[str, str] = OURS, record: patch.Record | None = None):
    return applied(data, lambda env: ours, record)


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"{}",
        b"{\n}\n",
        b'{"env":{}}',
        b'\xef\xbb\xbf{\r\n\t"env": {\r\n\t\t"A": "\\u00e9"\r\n\t},\r\n\t"b": 1.0\r\n}\r\n',
        b'{"env": {"ANTHROPIC_BASE_URL": "https:\\/\\/x.example", "Z": ""}, "a": [ 1,2 ]}',
    ],
)
def test_there_and_back_to_the_byte(data: bytes | None) -> None:
    new, record = on(data)
    assert json.loads(new.decode("utf-8-sig"))["env"].items() >= OURS.items()
    assert new.startswith(b"\xef\xbb\xbf") is (data or b"").startswith(b"\xef\xbb\xbf")
    assert (b"\r\n" in new) is (b"\r\n" in (data or b""))
    assert new.count(b"\n") == new.count(b"\r\n") or b"\r\n" not in new
    assert undone(new, record) == (data, [])
    again, second = on(new, record=record)
    assert (again, second) == (new, record)


def test_the_order_and_the_rest_stay() -> None:
    new, _ = on(b'{"z": 1, "env": {"B": "1", "ANTHROPIC_BASE_URL": "x", "A": "2"}, "a": 2}')
    assert list(json.loads(new)) == ["z", "env", "a"]
    assert list(json.loads(new)["env"]) == ["B", "ANTHROPIC_BASE_URL", "A", "ANTHROPIC_AUTH_TOKEN", "NEW"]


def test_somebody_else_s_change_stays_and_ours_goes() -> None:
    new, record = on(b'{"env": {"ANTHROPIC_BASE_URL": "https:\\/\\/x.example"}}')
    changed = json.loads(new) | {"theme": "dark"}
    changed["env"]["NEW"] = "2"
    after, left = undone(json.dumps(changed).encode(), record)
    assert left == ["NEW"]
    assert after == b'{"env": {"ANTHROPIC_BASE_URL": "https:\\/\\/x.example", "NEW": "2"}, "theme": "dark"}'


def test_an_env_and_a_file_of_ours_go_when_they_are_empty() -> None:
    new, record = on(None)
    assert undone(new + b"\n", record).data is None
    new, record = on(b'{"a": 1}')
    assert undone(new + b"\n", record).data == b'{"a": 1}\n'


def test_an_empty_env_of_theirs_stays() -> None:
    new, record = on(b'{"env": {}}')
    assert undone(new + b"\n", record).data == b'{"env": {}}\n'


def test_a_file_that_somebody_took_away_stays_away() -> None:
    _, record = on(b'{"a": 1}')
    assert undone(None, record) == (None, [])


def test_a_value_of_ours_is_never_an_original() -> None:
    """Without a record: it was lost, or the file has come from another machine."""
    new, _ = on(b'{"env": {"A": "1"}}')
    _, record = on(new, {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9999"})
    assert record.keys["ANTHROPIC_BASE_URL"].before is None
    assert b"c2o-" not in (record.original or b"")


def test_a_change_after_ours_becomes_a_part_of_the_original() -> None:
    new, record = on(b'{"a": 1}')
    changed = new.replace(b'"a": 1', b'"a": 2')
    newer, second = on(changed, {**OURS, "NEW": "2"}, record)
    assert undone(newer, second).data == b'{"a": 2}'


def test_what_is_ours_stays_where_it_is() -> None:
    """Somebody who has added something after it must not make us write again and again."""
    new, record = on(b'{"env": {"A": "1"}}')
    changed = new.replace(b'"NEW": "1"', b'"NEW": "1", "Z": "2"')
    assert on(changed, record=record)[0] == changed


def test_what_is_no_longer_set_becomes_what_it_was() -> None:
    new, record = on(b'{"env": {"NEW": "theirs"}}', {**OURS, "OLD": "1"})
    less = {name: value for name, value in OURS.items() if name != "NEW"}
    newer, second = on(new, less, record)
    assert json.loads(newer)["env"] == {"NEW": "theirs", **less}
    assert undone(newer, second).data == b'{"env": {"NEW": "theirs"}}'


def test_what_is_ours_is_told_by_its_looks() -> None:
    env = {
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:8226",
        "ANTHROPIC_AUTH_TOKEN": "c2o-0123456789",
        "ANTHROPIC_API_KEY": "",
        "CLAUDE_CODE_USE_BEDROCK": "",
        "ANTHROPIC_MODEL": "c2o-claude/nim/x",
        "ANTHROPIC_DEFAULT_OPUS_MODEL": "c2o-claude/nim/x",
        "ANTHROPIC_DEFAULT_OPUS_MODEL_NAME": "x (nim)",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL_NAME": "My own",
        "NO_PROXY": "127.0.0.1,localhost,::1",
        "no_proxy": "intranet,127.0.0.1",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "64000",
        "API_TIMEOUT_MS": "5",
        "C2O_SUGGESTED": "CLAUDE_CODE_MAX_CONTEXT_TOKENS=64000 API_TIMEOUT_MS=3600000",
    }
    rest = json.loads(recognised(json.dumps({"env": env, "a": 1}).encode()) or b"")
    kept = {"ANTHROPIC_DEFAULT_HAIKU_MODEL_NAME": "My own", "no_proxy": "intranet,127.0.0.1", "API_TIMEOUT_MS": "5"}
    assert rest == {"env": kept, "a": 1}


@pytest.mark.parametrize(
    "env",
    [
        {"ANTHROPIC_BASE_URL": "https://llm.example.com", "ANTHROPIC_AUTH_TOKEN": "c2o-0123456789"},
        {"ANTHROPIC_BASE_URL": "http://127.0.0.1:3456", "ANTHROPIC_AUTH_TOKEN": "sk-other"},
        {"ANTHROPIC_API_KEY": ""},
        {"ANTHROPIC_BASE_URL": "http://["},
    ],
)
def test_what_is_not_ours_is_left_alone(env: dict[str, str]) -> None:
    data = json.dumps({"env": env}).encode()
    assert recognised(data) == data


def test_what_others_wrote_at_the_same_time_is_carried_over() -> None:
    before = b'{"a": 1, "gone": 1, "env": {"A": "1"}}'
    theirs = b'{"a": 2, "env": {"A": "1", "B": "2"}, "new": {"x": []}}'
    ours, _ = on(before)
    both = json.loads(carried(before, theirs, ours, ours))
    assert both == {"a": 2, "env": {"A": "1", **OURS, "B": "2"}, "new": {"x": []}}


def test_a_later_change_is_not_overwritten_by_an_earlier_one() -> None:
    assert json.loads(carried(b'{"a": 1}', b'{"a": 2}', b'{"a": 1}', b'{"a": 3}')) == {"a": 3}
    assert json.loads(carried(None, b'{"a": 2}', None, None)) == {"a": 2}
