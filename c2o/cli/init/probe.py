"""Trying a choice for real, before it is written: the list of models, a streamed answer, a tool call and its result."""

from __future__ import annotations

import difflib
import os
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import structs

from c2o import env_proxy, key_file, missing_keys, secret, urls
from c2o.cli.doctor.probe import LIGHT, TITLES, checks_for
from c2o.cli.init import file
from c2o.cli.init.choice import Choice
from c2o.cli.init.plan import Plan, Tried
from c2o.cli.output import Line
from c2o.config import Config, parse
from c2o.doctor import probing
from c2o.errors import C2oError, CredentialError, UpstreamError
from c2o.imports import Import
from c2o.presets import PRESETS
from c2o.wire.probe import Check, Found, ListedModel

LIST_WITHIN = 15.0
"""Seconds for a list of models."""

KEPT_IN_FILE = secret.describe("the key itself")

WITHOUT = "Or go on without the test: --no-test"


def key_of(source: str | None, saved: dict[str, str] | None = None) -> str:
    """The key itself; empty for none.  Raises CredentialError."""
    if source is None:
        return ""
    return secret.find(source, ChainMap(saved or {}, dict(key_file.beside(os.environ)))).reveal()


def missing(found: Import) -> dict[str, list[str]]:
    """The variables of keys that nobody has set, and the upstreams that need them."""
    unset: dict[str, list[str]] = {}
    for name, table in found.upstreams.items():
        source = str(table.get("api_key", ""))
        try:
            key_of(source or None, found.keys)
        except CredentialError:
            unset.setdefault(source.removeprefix("env:"), []).append(name)
    return unset


def not_set(plan: Plan) -> list[str]:
    """The variables of keys that nobody has set."""
    if plan.imported:
        return list(missing(plan.imported))
    source = plan.choice.api_key if plan.choice else None
    if source and source.startswith("env:") and source.removeprefix("env:") not in plan.saved:
        try:
            key_of(source)
        except CredentialError:
            return [source.removeprefix("env:")]
    return []


def nobody_answers(plan: Plan, more: Mapping[str, str] = {}) -> bool:
    """Would each model lack its key, so that the service wouldn't start?  ``more`` are variables of its manager."""
    config = candidate(plan)
    found = ChainMap(dict(plan.saved), dict(key_file.beside(os.environ)), dict(more))
    return missing_keys.nobody_answers(config, missing_keys.seen_from(found, config)) is not None


def key_for(choice: Choice) -> str:
    """Raises CredentialError, with what init's flags can do about it."""
    try:
        return key_of(choice.api_key)
    except CredentialError:
        if not (choice.api_key or "").startswith("env:"):
            raise
        variable = (choice.api_key or "").removeprefix("env:")
        raise CredentialError(
            f"{variable} is not set, so {choice.name} can't be tried{_where_keys_are(choice)}. "
            f"Try again after: export {variable}=…  {WITHOUT}"
        ) from None


def _where_keys_are(choice: Choice) -> str:
    preset = PRESETS.get(choice.name)
    return f" (keys are at {preset.keys})" if preset and preset.keys else ""


def candidate(plan: Plan) -> Config:
    """The configuration as it would be; one that has no models yet gets a name that stands for them."""
    draft = plan.draft
    if plan.before.config is None and not draft.models:
        draft = draft._replace(models={"default": f"{next(iter(draft.upstreams))}/-"})
    return parse(file.written(plan.before, draft).encode(), plan.before.path)


def ask(plan: Plan, upstream: str, model: str, key: str, checks: Sequence[Check]) -> Iterator[Found]:
    """The checks in turn."""
    job = probing.job_for(candidate(plan), upstream, key)
    place = "this terminal" if plan.saved or job.key_from == KEPT_IN_FILE else job.key_from
    timeout = LIST_WITHIN if checks == ["catalogue"] else job.timeout
    yield from probing.ask(structs.replace(job, model=model, checks=list(checks), key_from=place, timeout=timeout))


def checks(plan: Plan, upstream: str, model: str) -> list[Check]:
    """What a model is asked, after its upstream's list; with ``--probe`` all that it can do."""
    wanted = checks_for(candidate(plan).upstreams[upstream], model) if plan.given.probe else LIGHT
    return [each for each in wanted if each != "models"]


