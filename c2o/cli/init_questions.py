"""The questions of ``c2o init`` on a terminal: few, each with a default, each answer tried at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from c2o import key_file, secret, urls
from c2o.cli import init_detect, init_file, init_trial, terminal
from c2o.cli.doctor_probe import LIGHT, MORE_REQUESTS, checks_for
from c2o.cli.init_choice import Choice, Given, Place, checked_url, place_of
from c2o.cli.init_detect import Seen
from c2o.cli.init_file import Before
from c2o.config import Config, parse
from c2o.errors import CredentialError, UsageError
from c2o.presets import PRESETS
from c2o.wire.probe import Check, Found, ListedModel

SHOWN = 12
"""Models that are shown of a longer list."""

DEMO = "demo"

PASTE, NONE = "paste", "none"

NOT_FOR_CHAT = re.compile(
    r"embed|whisper|tts|rerank|moderation|guard|image|dall-e|sora|audio|realtime|transcribe|ocr|reward|clip|parse"
)
"""Names of models that one doesn't talk to: they aren't suggested."""


class Asked(NamedTuple):
    """What came out of the questions."""

    choice: Choice
    found: list[Found]
    """Of the trial; empty without one."""
    listed: list[ListedModel]


def ask(given: Given, before: Before, *, test: bool) -> Asked:
    """Raises KeyboardInterrupt or EOFError where the person stops."""
    _show(before)
    while True:
        place = _place(given, before)
        if place.name == DEMO:
            return Asked(place.choice(given)._replace(model=given.model or PRESETS[DEMO].model or ""), [], [])
        choice, key = _key(given, place)
        if not test and given.model:
            return Asked(choice._replace(model=given.model), [], [])
        offered = _offered(choice, key)
        if offered is not None:
            break
        given = given._replace(upstream=None, key_env=None)
    choice, listed = offered
    choice = choice._replace(model=given.model or _model(choice, listed))
    return _tried(choice, key, before, listed, given.probe) if test else Asked(choice, [], listed)


# What is there ------------------------------------------------------------------------------------


def _show(before: Before) -> None:
    if before.config is None:
        return
    terminal.say("There is a configuration already; init adds to it, and keeps the old file as config.toml.bak.")
    for name, upstream in before.config.upstreams.items():
        key = f"key from {upstream.api_key.describe()}" if upstream.api_key else "no key"
        terminal.say(f"  {name}  ", (urls.printable(upstream.base_url), "cyan"), (f"  {key}", "dim"))
    for name, targets in before.config.models.items():
        terminal.say((f"  {name} → {', else '.join(targets)}", "dim"))
    terminal.say()


# The upstream ---------------------------------------------------------------------------------------


def _place(given: Given, before: Before) -> Place:
    while True:
        try:
            return place_of(given._replace(upstream=given.upstream or _menu()), before.upstreams)
        except UsageError as error:
            terminal.say(("✗ ", "red"), str(error))
            given = given._replace(upstream=None)


def _menu() -> str:
    with terminal.waiting("looking around"):
        seen = init_detect.look(os.environ)
    terminal.say(("Which upstream shall Claude Code work on?", "bold"))
    width = max(len(each.preset.title) for each in seen)
    for number, each in enumerate(seen, start=1):
        title = (f"{each.preset.title:{width}}", "bold" if each.ready else "")
        terminal.say(f" {number:3}  ", title, "  ", (each.note, "green" if each.ready else "dim"))
    terminal.say(f" {len(seen) + 1:3}  Another one, by its URL")
    return _picked(seen, terminal.ask("Number, name or URL", "1"))


def _picked(seen: list[Seen], answer: str) -> str:
    """A preset's key, or a URL; anything else is for whoever checks it."""
    if not answer.isascii() or not answer.isdigit():
        return answer.lower() if answer.lower() in PRESETS else answer
    number = int(answer)
    if 1 <= number <= len(seen):
        return seen[number - 1].key
    return terminal.ask("Its URL (https://…/v1)") if number == len(seen) + 1 else answer


