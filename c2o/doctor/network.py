"""Checks of the way to the upstreams: the environment's proxies, which c2o never asks by itself."""

from __future__ import annotations

from collections.abc import Iterator

from c2o import env_proxy
from c2o.doctor.finding import Finding, Fix
from c2o.doctor.machine import Machine


def proxy_variables(machine: Machine) -> Iterator[Finding]:
    """A proxy sees all prompts, so the configuration names it; whoever is reached without one needs none."""
    for name, upstream in machine.config.upstreams.items():
        variable = env_proxy.variable(upstream.base_url, machine.environ)
        if variable is None or upstream.proxy:
            continue
        title = f"{variable} is set, but {name} isn't asked through it: c2o takes its proxies from the configuration"
        if any(found.fault == "connection" for found in machine.found.get(name, [])):
            fix = Fix(f"if that is the only way out: c2o config set upstreams.{name}.proxy env")
            yield Finding(id="network.proxy_env", group="upstream", level="warn", title=title, fix=fix)
        else:
            yield Finding(id="network.proxy_env", group="upstream", level="ok", title=title)
