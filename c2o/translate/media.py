"""Images and documents in the form that an upstream can take.

What it can't see becomes a text that names it, never base64 in a prompt.  The text of a PDF is handed in: reading
one is no work for a pure function.

https://platform.claude.com/docs/en/build-with-claude/vision and …/pdf-support
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from c2o.errors import RequestError
from c2o.translate.conversation import Item
from c2o.translate.dialect import Dialect
from c2o.wire.anthropic import Source
from c2o.wire.chat import File, FilePart, ImagePart, ImageURL, TextPart, UserPart

IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
PDF = "application/pdf"

NO_IMAGES = "without:image"
"""The fact that a model has refused to see any; see ``remedies``."""

NO_VISION = "[image omitted: the upstream model cannot see images]"

NO_URL = "[image not shown: this upstream takes no images by their URL]"

NO_PDF = "[PDF not shown: this upstream takes text only]"


class Page(Struct, frozen=True):
    """A page of a PDF."""

    text: str = ""
    picture: str = ""
    """Of a page without text: the page itself as PNG in base64, if that was asked for."""
    pictures: int = 0
    """How many there are on the page; one where a page is all picture."""


class Document(Struct, frozen=True):
    """What was read of a PDF."""

    pages: tuple[Page, ...] = ()
    """From the first on; not necessarily all."""
    total: int = 0
    """How many pages the PDF has."""
    problem: str = ""
    """Why it can't be read; the request is refused with it."""
    advice: str = ""
    """What to do so that it can be read; the model is told."""

    @property
    def blank(self) -> bool:
        """Is there nothing in it that could be said or shown?"""
        return not any(page.text or page.picture for page in self.pages)


class Media(Struct, frozen=True):
    """What an upstream can see."""

    vision: bool = False
    image_urls: bool = True
    files: bool = False
    file_urls: bool = False
    in_tool_messages: bool = False
    documents: Mapping[str, Document] = {}
    """PDFs that were read, by their base64 as the client sent it."""
    unread: list[str] = []
    """PDFs that were come upon and aren't among them."""


def media_of(dialect: Dialect, documents: Mapping[str, Document], learned: Collection[str] = ()) -> Media:
    """What the dialect promises, but for what the upstream's model has refused."""
    files = "without:file" not in learned
    return Media(
        vision=dialect.vision and NO_IMAGES not in learned,
        image_urls=dialect.image_urls,
        files=files and dialect.documents == "file",
        file_urls=files and dialect.document_urls,
        in_tool_messages=dialect.tool_media,
        documents=documents,
    )


def source_of(item: Item) -> Source:
    if not isinstance(item.block.source, Source):
        raise RequestError(f"{item.place}.{item.block.type}.source: Field required")
    return item.block.source


def _refused(item: Item, why: str) -> RequestError:
    """Claude Code finds the block by this place, takes it out of the conversation and goes on."""
    return RequestError(f"{item.place}.{item.block.type}{why}")


# Images --------------------------------------------------------------------------------------------


def image(item: Item, media: Media) -> UserPart:
    """An image, or a text where nobody can see it.  Raises RequestError with the place."""
    url = _image_url(item)
    if not media.vision:
        return TextPart(NO_VISION)
    return ImagePart(ImageURL(url)) if media.image_urls or url.startswith("data:") else TextPart(NO_URL)


def _image_url(item: Item) -> str:
    """A data URL, or the URL that the client gave (the upstream fetches it, c2o never does)."""
    source = source_of(item)
    if source.type == "base64" and source.data:
        if source.media_type not in IMAGE_TYPES:
            raise _refused(item, f".source.base64.media_type: must be one of {', '.join(IMAGE_TYPES)}")
        return f"data:{source.media_type};base64,{source.data}"
    if source.type == "url" and source.url:
        return source.url
    raise _refused(item, f".source: an image needs base64 data or a url; {source.type or 'this'} is not supported")


# Documents -----------------------------------------------------------------------------------------


