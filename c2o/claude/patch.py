"""The change of a settings file: bytes in, bytes out, and a record of what was there before.

A file that is absent is None.  ValueError says why a file can't be changed, in words that read after its name.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct

from c2o.claude import json_text
from c2o.claude.json_text import Object, Style
from c2o.routing import ALIAS
from c2o.variables import LOOPBACK, SELECTORS, SUGGESTED, suggestions

OUR_TOKEN = "c2o-"  # noqa: S105 - how the tokens begin that c2o makes
"""With a base URL on this machine, the sign that an ``env`` block is ours, whoever has lost the record of it."""

NO_PROXY = ("NO_PROXY", "no_proxy")


class Key(Struct, frozen=True):
    """One variable that we have set."""

    ours: str
    before: str | None = None
    """What stood there, as it was written; None if nothing did."""


class Record(Struct, frozen=True, kw_only=True):
    """What is needed to take a change back."""

    original: bytes | None
    """The whole file without anything of ours; None if there was none."""
    after: str
    """SHA-256 of the file with our change."""
    keys: dict[str, Key]
    made_env: bool
    """There was no ``env``."""


class Undone(NamedTuple):
    data: bytes | None
    left: list[str]
    """Variables that somebody else has changed since; they stay as they are."""


def digest(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()


Variables = Callable[[Mapping[str, str]], Mapping[str, str]]
"""The file's ``env`` without us → what it is to have."""


def applied(data: bytes | None, variables: Variables, record: Record | None = None) -> tuple[bytes, Record]:
    """The file with our variables.  ``record`` is of an earlier change: what is ours is never taken for an original."""
    original = without_ours(data, record)
    clean = Document.of(original)
    before = clean.env_values()
    ours = variables(clean.env_strings())
    here = Document.of(data if data is not None else original)
    outdated = {name: before.get(name) for name, value in here.env_values().items() if before.get(name) != value}
    written = {name: json.dumps(value, ensure_ascii=False) for name, value in ours.items()}
    new = here.with_env({**outdated, **written}).data()
    keys = {name: Key(value, before.get(name)) for name, value in ours.items()}
    return new, Record(original=original, after=digest(new), keys=keys, made_env=clean.env is None)


def without_ours(data: bytes | None, record: Record | None = None) -> bytes | None:
    """The file as it would be without us."""
    return recognised(undone(data, record).data if record else data)


def undone(data: bytes | None, record: Record) -> Undone:
    """The file as it was: byte for byte if nobody else wrote, otherwise variable by variable."""
    if data is None or digest(data) == record.after:
        return Undone(None if data is None else record.original, [])
    document = Document.of(data)
    now = document.env_strings()
    written = document.env_values()
    ours = [name for name, key in record.keys.items() if now.get(name) == key.ours]
    changed = [name for name, key in record.keys.items() if name not in ours and written.get(name) != key.before]
    restored = document.with_env({name: record.keys[name].before for name in ours})
    if record.made_env and restored.env and not restored.env.members:
        restored = restored.edited({"env": None})
    if record.original is None and not restored.top.members:
        return Undone(None, changed)
    return Undone(restored.data(), changed)


def recognised(data: bytes | None) -> bytes | None:
    """The file without what can be told to be ours by itself, for when no record tells it."""
    if data is None:
        return None
    document = Document.of(data)
    env = document.env_strings()
    if not is_ours(env):
        return data
    restored = document.with_env(dict.fromkeys(_tell_tale(env)))
    return (restored.edited({"env": None}) if restored.env and not restored.env.members else restored).data()


def is_ours(env: Mapping[str, str]) -> bool:
    """Does this ``env`` block lead to a c2o, and is it one that we wrote?"""
    token = env.get("ANTHROPIC_AUTH_TOKEN", "")
    return leads_here(env.get("ANTHROPIC_BASE_URL", "")) and (token.startswith(OUR_TOKEN) or SUGGESTED in env)


def leads_here(url: str) -> bool:
    """Is it an address of this machine?"""
    try:
        return urlsplit(url).hostname in LOOPBACK
    except ValueError:
        return False


