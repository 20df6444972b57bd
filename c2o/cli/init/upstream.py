"""The first question of ``c2o init``: which upstream, of those that were found, are known, or have an address."""

from __future__ import annotations

from pathlib import Path

from c2o import imports, key_file, urls
from c2o.cli.init.choice import checked_url, place_of
from c2o.cli.init.plan import Plan
from c2o.cli.terminal.asking import Asking, told
from c2o.cli.terminal.menu import Option
from c2o.errors import UsageError
from c2o.imports import Import
from c2o.printable import printable

LABEL = "Upstream"
DEMO = "demo"

Picked = str | Import
"""A preset's key, an address, the name of what is configured; empty for an address that is still to be typed."""


def upstream(asking: Asking, plan: Plan) -> Plan:
    """Raises Back, ConfigError."""
    rows = asking.rows
    given = plan.given
    picked = given.upstream or (
        imports.read(given.imported, Path.home(), key_file.beside()) if given.imported else _picked(asking, plan)
    )
    if isinstance(picked, Import):
        asking.say(told(LABEL, (picked.title, "bold"), (f"  {picked.summary}", "dim")))
        for note in picked.notes:
            asking.say([("! ", "yellow"), printable(note)])
        return plan._replace(imported=picked, choice=None)
    if not picked:
        picked = asking.enter("", "Its address, such as https://llm.example.com/v1", check=_address)
    try:
        place = place_of(plan.given._replace(upstream=picked), plan.before.upstreams)
    except UsageError as error:
        asking.take_back(rows)
        asking.say([("✗ ", "red"), str(error)])
        return upstream(asking, plan._replace(given=plan.given._replace(upstream=None)))
    preset = next((each.preset for each in plan.around.seen if each.key == picked), None)
    choice = place.choice(plan.given)
    title = preset.title if preset else choice.name
    asking.say(told(LABEL, (title, "bold"), (f"  {urls.printable(choice.base_url)}", "cyan")))
    return plan._replace(choice=choice, imported=None)


def _picked(asking: Asking, plan: Plan) -> Picked:
    options = list(_options(plan))
    ready = plan.around.seen[0].ready or bool(plan.around.imports)
    at = 0 if ready else next(number for number, each in enumerate(options) if each.value == "nim")
    return asking.choose("", "Which upstream shall Claude Code work on?", options, at=at, written=_written)


def _options(plan: Plan) -> list[Option[Picked]]:
    """What is ready, what can be imported, any other by its address, and then all that is known."""
    presets = [
        Option[Picked](each.key, each.preset.title, each.note, "green" if each.ready else "dim", each.ready)
        for each in plan.around.seen
    ]
    ready = [each for each in presets if each.strong]
    imports = [
        Option[Picked](each, f"Import from {each.title}", each.summary, "green", strong=True)
        for each in plan.around.imports
    ]
    other = Option[Picked]("", "Other OpenAI-compatible URL…", "a company's gateway, say")
    return [*ready, *imports, other, *(each for each in presets if not each.strong)]


def _written(typed: str) -> Option[Picked] | None:
    """An address that is typed where one chooses."""
    return Option(typed, typed, "use this address", strong=True) if typed.startswith(("http://", "https://")) else None


def _address(typed: str) -> str:
    try:
        return checked_url(typed)
    except UsageError as error:
        raise ValueError(str(error)) from None
