"""The variables that lead a client to c2o, onto any environment: pure, and quick to load.

What Claude Code does with each is in https://code.claude.com/docs/en/env-vars.  Its ``settings.json`` beats the
environment, unless ``CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST`` says that the environment is the host's
business; then only settings managed by an enterprise are stronger.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDERS = (
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_MANTLE",
    "CLAUDE_CODE_USE_ANTHROPIC_AWS",
    "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
    "CLAUDE_CODE_USE_GATEWAY",
)
"""Each of them chooses another provider, whatever the base URL says."""

SELECTORS = (*PROVIDERS, "ANTHROPIC_UNIX_SOCKET", "ANTHROPIC_CUSTOM_HEADERS")
"""Would send the client to another place (a socket beats the base URL), or credentials of another one to us."""

HOST = "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"

LOOPBACK = ("127.0.0.1", "localhost", "::1")

FEATURES = {
    "CLAUDE_CODE_AUTO_MODE_SERVER": "0",  # Anthropic's own safety check can't run here; the client's does
    "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
    "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",  # would spoil the upstream's prompt cache
    "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",  # our models in /model
    "CLAUDE_CODE_DISABLE_1M_CONTEXT": "1",  # the client would put [1m] behind the name of its opus
}

# DISABLE_AUTOUPDATER isn't here: updates bring Claude Code's security fixes, and c2o takes versions it doesn't know.

SUGGESTED = "C2O_SUGGESTED"
"""Remembers which values were our own suggestions: a c2o inside a c2o must not take them for the person's."""


class Models:
    """What the variables say of a session's models."""

    def __init__(self, named: Mapping[str, str], suited: Mapping[str, str]) -> None:
        self.named = named
        """The variables with the models' names."""
        self.suited = suited
        """Suggestions that the main model needs: its window, say."""


def changes(url: str, token: str, models: Models, outer: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What is set in ``outer`` for a client of the service at ``url``, and what is taken away.

    What the person has set and what doesn't lead elsewhere is kept.
    """
    ours = {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_AUTH_TOKEN": token,
        "ANTHROPIC_API_KEY": "",  # a key in the shell would raise a dialog, and reach us for nothing
        HOST: "1",
        **models.named,
        **_without_proxy(url, outer),
    }
    new, gone = _unless_set({**FEATURES, **models.suited}, outer)
    return {**new, **ours}, [*(name for name in SELECTORS if name in outer), *gone]


def onto(outer: Mapping[str, str], new: Mapping[str, str], gone: list[str]) -> dict[str, str]:
    """``outer`` with changes."""
    return {**{name: value for name, value in outer.items() if name not in gone}, **new}


def _unless_set(suggested: dict[str, str], outer: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Our suggestions where the person has set nothing, and the names of outer ones that hold no longer."""
    earlier = suggestions(outer)
    theirs = {name for name in {*suggested, *earlier} if outer.get(name, "") not in ("", earlier.get(name))}
    new = {name: value for name, value in suggested.items() if name not in theirs}
    gone = [name for name in earlier if name in outer and name not in {*new, *theirs}]
    return {**new, SUGGESTED: " ".join(f"{name}={value}" for name, value in new.items())}, gone


def suggestions(env: Mapping[str, str]) -> dict[str, str]:
    """What an environment of ours says that it has suggested."""
    named = (entry.partition("=") for entry in env.get(SUGGESTED, "").split())
    return {name: value for name, equals, value in named if equals}


def _without_proxy(url: str, outer: Mapping[str, str]) -> dict[str, str]:
    """Claude Code sends even loopback through HTTP_PROXY unless NO_PROXY names it."""
    wanted = dict.fromkeys([*LOOPBACK, _host(url)])
    merged = {}
    for name in ("NO_PROXY", "no_proxy"):
        listed = [host.strip() for host in outer.get(name, "").split(",") if host.strip()]
        merged[name] = ",".join([*listed, *(host for host in wanted if host not in listed)])
    return merged


def _host(url: str) -> str:
    """Of ``http://127.0.0.1:8226`` and ``http://[::1]:8226``."""
    return url.partition("://")[2].rpartition(":")[0].strip("[]")
