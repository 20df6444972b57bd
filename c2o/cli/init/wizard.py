"""``c2o init`` with a person: the questions in their order, and the way back through them.

Nothing is changed here: what comes out is a Plan, and until that is carried out Ctrl-C leaves all as it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from c2o import __version__
from c2o.cli import output, terminal
from c2o.cli.init import again, detect, file, imported_keys, key, models, offers, trial, upstream
from c2o.cli.init.choice import Given
from c2o.cli.init.file import Before
from c2o.cli.init.plan import Plan
from c2o.cli.init.probe import candidate
from c2o.cli.init.upstream import DEMO
from c2o.cli.terminal.asking import Asking, Back, told
from c2o.cli.terminal.menu import Option
from c2o.printable import printable

Step = Callable[[Asking, Plan], Plan]
"""Known by its name to who leads back to it."""


def ask(asking: Asking, given: Given, before: Before, *, test: bool) -> Plan:
    """Raises KeyboardInterrupt or EOFError where the person stops."""
    asking.say([("c2o ", "bold"), (f"{__version__}  Claude Code on any OpenAI-compatible model", "dim")], [])
    with terminal.waiting("looking around") as tell:
        around = detect.look(os.environ, tell)
    plan = Plan(given, before, around, test=test)
    if before.config is None or given.upstream or given.imported:
        _tell_of_machine(asking, plan)
        return through(asking, plan, FRESH)
    asking.say([("There is a configuration. What you don't change stays, with its comments.", "")])
    asking.say(*again.shown(before.config), [])
    return through(asking, plan, [_again])


NOTHING_READY = (
    "No model server runs on this machine, and no provider's key is in the environment. Choose one that you have a key "
    "for; or start a server (Ollama, LM Studio, vLLM, llama.cpp) and begin again."
)


def _tell_of_machine(asking: Asking, plan: Plan) -> None:
    around = plan.around
    if found := around.found():
        asking.say(told("Found", ", ".join(found)))
    if not (around.imports or any(each.ready for each in around.seen)):
        asking.say([("! ", "yellow"), NOTHING_READY])
    if not plan.around.claude:
        install = ("npm install -g @anthropic-ai/claude-code", "bold")
        asking.say([("! ", "yellow"), "Claude Code isn't installed. Whenever you like: ", install])


class Passed(NamedTuple):
    """A step that was begun: its number, and how all was then."""

    at: int
    plan: Plan
    rows: int
    answered: int


def through(asking: Asking, plan: Plan, steps: Sequence[Step]) -> Plan:
    """One step after another; Esc leads back to the last question that was answered.  Raises Back from the first."""
    passed: dict[str, Passed] = {}
    answered: list[Passed] = []
    at = 0
    while at < len(steps):
        here = Passed(at, plan, asking.rows, asking.answered)
        passed[steps[at].__name__] = here
        try:
            after = steps[at](asking, plan)
        except Back as back:
            if back.to:
                to = _anew(passed[back.to])
                answered = [each for each in answered if each.at < to.at]
            elif asking.answered > here.answered:  # the step has questions of its own
                to = here
            elif answered:
                to = answered.pop()
            else:
                raise
            asking.take_back(to.rows)
            at, plan, asking.answered = to.at, to.plan, to.answered
            continue
        if asking.answered > here.answered:
            answered.append(here)
        at, plan = at + 1, after
    return plan


def _anew(passed: Passed) -> Passed:
    """To choose another upstream than the one that a flag names."""
    given = passed.plan.given._replace(upstream=None, imported=None, key_env=None)
    return passed._replace(plan=passed.plan._replace(given=given))


def _key(asking: Asking, plan: Plan) -> Plan:
    if plan.imported:
        return imported_keys.keys(asking, plan)
    return plan if plan.its.name == DEMO else key.key(asking, plan)


def _models(asking: Asking, plan: Plan) -> Plan:
    if plan.imported:
        return plan
    return trial.demo(plan) if plan.its.name == DEMO else models.models(asking, plan)


def _listing(asking: Asking, plan: Plan) -> Plan:
    return plan if plan.imported or plan.its.name == DEMO else trial.listing(asking, plan)


def agreed(asking: Asking, plan: Plan) -> Plan:
    """What is there is never changed unasked.  Raises Back, and KeyboardInterrupt for a no."""
    if plan.before.text is None:
        return plan
    changes = file.changes(plan.before.config, candidate(plan))
    if not changes:
        return plan
    for change in changes:
        asking.say([f"  {printable(change)}"])
    options = [
        Option(True, "Yes", "the old file is kept as config.toml.bak"),
        Option(False, "No", "nothing is changed"),
    ]
    if not asking.choose("", f"Write this to {output.short(plan.before.path)}?", options):
        raise KeyboardInterrupt
    return plan


OFFERS: list[Step] = [offers.service_wanted, offers.claude_wanted, offers.completions_wanted]

FRESH: list[Step] = [upstream.upstream, _key, _listing, _models, trial.trial, *OFFERS, agreed]

CHANGE: dict[str, list[Step]] = {
    again.MODELS: [again.upstream, _key, _listing, _models, trial.trial, agreed],
    again.KEY: [again.upstream, again.another_key, _listing, trial.trial, agreed],
    again.TEST: [again.tested],
    again.ADD: FRESH,
    again.OFFERS: OFFERS,
    again.ANEW: FRESH,
}
"""What follows, by what is to be changed."""


def _again(asking: Asking, plan: Plan) -> Plan:
    """Raises Back."""
    what = again.what(asking, plan)
    if what == again.ANEW:
        plan = plan._replace(before=plan.before._replace(config=None))
    if what in (again.ADD, again.ANEW):
        _tell_of_machine(asking, plan)
    answered = asking.answered
    after = through(asking, plan, CHANGE[what])
    if what == again.OFFERS and asking.answered == answered:
        asking.say([("! ", "yellow"), "There is nothing to offer: it is all there, or no service manager works here."])
    return after
