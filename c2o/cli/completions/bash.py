"""The completion script for bash, from 3.2 (macOS) on; bash-completion is needed for the words of ``run CMD`` alone.

readline cuts words at : and =, and so would ``nim/gpt-oss:20b``.  The script puts them together again, and offers only
what stands behind the last cut.
"""

from __future__ import annotations

import shlex

from c2o.cli.completions.cases import Language, filled
from c2o.cli.completions.tree import Command

BASH = Language(
    prefix="_c2o",
    quoted='"{}"'.format,
    glob=str,
    either=" | ",
    case="    {}) {} ;;",
    also="; ",
    offered=lambda word: shlex.quote(word[0]),
    command="_c2o_command $last",
)


def bash(root: Command) -> str:
    return filled(SCRIPT, root, BASH)


SCRIPT = r"""# bash completion for c2o

_c2o() {
  local IFS=$' \t\n' c2o=$1 words raw word current quote= lead= skip= option= path=c2o position=0 argument= at last
  COMPREPLY=()
  _c2o_join
  last=$((${#words[@]} - 1)) current=${words[${#words[@]} - 1]}
  for ((at = 1; at < last; at++)); do
    word=${words[at]}
    if [[ $option ]]; then
      option=
      continue
    fi
    case "$path:$word" in
      @COMMANDS@) path="$path $word" ;;
      @VALUED@) option=$word ;;
      *:-?*) ;;
      *) position=$((position + 1)) argument=${word//[\"\'\\]/} ;;
    esac
    case "$path:$position" in
      @OTHERS@)
        _c2o_command "$at"
        return
        ;;
    esac
  done
  if [[ ! $option && $current == --*=* ]]; then
    option=${current%%=*} lead=${current%%=*}= current=${current#*=}
  fi
  _c2o_unquote
  if [[ ! $option && $current == -* ]]; then
    _c2o_options
  else
    _c2o_values
  fi
}

# What stands on the line without a space between is one word, whatever readline cuts it into.
_c2o_join() {
  local rest=$COMP_LINE at behind
  words=() raw=()
  for ((at = 0; at <= COMP_CWORD; at++)); do
    if ((at == 0)) || [[ $rest == [[:space:]]* ]]; then
      words[${#words[@]}]= raw[${#raw[@]}]=$at
    fi
    rest=${rest#"${rest%%[![:space:]]*}"}
    words[${#words[@]} - 1]+=${COMP_WORDS[at]}
    rest=${rest#"${COMP_WORDS[at]}"}
  done
  behind=$((${#COMP_LINE} - ${#rest} - COMP_POINT)) # of the word, what stands behind the cursor
  if ((behind > 0)); then
    at=$((${#words[@]} - 1))
    words[at]=${words[at]:0:${#words[at]}-behind}
  fi
}

# What was typed, without quotes and backslashes; and how much of it readline keeps.
_c2o_unquote() {
  local breaks=
  if [[ $current == [\"\']* ]]; then
    quote=${current:0:1} current=${current:1} skip=$lead
  else
    skip=$lead$current
    [[ $current != *\\* ]] || IFS= read current <<<"$current"
  fi
  [[ $COMP_WORDBREAKS != *:* ]] || breaks=:
  [[ $COMP_WORDBREAKS != *=* ]] || breaks=$breaks=
  [[ $breaks ]] || breaks=/ skip=
  skip=${skip%"${skip##*[$breaks]}"}
  while [[ $skip == *\\? ]]; do # readline doesn't cut there
    skip=${skip%??} skip=${skip%"${skip##*[$breaks]}"}
  done
  [[ $skip != *\\* ]] || IFS= read skip <<<"$skip"
}

_c2o_offer() {
  local value
  for value; do
    if [[ $value == "$current"* ]]; then
      value=$lead$value
      value=${value#"$skip"}
      [[ $quote ]] || printf -v value %q "$value"
      COMPREPLY[${#COMPREPLY[@]}]=$value
    fi
  done
}

_c2o_ask() {
  local value rest
  while IFS=$'\t' read -r value rest; do
    [[ ! $value ]] || _c2o_offer "$value"
  done <<<"$("${c2o/#\~\//${HOME-}/}" __complete "$1" "${current:0:200}" "${@:2}" 2>/dev/null </dev/null)"
}

# TIER=MODEL
_c2o_tiers() {
  if [[ $current == *=* ]]; then
    lead=$lead${current%%=*}= current=${current#*=}
    _c2o_ask ids
  else
    compopt -o nospace 2>/dev/null
    _c2o_offer "${@/%/=}"
  fi
}

# The variables that look like keys; all, if none does.  $1 is put before their names.
_c2o_variables() {
  local name
  for name in $(compgen -e); do
    case $name in *KEY* | *TOKEN* | *SECRET*) _c2o_offer "$1$name" ;; esac
  done
  if ((${#COMPREPLY[@]} == 0)); then
    for name in $(compgen -e); do
      _c2o_offer "$1$name"
    done
  fi
}

_c2o_files() {
  local IFS=$'\n'
  compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$current"))
}

# From this word on it is another program's command line.
_c2o_command() {
  if (($1 == last)) && [[ ! $current ]]; then
    _c2o_offer claude
  elif declare -F _comp_command_offset >/dev/null; then
    _comp_command_offset "${raw[$1]}"
  elif declare -F _command_offset >/dev/null; then
    _command_offset "${raw[$1]}"
  elif (($1 == last)); then
    COMPREPLY=($(compgen -c -- "$current"))
  else
    _c2o_files
  fi
}

_c2o_options() {
  case $path in
@OPTIONS@
  esac
}

_c2o_values() {
  case "$path:${option:-$position}" in
@VALUES@
  esac
}

# What the configuration may hold at a key.
_c2o_settings() {
  case $argument in
@SETTINGS@
  esac
}

complete -F _c2o c2o
"""
