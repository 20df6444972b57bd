"""Checks of the credentials that Claude Code has by itself: none of them is needed, and some get in the way."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from c2o import paths
from c2o.claude.settings import decided
from c2o.doctor.finding import Finding, Fix
from c2o.doctor.machine import Machine

_warn = partial(Finding, group="claude", level="warn")

SHOWN = 20
"""Characters at the end of a key by which Claude Code remembers what was said about it."""


def helper(machine: Machine) -> Iterator[Finding]:
    """Its key goes out beside our token, with every request, in a header of its own."""
    for place in machine.scopes:
        if place.settings.key_helper:
            yield _warn(
                id="claude.login_key",
                title=f"{place.settings.path} has an apiKeyHelper: plain claude runs it and sends its key to c2o",
                detail="c2o never passes it on",
                fix=Fix("take apiKeyHelper out of the file if nothing else needs it"),
            )


def managed_key(machine: Machine) -> Iterator[Finding]:
    """A key that ``claude`` itself was given at login."""
    if machine.account.get("primaryApiKey"):
        yield _warn(
            id="claude.primary_key",
            title=f"{paths.claude_state_file()} holds a key of Anthropic's: a claude that isn't led to c2o spends it",
            detail="c2o never passes it on",
            fix=Fix("if it is needed no more: /logout in claude"),
        )


def refused_key(machine: Machine) -> Iterator[Finding]:
    """``No`` was once the answer to whether a key be used; it is remembered by the key's end."""
    key = decided("ANTHROPIC_API_KEY", machine.scopes, machine.environ)
    answers = machine.account.get("customApiKeyResponses")
    refused = answers.get("rejected") if isinstance(answers, dict) else None
    if key and isinstance(refused, list) and key.value[-SHOWN:] in refused:
        yield _warn(
            id="claude.refused_key",
            title="ANTHROPIC_API_KEY is set, but claude was once told not to use it, and goes on without",
            detail="c2o run needs no key of Anthropic's",
            fix=Fix(
                f"start it with c2o run claude; or take it out of customApiKeyResponses in {paths.claude_state_file()}"
            ),
        )
