"""The page about dialects, made from the dialects: ``python -m tests.dialects.reference`` writes it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from msgspec import structs

from c2o import limits
from c2o.presets import PRESETS
from c2o.translate import dialect
from c2o.translate.dialects import DIALECTS, HOSTS, PORTS, Dialect

PAGE = Path(__file__).parent.parent.parent / ".github" / "docs" / "dialects.md"

APART = ("sources", "models")

HEAD = """\
<!-- Made from c2o/translate/dialect.py and dialects.py by: python -m tests.dialects.reference -->

# Dialects

What is different about each family of upstreams. A dialect is named with `dialect` under `[upstreams.NAME]`; without
it, the host decides, or the port of a server on this machine. Single fields are overridden by `quirks`, for all
models or for some:

```toml
[upstreams.gateway]
base_url = "https://llm.example.com/v1"
dialect = "litellm"
quirks = { stream_usage = false, models = { "*gemini*" = { vision = false } } }
```

What is wrong in here heals by itself where an upstream's refusal says what it wants; see `c2o learned`.
"""


def page() -> str:
    return "\n".join([HEAD, *_fields(), *(line for name in DIALECTS for line in _dialect(name)), *_limits()]) + "\n"


def _fields() -> Iterator[str]:
    said = docstrings()
    yield "## Fields\n\n| field | default | |\n|---|---|---|"
    for name, default in structs.asdict(Dialect()).items():
        yield f"| `{name}` | {_value(default)} | {said[name]} |"


def docstrings() -> dict[str, str]:
    source = ast.parse(Path(dialect.__file__).read_text(encoding="utf-8"))
    [body] = [each.body for each in source.body if isinstance(each, ast.ClassDef)]
    return {
        field.target.id: " ".join(str(said.value.value).replace("``", "`").replace("|", "\\|").split())
        for field, said in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant)
    }


def _dialect(name: str) -> Iterator[str]:
    it = DIALECTS[name]
    yield f"\n## `{name}`\n"
    hosts = [f"`{host}`" for host, of in HOSTS.items() if of == name]
    hosts += [f"port {port} on this machine" for port, of in PORTS.items() if of == name]
    if hosts:
        yield f"Spoken at {', '.join(hosts)}.\n"
    if name in PRESETS:
        preset = PRESETS[name]
        key = f"key in `{preset.key_env}`" if preset.key_env else "no key needed"
        yield f"`c2o init --upstream {name}`: {preset.base_url}, {key}; {preset.docs}\n"
    changes = list(_changes(it))
    yield from (["| field | value |\n|---|---|", *changes] if changes else ["As every plain server."])
    if it.models:
        yield "\n| models | fields |\n|---|---|"
        yield from (f"| `{pattern}` | {_several(fields)} |" for pattern, fields in it.models.items())
    if it.sources:
        yield f"\nSources: {', '.join(it.sources)}"


def _changes(it: Dialect) -> Iterator[str]:
    plain = Dialect()
    for name in Dialect.__struct_fields__:
        if name not in APART and getattr(it, name) != getattr(plain, name):
            yield f"| `{name}` | {_value(getattr(it, name))} |"


def _several(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"`{name}` = {_value(value)}" for name, value in fields.items())


def _value(value: Any) -> str:
    return f"`{json.dumps(value)}`".replace("|", "\\|")


def _limits() -> Iterator[str]:
    yield "\n## Windows and output limits\n"
    yield "Used where neither `[limits]` nor the upstream says more. In tokens.\n"
    yield "| dialect | models | window | answer | source |\n|---|---|---|---|---|"
    for name, models in limits.LIMITS.items():
        for pattern, known in models.items():
            answer = f"{known.max_output_tokens:,}" if known.max_output_tokens else "–"
            yield f"| `{name}` | `{pattern}` | {known.context_window:,} | {answer} | {known.source} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
