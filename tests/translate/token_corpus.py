"""Texts of many kinds for counting tokens: the running Python's own library, things made from it, and samples.

Two halves that share nothing: ``judged`` for the tests, ``fitted`` for fitting the estimator's rates.
The same text comes every time, as long as it is the same Python.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import importlib
import inspect
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from pydoc import HTMLDoc
from pydoc_data.topics import topics
from types import ModuleType
from typing import Any, NamedTuple

SAMPLES = Path(__file__).parent / "samples"
C_SOURCES = Path(__file__).parent.parent / "benchmarks" / "peers"

JUDGED = ("argparse", "subprocess", "inspect", "logging", "zipfile", "http.client", "asyncio.base_events", "calendar")
FITTED = ("tarfile", "shutil", "pathlib", "typing", "unittest.mock", "configparser", "asyncio.streams", "statistics")
"""Modules of the standard library, for each half."""

LONGEST = 60_000
"""Characters of a text at most."""


class Text(NamedTuple):
    kind: str
    name: str
    text: str


def judged() -> list[Text]:
    """The half for the tests, with the samples that no other text was ever compared with."""
    samples = [
        Text("TypeScript", "sample", _sample("typescript.ts")),
        Text("Chinese", "sample", _sample("chinese.md")),
        Text("Japanese", "sample", _sample("japanese.md")),
        *(Text("C", path.name, path.read_text()[:LONGEST]) for path in sorted(C_SOURCES.glob("*.c"))),
    ]
    return [*samples, *_made(JUDGED, seed=2, half=0)]


def fitted() -> list[Text]:
    """The half for fitting; it has no C, TypeScript, Chinese and Japanese, for which ``fit.py`` takes files."""
    return list(_made(FITTED, seed=1, half=1))


def _sample(name: str) -> str:
    return (SAMPLES / name).read_text(encoding="utf-8")


def _made(modules: tuple[str, ...], *, seed: int, half: int) -> Iterator[Text]:
    loaded = [importlib.import_module(name) for name in modules]
    sources = {module.__name__: inspect.getsource(module)[:LONGEST] for module in loaded}
    dice = random.Random(seed)
    for name, source in sources.items():
        yield Text("Python", name, source)
        yield Text("diff", name, diff(source, dice))
    for module in loaded[:4]:
        yield Text("HTML", module.__name__, HTMLDoc().docmodule(module)[:LONGEST])
    for number, text in enumerate(_prose(half)):
        yield Text("prose", str(number), text)
    for name, text in _schemas(loaded):
        yield Text("JSON schema", name, text)
    for kind, makers in MAKERS.items():
        for make in makers:
            yield Text(kind, make.__name__, make(dice))


def _prose(half: int) -> Iterator[str]:
    """The language reference, as ``help()`` shows it."""
    keys = sorted(topics)[half::2]
    for start in range(0, len(keys) - 8, 8):
        text = "\n".join(topics[key] for key in keys[start : start + 8])
        if len(text) > 8000:
            yield text[:LONGEST]


# JSON schemas ----------------------------------------------------------------------------------------


def _schemas(modules: list[ModuleType]) -> Iterator[tuple[str, str]]:
    tools = [tool for module in modules for tool in _tools(module)][:60]
    yield "default", json.dumps(tools)
    yield "compact", json.dumps(tools, separators=(",", ":"))
    yield "indented", json.dumps(tools, indent=2)


def _tools(module: ModuleType) -> Iterator[dict[str, Any]]:
    """A module's functions and methods as tools."""
    for owner in [module, *(each for _, each in sorted(vars(module).items()) if inspect.isclass(each))]:
        for name, function in sorted(vars(owner).items()):
            about = inspect.getdoc(function) if inspect.isfunction(function) else None
            if about and len(about) > 60:
                yield _tool(f"{owner.__name__}_{name}".replace(".", "_"), function, about)


