"""The configurations of other tools, told as c2o's: for ``c2o init`` on a machine where one of them is at work.

- ``claude_code_router``  ``~/.claude-code-router/config.json``
- ``litellm``             a proxy's ``config.yaml``
- ``cc_switch``           its database, or the file of older versions
- ``claude_code_proxy``   the ``.env`` of the proxies by that name
- ``draft``               what each collects; ``without``: that without some of its upstreams

Each reads a file, changes nothing, and hands out an ``Import``.  A key that its file has from the environment is
referred to by the same variable; one that stands in the file is found in the environment if it is there as well,
and otherwise goes into ``keys.env``, which only its owner can read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from c2o.errors import ConfigError
from c2o.imports import cc_switch, claude_code_proxy, claude_code_router, litellm
from c2o.imports.draft import Import, Unreadable


class Tool(NamedTuple):
    """A tool whose configuration can be read."""

    title: str
    places: tuple[str, ...]
    """Where its file may be, below the home directory."""
    read: Callable[[Path, Mapping[str, str]], Import]
    """Given the file and the environment.  Raises Unreadable."""
    endings: tuple[str, ...]
    """By which a file that is named is known to be this tool's."""


TOOLS: dict[str, Tool] = {
    "ccr": Tool(
        "claude-code-router", (".claude-code-router/config.json",), claude_code_router.read, ("config.json", ".json5")
    ),
    "litellm": Tool(
        "LiteLLM",
        (".litellm/config.yaml", ".config/litellm/config.yaml", "litellm/config.yaml", "litellm_config.yaml"),
        litellm.read,
        (".yaml", ".yml"),
    ),
    "cc-switch": Tool(
        "cc-switch", (".cc-switch/cc-switch.db", ".cc-switch/config.json"), cc_switch.read, (".db", "cc-switch.json")
    ),
    "claude-code-proxy": Tool(
        "claude-code-proxy", ("claude-code-proxy/.env", ".claude-code-proxy/.env"), claude_code_proxy.read, (".env",)
    ),
}


def found(home: Path, environ: Mapping[str, str]) -> list[Import]:
    """What there is to take over in a home directory; a file that can't be read, or has nothing, isn't there."""
    return [each for name in TOOLS for each in _found(name, home, environ)]


def _found(name: str, home: Path, environ: Mapping[str, str]) -> list[Import]:
    for place in TOOLS[name].places:
        try:
            return [TOOLS[name].read(home / place, environ)]
        except Unreadable:
            continue
    return []


def read(what: str, home: Path, environ: Mapping[str, str]) -> Import:
    """The configuration of the tool that is named, or in the file that is.  Raises ConfigError."""
    if what in TOOLS:
        return _of(what, home, environ)
    path = Path(what).expanduser()
    tool = next((tool for tool in _by_place(path) if path.name.endswith(tool.endings)), None)
    if tool is None:
        raise ConfigError(f"{what} is no file that c2o knows. Name one of {', '.join(TOOLS)}, or a file of theirs.")
    return _read(tool, path, environ)


def _by_place(path: Path) -> list[Tool]:
    """Those first whose folder the file is in: two of them have a ``config.json``."""
    return sorted(
        TOOLS.values(), key=lambda tool: not any(Path(place).parts[-2:] == path.parts[-2:] for place in tool.places)
    )


def _of(name: str, home: Path, environ: Mapping[str, str]) -> Import:
    tool = TOOLS[name]
    path = next((home / place for place in tool.places if (home / place).exists()), None)
    if path is None:
        places = " or ".join(f"~/{place}" for place in tool.places)
        raise ConfigError(f"{tool.title} has no configuration at {places}. Name its file: c2o init --import FILE")
    return _read(tool, path, environ)


def _read(tool: Tool, path: Path, environ: Mapping[str, str]) -> Import:
    try:
        return tool.read(path, environ)
    except Unreadable as error:
        raise ConfigError(f"{path}: {error} Nothing was imported.") from None


__all__ = ["TOOLS", "Import", "found", "read"]
