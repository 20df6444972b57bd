"""The variables for a client in the words of shells, of ``.env`` files and of VS Code; quick to load."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    Set: TypeAlias = Mapping[str, str]
    Unset: TypeAlias = list[str]
    Words: TypeAlias = Callable[[Set, Unset], str]


def text(new: Set, gone: Unset, *, format: str, shell: str | None) -> str:
    """What sets ``new`` and takes ``gone`` away; without a shell's name in the words of the person's own."""
    return FORMATS.get(format, SHELLS[shell or _own_shell()])(new, gone)


def _own_shell() -> str:
    name = os.environ.get("SHELL", "").rpartition("/")[2]
    return name if name in ("fish", "pwsh") else "pwsh" if os.name == "nt" else "bash"


def _bash(new: Set, gone: Unset) -> str:
    lines = [f"unset {name}" for name in gone]
    return _joined([*lines, *(f"export {name}={shlex.quote(value)}" for name, value in new.items())])


def _fish(new: Set, gone: Unset) -> str:
    lines = [f"set -e {name}" for name in gone]
    return _joined([*lines, *(f"set -gx {name} {_fish_quoted(value)}" for name, value in new.items())])


def _pwsh(new: Set, gone: Unset) -> str:
    lines = [f"Remove-Item Env:{name} -ErrorAction SilentlyContinue" for name in gone]
    return _joined([*lines, *(f"$env:{name} = {_pwsh_quoted(value)}" for name, value in new.items())])


def _dotenv(new: Set, gone: Unset) -> str:
    """Such a file can't take a variable away; an empty one has the same effect."""
    values = {**dict.fromkeys(gone, ""), **new}
    return _joined([f"{name}={_dotenv_quoted(value)}" for name, value in values.items()])


def _dotenv_quoted(value: str) -> str:
    """Bare where it can be: ``docker --env-file`` takes quotes for a part of the value."""
    return value if re.fullmatch(r"[\w./:@,+*%=\[\]() -]*", value, re.ASCII) else json.dumps(value)


def _vscode(new: Set, gone: Unset) -> str:
    """What its extension starts Claude Code with: https://code.claude.com/docs/en/vs-code.  Comments are allowed there.

    The extension asks for a login unless it is told not to.
    """
    values = {**dict.fromkeys(gone, ""), **new}
    rows = ",\n".join(f"    {json.dumps({'name': name, 'value': value})}" for name, value in values.items())
    return f"""\
// For VS Code: "Preferences: Open User Settings (JSON)" in its command palette, which opens
//   {_vscode_settings()}
// Paste this inside the outermost braces, with a comma before and after where there are other settings.
// For a window on another machine it is "Open Remote Settings (JSON)", with a c2o on that machine.
"claudeCode.disableLoginPrompt": true,
"claudeCode.environmentVariables": [
{rows}
]
"""


def _vscode_settings() -> str:
    """https://code.visualstudio.com/docs/configure/settings"""
    places = {
        "darwin": "~/Library/Application Support/Code/User/settings.json",
        "win32": r"%APPDATA%\Code\User\settings.json",
    }
    return places.get(sys.platform, "~/.config/Code/User/settings.json")


def _fish_quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _pwsh_quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


SHELLS: dict[str, Words] = {"bash": _bash, "fish": _fish, "pwsh": _pwsh}

FORMATS: dict[str, Words] = {"dotenv": _dotenv, "vscode": _vscode}
