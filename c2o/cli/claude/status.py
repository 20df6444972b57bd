"""What ``c2o claude status`` shows: where a plainly started Claude Code goes, and which file decides it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from c2o import facts, paths
from c2o.claude import patch, settings, takeover
from c2o.claude.environment import for_settings
from c2o.claude.models import choose
from c2o.claude.settings import Decision, Scoped, Settings
from c2o.cli import output
from c2o.cli.claude.change import SessionShown, attached
from c2o.cli.output import Line
from c2o.config import Config
from c2o.printable import printable
from c2o.service.probe import ServiceStatus
from c2o.variables import PROVIDERS

Plain = Literal["c2o", "elsewhere", "anthropic"]
"""Where a ``claude`` goes that is started here without ``c2o run``."""

State = Literal["on", "outdated", "foreign", "off", "broken", "missing"]
"""``outdated``: c2o's, but not what it would write now.  ``broken``: Claude Code ignores the file."""


class FileStatus(Struct, frozen=True, kw_only=True):
    scope: str
    path: str
    state: State
    url: str | None
    """Where it leads to."""
    problem: str | None


class ClaudeStatus(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.claude.status/1"
    plain: Plain
    decided_by: str | None
    """The file, or ``shell``."""
    url: str | None
    running: bool
    """Does the service answer?"""
    files: list[FileStatus]
    """The strongest first."""
    sessions: list[SessionShown]
    problems: list[str]
    hints: list[str]


def current(loaded: Config | None, seen: ServiceStatus) -> ClaudeStatus:
    scopes = settings.in_scopes(paths.current_folder())
    files = [_file(each, loaded, seen) for each in scopes]
    decision = _decision(scopes)
    plain = _plain(decision, scopes, files)
    return ClaudeStatus(
        plain=plain,
        decided_by=_by(decision),
        url=printable(decision[1].value) if decision else None,
        running=seen.state == "running",
        files=files,
        sessions=attached(seen.instance, takeover.patched()),
        problems=list(_problems(plain, files, seen)),
        hints=HINTS,
    )


HINTS = [
    "VS Code: c2o env --format vscode prints what to paste into its settings",
    "Claude Desktop, Cowork: a gateway with the address and token of c2o env",
]


def _decision(scopes: list[Scoped]) -> tuple[str, Decision] | None:
    """The variable that says where to, and who sets it: another provider beats every base URL."""
    for name in ("ANTHROPIC_UNIX_SOCKET", *PROVIDERS, "ANTHROPIC_BASE_URL"):
        found = settings.decided(name, scopes, os.environ)
        if found and (name not in PROVIDERS or settings.true(found.value)):
            return name, found
    return None


def _plain(decision: tuple[str, Decision] | None, scopes: list[Scoped], files: list[FileStatus]) -> Plain:
    if decision is None:
        return "anthropic"
    name, decided = decision
    if name != "ANTHROPIC_BASE_URL" or decided.by is None:
        return "elsewhere"
    return "c2o" if files[scopes.index(decided.by)].state in ("on", "outdated") else "elsewhere"


def _by(decision: tuple[str, Decision] | None) -> str | None:
    if decision is None:
        return None
    return str(decision[1].by.settings.path) if decision[1].by else "shell"


def _file(each: Scoped, loaded: Config | None, seen: ServiceStatus) -> FileStatus:
    found = each.settings
    url = found.env.get("ANTHROPIC_BASE_URL")
    return FileStatus(
        scope=each.scope,
        path=str(found.path),
        state=_state(found, loaded, seen),
        url=printable(url) if url else None,
        problem=found.problem or None,
    )


def _state(found: Settings, loaded: Config | None, seen: ServiceStatus) -> State:
    if not found.exists:
        return "missing"
    if found.problem:
        return "broken"
    if patch.is_ours(found.env) or takeover.entry_of(found.path):
        return "on" if loaded is None or _up_to_date(found.env, loaded, seen) else "outdated"
    return "foreign" if settings.leading_elsewhere(found, "") else "off"


def _up_to_date(env: Mapping[str, str], loaded: Config, seen: ServiceStatus) -> bool:
    """``NO_PROXY`` aside, which follows the shell."""
    url = seen.instance.url if seen.instance else env.get("ANTHROPIC_BASE_URL", "")
    wanted = for_settings(url, loaded.server.auth_token, choose(loaded), {**os.environ, **env}, facts.known())
    return all(env.get(name) == value for name, value in wanted.items() if name not in patch.NO_PROXY)


def _problems(plain: str, files: list[FileStatus], seen: ServiceStatus) -> Iterator[str]:
    ours = [each for each in files if each.state in ("on", "outdated")]
    if ours and seen.state != "running":
        yield f"the settings lead to c2o, but the service is {seen.state}. Start it: c2o start. Or: c2o claude off"
    if ours and plain != "c2o":
        stronger = next((each for each in files if each.state == "foreign"), None)
        where = stronger.path if stronger else "the shell"
        yield f"{where} is stronger here, and leads plain claude elsewhere. Start it with: c2o run claude"
    if any(each.state == "outdated" for each in files):
        yield "the settings are of another configuration. Bring them up to date: c2o claude on"
    for each in files:
        if each.state == "broken":
            yield f"{each.path} {each.problem}: Claude Code ignores the whole file. Correct it: c2o doctor says more"


WORDS: dict[str, tuple[str, str]] = {
    "c2o": ("● ", "green"),
    "elsewhere": ("○ ", "yellow"),
    "anthropic": ("○ ", "dim"),
}


def lines(shown: ClaudeStatus) -> Iterator[Line]:
    where = {"c2o": "c2o", "elsewhere": "another place", "anthropic": "Anthropic"}[shown.plain]
    url = [f" at {shown.url}"] if shown.url else []
    by = [(f"   by {_short(shown.decided_by)}", "dim")] if shown.decided_by else []
    yield [WORDS[shown.plain], "plain claude goes to ", (where, "bold"), *url, *by]
    for each in shown.files:
        if each.state != "missing" or each.scope == "user":
            yield [(f"  {each.scope:8} ", "dim"), f"{each.state:9} ", _short(each.path)]
    for session in shown.sessions:
        place = f", in {output.short(session.folder)}" if session.folder else ""
        yield [("  session  ", "dim"), printable(f"{session.name} (pid {session.pid}{place})")]
    for problem in shown.problems:
        yield [("  ! ", "yellow"), problem]
    for hint in shown.hints:
        yield [(f"  {hint}", "dim")]


def _short(path: str) -> str:
    return path if path == "shell" else output.short(path)


def stronger_elsewhere(path: Path, url: str) -> Iterator[str]:
    """Why a change of ``path`` has no effect in this folder, for each stronger file that leads elsewhere."""
    for each in settings.in_scopes(paths.current_folder()):
        if each.settings.path == path or each.settings.path == paths.claude_settings_file():
            return
        if found := settings.leading_elsewhere(each.settings, url):
            yield f"in this folder {output.short(each.settings.path)} is stronger: it sets {', '.join(found)}"
