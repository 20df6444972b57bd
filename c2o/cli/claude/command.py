"""``c2o claude``: lead a plainly started Claude Code to c2o by its settings, and back again."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from c2o import config, facts, paths, service
from c2o.claude import settings, takeover
from c2o.claude.environment import for_settings
from c2o.claude.models import choose
from c2o.claude.takeover import Scope
from c2o.cli import output
from c2o.cli.claude import change
from c2o.cli.claude import status as claude_status
from c2o.cli.claude.change import ClaudeChange, attached, file, put_back
from c2o.cli.output import JsonOption
from c2o.cli.run import running
from c2o.config import Config
from c2o.errors import ConfigError, RefusedFile, UsageError
from c2o.service import probe

app = typer.Typer(help="Lead plain claude to c2o by its settings, and back again.", no_args_is_help=True)

NEVER_STARTED_AGAIN = ("detached", "foreground")
"""Managers that leave a service dead after a crash or a reboot: Claude Code would try for three minutes."""

ScopeOption = Annotated[Scope, typer.Option(help="All your projects, or this folder's (.claude/settings.local.json).")]
AnyScopeOption = Annotated[
    Scope | None, typer.Option(show_default=False, help="Only this one; otherwise whatever leads to c2o.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Even if nothing would start the service again.")]


@app.command()
def on(
    scope: ScopeOption = "user", dry_run: DryRunOption = False, force: ForceOption = False, as_json: JsonOption = False
) -> None:
    """Let a plainly started claude use c2o, and whatever else reads its settings."""
    loaded = config.load(paths.config_file())
    result = led(loaded, scope, dry_run=dry_run, force=force)
    output.show(result, change.lines, as_json=as_json)
    for hint in _hints(Path(result.files[0].path), result.url or ""):
        output.note(hint)


def led(loaded: Config, scope: Scope, *, dry_run: bool, force: bool) -> ClaudeChange:
    """Lead to c2o who reads the settings of this scope.  Raises UsageError, RefusedFile, C2oError."""
    _check_system()
    if not force:
        check_lasting(loaded, service.chosen())
    there = probe.look(loaded.server.auth_token).instance if dry_run else running(loaded, start=True)
    url = there.url if there else f"http://127.0.0.1:{loaded.server.port}"
    _check_managed(url)
    path = takeover.place(scope, paths.current_folder())
    models, learned = choose(loaded), facts.known()

    def variables(env: Mapping[str, str]) -> dict[str, str]:
        return for_settings(url, loaded.server.auth_token, models, {**os.environ, **env}, learned)

    changed = takeover.on(path, scope, variables, dry_run=dry_run)
    found = attached(there, [path])
    files = [file(changed, dry_run=dry_run)]
    return ClaudeChange(action="on", url=url, dry_run=dry_run, files=files, sessions=found)


@app.command()
def off(scope: AnyScopeOption = None, dry_run: DryRunOption = False, as_json: JsonOption = False) -> None:
    """Put Claude's settings back as they were; needs neither service nor configuration."""
    _check_system()
    done = put_back(takeover.patched(scope, paths.current_folder()), dry_run=dry_run)
    result = ClaudeChange(action="off", url=None, dry_run=dry_run, files=done.files, sessions=done.sessions)
    output.show(result, change.lines, as_json=as_json)
    if done.refused:
        raise done.refused


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Say where a plainly started claude goes, and which settings decide it."""
    try:
        loaded = config.load(paths.config_file())
    except ConfigError:
        loaded = None
    seen = probe.look(loaded.server.auth_token if loaded else None)
    output.show(claude_status.current(loaded, seen), claude_status.lines, as_json=as_json)


def _check_system() -> None:
    if os.name != "posix":
        raise UsageError("on this system c2o doesn't change Claude's settings. Start it with: c2o run claude")


def check_lasting(loaded: Config, manager: str) -> None:
    """Raises RefusedFile unless the service, kept by this manager, will be at its address whenever somebody asks."""
    there = probe.look(loaded.server.auth_token).instance
    managers = {manager, there.manager if there and manager == service.chosen() else manager}
    if managers.intersection(NEVER_STARTED_AGAIN):
        raise RefusedFile(
            "nothing would start the service again after a crash or a reboot, and plain claude would then try for "
            "three minutes before it gives up. Install the service first: c2o service install --now. "
            "Or take that upon you: c2o claude on --force. Or change no settings: c2o run claude"
        )
    if loaded.server.port == 0:
        raise RefusedFile(
            f"[server] port is 0 in {loaded.path}, so the address is another one after each start. "
            "Set a port, then: c2o restart"
        )


def _check_managed(url: str) -> None:
    """Raises RefusedFile where nothing that we write has an effect."""
    for found, names in settings.managed_elsewhere(url):
        raise RefusedFile(
            f"{found.path} is managed by your organisation and sets {', '.join(names)}: it is stronger than "
            "anything that c2o could write. Ask those who manage it."
        )


def _hints(path: Path, url: str) -> Iterator[str]:
    yield from claude_status.stronger_elsewhere(path, url)
    if path != paths.claude_settings_file() and path.exists():
        yield f"c2o's token is in {output.short(path)}: keep that file out of version control"
    if path.exists() and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        yield f"other users can read {output.short(path)}, and c2o's token is in it: chmod 600 {output.short(path)}"
