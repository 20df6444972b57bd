"""Base URLs in every spelling."""

from __future__ import annotations

import pytest

from c2o import urls

SPELLINGS = {
    # what people write → where /chat/completions stands
    "https://h": "https://h/v1",
    "https://h/": "https://h/v1",
    "https://h/v1": "https://h/v1",
    "https://h/v1/": "https://h/v1",
    "https://h/v1//": "https://h/v1",
    "https://h/v1/chat/completions": "https://h/v1",
    "https://h/v1/chat/completions/": "https://h/v1",
    "https://h/v1/responses": "https://h/v1",
    ' "https://h/v1" ': "https://h/v1",
    "'https://h/v1'": "https://h/v1",
    "HTTPS://h/v1": "https://h/v1",
    "http://127.0.0.1:11434": "http://127.0.0.1:11434/v1",
    "http://[::1]:8080/v1": "http://[::1]:8080/v1",
    "https://openrouter.ai/api/v1": "https://openrouter.ai/api/v1",
    "https://api.z.ai/api/paas/v4": "https://api.z.ai/api/paas/v4",
    "https://gateway.example/team/openai": "https://gateway.example/team/openai",
    "https://api.deepseek.com": "https://api.deepseek.com",
    "https://api.deepseek.com/v1": "https://api.deepseek.com/v1",
    "https://api.githubcopilot.com/": "https://api.githubcopilot.com",
    "https://api.z.ai/api/anthropic": "https://api.z.ai/api/anthropic/v1",
    "https://api.deepseek.com/anthropic/": "https://api.deepseek.com/anthropic/v1",
    "https://h/anthropic/v1": "https://h/anthropic/v1",
    "https://h/anthropic/v1/messages": "https://h/anthropic/v1",
    "https://api.anthropic.com": "https://api.anthropic.com/v1",
    "https://api.anthropic.com/v1/messages/": "https://api.anthropic.com/v1",
    "https://generativelanguage.googleapis.com/v1beta/openai/": "https://generativelanguage.googleapis.com/v1beta/openai",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_all_spellings_mean_one_address(spelling: str) -> None:
    assert urls.root(spelling) == SPELLINGS[spelling]
    assert urls.endpoint(spelling, "/chat/completions") == SPELLINGS[spelling] + "/chat/completions"
    assert urls.endpoint(spelling, "/models") == SPELLINGS[spelling] + "/models"


@pytest.mark.parametrize(
    ("base_url", "is_one"),
    [
        ("https://api.minimax.io/anthropic", True),
        ("https://h/anthropic/v1/", True),
        ("https://h/v1/messages", True),
        ("https://api.anthropic.com", True),
        ("https://h/v1", False),
        ("https://anthropic.example/v1", False),
        ("https://h/anthropic/openai", False),
    ],
)
def test_an_address_tells_that_anthropic_is_spoken_there(base_url: str, is_one: bool) -> None:
    assert urls.is_anthropic(base_url) is is_one


def test_a_query_is_kept() -> None:
    """Azure's deployments want their version with each request."""
    azure = "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21"

    assert urls.endpoint(azure, "/chat/completions") == azure


@pytest.mark.parametrize(
    ("base_url", "others"),
    [
        ("https://h", ["https://h"]),
        ("https://h/v1", ["https://h"]),
        ("https://h/api", ["https://h/api/v1"]),
        ("https://api.deepseek.com", ["https://api.deepseek.com/v1"]),
    ],
)
def test_what_else_could_be_meant(base_url: str, others: list[str]) -> None:
    assert urls.siblings(base_url) == others


WRONG = {
    "": "http://",
    "h": "http://",
    "h/v1": "http://",
    "localhost:11434": "http://",
    "ftp://h": "http://",
    "https://": "http://",
    "https:///v1": "http://",
    "http://h:port": "[Pp]ort",
    "http://h:70000": "[Pp]ort",
    "https://user:secret@h": "api_key",
    "https://user@h": "api_key",
    "http://[::1": "IPv6",
}


@pytest.mark.parametrize("base_url", WRONG)
def test_what_is_no_base_url_is_refused_without_being_repeated(base_url: str) -> None:
    with pytest.raises(ValueError, match=WRONG[base_url]) as raised:
        urls.parse(base_url)

    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]", "LOCALHOST"])
def test_loopback(host: str) -> None:
    assert urls.is_loopback(f"http://{host}:11434/v1")


@pytest.mark.parametrize("host", ["h", "10.0.0.1", "0.0.0.0", "127.evil.example", "localhost.evil.example", "[::2]"])
def test_no_loopback(host: str) -> None:
    assert not urls.is_loopback(f"http://{host}/v1")


def test_a_url_is_shown_without_what_may_be_secret() -> None:
    assert urls.printable("https://h:8443/v1?key=secret#secret") == "https://h:8443/v1"
