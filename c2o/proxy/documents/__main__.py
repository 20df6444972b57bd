"""``python -m c2o.proxy.documents [--pictures]``: a PDF on stdin, a Document as JSON on stdout.

The limits are set by the process itself before it looks at the PDF.
"""

from __future__ import annotations

import re
import resource
import sys
from base64 import b64encode
from contextlib import closing, suppress
from itertools import islice
from time import process_time
from typing import Any

import msgspec
import pypdfium2
from pypdfium2 import PdfiumError, raw

from c2o.proxy.documents import png
from c2o.translate.media import Document, Page

MEMORY = 1024**3
SECONDS = 20
"""Of processor time."""

PAGES = 600
"""Anthropic's own limit for a request (https://platform.claude.com/docs/en/build-with-claude/pdf-support)."""
CHARACTERS = 4_000_000
PICTURES = 20
"""Pages that become pictures."""
DRAWING = 10.0
"""Seconds of processor time after which no further one does; a large scan takes two."""
SIDE = 1400
"""Pixels of such a page's longer side."""

SEEN = 24
"""Points from which a picture counts as one: smaller ones are ornaments."""

_SOFT_HYPHEN = re.compile("[\ufffe\x02\u00ad]\n?")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def main() -> None:
    _limit(MEMORY, SECONDS)
    try:
        said = msgspec.json.encode(read(sys.stdin.buffer.read(), "--pictures" in sys.argv))
    except MemoryError:
        said = msgspec.json.encode(Document(problem="reading it needs more memory than c2o gives it"))
    sys.stdout.buffer.write(said)


def _limit(memory: int, seconds: int) -> None:
    wanted = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for what, limit in wanted.items():
        with suppress(ValueError, OSError):  # macOS knows RLIMIT_AS but refuses it
            resource.setrlimit(what, (limit, limit))


def read(pdf: bytes, pictures: bool) -> Document:
    """What is in a PDF.  With ``pictures`` pages without text are drawn.  Raises MemoryError."""
    try:
        with pypdfium2.PdfDocument(pdf) as document:
            return Document(_pages(document, pictures), total=len(document))
    except PdfiumError as error:
        locked = error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        return Document(problem="it is protected by a password" if locked else "it is damaged, or no PDF at all")


def _pages(document: Any, pictures: bool) -> tuple[Page, ...]:
    pages: list[Page] = []
    room = CHARACTERS
    drawn = 0
    for number in range(min(len(document), PAGES)):
        page = _page(document, number, pictures and drawn < PICTURES and process_time() < DRAWING)
        drawn += bool(page.picture)
        room -= len(page.text)
        if room < 0:
            break
        pages.append(page)
    return tuple(pages)


def _page(document: Any, number: int, picture: bool) -> Page:
    try:
        with closing(document[number]) as page:
            text = _tidy(page.get_textpage().get_text_bounded())
            if text:
                return Page(text, pictures=sum(1 for _ in islice(_visible_pictures(page), 99)))
            if raw.FPDFPage_CountObjects(page) == 0:
                return Page()
            return Page(picture=_drawn(page) if picture else "", pictures=1)
    except (PdfiumError, ValueError):
        return Page("[this page can't be read]")


def _tidy(text: str) -> str:
    """Words that were divided at the end of a line in one piece again; no control characters."""
    text = _SOFT_HYPHEN.sub("", text.replace("\r\n", "\n"))
    return "\n".join(line.rstrip() for line in _CONTROL.sub("", text).split("\n")).strip()


def _visible_pictures(page: Any) -> Any:
    for each in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = each.get_bounds()
        if right - left >= SEEN and top - bottom >= SEEN:
            yield each


def _drawn(page: Any) -> str:
    bitmap = page.render(scale=SIDE / max(*page.get_size(), 1), rev_byteorder=True)
    data = png.encoded(bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride)
    return b64encode(data).decode()


if __name__ == "__main__":
    main()
