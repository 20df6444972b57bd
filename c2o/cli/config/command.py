"""``c2o config``: look at the configuration, and change it without breaking it."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
import typer
from msgspec import UNSET, Struct

from c2o import config, key_file, missing_keys, paths
from c2o.cli import output, terminal
from c2o.cli.config import edit as config_edit
from c2o.cli.config import file as config_file
from c2o.cli.config import keys
from c2o.cli.config.file import Change, in_one_line
from c2o.cli.config.keys import Place, are_references, find, place_of, shown, type_at, typed, written
from c2o.cli.config.schema import json_schema
from c2o.cli.output import JsonOption, Line
from c2o.cli.restart import RestartResult, restarted
from c2o.cli.restart import lines as restart_lines
from c2o.config import Config
from c2o.config_mistakes import tables_in
from c2o.errors import C2oError, Cancelled, ConfigError, UsageError
from c2o.printable import printable, printable_lines
from c2o.secret import Keys, Secret
from c2o.service import following
from c2o.service.probe import Problem

app = typer.Typer(help="Look at the configuration, and change it without breaking it.", no_args_is_help=True)

KeyArgument = Annotated[
    str, typer.Argument(metavar="KEY", show_default=False, help="Names with dots: server.port, models.opus.")
]
AnyKeyArgument = Annotated[
    str, typer.Argument(metavar="[KEY]", show_default=False, help="Names with dots; without it, all of the file.")
]
ValueArgument = Annotated[
    str | None,
    typer.Argument(metavar="[VALUE]", show_default=False, help="Lists and tables as TOML; - reads it from stdin."),
]
FileArgument = Annotated[Path | None, typer.Argument(metavar="[FILE]", show_default=False, help="Instead of your own.")]
RestartOption = Annotated[bool, typer.Option("--restart", help="Have a running service follow at once.")]


class PathResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.config-path/1"
    path: str
    exists: bool


class Got(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.config-get/1"
    path: str
    key: str
    """Empty for all of the file."""
    value: Any
    """Secrets as hints."""
    set: bool
    """False: the file says nothing, and this is the default."""


class Changed(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.config-change/1"
    action: Literal["set", "unset", "edit"]
    path: str
    key: str | None
    """Null for ``edit``."""
    before: Any
    """What stood there, null for nothing; secrets as hints."""
    after: Any
    changed: bool
    taken: bool | None
    """Does the running service work with it?  Null where none runs."""
    problem: str | None
    """Why it doesn't."""
    restart_needed: bool
    """The running service can't take it, or not all of it, without one."""
    token_changed: bool
    """Clients that run now send the former one, and are refused."""
    restarted: RestartResult | None
    """With ``--restart``, where it was needed."""


