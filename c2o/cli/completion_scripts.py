"""Static completion scripts, made from the command tree.

Typer's own completion starts Python for each press of Tab (a third of a second), so the scripts hold the
words.  After ``c2o run`` the completion of the command that follows takes over.
``python -m c2o.cli.completion_scripts`` writes them into ``completions/``.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, get_args

import typer.main

from c2o.cli import app

PASSES_ON = ("run",)
"""Commands that are followed by another command's words."""


class Option(NamedTuple):
    names: tuple[str, ...]
    help: str
    choices: tuple[str, ...]
    takes_value: bool


class Command(NamedTuple):
    name: str
    help: str
    options: list[Option]
    """Those of its own commands among them."""
    commands: list[str]
    """Of a group: what may follow."""


def commands() -> list[Command]:
    """The commands and their options, as the command line declares them."""
    tree: Any = typer.main.get_command(app)
    return [_command(name, command) for name, command in sorted(tree.commands.items())]


def _command(name: str, command: Any) -> Command:
    inner = getattr(command, "commands", {})
    parameters = [each for part in (command, *inner.values()) for each in part.params if each.opts[0][0] == "-"]
    options = {option.names: option for option in map(_option, parameters)}
    return Command(name, _first_sentence(command.help), list(options.values()), list(inner))


def _option(parameter: Any) -> Option:
    names = (*parameter.opts, *parameter.secondary_opts)
    return Option(names, _first_sentence(parameter.help), _choices(parameter), not parameter.is_flag)


def _choices(parameter: Any) -> tuple[str, ...]:
    """The words that an option takes, where it takes only some.  Typer has moved them between versions."""
    described = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    kind = described or getattr(parameter, "bare_type", None)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(str(each.value) for each in kind)
    listed = get_args(kind) or getattr(getattr(parameter, "type", None), "choices", ())
    return tuple(word for word in listed if isinstance(word, str))


def _first_sentence(text: str | None) -> str:
    return (text or "").partition("\n")[0].split(". ")[0].rstrip(".")


def bash(tree: list[Command]) -> str:
    cases = "\n".join(f"    {each.name}) words='{' '.join(_names(each))}' ;;" for each in tree)
    groups = "\n".join(
        f"    {each.name}) COMPREPLY=($(compgen -W '{' '.join(each.commands)}' -- \"$word\")); return ;;"
        for each in tree
        if each.commands
    )
    values = "\n".join(
        f"    {each.name}:{name}) COMPREPLY=($(compgen -W '{' '.join(option.choices)}' -- \"$word\")); return ;;"
        for each in tree
        for option in each.options
        if option.choices
        for name in option.names
    )
    return f"""\
# bash completion for c2o; generated, see CONTRIBUTING
_c2o() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}"
  local command="${{COMP_WORDS[1]}}" words at
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W '{" ".join(each.name for each in tree)} --help --version' -- "$word"))
    return
  fi
  case "$command:$previous" in
{values}
  esac
  case "$command" in
    {"|".join(PASSES_ON)})
      for (( at = 2; at < COMP_CWORD; at++ )); do
        [[ "${{COMP_WORDS[at]}}" == -- ]] && {{ _command_offset $((at + 1)); return; }}
        [[ "${{COMP_WORDS[at]}}" != -* && "${{COMP_WORDS[at-1]}}" != --* ]] && {{ _command_offset $at; return; }}
      done ;;
  esac
  case "$command" in
{cases}
  esac
  if (( COMP_CWORD == 2 )) && [[ "$word" != -* ]]; then
    case "$command" in
{groups}
    esac
  fi
  if [[ "$word" == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  elif [[ "$command" == run && "$previous" != --* ]]; then
    COMPREPLY=($(compgen -c -- "$word"))
  fi
}}
complete -o default -F _c2o c2o
"""


def zsh(tree: list[Command]) -> str:
    listed = "\n".join(f"    '{each.name}:{_quoted(each.help)}'" for each in tree)
    cases = "\n".join(f"    {each.name}) _arguments -S {_zsh_arguments(each)} ;;" for each in tree)
    return f"""\
#compdef c2o
# zsh completion for c2o; generated, see CONTRIBUTING
_c2o() {{
  local -a commands=(
{listed}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    _arguments '--help[show the help]' '--version[print the version]'
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
{cases}
  esac
}}
_c2o "$@"
"""


def _zsh_arguments(command: Command) -> str:
    parts = [
        f"'{name}[{_quoted(option.help)}]{_zsh_value(option)}'" for option in command.options for name in option.names
    ]
    group = [f"'1:command:({' '.join(command.commands)})'"] if command.commands else []
    rest = ["'*::: :_normal'"] if command.name in PASSES_ON else []
    return " ".join([*group, *parts, "'--help[show the help]'", *rest])


def _zsh_value(option: Option) -> str:
    if option.choices:
        return f":value:({' '.join(option.choices)})"
    return ":value: " if option.takes_value else ""


def fish(tree: list[Command]) -> str:
    lines = ["# fish completion for c2o; generated, see CONTRIBUTING", "complete -c c2o -f"]
    lines += [
        f"complete -c c2o -n __fish_use_subcommand -a {command.name} -d '{_quoted(command.help)}'" for command in tree
    ]
    for command in tree:
        seen = f"complete -c c2o -n '__fish_seen_subcommand_from {command.name}'"
        lines += [
            f"{seen} -l {name.removeprefix('--')} -d '{_quoted(option.help)}'{_fish_value(option)}"
            for option in command.options
            for name in option.names
            if name.startswith("--")
        ]
        if command.commands:
            words = " ".join(command.commands)
            first = f"'__fish_seen_subcommand_from {command.name}; and not __fish_seen_subcommand_from {words}'"
            lines.append(f"complete -c c2o -n {first} -a '{words}'")
        if command.name in PASSES_ON:
            lines.append(f"{seen} -a '(__fish_complete_subcommand --fcs-skip=2)'")
    return "\n".join(lines) + "\n"


def _fish_value(option: Option) -> str:
    if option.choices:
        return f" -x -a '{' '.join(option.choices)}'"
    return " -x" if option.takes_value else ""


def _names(command: Command) -> list[str]:
    return [name for option in command.options for name in option.names] + ["--help"]


def _quoted(text: str) -> str:
    """Help text inside single quotes and zsh's brackets."""
    return text.replace("'", "’").replace("[", "(").replace("]", ")").replace(":", " -")


SCRIPTS: dict[str, Callable[[list[Command]], str]] = {"c2o.bash": bash, "_c2o": zsh, "c2o.fish": fish}


def main() -> None:
    folder = Path(__file__).parent.parent.parent / "completions"
    folder.mkdir(exist_ok=True)
    for name, render in SCRIPTS.items():
        (folder / name).write_text(render(commands()), encoding="utf-8")


if __name__ == "__main__":
    main()
