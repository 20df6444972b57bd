"""Where an upstream's key comes from: a variable, a file, a command, or the person's clipboard."""

from __future__ import annotations

import os
import re
from contextlib import suppress

from c2o import paths, secret, urls
from c2o.cli import output
from c2o.cli.init import probe
from c2o.cli.init.plan import Plan
from c2o.cli.terminal.asking import Asking, told
from c2o.cli.terminal.menu import Option
from c2o.errors import CredentialError
from c2o.presets import PRESETS
from c2o.secret import Secret

LABEL = "Key"

PASTE, ELSEWHERE, NONE = "paste", "elsewhere", "none"

LOOKS_LIKE_A_KEY = re.compile(r"_(API_KEY|KEY|TOKEN)$")


def key(asking: Asking, plan: Plan) -> Plan:
    """Asks only where nothing is known.  Raises Back."""
    choice = plan.its
    if choice.api_key is None and (plan.given.no_key or urls.is_loopback(choice.base_url)):
        return plan._replace(key="", saved={})
    try:
        found = probe.key_of(choice.api_key)
    except CredentialError as error:
        if plan.given.key_env:
            asking.say([("✗ ", "red"), str(error).partition(": export ")[0].rstrip(".")])
        return ask(asking, plan)
    if not found:
        return ask(asking, plan)
    place = secret.describe(choice.api_key or "").removeprefix("env:")
    asking.say(told(LABEL, ("from ", "dim"), (place, "bold"), (f"  {Secret(found).hint()}", "dim")))
    return plan._replace(key=found, saved={})


def ask(asking: Asking, plan: Plan) -> Plan:
    """Another key than the one that is known, if one is.  Raises Back."""
    how = asking.choose("", f"Where is the key for {plan.its.name}?", _options(plan))
    if how == NONE:
        asking.say(told(LABEL, ("none", "bold")))
        return plan.with_choice(plan.its._replace(api_key=None))._replace(key="", saved={})
    if how == PASTE:
        return _pasted(asking, plan)
    if how == ELSEWHERE:
        how = asking.enter("", "A variable's NAME, file:PATH, command:LINE or keyring:NAME", check=_source)
    found = probe.key_of(how)
    asking.say(told(LABEL, (secret.describe(how).removeprefix("env:"), "bold"), (f"  {Secret(found).hint()}", "dim")))
    return plan.with_choice(plan.its._replace(api_key=how))._replace(key=found, saved={})


def _options(plan: Plan) -> list[Option[str]]:
    preset = PRESETS.get(plan.its.name)
    where = f"get one at {preset.keys}" if preset and preset.keys else "it stays hidden"
    usual = preset.key_env if preset else None
    names = sorted(
        (name for name, value in os.environ.items() if LOOKS_LIKE_A_KEY.search(name) and _usable(value)),
        key=lambda name: (name != usual, name),
    )
    return [
        Option(PASTE, "Paste it here", where),
        *(Option(f"env:{name}", name, "is set here") for name in names),
        Option(ELSEWHERE, "It is elsewhere…", "another variable, a file, a keyring, a password manager"),
        Option(NONE, "It needs no key"),
    ]


def _usable(value: str) -> bool:
    return bool(value.strip()) and value.isascii() and value.isprintable()


def _source(typed: str) -> str:
    """``env:NAME``, ``file:PATH`` or ``command:LINE`` that leads to a key.  Raises ValueError."""
    source = typed if typed.partition(":")[0] in secret.SOURCES and ":" in typed else f"env:{typed}"
    if source.startswith("env:") and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", source[4:]):
        raise ValueError("That is no variable's name. To paste the key itself, go back with Esc.")
    try:
        probe.key_of(source)
    except CredentialError as error:
        raise ValueError(str(error).partition(": export ")[0]) from None
    return source


def pasted(asking: Asking) -> Secret:
    """A key that the person types; again until it can be one.  Raises Back."""
    typed = asking.secret("Paste the key and press Enter; it stays hidden")
    if " " not in typed:  # or it is a line for a shell, or a header
        with suppress(CredentialError):
            return secret.find(f"env:{LABEL}", {LABEL: typed})
    asking.say([("✗ ", "red"), "A key is one line of letters, digits and signs, without spaces inside."])
    return pasted(asking)


def _pasted(asking: Asking, plan: Plan) -> Plan:
    value = pasted(asking).reveal()
    variable = _free(plan, _variable(plan), value)
    kept = output.short(paths.key_file())
    options = [
        Option("file", f"In {kept}", f"only you can read it; as {variable}"),
        Option("config", f"In {output.short(plan.before.path)}", "the same, in the configuration itself"),
        Option("", "Nowhere", f"I export {variable} before I start c2o"),
    ]
    where = asking.choose("", "Where shall it be kept?", options)
    told_where = {"file": f"kept in {kept}", "config": "kept in the configuration"}.get(where, "kept nowhere")
    asking.say(told(LABEL, (Secret(value).hint(), "bold"), (f"  {told_where}", "dim")))
    choice = plan.its._replace(api_key=value if where == "config" else f"env:{variable}")
    return plan.with_choice(choice)._replace(key=value, saved={variable: value} if where == "file" else {})


def _variable(plan: Plan) -> str:
    """The name under which the key is kept: the vendor's own, or one made of the upstream's."""
    choice = plan.its
    if choice.api_key and choice.api_key.startswith("env:"):
        return choice.api_key.removeprefix("env:")
    preset = PRESETS.get(choice.name)
    made = re.sub(r"\W", "_", choice.name).upper()
    return (preset.key_env if preset else None) or f"{made if made[:1].isalpha() else f'C2O_{made}'}_API_KEY"


def _free(plan: Plan, variable: str, key: str) -> str:
    """The name, or one like it: not what this shell has for another key, or what another upstream relies on."""
    others = {source for name, each in plan.before.upstreams.items() if name != plan.its.name
              for source in each.key_sources()}  # fmt: skip
    names = [variable, *(f"{variable}_{number}" for number in range(2, 100))]
    return next(name for name in names if os.environ.get(name, key) in ("", key) and f"env:{name}" not in others)
