"""``c2o doctor --bundle``: what a bug report needs, in a zip without secrets."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from c2o import log_file, paths
from c2o.config_mistakes import tables_in
from c2o.doctor import Machine, installation, redaction
from c2o.errors import RefusedFile
from c2o.trace_file import Trace
from c2o.urls import without_credentials

LOG_LINES = 500


def write(path: Path, machine: Machine, diagnosis: Any, trace: Trace | None = None) -> list[str]:
    """Only its owner can read it.  Returns the names of the files in it.  Raises RefusedFile."""
    redact = redaction.redactor(machine)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise RefusedFile(f"{path} is there already. Name another file, or take it away.") from None
    except OSError as error:
        raise RefusedFile(f"{path} can't be written: {error.strerror}. Name another file.") from None
    names = []
    with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in _contents(machine, diagnosis, trace):
            bundle.writestr(name, redact(_homeless(text)))
            names.append(name)
    return names


def _contents(machine: Machine, diagnosis: Any, trace: Trace | None) -> Iterator[tuple[str, str]]:
    yield "doctor.json", _json(diagnosis)
    yield "versions.json", _json(installation.report() | {"claude": _claude(machine)})
    yield "status.json", _json(machine.service.report)
    yield "config.toml", _configuration(machine)
    yield "claude-settings.json", _json({str(each.settings.path): _shown(each.settings) for each in machine.scopes})
    yield "learned.json", _json(machine.facts)
    yield "c2o.log", "\n".join(log_file.tail(paths.log_file(), lines=LOG_LINES)) + "\n"
    if trace:
        yield "trace.json", _json(trace)


def _claude(machine: Machine) -> str:
    return (machine.claude_version if machine.claude else None) or "none"


def _configuration(machine: Machine) -> str:
    """What can't be read isn't passed on: nobody knows what is in it.  The diagnosis says what is wrong with it."""
    try:
        tables = tables_in(machine.config_file.read_text(encoding="utf-8"))
        return tomli_w.dumps(redaction.of_tables(tables))
    except (OSError, ValueError, AttributeError, TypeError):
        return "# not readable, or no configuration\n"


def _shown(settings: Any) -> dict[str, Any]:
    """Which variables are set; what to, nobody need know."""
    url = settings.env.get("ANTHROPIC_BASE_URL")
    shown = {"ANTHROPIC_BASE_URL": without_credentials(url)} if url else {}
    return {"problem": settings.problem, "exists": settings.exists, "env": dict.fromkeys(settings.env, "set") | shown}


def _homeless(text: str) -> str:
    """With ``~`` for the home folder, which has its owner's name in it."""
    home = str(Path.home())
    return text if home == "/" else text.replace(home, "~")


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