def _tell_tale(env: Mapping[str, str]) -> Iterator[str]:
    """The variables in a block of ours whose values nobody else would have written."""
    suggested = suggestions(env)
    for name, value in env.items():
        aliased = value.startswith(ALIAS) or env.get(name.removesuffix("_NAME"), "").startswith(ALIAS)
        blank = value == "" and name in ("ANTHROPIC_API_KEY", *SELECTORS)
        proxy = name in NO_PROXY and value == ",".join(LOOPBACK)
        fixed = name in ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", SUGGESTED)
        if fixed or aliased or blank or proxy or suggested.get(name) == value:
            yield name


def carried(before: bytes | None, theirs: bytes, put: bytes | None, onto: bytes | None) -> bytes:
    """``onto`` with what somebody else changed between ``before`` and ``theirs``.

    For two who wrote at the same time: ``put`` has displaced ``theirs``.  What has been changed since stays.
    """
    old, new, ours, here = (Document.of(data) for data in (before, theirs, put, onto))
    env = _changes(old.env_values(), new.env_values(), ours.env_values(), here.env_values())
    rest = _changes(old.values(), new.values(), ours.values(), here.values())
    return here.with_env(env).edited({name: value for name, value in rest.items() if name != "env"}).data()


def _changes(
    old: dict[str, str], new: dict[str, str], ours: dict[str, str], here: dict[str, str]
) -> dict[str, str | None]:
    """What became of each value that has changed, unless it has changed here since."""
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return {name: new.get(name) for name in changed if here.get(name) == ours.get(name)}


class Document(NamedTuple):
    """A settings file, checked: an object whose ``env``, if there is one, holds strings."""

    text: str
    top: Object
    env: Object | None
    mark: bool = False
    """It begins with a byte order mark."""

    @classmethod
    def of(cls, data: bytes | None) -> Document:
        """Raises ValueError for what can't be changed without a guess."""
        if data is None:
            return cls._of("{}\n", mark=False)
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError("is not UTF-8 text") from None
        _check(json_text.parsed(text))
        return cls._of(text, mark=data.startswith(codecs.BOM_UTF8))

    @classmethod
    def _of(cls, text: str, *, mark: bool) -> Document:
        top = json_text.scan(text)
        _check_once(text, top, "")
        env = top.get("env")
        if env is None:
            return cls(text, top, None, mark)
        inside = json_text.scan(text, env.value)
        _check_once(text, inside, "env.")
        return cls(text, top, inside, mark)

    def data(self) -> bytes:
        return (codecs.BOM_UTF8 if self.mark else b"") + self.text.encode()

    def values(self) -> dict[str, str]:
        """The members as they are written."""
        return json_text.values(self.text, self.top)

    def env_values(self) -> dict[str, str]:
        """The variables as they are written."""
        return json_text.values(self.text, self.env) if self.env else {}

    def env_strings(self) -> dict[str, str]:
        return {name: json.loads(value) for name, value in self.env_values().items()}

    def edited(self, changes: Mapping[str, str | None]) -> Document:
        return self._of(json_text.edited(self.text, self.top, changes, self._style()), mark=self.mark)

    def with_env(self, changes: Mapping[str, str | None]) -> Document:
        """With variables set to values as they are to be written, or taken away."""
        look = json_text.style(self.text, self.top, self._style())
        if self.env is None:
            new = {name: value for name, value in changes.items() if value is not None}
            return self.edited({"env": json_text.rendered(new, look.deeper())}) if new else self
        return self._of(json_text.edited(self.text, self.env, changes, look.deeper()), mark=self.mark)

    def _style(self) -> Style:
        """Claude Code's own, with the file's line ends."""
        end = "\r\n" if "\r\n" in self.text else "\n"
        return Style(f"{end}  ", end)


def _check(settings: dict[str, Any]) -> None:
    env = settings.get("env", {})
    if not isinstance(env, dict):
        raise ValueError("has an env that is not an object")
    for name, value in env.items():
        if not isinstance(value, str):
            raise ValueError(f"has a value at env.{name} that is not a string")


def _check_once(text: str, found: Object, path: str) -> None:
    """Which of two values holds is a guess, and a change of one would mislead."""
    seen = set()
    for member in found.members:
        if member.name in seen:
            raise ValueError(f"has {path}{member.name} twice (line {json_text.line_of(text, member.start)})")
        seen.add(member.name)
