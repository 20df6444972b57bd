"""Which translator an upstream's API needs."""

from __future__ import annotations

from collections.abc import Callable

from c2o.translate.chat import ChatTranslator
from c2o.translate.passthrough import PassthroughTranslator
from c2o.translate.responses import ResponsesTranslator
from c2o.translate.types import Job, Translator
from c2o.wire.anthropic import MessagesRequest

TRANSLATORS: dict[str, Callable[[MessagesRequest, Job], Translator]] = {
    "chat": ChatTranslator,
    "responses": ResponsesTranslator,
    "anthropic": PassthroughTranslator,
}
"""By the name under ``api`` in the configuration."""


def translator_for(api: str, request: MessagesRequest, job: Job) -> Translator:
    """Raises RequestError for a request that can't be served."""
    return TRANSLATORS[api](request, job)
