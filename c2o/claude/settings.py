"""Claude Code's ``settings.json``, as far as it is read here: is it valid, and which variables does it set?

Claude Code ignores a file that is no strict JSON, without a word in print mode; a byte order mark is no harm
(both seen with 2.1.197 and 2.1.329).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple


class Settings(NamedTuple):
    path: Path
    exists: bool
    env: dict[str, str] = {}
    """Its ``env`` block, which beats the shell's environment."""
    problem: str = ""
    """Why Claude Code ignores it; reads after the file's name."""


def read(path: Path) -> Settings:
    """A missing file is no problem."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Settings(path, exists=False)
    except OSError as error:
        return Settings(path, exists=True, problem=f"can't be read: {error.strerror}")
    try:
        return Settings(path, exists=True, env=_env(_parsed(data)))
    except ValueError as error:
        return Settings(path, exists=True, problem=str(error))


def _parsed(data: bytes) -> dict[str, object]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(_what_is_wrong(text, error)) from None
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")
    return value


def _env(settings: dict[str, object]) -> dict[str, str]:
    env = settings.get("env")
    return {name: value for name, value in env.items() if isinstance(value, str)} if isinstance(env, dict) else {}


def _what_is_wrong(text: str, error: json.JSONDecodeError) -> str:
    """In the words of whoever wrote it: what editors accept and JSON doesn't."""
    rest = text[error.pos :].lstrip()
    start = len(text) - len(rest)
    line = text.count("\n", 0, start) + 1
    if not rest:
        return "ends in the middle"
    if rest.startswith(("//", "/*")):
        return f"has a comment (line {line})"
    if rest.lstrip(", \t\r\n").startswith(("}", "]")) and "," in (text[:start].rstrip()[-1:], rest[0]):
        return f"has a comma after the last entry (before line {line}, column {error.colno})"
    return f"is not valid JSON (line {error.lineno}, column {error.colno})"