def _tool(name: str, function: Callable[..., Any], about: str) -> dict[str, Any]:
    parameters = [each for each in inspect.signature(function).parameters.values() if each.name != "self"]
    properties = {
        each.name: {
            "type": {bool: "boolean", int: "integer"}.get(type(each.default), "string"),
            "description": f"The {each.name.replace('_', ' ')} to use for {name.replace('_', ' ')}.",
        }
        for each in parameters
    }
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": properties,
        "required": [each.name for each in parameters if each.default is inspect.Parameter.empty],
        "additionalProperties": False,
    }
    return {"name": name, "description": about, "input_schema": schema}


# Made from dice --------------------------------------------------------------------------------------


def base64_in_lines(dice: random.Random) -> str:
    return base64.encodebytes(dice.randbytes(9000)).decode()


def base64_in_one(dice: random.Random) -> str:
    return base64.b64encode(dice.randbytes(9000)).decode()


def base64_of_text(dice: random.Random) -> str:
    source = inspect.getsource(importlib.import_module("argparse")).encode()
    return base64.b64encode(source[dice.randrange(500) :][:9000]).decode()


def hex_in_one(dice: random.Random) -> str:
    return dice.randbytes(6000).hex()


def checksums(dice: random.Random) -> str:
    return "\n".join(f"{hashlib.sha256(dice.randbytes(8)).hexdigest()}  part-{n:04}.bin" for n in range(150))


def hex_dump(dice: random.Random) -> str:
    data = dice.randbytes(4096)
    rows = ((at, data[at : at + 16]) for at in range(0, len(data), 16))
    return "\n".join(f"{at:08x}: {row.hex(' ', 2)}" for at, row in rows)


NAMES = [
    "requests", "urllib3", "charset-normalizer", "idna", "certifi", "attrs", "aiohttp", "multidict", "yarl",
    "frozenlist", "typing-extensions", "packaging", "platformdirs", "pluggy", "iniconfig", "pytest", "click",
    "rich", "markdown-it-py", "pygments", "numpy", "pandas", "python-dateutil", "six", "pytz", "sqlalchemy",
    "greenlet", "fastapi", "starlette", "pydantic", "pydantic-core", "annotated-types", "anyio", "sniffio", "h11",
]  # fmt: skip


def _version(dice: random.Random) -> str:
    return f"{dice.randrange(8)}.{dice.randrange(30)}.{dice.randrange(12)}"


def uv_lock(dice: random.Random) -> str:
    lines = ["version = 1", "revision = 3", 'requires-python = ">=3.11"']
    for name in NAMES:
        version = _version(dice)
        lines += ["", "[[package]]", f'name = "{name}"', f'version = "{version}"']
        lines += ['source = { registry = "https://pypi.org/simple" }', "dependencies = ["]
        lines += [f'    {{ name = "{each}" }},' for each in dice.sample(NAMES, 3)] + ["]", "wheels = ["]
        for _ in range(3):
            place = f"{dice.randbytes(1).hex()}/{dice.randbytes(1).hex()}/{dice.randbytes(30).hex()}"
            url = f"https://files.pythonhosted.org/packages/{place}/{name}-{version}-py3-none-any.whl"
            digest, size = dice.randbytes(32).hex(), dice.randrange(900_000)
            lines.append(f'    {{ url = "{url}", hash = "sha256:{digest}", size = {size} }},')
        lines.append("]")
    return "\n".join(lines)


def package_lock(dice: random.Random) -> str:
    packages = {
        f"node_modules/{name}": {
            "version": (version := _version(dice)),
            "resolved": f"https://registry.npmjs.org/{name}/-/{name}-{version}.tgz",
            "integrity": "sha512-" + base64.b64encode(dice.randbytes(64)).decode(),
            "license": "MIT",
            "dependencies": {each: f"^{_version(dice)}" for each in dice.sample(NAMES, 2)},
            "engines": {"node": ">=18"},
        }
        for name in NAMES
    }
    return json.dumps({"name": "site", "lockfileVersion": 3, "requires": True, "packages": packages}, indent=2)