# The key ----------------------------------------------------------------------------------------------


def _key(given: Given, place: Place) -> tuple[Choice, str]:
    """The choice with where its key is, and the key."""
    choice = place.choice(given)
    if given.no_key or (choice.api_key is None and urls.is_loopback(choice.base_url)):
        return choice._replace(api_key=None), ""
    source = choice.api_key if given.key_env or not place.usual_key else None
    if source is None or not given.key_env:
        source = _key_source(choice.api_key)
    return _with_key(choice, source)


def _with_key(choice: Choice, source: str | None) -> tuple[Choice, str]:
    """Asks until the key is found, or none is wanted."""
    while source is not None:
        try:
            return choice._replace(api_key=source), secret.find(source, key_file.beside()).reveal()
        except CredentialError as error:
            terminal.say(("✗ ", "red"), str(error).partition(": export ")[0].rstrip("."))
            source = _key_source(None)
    return choice._replace(api_key=None), ""


def _key_source(usual: str | None) -> str | None:
    """``env:NAME``, the key itself, or None for no key.  ``usual`` is offered, if it leads to one."""
    default = _offer(usual)
    answer = terminal.ask("Its key: the name of a variable, 'paste', or 'none'", default)
    if answer == NONE:
        return None
    if answer == PASTE:
        return _pasted(terminal.ask_hidden("The key"))
    if usual and answer == default:
        return usual
    if re.fullmatch(r"[A-Z_][A-Z0-9_]*", answer) or answer in os.environ:
        return f"env:{answer}"
    return _pasted(answer)


def _offer(usual: str | None) -> str:
    """The answer that Enter gives."""
    if usual is None:
        return NONE
    if not usual.startswith("env:"):
        return "the one that is configured"
    variable = usual.removeprefix("env:")
    if value := os.environ.get(variable):
        terminal.say((f"  {variable} is set here: {secret.Secret(value).hint()}", "dim"))
        return variable
    docs = next((each.docs for each in PRESETS.values() if each.key_env == variable), "")
    terminal.say((f"  {variable} is not set here.{f' Keys are at {docs}' if docs else ''}", "dim"))
    return PASTE


def _pasted(key: str) -> str | None:
    """The key itself, if it may be kept in the file."""
    if not key:
        return _key_source(None)
    if terminal.confirm("Keep this key in the configuration file, which only you can read?", default=True):
        return key
    terminal.say("Then put it into a variable, and name that.")
    return _key_source(None)


# The model ------------------------------------------------------------------------------------------


def _offered(choice: Choice, key: str) -> tuple[Choice, list[ListedModel]] | None:
    """The address as it answers, and its models; None if nothing answers and another upstream is wanted."""
    while True:
        found = _next(init_trial.ask_models(choice, key), f"asking {choice.name} for its models")
        if found is None:  # Ctrl-C has ended the asking
            raise KeyboardInterrupt
        terminal.say(*init_trial.line(choice.name, found))
        if found.base_url:
            choice = choice._replace(base_url=found.base_url)
            terminal.say(("! ", "yellow"), f"it answers at {found.base_url}, so that is what is kept")
        if found.fault != "connection":
            return choice, found.models
        if not terminal.confirm("Try again? (n: choose another upstream)", default=True):
            return None


def _model(choice: Choice, listed: list[ListedModel]) -> str:
    ids = [each.id for each in listed]
    suggested = suggestion(choice.name, ids)
    shown = [suggested, *(id for id in ids if id != suggested)][:SHOWN] if len(ids) <= SHOWN else [suggested]
    while True:
        for number, id in enumerate(filter(None, shown), start=1):
            terminal.say(f" {number:3}  {id}")
        more = f", or a part of one of the {len(ids)} names" if len(ids) > len(shown) else ""
        answer = terminal.ask(f"The model: number or name{more}", suggested)
        chosen = _resolved(answer, shown, ids)
        if isinstance(chosen, str):
            return chosen
        shown = chosen[:SHOWN]
        terminal.say((f"  {len(chosen)} models have that in their names:" if shown else "  A model is needed.", "dim"))