def document(item: Item, inside: Iterable[UserPart], media: Media) -> list[UserPart]:
    """A document as parts; ``inside`` are the parts of its content blocks, if it has such.

    Raises RequestError with the place.
    """
    source = source_of(item)
    match source.type:
        case "text":
            return _tagged(item, [TextPart(source.data or "")])
        case "content":
            return _tagged(item, inside)
        case "base64":
            return _pdf(item, source, media)
        case "url":
            return _linked(item, source, media)
        case "file":
            raise _refused(item, ".source: file_id is not supported: there is no Files API behind c2o")
    raise _refused(item, f".source.type: {source.type or 'this'} is not supported")


def _pdf(item: Item, source: Source, media: Media) -> list[UserPart]:
    if source.media_type != PDF:
        raise _refused(item, f".source.base64.media_type: must be {PDF}")
    if media.files:
        return _as_file(item, f"data:{PDF};base64,{source.data or ''}")
    found = media.documents.get(source.data or "")
    if found is None:
        media.unread.append(source.data or "")
        return _tagged(item, [TextPart(NO_PDF)])
    if found.advice:
        return _tagged(item, [TextPart(found.advice)])
    if found.problem:
        raise _refused(item, f": could not process PDF: {found.problem}")
    if found.blank:
        raise _refused(item, f": could not process PDF: {_nothing_in(found, media)}")
    return _tagged(item, _pages(found), pages=found.total)


def _nothing_in(found: Document, media: Media) -> str:
    if not any(page.pictures for page in found.pages):
        return "there is no text in it"
    wanting = "" if media.vision else ", and the upstream model cannot see images"
    return f"its pages are pictures without text{wanting}"


def _linked(item: Item, source: Source, media: Media) -> list[UserPart]:
    if source.url and media.file_urls:
        return _as_file(item, source.url)
    raise _refused(
        item,
        ".source: could not process PDF: this upstream takes no document by its URL, and c2o never fetches one. "
        "Send it as base64.",
    )


def _as_file(item: Item, data: str) -> list[UserPart]:
    title = item.block.title or "document"
    name = title if title.lower().endswith(".pdf") else f"{title}.pdf"
    context: list[UserPart] = [TextPart(item.block.context)] if item.block.context else []
    return [*context, FilePart(File(name, data))]


def _pages(found: Document) -> list[UserPart]:
    parts: list[UserPart] = []
    for number, page in enumerate(found.pages, 1):
        parts.append(TextPart(f"[page {number}]\n{_said(page)}".rstrip()))
        if page.picture:
            parts.append(ImagePart(ImageURL(f"data:image/png;base64,{page.picture}")))
    if found.total > len(found.pages):
        parts.append(TextPart(f"[pages {len(found.pages) + 1} to {found.total} are left out]"))
    return parts


def _said(page: Page) -> str:
    if page.picture:
        return ""
    if not page.text:
        return "[a picture without text, not shown]" if page.pictures else "[no text]"
    plural = "s" if page.pictures > 1 else ""
    return page.text + (f"\n[{page.pictures} picture{plural} of this page not shown]" if page.pictures else "")


def _tagged(item: Item, inside: Iterable[UserPart], pages: int | None = None) -> list[UserPart]:
    """The parts between a header and a footer; texts that follow each other become one."""
    title = (item.block.title or "untitled").replace('"', "'")
    count = "" if pages is None else f' pages="{pages}"'
    header = [f'<document title="{title}"{count}>', *([item.block.context] if item.block.context else [])]
    return _merged([TextPart("\n".join(header)), *inside, TextPart("</document>")])


def _merged(parts: list[UserPart]) -> list[UserPart]:
    merged: list[UserPart] = []
    for part in parts:
        last = merged[-1] if merged else None
        if isinstance(part, TextPart) and isinstance(last, TextPart):
            merged[-1] = TextPart(f"{last.text}\n{part.text}")
        else:
            merged.append(part)
    return merged
