"""What the scripts for bash and fish have in common: each walks the line itself, and looks up in lists of cases what
may stand at the place that it has come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from c2o.cli.completions.tree import (
    Command,
    Value,
    Word,
    named_tables,
    options_of,
    places_of_commands,
    places_of_values,
    settings,
)

Case = tuple[str, str]
"""A pattern, and what is done where it fits."""


class Language(NamedTuple):
    """How a shell says it."""

    prefix: str
    """Of the script's functions."""
    quoted: Callable[[str], str]
    """A place in a pattern."""
    glob: Callable[[str], str]
    """A pattern with ``*`` in it."""
    either: str
    """Between two patterns."""
    case: str
    also: str
    """Between two commands."""
    offered: Callable[[Word], str]
    command: str
    """From here on it is another program's command line."""

    def pattern(self, places: Iterable[Iterable[str]]) -> str:
        return self.either.join(self.quoted(":".join(place)) for place in places)

    def cases(self, cases: Iterable[Case]) -> str:
        return "\n".join(self.case.format(pattern, action) for pattern, action in cases if action)

    def offer(self, words: Iterable[Word]) -> str:
        return " ".join([f"{self.prefix}_offer", *map(self.offered, words)])

    def values(self, command: Command) -> Iterator[Case]:
        """What may stand at which place: behind an option, or after so many words."""
        if command.commands:
            yield self.quoted(f"{command.name}:0"), self.offer((each.path[-1], each.help) for each in command.commands)
        for option in command.options:
            if option.value:
                yield self.pattern((command.name, name) for name in option.names), self.value(option.value)
        for at, argument in enumerate(command.arguments):
            yield self.quoted(f"{command.name}:{at}"), self.value(argument.value)

    def value(self, value: Value) -> str:
        return ACTIONS.get(value.kind, "{c2o}_ask {kind}").format(
            c2o=self.prefix,
            offer=self.offer(value.words),
            also=self.also,
            command=self.command,
            words=" ".join(word for word, _ in value.words),
            kind=value.kind,
            tables=" ".join(named_tables()),
        )


ACTIONS = {
    "nothing": "",
    "words": "{offer}",
    "keys": "{offer}{also}{c2o}_ask keys {tables}",
    "tiers": "{c2o}_tiers {words}",
    "files": "{c2o}_files",
    "words or files": "{offer}{also}{c2o}_files",
    "settings": "{c2o}_settings",
    "command": "{command}",
    "variables": "{c2o}_variables ''",
    "references": "{c2o}_variables env:",
}
"""By the kind of value; any other is asked for."""


def filled(script: str, root: Command, its: Language) -> str:
    """The script with the cases of all commands."""
    commands = list(root.all())
    parts = {
        "COMMANDS": its.pattern(each.name.rpartition(" ")[::2] for each in commands if each.path),
        "VALUED": its.pattern(places_of_values(root)),
        "OTHERS": its.pattern((name, str(at)) for name, at in places_of_commands(root)),
        "OPTIONS": its.cases((its.quoted(each.name), its.offer(_names(each))) for each in commands if options_of(each)),
        "VALUES": its.cases(case for each in commands for case in its.values(each)),
        "SETTINGS": its.cases((its.glob(key), its.value(value)) for key, value in settings().items()),
    }
    for name, part in parts.items():
        script = script.replace(f"@{name}@", part)
    return script


def _names(command: Command) -> Iterator[Word]:
    return ((name, option.help) for option in options_of(command) for name in option.names)
