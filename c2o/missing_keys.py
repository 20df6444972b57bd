"""Keys that can't be had: an upstream without its key keeps nobody from the others.

What is routed to it is answered by its fallback, or with a sentence.  Only a service that could answer nothing at all
is of no use: nobody starts one by hand, and it never takes the place of one that can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from c2o import secret
from c2o.config import Config, quoted
from c2o.errors import CredentialError
from c2o.secret import Missing

Whys = Mapping[str, Mapping[str, str]]
"""By upstream and source (``env:NAME``): why there is no key, a sentence that ends with what to do."""


def seen_from(environ: Mapping[str, str], config: Config) -> Whys:
    """What a service with this environment wouldn't have.

    Commands aren't run: the service does that, and a password manager shouldn't ask twice.
    """
    return {name: whys for name, each in config.upstreams.items() if (whys := _whys(each.key_sources(), environ))}


def _whys(sources: list[str], environ: Mapping[str, str]) -> dict[str, str]:
    asked = (source for source in sources if not source.startswith("command:"))
    found = {source: secret.sought(source, environ) for source in asked}
    return {source: key.why for source, key in found.items() if isinstance(key, Missing)}


def without(config: Config, whys: Whys) -> dict[str, str]:
    """The upstreams that have none of their keys, and why, a sentence each."""
    return {
        name: f"upstream {name} is without {_all_of(len(sources))}: {next(iter(whys[name].values()))}"
        for name, each in config.upstreams.items()
        if (sources := set(each.key_sources())) and sources <= whys.get(name, {}).keys()
    }


def _all_of(count: int) -> str:
    return "its key" if count == 1 else f"all of its {count} keys"


def sentences(config: Config, whys: Whys) -> Iterator[str]:
    """Of each upstream without its key, and of each key that others do without."""
    lacking = without(config, whys)
    yield from lacking.values()
    for name in (each for each in whys if each not in lacking):
        sources = config.upstreams[name].key_sources()
        for number, source in enumerate(sources):
            if why := whys[name].get(source):
                yield f"upstream {name} does without {secret.place(source, number, len(sources))}: {why}"


def nobody_answers(config: Config, whys: Whys) -> CredentialError | None:
    """What is to be said where each configured model is of an upstream without its key."""
    lacking = without(config, whys)
    asked = [target.partition("/")[0] for target in [*config.models.get("default", ()), *config.targets()]]
    if not lacking or not lacking.keys() >= set(asked):
        return None
    name, *others = dict.fromkeys(asked)
    also = f" Nor is there one for {' or '.join(others)}, and no other upstream is routed to." if others else ""
    return CredentialError(f"{lacking[name]}{also}", place=f"[upstreams.{quoted(name)}] api_key")