class Validated(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.config-validate/1"
    path: str
    valid: bool
    line: int | None
    problem: str | None
    warnings: list[str]
    """Keys that aren't there now, and upstreams that would be without: the service does without them."""


class SchemaResult(Struct, frozen=True, kw_only=True):
    schema: str = "c2o.config-schema/1"
    json_schema: dict[str, Any]


@app.command()
def path(as_json: JsonOption = False) -> None:
    """Say where the configuration is."""
    there = paths.config_file()
    result = PathResult(path=str(there), exists=there.exists())
    output.show(result, lambda result: [[printable(result.path)]], as_json=as_json)


@app.command()
def get(key: AnyKeyArgument = "", as_json: JsonOption = False) -> None:
    """Print a value as it is set, or its default; never a secret."""
    file = paths.config_file()
    tables = config_file.tables(config_file.read(file), file)
    place = place_of(key, tables)
    value = find(tables, place)
    is_set = value is not UNSET
    if not is_set and (value := keys.default(place)) is UNSET:
        raise C2oError(f"{written(place)} is not set. Set it with: c2o config set '{written(place)}' VALUE")
    seen = shown(value, type_at(place))
    result = Got(path=str(file), key=written(place), value=seen, set=is_set)
    output.show(result, _got, as_json=as_json)


@app.command("set")
def set_(
    key: KeyArgument, value: ValueArgument = None, restart: RestartOption = False, as_json: JsonOption = False
) -> None:
    """Set a value; the file is replaced only by a valid one, and keeps its comments."""
    place = _place(key)
    given = _given(place, value)
    _change("set", place, typed(given, type_at(place)), restart=restart, as_json=as_json)


@app.command()
def unset(key: KeyArgument, restart: RestartOption = False, as_json: JsonOption = False) -> None:
    """Take a value or a table away, so that its default counts."""
    _change("unset", _place(key), None, restart=restart, as_json=as_json)


@app.command()
def edit(restart: RestartOption = False, as_json: JsonOption = False) -> None:
    """Open the configuration in your editor; it is replaced only by a valid one."""
    done = config_edit.edit(paths.config_file())
    _finish(done, "edit", None, restart=restart, as_json=as_json)


@app.command()
def validate(file: FileArgument = None, as_json: JsonOption = False) -> None:
    """Check a configuration, and say where it is wrong."""
    there = file or paths.config_file()
    line, problem, warnings = None, None, list[str]()
    try:
        warnings = list(_missing(config.load(there)))
    except ConfigError as error:
        line, problem = error.line, str(error)
    result = Validated(path=str(there), valid=problem is None, line=line, problem=problem, warnings=warnings)
    output.show(result, _validated, as_json=as_json)
    if problem:
        raise typer.Exit(ConfigError.exit_code)


def _missing(loaded: Config) -> Iterator[str]:
    whys = missing_keys.seen_from(key_file.beside(), loaded)
    yield from missing_keys.sentences(loaded, whys)
    if missing_keys.nobody_answers(loaded, whys):
        yield "So nothing could be answered, and c2o start would refuse."


@app.command()
def schema(as_json: JsonOption = False) -> None:
    """Print the JSON Schema of the configuration, for editors."""
    result = SchemaResult(json_schema=json_schema())
    if as_json:
        output.show(result, lambda _: [], as_json=True)
    else:
        output.show_json(result.json_schema)


def _got(result: Got) -> Iterator[Line]:
    table = isinstance(result.value, dict)
    yield [printable_lines(tomli_w.dumps(result.value).rstrip("\n") if table else in_one_line(result.value))]


def _place(key: str) -> Place:
    file = paths.config_file()
    place = place_of(key, config_file.tables(config_file.read(file), file))
    if not place:
        raise UsageError("a key is needed, server.port for one. All of them: c2o config get")
    return place


def _given(place: Place, value: str | None) -> str:
    """The value, from the command line, stdin or the person.  Raises UsageError for a secret that others would see."""
    secret = type_at(place) in (Secret, Keys)
    if value == "-":
        return sys.stdin.read().rstrip("\r\n")
    if value is None:
        if not terminal.present():
            raise UsageError(f"there is no value. Give it: c2o config set '{written(place)}' VALUE, or - for stdin")
        try:
            return (terminal.ask_hidden if secret else terminal.ask)(written(place))
        except (EOFError, KeyboardInterrupt):
            sys.stderr.write("\n")
            raise Cancelled("nothing was changed. Begin again with: c2o config set") from None
    if secret and not are_references(value):
        raise UsageError(
            "a secret on the command line is seen by other users, and kept by your shell. Leave it out to be asked for "
            "it, give - to have it read from stdin, or name its place: env:NAME, file:PATH, command:LINE, keyring:NAME"
        )
    return value


def _change(action: Literal["set", "unset"], place: Place, value: Any, *, restart: bool, as_json: bool) -> None:
    done = config_file.change(paths.config_file(), lambda text: config_file.with_value(text, place, value))
    _finish(done, action, place, restart=restart, as_json=as_json)


def _finish(
    done: Change, action: Literal["set", "unset", "edit"], place: Place | None, *, restart: bool, as_json: bool
) -> None:
    file = paths.config_file()
    seen, started, problems = following.look(done.config), None, list[Problem]()
    taken, problem = following.works_with(seen, done.config), following.said(seen, following.BROKEN)
    runs = seen.state != "stopped"
    needed = runs and not problem and (not taken or following.said(seen, following.RESTART) is not None)
    if needed and restart:
        started, problems = restarted(done.config)
    result = Changed(
        action=action,
        path=str(file),
        key=written(place) if place else None,
        before=_seen(done.before, place) if place else None,
        after=_seen(done.after, place) if place else None,
        changed=done.changed,
        taken=(taken or started is not None) if runs else None,
        problem=problem,
        token_changed=_token_changed(done.before, done.config),
        restart_needed=needed and not started,
        restarted=started,
    )
    output.show(result, _lines, as_json=as_json)
    for each in problems:
        output.note(each.hint)


def _token_changed(before: str, after: Config) -> bool:
    """Not where nobody can have had one from what stood there."""
    try:
        return bool(find(tables_in(before), ("server", "auth_token")) != after.server.auth_token.reveal())
    except tomllib.TOMLDecodeError:
        return False


def _seen(text: str, place: Place) -> Any:
    value = find(tomllib.loads(text), place)
    return None if value is UNSET else shown(value, type_at(place))


def _lines(result: Changed) -> Iterator[Line]:
    file = output.short(result.path)
    if not result.changed:
        yield [("✓ ", "green"), "nothing to change in ", (file, "bold")]
    else:
        yield [("✓ ", "green"), *_what(result), (f"  ({file})", "dim")]
    if result.problem:
        yield [("  ! ", "yellow"), printable_lines(result.problem)]
    elif result.restart_needed:
        yield ["  takes effect with: ", ("c2o restart", "bold")]
    elif result.taken and result.changed:
        yield [("  the running service has taken it", "dim")]
    if result.token_changed and result.taken:
        yield ["  clients that run now have the former token: start them again; renew settings with: c2o claude on"]
    if result.restarted:
        yield from restart_lines(result.restarted)


def _what(result: Changed) -> Line:
    if result.key is None:
        return ["saved"]
    before, after = (None if each is None else printable(in_one_line(each)) for each in (result.before, result.after))
    if after is None:
        return [f"{printable(result.key)} is gone; it was {before}"]
    return [f"{printable(result.key)} = {after}", (f"  was {before}" if before else "", "dim")]


def _validated(result: Validated) -> Iterator[Line]:
    if result.problem is None:
        yield [("✓ ", "green"), (printable(result.path), "bold"), " is valid"]
        for warning in result.warnings:
            yield [("! ", "yellow"), printable_lines(warning)]
    else:
        yield [("✗ ", "red"), printable_lines(result.problem)]
