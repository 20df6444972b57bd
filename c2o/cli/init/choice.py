"""What ``c2o init`` is to set up: from flags, or asked for."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from c2o import urls
from c2o.config import Limits, Upstream
from c2o.errors import UsageError
from c2o.presets import PRESETS, Preset
from c2o.routing import TIERS
from c2o.wire.probe import ListedModel


class Given(NamedTuple):
    """What the flags say."""

    upstream: str | None = None
    """A preset's name, or a URL."""
    name: str | None = None
    key_env: str | None = None
    no_key: bool = False
    model: str | None = None
    mapped: Mapping[str, str] = {}
    port: int | None = None
    imported: str | None = None
    """A tool, or a file of it."""
    probe: bool = False
    """Is all to be asked that the models can do?"""
    save_keys: bool = False
    service: bool | None = None
    """Is the system to keep the service running?  None, here and below: the person decides."""
    claude: bool | None = None
    """Are Claude's settings to lead to c2o?"""
    completions: bool | None = None
    """Is the shell to complete c2o's commands?"""


class Draft(NamedTuple):
    """What goes into the configuration, as TOML has it."""

    upstreams: Mapping[str, Mapping[str, Any]] = {}
    """None as a value takes it away."""
    models: Mapping[str, str | list[str]] = {}
    limits: Mapping[str, Mapping[str, int]] = {}
    """By ``upstream/model``; what somebody has set by hand is stronger."""
    routes: Mapping[str, Any] = {}
    port: int | None = None


class Choice(NamedTuple):
    """One upstream and its models, ready to be tried and written."""

    name: str
    base_url: str
    api_key: str | None
    """As the configuration has it: ``env:NAME``, or the key itself."""
    models: Mapping[str, str] = {}
    """For ``[models]``: a name, or a tier, → ``upstream/model``."""
    dialect: str | None = None
    port: int | None = None
    limits: Mapping[str, Limits] = {}
    """By model, as far as the upstream tells."""
    as_it_is: bool = False
    """The upstream is configured, and stays like that."""

    def mapping(self, models: Mapping[str, str]) -> Choice:
        """The same, with names → models of this upstream."""
        return self._replace(models={name: f"{self.name}/{model}" for name, model in models.items()})

    def with_limits(self, listed: Collection[ListedModel]) -> Choice:
        """The same, with what the upstream's list tells of the chosen models."""
        known = {each.id: Limits(context_window=each.context_window, max_output_tokens=each.max_output_tokens)
                 for each in listed if each.context_window or each.max_output_tokens}  # fmt: skip
        return self._replace(limits={model: known[model] for model in self.chosen if model in known})

    @property
    def draft(self) -> Draft:
        table = {"base_url": self.base_url, "api_key": self.api_key}
        table |= {"dialect": self.dialect} if self.dialect else {}
        limits = {f"{self.name}/{model}": _table(each) for model, each in self.limits.items()}
        return Draft({} if self.as_it_is else {self.name: table}, self.models, limits, port=self.port)

    @property
    def chosen(self) -> list[str]:
        """Its own models, each once, the default first."""
        targets = dict.fromkeys([self.models.get("default", ""), *self.models.values()])
        return [target.removeprefix(f"{self.name}/") for target in targets if target.startswith(f"{self.name}/")]


def _table(limits: Limits) -> dict[str, int]:
    table = {"context_window": limits.context_window, "max_output_tokens": limits.max_output_tokens}
    return {key: value for key, value in table.items() if value is not None}


def from_flags(given: Given, known: Mapping[str, Upstream]) -> Choice:
    """A choice of flags alone.  ``known``: the configured upstreams.

    Raises UsageError that names the flags that are missing.
    """
    if missing := [flag for flag, value in (("--upstream", given.upstream), ("--model", given.model)) if not value]:
        raise _missing(missing)
    place = place_of(given, known)
    if place.api_key is None and not given.no_key and place.wants_key:
        raise _missing(["--key-env (or --no-key)"])
    return place.choice(given).mapping({"default": given.model or "", **given.mapped})


def check(given: Given) -> None:
    """Raises UsageError for flags that an import leaves nothing to do for."""
    of_one = {
        "--upstream": given.upstream, "--name": given.name, "--key-env": given.key_env, "--no-key": given.no_key,
        "--model": given.model, "--map": given.mapped,
    }  # fmt: skip
    if given.imported and (named := [flag for flag, value in of_one.items() if value]):
        raise UsageError(f"--import brings upstreams, keys and models of its own: leave {' and '.join(named)} out.")


def _missing(flags: list[str]) -> UsageError:
    return UsageError(
        f"without a terminal, or with --yes, init asks nothing: it needs {' and '.join(flags)}. "
        "For example: c2o init --upstream nim --key-env NVIDIA_API_KEY --model MODEL --yes"
    )


