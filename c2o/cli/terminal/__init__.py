"""Talking with a person at a terminal: on stderr, because stdout is for results.

Simple questions are here.  A longer conversation, as ``c2o init`` has it:

- ``asking``  questions of which each becomes one line when it is answered
- ``menu``    a choice from a list; ``entry``: a line as it is typed
- ``keys``    single keys from the terminal
- ``screen``  lines that are drawn anew in their place

What commands show is ``c2o.cli.output``'s.
"""

from __future__ import annotations

import getpass
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from c2o.cli import output
from c2o.cli.output import Line, Span
from c2o.printable import printable


def present() -> bool:
    """Is somebody there to be asked?  ``C2O_NO_INPUT`` says no."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("C2O_NO_INPUT")


def say(*spans: Span) -> None:
    output.talk(list(spans))


def ask(question: str, default: str = "") -> str:
    """One line; the default for an empty one.  Raises EOFError at Ctrl-D, KeyboardInterrupt at Ctrl-C."""
    hint: Line = [(f" [{printable(default)}]", "cyan")] if default else []
    output.talk([("? ", "bold cyan"), (question, "bold"), *hint, " "], end="")
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip() or default


def ask_hidden(question: str) -> str:
    """The same, unseen and without a default."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # getpass says so where it can't hide
        # It asks by itself, after it has stopped the echo: a pasted key may come in the same moment.
        return getpass.getpass(f"? {question} (what you type stays hidden) ").strip()


def confirm(question: str, *, default: bool) -> bool:
    answer = ask(question, "Y/n" if default else "y/N").lower()
    return default if answer in ("y/n", "") else answer.startswith("y")


@contextmanager
def waiting(text: str) -> Iterator[Callable[[str], None]]:
    """Says what is being waited for, as long as it is."""
    with output.progress() as tell:
        tell(text)
        yield tell
