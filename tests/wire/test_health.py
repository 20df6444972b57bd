"""How a client of ours knows that it is c2o who answers."""

from __future__ import annotations

import json

import msgspec

from c2o.wire.health import NAME, Health, answer


def test_only_the_token_gives_the_answer() -> None:
    assert answer("token", "nonce") == answer("token", "nonce")
    assert answer("token", "nonce") != answer("token", "another")
    assert answer("token", "nonce") != answer("another", "nonce")
    assert "token" not in answer("token", "nonce")


def test_the_answer_is_there_only_when_asked_for() -> None:
    asked = Health(name=NAME, version="1", answer=answer("t", "n"))

    assert json.loads(msgspec.json.encode(Health(name=NAME, version="1"))) == {"name": "c2o", "version": "1"}
    assert msgspec.json.decode(msgspec.json.encode(asked), type=Health) == asked
