"""What the command line and ``python -m c2o.proxy.probe`` say to each other.

A Job goes in on stdin, so that the key is never in a command line; each check comes back as a line with a Found.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

Check = Literal[
    "models", "catalogue", "stream", "tool", "window", "limit", "parallel", "required", "named", "vision",
]  # fmt: skip
"""The list of models; the same with what the server tells of each beside it; a short streamed answer; a tool call, and
its result taken back.  The others are what a model can do: what the server tells of it, an answer's limit, parallel
calls, a call that is required or named, images."""

Fault = Literal["connection", "key", "url", "model", "list", "quota", "busy", "slow", "answer", "no_call"]
"""Why a check failed:

- ``connection``  nothing answers, or not to its end
- ``key``         the key is missing or refused
- ``url``         something answers, but not under this address
- ``model``       the upstream doesn't know the model
- ``list``        there is no list of models; chat may work all the same
- ``quota``       nothing is left to spend
- ``busy``        too many requests, or overloaded
- ``slow``        no answer in time
- ``answer``      an error, or an answer that isn't one
- ``no_call``     the model answered in words where it was asked to call a tool
"""


class Job(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """An upstream, as the configuration describes it, and what to find out about it."""

    checks: list[Check]
    name: str
    """The upstream's, for the sentences."""
    base_url: str
    model: str = ""
    """Needed by all checks but ``models`` and ``catalogue``."""
    key: str = ""
    key_from: str = ""
    """Where the key comes from; safe to print."""
    headers: dict[str, str] = {}
    api: Literal["chat", "responses", "anthropic"] | None = None
    dialect: str | None = None
    quirks: dict[str, Any] = {}
    extra_body: dict[str, Any] = {}
    proxy: str | None = None
    ca: str | None = None
    client_cert: str | dict[str, str] | None = None
    """The way to it, as the configuration has it."""
    timeout: float = 60.0
    """Seconds for each request."""

    def __repr__(self) -> str:
        return f"Job({self.name!r}, {self.checks})"


class Price(Struct, frozen=True, omit_defaults=True):
    """What an upstream says that a model costs: US dollars for a million tokens."""

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None


class ListedModel(Struct, frozen=True, omit_defaults=True):
    """An entry of an upstream's list of models."""

    id: str
    context_window: int | None = None
    max_output_tokens: int | None = None
    tools: bool | None = None
    vision: bool | None = None
    """What it can do, where that is told."""
    api: str | None = None
    """Where it is served alone, if not at chat completions: ``responses``, ``anthropic``."""
    thinking: bool | None = None
    """Does it think before it answers, where that is told?"""
    price: Price | None = None
    """Where that is told."""


class Found(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of one check."""

    check: Check
    ok: bool
    ms: int
    """Milliseconds that it took."""
    detail: str
    """One sentence."""
    fault: Fault | None = None
    """Of a check that failed."""
    base_url: str | None = None
    """Another spelling of the address, under which the upstream answered where it didn't under the given one."""
    models: list[ListedModel] = []
    first_ms: int | None = None
    """Until the first piece of the answer."""
    streamed: bool = False
    """Did the answer come in pieces?"""
    usage: bool = False
    """Did the upstream say how many tokens were used?"""
    facts: list[str] = []
    """What was learned, as ``c2o.facts`` has it."""
