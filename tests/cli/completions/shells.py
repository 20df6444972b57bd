"""bash, zsh and fish on a terminal, with c2o's completions: lines are typed, Tab is pressed, the line is read back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests import system_tools
from tests.cli.on_a_terminal import Terminal, program_on_a_terminal
from tests.command_line import CommandLine

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "completions"
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")

SHELLS = ("bash", "zsh", "fish")

SHOW = "\x1d"
"""Ctrl-]: shows the line as the shell has it, and so that everything before it is done."""

EMPTY = "\x05\x15"
"""Ctrl-E, Ctrl-U"""

BACK = "\x02"
"""Ctrl-B"""

PLAIN = {
    "bash": f"""
        bind 'set bell-style none'; bind 'set show-all-if-ambiguous on'; bind 'set enable-bracketed-paste off'
        bind 'set page-completions off'; bind 'set completion-query-items 0'
        bind -x '"\\C-]": printf "\\n{{{{%s}}}}\\n" "$READLINE_LINE"'
        [[ ! -f {BASH_COMPLETION} ]] || source {BASH_COMPLETION}
        set +o history
        PS1='%'
    """,
    "zsh": r"""
        unsetopt beep list_ambiguous; LISTMAX=10000; PS1='%%'
        show() { print -r -- $'\n'"{{$BUFFER}}" }
        zle -N show; bindkey '^]' show
    """,
    "fish": r"""
        function fish_prompt; echo -n '%'; end
        function fish_greeting; end
        set -g fish_autosuggestion_enabled 0
        function show; printf '\n{{%s}}\n' (commandline); end
        bind \x1d show
    """,
}
"""A shell that says what is on its line, and asks nothing."""

OURS = {
    "bash": f"source {SCRIPTS}/c2o.bash",
    "zsh": f"fpath=({SCRIPTS} $fpath); autoload -Uz compinit; compinit -D -u",
    "fish": f"source {SCRIPTS}/c2o.fish",
}
"""Our completions, from where they are made."""


class Completed(NamedTuple):
    """After Tab."""

    line: str
    """Without spaces at its end."""
    shown: str
    """What has appeared: choices, if there are some; or errors."""
    seconds: float


class Shell:
    def __init__(self, name: str, terminal: Terminal) -> None:
        self.name = name
        self._terminal = terminal
        terminal.see("%")

    def complete(self, line: str, *, back: int = 0) -> Completed:
        """Type a line, press Tab so many characters before its end, and read it back."""
        self._terminal.type(EMPTY + line + BACK * back + SHOW)
        self._terminal.see("{{" + line + "}}")
        start = time.perf_counter()
        self._terminal.type("\t" + SHOW)
        shown = self._terminal.see("{{")
        seconds = time.perf_counter() - start
        return Completed(self._terminal.see("}}").rstrip(), shown, seconds)

    def choices(self, line: str) -> str:
        """All that may come next; fish's pager shows its first rows only."""
        if self.name == "fish":
            return self.run(f"complete -C '{line}'")
        completed = self.complete(line)
        return completed.line.removeprefix(line) + completed.shown

    def run(self, line: str) -> str:
        """What the shell shows for a command, until its next prompt."""
        self._terminal.type(EMPTY + line + "; printf '{{%s}}\\n' ''\n")
        return self._terminal.see("{{}}")


@contextmanager
def shell(name: str, c2o: CommandLine, *, setup: str = "", **variables: str) -> Iterator[Shell]:
    """A shell in c2o's environment, with ``setup`` done at its start."""
    if not system_tools.has(name):
        system_tools.missing(f"there is no {name} here")
    startup = c2o.home / f"startup.{name}"
    startup.mkdir(exist_ok=True)
    file = startup / (".zshrc" if name == "zsh" else "rc")
    file.write_text(f"{PLAIN[name]}\n{setup}\n")
    command = {
        "bash": ["bash", "--noprofile", "--rcfile", str(file), "-i"],
        "zsh": ["zsh", "-d", "-i"],  # without the system's own files
        "fish": ["fish", "--private", "-C", f"source {file}", "-i"],
    }[name]
    if name == "zsh":
        variables["ZDOTDIR"] = str(startup)
    with program_on_a_terminal(command, c2o.environment(**variables), c2o.home) as terminal:
        yield Shell(name, terminal)
