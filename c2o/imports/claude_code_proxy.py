"""The proxies called claude-code-proxy, which are set up by a file ``.env``.

https://github.com/1rgs/claude-code-proxy and https://github.com/fuergaosi233/claude-code-proxy
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from c2o.imports.draft import Draft, Import, Unreadable, text_of
from c2o.presets import PRESETS

USUAL = {"openai": ("gpt-4.1", "gpt-4.1-mini"), "google": ("gemini-2.5-pro", "gemini-2.5-flash")}
"""The models that 1rgs takes where the file names none."""

_LINE = re.compile(
    r"""^\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=\s*
    (?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^#\n]*?))\s*(?:\#.*)?$""",
    re.VERBOSE | re.MULTILINE,
)


def read(path: Path, environ: Mapping[str, str]) -> Import:
    """Raises Unreadable."""
    found = _variables(text_of(path))
    draft = Draft("claude-code-proxy", path, environ)
    google = found.get("PREFERRED_PROVIDER") == "google"
    if google:
        name, address, key = "gemini", PRESETS["gemini"].base_url, found.get("GEMINI_API_KEY")
    else:
        name, key = "openai", found.get("OPENAI_API_KEY")
        address = found.get("OPENAI_BASE_URL") or found.get("OPENAI_API_BASE_URL") or PRESETS["openai"].base_url
    if not key and not found.get("BIG_MODEL"):
        raise Unreadable("it sets up no proxy: it has neither OPENAI_API_KEY nor GEMINI_API_KEY nor BIG_MODEL.")
    upstream = draft.upstream(name if address == PRESETS[name].base_url else "upstream", address, key)
    if upstream is not None:
        _models(draft, upstream, found, *USUAL["google" if google else "openai"])
    return draft.done()


def _models(draft: Draft, upstream: str, found: Mapping[str, str], big: str, small: str) -> None:
    big = found.get("BIG_MODEL") or big
    middle = found.get("MIDDLE_MODEL") or big
    small = found.get("SMALL_MODEL") or small
    for tier, model in {"default": middle, "opus": big, "sonnet": middle, "haiku": small}.items():
        draft.models[tier] = [f"{upstream}/{model}"]


def _variables(text: str) -> dict[str, str]:
    return {
        found["name"]: next(
            value for value in (found["double"], found["single"], found["bare"], "") if value is not None
        )
        for found in _LINE.finditer(text)
    }
