"""What ``c2o init`` offers beside the configuration: a service manager, and Claude's settings."""

from __future__ import annotations

import os

from c2o import paths, service
from c2o.claude import takeover
from c2o.cli import output
from c2o.cli.completions import command as completions
from c2o.cli.init import probe
from c2o.cli.init.plan import Plan
from c2o.cli.init.probe import candidate
from c2o.cli.terminal.asking import Asking, told
from c2o.cli.terminal.menu import Option
from c2o.service import installing

KEEPERS = ("systemd", "launchd")
"""Managers that start the service by themselves."""


def service_wanted(asking: Asking, plan: Plan) -> Plan:
    """Raises Back."""
    manager = plan.around.manager
    useless = service.chosen() == manager or probe.nobody_answers(plan)
    if plan.given.service is None and manager not in KEEPERS and (why := service.out_of_reach()):
        asking.say([("! ", "yellow"), f"The system can't keep c2o running from here: {why}"])
    if plan.given.service is not None or manager not in KEEPERS or useless:
        return plan._replace(wishes=plan.wishes._replace(service=bool(plan.given.service)))
    options = [
        Option(True, "Yes", "from login to login, again after a crash; undo: c2o service uninstall"),
        Option(False, "No", "c2o run starts it when it is needed"),
    ]
    wanted = asking.choose("", f"Shall {manager} keep c2o running?", options)
    missing = _only_here(plan, manager) if wanted else []
    if missing:
        wanted = _may_be_kept(asking, missing)
    asking.say(told("Service", (f"kept running by {manager}" if wanted else "when it is needed", "bold")))
    return plan._replace(wishes=plan.wishes._replace(service=wanted, save_keys=wanted and bool(missing)))


def _only_here(plan: Plan, manager: str) -> list[str]:
    """The variables with keys that a service wouldn't see."""
    return [name for name in installing.missing_keys(candidate(plan), manager) if name not in plan.saved]


def _may_be_kept(asking: Asking, names: list[str]) -> bool:
    """Raises Back."""
    kept = output.short(paths.key_file())
    options = [Option(True, f"Keep it in {kept}", "only you can read it"), Option(False, "Then no service")]
    return asking.choose("", f"A service doesn't see your shell's {' and '.join(names)}.", options)


def claude_wanted(asking: Asking, plan: Plan) -> Plan:
    """Only a service that is always there may be in Claude's settings.  Raises Back."""
    lasts = plan.wishes.service or service.chosen() in KEEPERS
    if plan.given.claude is not None or not lasts or os.name != "posix" or not plan.around.claude or takeover.patched():
        return plan._replace(wishes=plan.wishes._replace(claude=bool(plan.given.claude)))
    file = output.short(paths.claude_settings_file())
    options = [
        Option(False, "No", "c2o run claude does it, and changes no file"),
        Option(True, "Yes", f"for IDEs, too; in {file}; undo: c2o claude off"),
    ]
    wanted = asking.choose("", "Shall plain claude use c2o, too?", options)
    asking.say(told("Claude", ("by its settings" if wanted else "with c2o run claude", "bold")))
    return plan._replace(wishes=plan.wishes._replace(claude=wanted))


def completions_wanted(asking: Asking, plan: Plan) -> Plan:
    """Raises Back."""
    if plan.given.completions is not None:
        shell = completions.own_shell() if plan.given.completions else None
        return plan._replace(wishes=plan.wishes._replace(completions=shell))
    shell = completions.wanted()
    if shell is None:
        return plan
    options = [
        Option(True, "Yes", "commands, options, models; undo: c2o completions uninstall"),
        Option(False, "No"),
    ]
    wanted = asking.choose("", f"Shall {shell} complete c2o's commands with Tab?", options)
    asking.say(told("Tab", (f"completes in {shell}" if wanted else "completes nothing", "bold")))
    return plan._replace(wishes=plan.wishes._replace(completions=shell if wanted else None))
