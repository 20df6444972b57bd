"""What Claude's settings say, as ``c2o.claude.settings`` and ``takeover`` have it, wherever that is beyond doubt."""

from __future__ import annotations

import json
import os
import sys

from c2o.prompt import home
from c2o.prompt.home import Unsure
from c2o.variables import LOOPBACK, PROVIDERS, SUGGESTED, suggestions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn, TypeAlias

    Env: TypeAlias = dict[str, str]
    Scopes: TypeAlias = list[tuple[str, Env]]

_MANAGED = {"linux": "/etc/claude-code", "darwin": "/Library/Application Support/ClaudeCode"}

ADDRESSES = ("ANTHROPIC_UNIX_SOCKET", *PROVIDERS, "ANTHROPIC_BASE_URL")
"""The variables that say where a client goes, the strongest first."""

BOM = b"\xef\xbb\xbf"
"""Claude Code passes over it."""

OUR_TOKEN = "c2o-"  # noqa: S105 - how the tokens begin that c2o makes


def user_file() -> str:
    value = os.environ.get("CLAUDE_CONFIG_DIR")
    return f"{home.plain(value) if value else f'{home.user()}/.claude'}/settings.json"


def managed() -> Scopes:
    """An organisation's settings, the strongest first."""
    folder = _MANAGED[sys.platform]
    try:
        more = sorted(name for name in os.listdir(f"{folder}/managed-settings.d") if name.endswith(".json"))
    except FileNotFoundError:
        more = []
    files = [f"{folder}/managed-settings.json", *(f"{folder}/managed-settings.d/{name}" for name in more)]
    return [(path, env) for path in reversed(files) if (env := _env(path)) is not None]


def scopes() -> Scopes:
    """All files that there are with their ``env``, the strongest first.  Raises Unsure for one that isn't plain."""
    folder = home.plain(os.getcwd())
    local, shared = f"{folder}/.claude/settings.local.json", f"{folder}/.claude/settings.json"
    own = [(path, env) for path in (local, shared, user_file()) if (env := _env(path)) is not None]
    return list({os.path.realpath(path): (path, env) for path, env in [*managed(), *own]}.values())


def _env(path: str) -> Env | None:
    """None if there is no such file."""
    try:
        data = home.read(path)
    except FileNotFoundError:
        return None
    found = json.loads(
        data.removeprefix(BOM).decode(), parse_constant=_refuse, parse_int=float, object_pairs_hook=_once
    )
    env = found.get("env", {})
    if not all(isinstance(value, str) for value in env.values()):
        raise Unsure
    return dict(env)


def _refuse(_: str) -> NoReturn:
    raise Unsure


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object none of whose members is there twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unsure
    return found


def decision(found: Scopes, environ: Mapping[str, str]) -> tuple[str, str, Env | None] | None:
    """The variable that says where a plain ``claude`` goes, the file that sets it, and that file's ``env``.

    The file is ``shell`` and its ``env`` None where none does.
    """
    for name in ADDRESSES:
        path, env = next(((path, env) for path, env in found if name in env), ("shell", None))
        value = (environ if env is None else env).get(name, "")
        if value and (name not in PROVIDERS or value.lower() in ("1", "true", "yes", "on")):
            return name, path, env
    return None


def plainly(found: Scopes) -> tuple[str, str | None]:
    """Where a plain ``claude`` goes, and which file says so."""
    decided = decision(found, os.environ)
    if decided is None:
        return "anthropic", None
    name, path, env = decided
    if name != "ANTHROPIC_BASE_URL" or env is None:
        return "elsewhere", path
    if ours(env):
        return "c2o", path
    if records():
        raise Unsure  # one of them may be of this file
    return "elsewhere", path


def ours(env: Env) -> bool:
    """Is this block one that c2o wrote?"""
    if not (env.get("ANTHROPIC_AUTH_TOKEN", "").startswith(OUR_TOKEN) or SUGGESTED in env):
        return False
    url = env.get("ANTHROPIC_BASE_URL", "")
    if not any(host in url.lower() for host in LOOPBACK):
        return False
    host, _, port = url.removeprefix("http://").partition(":")
    if host in ("127.0.0.1", "localhost") and port.isascii() and port.isdigit():
        return True
    raise Unsure  # the address may be written in another way


def records() -> list[str]:
    """The files that lead to c2o by our doing, links followed."""
    folder = home.state_file("claude")
    try:
        names = [name for name in os.listdir(folder) if name.endswith(".json") and not name.startswith(".")]
    except FileNotFoundError:
        return []
    return [os.path.realpath(home.read_own(f"{folder}/{name}")["real"]) for name in names]


def patched(found: Scopes) -> set[str]:
    """The files whose readers are led to c2o, links followed."""
    own = user_file()
    looks = {os.path.realpath(path) for path, env in found if path == own and ours(env)}
    return {*records(), *looks}


def none_elsewhere() -> None:
    """Raises Unsure if an organisation's settings may lead clients to another place: that is told."""
    if any(name in env for _, env in managed() for name in ADDRESSES):
        raise Unsure


def none_in_the_way(new: Mapping[str, str]) -> None:
    """Raises Unsure if settings of ours say otherwise than ``new``: then Claude Code needs more than variables."""
    for _, env in scopes():
        names = [SUGGESTED, *suggestions(env)]
        if any(env.get(name, "") != new.get(name, "") for name in names) and ours(env):
            raise Unsure