def suggestion(name: str, ids: list[str]) -> str:
    """The preset's model if it is there, else the first that one can talk to."""
    usual = PRESETS[name].model if name in PRESETS else None
    if usual and (usual in ids or not ids):
        return usual
    talking = [id for id in ids if not NOT_FOR_CHAT.search(id.lower())]
    return next(iter([*talking, *ids]), "")


def _resolved(answer: str, shown: list[str], ids: list[str]) -> str | list[str]:
    """One model, or the models that an answer may mean."""
    if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(shown):
        return shown[int(answer) - 1]
    if answer in ids or not ids or not answer:
        return answer or []
    matching = [id for id in ids if answer.lower() in id.lower()]
    if len(matching) == 1:
        return matching[0]
    return matching or answer


# The trial -------------------------------------------------------------------------------------------


def _tried(choice: Choice, key: str, before: Before, listed: list[ListedModel], probe: bool | None) -> Asked:
    """Try until it works, or the person wants it as it is."""
    while True:
        found = _trial(choice, key, before, LIGHT[1:])
        failed = init_trial.failure(found)
        if failed is None:
            return Asked(choice, [*found, *_all_else(choice, key, before, probe)], listed)
        terminal.say((f"  {init_trial.advice(choice, failed, listed)}", "dim"))
        answer = terminal.choose("What now?", WHAT_NOW, default=LIKELY.get(failed.fault or "", "t"))
        if answer == "w":
            return Asked(choice, found, listed)
        choice, key = AGAIN[answer](choice, key, listed)


def _all_else(choice: Choice, key: str, before: Before, probe: bool | None) -> list[Found]:
    """What else the model can do, if that is wanted and can be asked."""
    upstream = _candidate(choice, before).upstreams[choice.name]
    rest = [check for check in checks_for(upstream, choice.model) if check not in LIGHT]
    if probe is None and rest:
        cost = f"  Up to {MORE_REQUESTS} more short requests, which may cost something, tell what else it can do."
        terminal.say((cost, "dim"))
        probe = terminal.confirm("Try all that it can do?", default=False)
    return _trial(choice, key, before, rest) if probe and rest else []


def _candidate(choice: Choice, before: Before) -> Config:
    return parse(init_file.written(before, choice).encode(), before.path)


def _trial(choice: Choice, key: str, before: Before, checks: list[Check]) -> list[Found]:
    asking = init_trial.ask(_candidate(choice, before), choice, key, *checks)
    found = []
    while (each := _next(asking, f"trying {choice.model}")) is not None:
        found.append(each)
        terminal.say(*init_trial.line(choice.name, each))
    return found


def _next(checks: Iterator[Found], text: str) -> Found | None:
    with terminal.waiting(text):
        return next(checks, None)


Again = Callable[[Choice, str, list[ListedModel]], tuple[Choice, str]]


def _same(choice: Choice, key: str, listed: list[ListedModel]) -> tuple[Choice, str]:
    del listed
    return choice, key


def _other_key(choice: Choice, key: str, listed: list[ListedModel]) -> tuple[Choice, str]:
    del key, listed
    return _with_key(choice, _key_source(choice.api_key))


def _other_model(choice: Choice, key: str, listed: list[ListedModel]) -> tuple[Choice, str]:
    return choice._replace(model=_model(choice, listed)), key


def _other_url(choice: Choice, key: str, listed: list[ListedModel]) -> tuple[Choice, str]:
    del listed
    while True:
        try:
            return choice._replace(base_url=checked_url(terminal.ask("Its URL", choice.base_url))), key
        except UsageError as error:
            terminal.say(("✗ ", "red"), str(error))


WHAT_NOW = {
    "t": "try again",
    "m": "another model",
    "k": "another key",
    "u": "another URL",
    "w": "write it as it is",
}
AGAIN: dict[str, Again] = {"t": _same, "m": _other_model, "k": _other_key, "u": _other_url}
LIKELY: dict[str, str] = {"key": "k", "model": "m", "url": "u"}
"""What helps, by what went wrong."""