def here(key: str, preset: Preset, environ: Mapping[str, str]) -> Preset:
    """The preset, where it listens on this machine."""
    host = environ.get("OLLAMA_HOST", "") if key == "ollama" else ""
    address = ollama_address(host)
    return preset._replace(base_url=address) if address else preset


def ollama_address(host: str) -> str:
    """What ``OLLAMA_HOST`` means, if that is this machine: https://docs.ollama.com/faq"""
    try:
        parts = urls.parse(host if "://" in host else f"http://{host}")
        port = parts.port or 11434
    except ValueError:
        return ""
    name = "127.0.0.1" if parts.hostname in ("0.0.0.0", "::", "localhost") else parts.hostname  # noqa: S104 - not bound
    address = f"http://{name}:{port}/v1"
    return address if name and urls.is_loopback(address) else ""


class Place(NamedTuple):
    """An upstream that has been named, without its models."""

    name: str
    base_url: str
    api_key: str | None
    dialect: str | None
    usual_key: str | None = None
    """The variable that a preset takes its key from."""
    wants_key: bool = False
    """Nothing is known of a key, and it is on another machine."""

    def choice(self, given: Given) -> Choice:
        return Choice(
            name=self.name,
            base_url=self.base_url,
            api_key=self.api_key,
            dialect=self.dialect,
            port=given.port,
        )


def place_of(given: Given, known: Mapping[str, Upstream]) -> Place:
    """What ``given.upstream`` names: an upstream that is configured, a preset, or a URL.  Raises UsageError."""
    asked = given.upstream or ""
    if asked in known:
        there = known[asked]
        return Place(asked, there.base_url, _key(given, _first_key(there)), None)
    if asked in PRESETS:
        preset = here(asked, PRESETS[asked], os.environ)
        usual = f"env:{preset.key_env}" if preset.key_env else None
        return Place(given.name or asked, preset.base_url, _key(given, usual), preset.dialect, preset.key_env)
    if "://" not in asked:
        names = list(dict.fromkeys([*known, *PRESETS]))
        like = difflib.get_close_matches(asked, names, n=1)
        meant = f" Did you mean {like[0]}?" if like else ""
        raise UsageError(
            f"there is no upstream {asked!r}.{meant} Known are {', '.join(names)}; or give a URL with http(s)://."
        )
    base_url = checked_url(asked)
    name = given.name or _name_for(base_url, known)
    key = _key(given, _first_key(known[name]) if name in known else None)
    return Place(name, base_url, key, None, wants_key=not urls.is_loopback(base_url) and name not in known)


def _first_key(there: Upstream) -> str | None:
    return next(iter(there.key_sources()), None)


def _key(given: Given, otherwise: str | None) -> str | None:
    if given.no_key:
        return None
    return f"env:{checked_variable(given.key_env)}" if given.key_env else otherwise


def checked_url(base_url: str) -> str:
    """Raises UsageError for what is no base URL."""
    try:
        urls.parse(base_url)
    except ValueError as error:
        raise UsageError(f"the upstream's address: {error}. Give one like https://llm.example.com/v1") from None
    return base_url.strip()


def checked_variable(name: str) -> str:
    """Raises UsageError for what can't be a variable's name; it isn't repeated, for it may be the key itself."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise UsageError("--key-env takes the name of a variable, such as NVIDIA_API_KEY, not the key.")
    return name


def _name_for(base_url: str, known: Mapping[str, Upstream]) -> str:
    """A URL is named for its host; one that is configured keeps its name."""
    there = next((name for name, each in known.items() if urls.root(each.base_url) == urls.root(base_url)), None)
    return there or _unused(_host_word(base_url), known)


def _host_word(base_url: str) -> str:
    """``https://llm.example.com/v1`` → ``example``"""
    host = urls.parse(base_url).hostname or ""
    words = host.split(".")
    if urls.is_loopback(base_url) or re.fullmatch(r"[\d.:a-f]+", host):
        return "local"
    return re.sub(r"[^a-z0-9_-]", "-", words[-2] if len(words) > 1 else words[0])


def _unused(word: str, known: Collection[str]) -> str:
    candidates = [word, *(f"{word}{number}" for number in range(2, len(known) + 3))]
    return next(name for name in candidates if name not in known)


def parsed_map(entries: Collection[str]) -> dict[str, str]:
    """``opus=MODEL`` of ``--map``.  Raises UsageError."""
    mapped = {}
    for entry in entries:
        tier, equals, model = entry.partition("=")
        if not equals or not model or tier not in TIERS:
            raise UsageError(f"--map {entry}: write TIER=MODEL, where TIER is one of {', '.join(TIERS)}.")
        mapped[tier] = model
    return mapped
