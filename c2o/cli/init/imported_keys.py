"""The keys of a configuration that is imported.

An upstream whose key is nowhere to be found is left out, so that what the other tool sent there goes to the default
model at once, instead of being refused until there is a key.
"""

from __future__ import annotations

from c2o import paths
from c2o.cli import output
from c2o.cli.init import probe
from c2o.cli.init.key import LABEL, pasted
from c2o.cli.init.plan import Plan
from c2o.cli.terminal.asking import Asking, told
from c2o.cli.terminal.menu import Option
from c2o.errors import CredentialError
from c2o.imports import Import
from c2o.imports.without import lost, main, without

LEAVE, PASTE, EXPORT = "leave", "paste", "export"


def ready(found: Import, tool: str, *, test: bool) -> Import:
    """Without the upstreams whose keys are missing, and a note about each.

    Raises CredentialError if the default model is of one of them; without ``test`` it is kept.
    """
    for variable, names in probe.missing(found).items():
        if main(found) not in names:
            found = _left_out(found, variable, names, tool)
        elif test:
            raise CredentialError(
                f"{variable} is not set, and the default model is of {main(found)}. "
                f"Try again after: export {variable}=…  {probe.WITHOUT}"
            )
    return found


def _left_out(found: Import, variable: str, names: list[str], tool: str) -> Import:
    gone = lost(found, names)
    also = f", and with it what {' and '.join(gone)} had" if gone else ""
    note = (
        f"{variable} is not set, so {' and '.join(names)} was left out{also}. "
        f"To have it, too: export {variable}=…, then once more: c2o init --import {tool}"
    )
    return without(found, names)._replace(notes=[*found.notes, note])


def keys(asking: Asking, plan: Plan) -> Plan:
    """What is to become of the upstreams whose keys are missing.  Raises Back."""
    found = plan.imported
    assert found is not None
    for variable, names in probe.missing(found).items():
        found = _asked(asking, found, variable, names)
    return plan._replace(imported=found, saved=found.keys)


def _asked(asking: Asking, found: Import, variable: str, names: list[str]) -> Import:
    title = " and ".join(names)
    gone = lost(found, names)
    leave = Option(LEAVE, f"Leave {title} out", f"without it: {', '.join(gone)}" if gone else "nothing else needs it")
    options = [
        Option(PASTE, "Paste the key", f"kept in {output.short(paths.key_file())}"),
        Option(EXPORT, f"I export {variable}", f"until then {title} answers nothing"),
    ]
    how = asking.choose(
        "", f"{variable} is not set: the key of {title}.", options if main(found) in names else [leave, *options]
    )
    if how == LEAVE:
        asking.say(told(LABEL, (variable, "bold"), (f"  is not set: {title} is left out", "dim")))
        return without(found, names)
    if how == EXPORT:
        asking.say(told(LABEL, (variable, "bold"), ("  is to be exported", "dim")))
        return found
    key = pasted(asking)
    asking.say(told(LABEL, (variable, "bold"), (f"  {key.hint()}  kept in {output.short(paths.key_file())}", "dim")))
    return found._replace(keys={**found.keys, variable: key.reveal()})
