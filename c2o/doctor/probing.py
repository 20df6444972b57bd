"""Asking an upstream through ``python -m c2o.proxy.probe``: the command line itself never loads the server."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from c2o import urls
from c2o.config import Config
from c2o.errors import C2oError
from c2o.wire.probe import Check, Found, Job

PATIENCE, PATIENCE_LOCAL = 60.0, 180.0
"""Seconds for each request; a model on this machine may have to be loaded first."""

ALL: list[Check] = ["models", "stream", "tool"]

INTERRUPTED = (130, -2)


def patience(base_url: str) -> float:
    return PATIENCE_LOCAL if urls.is_loopback(base_url) else PATIENCE


def job_for(config: Config, name: str, key: str) -> Job:
    """All that can be asked of an upstream; without a model for it, just the list of models."""
    upstream = config.upstreams[name]
    model = main_model(config, name)
    return Job(
        checks=ALL if model else ["models"],
        name=name,
        base_url=upstream.base_url,
        model=model or "",
        key=key,
        key_from=upstream.api_key.describe() if upstream.api_key else "",
        headers=upstream.headers,
        api=upstream.api,
        dialect=upstream.dialect,
        quirks=upstream.quirks,
        extra_body=upstream.body_fields(),
        proxy=upstream.proxy,
        ca=upstream.ca,
        client_cert=msgspec.to_builtins(upstream.client_cert),
        timeout=patience(upstream.base_url),
    )


def models_of(config: Config, name: str) -> list[str]:
    """The upstream's models that ``[models]`` and ``[routes]`` name, the default first."""
    targets = dict.fromkeys([*config.models.get("default", ()), *config.targets()])
    mine = (target.removeprefix(f"{name}/") for target in targets if target.startswith(f"{name}/"))
    return [model for model in mine if "*" not in model]


def main_model(config: Config, name: str) -> str | None:
    return next(iter(models_of(config, name)), None)


def ask(job: Job) -> Iterator[Found]:
    """What becomes of each check, as soon as it is known.  The key goes in on stdin."""
    command = [sys.executable, "-P", "-m", "c2o.proxy.probe"]
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as process:  # noqa: S603
            try:
                yield from _conversation(process, job)
            except BaseException:  # who listens has gone
                process.kill()
                raise
        if process.returncode and process.returncode not in INTERRUPTED:
            errors.seek(0)
            said = errors.read().decode(errors="replace")[-2000:]
            raise C2oError(f"asking {job.name} failed in c2o itself. Please report it, with these lines:\n{said}")


def _conversation(process: subprocess.Popen[bytes], job: Job) -> Iterator[Found]:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):  # it has ended already; its last words tell why
        process.stdin.write(msgspec.json.encode(job))
        process.stdin.close()
    for line in process.stdout:
        yield msgspec.json.decode(line, type=Found)
