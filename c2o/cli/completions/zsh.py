"""The completion script for zsh: a function for each command, made for ``_arguments``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from c2o.cli.completions.tree import Command, Option, Value, named_tables, options_of, passes_all_on, settings


def zsh(root: Command) -> str:
    parts = {
        "COMMANDS": "\n\n".join(_function(each) for each in root.all()),
        "SETTINGS": "\n".join(f"    {key}) {_action(value).strip()} ;;" for key, value in settings().items()),
    }
    text = SCRIPT
    for name, part in parts.items():
        text = text.replace(f"@{name}@", part)
    return text


def _function(command: Command) -> str:
    name = _named(command)
    if passes_all_on(command):
        return f"{name}() {{\n  _normal\n}}"
    specs = " \\\n".join(f"    {each}" for each in _specs(command))
    if not command.commands:
        return f"{name}() {{\n  _arguments -S -s : \\\n{specs}\n}}"
    listed = " \\\n".join(f"    {each.path[-1]} {_single(each.help)}" for each in command.commands)
    inner = f"{name}__" if command.path else name
    return GROUP.format(name=name, specs=specs, inner=inner, list=_list(command), listed=listed)


GROUP = """\
{name}() {{
  local curcontext="$curcontext" state line
  local -A opt_args
  _arguments -C -S -A '-*' : \\
{specs}
  if [[ $state == words ]] && (( $+functions[{inner}$line[1]] )); then
    {inner}$line[1]
  fi
}}

{list}() {{
  _c2o_offer \\
{listed}
}}"""


def _named(command: Command) -> str:
    return f"_c2o__{'__'.join(command.path)}"


def _list(command: Command) -> str:
    return "_".join(("_c2o_in", *command.path))


def _specs(command: Command) -> Iterator[str]:
    for option in options_of(command):
        yield from _option(option)
    if command.commands:
        yield f"'1: : {_list(command)}'"
        yield "'*:: :->words'"
    for at, argument in enumerate(command.arguments, 1):
        if argument.value.kind == "command":
            yield "'(-)1: : _c2o_program'"
            yield "'*:: : _c2o_words'"
        else:
            yield _single(f"{at}:{argument.name.lower()}:{_escaped(_action(argument.value))}")


def _option(option: Option) -> Iterator[str]:
    """All its names in one spec each; one excludes the others."""
    others = f"({' '.join(option.names)})" if len(option.names) > 1 else ""
    value = f":{option.names[0].strip('-')}:{_escaped(_action(option.value))}" if option.value else ""
    for name in option.names:
        equals = "=" if option.value and name.startswith("--") else ""
        yield _single(f"{'*' if option.repeated else others}{name}{equals}[{_bracketed(option.help)}]{value}")


def _action(value: Value) -> str:
    """As ``_arguments`` takes it: one that begins with a space is called as it is."""
    offer = " ".join(["_c2o_offer", *(shlex.quote(text) for word in value.words for text in word)])
    words = " ".join(word for word, _ in value.words)
    return ACTIONS.get(value.kind, " _c2o_ask {kind}").format(
        offer=offer, words=words, kind=value.kind, tables=" ".join(named_tables())
    )


ACTIONS = {
    "nothing": " ",
    "words": " {offer}",
    "keys": "{{ {offer}; _c2o_ask keys {tables} }}",
    "tiers": " _c2o_tiers {words}",
    "files": "_files",
    "words or files": "{{ {offer}; _files }}",
    "settings": " _c2o_settings",
    "variables": " _c2o_variables ''",
    "references": " _c2o_variables env:",
}


def _escaped(action: str) -> str:
    """Behind a bare colon the next argument would begin."""
    return action.replace(":", "\\:")


def _bracketed(text: str) -> str:
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _single(text: str) -> str:
    """Always in quotes; so are brackets and stars."""
    return "'" + text.replace("'", "'\\''") + "'"


SCRIPT = r"""#compdef c2o
# zsh completion for c2o

_c2o() {
  local c2o=$words[1]
  _c2o__
}

@COMMANDS@

# Words, each with its meaning.
_c2o_offer() {
  local -a found
  local word meaning
  for word meaning; do
    found+=("${${word//\\/\\\\}//:/\\:}${meaning:+:$meaning}")
  done
  _describe -V -t values value found
}

# What `c2o __complete` knows.
_c2o_ask() {
  local -a found
  local line
  for line in ${(f)"$(${c2o/#\~\//$HOME/} __complete $1 "" "${@:2}" 2>/dev/null </dev/null)"}; do
    found+=("${line%%$'\t'*}" "${line#*$'\t'}")
  done
  _c2o_offer "${found[@]}"
}

# TIER=MODEL
_c2o_tiers() {
  if compset -P '*='; then
    _c2o_ask ids
  else
    compadd -S '=' -- "$@"
  fi
}

# The variables that look like keys; all, if none does.  $1 is put before their names.
_c2o_variables() {
  local -a names likely
  names=(${(k)parameters[(R)*export*]})
  likely=(${(M)names:#*(KEY|TOKEN|SECRET)*})
  (( $#likely )) && names=($likely)
  compadd -- $1$^names
}

# Another program.
_c2o_program() {
  if [[ -z $PREFIX ]]; then
    compadd claude
  else
    _command_names -e
  fi
}

# Its words.  In front of them zsh leaves a -- that has no option before it.
_c2o_words() {
  if [[ $words[1] == -- ]]; then
    shift words
    (( CURRENT-- ))
  fi
  _normal
}

# What the configuration may hold at a key.
_c2o_settings() {
  case $line[1] in
@SETTINGS@
  esac
}

_c2o "$@"
"""
