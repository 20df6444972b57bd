"""``c2o run`` and ``c2o env``, while the service runs."""

from __future__ import annotations

import json
import os
import sys

from c2o import become, env_text, variables
from c2o.prompt import settings
from c2o.prompt.home import Unsure
from c2o.prompt.memory import Memory
from c2o.prompt.service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FLAGS = ("--no-start", "--json")

FORMATS = ("shell", "dotenv", "json", "vscode")

SHELLS = ("bash", "fish", "pwsh")


def prepared_env(arguments: list[str]) -> Callable[[], int]:
    """Raises Unsure, or anything else, for what isn't answered here."""
    options, rest = _options(arguments, ("--model", "--upstream", "--shell", "--format"))
    format, shell = options.get("--format", "shell"), options.get("--shell")
    if rest or format not in FORMATS or (shell is not None and shell not in SHELLS):
        raise Unsure
    new, gone = _changes(options)
    if "--json" in options or format == "json":
        found = {"schema": "c2o.env/1", "env": new, "unset": gone}
        return _writing(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return _writing(env_text.text(new, gone, format=format, shell=shell))


def _writing(text: str) -> Callable[[], int]:
    text.encode(sys.stdout.encoding)  # what can't be written is not begun

    def write() -> int:
        sys.stdout.write(text)
        sys.stdout.flush()
        return 0

    return write


def prepared_run(arguments: list[str]) -> Callable[[], int]:
    """Raises Unsure, or anything else, for what isn't done here."""
    options, command = _options(arguments, ("--model", "--upstream"))
    command = command or ["claude"]
    file = _file(command[0])
    new, gone = _changes(options)
    settings.none_elsewhere()
    if "claude" in command[0]:
        settings.none_in_the_way(new)
    inner = variables.onto(os.environ, new, gone)
    return lambda: become.become(file, command, inner)


def _changes(options: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """What is set and what is taken away, when the service has proved to be ours."""
    memory = Memory()
    models = memory.models(options.get("--model"), options.get("--upstream"))
    service = Service(memory)
    if any(upstream["without_key"] for upstream in service.report()["upstreams"]):
        raise Unsure  # it may be one of those that are to answer: that takes the routing to tell
    return variables.changes(service.url, memory.token, models, os.environ)


def _options(arguments: list[str], with_value: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """The options, and what follows them.  Raises Unsure for one that isn't known, or has a value like an option."""
    found = {}
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        option, equals, value = rest.pop(0).partition("=")
        if option == "--" and not equals:
            break
        if option in with_value:
            value = value if equals else rest.pop(0)
            if not value or value.startswith("-"):
                raise Unsure
        elif option not in FLAGS or equals:
            raise Unsure
        found[option] = value
    return found, rest


def _file(command: str) -> str:
    """The file that a command means, as ``shutil.which`` finds it.  Raises Unsure if there is none."""
    if "/" in command:
        places = [command]
    else:
        folders = os.environ.get("PATH", os.defpath)
        places = [os.path.join(folder, command) for folder in folders.split(os.pathsep)] if folders else []
    for place in places:
        if command and os.access(place, os.F_OK | os.X_OK) and not os.path.isdir(place):
            return place
    raise Unsure
