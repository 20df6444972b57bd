"""What a person sees of the demo: panels on a terminal, plain lines elsewhere, nothing with ``--json``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from c2o.cli import output
from c2o.wire.anthropic import (
    ContentBlockDelta,
    ContentBlockStart,
    ContentBlockStop,
    Event,
    InputJSONDelta,
    TextDelta,
    ThinkingBlock,
    ThinkingDelta,
    ToolUseBlock,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.panel import Panel
    from rich.text import Text

    from c2o.cli.demo.command import DemoResult, ToolRun, Turn

WIDTH = 100
"""Columns that a panel takes at most."""

LINE = 72
"""Columns that JSON takes: what fits into a panel on a narrow terminal."""


class View:
    """Shows nothing; the base of those that do.  Its methods are called in the order in which they stand here."""

    def __init__(self) -> None:
        self._shown: dict[str, dict[str, Any]] = {}

    def news(self, side: str, body: dict[str, Any]) -> str:
        """A request as text; of a later one on the same side, what the one before didn't have."""
        before = self._shown.get(side, {"messages": []})
        self._shown[side] = body
        new = {key: value for key, value in body.items() if key == "messages" or value != before.get(key)}
        return laid_out(new | {"messages": body["messages"][len(before["messages"]) :]})

    def request(self, number: int, url: str, body: dict[str, Any]) -> None:
        """The client sends its request."""

    def upstream(self, url: str, body: dict[str, Any]) -> None:
        """The upstream has got it."""

    def event(self, event: Event) -> None:
        """A piece of the answer has come."""

    def answered(self, turn: Turn) -> None:
        """The answer is complete."""

    def tool(self, run: ToolRun) -> None:
        """The client has run the tool."""

    def end(self, result: DemoResult) -> None:
        """That was all."""


def choose(as_json: bool) -> View:
    if as_json:
        return View()
    return Panels() if output.colourful(sys.stdout) else Lines()


class Lines(View):
    """Plain text, for pipes and files."""

    def request(self, number: int, url: str, body: dict[str, Any]) -> None:
        self._heading(f"{asking(number)}: Anthropic Messages, POST {url}", self.news("client", body))

    def upstream(self, url: str, body: dict[str, Any]) -> None:
        self._heading(f"   The upstream gets: OpenAI chat completions, POST {url}", self.news("upstream", body))
        self._heading("   The answer, as it streams back:", "")

    def event(self, event: Event) -> None:
        for text, _ in spans(event):
            self._write(text)

    def answered(self, turn: Turn) -> None:
        self._write(f"   ({summary(turn)})\n\n")

    def tool(self, run: ToolRun) -> None:
        self._heading(f"   The client runs the tool {run.name} itself: {run.result}", "")

    def end(self, result: DemoResult) -> None:
        self._write(f"{ending(result)}\n")
        for command, purpose in NEXT:
            self._write(f"  {command:<16} {purpose}\n")

    def _heading(self, title: str, text: str) -> None:
        self._write(f"{title}\n{text}\n\n" if text else f"{title}\n\n")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


