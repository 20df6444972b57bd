"""The completion script for fish, from 3.1 on: one function that knows the line, and no condition for each word."""

from __future__ import annotations

from c2o.cli.completions.cases import Language, filled
from c2o.cli.completions.tree import Command, Word


def fish(root: Command) -> str:
    return filled(SCRIPT, root, FISH)


def _quoted(text: str) -> str:
    """Bare where that is the same."""
    if text and text.replace("-", "").replace(".", "").replace("_", "").isalnum():
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _with_meaning(word: Word) -> str:
    return " ".join(map(_quoted, word))


FISH = Language(
    prefix="__c2o",
    quoted=_quoted,
    glob=_quoted,
    either=" ",
    case="        case {}\n            {}",
    also="\n            ",
    offered=_with_meaning,
    command="__c2o_command",
)


SCRIPT = r"""# fish completion for c2o

function __c2o_complete
    set -l words (commandline -opc)
    set -g __c2o_program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -g __c2o_current (commandline -ct)
    set -g __c2o_argument ''
    set -l path c2o
    set -l option ''
    set -l position 0
    set -l at 0
    set -e words[1]
    for word in $words
        set at (math $at + 1)
        if test -n "$option"
            set option ''
            continue
        end
        switch "$path:$word"
            case @COMMANDS@
                set path "$path $word"
            case @VALUED@
                set option $word
            case '*:-*'
            case '*'
                set position (math $position + 1)
                set __c2o_argument $word
        end
        switch "$path:$position"
            case @OTHERS@
                __c2o_command $words[$at..-1]
                return
        end
    end
    if test -z "$option"; and string match -qr '^--[^=]+=' -- "$__c2o_current"
        set -l lead (string replace -r '=.*' '=' -- "$__c2o_current")
        set __c2o_current (string replace -r '^[^=]*=' '' -- "$__c2o_current")
        __c2o_values "$path:"(string trim -rc = -- $lead) | string replace -r '^' -- $lead
    else if test -z "$option"; and string match -q -- '-*' "$__c2o_current"
        __c2o_options $path
    else
        test -n "$option"; or set option $position
        __c2o_values "$path:$option"
    end
end

# Words, each with its meaning.
function __c2o_offer
    printf '%s\t%s\n' $argv
end

function __c2o_ask
    $__c2o_program __complete $argv[1] '' $argv[2..-1] 2>/dev/null </dev/null
end

# TIER=MODEL
function __c2o_tiers
    if set -l tier (string match -r '^[^=]*=' -- "$__c2o_current")
        __c2o_ask ids | string replace -r '^' -- $tier
    else
        printf '%s=\n' $argv
    end
end

# The variables that look like keys; all, if none does.  The argument is put before their names.
function __c2o_variables
    set -l names (set -nx)
    set -l likely (string match -r '.*(?:KEY|TOKEN|SECRET).*' -- $names)
    test -n "$likely"; and set names $likely
    printf "$argv[1]%s\n" $names
end

function __c2o_files
    __fish_complete_path "$__c2o_current"
end

# What follows is another program's command line.
function __c2o_command
    if test -z "$argv$__c2o_current"
        echo claude
    else
        complete -C (string join ' ' -- (string escape -- $argv) "$__c2o_current")
    end
end

function __c2o_options
    switch $argv[1]
@OPTIONS@
    end
end

function __c2o_values
    switch $argv[1]
@VALUES@
    end
end

# What the configuration may hold at a key.
function __c2o_settings
    switch $__c2o_argument
@SETTINGS@
    end
end

complete -c c2o -f -k -a '(__c2o_complete)'
"""
