"""An upstream that says that it takes no images or no files: it gets texts in their place.

The words of llama.cpp, vLLM, Ollama, OpenRouter, OpenAI, DeepSeek (serde), Groq and LM Studio:
https://github.com/ollama/ollama/issues/17301, https://github.com/nexu-io/nexu/issues/733,
https://github.com/vllm-project/vllm/pull/41121, https://github.com/openai/openai-dotnet/issues/393
"""

from __future__ import annotations

import re

from c2o.translate.content import joined
from c2o.translate.media import NO_VISION
from c2o.translate.types import Remedy
from c2o.translate.upstream_errors import Told
from c2o.wire.chat import ChatMessage, ChatRequest, FilePart, ImagePart, TextPart, UserPart

_STATUSES = (400, 404, 415, 422, 500, 501)
"""OpenRouter has a 404 for it, llama.cpp a 500, older vLLM a 501."""

_REFUSED = {
    "image": re.compile(
        r"(not|n't) support (any |the )?(image|vision|multi-?modal)|endpoints found that support image input"
        r"|image( input|_url)?s? (is |are )?not (supported|enabled)|image_url is only supported by"
        r"|not a multi-?modal model|at most 0 image|(unknown variant|part type|text-only server)\W{1,6}image_url"
        r"|\bcontent\W.{0,20}must be a string|input should be 'text'"
    ),
    "file": re.compile(
        r"(unknown variant|part type|invalid value)\W{1,6}file\b|(not|n't) support file content"
        r"|unsupported content\[\]\.type"
    ),
}

_ABOUT_THIS_ONE = re.compile(r"format|mime|media.?type|dimension|resolution|too large")
"""Words for an image that is wrong in itself."""


def media_remedy(told: Told, request: ChatRequest) -> Remedy | None:
    """Take images or files out of the request, if the upstream refused it for them."""
    if told.status not in _STATUSES or _ABOUT_THIS_ONE.search(told.words):
        return None
    for kind, refused in _REFUSED.items():
        if refused.search(told.words) and without(request, kind):
            return Remedy(f"without:{kind}")
    return None


def refuses_images(told: Told) -> bool:
    """Are images what a refusal is about?"""
    return told.status in _STATUSES and bool(_REFUSED["image"].search(told.words))


def without(request: ChatRequest, kind: str) -> bool:
    """Replace the images or files of a request.  Were there any?"""
    changed = [_replaced(message, kind) for message in request.messages]
    return any(changed)


def _replaced(message: ChatMessage, kind: str) -> bool:
    parts = message.content
    if not isinstance(parts, list) or not any(isinstance(part, _KINDS[kind]) for part in parts):
        return False
    message.content = joined([_in_place_of(part, kind) for part in parts])  # type: ignore[arg-type]
    return True


def _in_place_of(part: UserPart, kind: str) -> UserPart:
    if not isinstance(part, _KINDS[kind]):
        return part
    if isinstance(part, FilePart):
        return TextPart(f"[{part.file.filename} omitted: the upstream takes no files. Asked again, it gets the text]")
    return TextPart(NO_VISION)


_KINDS: dict[str, type[UserPart]] = {"image": ImagePart, "file": FilePart}
