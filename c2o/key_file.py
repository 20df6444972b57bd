"""Keys for a service that no shell has started: ``keys.env`` beside the configuration.

A service manager doesn't know what a shell exports.  A variable that isn't in the service's own environment is
looked for here; it is never written into a unit, which other users may read.  The file is its owner's alone, a
line for each variable: ``NAME=value``.
"""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from c2o import paths, private_file
from c2o.errors import CredentialError


def read() -> dict[str, str]:
    """The variables in the file; none if there is no file.  Raises CredentialError if it can't be read."""
    path = paths.key_file()
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it isn't UTF-8 text"
        raise CredentialError(f"{path} can't be read: {why}. Correct it, or remove it.") from None
    lines = (line.strip().removeprefix("export ").partition("=") for line in text.splitlines())
    return {
        name.strip(): _unquoted(value.strip()) for name, equals, value in lines if equals and not name.startswith("#")
    }


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def beside(environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """What a service with this environment finds, ours for one: its own variables first."""
    return ChainMap({name: value for name, value in environ.items() if value}, read())


def into(environ: MutableMapping[str, str]) -> None:
    """Complete the environment of the service itself."""
    for name, value in read().items():
        if not environ.get(name):
            environ[name] = value


def save(variables: Mapping[str, str]) -> Path:
    """Put variables into the file, beside those that are there.  Returns its path; raises C2oError if it can't."""
    path = paths.key_file()
    lines = [f"{name}={value}\n" for name, value in {**read(), **variables}.items()]
    private_file.write(path, "".join(["# Keys for the c2o service, for its owner's eyes only.\n", *lines]))
    return path