class Panels(View):
    """Panels, in which the answer grows."""

    def __init__(self) -> None:
        super().__init__()
        self._console: Console = output.console(sys.stdout)
        self._console.width = min(self._console.width, WIDTH)
        self._live: Live | None = None
        self._answer: Text | None = None

    def request(self, number: int, url: str, body: dict[str, Any]) -> None:
        text = _json(self.news("client", body))
        self._console.print(_panel(text, asking(number), f"Anthropic Messages · POST {url}", "cyan"))

    def upstream(self, url: str, body: dict[str, Any]) -> None:
        text = _json(self.news("upstream", body))
        self._console.print(_panel(text, "The upstream gets", f"OpenAI chat completions · POST {url}", "magenta"))
        self._begin()

    def event(self, event: Event) -> None:
        if self._answer is not None:
            for text, style in spans(event):
                self._answer.append(text, style)

    def answered(self, turn: Turn) -> None:
        if self._live is not None and self._answer is not None:
            self._answer.rstrip()
            self._live.update(_panel(self._answer, ANSWER, summary(turn), "green"))
            self._live.stop()
        self._live = self._answer = None

    def tool(self, run: ToolRun) -> None:
        from rich.text import Text  # noqa: PLC0415 - slow to load, and only for a terminal

        self._console.print(_panel(Text(run.result), f"The client runs the tool {run.name} itself", "", "yellow"))

    def end(self, result: DemoResult) -> None:
        self._console.print(f"\n[bold green]✓[/] {ending(result)}")
        for command, purpose in NEXT:
            self._console.print(f"  [bold]{command:<16}[/] {purpose}")

    def _begin(self) -> None:
        from rich.live import Live  # noqa: PLC0415 - slow to load, and only for a terminal
        from rich.text import Text  # noqa: PLC0415

        self._answer = Text()
        panel = _panel(self._answer, ANSWER, "", "green")
        self._live = Live(panel, console=self._console, refresh_per_second=20)
        self._live.start()


ANSWER = "The answer, as it streams back"

NEXT = (
    ("c2o demo claude", "the same with the real Claude Code"),
    ("c2o init", "set up an upstream of your own"),
)


def _panel(content: Any, title: str, subtitle: str, style: str) -> Panel:
    from rich.panel import Panel  # noqa: PLC0415 - slow to load, and only for a terminal

    below = f"[dim]{subtitle}[/]" if subtitle else None
    return Panel(content, title=f"[bold]{title}[/]", subtitle=below, border_style=style, title_align="left")


def _json(text: str) -> Text:
    from rich.highlighter import JSONHighlighter  # noqa: PLC0415 - slow to load, and only for a terminal

    return JSONHighlighter()(text)


def laid_out(value: Any, indent: int = 0) -> str:
    """JSON as a person would write it: what fits into a line stands in one."""
    flat = json.dumps(value, ensure_ascii=False)
    if indent + len(flat) <= LINE or not isinstance(value, dict | list):
        return flat
    inside = indent + 2
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {laid_out(item, inside)}" for key, item in value.items()]
        first, last = "{}"
    else:
        parts = [laid_out(item, inside) for item in value]
        first, last = "[]"
    return first + ",".join(f"\n{' ' * inside}{part}" for part in parts) + f"\n{' ' * indent}{last}"


def spans(event: Event) -> Iterator[tuple[str, str]]:
    """What an event adds to the answer that people see, with its style."""
    match event:
        case ContentBlockStart(_, ThinkingBlock()):
            yield "(thinking) ", "dim"
        case ContentBlockStart(_, ToolUseBlock(name=name)):
            yield f"(calls the tool {name}) ", "bold yellow"
        case ContentBlockDelta(_, ThinkingDelta(text)):
            yield text, "dim italic"
        case ContentBlockDelta(_, InputJSONDelta(text)):
            yield text, "yellow"
        case ContentBlockDelta(_, TextDelta(text)):
            yield text, ""
        case ContentBlockStop():
            yield "\n\n", ""


def asking(number: int) -> str:
    return f"{number}. The client asks" + (", shown is what is new" if number > 1 else "")


def summary(turn: Turn) -> str:
    """``tool_use · 33 events in 860 ms, first after 42 ms · 109 → 24 tokens``"""
    usage = turn.answer.usage
    times = f"{turn.events} events in {turn.whole_ms:.0f} ms, first after {turn.first_ms:.0f} ms"
    return f"{turn.answer.stop_reason} · {times} · {usage.input_tokens} → {usage.output_tokens} tokens"


def ending(result: DemoResult) -> str:
    return (
        f"c2o {result.version} translated {len(result.turns)} requests and a tool call both ways. "
        f"{result.model} is a scripted stand-in; a real model comes next:"
    )
