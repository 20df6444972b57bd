"""Claude Code's ``settings.json``, as far as it is read here: is it valid, and which variables does it set?

Claude Code ignores a file that is no strict JSON, without a word in print mode; a byte order mark is no harm
(both seen with 2.1.197 and 2.1.329).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from c2o.claude import json_text


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
        return json_text.parsed(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None


def _env(settings: dict[str, object]) -> dict[str, str]:
    env = settings.get("env")
    return {name: value for name, value in env.items() if isinstance(value, str)} if isinstance(env, dict) else {}
