"""Content blocks as an upstream can take them: odd ones, nested ones, and the places in refusals."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from c2o.errors import RequestError
from c2o.translate.content import joined, nested, parts, text_of
from c2o.translate.conversation import Item
from c2o.translate.dialects import DIALECTS
from c2o.translate.media import Document, Media, Page, media_of
from c2o.wire.anthropic import Block
from c2o.wire.chat import FilePart, ImagePart, TextPart

Json = dict[str, Any]

SEEING = Media(vision=True)
IMAGE: Json = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}


def item(block: Json) -> Item:
    return Item(msgspec.json.decode(msgspec.json.encode(block), type=Block), 2, 5)


def shown(block: Json, media: Media = SEEING) -> str:
    """The parts in short: texts as they are, others by their kind."""
    kinds = {ImagePart: "<image>", FilePart: "<file>"}
    found = parts([item(block)], media)
    return "|".join(part.text if isinstance(part, TextPart) else kinds[type(part)] for part in found)


def document(source: Json, **more: Any) -> Json:
    return {"type": "document", "source": source} | more


def pdf(data: str = "JVBERi0=") -> Json:
    return document({"type": "base64", "media_type": "application/pdf", "data": data}, title="a")


def result(*content: Json) -> Json:
    return {"type": "tool_result", "tool_use_id": "t1", "content": list(content)}


def test_a_block_of_tomorrow_is_named() -> None:
    assert shown({"type": "hologram", "depth": 3}) == "[hologram: not shown, this upstream has no form for it]"


def test_a_block_of_tomorrow_with_text_says_it() -> None:
    assert shown({"type": "whisper", "text": "psst"}) == "psst"


def test_blocks_that_carry_nothing_leave_nothing() -> None:
    assert parts([item({"type": "fallback"}), item({"type": "thinking", "thinking": "hm"})], SEEING) == []


def test_texts_alone_are_a_string() -> None:
    assert joined([TextPart("a"), TextPart("b")]) == "a\n\nb"
    assert joined([]) == ""


THREE_PAGES = """<document title="a" pages="3">
[page 1]
one
[1 picture of this page not shown]
[page 2]
two
[2 pictures of this page not shown]
[page 3]
[no text]
</document>"""


@pytest.mark.parametrize(
    ("pages", "total", "expected"),
    [
        ([Page("one"), Page("two")], 2, '<document title="a" pages="2">\n[page 1]\none\n[page 2]\ntwo\n</document>'),
        ([Page("one")], 9, '<document title="a" pages="9">\n[page 1]\none\n[pages 2 to 9 are left out]\n</document>'),
        (
            [Page("one", pictures=1), Page("two", pictures=2), Page()],
            3,
            THREE_PAGES,
        ),
        (
            [Page("one"), Page(picture="AAAA", pictures=1), Page("three")],
            3,
            '<document title="a" pages="3">\n[page 1]\none\n[page 2]|<image>|[page 3]\nthree\n</document>',
        ),
    ],
    ids=["texts", "cut off", "pictures", "drawn"],
)
def test_pages_of_a_pdf(pages: list[Page], total: int, expected: str) -> None:
    documents = {"JVBERi0=": Document(tuple(pages), total)}
    assert shown(pdf(), Media(vision=True, documents=documents)) == expected


def test_a_pdf_that_nobody_read_is_named() -> None:
    assert shown(pdf()) == '<document title="a">\n[PDF not shown: this upstream takes text only]\n</document>'


def test_a_title_can_not_end_its_own_quotes() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "x"}
    assert shown(document(source, title='the "best"')).startswith("<document title=\"the 'best'\">")


def test_a_document_s_content_may_be_a_string() -> None:
    assert shown(document({"type": "content", "content": "said"})) == '<document title="untitled">\nsaid\n</document>'


def test_what_dialects_can_see() -> None:
    assert media_of(DIALECTS["generic"], {}) == Media(vision=True)
    assert media_of(DIALECTS["openai"], {}) == Media(vision=True, files=True)
    assert media_of(DIALECTS["openrouter"], {}) == Media(vision=True, files=True, file_urls=True)


def test_a_file_has_no_place_in_what_the_model_said() -> None:
    assert text_of(item(pdf()), Media(vision=True, files=True)).startswith('<document title="a">')


WRONG: dict[str, tuple[Json, str]] = {
    "image without source": ({"type": "image"}, "messages.2.content.5.image.source: Field required"),
    "document without source": ({"type": "document"}, "messages.2.content.5.document.source: Field required"),
    "text without text": ({"type": "text"}, "messages.2.content.5.text: Field required"),
    "source as text": ({"type": "image", "source": "x"}, "messages.2.content.5.image.source: Field required"),
    "odd source": (document({"type": "fax"}), "messages.2.content.5.document.source.type: fax is not supported"),
    "word file": (
        document({"type": "base64", "media_type": "application/msword", "data": "AA=="}),
        "messages.2.content.5.document.source.base64.media_type: must be application/pdf",
    ),
    "image in a document": (
        document({"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "image"}]}),
        "messages.2.content.5.document.source.content.1.image.source: Field required",
    ),
    "content that is none": (
        document({"type": "content", "content": 7}),
        "messages.2.content.5.document.source.content: Expected `str | array | null`, got `int`",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_refusals_name_the_place(case: str) -> None:
    block, expected = WRONG[case]
    with pytest.raises(RequestError) as raised:
        shown(block)
    assert str(raised.value) == expected


def test_documents_inside_of_documents_end_somewhere() -> None:
    block = document({"type": "content", "content": "in the middle"})
    for _ in range(60):
        block = document({"type": "content", "content": [block]})
    with pytest.raises(RequestError, match="inside of each other too often"):
        shown(block)


def test_pdfs_that_nobody_has_read_are_noted_wherever_they_are() -> None:
    media = Media(vision=True, documents={"known": Document((Page("x"),), 1)})
    fetched = {
        "type": "web_fetch_tool_result",
        "content": {"type": "web_fetch_result", "url": "u", "content": pdf("c")},
    }
    parts([item(pdf("a")), item(pdf("known")), item(fetched)], media)
    parts(nested(item(result(pdf("b"), IMAGE))), media)
    assert media.unread == ["a", "c", "b"]
