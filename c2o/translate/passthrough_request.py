"""A client's request for an upstream that speaks Anthropic: its own bytes, but for what must differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec

from c2o.translate.dialect import Dialect
from c2o.translate.extra_body import with_extra
from c2o.translate.reasoning import PREFIX
from c2o.wire.json_bytes import Edit, Member, Span, edited, elements, is_object, members, object_at_start, without

BETA_FIELDS = frozenset(
    {
        "billing_policy",
        "context_management",
        "diagnostics",
        "fallback_credit_token",
        "fallbacks",
        "safeguards",
        "speed",
        "tags",
    }
)
"""Fields of betas without which the answer is the same.  Others (``mcp_servers``, ``thread``) go on in any case, so
that an upstream which hasn't got them says so."""

ADVISORY = BETA_FIELDS | {"inference_geo", "metadata", "service_tier"}
"""Fields that may be left out when an upstream refuses them."""

DROP = "drop:"
"""How a fact begins that names such a field; see ``remedies``."""

_REFUSED = re.compile(r"(?:^|[\s\"'])([a-z_]+): extra inputs are not permitted", re.IGNORECASE)


def refused_field(words: str) -> str | None:
    """The field that an upstream's refusal names, if it may be left out.

    Anthropic's own words, repeated by the gateways to its models (https://github.com/anthropics/claude-code/issues/21612).
    """
    match = _REFUSED.search(words)
    return match[1] if match and match[1] in ADVISORY else None


OWN_BETAS = ("oauth-",)
"""Betas that belong to the client's own credentials."""

VERSION = "2023-06-01"
"""Of the API, for clients that name none (https://platform.claude.com/docs/en/api/versioning)."""


def headers_for(given: Mapping[str, str], dialect: Dialect) -> dict[str, str]:
    """The client's headers that go on.  ``given`` has lower-case names."""
    headers = {"anthropic-version": given.get("anthropic-version") or VERSION}
    betas = [beta.strip() for beta in given.get("anthropic-beta", "").split(",")]
    wanted = [beta for beta in betas if beta and not beta.startswith(OWN_BETAS)]
    return {**headers, "anthropic-beta": ",".join(wanted)} if wanted and dialect.messages_betas else headers


def passed_on(body: bytes, fields: Mapping[str, Any], dialect: Dialect, notes: list[str]) -> bytes:
    """``body`` with ``fields`` set, and without what the upstream would refuse.

    None takes a field out, objects are merged.
    """
    texts = {name: _text_of(value, body, name) for name, value in fields.items() if value is not None}
    unwanted = fields.keys() | (frozenset() if dialect.messages_betas else BETA_FIELDS)
    body = _with_fields(body, texts, unwanted - texts.keys(), notes)
    if dialect.messages_signatures and PREFIX.encode() in body:
        body = _edited(body, _signed_by_us, notes, "thinking of another upstream left out")
    if _has_unknown_marks(body, dialect):
        body = _edited(body, partial(_marks, known=dialect.messages_cache_control), notes, "cache_control shortened")
    return body


def _text_of(value: Any, body: bytes, name: str) -> bytes:
    if not isinstance(value, Mapping):
        return msgspec.json.encode(value)
    there = _member(body, object_at_start(body), name)
    return with_extra(body[there.value : there.end] if there and is_object(body, there.value) else b"{}", value)


def _with_fields(body: bytes, texts: Mapping[str, bytes], unwanted: Collection[str], notes: list[str]) -> bytes:
    """Members are set where they stand, twice if they stand there twice; new ones go to the end."""
    start = object_at_start(body)
    found = list(members(body, start))
    edits = [Edit(member.value, member.end, texts[member.name]) for member in found if member.name in texts]
    edits += without(found, lambda member: member.name in unwanted)
    names = {member.name for member in found}
    new = [msgspec.json.encode(name) + b":" + text for name, text in texts.items() if name not in names]
    notes += [f"{name} left out" for name in sorted(names & set(unwanted))]
    return edited(body, [*edits, *([Edit(found[-1].end, found[-1].end, b"," + b",".join(new))] if new else [])])


def _edited(body: bytes, edits_of: Callable[[bytes], Iterator[Edit]], notes: list[str], note: str) -> bytes:
    edits = list(edits_of(body))
    if edits:
        notes.append(note)
    return edited(body, edits)


# Places in a request -------------------------------------------------------------------------------


def _member(data: bytes, at: int, name: str) -> Member | None:
    """The last of that name, which is the one that counts."""
    return next((member for member in reversed(list(members(data, at))) if member.name == name), None)


def _inside(data: bytes, at: int, name: str) -> list[Span]:
    """The elements of the array that is an object's member."""
    member = _member(data, at, name)
    return list(elements(data, member.value)) if member else []


def _contents(data: bytes) -> Iterator[list[Span]]:
    """The blocks of each message."""
    for message in _inside(data, object_at_start(data), "messages"):
        yield _inside(data, message.start, "content")


def _text(data: bytes, at: int, name: str) -> str:
    member = _member(data, at, name)
    return str(msgspec.json.decode(data[member.value : member.end])) if member else ""


# What is left out ----------------------------------------------------------------------------------


def _signed_by_us(data: bytes) -> Iterator[Edit]:
    """Thinking with our signature; an answer that has nothing else keeps it, since it can't be empty."""
    for blocks in _contents(data):
        ours = {block.start for block in blocks if _is_ours(data, block)}
        if len(ours) < len(blocks):
            yield from without(blocks, lambda block, ours=ours: block.start in ours)  # type: ignore[misc]


def _is_ours(data: bytes, block: Span) -> bool:
    return PREFIX.encode() in data[block.start : block.end] and _text(data, block.start, "signature").startswith(PREFIX)


def _has_unknown_marks(data: bytes, dialect: Dialect) -> bool:
    unknown = {"ttl", "scope"} - set(dialect.messages_cache_control)
    return b'"cache_control"' in data and any(f'"{name}"'.encode() in data for name in unknown)


def _marks(data: bytes, known: Collection[str]) -> Iterator[Edit]:
    """What marks for the prompt cache have beside the known members."""
    for at in _marked(data):
        mark = _member(data, at, "cache_control")
        if mark and is_object(data, mark.value):
            yield from without(members(data, mark.value), lambda member: member.name not in known)


def _marked(data: bytes) -> Iterator[int]:
    """Where objects begin that may have a mark: the request, its tools, its blocks, and those in tool results.

    What has none anywhere inside isn't taken apart: that would cost tens of milliseconds in a long conversation.
    """
    start = object_at_start(data)
    yield start
    for name in ("tools", "system"):
        yield from (each.start for each in _inside(data, start, name) if _may_be_marked(data, each))
    messages = _inside(data, start, "messages")
    for message in (each for each in messages if _may_be_marked(data, each)):
        for block in (each for each in _inside(data, message.start, "content") if _may_be_marked(data, each)):
            yield block.start
            yield from (inner.start for inner in _inside(data, block.start, "content"))


def _may_be_marked(data: bytes, span: Span) -> bool:
    return data.find(b'"cache_control"', span.start, span.end) >= 0
