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


ONE: Json = {**SEARCH, "allowed_domains": ["a.example", "b.example/path"]}
NOT: Json = {**SEARCH, "blocked_domains": ["a.example", "b.example/path"]}


def filters(dialect: str, tool: Json) -> Json:
    of = translator(decoded(request(**FIND | {"tools": [tool]})), dialect, responses=True)
    (sent,) = json.loads(of.request().body)["tools"]
    assert sent["type"] == "web_search"
    found: Json = sent.get("filters", {})
    return found


@pytest.mark.parametrize(
    ("dialect", "blocked"),
    [("openai", "blocked_domains"), ("azure", "blocked_domains"), ("xai", "excluded_domains")],
)
def test_each_responses_api_has_a_word_for_domains_to_leave_out(dialect: str, blocked: str) -> None:
    assert filters(dialect, ONE) == {"allowed_domains": ["a.example", "b.example/path"]}
    assert filters(dialect, NOT) == {blocked: ["a.example", "b.example/path"]}
    assert filters(dialect, SEARCH) == {}


def test_where_none_is_documented_the_pages_are_filtered() -> None:
    assert filters("openrouter", NOT) == filters("qwen", NOT) == filters("qwen", ONE) == {}


def test_perplexity_takes_one_list_of_domains_and_nothing_else() -> None:
    assert asked("perplexity", "sonar", tools=[ONE])["search_domain_filter"] == ["a.example", "b.example/path"]
    assert asked("perplexity", "sonar", tools=[NOT])["search_domain_filter"] == ["-a.example", "-b.example/path"]
    assert not {"search_domain_filter", "tools"} & set(asked("perplexity", "sonar"))


def test_groqs_compound_systems_take_hosts_and_its_models_search_nothing() -> None:
    assert asked("groq", "groq/compound", tools=[ONE])["search_settings"] == {
        "include_domains": ["a.example", "b.example"]
    }
    assert not {"search_settings", "tools"} & set(asked("groq", "groq/compound"))
    with pytest.raises(RequestError, match="web_search is not available on this upstream"):
        asked("groq", "openai/gpt-oss-120b")


def test_domains_beyond_what_an_upstream_takes_are_dropped_and_noted() -> None:
    many = {**SEARCH, "allowed_domains": [f"{number}.example" for number in range(7)]}
    of = translator(decoded(request(**FIND | {"tools": [many]})), "xai", responses=True)
    (tool,) = json.loads(of.request().body)["tools"]

    assert tool["filters"]["allowed_domains"] == [f"{number}.example" for number in range(5)]
    assert of.outcome.warnings == ["2 domains of a search dropped: the upstream takes 5"]


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


def story(dialect: str, *pieces: bytes, **fields: Any) -> grammar.Message:
    return grammar.read(stream(translator(decoded(request(**FIND, stream=True)), dialect, **fields), pieces))


HONEY = {"link": "https://honey.example/", "title": "Honey", "content": "…"}


def test_what_zai_found() -> None:
    found = event({"choices": [], "web_search": [HONEY, {"link": None}, "odd"]})

    said = story("zai", text("Sweet."), found, finish(), usage(10, 3), DONE)

    use, results, answer = said.content
    assert (use["name"], use["input"]) == ("web_search", {"query": "bees"})
    assert [page["title"] for page in results["content"]] == ["Honey"]
    assert answer == {"type": "text", "text": "Sweet."}


@pytest.mark.parametrize("arguments", ["", "no JSON", '{"query": 3}', {"query": "bees"}, None])
@pytest.mark.parametrize("results", [None, [], {"results": "odd"}, {"results": [{"url": 3}, "odd"]}])
def test_odd_tools_of_groq_are_no_search(arguments: Any, results: Any) -> None:
    odd = [{"type": "search", "arguments": arguments, "search_results": results}, {"type": "python"}, 3]

    said = story("groq", chunk({"content": "Sweet.", "executed_tools": odd}), finish(), DONE, model="groq/compound")

    assert said.content == [{"type": "text", "text": "Sweet."}]


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
