"""Checks of Claude Code: is it here, and will a plainly started one find c2o?

``c2o run`` beats nearly all of it; what is found here matters to a ``claude`` that is started without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from urllib.parse import urlsplit

from c2o.claude import loose_settings
from c2o.claude.settings import Decision, Scoped, decided, leading_elsewhere, true
from c2o.doctor.finding import Finding, Fix, mend, run
from c2o.doctor.machine import Machine
from c2o.printable import printable
from c2o.service.probe import listens
from c2o.urls import without_credentials
from c2o.variables import LOOPBACK, PROVIDERS

_ok = partial(Finding, group="claude", level="ok")
_warn = partial(Finding, group="claude", level="warn")
_fail = partial(Finding, group="claude", level="fail")

URL = "ANTHROPIC_BASE_URL"

PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
"""Each of them catches requests to this machine too, in one version of Claude Code or another (2.1.197, 2.1.329)."""

ALL_THE_SAME = "c2o run claude comes to c2o all the same"


def binary(machine: Machine) -> Iterator[Finding]:
    if machine.claude is None:
        fix = run("npm install -g @anthropic-ai/claude-code", safe=False)
        yield _warn(id="claude.binary", title="there is no claude command here", fix=fix)
    elif machine.claude_version is None:
        yield _warn(id="claude.binary", title=f"{machine.claude} doesn't tell its version", fix=run("claude --version"))
    else:
        yield _ok(id="claude.binary", title=f"claude {printable(machine.claude_version)}", detail=machine.claude)


# Settings files ------------------------------------------------------------------------------------


def settings_files(machine: Machine) -> Iterator[Finding]:
    for place in machine.scopes:
        settings = place.settings
        if settings.problem:
            title = f"{settings.path} {settings.problem}: Claude Code ignores the whole file"
            yield _fail(id="claude.settings.jsonc", title=title, fix=_correct(place))
        elif settings.exists:
            yield _ok(id="claude.settings.jsonc", title=f"{settings.path} is valid")


def _correct(place: Scoped) -> Fix:
    with suppress(OSError):
        if loose_settings.strict(place.settings.path.read_bytes()) is not None:
            return mend("claude.settings.jsonc", "what Claude Code can't read is taken out of it")
    return Fix("correct the file; it must be plain JSON")


def managed(machine: Machine) -> Iterator[Finding]:
    """Nothing that c2o writes or sets is stronger."""
    for place in machine.scopes:
        if place.scope == "managed" and (found := leading_elsewhere(place.settings, machine.url)):
            yield _fail(
                id="claude.managed",
                title=f"{place.settings.path} is managed by your organisation and sets {_names(found)}",
                detail="it beats c2o run as well",
                fix=Fix("ask those who manage it for an exception; c2o can't change it"),
            )


def shadowed(machine: Machine) -> Iterator[Finding]:
    """A weaker file leads here, and a stronger one takes that back."""
    ours = next((n for n, place in enumerate(machine.scopes) if _is_ours(machine, place.settings.env.get(URL))), None)
    for place in machine.scopes[:ours] if ours is not None else ():
        if place.scope != "managed" and (found := leading_elsewhere(place.settings, machine.url)):
            weaker = machine.scopes[ours or 0].settings.path
            title = f"{place.settings.path} sets {_names(found)} and so beats {weaker}, which leads to c2o"
            fix = Fix(f"take {_names(found)} out of its env, or start with: c2o run claude")
            yield _warn(id="claude.settings.shadowed", title=title, fix=fix)


def settings_env(machine: Machine) -> Iterator[Finding]:
    """A settings file beats the shell, but not ``c2o run``."""
    url = _decided(machine, URL)
    if url is None or url.by is None or any(_is_ours(machine, place.settings.env.get(URL)) for place in machine.scopes):
        return
    yield _warn(
        id="claude.settings.env",
        title=f"{url.by.settings.path} leads plain claude to {_shown(url.value)}",
        detail=ALL_THE_SAME,
        fix=run(_on(url.by), safe=False, text="start it with c2o run claude; or lead it here"),
    )


def dead(machine: Machine) -> Iterator[Finding]:
    """Claude Code would try for three minutes before it says a word."""
    url = _decided(machine, URL)
    if url is None or (address := _address(url.value)) is None or address[0] not in LOOPBACK or listens(*address):
        return
    place = url.by.settings.path if url.by else "the shell"
    ours = _is_ours(machine, url.value)
    fix = run("c2o start") if ours else Fix("start what listens there, or start claude with: c2o run claude")
    title = f"{place} leads plain claude to {_shown(url.value)}, where nothing listens"
    yield _fail(id="settings.points_to_dead", title=title, fix=fix)


def base_url(machine: Machine) -> Iterator[Finding]:
    """It would ask for /v1/v1/messages, and blame the model for the 404."""
    for place in machine.scopes:
        if ends_in_v1(place.settings.env.get(URL)):
            fix = mend("claude.base_url.v1", f"write it without: {_shown(without_v1(place.settings.env[URL]))}")
            yield _v1(str(place.settings.path), fix)
    if ends_in_v1(machine.environ.get(URL)):
        yield _v1("the shell", Fix(f"export {URL}={_shown(without_v1(machine.environ[URL]))}"))


def _v1(place: str, fix: Fix) -> Finding:
    title = f"{URL} in {place} ends in /v1, which Claude Code adds itself"
    return _warn(id="claude.base_url.v1", title=title, fix=fix)


def ends_in_v1(url: str | None) -> bool:
    return (url or "").rstrip("/").endswith("/v1")


def without_v1(url: str) -> str:
    return url.rstrip("/").removesuffix("/v1")


# Variables -----------------------------------------------------------------------------------------


def proxy(machine: Machine) -> Iterator[Finding]:
    found = next((name for name in PROXIES if _decided(machine, name)), None)
    exceptions = _decided(machine, "NO_PROXY") or _decided(machine, "no_proxy")
    if found is None or (exceptions and _reaches_loopback(exceptions.value)):
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
    chosen = [name for name in PROVIDERS if (found := _decided(machine, name)) and true(found.value)]
    if chosen:
        yield _warn(
            id="claude.env.bedrock",
            title=f"{', '.join(chosen)} leads plain claude to another provider",
            detail=ALL_THE_SAME,
            fix=Fix(f"start it with c2o run claude; or: unset {' '.join(chosen)}"),
        )


def api_key(machine: Machine) -> Iterator[Finding]:
    if _decided(machine, "ANTHROPIC_API_KEY"):
        yield _warn(
            id="claude.env.api_key",
            title="ANTHROPIC_API_KEY is set: plain claude asks whether to use it, and sends it to c2o",
            detail="c2o run blanks it; c2o never passes it on",
            fix=Fix("start it with c2o run claude; or: unset ANTHROPIC_API_KEY"),
        )


def _decided(machine: Machine, name: str) -> Decision | None:
    return decided(name, machine.scopes, machine.environ)


def _names(found: dict[str, str]) -> str:
    return ", ".join(found)


def _on(place: Scoped) -> str:
    return "c2o claude on" + (" --scope project" if place.scope in ("local", "project") else "")


def _shown(url: str) -> str:
    return printable(without_credentials(url))


def _is_ours(machine: Machine, url: str | None) -> bool:
    """Does it lead to the service, where it runs or would run?"""
    address = _address(url or "")
    return address is not None and address[0] in LOOPBACK and address[1] in machine.ports


def _address(url: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None
