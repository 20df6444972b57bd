"""Searches of the web by upstreams that can: Claude Code's request for one, and what is told of the results."""

from __future__ import annotations

import json
from typing import Any

import pytest

from c2o.errors import RequestError
from c2o.translate.dialects import DIALECTS
from c2o.translate.web_search import WAYS, Wish
from tests import grammar
from tests.fake_upstream import DONE, chunk, event, finish, text, usage
from tests.translate.talk import Json, decoded, request, stream, translator

SEARCH: Json = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8, "allowed_domains": None}
FIND: Json = {"messages": [{"role": "user", "content": "Perform a web search for the query: bees"}], "tools": [SEARCH]}


def asked(dialect: str, model: str = "model", **fields: Any) -> Json:
    sent = translator(decoded(request(**FIND | fields)), dialect, model=model).request()
    found: Json = json.loads(sent.body)
    return found


def test_openais_models_that_search_in_chat_completions() -> None:
    sent = asked("openai", "gpt-5-search-api")

    assert sent["web_search_options"] == {}
    assert "tools" not in sent


def test_zai_is_told_the_query() -> None:
    (tool,) = asked("zai", "glm-4.6")["tools"]

    assert (tool["type"], tool["web_search"]["search_query"]) == ("web_search", "bees")


def test_openrouter_takes_one_list_of_domains() -> None:
    both = {**SEARCH, "allowed_domains": ["a.example"], "blocked_domains": ["b.example"]}

    assert asked("openrouter")["tools"] == [{"type": "openrouter:web_search"}]
    assert asked("openrouter", tools=[both])["tools"][0]["parameters"] == {"allowed_domains": ["a.example"]}


@pytest.mark.parametrize(("dialect", "model"), [("generic", "m"), ("openai", "gpt-5.5"), ("nim", "m")])
def test_elsewhere_a_search_is_refused(dialect: str, model: str) -> None:
    with pytest.raises(RequestError, match="web_search is not available on this upstream"):
        asked(dialect, model)


def test_beside_other_tools_it_is_left_out() -> None:
    bash = {"name": "Bash", "input_schema": {"type": "object", "properties": {}}}

    sent = asked("openrouter", tools=[bash, SEARCH])

    assert [tool["function"]["name"] for tool in sent["tools"]] == ["Bash"]


def test_each_way_belongs_to_a_dialect() -> None:
    used = {each.web_search for each in DIALECTS.values()}
    used |= {fields.get("web_search") for each in DIALECTS.values() for fields in each.models.values()}
    assert set(WAYS) - {"responses"} <= used


# ---- what comes back


def story(dialect: str, *pieces: bytes) -> grammar.Message:
    return grammar.read(stream(translator(decoded(request(**FIND, stream=True)), dialect), pieces))


HONEY = {"link": "https://honey.example/", "title": "Honey", "content": "…"}


def test_what_zai_found() -> None:
    found = event({"choices": [], "web_search": [HONEY, {"link": None}, "odd"]})

    said = story("zai", text("Sweet."), found, finish(), usage(10, 3), DONE)

    use, results, answer = said.content
    assert (use["name"], use["input"]) == ("web_search", {"query": "bees"})
    assert [page["title"] for page in results["content"]] == ["Honey"]
    assert answer == {"type": "text", "text": "Sweet."}


def test_an_answer_that_names_no_page_is_text() -> None:
    said = story("openrouter", text("Nothing "), text("found."), finish(), usage(10, 3), DONE)

    assert said.content == [{"type": "text", "text": "Nothing found."}]
    assert "server_tool_use" not in said.usage


def test_a_page_without_a_title_goes_by_its_address() -> None:
    found = [{"type": "url_citation", "url_citation": {"url": "https://honey.example/", "title": 7}}, 3]

    said = story("openrouter", chunk({"content": "Sweet.", "annotations": found}), finish(), DONE)

    assert said.content[1]["content"][0]["title"] == "https://honey.example/"


def test_a_whole_answer_says_the_same() -> None:
    cited = {"url": "https://honey.example/", "title": "Honey", "start_index": 0, "end_index": 6}
    annotations = [{"type": "url_citation", "url_citation": cited}]
    message = {"role": "assistant", "content": "Sweet.", "annotations": annotations}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9}}

    of = translator(decoded(request(**FIND)), "openrouter")

    answer = json.loads(of.complete(json.dumps(body).encode()).body)

    assert [block["type"] for block in answer["content"]] == ["server_tool_use", "web_search_tool_result", "text"]
    (citation,) = answer["content"][2]["citations"]
    assert (citation["url"], citation["cited_text"]) == ("https://honey.example/", "Sweet.")


DOMAINS = {
    "https://bees.example/honey": True,
    "https://www.bees.example/": True,
    "https://notbees.example/": False,
    "https://ads.bees.example/": False,
    "no address": False,
}


@pytest.mark.parametrize("url", DOMAINS)
def test_pages_of_other_domains_are_not_told(url: str) -> None:
    assert Wish("", ["Bees.example/some/path"], ["ads.bees.example"]).takes(url) is DOMAINS[url]
