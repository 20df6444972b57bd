"""The configuration's JSON Schema, with which editors complete and check it."""

from __future__ import annotations

from typing import Any

import msgspec

from c2o.config import TABLES, WITH_CONDITION, Config
from c2o.secret import Keys, Secret
from c2o.translate.dialect import Dialect
from c2o.translate.dialects import DIALECTS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
"""What msgspec writes."""


TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
ONE_OR_MORE: dict[str, Any] = {"anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True}]}


def json_schema() -> dict[str, Any]:
    (root, quirks), parts = msgspec.json.schema_components(
        [Config, Dialect], schema_hook=_secret, ref_template="#/$defs/{name}"
    )
    file, upstream = parts["Config"], parts["Upstream"]["properties"]
    file["properties"] = {name: file["properties"][name] for name in TABLES}
    upstream["quirks"] = quirks
    file["properties"]["models"]["additionalProperties"] = ONE_OR_MORE
    parts["Routes"]["properties"] = {name: _route(name, parts) for name in parts["Routes"]["properties"]}
    upstream["dialect"] = {"enum": sorted(DIALECTS)}
    return {"$schema": DRAFT, "title": "c2o's configuration", **root, "$defs": parts}


def _route(name: str, parts: dict[str, Any]) -> dict[str, Any]:
    """A model or several; where there is a condition, a table with it too."""
    if name not in WITH_CONDITION:
        return ONE_OR_MORE
    table = WITH_CONDITION[name].__name__
    parts[table]["properties"]["model"] = ONE_OR_MORE
    return {"anyOf": [*ONE_OR_MORE["anyOf"], {"$ref": f"#/$defs/{table}"}]}


def _secret(type: type) -> dict[str, Any]:
    """For the types that msgspec doesn't know: secrets, and the file's own path, which isn't in the file."""
    return {Secret: TEXT, Keys: ONE_OR_MORE}.get(type, {"type": "string"})