def cargo_lock(dice: random.Random) -> str:
    entries = [
        f'[[package]]\nname = "{name}"\nversion = "{_version(dice)}"\n'
        'source = "registry+https://github.com/rust-lang/crates.io-index"\n'
        f'checksum = "{dice.randbytes(32).hex()}"\ndependencies = [\n "{dice.choice(NAMES)}",\n]\n'
        for name in NAMES
    ]
    return "\n".join(entries)


def _files() -> list[Path]:
    library = Path(inspect.getsourcefile(json) or "").parent.parent
    folders = [library / name for name in ("asyncio", "email", "json", "logging")]
    return sorted((path for folder in folders for path in folder.glob("*.py")), key=lambda path: path.name)


def long_listing(dice: random.Random) -> str:
    """As ``ls -la`` shows it."""
    months = ("Jan", "Mar", "May", "Aug", "Nov")
    return "\n".join(
        f"-rw-r--r-- 1 root root {dice.randrange(90_000):>6} {dice.choice(months)} {dice.randrange(1, 29):>2} "
        f"{dice.randrange(24):02}:{dice.randrange(60):02} {path.name}"
        for path in _files()
    )


def found_files(dice: random.Random) -> str:
    """As ``find`` shows it."""
    return "\n".join(
        f"./src/{path.parent.name}/{path.stem}{dice.choice(['.py', '_test.py', '.pyi'])}" for path in _files()
    )


WORDS = ["accepted", "closed", "refused", "retried", "finished", "queued", "evicted", "loaded", "reloaded", "expired"]


def _moment(dice: random.Random) -> str:
    return f"{dice.randrange(24):02}:{dice.randrange(60):02}:{dice.randrange(60):02}"


def server_log(dice: random.Random) -> str:
    return "\n".join(
        f"2026-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02} {_moment(dice)},{dice.randrange(1000):03} "
        f"{dice.choice(['INFO', 'DEBUG', 'WARNING'])} app.server: connection {dice.randrange(9999)} from "
        f"10.0.{dice.randrange(256)}.{dice.randrange(256)} {dice.choice(WORDS)} after {dice.random() * 9:.3f}s"
        for _ in range(300)
    )


def access_log(dice: random.Random) -> str:
    return "\n".join(
        f"192.168.{dice.randrange(256)}.{dice.randrange(256)} - - [{dice.randrange(1, 29):02}/Nov/2026:{_moment(dice)} "
        f'+0000] "GET /static/{dice.choice(WORDS)}-{dice.randrange(99)}.png HTTP/1.1" {dice.choice([200, 304, 404])} '
        f'{dice.randrange(99_999)} "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"'
        for _ in range(200)
    )


def json_log(dice: random.Random) -> str:
    lines = [
        {
            "ts": f"2026-11-{dice.randrange(1, 29):02}T{_moment(dice)}.{dice.randrange(1000):03}Z",
            "level": dice.choice(["info", "debug", "error"]),
            "msg": f"job {dice.choice(WORDS)}",
            "pid": dice.randrange(9999),
            "took_ms": round(dice.random() * 900, 2),
        }
        for _ in range(300)
    ]
    return "\n".join(json.dumps(line) for line in lines)


MAKERS: dict[str, tuple[Callable[[random.Random], str], ...]] = {
    "base64": (base64_in_lines, base64_in_one, base64_of_text),
    "hex": (hex_in_one, checksums, hex_dump),
    "lock file": (uv_lock, package_lock, cargo_lock),
    "listing": (long_listing, found_files),
    "log": (server_log, access_log, json_log),
}


def diff(source: str, dice: random.Random) -> str:
    """A unified diff of some edits."""
    before = source.splitlines(keepends=True)
    after: list[str] = []
    for line in before:
        what = dice.random()
        if what < 0.03:
            continue
        after.append(line.replace("self", "this").replace("name", "title") if what < 0.07 else line)
        if what > 0.97:
            after.append(f"    # checked again with {dice.choice(NAMES)}\n")
    return "".join(difflib.unified_diff(before, after, "a/module.py", "b/module.py"))
