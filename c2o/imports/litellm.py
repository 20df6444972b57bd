"""LiteLLM's proxy (https://docs.litellm.ai/docs/proxy/configs): ``model_list``, and the fallbacks among its names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from c2o.imports.draft import Draft, Import, Unreadable, is_count, items, listed, table, text_of
from c2o.presets import PRESETS

PROVIDERS = {
    "openai": "openai", "text-completion-openai": "openai", "nvidia_nim": "nim", "deepseek": "deepseek",
    "openrouter": "openrouter", "gemini": "gemini", "mistral": "mistral", "groq": "groq", "moonshot": "moonshot",
    "zai": "zai", "minimax": "minimax", "dashscope": "qwen", "xai": "xai", "cerebras": "cerebras",
    "together_ai": "together", "fireworks_ai": "fireworks", "huggingface": "huggingface", "ollama": "ollama",
    "ollama_chat": "ollama", "lm_studio": "lmstudio", "hosted_vllm": "vllm", "vllm": "vllm", "llamafile": "llamacpp",
    "litellm_proxy": "litellm",
}  # fmt: skip
"""What stands before a model's name (https://docs.litellm.ai/docs/providers), and the preset that it means."""

TIERS = ("opus", "sonnet", "haiku", "fable")


class Deployment(NamedTuple):
    """A model of ``model_list``."""

    name: str
    """By which clients ask for it."""
    target: str
    """``upstream/model``."""


def read(path: Path, environ: Mapping[str, str]) -> Import:
    """Raises Unreadable."""
    found = _parsed(text_of(path))
    draft = Draft("LiteLLM", path, environ)
    deployments = [each for model in items(found["model_list"]) if (each := _deployment(draft, model))]
    lists: dict[str, list[str]] = {}
    for each in deployments:
        lists.setdefault(each.name, []).append(each.target)
    for name, others in _fallbacks(found):
        for other in others:
            lists.get(name, []).extend(lists.get(other, []))
    draft.models = {name: list(dict.fromkeys(targets)) for name, targets in lists.items()}
    _tiers(draft.models)
    return draft.done()


def _parsed(text: str) -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - for nobody but who comes from LiteLLM

    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"it isn't YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(found, dict) or not items(found.get("model_list")):
        raise Unreadable("it has no model_list.")
    return found


def _deployment(draft: Draft, entry: dict[str, Any]) -> Deployment | None:
    params, name = table(entry.get("litellm_params")), str(entry.get("model_name", ""))
    provider, _, model = str(params.get("model", "")).partition("/")
    provider = str(params.get("custom_llm_provider") or (provider if model else "openai"))
    model = model or str(params.get("model", ""))
    address = _address(provider, model, params)
    if not name or not model or address is None:
        draft.notes.append(f"{name or 'a model'}: {provider} has no OpenAI-compatible address, so it was left out.")
        return None
    upstream = draft.upstream(
        PROVIDERS.get(provider, provider),
        address,
        params.get("api_key") or _usual_key(provider, params),
        dialect=_dialect(provider, params),
        headers=table(params.get("extra_headers")),
        extra_body=table(params.get("extra_body")),
        requests_per_minute=params.get("rpm"),
        max_concurrency=params.get("max_parallel_requests"),
    )
    if upstream is None:
        return None
    target = f"{upstream}/{model}"
    _limits(draft, target, table(entry.get("model_info")))
    return Deployment(name, target)


def _address(provider: str, model: str, params: dict[str, Any]) -> str | None:
    given = params.get("api_base") or params.get("base_url")
    if isinstance(given, str) and provider == "azure" and "/openai/" not in given:
        version = params.get("api_version")
        query = f"?api-version={version}" if version else ""
        return f"{given.rstrip('/')}/openai/deployments/{model}{query}"
    if isinstance(given, str):
        return given
    preset = PRESETS.get(PROVIDERS.get(provider, ""))
    return "https://api.anthropic.com" if provider == "anthropic" else preset.base_url if preset else None


def _usual_key(provider: str, params: dict[str, Any]) -> str | None:
    """The variable that LiteLLM itself looks into, where the model's entry names no key and no other address."""
    preset = PRESETS.get(PROVIDERS.get(provider, ""))
    variable = "ANTHROPIC_API_KEY" if provider == "anthropic" else preset.key_env if preset else None
    return f"os.environ/{variable}" if variable and not params.get("api_base") else None


def _dialect(provider: str, params: dict[str, Any]) -> str | None:
    """Where the address is somebody's own, the provider's name says more than its host."""
    preset = PRESETS.get(PROVIDERS.get(provider, ""))
    return preset.dialect if preset and params.get("api_base") else None


def _limits(draft: Draft, target: str, info: dict[str, Any]) -> None:
    theirs = {"context_window": info.get("max_input_tokens"), "max_output_tokens": info.get("max_output_tokens")}
    known = {name: value for name, value in theirs.items() if is_count(value)}
    if known:
        draft.limits[target] = known


def _fallbacks(found: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """``[{name: [others]}]``, in either of the two places that LiteLLM has for it."""
    for settings in ("litellm_settings", "router_settings"):
        for entry in items(table(found.get(settings)).get("fallbacks")):
            yield from (
                (name, [each for each in listed(others) if isinstance(each, str)]) for name, others in entry.items()
            )


def _tiers(models: dict[str, list[str]]) -> None:
    """Claude's names with the day of a release become tiers too: the next release has another day."""
    for tier in TIERS:
        found = next((targets for name, targets in models.items() if tier in name and "claude" in name), None)
        if found and tier not in models:
            models[tier] = found
    everything = models.pop("*", None)
    if everything and "default" not in models:
        models["default"] = everything
