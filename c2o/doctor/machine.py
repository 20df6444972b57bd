"""What the checks look at; each thing is looked at once."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import Any

from c2o import config, facts, key_file, paths, routing, secret, service
from c2o.claude import launch, settings
from c2o.claude.settings import Scoped
from c2o.config import Config
from c2o.doctor import probing
from c2o.errors import C2oError, ConfigError, CredentialError
from c2o.facts import Fact
from c2o.service import following
from c2o.service.probe import ServiceStatus
from c2o.wire.probe import Found

VERSION_TIMEOUT = 10
"""Seconds for ``claude --version``."""


class Machine:
    """This machine, for one run of the doctor.  ``environ`` is the environment of whoever asks."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.config_file = paths.config_file()

    @cached_property
    def config_or_error(self) -> Config | ConfigError:
        try:
            return config.load(self.config_file)
        except ConfigError as error:
            return error

    @property
    def config(self) -> Config:
        """For checks that need ``config.file``."""
        assert isinstance(self.config_or_error, Config)
        return self.config_or_error

    @cached_property
    def service(self) -> ServiceStatus:
        """Asked with the token of the configuration, where that can be read."""
        there = self.config_or_error
        return following.look(there if isinstance(there, Config) else None)

    @cached_property
    def keys(self) -> dict[str, list[str | CredentialError]]:
        """For each upstream with keys: each of them, or why it can't be had."""
        upstreams = self.config.upstreams.items()
        return {name: [_key(source) for source in each.key_sources()] for name, each in upstreams if each.api_key}

    def first_key(self, name: str) -> str | CredentialError:
        """The first that is there, else why the first isn't; empty for an upstream that wants none."""
        keys = self.keys.get(name, [""])
        return next((key for key in keys if isinstance(key, str)), keys[0])

    def places_of_keys(self, name: str) -> list[str]:
        """Where an upstream's keys are that can be had from here: ``env:NAME``."""
        there = self.config_or_error
        upstream = there.upstreams.get(name) if isinstance(there, Config) else None
        if upstream is None or upstream.api_key is None:
            return []
        pairs = zip(upstream.key_sources(), self.keys[name], strict=True)
        return [secret.describe(source) for source, key in pairs if isinstance(key, str)]

    @cached_property
    def found(self) -> dict[str, list[Found]]:
        """What each upstream answers; nothing of one whose key can't be had.  All are asked at once."""
        keys = {name: self.first_key(name) for name in self.config.upstreams}
        jobs = {name: probing.job_for(self.config, name, key) for name, key in keys.items() if isinstance(key, str)}
        with ThreadPoolExecutor(max(1, len(jobs))) as threads:
            return dict(zip(jobs, threads.map(lambda job: list(probing.ask(job)), jobs.values()), strict=True))

    @cached_property
    def manager(self) -> str:
        """Who keeps the service: ``systemd``, ``launchd``, ``detached``."""
        return service.chosen()

    @property
    def ports(self) -> set[int]:
        """Where the service runs, or would run."""
        there = self.config_or_error
        configured = {there.server.port} if isinstance(there, Config) else set()
        return configured | ({self.service.instance.port} if self.service.instance else set())

    @property
    def url(self) -> str:
        """Where the service runs, or would run; empty if nobody knows."""
        if self.service.instance:
            return self.service.instance.url
        there = self.config_or_error
        return f"http://{there.server.host}:{there.server.port}" if isinstance(there, Config) else ""

    def window(self, upstream: str, model: str, listed: int | None) -> int | None:
        """A model's context window, in tokens: configured, ``listed`` by the upstream, learned, or documented."""
        route = routing.route_to(self.config, f"{upstream}/{model}")
        return route.limits.context_window or listed or route.known_limits(route.learned(self.facts)).context_window

    @cached_property
    def facts(self) -> list[Fact]:
        """What the service has learned."""
        return facts.known()

    @cached_property
    def scopes(self) -> list[Scoped]:
        """The settings files that a ``claude`` reads which is started in this folder, the strongest first."""
        return settings.in_scopes(paths.current_folder())

    @cached_property
    def account(self) -> dict[str, Any]:
        """What Claude Code keeps beside its settings: ``~/.claude.json``; empty if it can't be read."""
        with suppress(OSError, ValueError):
            found = json.loads(paths.claude_state_file().read_bytes())
            return found if isinstance(found, dict) else {}
        return {}

    @cached_property
    def claude(self) -> str | None:
        """Where Claude Code is."""
        try:
            return launch.find("claude", self.environ.get("PATH", ""))
        except C2oError:
            return None

    @cached_property
    def claude_version(self) -> str | None:
        """``2.1.329``; None if it doesn't tell."""
        assert self.claude is not None
        try:
            said = subprocess.run(  # noqa: S603 - the person's own Claude Code
                [self.claude, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT, check=True
            )
        except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
            return None
        return said.stdout.split(" ")[0].strip()


def _key(source: str) -> str | CredentialError:
    try:
        return secret.find(source, key_file.beside()).reveal()
    except CredentialError as error:
        return error
