"""Real clients, and a running c2o between them and a fake upstream."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.clients import install
from tests.clients.claude import Claude
from tests.clients.sdks import ALL_WAYS, SDK, WAYS
from tests.clients.service import Service, configuration, running
from tests.fake_upstream import FakeUpstream, error


def required() -> bool:
    return os.environ.get("C2O_TEST_CLIENTS") == "required"


def missing(reason: str) -> NoReturn:
    """Skip, or fail where the clients are required."""
    if required():
        pytest.fail(f"a required client is missing: {reason}")
    pytest.skip(reason)


OPT_IN = ("newest", "servers", "long")
"""Markers of tests that run only where they are asked for by name: not by ``-m slow``, which they may be as well."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    unasked = [name for name in OPT_IN if name not in config.option.markexpr]
    left_out = [item for item in items if any(map(item.get_closest_marker, unasked))]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where the clients are required, no test in this folder may skip, for whatever reason."""
    report = yield
    if report.skipped and required():
        report.outcome = "failed"
        report.longrepr = f"skipped though the clients are required: {report.longrepr}"
    return report


def installed(get: Callable[[], Path]) -> Path:
    try:
        return get()
    except install.InstallError as problem:
        missing(str(problem))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A scratch home folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def start_c2o(home: Path) -> Iterator[Callable[..., Service]]:
    """Starts a service in the scratch home: ``start_c2o(configured)``."""
    with ExitStack() as services:

        def start(configured: dict[str, Any], **more: str) -> Service:
            return services.enter_context(running(home, configured, **more))

        yield start


@pytest.fixture
def c2o_service(start_c2o: Callable[..., Service], upstream: FakeUpstream) -> Service:
    """A running c2o whose only upstream is the fake one."""
    return start_c2o(configuration(upstream.base_url))


@pytest.fixture
def elsewhere() -> Iterator[FakeUpstream]:
    """Another server, to which settings may point; it refuses whatever comes."""
    server = FakeUpstream().start()
    server.think(lambda request: error(403, "you are elsewhere"))
    yield server
    server.close()


@pytest.fixture(params=ALL_WAYS)
def sdk(request: pytest.FixtureRequest, c2o_service: Service) -> SDK:
    """Each official SDK, asking for streams and for whole answers."""
    way, how = request.param.split(", ")
    more = {"modules": request.getfixturevalue("typescript_sdk")} if way == "typescript" else {}
    return WAYS[way](c2o_service.url, c2o_service.token, streamed=how == "streamed", **more)


def claude_versions() -> list[Any]:
    """The first pin in every run, the others with the slow tests."""
    first, *others = install.VERSIONS["npm"][install.CLAUDE_CODE]
    pinned = [pytest.param(first, id=first), *(pytest.param(each, id=each, marks=pytest.mark.slow) for each in others)]
    return [*pinned, pytest.param(None, id="newest", marks=pytest.mark.newest)]


@pytest.fixture(params=claude_versions())
def claude(request: pytest.FixtureRequest, home: Path, tmp_path: Path) -> Claude:
    """The real Claude Code, in each pinned version."""
    modules = installed(lambda: install.npm(install.CLAUDE_CODE, request.param or install.newest(install.CLAUDE_CODE)))
    project = tmp_path / "project"
    project.mkdir()
    return Claude(modules / ".bin" / "claude", home, project)


@pytest.fixture(scope="session")
def typescript_sdk() -> Path:
    """The ``node_modules`` folder with the official TypeScript SDK."""
    (version,) = install.VERSIONS["npm"][install.TYPESCRIPT_SDK]
    return installed(lambda: install.npm(install.TYPESCRIPT_SDK, version))


@pytest.fixture(scope="session")
def llama_python() -> Path:
    """A Python that has llama.cpp."""
    return installed(install.llama_python)
