"""A search of the web that the upstream makes itself: asked for in its words, told in Anthropic's.

Claude Code's WebSearch is a request of its own, whose only tool is the server's search; it shows the titles and
addresses of what was found, and gives the model the text.  So the text waits for what was found, and comes behind it,
as in Anthropic's own answers (https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Raw

from c2o.kinds import is_search
from c2o.translate.dialect import Dialect
from c2o.translate.message_builder import MessageBuilder
from c2o.wire.anthropic import (
    Block,
    Citation,
    MessagesRequest,
    ServerToolUseBlock,
    WebSearchResult,
    WebSearchResultBlock,
)
from c2o.wire.chat import ChatRequest, Chunk

NAME = "web_search"

MOST = 30
"""Results that are told of one search; some upstreams name every page that they have looked at."""


class Wish(NamedTuple):
    """What the client wants to be searched, and where."""

    query: str
    allowed: list[str]
    blocked: list[str]

    def takes(self, url: str) -> bool:
        host = urlsplit(url).hostname or ""
        if any(_is_in(host, domain) for domain in self.blocked):
            return False
        return not self.allowed or any(_is_in(host, domain) for domain in self.allowed)


def _is_in(host: str, domain: str) -> bool:
    """Anthropic's domains may have a path behind them, which is left to the upstream."""
    domain = _host_of(domain)
    return host == domain or host.endswith(f".{domain}")


def _host_of(domain: str) -> str:
    return domain.partition("/")[0].lower()


def wish_of(request: MessagesRequest, dialect: Dialect) -> Wish | None:
    """The search that a request is about; None where it isn't, or the upstream can't search."""
    if dialect.web_search == "none" or not is_search(request):
        return None
    tools = request.tools or []
    allowed = [domain for tool in tools for domain in tool.allowed_domains or ()]
    blocked = [domain for tool in tools for domain in tool.blocked_domains or ()]
    return Wish(_query(request), allowed, blocked)


_ASKED = re.compile(r"^Perform a web search for the query: ", re.IGNORECASE)
"""Claude Code's words before a query (2.1.197 and 2.1.329)."""


def _query(request: MessagesRequest) -> str:
    """What the user says last."""
    said = next((message.content for message in reversed(request.messages) if message.role == "user"), "")
    text = said if isinstance(said, str) else "\n".join(_texts(said))
    return _ASKED.sub("", text.strip())


def _texts(blocks: Iterable[Block]) -> Iterator[str]:
    return (block.text for block in blocks if isinstance(block.text, str))


# Asking --------------------------------------------------------------------------------------------


def ask(chat: ChatRequest, wish: Wish, dialect: Dialect, notes: list[str]) -> None:
    """Put the search into a request, in the upstream's words."""
    most = dialect.most_search_domains
    if (named := max(len(wish.allowed), len(wish.blocked))) > most:
        notes.append(f"{named - most} domains of a search dropped: the upstream takes {most}")
        wish = wish._replace(allowed=wish.allowed[:most], blocked=wish.blocked[:most])
    chat.more = {**(chat.more or {}), **WAYS[dialect.web_search](wish, dialect)}


def _openrouter(wish: Wish, _: Dialect) -> dict[str, Any]:
    """https://openrouter.ai/docs/guides/features/server-tools/web-search: one of the lists at most."""
    domains = {"allowed_domains": wish.allowed} if wish.allowed else {"excluded_domains": wish.blocked}
    parameters = {name: value for name, value in domains.items() if value}
    return {"tools": [{"type": "openrouter:web_search", **({"parameters": parameters} if parameters else {})}]}


def _options(_: Wish, __: Dialect) -> dict[str, Any]:
    """https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat: models that always search."""
    return {"web_search_options": {}}


def _zai(wish: Wish, _: Dialect) -> dict[str, Any]:
    """https://docs.z.ai/guides/tools/web-search"""
    search = {"enable": True, "search_engine": "search-prime", "search_result": True, "search_query": wish.query}
    return {"tools": [{"type": "web_search", "web_search": search}]}


def _responses(wish: Wish, dialect: Dialect) -> dict[str, Any]:
    """https://developers.openai.com/api/docs/guides/tools-web-search; read by ``responses_request``."""
    lists = {"allowed_domains": wish.allowed, "blocked_domains": wish.blocked, "excluded_domains": wish.blocked}
    name = next((name for name in dialect.search_filters if lists[name]), None)
    return {"web_search": {"filters": {name: lists[name]}} if name else {}}


def _perplexity(wish: Wish, _: Dialect) -> dict[str, Any]:
    """https://docs.perplexity.ai/docs/sonar/filters: it searches anyhow; one of the lists at most."""
    domains = wish.allowed or [f"-{domain}" for domain in wish.blocked]
    return {"search_domain_filter": domains} if domains else {}


