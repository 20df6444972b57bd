"""The tools that the real Claude Code declares, by version: ``python -m tests.clients.record_tools``.

By hand, after a change of the pinned versions.  Writes ``tests/translate/claude_tools.json`` with what a call is
checked by (names, types, required members, allowed values), without a word of Claude Code's own prose.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.clients import install
from tests.clients.claude import Claude
from tests.clients.terminal import terminal
from tests.fake_upstream import FakeUpstream, error

RECORDED = Path(__file__).parents[1] / "translate" / "claude_tools.json"

PROSE = ("description", "title", "$schema", "default", "examples")

Json = dict[str, Any]


def main() -> None:
    upstream = FakeUpstream().start()
    upstream.think(lambda request: error(403, "this is a recording"))
    found = {version: recorded(version, upstream) for version in install.VERSIONS["npm"][install.CLAUDE_CODE]}
    upstream.close()
    lines = [f'  "{version}": {{\n{listed(tools)}\n  }}' for version, tools in found.items()]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def listed(tools: Json) -> str:
    return ",\n".join(f"    {json.dumps(name)}: {json.dumps(schema)}" for name, schema in sorted(tools.items()))


def recorded(version: str, upstream: FakeUpstream) -> Json:
    """The schema of each tool of one version, in all the ways in which it declares tools."""
    upstream.requests.clear()
    for more in ({"ENABLE_TOOL_SEARCH": "false"}, {"CLAUDE_CODE_ENABLE_TASKS": "0"}, {"ENABLE_TOOL_SEARCH": "true"}):
        with claude(version) as client:
            client.run("-p", "Hi", environment=client.environment(**pointed_at(upstream), **more))
    with claude(version) as client:
        in_the_terminal(client, upstream)
    return {tool["name"]: bare(tool["input_schema"]) for tool in declared(upstream)}


def declared(upstream: FakeUpstream) -> Iterator[Json]:
    for request in upstream.requests:
        for tool in request.json.get("tools", []) if request.body else []:
            if "input_schema" in tool and tool["name"] != "DeferredToolPlaceholder":
                yield tool


def pointed_at(upstream: FakeUpstream) -> dict[str, str]:
    return {"ANTHROPIC_BASE_URL": upstream.url, "ANTHROPIC_AUTH_TOKEN": "nobody"}


class claude(tempfile.TemporaryDirectory[str]):  # noqa: N801 - used like a function
    """A Claude Code in a home of its own."""

    def __init__(self, version: str) -> None:
        super().__init__(ignore_cleanup_errors=True)
        self._binary = install.npm(install.CLAUDE_CODE, version) / ".bin" / "claude"

    def __enter__(self) -> Claude:  # type: ignore[override]
        home, project = Path(self.name, "home"), Path(self.name, "project")
        home.mkdir()
        project.mkdir()
        return Claude(self._binary, home, project)


def in_the_terminal(client: Claude, upstream: FakeUpstream) -> None:
    """There it may also ask the person, and plan."""
    accepted = {"hasCompletedOnboarding": True, "projects": {str(client.project): {"hasTrustDialogAccepted": True}}}
    (client.home / ".claude.json").write_text(json.dumps(accepted))
    environment = client.environment(**pointed_at(upstream), ENABLE_TOOL_SEARCH="false")
    command = [str(client.binary), "--permission-mode", "acceptEdits"]
    with terminal(command, environment, client.project) as screen:
        screen.wait_for("accept edits on")
        screen.type("Hello")
        screen.wait_for("Hello")
        screen.type("\r")
        screen.wait_for("this is a recording")


def bare(schema: Any) -> Any:
    """A schema without its prose; properties may have any name."""
    if isinstance(schema, list):
        return [bare(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    kept = {word: said for word, said in schema.items() if word not in PROSE}
    named = {word: {name: bare(each) for name, each in kept.pop(word).items()} for word in NAMED if word in kept}
    return {word: bare(said) for word, said in kept.items()} | named


NAMED = ("properties", "patternProperties", "$defs")
"""Words under which schemas have names."""

if __name__ == "__main__":
    main()
