"""Finding a command and becoming it, so that its exit code, signals and job control are its own."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from c2o import become as process
from c2o.errors import C2oError

CLAUDE_FOLDERS = ("~/.local/bin", "~/.claude/local", "~/.npm-global/bin", "/opt/homebrew/bin", "/usr/local/bin")
"""Where Claude Code's installers put it; a service's or an editor's PATH often lacks them."""


class NotFound(C2oError):
    exit_code = 127


class NotExecutable(C2oError):
    exit_code = 126


def find(command: str, path: str) -> str:
    """The file that ``command`` means.  Raises NotFound or NotExecutable."""
    if found := shutil.which(command, path=path):
        return found
    if os.sep in command and Path(command).is_dir():
        raise NotExecutable(f"{command} is a folder. Name the program in it.")
    if os.sep in command and Path(command).exists():
        raise NotExecutable(f"{command} is not executable. Make it so: chmod +x {command}")
    if command == "claude" and (found := shutil.which(command, path=_claude_path())):
        return found
    raise NotFound(f"{command} was not found. {_advice(command)}")


def _claude_path() -> str:
    folders = (*CLAUDE_FOLDERS, *_npm_folders())
    return os.pathsep.join(str(Path(folder).expanduser()) for folder in folders)


def _npm_folders() -> list[str]:
    """Where npm puts global commands, if that isn't its usual place; npm isn't asked, because it would write a log.

    https://docs.npmjs.com/cli/configuring-npm/npmrc
    """
    variables = [value for name, value in os.environ.items() if name.lower() == "npm_config_prefix"]
    return [f"{prefix}/bin" for prefix in [*variables, _npmrc_prefix()] if prefix]


def _npmrc_prefix() -> str | None:
    try:
        text = Path("~/.npmrc").expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.search(r"^\s*prefix\s*=\s*[\"']?([^\"'\n]+)", text, re.MULTILINE)
    return found[1].strip().replace("${HOME}", "~") if found else None


def _advice(command: str) -> str:
    if command == "claude":
        return "Install Claude Code: npm install -g @anthropic-ai/claude-code"
    return "Is it installed, and in the PATH?"


def with_settings(arguments: list[str], env: Mapping[str, str]) -> list[str]:
    """Claude Code's command line with variables that beat its settings files.

    Of two ``--settings`` it takes the last alone: where the person gives some, they hold.
    """
    own = any(word.partition("=")[0] == "--settings" for word in arguments)
    if not env or own or Path(arguments[0]).name != "claude":
        return arguments
    return [arguments[0], "--settings", json.dumps({"env": dict(env)}), *arguments[1:]]


def own_python() -> str:
    """The interpreter that has c2o, as it can be typed: ``python`` may be another."""
    usual = shutil.which("python")
    return "python" if usual and Path(usual).absolute() == Path(sys.executable).absolute() else sys.executable


def become(file: str, arguments: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Replace this process by ``file``.  Raises NotExecutable where the system refuses it."""
    if sys.platform == "win32":
        _stand_in_for(file, arguments, environment)
    try:
        process.become(file, arguments, environment)
    except OSError as error:
        raise NotExecutable(_refused(file, error)) from None


def _refused(file: str, error: OSError) -> str:
    if error.errno == errno.ENOEXEC:
        return f"{file} is no program that this system knows. If it is a script, give it a first line like #!/bin/sh"
    return f"{file} can't be executed: {error.strerror}. Try it by itself to see why."


def _stand_in_for(file: str, arguments: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Windows has no exec: wait for the child, and let Ctrl-C be its business."""
    with subprocess.Popen([file, *arguments[1:]], env=dict(environment)) as child:  # noqa: S603
        while True:
            try:
                sys.exit(child.wait())
            except KeyboardInterrupt:
                continue