def _groq(wish: Wish, _: Dialect) -> dict[str, Any]:
    """https://console.groq.com/docs/web-search: it searches where it sees fit; domains have no path."""
    lists = {"include_domains": wish.allowed, "exclude_domains": wish.blocked}
    settings = {name: [_host_of(domain) for domain in domains] for name, domains in lists.items() if domains}
    return {"search_settings": settings} if settings else {}


WAYS: Mapping[str, Callable[[Wish, Dialect], dict[str, Any]]] = {
    "openrouter": _openrouter,
    "options": _options,
    "zai": _zai,
    "responses": _responses,
    "perplexity": _perplexity,
    "groq": _groq,
}
"""By the name in ``Dialect.web_search``."""


# Telling -------------------------------------------------------------------------------------------


class _Query(msgspec.Struct):
    query: str


class Found(NamedTuple):
    url: str
    title: str = ""


class Search:
    """What an answer says of searches and their results.  One per answer; also a filter for its text."""

    def __init__(self, wish: Wish, id_seed: str) -> None:
        self._wish = wish
        self._id_seed = id_seed
        self._queries: list[str] = []
        self._found: dict[str, Found] = {}
        self._cited: list[Mapping[str, Any]] = []
        self._text = ""

    def chunk(self, chunk: Chunk) -> None:
        """Take what a chunk has beside its text."""
        for each in _dicts(chunk.web_search):
            self._note(each.get("link"), each.get("title"))
        self._pages(chunk.search_results)
        for choice in chunk.choices or ():
            if delta := choice.delta or choice.message:
                for each in _dicts(delta.annotations):
                    self._annotation(each)
                for each in _dicts(delta.executed_tools):
                    self._executed(each)

    def _annotation(self, given: Mapping[str, Any]) -> None:
        if given.get("type") == "web_search_call":
            self._call(given.get("action"))
            return
        inside = given.get("url_citation")
        cited = inside if isinstance(inside, dict) else given
        if self._note(cited.get("url"), cited.get("title")):
            self._cited.append(cited)

    def _call(self, action: Any) -> None:
        """A search, or a look at a page that it has found."""
        if not isinstance(action, dict) or action.get("type", "search") != "search":
            return
        self._looked_for(action.get("query"))
        self._pages(action.get("sources"))

    def _executed(self, tool: Mapping[str, Any]) -> None:
        """A tool of Groq's, whose arguments are JSON as text; told once when it begins, and again with its results."""
        found = tool.get("search_results")
        if tool.get("type") == "search":
            with suppress(msgspec.MsgspecError, TypeError, ValueError):
                self._looked_for(msgspec.json.decode(tool.get("arguments", ""), type=_Query).query)
        self._pages(found.get("results") if isinstance(found, dict) else None)

    def _looked_for(self, query: Any) -> None:
        if isinstance(query, str) and query and query not in self._queries:
            self._queries.append(query)

    def _pages(self, given: Any) -> None:
        for each in _dicts(given):
            self._note(each.get("url"), each.get("title"))

    def _note(self, url: Any, title: Any) -> bool:
        """A page that was found; a title may come later than its address."""
        if not isinstance(url, str) or not url or not self._wish.takes(url):
            return False
        known = self._found.get(url)
        if known is None or not known.title:
            self._found[url] = Found(url, title if isinstance(title, str) else "")
        return True

    # The answer's text, held until it is known what was found

    def feed(self, text: str) -> str:
        self._text += text
        return ""

    def close(self) -> str:
        return self._text

    # The answer's end

    @property
    def times(self) -> int:
        """How often the upstream has searched, as far as it says so."""
        return max(len(self._queries), 1 if self._found else 0)

    def tell(self, builder: MessageBuilder) -> None:
        """Before the text: what was looked for, and found.  Nothing where the upstream has named no page."""
        if not self._found:
            return
        query = "; ".join(self._queries) or self._wish.query
        id = f"srvtoolu_{self._id_seed}"
        results = [WebSearchResult(url=page.url, title=page.title or page.url) for page in self._found.values()]
        builder.search(
            ServerToolUseBlock(id, NAME, Raw(msgspec.json.encode({"query": query}))),
            WebSearchResultBlock(id, results[:MOST]),
        )

    def cite(self, builder: MessageBuilder) -> None:
        """Behind the text: where its parts come from, if there is any."""
        if self._text:
            for each in self._cited:
                title = each.get("title")
                builder.cite(
                    Citation(
                        cited_text=_cited_text(each, self._text),
                        url=each["url"],
                        title=title if isinstance(title, str) else None,
                    )
                )


def _cited_text(cited: Mapping[str, Any], text: str) -> str:
    """The page's own words where they are given, else the part of the answer that refers to it."""
    content = cited.get("content")
    if isinstance(content, str) and content:
        return content
    start, end = cited.get("start_index"), cited.get("end_index")
    return text[start:end] if isinstance(start, int) and isinstance(end, int) and 0 <= start < end else ""


def _dicts(given: Any) -> list[dict[str, Any]]:
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
