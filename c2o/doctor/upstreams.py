"""Checks of the upstreams: each is asked for its models, for a streamed answer, and for a tool call."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from c2o.claude.launch import own_python
from c2o.config import Config
from c2o.doctor import probing
from c2o.doctor.finding import Finding, Fix, Level, run
from c2o.doctor.machine import Machine
from c2o.service.lifecycle import counted
from c2o.wire.probe import Fault, Found, ListedModel

_ok = partial(Finding, group="upstream", level="ok")
_warn = partial(Finding, group="upstream", level="warn")
_fail = partial(Finding, group="upstream", level="fail")

DEMO = "http://127.0.0.1:8227"
"""Where ``c2o init`` expects the embedded upstream."""


class Case(NamedTuple):
    """One upstream, and what was found out about it."""

    name: str
    config: Config
    found: list[Found]

    @property
    def listed(self) -> list[ListedModel]:
        return [model for each in self.found for model in each.models]

    @property
    def here(self) -> str:
        """Where its table is."""
        return f"under [upstreams.{self.name}] in {self.config.path}"


def ask(machine: Machine) -> Iterator[Finding]:
    for name, found in machine.found.items():
        yield from diagnosed(Case(name, machine.config, found))


def diagnosed(case: Case) -> Iterator[Finding]:
    """Why there is no list of models doesn't matter where chat was tried."""
    chat = next((each for each in case.found if each.check == "stream"), None)
    for found in case.found:
        if found.base_url:
            yield _misspelt(case, found.base_url)
        if found.ok:
            yield FINE[found.check](case.name, found)
        elif found.check != "models" or chat is None:
            yield _failed(case, found)
    if chat and chat.ok:
        yield from _unlisted(case)


def _lists(name: str, found: Found) -> Finding:
    title = f"{name} lists {counted(len(found.models), 'model')}"
    return _ok(id="upstream.models", title=title, detail=_ms(found.ms))


def _streams(name: str, found: Found) -> Finding:
    title = f"{name}: {found.detail}"
    if not found.streamed:
        fix = Fix("let the server, or the gateway before it, pass streams through")
        return _warn(id="upstream.stream", title=title, detail=_ms(found.ms), fix=fix)
    first = f"first piece after {_ms(found.first_ms or 0)}"
    uncounted = "" if found.usage else "; it doesn't count tokens, so c2o estimates them"
    return _ok(id="upstream.stream", title=title, detail=first + uncounted)


def _calls_a_tool(name: str, found: Found) -> Finding:
    return _ok(id="upstream.tool", title=f"{name}: {found.detail}", detail=_ms(found.ms))


FINE: dict[str, Callable[[str, Found], Finding]] = {"models": _lists, "stream": _streams, "tool": _calls_a_tool}


def _ms(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:.0f} s"


def _misspelt(case: Case, base_url: str) -> Finding:
    title = f"{case.name} answers at {base_url}, not at the configured base_url"
    fix = Fix(f'set base_url = "{base_url}" {case.here}')
    return _fail(id="upstream.url", title=title, fix=fix)


def _failed(case: Case, found: Found) -> Finding:
    assert found.fault is not None
    id, level, fix = FAILED[found.fault]
    return Finding(id=id, group="upstream", level=level, title=_titled(case.name, found.detail), fix=fix(case))


def _titled(name: str, detail: str) -> str:
    """The probe's sentences name the upstream themselves, mostly."""
    sentence = detail.removeprefix("upstream ").rstrip(".")
    return sentence if sentence.startswith(name) else f"{name}: {sentence}"


def _unlisted(case: Case) -> Iterator[Finding]:
    """The other models of ``[models]`` aren't tried, only looked up."""
    known = {each.id for each in case.listed} | {each.id.removesuffix(":latest") for each in case.listed}
    for model in probing.models_of(case.config, case.name)[1:]:
        if known and model not in known:
            title = f"{case.name} doesn't list the model {model}"
            yield _warn(id="upstream.model", title=title, fix=_correct_model(case, model))


# Windows -------------------------------------------------------------------------------------------

SMALL = 32_000
"""Tokens.  Claude Code's own instructions and tools take about twenty thousand of them."""


