"""What is here already: servers of this machine, keys in the environment (by name), Claude Code, a service manager.

All is looked for at once; the slowest of them decides how long it takes.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

from c2o import imports, key_file, service, urls
from c2o.cli.init.choice import here
from c2o.doctor import Machine
from c2o.imports import Import
from c2o.presets import PRESETS, Preset

CONNECTED_WITHIN = 0.3
"""Seconds for a server on this machine to take a connection."""

ANSWERED_WITHIN = 2.0
"""Seconds for its list of models."""

LARGEST = 4 * 1024 * 1024
"""Bytes of such a list."""


class Seen(NamedTuple):
    """A preset, and what speaks for it."""

    key: str
    preset: Preset
    ready: bool
    """Can it be used as it is?"""
    note: str
    """Why, or why not, in a few words."""


class Around(NamedTuple):
    """This machine."""

    seen: list[Seen]
    """All presets, those that are ready first."""
    claude: str
    """Claude Code's version, ``?`` if it doesn't tell; empty where there is none."""
    manager: str
    """The service manager that works here; ``detached`` if there is none."""
    imports: list[Import]
    """The configurations of other tools."""

    def found(self) -> list[str]:
        """What is worth a word."""
        claude = [f"Claude Code {self.claude}".removesuffix(" ?")] if self.claude else []
        manager = [self.manager] if self.manager != "detached" else []
        return [*claude, *manager, *(each.preset.title for each in self.seen if each.ready),
                *(each.title for each in self.imports)]  # fmt: skip


def look(environ: Mapping[str, str], tell: Callable[[str], None] = lambda _: None) -> Around:
    """``tell`` hears what is still being looked for."""
    presets = {key: here(key, preset, environ) for key, preset in PRESETS.items()}
    local = {key: preset for key, preset in presets.items() if urls.is_loopback(preset.base_url) and key != "demo"}
    with ThreadPoolExecutor(len(local) + 2) as threads:
        models = {key: threads.submit(count_models, preset.base_url) for key, preset in local.items()}
        claude = threads.submit(_claude, environ)
        manager = threads.submit(service.preferred)
        titles: dict[Future[Any], str] = {future: local[key].title for key, future in models.items()}
        _tell_of(titles | {claude: "Claude Code", manager: "service manager"}, tell)
    seen = [
        _local(key, preset, models[key].result()) if key in models else _remote(key, preset, environ)
        for key, preset in presets.items()
    ]
    return Around(sorted(seen, key=_rank), claude.result(), manager.result(), _imports(environ))


def _imports(environ: Mapping[str, str]) -> list[Import]:
    return imports.found(Path.home(), key_file.beside(environ))


def _tell_of(running: Mapping[Future[Any], str], tell: Callable[[str], None]) -> None:
    left = list(running.values())
    tell(f"looking around: {', '.join(left)}")
    for future in as_completed(running):
        left.remove(running[future])
        tell(f"looking around: {', '.join(left)}")


def _rank(seen: Seen) -> int:
    """Servers that run here, those with a key, those that want one, servers that don't run, then the demo."""
    local = urls.is_loopback(seen.preset.base_url)
    return (
        4 if seen.key == "demo" else {(True, True): 0, (True, False): 1, (False, False): 2}.get((seen.ready, local), 3)
    )


def _remote(key: str, preset: Preset, environ: Mapping[str, str]) -> Seen:
    if preset.key_env is None:
        return Seen(key, preset, ready=False, note="scripted answers: no key, no account")
    is_set = bool(environ.get(preset.key_env))
    return Seen(key, preset, is_set, f"{preset.key_env} is set" if is_set else "needs a key")


def _local(key: str, preset: Preset, count: int | None) -> Seen:
    parts = urls.parse(preset.base_url)
    place = f"{parts.hostname}:{parts.port}"
    if count is None:
        return Seen(key, preset, ready=False, note="isn't running")
    return Seen(key, preset, ready=count > 0, note=f"{place}  {count} {'model' if count == 1 else 'models'}")


def count_models(base_url: str) -> int | None:
    """The models of a server on this machine; None if there is none, or it is something else."""
    parts = urls.parse(base_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=CONNECTED_WITHIN)
    try:
        connection.connect()
        connection.sock.settimeout(ANSWERED_WITHIN)
        connection.request("GET", f"{parts.path.rstrip('/')}/models")
        listed = json.loads(connection.getresponse().read(LARGEST))
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()
    models = listed.get("data") if isinstance(listed, dict) else None
    return len(models) if isinstance(models, list) else None


def _claude(environ: Mapping[str, str]) -> str:
    machine = Machine(environ)
    return (machine.claude_version or "?") if machine.claude else ""
