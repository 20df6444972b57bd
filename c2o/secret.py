"""Keys and tokens: a type that doesn't show itself, and the places where a key may be kept.

In the configuration a key is written as one of

- ``env:NAME``       an environment variable of the service
- ``file:PATH``      the first line of a file
- ``command:LINE``   the output of a command (a password manager's, say), run without a shell
- ``keyring:NAME``   the system's keyring, where it is ``NAME`` of the service ``c2o`` (https://pypi.org/project/keyring/)
- anything else      the key itself

or as a list of these: several keys, which take turns.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from c2o.errors import CredentialError

COMMAND_TIMEOUT = 20
"""Seconds that a ``command:`` may take; a password manager may ask for a fingerprint."""


class Secret:
    """Text that logs, errors and ``repr`` show as ``***``.  ``reveal`` is for whoever builds a header."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def hint(self) -> str:
        """Enough for its owner to recognise it: ``nvap…a1f3``."""
        return f"{self._value[:4]}…{self._value[-4:]}" if len(self._value) > 16 else "***"

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class Keys(tuple[Secret, ...]):
    """Where the keys of one upstream are, as written; several take turns."""

    __slots__ = ()

    def sources(self) -> list[str]:
        return [each.reveal() for each in self]

    def describe(self) -> str:
        """Where they come from, safe to print: ``env:ONE, env:OTHER``."""
        return ", ".join(dict.fromkeys(map(describe, self.sources())))


def find(source: str, environ: Mapping[str, str] = os.environ) -> Secret:
    """The key that ``source`` leads to.  Raises CredentialError that names the place, never the value.

    ``environ`` is the environment of whoever needs the key.
    """
    kind, separator, rest = source.partition(":")
    read = SOURCES.get(kind) if separator else None
    value = read(rest, environ) if read else source.strip()
    if not value or not value.isprintable() or not value.isascii():
        raise CredentialError(f"the key from {describe(source)} is empty or has characters that no key has.")
    return Secret(value)


class Missing(NamedTuple):
    """A key that isn't where it should be."""

    why: str
    """A sentence that ends with what to do."""
    former: Secret | None = None
    """The one that was there before, with which a running service goes on."""


def sought(source: str, environ: Mapping[str, str] = os.environ) -> Secret | Missing:
    """As ``find``, where a key that can't be had is no reason to stop."""
    try:
        return find(source, environ)
    except CredentialError as error:
        return Missing(str(error))


def is_reference(source: str) -> bool:
    """Does it say where a secret is, instead of being one?"""
    kind, separator, _ = source.partition(":")
    return bool(separator) and kind in SOURCES


def describe(source: str) -> str:
    """Where a key comes from, safe to print."""
    kind, separator, _ = source.partition(":")
    if separator and kind == "command":
        return "the configured command"
    return source if separator and kind in SOURCES else "the configuration file"


def place(source: str, number: int, count: int) -> str:
    """The same for one of several, from 0: ``key 2 of 3 (env:NAME)``."""
    return describe(source) if count == 1 else f"key {number + 1} of {count} ({describe(source)})"


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise CredentialError(
            f"{name} is not set: export {name}=… and start the service again, or write {name}=… "
            "into keys.env beside the configuration, where a running service finds it too."
        )
    return value


def _from_file(path: str, _: Mapping[str, str]) -> str:
    try:
        lines = Path(path).expanduser().read_text(encoding="utf-8").split("\n", 1)
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialError(f"the key file {path} can't be read: {_reason(error)}. Put the key there.") from None
    return lines[0].strip()


def _from_command(line: str, environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the owner of the configuration chose the command
            shlex.split(line), env={**environ}, capture_output=True, text=True, timeout=COMMAND_TIMEOUT, check=True
        )
    except subprocess.CalledProcessError as error:
        raise CredentialError(
            f"the key command ended with code {error.returncode}; run it by hand to see why."
        ) from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise CredentialError(f"the key command can't be run: {_reason(error)}.") from None
    return done.stdout.strip()


def _from_keyring(name: str, _: Mapping[str, str]) -> str:
    try:
        import keyring  # noqa: PLC0415 - an extra, and slow to load
        from keyring.errors import KeyringError  # noqa: PLC0415
    except ImportError:
        raise CredentialError("for a key in the system's keyring: pip install 'c2o[keyring]'") from None
    try:
        value = keyring.get_password("c2o", name)
    except (KeyringError, RuntimeError) as error:
        raise CredentialError(f"the system's keyring can't be asked for {name}: {type(error).__name__}.") from None
    if value is None:
        raise CredentialError(f"the system's keyring has no {name} of c2o. Put it there: keyring set c2o {name}")
    return value.strip()


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


SOURCES: dict[str, Callable[[str, Mapping[str, str]], str]] = {
    "env": _from_environment,
    "file": _from_file,
    "command": _from_command,
    "keyring": _from_keyring,
}