def windows(machine: Machine) -> Iterator[Finding]:
    """By its window Claude Code decides when to compact, and c2o when a prompt is too long."""
    for name in machine.config.upstreams:
        case = Case(name, machine.config, machine.found.get(name, []))
        for model in probing.models_of(machine.config, name):
            window = machine.window(name, model, _listed_window(case, model))
            if window is None:
                yield _unknown_window(case, model)
            elif window < SMALL:
                yield _small_window(case, model, window)


def _listed_window(case: Case, model: str) -> int | None:
    return next((each.context_window for each in case.listed if each.id == model), None)


def _unknown_window(case: Case, model: str) -> Finding:
    title = f"the context window of {case.name}/{model} isn't known, so Claude Code takes it for 200,000 tokens"
    place = f'[limits."{case.name}/{model}"] in {case.config.path}'
    fix = Fix(f"have its server asked: c2o doctor --probe; or set context_window under {place}")
    return _warn(id="upstream.window", title=title, fix=fix)


def _small_window(case: Case, model: str, window: int) -> Finding:
    """Ollama gives a model a small part of its window unless told, and drops the beginning of what is longer
    (https://docs.ollama.com/context-length)."""
    title = f"{case.name}/{model} has a context window of {window:,} tokens; Claude Code needs more to work well"
    dialect = case.config.upstreams[case.name].dialect_name()
    if dialect == "ollama":
        return _warn(
            id="upstream.num_ctx", title=title, fix=Fix("start it with more: OLLAMA_CONTEXT_LENGTH=65536 ollama serve")
        )
    return _warn(
        id="upstream.window",
        title=title,
        fix=Fix("give the server a larger one, or choose another model under [models]"),
    )


# What to do about each fault ------------------------------------------------------------------------


def _start_it(case: Case) -> Fix:
    if case.config.upstreams[case.name].base_url.startswith(DEMO):
        command = f"{own_python()} -m c2o.demo --port 8227"
        return run(command, safe=False, text="start the embedded upstream, and let it run")
    return Fix(f"start it, or correct base_url {case.here}")


def _give_key(case: Case) -> Fix:
    if case.config.upstreams[case.name].api_key is None:
        return Fix(f'add api_key = "env:NAME" {case.here}, and NAME=… to keys.env beside it')
    return Fix("put a valid key there, then: c2o restart")


def _correct_url(case: Case) -> Fix:
    return Fix(f"correct base_url {case.here}")


def _correct_main_model(case: Case) -> Fix:
    return _correct_model(case, probing.main_model(case.config, case.name) or "")


def _correct_model(case: Case, model: str) -> Fix:
    close = difflib.get_close_matches(model, [each.id for each in case.listed], n=3, cutoff=0.4)
    there_is = f" (there is {', '.join(close)})" if close else ""
    return Fix(f"correct [models] in {case.config.path}{there_is}")


def _later(_: Case) -> Fix:
    return run("c2o doctor", text="try again later")


def _add_credit(_: Case) -> Fix:
    return Fix("add credit at the provider, or choose another upstream under [models]")


def _look_there(case: Case) -> Fix:
    return run("c2o doctor", text=f"see whether {case.name} is well, then")


def _choose_a_model_with_tools(_: Case) -> Fix:
    return Fix("Claude Code works by calling tools: choose a model that can, under [models]")


FAILED: dict[Fault, tuple[str, Level, Callable[[Case], Fix]]] = {
    "connection": ("upstream.connection", "fail", _start_it),
    "key": ("upstream.key", "fail", _give_key),
    "url": ("upstream.url", "fail", _correct_url),
    "model": ("upstream.model", "fail", _correct_main_model),
    "list": ("upstream.list", "warn", _look_there),
    "quota": ("upstream.quota", "fail", _add_credit),
    "busy": ("upstream.busy", "warn", _later),
    "slow": ("upstream.slow", "warn", _later),
    "answer": ("upstream.answer", "fail", _look_there),
    "no_call": ("upstream.tool", "warn", _choose_a_model_with_tools),
}
"""The id and the weight of what went wrong, and what to do."""

OTHERS = ("upstream.models", "upstream.url", *dict.fromkeys(id for id, _, _ in FAILED.values()))
"""The ids of what is found beside ``upstream.stream``."""
