"""An import without an upstream: what goes with it, and what stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from c2o.imports import Import
from c2o.imports.without import lost, main, without

FOUND = Import(
    title="a router",
    path=Path("config.json"),
    upstreams={"a": {"base_url": "https://a.example/v1"}, "b": {"base_url": "https://b.example/v1"}},
    models={"default": ["a/one", "b/two"], "opus": "b/three", "haiku": ["b/four", "b/five"]},
    routes={"think": "a/six", "background": ["b/two", "a/one"], "long_context": {"model": "b/two", "above": 60000}},
    limits={"a/one": {"context_window": 1000}, "b/two": {"context_window": 2000}},
    keys={},
    notes=[],
)


def test_what_leads_to_it_goes_and_the_rest_stays() -> None:
    left = without(FOUND, ["b"])
    assert list(left.upstreams) == ["a"]
    assert left.models == {"default": "a/one"}
    assert left.routes == {"think": "a/six", "background": "a/one"}
    assert list(left.limits) == ["a/one"]
    assert lost(FOUND, ["b"]) == ["opus", "haiku", "long_context"]


def test_a_table_keeps_what_else_is_in_it() -> None:
    routes = {"long_context": {"model": ["a/one", "b/two", "b/three"], "above": 7}}
    assert without(FOUND._replace(routes=routes), ["a"]).routes == {
        "long_context": {"model": ["b/two", "b/three"], "above": 7}
    }


@pytest.mark.parametrize(
    ("models", "upstream"), [({"default": ["b/two", "a/one"]}, "b"), ({"default": "b/x/y"}, "b"), ({}, "a")]
)
def test_the_main_upstream_is_that_of_the_default(models: dict[str, str | list[str]], upstream: str) -> None:
    assert main(FOUND._replace(models=models)) == upstream
