"""Where c2o's files and Claude's settings live: the one table.

``C2O_HOME`` puts configuration, state and logs into one folder (tests, containers, portable use);
``C2O_CONFIG`` names the configuration file alone.  Otherwise platformdirs decides.
Folders are made with mode 0700 by whoever writes into them first.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs


def _home() -> Path | None:
    value = os.environ.get("C2O_HOME")
    return Path(value).expanduser().absolute() if value else None


def config_file() -> Path:
    """The configuration: ``C2O_CONFIG``, else ``config.toml`` in c2o's configuration folder."""
    if value := os.environ.get("C2O_CONFIG"):
        return Path(value).expanduser().absolute()
    return (_home() or Path(platformdirs.user_config_dir("c2o", appauthor=False))) / "config.toml"


def key_file() -> Path:
    """Keys that the service doesn't find in its environment, beside the configuration."""
    return config_file().with_name("keys.env")


def state_dir() -> Path:
    """Lock, state of the running service, and what c2o has learned."""
    if home := _home():
        return home / "state"
    return Path(platformdirs.user_state_dir("c2o", appauthor=False))


def log_file() -> Path:
    """The service's log."""
    if home := _home():
        return home / "log" / "c2o.log"
    return Path(platformdirs.user_log_dir("c2o", appauthor=False)) / "c2o.log"


def claude_config_dir() -> Path:
    """Claude Code's folder of settings: ``CLAUDE_CONFIG_DIR``, else ``~/.claude``."""
    value = os.environ.get("CLAUDE_CONFIG_DIR")
    return Path(value).expanduser().absolute() if value else Path.home() / ".claude"


def claude_state_file() -> Path:
    """What Claude Code keeps beside its settings (accounts, approvals); in ``CLAUDE_CONFIG_DIR`` if that is set."""
    return (claude_config_dir() if os.environ.get("CLAUDE_CONFIG_DIR") else Path.home()) / ".claude.json"


def claude_settings_file() -> Path:
    """Claude Code's user settings."""
    return claude_config_dir() / "settings.json"


def claude_local_settings_file(project: Path) -> Path:
    """A person's own settings for one project, which Claude Code keeps out of version control."""
    return project / ".claude" / "settings.local.json"


def claude_project_settings_file(project: Path) -> Path:
    """The settings that everybody shares who works on a project."""
    return project / ".claude" / "settings.json"


def claude_managed_settings() -> list[Path]:
    """The settings of an organisation, in the order in which Claude Code reads them.

    https://code.claude.com/docs/en/settings
    """
    folder = _MANAGED.get(sys.platform, Path("/etc/claude-code"))
    return [folder / "managed-settings.json", *sorted((folder / "managed-settings.d").glob("*.json"))]


_MANAGED = {
    "darwin": Path("/Library/Application Support/ClaudeCode"),
    "win32": Path(r"C:\Program Files\ClaudeCode"),
}


def current_folder() -> Path:
    """Where we are; the place that the shell remembers if that has been removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path(os.environ.get("PWD") or os.sep)


def real(path: Path) -> Path:
    """``path`` with all links followed, as far as they lead; never fails, not even over a circle of links."""
    return Path(os.path.realpath(path))


def private_dir(path: Path) -> Path:
    """Make ``path`` (and its parents) as a folder only its owner can enter."""
    for folder in reversed([path, *path.parents]):  # mkdir's own parents=True leaves their mode to the umask
        folder.mkdir(mode=0o700, exist_ok=True)
    return path
