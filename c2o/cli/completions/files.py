"""The completion scripts on this machine: where shells look for them, which of them are ours, and what is still to do.

A script of ours has a line with a digest of all the rest: so any version of it is known, and so is one that a person
has changed.  That one, and others' files, are left alone.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from c2o import paths, private_file
from c2o.cli import output
from c2o.errors import RefusedFile

Shell = Literal["bash", "zsh", "fish"]

SHELLS: tuple[Shell, ...] = get_args(Shell)

State = Literal["missing", "ours", "edited", "foreign"]

MARK = "# Made by c2o; c2o completions install renews it.  Digest of the rest: "

PATIENCE = 5
"""Seconds that a shell may take to start with its own settings."""


def signed(text: str) -> str:
    """The script with our mark behind its first line, which belongs to zsh."""
    first, _, rest = text.partition("\n")
    return f"{first}\n{MARK}{hashlib.sha256(text.encode()).hexdigest()[:16]}\n{rest}"


def state(path: Path) -> State:
    """Whose file is it?"""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    except (OSError, ValueError):
        return "foreign"
    first, _, rest = text.partition("\n")
    mark, _, rest = rest.partition("\n")
    if not mark.startswith(MARK):
        return "foreign"
    return "ours" if signed(f"{first}\n{rest}") == text else "edited"


# Where they belong


def candidates(shell: Shell) -> list[Path]:
    """The places in a person's own folders, the best first."""
    return _CANDIDATES[shell]()


def _bash() -> list[Path]:
    """https://github.com/scop/bash-completion#faq"""
    own, *_ = os.environ.get("BASH_COMPLETION_USER_DIR", "").split(os.pathsep)
    folders = [Path(own)] if own else []
    return [folder / "completions" / "c2o" for folder in (*folders, _data() / "bash-completion")]


def _zsh() -> list[Path]:
    """zsh has no place of its own; these are the ones that people have on their ``fpath``."""
    home, own = Path.home(), Path(os.environ.get("ZDOTDIR") or Path.home())
    folders = (own / ".zfunc", home / ".zfunc", home / ".zsh" / "completions", _data() / "zsh" / "site-functions")
    return list(dict.fromkeys(folder / "_c2o" for folder in (*folders, home / ".oh-my-zsh" / "completions")))


def _fish() -> list[Path]:
    """https://fishshell.com/docs/current/completions.html#where-to-put-completions"""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return [config / "fish" / "completions" / "c2o.fish"]


def _data() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


_CANDIDATES: dict[Shell, Callable[[], list[Path]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}

_OF_THE_SYSTEM: dict[Shell, tuple[str, ...]] = {
    "bash": ("share/bash-completion/completions/c2o", "etc/bash_completion.d/c2o"),
    "zsh": ("share/zsh/vendor-completions/_c2o", "share/zsh/site-functions/_c2o"),
    "fish": ("share/fish/vendor_completions.d/c2o.fish",),
}
"""Where packages put them."""

_PREFIXES = ("/usr", "/usr/local", "/opt/homebrew", "/home/linuxbrew/.linuxbrew")


def there(shell: Shell) -> bool:
    """Are there completions for this shell, put there by whomever?"""
    system = [Path(prefix, place) for prefix in _PREFIXES for place in _OF_THE_SYSTEM[shell]]
    return any(path.exists() for path in (*candidates(shell), *system))


# What a shell needs beside the file


class Place(NamedTuple):
    """Where a script goes, and what makes the shell find it there."""

    path: Path
    startup: Path | None = None
    """The shell's startup file, where ``lines`` must be added."""
    lines: tuple[str, ...] = ()


def place(shell: Shell) -> Place:
    """Where ``install`` writes.  The shell is started with its own settings, to see what it has loaded."""
    return _PLACES[shell]()


def _place_for_bash() -> Place:
    path = candidates("bash")[0]
    if _said_by("bash", "declare -F _completion_loader _comp_load"):
        return Place(path)
    return Place(path, Path.home() / ".bashrc", (f"source {_written(path)}",))


def _place_for_zsh() -> Place:
    paths = candidates("zsh")
    searched = _said_by("zsh", "print -rl -- $fpath; (( $+functions[compdef] )) && print loaded")
    found = next((path for path in paths if str(path.parent) in searched), None)
    if found and "loaded" in searched:
        return Place(found)
    path = found or paths[0]
    lines = (f"fpath=({_written(path.parent)} $fpath)", "autoload -Uz compinit && compinit")
    return Place(path, Path(os.environ.get("ZDOTDIR") or Path.home()) / ".zshrc", lines[1 if found else 0 :])


def _place_for_fish() -> Place:
    return Place(candidates("fish")[0])


_PLACES: dict[Shell, Callable[[], Place]] = {"bash": _place_for_bash, "zsh": _place_for_zsh, "fish": _place_for_fish}


def _said_by(shell: Shell, command: str) -> list[str]:
    """The lines that a shell prints, started as a person's; none if there is no such shell, or it takes too long."""
    program = shutil.which(shell)
    if program is None:
        return []
    try:
        done = subprocess.run(  # noqa: S603 - the person's own shell, and words of ours
            [program, "-i", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            start_new_session=True,  # so that it can't take the terminal
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.decode(errors="replace").splitlines()


def _written(path: Path) -> str:
    """As a shell takes it, with ~ for the home folder."""
    short = output.short(path)
    return f"~/{shlex.quote(short[2:])}" if short.startswith("~/") else shlex.quote(short)


# Put there, and taken away


def check(path: Path, *, force: bool) -> None:
    """Raises RefusedFile for a file that isn't ours, or that a person has changed."""
    if not force and (refused := _REFUSED.get(state(path))):
        raise RefusedFile(refused.format(output.short(path)))


_REFUSED: dict[State, str] = {
    "foreign": "{0} is not c2o's, so it is left as it is. To replace it: c2o completions install --force",
    "edited": "{0} has been changed since c2o wrote it, so it is left as it is. "
    "To lose the changes: c2o completions install --force",
}


def put(path: Path, script: str, *, force: bool = False) -> bool:
    """Write a signed script, through a link if there is one.  Returns whether that changed anything.

    Raises RefusedFile.
    """
    check(path, force=force)
    real = paths.real(path)
    with suppress(OSError, ValueError):
        if real.read_text(encoding="utf-8") == script:
            return False
    private_file.write(real, script)
    return True


def installed() -> list[Path]:
    """The scripts of ours in a person's own folders, of whatever version."""
    return [path for shell in SHELLS for path in candidates(shell) if state(path) == "ours"]


def shells() -> list[Shell]:
    """Those that have a script of ours."""
    return [shell for shell in SHELLS if any(state(path) == "ours" for path in candidates(shell))]


def edited() -> list[Path]:
    """Those of ours that a person has changed."""
    return [path for shell in SHELLS for path in candidates(shell) if state(path) == "edited"]


def remove() -> list[Path]:
    """Take them away; what a person has changed stays.  Returns what has gone.  Raises RefusedFile."""
    gone = installed()
    for path in gone:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise RefusedFile(f"{path} can't be removed: {error.strerror}. Make its folder writable.") from None
    return gone
