"""Checks of the configuration: can it be read, by whom, and are the keys where it says?"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from functools import partial

from c2o import paths
from c2o.config import Config
from c2o.doctor.finding import Finding, Fix, run
from c2o.doctor.machine import Machine
from c2o.errors import CredentialError
from c2o.service.lifecycle import counted

_ok = partial(Finding, group="config", level="ok")
_warn = partial(Finding, group="config", level="warn")
_fail = partial(Finding, group="config", level="fail")


def file(machine: Machine) -> Iterator[Finding]:
    there = machine.config_or_error
    if isinstance(there, Config):
        contents = f"{counted(len(there.upstreams), 'upstream')}, {counted(len(there.models), 'model')}"
        yield _ok(id="config.file", title=f"{machine.config_file} is valid", detail=contents)
    elif machine.config_file.exists():
        yield _fail(id="config.file", title=str(there), fix=Fix(f"correct {machine.config_file}, then: c2o doctor"))
    else:
        title = f"there is no configuration at {machine.config_file}"
        yield _fail(id="config.file", title=title, fix=run("c2o init", safe=False))


def permissions(machine: Machine) -> Iterator[Finding]:
    """It has a token in it, and may have keys."""
    if os.name != "posix":
        return
    others = "other users of this machine"
    mode = stat.S_IMODE(machine.config_file.stat().st_mode)
    fix = run(f"chmod 600 {shlex.quote(str(machine.config_file))}")
    if mode & 0o022:
        yield _fail(id="perm.config", title=f"{others} may change it, and send your prompts elsewhere", fix=fix)
    elif mode & 0o077:
        yield _warn(id="perm.config", title=f"{others} may read it, and the token in it", fix=fix)
    else:
        yield _ok(id="perm.config", title="only you can read it")


def private_places(_: Machine) -> Iterator[Finding]:
    """The log and what the service remembers tell when somebody worked, and on what models; the key file has keys."""
    if os.name != "posix":
        return
    places = [paths.state_dir(), paths.log_file().parent, paths.key_file()]
    for place in dict.fromkeys(place for place in places if place.exists()):
        if place.stat().st_mode & 0o077:
            title = f"other users of this machine may look into {place}"
            yield _warn(id="perm.state", title=title, fix=run(f"chmod -R go-rwx {shlex.quote(str(place))}"))


def keys(machine: Machine) -> Iterator[Finding]:
    """Where others take turns, one that is missing is no great harm."""
    for name, keys in machine.keys.items():
        sources = machine.config.upstreams[name].key_sources()
        lacking = _warn if any(isinstance(key, str) for key in keys) else _fail
        for number, (key, source) in enumerate(zip(keys, sources, strict=True), 1):
            which = f", key {number} of {len(keys)}" if len(keys) > 1 else ""
            if isinstance(key, CredentialError):
                title = f"{name}{which or ' is without its key'}: {_reason(key)}"
                yield lacking(id="config.key", title=title, fix=_fix(name, source, machine))
            else:
                place = source if source.startswith(("env:", "file:")) else ""
                yield _ok(
                    id="config.key", title=f"{name}{which} is there" if which else f"{name} has a key", detail=place
                )


def _reason(error: CredentialError) -> str:
    return str(error).partition(": export ")[0].rstrip(".")


def _fix(name: str, source: str, machine: Machine) -> Fix:
    if source.startswith("env:"):
        variable = source.removeprefix("env:")
        return Fix(f"export {variable}=…, and if the service runs: c2o restart")
    return Fix(f"correct api_key under [upstreams.{name}] in {machine.config_file}")
