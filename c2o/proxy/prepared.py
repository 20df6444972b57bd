"""A configuration together with what it names elsewhere, keys and certificates.  To read them may take seconds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from c2o import secret
from c2o.config import Config, quoted
from c2o.errors import CredentialError
from c2o.proxy.network import Network
from c2o.secret import Secret


class Prepared(NamedTuple):
    config: Config
    keys: Mapping[str, list[Secret]]
    """Of each upstream."""
    networks: Mapping[str, Network]
    """The way to each."""


def prepared(config: Config, environ: Mapping[str, str] = os.environ, before: Prepared | None = None) -> Prepared:
    """Read what ``config`` names.  Raises CredentialError with upstream and place.

    What a command or the keyring said ``before`` still holds: a person may have to put a finger on something for it.
    """
    known = _told(before) if before else {}
    keys = {name: _keys(config, name, environ, known) for name in config.upstreams}
    networks = {name: Network(name, upstream, environ) for name, upstream in config.upstreams.items()}
    return Prepared(config, keys, networks)


def _keys(config: Config, name: str, environ: Mapping[str, str], known: Mapping[str, Secret]) -> list[Secret]:
    try:
        return [known.get(source) or secret.find(source, environ) for source in config.upstreams[name].key_sources()]
    except CredentialError as error:
        raise CredentialError(f"upstream {name}: {error}", place=f"[upstreams.{quoted(name)}] api_key") from None


def _told(before: Prepared) -> dict[str, Secret]:
    """What commands and the keyring have said, by source."""
    sources = ((name, upstream.key_sources()) for name, upstream in before.config.upstreams.items())
    pairs = (pair for name, several in sources for pair in zip(several, before.keys[name], strict=True))
    return {source: key for source, key in pairs if source.startswith(("command:", "keyring:"))}
