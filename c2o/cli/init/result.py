"""What ``c2o init`` has done, as data and as lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from c2o.cli import output
from c2o.cli.claude.change import ChangedFile
from c2o.cli.output import Line
from c2o.cli.terminal.asking import more, told
from c2o.printable import printable
from c2o.wire.probe import Found


class InitUpstream(Struct, frozen=True):
    name: str
    base_url: str
    key: str | None
    """Where it comes from."""


class Step(Struct, frozen=True):
    """What to do next."""

    command: str
    why: str


class Text(Struct, frozen=True):
    path: str
    text: str


class InitTested(Struct, frozen=True):
    """A model that was tried."""

    upstream: str
    model: str
    checks: list[Found]
    learned: list[str]
    """The facts in that, which are kept: see ``c2o learned``."""


class InitService(Struct, frozen=True, kw_only=True):
    """Who keeps the service running."""

    manager: str
    files: list[Text]
    """As they are, or with --dry-run would be."""
    url: str | None
    """Where it runs; null with --dry-run."""


class InitCompletions(Struct, frozen=True):
    """Where a shell finds the completions."""

    shell: str
    path: str
    startup: str | None
    """The shell's startup file, where ``lines`` are wanted; null if it finds them as it is."""
    lines: list[str]


class InitResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.init/1"
    path: str
    written: bool
    """False if it was like this before, or with --dry-run."""
    backup: str | None
    """The file as it was before."""
    upstream: InitUpstream | None
    """The one that it was about; null if it was about none, or with an import."""
    models: dict[str, str]
    """``[models]`` as it is now."""
    changes: list[str]
    tested: list[InitTested]
    text: str | None = None
    """With --dry-run: what would be written, without token and keys."""
    diff: str | None = None
    """With --dry-run: what would change in a file that is there."""
    key_file: str | None = None
    """Where keys were put, or with --dry-run would be."""
    service: InitService | None = None
    claude: ChangedFile | None = None
    completions: InitCompletions | None = None
    next: list[Step]


def lines(result: InitResult) -> Iterator[Line]:
    if result.text is not None:
        yield from _dry(result)
        return
    path = (output.short(result.path), "bold")
    if result.written:
        kept = f"; the old one is {Path(result.backup).name}" if result.backup else ""
        yield told("Written", path, (f"  readable by you alone{kept}", "dim"))
    else:
        yield told("Unchanged", path, "  has all of this already")
    if result.key_file:
        yield told("Written", (output.short(result.key_file), "bold"), ("  with the key; readable by you alone", "dim"))
    if result.service:
        yield told("Service", (result.service.manager, "bold"), (f"  {result.service.url}", "cyan"))
    if result.claude:
        undo = ("  undo: c2o claude off", "dim")
        yield told("Claude", (output.short(result.claude.path), "bold"), " leads to c2o", undo)
    if result.completions:
        yield from _completions(result.completions)
    yield []
    yield from _next(result.next)


def _completions(done: InitCompletions) -> Iterator[Line]:
    yield told("Tab", (output.short(done.path), "bold"), (f"  for {done.shell}", "dim"))
    if done.startup:
        for each in done.lines:
            yield more((f"put into {output.short(done.startup)}:  ", "dim"), (each, "bold"))


def _next(steps: list[Step]) -> Iterator[Line]:
    *first, last = steps
    width = max((len(step.command) for step in first), default=0)
    for step in first:
        yield [("First   ", "bold"), (f"{step.command:{width}}", "bold"), (f"  {step.why}", "dim")]
    yield [("Ready.  ", "bold green"), (last.command, "bold")]


def _dry(result: InitResult) -> Iterator[Line]:
    """Everything that would be written, as it would be."""
    path = output.short(result.path)
    if result.diff is None:
        yield [(f"# {path}", "dim")]
        yield from _plain(result.text or "")
    else:
        yield from output.diff(result.diff or f"# {path}: nothing to change")
    if result.key_file:
        yield []
        yield [(f"# {output.short(result.key_file)}: the key", "dim")]
    for file in result.service.files if result.service else []:
        yield []
        yield [(f"# {output.short(file.path)}", "dim")]
        yield from _plain(file.text)
    if result.claude:
        yield []
        yield from output.diff(result.claude.diff or f"# {output.short(result.claude.path)}: nothing to change")
    if result.completions:
        yield []
        yield [(f"# {output.short(result.completions.path)}: completions for {result.completions.shell}", "dim")]


def _plain(text: str) -> Iterator[Line]:
    for line in text.splitlines():
        yield [printable(line)]
