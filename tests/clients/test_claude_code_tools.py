"""Calls that the real Claude Code refuses as the model wrote them, and runs as c2o passes them on."""

from __future__ import annotations

from tests.clients.claude import Claude
from tests.clients.service import Service
from tests.clients.test_claude_code import conversation, steps
from tests.fake_upstream import Call, FakeUpstream, Reply, Request, Scripted

REFUSED = "InputValidationError"
"""What Claude Code says of a call whose input doesn't fit."""

SEARCH = Call("WebSearch", {"query": "c2o handbook", "allowed_domains": None, "blocked_domains": None})
LOAD = Call("ToolSearch", {"query": "select:WebSearch", "max_results": 5})


def searching(request: Request) -> Scripted:
    """A model that loads the search tool if it must, searches no domains in particular, and then answers."""
    called = [call["function"]["name"] for message in request.messages for call in message.get("tool_calls", [])]
    if called[-1:] == ["WebSearch"]:
        return Reply(text="I searched.")
    return Reply(calls=(SEARCH if "WebSearch" in request.tool_names else LOAD,))


def test_a_web_search_whose_domains_are_null(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    """It runs: its own request for a search arrives, which this upstream can't serve, and the model is told so."""
    upstream.think(lambda request: searching(request) if request.tool_names else Reply(text='{"title": "A test"}'))

    done = claude.through_c2o("-p", "Search", "--allowedTools", "WebSearch")

    assert (done.stdout.strip(), done.returncode) == ("I searched.", 0), done
    [result] = conversation(upstream)[-1].tool_results
    assert REFUSED not in result
    assert "web_search is not available on this upstream" in result
    assert "input of WebSearch: allowed_domains: null dropped" in c2o_service.log


def test_a_command_with_everything_wrong_around_it(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream
) -> None:
    said = """```json
    {
        " command ": "echo ran-$((6 * 7))",  // the answer
        "timeout": null,
        "run_in_background": "False",
    }
    ```"""
    upstream.think(steps(Reply(calls=(Call("Bash", said),)), Reply(text="It ran.")))

    done = claude.through_c2o("-p", "Run it", "--allowedTools", "Bash")

    assert (done.stdout.strip(), done.returncode) == ("It ran.", 0), done
    assert conversation(upstream)[-1].tool_results == ["ran-42"]
