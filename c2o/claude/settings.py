"""Claude Code's settings files, as far as they are read here: are they valid, and which variables do they set?

In each file ``env`` beats the shell.  A managed file beats a project's local one, that one the project's shared
one, and that one the person's own (https://code.claude.com/docs/en/settings).

Claude Code ignores a file that is no strict JSON, without a word in print mode; a byte order mark is no harm
(both seen with 2.1.197 and 2.1.329).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from c2o import paths
from c2o.claude import json_text
from c2o.variables import PROVIDERS


class Settings(NamedTuple):
    path: Path
    exists: bool
    env: dict[str, str] = {}
    """Its ``env`` block, which beats the shell's environment."""
    problem: str = ""
    """Why Claude Code ignores it; reads after the file's name."""
    key_helper: bool = False
    """Has it an ``apiKeyHelper``, a command that prints a key?"""


def read(path: Path) -> Settings:
    """A missing file is no problem."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Settings(path, exists=False)
    except OSError as error:
        return Settings(path, exists=True, problem=f"can't be read: {error.strerror}")
    try:
        found = _parsed(data)
        return Settings(path, exists=True, env=_env(found), key_helper=bool(found.get("apiKeyHelper")))
    except ValueError as error:
        return Settings(path, exists=True, problem=str(error))


def _parsed(data: bytes) -> dict[str, object]:
    try:
        return json_text.parsed(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None


def _env(settings: dict[str, object]) -> dict[str, str]:
    env = settings.get("env")
    return {name: value for name, value in env.items() if isinstance(value, str)} if isinstance(env, dict) else {}


Scope = Literal["managed", "local", "project", "user"]
"""The strongest first."""


class Scoped(NamedTuple):
    """A settings file in its place."""

    scope: Scope
    settings: Settings


def in_scopes(project: Path) -> list[Scoped]:
    """All files that a ``claude`` started in ``project`` reads, the strongest first.

    In the home folder the project's shared file is the person's own.
    """
    scopes = [
        *(Scoped("managed", each) for each in managed()),
        Scoped("local", read(paths.claude_local_settings_file(project))),
        Scoped("project", read(paths.claude_project_settings_file(project))),
        Scoped("user", read(paths.claude_settings_file())),
    ]
    return list({paths.real(each.settings.path): each for each in scopes}.values())


def managed() -> list[Settings]:
    """An organisation's settings, the strongest first."""
    return [read(path) for path in reversed(paths.claude_managed_settings())]


def managed_elsewhere(url: str) -> list[tuple[Settings, dict[str, str]]]:
    """The managed settings that lead clients to another place than ``url``, and by which variables."""
    found = [(each, leading_elsewhere(each, url)) for each in managed()]
    return [(each, names) for each, names in found if names]


class Decision(NamedTuple):
    """What a variable is for a plainly started ``claude``, and who says so."""

    value: str
    by: Scoped | None
    """None is the shell."""


def decided(name: str, scopes: list[Scoped], environ: Mapping[str, str]) -> Decision | None:
    """An empty value in a settings file hides the shell's."""
    found = next((each for each in scopes if name in each.settings.env), None)
    value = found.settings.env[name] if found else environ.get(name, "")
    return Decision(value, found) if value else None


def leading_elsewhere(settings: Settings, url: str) -> dict[str, str]:
    """The variables in a file that lead a client to another place than ``url``."""
    env = settings.env
    chosen = {name: env[name] for name in PROVIDERS if true(env.get(name))}
    named = {name: env[name] for name in ("ANTHROPIC_BASE_URL", "ANTHROPIC_UNIX_SOCKET") if env.get(name)}
    if url and named.get("ANTHROPIC_BASE_URL", "").rstrip("/") == url:
        del named["ANTHROPIC_BASE_URL"]
    return {**chosen, **named}


def true(value: str | None) -> bool:
    """As Claude Code reads a switch."""
    return (value or "").lower() in ("1", "true", "yes", "on")
