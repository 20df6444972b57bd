"""What upstreams list, from the file of known models or asked for: all of them at once, each in a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from msgspec import Struct, structs

from c2o import known_models
from c2o.config import Config
from c2o.doctor import Machine, probing
from c2o.errors import C2oError, CredentialError
from c2o.known_models import Catalogue
from c2o.wire.probe import Fault, Found, Job

WITHIN = 15.0
"""Seconds for each request; no model has to be loaded for a list."""

AT_ONCE = 8


class Listing(Struct, frozen=True, kw_only=True):
    """What one upstream lists."""

    catalogue: Catalogue | None
    """None if it never told."""
    problem: str = ""
    """Why it couldn't be asked now, a sentence."""
    fault: Fault | None = None


def listings(machine: Machine, names: list[str], *, refresh: bool, tell: Callable[[str], None]) -> dict[str, Listing]:
    """Of these upstreams; asked is whoever hasn't been for a day, or all of them for a ``refresh``."""
    known, now = known_models.read(known_models.path()), known_models.now()
    config = machine.config
    here = {name: each for name, each in known.items() if name in names and each.is_of(config.upstreams[name].base_url)}
    fresh = {name: each for name, each in here.items() if each.is_fresh(config.upstreams[name].base_url, now)}
    asked = dict(_asked(machine, [name for name in names if refresh or name not in fresh], tell))
    new = {
        name: known_models.listed(config.upstreams[name].base_url, found.models, now)
        for name, found in asked.items()
        if found.ok
    }
    new = {name: known_models.with_details_of(each, here.get(name)) for name, each in new.items()}
    return {name: _listing(name, {**here, **new}, asked) for name in names}


def _listing(name: str, known: Mapping[str, Catalogue], asked: Mapping[str, Found]) -> Listing:
    found = asked.get(name)
    if found is None or found.ok:
        return Listing(catalogue=known.get(name))
    return Listing(catalogue=known.get(name), problem=found.detail, fault=found.fault)


def remembered(found: Mapping[str, Listing]) -> str:
    """Write down what is new.  Returns why it couldn't be done, or nothing."""
    path = known_models.path()
    before = known_models.read(path)
    new = {
        name: each.catalogue for name, each in found.items() if each.catalogue and before.get(name) != each.catalogue
    }
    return known_models.try_to_remember(path, new) if new else ""


def _asked(machine: Machine, names: list[str], tell: Callable[[str], None]) -> Iterator[tuple[str, Found]]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        running: dict[Future[Found], str] = {threads.submit(_ask, machine, name): name for name in names}
        if running:
            tell(f"asking {', '.join(running.values())}")
        for done in as_completed(list(running)):
            yield running.pop(done), done.result()
            if running:
                tell(f"asking {', '.join(running.values())}")


def _ask(machine: Machine, name: str) -> Found:
    key = machine.first_key(name)
    if isinstance(key, CredentialError):
        return _failed("key", str(key))
    try:
        return next(probing.ask(_job(machine.config, name, key)), _failed("slow", "the question was broken off"))
    except C2oError as error:
        return _failed("answer", str(error))


def _job(config: Config, name: str, key: str) -> Job:
    return structs.replace(probing.job_for(config, name, key), checks=["catalogue"], model="", timeout=WITHIN)


def _failed(fault: Fault, detail: str) -> Found:
    return Found(check="catalogue", ok=False, ms=0, detail=detail, fault=fault)
