"""Settings as editors let people write them: comments and trailing commas taken out, every other byte kept."""

from __future__ import annotations

import re

from c2o.claude import json_text

_TOKEN = re.compile(
    r"""
    (?P<string> " (?: [^"\\] | \\. )* ")
    | (?P<comment> // [^\r\n]* | /\* .*? \*/ )
    | (?P<comma> , )
    | (?P<other> [^"/,]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)

_ENDED = re.compile(r"(?: \s | // [^\r\n]* | /\* .*? \*/ )* [}\]]", re.VERBOSE | re.DOTALL)
"""What may stand between a comma that is too many and the end of its list or object."""


def strict(data: bytes) -> bytes | None:
    """The file as strict JSON; None if it takes more than this to make it so."""
    try:
        text = data.decode("utf-8-sig")
        mended = _without_comments_and_commas(text)
        json_text.parsed(mended)
    except ValueError:
        return None
    return data[: len(data) - len(text.encode())] + mended.encode()


def _without_comments_and_commas(text: str) -> str:
    kept = []
    for found in _TOKEN.finditer(text):
        extra_comma = found["comma"] and _ENDED.match(text, found.end())
        if not found["comment"] and not extra_comma:
            kept.append(found[0])
    return "".join(kept)
