"""Checks of the way to the upstreams: the environment's proxies, which c2o never asks by itself."""

from __future__ import annotations

from collections.abc import Iterator

from c2o import urls
from c2o.doctor.finding import Finding, Fix
from c2o.doctor.machine import Machine

VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def proxy_variables(machine: Machine) -> Iterator[Finding]:
    """A proxy sees all prompts, so the configuration names it; whoever is reached without one needs none."""
    variable = next((name for name in VARIABLES if machine.environ.get(name)), None)
    if variable is None:
        return
    for name, upstream in machine.config.upstreams.items():
        if upstream.proxy or urls.is_loopback(upstream.base_url):
            continue
        title = f"{variable} is set, but {name} isn't asked through it: c2o takes its proxies from the configuration"
        if any(found.fault == "connection" for found in machine.found.get(name, [])):
            fix = Fix(f"if that is the only way out: c2o config set upstreams.{name}.proxy env:{variable}")
            yield Finding(id="network.proxy_env", group="upstream", level="warn", title=title, fix=fix)
        else:
            yield Finding(id="network.proxy_env", group="upstream", level="ok", title=title)
