"""What an upstream has found in the web is read by the official SDKs, the Python one strictly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.sdks import SDK, SyncPythonSDK, TypeScriptSDK
from tests.clients.service import Service, configuration
from tests.fake_upstream import DONE, FakeUpstream, chunk, finish, stream, text, usage

pytestmark = pytest.mark.slow

CITED = {"url": "https://bees.example/honey", "title": "Bees", "start_index": 0, "end_index": 15}
FOUND = chunk({"content": "", "annotations": [{"type": "url_citation", "url_citation": CITED}]})


@pytest.mark.parametrize("way", [SyncPythonSDK, TypeScriptSDK])
def test_pages_and_citations(
    way: type[SDK], start_c2o: Callable[..., Service], upstream: FakeUpstream, typescript_sdk: Path
) -> None:
    service = start_c2o(configuration(upstream.base_url, quirks={"web_search": "openrouter"}))
    more = {"modules": typescript_sdk} if way is TypeScriptSDK else {}
    upstream.play(stream(text("Bees make honey."), FOUND, finish(), usage(10, 5), DONE))

    answer = way(service.url, service.token, streamed=True, **more).ask(
        model="claude-sonnet-5",
        max_tokens=1000,
        messages=[{"role": "user", "content": "What do bees make?"}],
        tools=[{"type": "web_search_20250305", "name": "web_search"}],
    )

    call, found, said = answer["content"]
    assert call["input"] == {"query": "What do bees make?"}
    assert [page["title"] for page in found["content"]] == ["Bees"]
    assert said["text"] == "Bees make honey."
    assert [each["cited_text"] for each in said["citations"]] == ["Bees make honey"]
