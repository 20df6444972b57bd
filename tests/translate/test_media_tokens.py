"""What images and PDFs cost, by their headers."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2o.translate.media_tokens import IMAGE, MOST, PAGE, image_tokens, pdf_tokens


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x06\0\0\0" + bytes(40)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(40)


def jpeg(width: int, height: int, before: bytes = b"") -> bytes:
    start = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return start + before + frame + bytes(40)


def thumbnail(size: int) -> bytes:
    """A segment that holds another JPEG, as cameras write it."""
    return b"\xff\xe1" + struct.pack(">H", size + 2) + jpeg(160, 120).ljust(size, b"\0")


def webp_lossy(width: int, height: int) -> bytes:
    return b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\x30\x01\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(40)


def webp_lossless(width: int, height: int) -> bytes:
    return b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(40)


def webp_extended(width: int, height: int) -> bytes:
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0" + sizes + bytes(40)


MAKERS = [png, gif, jpeg, webp_lossy, webp_lossless, webp_extended]


@pytest.mark.parametrize("make", MAKERS)
def test_a_token_for_each_square_of_28_pixels(make) -> None:
    assert image_tokens(b64(make(280, 140))) == 10 * 5
    assert image_tokens(b64(make(281, 141))) == 11 * 6
    assert image_tokens(b64(make(1, 1))) == 1


@pytest.mark.parametrize("make", MAKERS)
def test_a_large_image_is_made_smaller(make) -> None:
    assert image_tokens(b64(make(4000, 3000))) == MOST


def test_the_thumbnail_of_a_photograph_does_not_count() -> None:
    assert image_tokens(b64(jpeg(560, 280, thumbnail(20_000)))) == 20 * 10


@pytest.mark.parametrize(
    "data", [None, "", "iVBOR", "not base64 at all!", b64(b"BM of another kind"), b64(jpeg(9, 9)[:12])]
)
def test_an_image_of_unknown_size(data: str | None) -> None:
    assert image_tokens(data) == IMAGE


def test_pages_of_a_pdf() -> None:
    pages = b"".join(b"%d 0 obj\n<< /Type /Page /Parent 2 0 R >>\nendobj\n" % n for n in range(3, 10))
    pdf = b"%PDF-1.4\n2 0 obj\n<< /Type /Pages /Kids [] /Count 7 >>\nendobj\n" + pages.replace(b"/Type /", b"/Type/", 3)

    assert pdf_tokens(b64(pdf)) == 7 * PAGE


def test_a_pdf_whose_pages_cannot_be_counted() -> None:
    assert pdf_tokens(b64(b"%PDF-1.7 compressed")) == PAGE
    assert pdf_tokens(b64(b"%PDF-1.7" + bytes(420_000))) == 8 * PAGE
    assert pdf_tokens(None) == PAGE


@given(st.binary(max_size=200), st.sampled_from([make(300, 300)[:n] for make in MAKERS for n in (4, 13, 20, 24, 31)]))
def test_no_header_makes_it_fail(rest: bytes, start: bytes) -> None:
    assert 1 <= image_tokens(b64(start + rest)) <= MOST
    assert pdf_tokens(b64(start + rest)) >= PAGE


@given(st.text())
def test_no_text_makes_it_fail(data: str) -> None:
    assert 1 <= image_tokens(data) <= MOST
    assert pdf_tokens(data) >= PAGE
