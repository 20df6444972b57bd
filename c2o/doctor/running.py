"""Checks of the service: may it have its port, does it run, and is it of today?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from c2o import __version__, service, urls
from c2o.doctor.finding import Finding, Fix, run
from c2o.doctor.machine import Machine
from c2o.errors import RefusedFile, UsageError
from c2o.service import following, installing, launcher, linger, processes, unit_files
from c2o.service.probe import is_c2o, listens

_ok = partial(Finding, group="service", level="ok")
_warn = partial(Finding, group="service", level="warn")
_fail = partial(Finding, group="service", level="fail")


def port(machine: Machine) -> Iterator[Finding]:
    """Nothing to find where the service runs, or takes any port."""
    server = machine.config.server
    if machine.service.state != "stopped" or not server.port:
        return
    if not listens(server.host, server.port):
        yield _ok(id="port.foreign", title=f"port {server.port} is free")
        return
    other = _another(server.port)
    text = f"stop it, or set port = {other} under [server] in {machine.config_file}"
    yield _fail(id="port.foreign", title=f"port {server.port} is taken by {_holder(machine)}", fix=Fix(text))


def _holder(machine: Machine) -> str:
    server = machine.config.server
    if holder := processes.holder(server.port):
        return str(holder)
    return "another user's c2o" if is_c2o(server.host, server.port) else "another program"


def _another(port: int) -> int:
    return port + 1 if port < 65535 else port - 1


def state(machine: Machine) -> Iterator[Finding]:
    there, instance = machine.service, machine.service.instance
    restart, again = run("c2o restart"), run("c2o doctor", text="look again in a moment")
    if there.state == "running" and instance:
        where = f"pid {instance.pid}, {instance.manager}"
        yield _ok(id="service.running", title=f"c2o {instance.version} runs on {instance.url}", detail=where)
    elif there.state == "stopped":
        detail = "c2o run starts it by itself"
        yield _warn(id="service.running", title="the service isn't running", detail=detail, fix=run("c2o start"))
    elif there.state == "unhealthy":
        title = f"the service runs, but isn't well: {there.why.rstrip('.')}"
        yield _fail(id="service.running", title=title, fix=restart)
    else:
        yield _warn(id="service.running", title=f"the service is {there.state}", fix=again)


def version(machine: Machine) -> Iterator[Finding]:
    there = machine.service.instance
    if there and there.version != __version__:
        title = f"the service is c2o {there.version}, this command is {__version__}"
        yield _warn(id="daemon.version_skew", title=title, fix=run("c2o restart"))


def configuration(machine: Machine) -> Iterator[Finding]:
    there, refused = machine.service.instance, following.said(machine.service, following.BROKEN)
    if there and there.config_digest != machine.config.digest and not refused:
        title = "the configuration has changed, and the service doesn't follow"
        yield _warn(id="config.changed", title=title, fix=run("c2o restart"))


ITS_LOG = Fix("see the log that c2o status names")

REMEDIES = {
    following.BROKEN: Fix("correct what it names; the running service takes it by itself then"),
    following.RESTART: run("c2o restart"),
    "upstream.down": Fix("start it, or correct base_url; requests go on by themselves when it is back"),
    "upstream.key_rests": Fix("give the upstream a key that works, or take this one out of api_key"),
    "model.replaced": Fix("mend what it says, or change the order under [models]; c2o asks that model again by itself"),
}
"""What to do about what the service complains of."""


def problems(machine: Machine) -> Iterator[Finding]:
    """What the service itself complains of.  Of keys that aren't there ``config.key`` tells."""
    if report := machine.service.report:
        for problem in report.problems:
            if problem.id != "upstream.key_missing":
                yield _warn(id=problem.id, title=problem.hint, fix=REMEDIES.get(problem.id, ITS_LOG))


def keys(machine: Machine) -> Iterator[Finding]:
    """Those that are here, and which the service does without."""
    report = machine.service.report
    for upstream in report.upstreams if report else ():
        here = machine.places_of_keys(upstream.name)
        if places := [place for place in upstream.missing if place in here]:
            title = f"the service does without a key of {upstream.name} that is here: {', '.join(places)}"
            yield _warn(id="upstream.key_missing", title=title, fix=run("c2o restart"))


def remote(machine: Machine) -> Iterator[Finding]:
    server = machine.config.server
    if server.allow_remote and not urls.is_loopback(f"http://{server.host}"):
        title = f"the service listens on {server.host}: whoever reaches this machine and has the token can use it"
        fix = Fix(f'if nobody else should: set host = "127.0.0.1" under [server] in {machine.config_file}')
        yield _warn(id="service.remote", title=title, fix=fix)


# What a service manager keeps ----------------------------------------------------------------------


def manager(machine: Machine) -> Iterator[Finding]:
    """A process of its own needs no files, and no manager."""
    if machine.manager == "detached":
        return
    if not service.MANAGERS[machine.manager].available():
        title = f"the service was installed for {machine.manager}, which can't be reached from here"
        yield _fail(id="service.manager", title=title, fix=run("c2o service status", safe=False))
    else:
        yield _ok(id="service.manager", title=f"{machine.manager} keeps the service")


def unit(machine: Machine) -> Iterator[Finding]:
    if machine.manager == "detached":
        return
    kept = service.MANAGERS[machine.manager]
    try:
        files = kept.files(launcher.program(machine.config, machine.manager))
    except UsageError as error:
        yield _fail(id="service.unit.stale", title=str(error), fix=Fix(f"correct {machine.config_file}"))
        return
    if unit_files.current(files):
        return
    try:
        unit_files.check(files)
    except RefusedFile as refused:  # to install it anew would be refused just so
        title, _, remedy = str(refused).partition(". ")
        yield _warn(id="service.unit.stale", title=title, fix=Fix(f"{remedy}, then: c2o service install"))
        return
    title = f"{', '.join(map(str, files))} would be written differently today"
    yield _warn(id="service.unit.stale", title=title, fix=run("c2o service install"))


def lingering(machine: Machine) -> Iterator[Finding]:
    if machine.manager == "systemd" and not linger.on():
        title = "the service ends when you log out, and after a restart it waits for you to log in"
        yield _warn(id="service.linger", title=title, fix=run("loginctl enable-linger"))


def unit_keys(machine: Machine) -> Iterator[Finding]:
    """Here the key is there, and the service starts without this shell."""
    if machine.manager != "detached" and (missing := installing.missing_keys(machine.config, machine.manager)):
        yield _fail(
            id="service.env.missing_key",
            title=f"{', '.join(missing)}: set in this shell, but not where {machine.manager} starts the service",
            fix=run("c2o service install --save-keys", safe=False),
        )
