"""A configuration together with what it names elsewhere, keys and certificates.  To read them may take seconds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from c2o import missing_keys, secret
from c2o.config import Config
from c2o.errors import CredentialError
from c2o.missing_keys import Whys
from c2o.proxy.network import Network
from c2o.secret import Missing, Secret


class Prepared(NamedTuple):
    config: Config
    keys: Mapping[str, list[Secret | Missing]]
    """Of each upstream, in the order of their sources."""
    networks: Mapping[str, Network]
    """The way to each."""

    def whys(self) -> Whys:
        """The keys that can't be had, and weren't there before either."""
        found = {name: self._whys(name) for name in self.keys}
        return {name: whys for name, whys in found.items() if whys}

    def _whys(self, name: str) -> dict[str, str]:
        pairs = zip(self.config.upstreams[name].key_sources(), self.keys[name], strict=True)
        return {source: key.why for source, key in pairs if isinstance(key, Missing) and key.former is None}

    def missing(self) -> Iterator[str]:
        """A sentence for each upstream without its key, and for each key of others that isn't there or has gone."""
        yield from missing_keys.sentences(self.config, self.whys())
        for name, keys in self.keys.items():
            for source, key in zip(self.config.upstreams[name].key_sources(), keys, strict=True):
                if isinstance(key, Missing) and key.former:
                    place = secret.describe(source)
                    yield f"upstream {name} goes on with the key that it had from {place}, for now: {key.why}"

    def nobody_answers(self) -> CredentialError | None:
        """With upstream and place, where there is no key for any model."""
        return missing_keys.nobody_answers(self.config, self.whys())

    def secrets(self) -> Iterator[Secret]:
        """The keys that there are."""
        yield from filter(None, (key_of(key) for several in self.keys.values() for key in several))


def key_of(key: Secret | Missing) -> Secret | None:
    return key.former if isinstance(key, Missing) else key


def prepared(
    config: Config, environ: Mapping[str, str] = os.environ, before: Prepared | None = None, *, again: bool = False
) -> Prepared:
    """Read what ``config`` names.  Raises CredentialError for a proxy or certificate that can't be used.

    What a command or the keyring said ``before`` still holds, unless they are to be asked ``again``: a person may have
    to put a finger on something for it.  A key that has gone since ``before`` is gone on with: its file may be written
    just now.
    """
    known = _known(before) if before else {}
    keys = {
        name: [_key(source, environ, known.get(source), again=again) for source in each.key_sources()]
        for name, each in config.upstreams.items()
    }
    networks = {name: Network(name, upstream, environ) for name, upstream in config.upstreams.items()}
    return Prepared(config, keys, networks)


def _key(source: str, environ: Mapping[str, str], former: Secret | None, *, again: bool) -> Secret | Missing:
    if former and not again and is_told(source):
        return former
    key = secret.sought(source, environ)
    return key._replace(former=former) if isinstance(key, Missing) else key


def is_told(source: str) -> bool:
    """Is it somebody who may ask a person, and no file or variable that can just be looked at?"""
    return source.startswith(("command:", "keyring:"))


def _known(before: Prepared) -> dict[str, Secret]:
    """The keys that there were, by source."""
    sources = ((name, upstream.key_sources()) for name, upstream in before.config.upstreams.items())
    pairs = (pair for name, several in sources for pair in zip(several, before.keys[name], strict=True))
    return {source: found for source, key in pairs if (found := key_of(key))}
