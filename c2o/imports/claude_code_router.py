"""claude-code-router, up to its second version (https://github.com/musistudio/claude-code-router).

The third keeps its configuration in a database of its own form; it still reads this file once, and people who come
from an older one have it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from c2o.imports.draft import Draft, Import, Unreadable, is_count, items, listed, table, text_of
from c2o.translate import loose_json

ROUTES = {"background": "background", "think": "think", "webSearch": "web_search", "image": "image"}

USUAL_THRESHOLD = 60_000
"""Tokens, where ``longContextThreshold`` is absent."""

NEEDLESS = {
    "deepseek", "openrouter", "groq", "gemini", "tooluse", "enhancetool", "reasoning", "forcereasoning", "sampling",
    "cleancache", "maxcompletiontokens", "streamoptions", "cerebras", "vercel",
}  # fmt: skip
"""Transformers for what c2o does by itself, by the dialect that it knows for an address."""


def read(path: Path, environ: Mapping[str, str]) -> Import:
    """Raises Unreadable."""
    found = _parsed(text_of(path))
    draft = Draft("claude-code-router", path, environ)
    names = {str(each.get("name", "")): each for each in items(found.get("Providers") or found.get("providers"))}
    known = {name: _provider(draft, name, each, found) for name, each in names.items()}
    _routes(draft, table(found.get("Router")), table(found.get("fallback")), _targets(known))
    _first_model(draft, names, known)
    if found.get("CUSTOM_ROUTER_PATH"):
        draft.notes.append("CUSTOM_ROUTER_PATH: a program that routes has no counterpart; see [routes] and [models].")
    return draft.done()


def _parsed(text: str) -> dict[str, Any]:
    """The file may have comments and commas that are too many: it is read as JSON5."""
    reading = loose_json.read(text)
    try:
        found = json.loads(reading.json if reading else text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it isn't JSON: {error}.") from None
    if not isinstance(found, dict) or not (found.get("Providers") or found.get("providers")):
        raise Unreadable("it has no Providers.")
    return found


def _provider(draft: Draft, name: str, provider: dict[str, Any], found: dict[str, Any]) -> str | None:
    uses = _uses(provider)
    settings: dict[str, Any] = {"proxy": found.get("PROXY_URL")}
    if "Anthropic" in uses:
        settings["api"] = "anthropic"
    if "openai-responses" in uses:
        settings["api"] = "responses"
    body = {**uses.get("customparams", {}), **{k: v for k, v in uses.get("openrouter", {}).items() if k == "provider"}}
    upstream = draft.upstream(
        name, _address(provider.get("api_base_url")), provider.get("api_key"), extra_body=body, **settings
    )
    taken = {*NEEDLESS, "Anthropic", "openai-responses", "customparams", "maxtoken"}
    draft.notes += [f"{name}: the transformer {each!r} has no counterpart." for each in uses if each not in taken]
    longest = uses.get("maxtoken", {}).get("max_tokens")
    if upstream and is_count(longest):
        for model in filter(None, listed(provider.get("models"))):
            draft.limits[f"{upstream}/{model}"] = {"max_output_tokens": longest}
    return upstream


def _uses(provider: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The transformers of all of its models: a name, or a list of name and options."""
    written = table(provider.get("transformer")).get("use")
    pairs = [each if isinstance(each, list) else [each] for each in listed(written)]
    return {str(name): table(options[0]) if options else {} for name, *options in (pair for pair in pairs if pair)}


def _address(written: object) -> object:
    """Gemini's own API has its OpenAI-compatible one beside it (https://ai.google.dev/gemini-api/docs/openai)."""
    if isinstance(written, str) and "generativelanguage.googleapis.com" in written:
        return "https://generativelanguage.googleapis.com/v1beta/openai"
    return written


Target = Callable[[object], str | None]


def _targets(known: dict[str, str | None]) -> Target:
    """From ``provider,model`` to ``upstream/model``; None for what isn't there."""

    def target(written: object) -> str | None:
        provider, comma, model = str(written or "").partition(",")
        upstream = known.get(provider.strip())
        return f"{upstream}/{model.strip()}" if comma and model.strip() and upstream else None

    return target


def _routes(draft: Draft, router: dict[str, Any], fallback: dict[str, Any], target: Target) -> None:
    def list_of(kind: str) -> list[str]:
        written = [router.get(kind), *listed(fallback.get(kind))]
        return list(dict.fromkeys(found for each in written if (found := target(each))))

    if default := list_of("default"):
        draft.models["default"] = default
    for theirs, ours in ROUTES.items():
        if found := list_of(theirs):
            draft.routes[ours] = found[0] if len(found) == 1 else found
    if found := list_of("longContext"):
        above = router.get("longContextThreshold")
        draft.routes["long_context"] = {
            "model": found[0] if len(found) == 1 else found,
            "above": above if is_count(above) else USUAL_THRESHOLD,
        }


def _first_model(draft: Draft, names: dict[str, dict[str, Any]], known: dict[str, str | None]) -> None:
    """Without a default route the first model of all stands for it."""
    for name, provider in names.items():
        models = listed(provider.get("models"))
        if "default" not in draft.models and known[name] and models:
            draft.models["default"] = [f"{known[name]}/{models[0]}"]
