"""``c2o demo``: the whole path on the embedded upstream, without key, account or network."""

from __future__ import annotations

import http.client
import json
import os
import platform
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated, Any

import msgspec
import typer
from msgspec import Struct

from c2o.cli import output
from c2o.cli.demo.stage import MODEL, Stage, run_claude, stage
from c2o.cli.demo.view import View, choose
from c2o.cli.messages import events_of, posted
from c2o.cli.output import JsonOption
from c2o.errors import C2oError, Unhealthy
from c2o.translate.message_builder import fold
from c2o.wire.anthropic import (
    ContentBlockDelta,
    Event,
    MessagesResponse,
    StreamError,
)

TIMEOUT = 60
"""Seconds that one answer may be silent."""

PACE = 0.03
"""Seconds between two words on a terminal, so that they can be seen to stream."""

TOOL = {
    "name": "this_machine",
    "description": "Says what the client runs on.",
    "input_schema": {
        "type": "object",
        "properties": {"detail": {"type": "string", "enum": ["all", "python", "system"]}},
        "required": ["detail"],
    },
}
REQUEST: dict[str, Any] = {
    "model": "claude-sonnet-5",
    "max_tokens": 1000,
    "stream": True,
    "thinking": {"type": "adaptive"},
    "system": "You are part of a demonstration.",
    "tools": [TOOL],
}
PROMPT = "What is this machine? Use the tool this_machine."

MISSING = """there is no `claude` command here. Install Claude Code with

  npm install -g @anthropic-ai/claude-code

and try again; `c2o demo` shows the same path without it."""

CLAUDE_DEFAULT = [
    "-p", "Run `echo Hello from the c2o demo` and tell me what it says.", "--allowedTools", "Bash(echo:*)",
]  # fmt: skip


class CommandMissing(C2oError):
    exit_code = 127


class ToolRun(Struct, frozen=True):
    """A tool call that the client has carried out."""

    name: str
    input: dict[str, Any]
    result: str


class Turn(Struct, frozen=True, kw_only=True):
    """One request, on both sides of c2o, and its answer."""

    request: dict[str, Any]
    """What the client sent."""
    upstream_request: dict[str, Any]
    """What the upstream got."""
    answer: MessagesResponse
    events: int
    first_ms: float
    """From sending the request to the first piece of content."""
    whole_ms: float


class DemoResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.demo/1"
    version: str
    url: str
    """Where the service served."""
    upstream: str
    """Where the embedded upstream did."""
    model: str
    tool: ToolRun
    turns: list[Turn]


PaceOption = Annotated[
    float | None,
    typer.Option(min=0, max=5, metavar="SECONDS", show_default=False, help="Pause between two words of the answer."),
]

app = typer.Typer(no_args_is_help=False)


@app.callback(invoke_without_command=True)
def demo(context: typer.Context, pace: PaceOption = None, as_json: JsonOption = False) -> None:
    """Show the whole path on a scripted upstream, without a key.

    No account, and no network either.
    Starts the service and the embedded upstream in a scratch home, sends an Anthropic request with a tool
    through, and leaves nothing behind.  `c2o demo claude` lets the real Claude Code talk to it.
    """
    if context.invoked_subcommand is None:
        view = choose(as_json)
        with stage(_pace(pace, as_json=as_json)) as there:
            result = converse(there, view)
        view.end(result)
        if as_json:
            output.show(result, lambda _: (), as_json=True)


def _pace(asked: float | None, *, as_json: bool) -> float:
    if asked is not None:
        return asked
    return PACE if not as_json and output.colourful(sys.stdout) else 0.0


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": []}
)
def claude(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[ARGS]...", show_default=False)] = None,
) -> None:
    """Let the real Claude Code talk to the scripted upstream, in a scratch home; ARGS are its own."""
    binary = shutil.which("claude")
    if binary is None:
        raise CommandMissing(MISSING)
    given = arguments or CLAUDE_DEFAULT
    output.note(f"{MODEL} will answer, a scripted stand-in: no model thinks here.  claude {shlex.join(given)}")
    with stage(0.0) as there:
        exit_code = run_claude(there, binary, given)
    raise typer.Exit(exit_code)


def converse(there: Stage, view: View) -> DemoResult:
    """A request that is answered with a tool call, and the tool's result answered in words."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": PROMPT}]
    first = ask(there, messages, view, number=1)
    content: list[dict[str, Any]] = json.loads(msgspec.json.encode(first.answer.content))
    call = next((block for block in content if block["type"] == "tool_use"), None)
    if call is None:
        raise Unhealthy("the demo's answer has no tool call. This is a bug in c2o: please report it.")
    tool = ToolRun(call["name"], call["input"], this_machine(**call["input"]))
    view.tool(tool)
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": tool.result}
    messages = [*messages, {"role": "assistant", "content": content}, {"role": "user", "content": [result]}]
    second = ask(there, messages, view, number=2)
    return DemoResult(
        version=there.version, url=there.url, upstream=there.upstream, model=MODEL, tool=tool, turns=[first, second]
    )


def this_machine(detail: str) -> str:
    """The demo's tool."""
    python, system = f"Python {platform.python_version()}", f"{platform.system()}, {os.cpu_count()} processors"
    return {"python": python, "system": system}.get(detail, f"{python} on {system}")


def ask(there: Stage, messages: list[dict[str, Any]], view: View, *, number: int) -> Turn:
    """One request through the service.  Raises Unhealthy if its answer isn't one."""
    request = REQUEST | {"messages": messages}
    view.request(number, f"{there.url}/v1/messages", request)
    began = time.monotonic()
    events: list[Event] = []
    first, got = 0.0, {}
    for event in _stream(there, request):
        if not events:
            got = _what_the_upstream_got(there)
            view.upstream(f"{there.upstream}/v1/chat/completions", got)
        first = first or (time.monotonic() - began if isinstance(event, ContentBlockDelta) else 0.0)
        events.append(event)
        view.event(event)
    turn = Turn(
        request=request,
        upstream_request=got,
        answer=fold(events),
        events=len(events),
        first_ms=round(first * 1000, 1),
        whole_ms=round((time.monotonic() - began) * 1000, 1),
    )
    view.answered(turn)
    return turn


def _stream(there: Stage, request: dict[str, Any]) -> Iterator[Event]:
    """The events of the answer, as they come.  Raises Unhealthy where they don't."""
    try:
        yield from _events(there, request)
    except (OSError, http.client.HTTPException) as error:
        raise Unhealthy(f"the service broke its answer off ({error!r}). Its log:\n{there.log()}") from None


def _events(there: Stage, request: dict[str, Any]) -> Iterator[Event]:
    with posted((there.host, there.port), there.token, request, patience=TIMEOUT) as response:
        if response.status != 200:
            raise Unhealthy(f"the service answered {response.status}: {response.read().decode()}\n{there.log()}")
        yield from map(_good, events_of(response))


def _good(event: Event) -> Event:
    if isinstance(event, StreamError):
        raise Unhealthy(f"the service answered with an error: {event.error.message} Try: c2o doctor")
    return event


def _what_the_upstream_got(there: Stage) -> dict[str, Any]:
    host, _, port = there.upstream.removeprefix("http://").partition(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=TIMEOUT)) as connection:
        connection.request("GET", "/last")
        got: dict[str, Any] = json.loads(connection.getresponse().read())
        return got
