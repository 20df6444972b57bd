"""Named checks, each with its fix.

- ``finding``        what a check finds: Finding, Fix; and what a check is
- ``machine``        what the checks look at, each thing once
- ``installation``, ``configuration``, ``running``, ``upstreams``, ``network``, ``claude``, ``account``  the checks
- ``probing``        asking an upstream through ``python -m c2o.proxy.probe``
- ``mending``        changes to files that a person may agree to: nothing else here changes anything
- ``redaction``      what leaves this machine in a bug report

A new check is a function in its group's module and a row in CHECKS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from c2o.doctor import account, claude, configuration, installation, network, running, upstreams
from c2o.doctor.finding import Check, Finding, Fix, Group, Level
from c2o.doctor.machine import Machine

__all__ = ["CHECKS", "Check", "Finding", "Fix", "Group", "Level", "Machine", "diagnose"]

CHECKS: tuple[Check, ...] = (
    Check("install.version", "install", installation.version),
    Check("install.pth", "install", installation.startup_files),
    Check("config.file", "config", configuration.file),
    Check("perm.config", "config", configuration.permissions, needs=("config.file",)),
    Check("perm.state", "config", configuration.private_places),
    Check("config.key", "config", configuration.keys, needs=("config.file",)),
    Check("service.manager", "service", running.manager),
    Check("service.unit.stale", "service", running.unit, needs=("config.file", "service.manager")),
    Check("service.linger", "service", running.lingering, needs=("service.manager",)),
    Check("service.env.missing_key", "service", running.unit_keys, needs=("config.file", "service.manager")),
    Check("service.remote", "service", running.remote, needs=("config.file",)),
    Check("port.foreign", "service", running.port, needs=("config.file",)),
    Check("service.running", "service", running.state, needs=("config.file", "port.foreign")),
    Check("daemon.version_skew", "service", running.version, needs=("config.file",)),
    Check("config.changed", "service", running.configuration, needs=("config.file",)),
    Check("upstream.key_missing", "service", running.keys, needs=("config.file", "service.env.missing_key")),
    Check("service.problems", "service", running.problems, others=("config.broken", "config.restart")),
    Check("upstream.stream", "upstream", upstreams.ask, needs=("config.file",), others=upstreams.OTHERS),
    Check("network.proxy_env", "upstream", network.proxy_variables, needs=("config.file",)),
    Check("upstream.window", "upstream", upstreams.windows, needs=("config.file",), others=("upstream.num_ctx",)),
    Check("claude.binary", "claude", claude.binary),
    Check("claude.settings.jsonc", "claude", claude.settings_files),
    Check("claude.managed", "claude", claude.managed),
    Check("claude.settings.shadowed", "claude", claude.shadowed, needs=("claude.settings.jsonc", "claude.managed")),
    Check("claude.settings.env", "claude", claude.settings_env, needs=("claude.settings.jsonc", "claude.managed")),
    Check("claude.base_url.v1", "claude", claude.base_url),
    Check("settings.points_to_dead", "claude", claude.dead, needs=("service.running",)),
    Check("claude.env.http_proxy", "claude", claude.proxy),
    Check("claude.env.bedrock", "claude", claude.selectors),
    Check("claude.env.api_key", "claude", claude.api_key),
    Check("claude.login_key", "claude", account.helper),
    Check("claude.primary_key", "claude", account.managed_key),
    Check("claude.refused_key", "claude", account.refused_key),
)


def diagnose(
    machine: Machine, *, checks: tuple[Check, ...] = CHECKS, tell: Callable[[str], None] = lambda _: None
) -> Iterator[Finding]:
    """What all checks find, in their order; ``tell`` hears what is being looked at."""
    failed: set[str] = set()
    for check in checks:
        if cause := next((need for need in check.needs if need in failed), None):
            failed.add(check.id)
            yield Finding(id=check.id, group=check.group, level="skip", title="not checked", detail=f"needs {cause}")
            continue
        tell(f"checking {check.group}")
        for finding in check.look(machine):
            if finding.level == "fail":
                failed.add(check.id)
            yield finding
