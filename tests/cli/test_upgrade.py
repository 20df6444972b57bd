"""``c2o upgrade`` where nothing is run; ``tests/installers`` has the rest."""

from __future__ import annotations

from c2o import __version__
from tests.command_line import CommandLine


def test_without_a_terminal_it_says_the_command_and_runs_nothing(c2o: CommandLine) -> None:
    done = c2o("upgrade", "--json").json
    assert (done["run"], done["before"], done["after"], done["service"]) == (False, __version__, __version__, None)
    assert any("install" in command for command in done["commands"])
    assert c2o("upgrade").out.startswith(f"○ c2o {__version__}, installed by {done['installer']}   to renew it:\n")
