"""Upstreams that say, each in its own words, that they take no images or files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from c2o.translate.chat import ChatTranslator
from c2o.translate.dialects import DIALECTS
from c2o.translate.types import Answer, Job, Remedy
from c2o.translate.upstream_errors import Failing
from c2o.wire.anthropic import decode_request

Json = dict[str, Any]

IMAGE: Json = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
PDF: Json = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}
TEXT: Json = {"type": "text", "text": "look"}

NO_IMAGES = {
    "llama.cpp": (
        500,
        "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
    ),
    "OpenRouter": (404, "No endpoints found that support image input"),
    "Ollama": (400, "this model does not support image input (ref: b8bd630e)"),
    "OpenAI": (400, "Invalid content type. image_url is only supported by certain models."),
    "DeepSeek": (422, "messages[0]: unknown variant `image_url`, expected `text` at line 1 column 99"),
    "vLLM": (400, "google/gemma-7b is not a multimodal model"),
    "vLLM, limited": (400, "At most 0 image(s) may be provided in one prompt."),
    "LM Studio": (400, "Model does not support images. Please use a model that does."),
    "Groq": (400, "'messages.0' : for 'role:user' ... ('messages.0.content' : value must be a string)"),
    "Mistral": (400, "Image input is not enabled for this model"),
    "FreeToken": (400, "Unsupported content part type for text-only server: image_url"),
    "pydantic": (422, "content: list[TextContentPart]: type: Input should be 'text'"),
}
NO_FILES = {
    "vLLM": (400, "Unsupported chat content part type: 'file'. Supported types: text, image_url"),
    "older vLLM": (501, "Unknown part type: file"),
    "OpenAI": (400, "Invalid Value: 'file'. This model does not support file content types."),
    "llama.cpp": (400, "unsupported content[].type"),
    "serde": (422, "unknown variant `file`, expected `text` or `image_url`"),
}
OTHERS = {
    "one image": (400, "unsupported image format: must be png, jpeg, gif or webp"),
    "many images": (400, "At most 4 image(s) may be provided in one prompt."),
    "large image": (400, "image is too large"),
    "media type": (400, "Image media type not supported: image/tiff"),
    "key": (401, "this key does not support image input"),
    "busy": (503, "no endpoints found that support image input"),
}


def translator(*content: Json, dialect: str = "generic", learned: tuple[str, ...] = ()) -> ChatTranslator:
    request = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": list(content)}]}
    job = Job(
        message_id="msg_1",
        model="m",
        dialect=DIALECTS[dialect],
        failing=Failing("fake", "http://127.0.0.1", "m", "env:KEY"),
        request_size=100,
        learned=learned,
    )
    return ChatTranslator(decode_request(json.dumps(request).encode()), job)


def fact(answered: object) -> str | None:
    """What was learned; fails where nothing was to be changed."""
    assert isinstance(answered, Remedy)
    return answered.fact


def refuse(translating: ChatTranslator, status: int, message: str) -> Answer | Remedy:
    return translating.error(status, {}, json.dumps({"error": {"message": message}}).encode())


def content(translating: ChatTranslator) -> Any:
    (message,) = json.loads(translating.request().body)["messages"]
    return message["content"]


OMITTED = "[image omitted: the upstream model cannot see images]"


@pytest.mark.parametrize("case", NO_IMAGES)
def test_without_images(case: str) -> None:
    translating = translator(TEXT, IMAGE, IMAGE)
    assert fact(refuse(translating, *NO_IMAGES[case])) == "without:image"
    assert content(translating) == f"look\n\n{OMITTED}\n\n{OMITTED}"
    assert isinstance(refuse(translating, *NO_IMAGES[case]), Answer), "there is nothing more to take out"


@pytest.mark.parametrize("case", NO_FILES)
def test_without_files(case: str) -> None:
    translating = translator(TEXT, IMAGE, PDF, dialect="openai")
    assert fact(refuse(translating, *NO_FILES[case])) == "without:file"
    text, image, file = content(translating)
    assert (text["text"], image["type"]) == ("look", "image_url")
    assert file["text"].startswith("[document.pdf omitted")


@pytest.mark.parametrize("case", OTHERS)
def test_another_complaint(case: str) -> None:
    translating = translator(TEXT, IMAGE)
    before = content(translating)
    assert isinstance(refuse(translating, *OTHERS[case]), Answer)
    assert content(translating) == before


@pytest.mark.parametrize("case", [*NO_IMAGES.values(), *NO_FILES.values()])
def test_a_request_without_media_stays_as_it_is(case: tuple[int, str]) -> None:
    assert isinstance(refuse(translator(TEXT), *case), Answer)


def test_what_was_learned_holds_for_the_next_request() -> None:
    assert content(translator(TEXT, IMAGE, learned=("without:image",))) == f"look\n\n{OMITTED}"
    later = translator(TEXT, PDF, dialect="openai", learned=("without:file",))
    assert later.media.unread == ["JVBERi0="]
    assert later.media.vision
