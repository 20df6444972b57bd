"""``c2o init``: find what is there, ask little, try it for real, write the configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from c2o import instance, paths
from c2o.cli import output, terminal
from c2o.cli.config import file as config_file
from c2o.cli.init import choice, file, wizard
from c2o.cli.init.choice import Given, parsed_map
from c2o.cli.init.doing import carried_out, verdicts
from c2o.cli.init.file import Before
from c2o.cli.init.flags import from_flags
from c2o.cli.init.plan import Plan
from c2o.cli.init.result import lines
from c2o.cli.output import JsonOption
from c2o.cli.terminal import asking
from c2o.config import DEFAULT_PORT
from c2o.errors import Cancelled
from c2o.presets import PRESETS
from c2o.service import lifecycle

HOST = "127.0.0.1"

OTHER_PORTS = range(8228, 8300)
"""Where others have the usual one; 8227 is the demo's."""

UpstreamOption = Annotated[
    str | None,
    typer.Option(metavar="NAME|URL", show_default=False, help=f"One of {', '.join(PRESETS)}; or any address."),
]
ImportOption = Annotated[
    str | None,
    typer.Option(
        "--import",
        metavar="TOOL|FILE",
        show_default=False,
        help="Take over the configuration of ccr, litellm, cc-switch or claude-code-proxy.",
    ),
]
NameOption = Annotated[
    str | None, typer.Option(metavar="NAME", show_default=False, help="What to call it in the configuration.")
]
KeyEnvOption = Annotated[
    str | None, typer.Option(metavar="NAME", show_default=False, help="The variable that its key is in.")
]
NoKeyOption = Annotated[bool, typer.Option("--no-key", help="It needs no key.")]
ModelOption = Annotated[str | None, typer.Option(metavar="MODEL", show_default=False, help="The model for everything.")]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="TIER=MODEL", show_default=False, help="Another one for opus, sonnet or haiku."),
]
PortOption = Annotated[
    int | None,
    typer.Option(min=0, max=65535, show_default=False, help="Where c2o is to listen; 0 takes a free one."),
]
ServiceOption = Annotated[
    bool | None,
    typer.Option("--service/--no-service", show_default=False, help="Have the system keep the service running."),
]
SaveKeysOption = Annotated[
    bool, typer.Option("--save-keys", help="Keep keys that only this shell has in a file that only you can read.")
]
ClaudeOption = Annotated[
    bool | None,
    typer.Option("--claude/--no-claude", show_default=False, help="Lead plain claude to c2o by its settings."),
]
CompletionsOption = Annotated[
    bool | None,
    typer.Option("--completions/--no-completions", show_default=False, help="Have your shell complete c2o's commands."),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be written; try and change nothing.")]
ProbeOption = Annotated[bool, typer.Option("--probe", help="Try all that the models can do, not just what is needed.")]
NoTestOption = Annotated[bool, typer.Option("--no-test", help="Write it without trying it.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Begin anew; the old file is kept as config.toml.bak.")]


def init(
    *,
    upstream: UpstreamOption = None,
    imported: ImportOption = None,
    name: NameOption = None,
    key_env: KeyEnvOption = None,
    no_key: NoKeyOption = False,
    model: ModelOption = None,
    mapped: MapOption = None,
    port: PortOption = None,
    service: ServiceOption = None,
    save_keys: SaveKeysOption = False,
    claude: ClaudeOption = None,
    completions: CompletionsOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    no_test: NoTestOption = False,
    probe: ProbeOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Set up an upstream, its key and models, and try them.

    What was configured before stays.
    """
    given = Given(
        upstream=upstream,
        imported=imported,
        name=name,
        key_env=key_env,
        no_key=no_key,
        model=model,
        mapped=parsed_map(mapped or []),
        port=port,
        probe=probe,
        service=service,
        save_keys=save_keys,
        claude=claude,
        completions=completions,
    )
    choice.check(given)
    before = file.find(paths.config_file(), force=force)
    if not dry_run:
        config_file.check(before.path)
    given, moved = _with_free_port(given, before)
    test = not (no_test or dry_run)
    person = terminal.present() and not (yes or as_json)
    plan = _from_person(given, before, test=test) if person else from_flags(given, before, test=test)
    result = carried_out(plan, dry_run=dry_run)
    if moved:
        output.note(moved)
    if not (person or as_json or dry_run):  # a person has seen them as they came
        for verdict in verdicts(plan):
            output.say(verdict)
    output.show(result, lines, as_json=as_json)


def _with_free_port(given: Given, before: Before) -> tuple[Given, str]:
    """For a new configuration: another port where a stranger has the usual one, and a sentence that says so."""
    if given.port is not None or before.text is not None or instance.running():
        return given, ""
    port, holder = lifecycle.free_port(HOST, DEFAULT_PORT, OTHER_PORTS)
    if not holder:
        return given, ""
    return given._replace(port=port), f"port {DEFAULT_PORT} is taken by {holder}, so c2o takes {port}"


def _from_person(given: Given, before: Before, *, test: bool) -> Plan:
    """Raises Cancelled; until then nothing has been changed."""
    try:
        with asking.conversation() as person:
            return wizard.ask(person, given, before, test=test)
    except (KeyboardInterrupt, EOFError, asking.Back):
        sys.stderr.write("\n")
        raise Cancelled(_unchanged(before.path)) from None


def _unchanged(path: Path) -> str:
    there = f" {output.short(path)} is as it was." if path.exists() else ""
    return f"nothing was changed.{there} Begin again with: c2o init"
