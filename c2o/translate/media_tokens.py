"""What images and PDFs cost, from the first bytes of their base64."""

from __future__ import annotations

import binascii
import re
from math import ceil

IMAGE = 1500
"""What an image of unknown size counts."""

PATCH, MOST = 28, 1568
"""Anthropic's formula: a token for each square of 28 pixels, and larger images are made smaller
(https://platform.claude.com/docs/en/build-with-claude/vision)."""

PAGE = 2000
"""A page of a PDF, as text and picture (https://platform.claude.com/docs/en/build-with-claude/pdf-support: 1,500 to
3,000 for the text alone)."""

HEAD = 256 * 1024
"""Characters of base64 in which a size must stand: a camera may put a thumbnail before it."""


def image_tokens(data: str | None) -> int:
    """Tokens of an image in base64; of a URL nothing is known."""
    size = _size(_decoded(data[:HEAD])) if data else None
    if size is None:
        return IMAGE
    width, height = size
    return max(1, min(MOST, ceil(width / PATCH) * ceil(height / PATCH)))


_A_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")


def pdf_tokens(data: str | None) -> int:
    """Tokens of a PDF in base64, at least a page.  Pages in compressed object streams can't be counted: there the
    size tells, since such a page seldom has less than 50 kB with its fonts."""
    if not data:
        return PAGE
    pdf = _decoded(data)
    return PAGE * max(1, len(_A_PAGE.findall(pdf)) or len(pdf) // 50_000)


def _decoded(data: str) -> bytes:
    """What can be read of the base64; nothing where it is none."""
    try:
        return binascii.a2b_base64(data[: len(data) // 4 * 4].encode())
    except (binascii.Error, ValueError):
        return b""


def _size(head: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, for the four kinds that the API takes."""
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        return _number(head[16:20]), _number(head[20:24])
    if head.startswith((b"GIF87a", b"GIF89a")) and len(head) >= 10:
        return _little(head[6:8]), _little(head[8:10])
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head)
    return _jpeg(head) if head.startswith(b"\xff\xd8") else None


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _webp(head: bytes) -> tuple[int, int] | None:
    """https://developers.google.com/speed/webp/docs/riff_container: one header for each of three kinds."""
    kind, data = head[12:16], head[20:]
    if len(data) < 10:
        return None
    if kind == b"VP8X":
        return _little(data[4:7]) + 1, _little(data[7:10]) + 1
    if kind == b"VP8L":
        bits = _little(data[1:5])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return _little(data[6:8]) & 0x3FFF, _little(data[8:10]) & 0x3FFF


_NO_FRAME = (0xC4, 0xC8, 0xCC)
"""Markers between those of the frames that are none."""


def _jpeg(head: bytes) -> tuple[int, int] | None:
    """From segment to segment until the frame, which has the size (ITU T.81, annex B)."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            return _number(head[at + 7 : at + 9]), _number(head[at + 5 : at + 7])
        at += 2 + _number(head[at + 2 : at + 4]) if marker != 0xFF else 1
    return None
