"""Trying a choice for real, before it is written: the list of models, a streamed answer, a tool call."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator

from msgspec import structs

from c2o import key_file, secret
from c2o.cli.doctor_probe import TITLES
from c2o.cli.init_choice import Choice
from c2o.cli.output import Line
from c2o.config import Config
from c2o.doctor import probing
from c2o.doctor.upstreams import FINE
from c2o.errors import C2oError, CredentialError, UpstreamError
from c2o.presets import PRESETS
from c2o.printable import printable
from c2o.wire.probe import Check, Found, Job, ListedModel

LIST_WITHIN = 15.0
"""Seconds for a list of models."""

KEPT_IN_FILE = secret.describe("the key itself")

WITHOUT = "Or go on without the test: --no-test"


def key_of(choice: Choice) -> str:
    """Raises CredentialError, with what init's flags can do about it."""
    if choice.api_key is None:
        return ""
    try:
        return secret.find(choice.api_key, key_file.beside()).reveal()
    except CredentialError:
        if not choice.api_key.startswith("env:"):
            raise
        variable = choice.api_key.removeprefix("env:")
        raise CredentialError(
            f"{variable} is not set, so {choice.name} can't be tried{_where_keys_are(choice)}. "
            f"Try again after: export {variable}=…  {WITHOUT}"
        ) from None


def _where_keys_are(choice: Choice) -> str:
    preset = PRESETS.get(choice.name)
    return f" (keys are at {preset.docs})" if preset and preset.docs else ""


def ask(candidate: Config, choice: Choice, key: str, *checks: Check) -> Iterator[Found]:
    """The checks in turn; ``candidate`` is the configuration as it would be."""
    job = probing.job_for(candidate, choice.name, key)
    yield from probing.ask(structs.replace(job, checks=list(checks), key_from=_key_from(choice)))


def ask_models(choice: Choice, key: str) -> Iterator[Found]:
    """The upstream's list of models, before one is chosen."""
    job = Job(checks=["models"], name=choice.name, base_url=choice.base_url, key=key, key_from=_key_from(choice))
    yield from probing.ask(structs.replace(job, timeout=LIST_WITHIN))


def _key_from(choice: Choice) -> str:
    if not choice.api_key:
        return ""
    place = secret.describe(choice.api_key)
    return "this terminal" if place == KEPT_IN_FILE else place


def failure(found: list[Found]) -> Found | None:
    """What keeps the choice from working.  Where chat works, neither a missing list nor a missing call does."""
    if chat := next((each for each in found if each.check == "stream"), None):
        return None if chat.ok else chat
    return next((each for each in found if each.fault == "connection"), None)


def as_error(choice: Choice, found: Found, listed: list[ListedModel]) -> C2oError:
    """Why the choice doesn't work, and what to do with flags."""
    kind = CredentialError if found.fault == "key" else UpstreamError
    flags = _FLAGS.get(found.fault or "", "")
    told = found.detail if found.detail.endswith((".", "?", "!")) else f"{found.detail}."
    sentences = [told, advice(choice, found, listed), flags, WITHOUT]
    return kind(" ".join(sentence for sentence in sentences if sentence))


_FLAGS: dict[str, str] = {"key": "Its variable is named with --key-env.", "model": "Choose with --model."}


def advice(choice: Choice, found: Found, listed: list[ListedModel]) -> str:
    """What to do about a check that failed."""
    return _ADVICE.get(found.fault or "", _anything_else)(choice, listed)


def _key(choice: Choice, _: list[ListedModel]) -> str:
    return "Give it a valid one and try again." if choice.api_key else "Give it a key."


def _model(choice: Choice, listed: list[ListedModel]) -> str:
    ids = [each.id for each in listed]
    some = difflib.get_close_matches(choice.model, ids, n=5, cutoff=0.3) or ids[:5]
    return f"It has {', '.join(some)}." if some else "Check its spelling."


def _url(choice: Choice, _: list[ListedModel]) -> str:
    return f"Check the address {choice.base_url}; it was also tried with and without /v1."


def _connection(choice: Choice, _: list[ListedModel]) -> str:
    return f"Start it, or check the address {choice.base_url}."


def _anything_else(choice: Choice, _: list[ListedModel]) -> str:
    return f"That is {choice.name}'s own answer: try again, or another model."


_ADVICE: dict[str, Callable[[Choice, list[ListedModel]], str]] = {
    "key": _key,
    "model": _model,
    "url": _url,
    "connection": _connection,
}


def line(name: str, found: Found) -> Line:
    """What is told of a check."""
    if found.check not in FINE:
        symbol = ("✓ ", "green") if found.ok else ("· ", "dim")
        return [symbol, f"{name}: {TITLES[found.check]}", (f"  ({printable(found.detail)})", "dim")]
    if found.ok:
        finding = FINE[found.check](name, found)
        return [("✓ ", "green"), finding.title, (f"  ({finding.detail})", "dim")]
    symbol = ("✗ ", "red") if found.check == "stream" else ("! ", "yellow")
    return [symbol, printable(found.detail)]
