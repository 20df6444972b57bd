"""The environment's proxies are not asked unasked, and who can't reach an upstream is told so."""

from __future__ import annotations

from pathlib import Path

import pytest

from c2o.config import Config, parse
from c2o.doctor.machine import Machine
from c2o.doctor.network import proxy_variables
from c2o.wire.probe import Fault, Found

FILE = """\
[server]
auth_token = "c2o-x"
[upstreams.up]
base_url = "%s://up.example/v1"
%s
[models]
default = "up/m"
"""


def look(
    variables: dict[str, str], fault: Fault | None = "connection", more: str = "", scheme: str = "https"
) -> list[tuple[str, str]]:
    machine = Machine(variables)
    config: Config = parse((FILE % (scheme, more)).encode(), Path("config.toml"))
    machine.__dict__["config_or_error"] = config
    machine.__dict__["found"] = {"up": [Found(check="stream", ok=fault is None, ms=1, detail="", fault=fault)]}
    return [(found.level, found.fix.text if found.fix else "") for found in proxy_variables(machine)]


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_an_upstream_that_is_not_reached_may_need_it(variable: str) -> None:
    [(level, fix)] = look({variable: "http://proxy:3128"})
    assert level == "warn"
    assert fix.endswith("c2o config set upstreams.up.proxy env")


def test_the_variable_for_http_counts_for_http_only() -> None:
    proxies = {"HTTP_PROXY": "http://proxy:3128"}
    assert look(proxies) == []
    [(level, fix)] = look(proxies, scheme="http")
    assert (level, fix.rpartition(" ")[2]) == ("warn", "env")


def test_one_that_is_reached_needs_none() -> None:
    assert look({"HTTPS_PROXY": "http://proxy:3128"}, fault=None) == [("ok", "")]


def test_nothing_to_say_without_variables_or_with_a_proxy_configured() -> None:
    assert look({}) == []
    assert look({"HTTPS_PROXY": "http://proxy:3128"}, more='proxy = "http://other:3128"') == []
    assert look({"HTTPS_PROXY": "http://proxy:3128"}, more='proxy = "env"') == []
    assert look({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "example"}) == []
