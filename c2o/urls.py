"""From a base URL in any spelling to the addresses that c2o calls.

People paste ``https://host``, ``https://host/v1``, ``https://host/v1/`` or the whole
``…/v1/chat/completions``; all of them mean the same upstream.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

ENDPOINTS = ("/chat/completions", "/responses", "/messages")
"""What people paste with the address."""

ANTHROPIC = "/anthropic"
"""With what the address of an API like Anthropic's ends, as vendors write it: DeepSeek, MiniMax, Moonshot, Z.ai.
``/v1/messages`` stands below it."""

ANTHROPIC_HOSTS = ("api.anthropic.com",)

BASES: dict[str, str] = {
    "api.githubcopilot.com": "",
    "api.individual.githubcopilot.com": "",
    "api.business.githubcopilot.com": "",
    "api.enterprise.githubcopilot.com": "",
    "api.deepseek.com": "",
    "api.perplexity.ai": "",
    "openrouter.ai": "/api/v1",
    "api.groq.com": "/openai/v1",
    "api.fireworks.ai": "/inference/v1",
    "api.z.ai": "/api/paas/v4",
    "open.bigmodel.cn": "/api/paas/v4",
    "dashscope.aliyuncs.com": "/compatible-mode/v1",
    "dashscope-intl.aliyuncs.com": "/compatible-mode/v1",
    "generativelanguage.googleapis.com": "/v1beta/openai",
}
"""Where the API of a host stands, if that isn't ``/v1``, for people who paste the host alone.  The vendors' own
documentation, linked in ``translate.dialects``, has each."""

BASES_BELOW: dict[str, str] = {
    ".openai.azure.com": "/openai/v1",
    ".services.ai.azure.com": "/openai/v1",
    ".cognitiveservices.azure.com": "/openai/v1",
}
"""The same for the hosts below one: a resource on Azure is a host
(https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle)."""

_ENDS_IN_VERSION = re.compile(r"/(v\d+[a-z0-9]*|openai|inference)$")


def parse(base_url: str) -> SplitResult:
    """The parts of a base URL.  Raises ValueError with a reason that reads after the key's name."""
    text = base_url.strip().strip("\"'").strip()
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an http:// or https:// URL")  # without it: people paste keys into the wrong line
    if parts.username or parts.password:
        raise ValueError("a URL with a user name or password in it is refused: put the key into api_key")
    parts.port  # noqa: B018 - raises ValueError for a port that is no number
    return parts


PROXIES = ("http", "https", "socks5", "socks5h")


def parse_proxy(url: str) -> None:
    """Is this a proxy's address?  Raises ValueError with a reason that reads after the key's name, without the URL."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in PROXIES and parts.hostname and parts.path in ("", "/") and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("not an address like http://proxy:3128, with http, https, socks5 or socks5h before it")


def root(base_url: str) -> str:
    """The address under which ``/models`` and each of ENDPOINTS stand; no trailing slash."""
    parts = parse(base_url)
    path = _without_endpoint(parts.path)
    if path.endswith(ANTHROPIC):
        path += "/v1"
    return f"{parts.scheme}://{parts.netloc}{path or _base(parts.hostname or '')}"


def _base(host: str) -> str:
    below = (path for domain, path in BASES_BELOW.items() if host.endswith(domain))
    return BASES.get(host, next(below, "/v1"))


def _without_endpoint(path: str) -> str:
    path = path.rstrip("/")
    for known in ENDPOINTS:
        path = path.removesuffix(known).rstrip("/")
    return path


def is_anthropic(base_url: str) -> bool:
    """Does this address look like one where Anthropic's API is spoken?"""
    parts = parse(base_url)
    path = parts.path.rstrip("/")
    ends = path.endswith("/messages") or path.removesuffix("/v1").endswith(ANTHROPIC)
    return ends or parts.hostname in ANTHROPIC_HOSTS


def is_responses(base_url: str) -> bool:
    """Is this the address of OpenAI's Responses API?"""
    return parse(base_url).path.rstrip("/").endswith("/responses")


def is_azure_deployment(base_url: str) -> bool:
    """Is this the older address of one model on Azure?  The Responses API stands beside it only
    (https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle)."""
    return "/openai/deployments/" in parse(base_url).path


def endpoint(base_url: str, path: str) -> str:
    """The URL of ``path`` (``/chat/completions``, ``/models``) on an upstream; a query is kept."""
    query = parse(base_url).query
    return root(base_url) + path + (f"?{query}" if query else "")


def beside(base_url: str, path: str) -> str:
    """The URL of ``path`` on the server itself: local servers have more than OpenAI's API, and without a version."""
    return _ENDS_IN_VERSION.sub("", root(base_url)) + path


def siblings(base_url: str) -> list[str]:
    """Other spellings to try where an upstream answers 404: with and without a version at the end."""
    here = root(base_url)
    without = _ENDS_IN_VERSION.sub("", here)
    return [without] if without != here else [f"{here}/v1"]


def is_loopback(base_url: str) -> bool:
    """Does this URL stay on the machine?"""
    host = parse(base_url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def printable(base_url: str) -> str:
    """A URL as errors and logs show it: without query, where some gateways take keys."""
    parts = parse(base_url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def without_credentials(url: str) -> str:
    """Any URL, which may be none, as far as it can be shown: without a password, and without its query."""
    bare = url.partition("?")[0].partition("#")[0]
    scheme, separator, rest = bare.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"
