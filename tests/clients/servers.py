"""Heavy servers that speak OpenAI's chat completions, started on free ports of loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tests.clients import install
from tests.clients.service import TOKEN, environment
from tests.ports import free_port

READY_TIMEOUT = 120
"""Seconds until a server must listen; LiteLLM imports for ten on a good day."""

KEY = "sk-" + "0123456789abcdef" * 3
"""LiteLLM doesn't start with a weak one."""


@dataclass(frozen=True)
class Served:
    """A server, and the name of a model of it."""

    base_url: str
    model: str
    key: str = "none"
    dialect: str = "generic"

    def configuration(self, **upstream: Any) -> dict[str, Any]:
        """c2o with this server as its only upstream."""
        upstream = {"base_url": self.base_url, "api_key": self.key, "dialect": self.dialect, **upstream}
        return {
            "server": {"auth_token": TOKEN, "port": 0},
            "upstreams": {"real": upstream},
            "models": {"default": f"real/{self.model}"},
        }


@contextmanager
def transformers(folder: Path) -> Iterator[Served]:
    """``transformers serve`` with the scripted model.  Raises InstallError."""
    python, port = install.server_python("transformers"), free_port()
    command = [str(python), str(Path(__file__).parent / "transformers_server.py"), "scripted", str(port)]
    with _running(command, folder, f"http://127.0.0.1:{port}/health", HF_HUB_OFFLINE="1"):
        yield Served(f"http://127.0.0.1:{port}/v1", "scripted")


@contextmanager
def litellm(folder: Path, upstream: str) -> Iterator[Served]:
    """LiteLLM's proxy in front of an OpenAI-compatible upstream.  Raises InstallError."""
    python, port = install.server_python("litellm"), free_port()
    relayed = {"model": "openai/fake-model", "api_base": upstream, "api_key": "sk-fake"}
    configured = {
        "model_list": [{"model_name": "relayed", "litellm_params": relayed}],
        "litellm_settings": {"telemetry": False, "num_retries": 0},
        "router_settings": {"disable_cooldowns": True},  # each test gets its own error, not the one before
    }
    (folder / "litellm.yaml").write_text(json.dumps(configured))  # JSON is YAML too
    program = "from litellm import run_server; run_server()"
    options = ["--config", "litellm.yaml", "--host", "127.0.0.1", "--port", str(port)]
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MASTER_KEY": KEY}
    with _running(
        [str(python), "-c", program, *options], folder, f"http://127.0.0.1:{port}/health/liveliness", **quiet
    ):
        yield Served(f"http://127.0.0.1:{port}/v1", "relayed", KEY, "litellm")


LLMS = """
const loaded = require(process.argv[2] + "/@musistudio/llms");
const Server = loaded.default || loaded;
const [port, url] = process.argv.slice(3);
const provider = { name: "fake", api_base_url: url, api_key: "sk-fake", models: ["fake-model"] };
new Server({ logger: false, initialConfig: { HOST: "127.0.0.1", PORT: port, providers: [provider] } }).start();
"""


@contextmanager
def llms(folder: Path, upstream: str) -> Iterator[Served]:
    """The server inside of claude-code-router, in front of an OpenAI-compatible upstream.  Raises InstallError."""
    modules, port = install.server_modules(), free_port()
    (folder / "llms.cjs").write_text(LLMS)
    command = ["node", "llms.cjs", str(modules), str(port), f"{upstream}/chat/completions"]
    with _running(command, folder, f"http://127.0.0.1:{port}/health"):
        yield Served(f"http://127.0.0.1:{port}/v1", "fake,fake-model")


@contextmanager
def _running(command: Sequence[str], folder: Path, health: str, **more: str) -> Iterator[None]:
    """A process until the block ends, and all that it started.  Raises AssertionError with its words if it dies."""
    log = folder / "server.log"
    with log.open("w") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(folder, **more),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        _wait_for(health, process, log)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(health: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT
    while not _answers(health):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
