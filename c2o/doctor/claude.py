"""Checks of Claude Code: is it here, and will it find c2o?

``c2o run`` beats nearly all of it; what is found here matters to a ``claude`` that is started without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

from c2o.claude.environment import LOOPBACK, PROVIDERS
from c2o.claude.settings import true
from c2o.config import Config
from c2o.doctor.finding import Finding, Fix, run
from c2o.doctor.machine import Machine
from c2o.printable import printable

_ok = partial(Finding, group="claude", level="ok")
_warn = partial(Finding, group="claude", level="warn")
_fail = partial(Finding, group="claude", level="fail")

PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
"""Each of them catches requests to this machine too, in one version of Claude Code or another (2.1.197, 2.1.329)."""


def binary(machine: Machine) -> Iterator[Finding]:
    if machine.claude is None:
        fix = run("npm install -g @anthropic-ai/claude-code", safe=False)
        yield _warn(id="claude.binary", title="there is no claude command here", fix=fix)
    elif machine.claude_version is None:
        yield _warn(id="claude.binary", title=f"{machine.claude} doesn't tell its version", fix=run("claude --version"))
    else:
        yield _ok(id="claude.binary", title=f"claude {printable(machine.claude_version)}", detail=machine.claude)


def settings_file(machine: Machine) -> Iterator[Finding]:
    settings = machine.settings
    if settings.problem:
        title = f"{settings.path} {settings.problem}: Claude Code ignores the whole file"
        yield _fail(id="claude.settings.jsonc", title=title, fix=Fix("correct the file; it must be plain JSON"))
    elif settings.exists:
        yield _ok(id="claude.settings.jsonc", title=f"{settings.path} is valid")


def settings_env(machine: Machine) -> Iterator[Finding]:
    """A settings file beats the shell, but not ``c2o run``."""
    url = machine.settings.env.get("ANTHROPIC_BASE_URL", "")
    if not url or _is_ours(machine, url):
        return
    yield _warn(
        id="claude.settings.env",
        title=f"{machine.settings.path} leads plain claude to {printable(url)}",
        detail="c2o run claude comes to c2o all the same",
        fix=Fix("start it with c2o run claude; or take ANTHROPIC_BASE_URL out of the file's env"),
    )


def base_url(machine: Machine) -> Iterator[Finding]:
    """It would ask for /v1/v1/messages, and blame the model for the 404."""
    url = machine.variables.get("ANTHROPIC_BASE_URL", "")
    if not url.rstrip("/").endswith("/v1"):
        return
    place = str(machine.settings.path) if "ANTHROPIC_BASE_URL" in machine.settings.env else "the shell"
    title = f"ANTHROPIC_BASE_URL in {place} ends in /v1, which Claude Code adds itself"
    without = url.rstrip("/").removesuffix("/v1")
    yield _warn(id="claude.base_url.v1", title=title, fix=Fix(f"write it without: {printable(without)}"))


def proxy(machine: Machine) -> Iterator[Finding]:
    variables = machine.variables
    found = next((name for name in PROXIES if variables.get(name)), None)
    if found is None or _reaches_loopback(variables.get("NO_PROXY") or variables.get("no_proxy") or ""):
        return
    yield _warn(
        id="claude.env.http_proxy",
        title=f"{found} is set and NO_PROXY lacks 127.0.0.1: plain claude sends even local requests to the proxy",
        detail="c2o run adds it",
        fix=Fix(f"export NO_PROXY={','.join(LOOPBACK)}"),
    )


def _reaches_loopback(no_proxy: str) -> bool:
    hosts = {host.strip() for host in no_proxy.split(",")}
    return bool(hosts & {"127.0.0.1", "*"})


def selectors(machine: Machine) -> Iterator[Finding]:
    """``c2o run`` takes them away from the shell's environment, and Claude Code ignores the settings' then."""
    chosen = [name for name in PROVIDERS if true(machine.variables.get(name))]
    if chosen:
        yield _warn(
            id="claude.env.bedrock",
            title=f"{', '.join(chosen)} leads plain claude to another provider",
            detail="c2o run claude comes to c2o all the same",
            fix=Fix(f"start it with c2o run claude; or: unset {' '.join(chosen)}"),
        )


def api_key(machine: Machine) -> Iterator[Finding]:
    if machine.variables.get("ANTHROPIC_API_KEY"):
        yield _warn(
            id="claude.env.api_key",
            title="ANTHROPIC_API_KEY is set: plain claude asks whether to use it, and sends it to c2o",
            detail="c2o run blanks it; c2o never passes it on",
            fix=Fix("start it with c2o run claude; or: unset ANTHROPIC_API_KEY"),
        )


def _is_ours(machine: Machine, url: str) -> bool:
    """Does it lead to the service, where it runs or would run?"""
    ports = {machine.service.instance.port} if machine.service.instance else set()
    if isinstance(machine.config_or_error, Config):
        ports.add(machine.config_or_error.server.port)
    try:
        host, port = urlsplit(url).hostname, urlsplit(url).port
    except ValueError:
        return False
    return host in LOOPBACK and port in ports
