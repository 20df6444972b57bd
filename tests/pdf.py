"""PDFs for tests, written by hand: pages of text, pages that are pictures, a password, damage."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def text_pdf(*pages: str, pictures: int = 0) -> bytes:
    """A page for each text, its lines under each other; the first has ``pictures`` beside it."""
    return _pdf([_written(text) + _images(pictures if n == 0 else 0) for n, text in enumerate(pages)])


def scanned_pdf(pages: int = 1) -> bytes:
    """Pages that are pictures of grey squares."""
    return _pdf([_images(1)] * pages)


def blank_pdf() -> bytes:
    return _pdf([b""])


def mixed_pdf(text: str) -> bytes:
    """A page of text, then one that is a picture."""
    return _pdf([_written(text), _images(1)])


def locked_pdf() -> bytes:
    """One that wants a password."""
    key = b"(" + b"x" * 32 + b")"
    locked = b"<< /Filter /Standard /V 1 /R 2 /P -4 /O " + key + b" /U " + key + b" >>"
    return _pdf([_written("secret")], encryption=locked)


def as_base64(pdf: bytes) -> str:
    return b64encode(pdf).decode()


def _written(text: str) -> bytes:
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    lines = b" ".join(b"(" + line.encode("cp1252") + b") Tj T*" for line in escaped.split("\n"))
    return b"BT /F1 12 Tf 14 TL 72 770 Td " + lines + b" ET "


def _images(count: int) -> bytes:
    return b"".join(b"q 100 0 0 100 %d 100 cm /Im1 Do Q " % (50 + 120 * n) for n in range(count))


def _pdf(contents: Sequence[bytes], encryption: bytes | None = None) -> bytes:
    image = bytes(range(0, 256, 4))  # 8 by 8 pixels
    kids = b" ".join(b"%d 0 R" % (5 + 2 * n) for n in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(contents), kids),
        FONT,
        _stream(
            b"/Type /XObject /Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceGray /BitsPerComponent 8", image
        ),
    ]
    resources = b"<< /Font << /F1 3 0 R >> /XObject << /Im1 4 0 R >> >>"
    for n, content in enumerate(contents):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources %s /Contents %d 0 R >>"
            % (resources, 6 + 2 * n)
        )
        objects.append(_stream(b"", content))
    return _file(objects, encryption)


def _stream(entries: bytes, data: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data), data)


def _file(objects: list[bytes], encryption: bytes | None) -> bytes:
    """The objects one after another, and where each begins."""
    trailer = b"/Size %d /Root 1 0 R" % (len(objects) + 1)
    if encryption is not None:
        trailer += b" /ID [(0123456789abcdef) (0123456789abcdef)] /Encrypt " + encryption
    data, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return data + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        table,
        trailer,
        len(data),
    )