def failure(found: Sequence[Found]) -> Found | None:
    """What keeps the choice from working.  Where chat works, neither a missing list nor a missing call does."""
    if chat := next((each for each in found if each.check == "stream"), None):
        return None if chat.ok else chat
    return next((each for each in found if each.fault == "connection"), None)


def without_tools(found: Sequence[Found]) -> Found | None:
    """The check that says so: Claude Code does all its work by calling tools."""
    return next((each for each in found if each.check == "tool" and not each.ok), None)


def as_error(choice: Choice, model: str, found: Found, listed: Sequence[ListedModel]) -> C2oError:
    """Why the choice doesn't work, and what to do with flags."""
    kind = CredentialError if found.fault == "key" else UpstreamError
    told = sentence(found.detail)
    parts = [told, advice(choice, model, found, listed), _FLAGS.get(found.fault or "", ""), WITHOUT]
    return kind(" ".join(part for part in parts if part))


def sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


_FLAGS: dict[str, str] = {"key": "Its variable is named with --key-env.", "model": "Choose with --model."}


def advice(choice: Choice, model: str, found: Found, listed: Sequence[ListedModel]) -> str:
    """What to do about a check that failed."""
    return _ADVICE.get(found.fault or "", _anything_else)(choice, model, listed)


def _key(choice: Choice, _: str, __: Sequence[ListedModel]) -> str:
    return "Give it a valid one and try again." if choice.api_key else "Give it a key."


def _model(_: Choice, model: str, listed: Sequence[ListedModel]) -> str:
    ids = [each.id for each in listed]
    some = difflib.get_close_matches(model, ids, n=5, cutoff=0.3) or ids[:5]
    return f"It has {', '.join(some)}." if some else "Check its spelling."


def _url(choice: Choice, _: str, __: Sequence[ListedModel]) -> str:
    return f"Check the address {choice.base_url}; it was also tried with and without /v1."


def _connection(choice: Choice, _: str, __: Sequence[ListedModel]) -> str:
    if urls.is_loopback(choice.base_url):
        return "Start it, or check the address."
    variable = env_proxy.variable(choice.base_url, os.environ)
    if variable is None:
        return ""
    then = f"c2o config set upstreams.{choice.name}.proxy env"
    return f"{variable} is set: if its proxy is the only way out, finish without the test, and then: {then}."


def _no_call(_: Choice, __: str, ___: Sequence[ListedModel]) -> str:
    return "Claude Code does its work by calling tools, so it will do little with this model."


def _anything_else(choice: Choice, _: str, __: Sequence[ListedModel]) -> str:
    return f"That is {choice.name}'s own answer: try again, or another model."


_ADVICE: dict[str, Callable[[Choice, str, Sequence[ListedModel]], str]] = {
    "key": _key,
    "model": _model,
    "url": _url,
    "connection": _connection,
    "no_call": _no_call,
}


# What is told of it --------------------------------------------------------------------------------


def verdicts(tried: Tried, *, keyed: bool, models: int | None) -> Line:
    """``✓ key accepted  ✓ 7 models  ✓ streaming  ✓ tool call  214 ms``"""
    found = {each.check: each for each in tried.found}
    stream, tool = found.get("stream"), found.get("tool")
    spans: Line = []
    if keyed and stream and stream.ok:
        spans += [*_YES, "key accepted  "]
    if models:
        spans += [*_YES, "1 model  " if models == 1 else f"{models} models  "]
    if stream:
        said = "streaming" if stream.streamed or not stream.ok else "answers, but all at once"
        spans += [*(_YES if stream.ok and stream.streamed else _NO), said, "  "]
    if tool:
        spans += [*_YES, "tool call  "] if tool.ok else [*_NO, "no tool call  "]
    for each in (each for check, each in found.items() if check not in LIGHT):
        spans += [*_YES, f"{TITLES[each.check]}  "] if each.ok else [("· ", "dim"), f"no {TITLES[each.check]}  "]
    if last := tool or stream:
        spans.append((f"{last.ms} ms", "dim"))
    return spans


_YES: Line = [("✓ ", "green")]
_NO: Line = [("! ", "yellow")]
