"""Checks of the credentials that Claude Code has by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doctor.conftest import look

KEY = "sk-ant-REDACTED"


def account(home: Path, **kept: object) -> None:
    (home / ".claude.json").write_text(json.dumps(kept))


def test_a_helper_for_keys(settings: Callable[[str], Path]) -> None:
    path = settings('{"apiKeyHelper": "echo sk-ant-0123"}')
    finding = look("claude.login_key")["claude.login_key"]
    assert (finding.level, str(path) in finding.title) == ("warn", True)
    assert "0123" not in repr(finding)
    settings("{}")
    assert look("claude.login_key") == {}


def test_a_key_from_a_login(home: Path) -> None:
    account(home, primaryApiKey=KEY)
    finding = look("claude.primary_key")["claude.primary_key"]
    assert (finding.level, KEY in repr(finding)) == ("warn", False)
    account(home, numStartups=3)
    assert look("claude.primary_key") == {}


def test_a_key_that_was_refused(home: Path) -> None:
    account(home, customApiKeyResponses={"approved": [], "rejected": [KEY[-20:]]})
    assert look("claude.refused_key", ANTHROPIC_API_KEY=KEY)["claude.refused_key"].level == "warn"
    assert look("claude.refused_key", ANTHROPIC_API_KEY="another-key-altogether") == {}
    assert look("claude.refused_key") == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"customApiKeyResponses": [], "primaryApiKey": null}'])
def test_a_file_that_is_odd_is_passed_over(home: Path, text: str) -> None:
    (home / ".claude.json").write_text(text)
    assert look("claude.primary_key", "claude.refused_key", ANTHROPIC_API_KEY=KEY) == {}
