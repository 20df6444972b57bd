"""What would change the meaning of a request if it were ignored: refused, in words that clients act on.

Fields that only advise (caching, tiers, budgets, metadata) are ignored instead; a client's newer fields must
never cost it the request.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw

from c2o.errors import RequestError
from c2o.wire.anthropic import MessagesRequest


def check(request: MessagesRequest) -> None:
    """Raises RequestError for what no chat-completions upstream can do."""
    if request.thread is not UNSET and _given(request.thread):
        # The SDK's thread helper goes on without threads when it reads this code.
        raise RequestError("thread: not supported by this server", code="thread_unsupported_request")
    if request.mcp_servers is not UNSET and _given(request.mcp_servers):
        raise RequestError("mcp_servers: remote MCP servers are run by Anthropic's API; connect them in the client")
    if request.compaction is not UNSET and _given(request.compaction):
        raise RequestError("compaction: not supported by this server")
    if request.container is not UNSET and b'"skills"' in bytes(request.container):
        raise RequestError("container.skills: not supported by this server")


def _given(raw: Raw) -> bool:
    return bool(msgspec.json.decode(raw))


def check_prewarm(request: MessagesRequest) -> None:
    """``max_tokens: 0`` warms a cache and answers nothing; some fields make no sense with it.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching
    """
    choice = request.tool_choice.type if request.tool_choice else "auto"
    thinking = request.thinking.type if request.thinking else "disabled"
    clashes = {
        "stream": bool(request.stream),
        "thinking": thinking == "enabled",
        "output_config.format": bool(request.output_config and request.output_config.format),
        "tool_choice": choice in ("any", "tool"),
    }
    for field, clash in clashes.items():
        if clash:
            raise RequestError(f"{field}: can't be used with max_tokens: 0")
