"""The official SDKs behind one face: ask a question, get the message as JSON, or the SDK's own error."""

from __future__ import annotations

import asyncio
import json
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import pytest

from tests.clients.service import environment

Json = dict[str, Any]
TIMEOUT = 60

HELLO: dict[str, Any] = {
    "model": "claude-sonnet-5",
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": "Hello"}],
}


class SDKError(Exception):
    """What an SDK raised: the name of its class, the status, Anthropic's error type, the message."""

    def __init__(self, kind: str, status: int | None, body: Any, headers: Json) -> None:
        self.kind, self.status, self.headers = kind, status, headers
        self.error: Json = (body or {}).get("error") or {}
        super().__init__(f"{kind} {status} {body}")


@dataclass(frozen=True)
class SDK(ABC):
    """One way to use one SDK."""

    url: str
    token: str

    @abstractmethod
    def call(self, method: str, *arguments: Any) -> Any:
        """The result of a method such as ``messages.create`` as JSON.  Raises SDKError."""

    def ask(self, **parameters: Any) -> Json:
        """A message, streamed or whole as this way does it."""
        message: Json = self.call(self.asking, parameters)
        return message

    @property
    @abstractmethod
    def asking(self) -> str:
        """``messages.create`` or ``messages.stream``."""


@dataclass(frozen=True)
class PythonSDK(SDK):
    streamed: bool

    @property
    def asking(self) -> str:
        return "messages.stream" if self.streamed else "messages.create"

    def options(self) -> Json:
        """Strict: an answer that isn't what the API documents raises instead of being guessed at."""
        return {
            "base_url": self.url,
            "api_key": self.token,
            "max_retries": 0,
            "timeout": TIMEOUT,
            "_strict_response_validation": True,
        }

    def call(self, method: str, *arguments: Any) -> Any:
        try:
            return self._call(method, *arguments)
        except anthropic.APIStatusError as error:
            headers = dict(error.response.headers)
            raise SDKError(type(error).__name__, error.status_code, error.body, headers) from error

    @abstractmethod
    def _call(self, method: str, *arguments: Any) -> Any: ...


class SyncPythonSDK(PythonSDK):
    def _call(self, method: str, *arguments: Any) -> Any:
        with anthropic.Anthropic(**self.options()) as client:
            if method == "messages.stream":
                with client.messages.stream(**arguments[0]) as stream:
                    return stream.get_final_message().model_dump(mode="json", warnings="error")
            return _plain(_method(client, method)(*_positional(arguments), **_named(arguments)))


class AsyncPythonSDK(PythonSDK):
    def _call(self, method: str, *arguments: Any) -> Any:
        return asyncio.run(self._call_async(method, *arguments))

    async def _call_async(self, method: str, *arguments: Any) -> Any:
        async with anthropic.AsyncAnthropic(**self.options()) as client:
            if method == "messages.stream":
                async with client.messages.stream(**arguments[0]) as stream:
                    return (await stream.get_final_message()).model_dump(mode="json", warnings="error")
            return _plain(await _method(client, method)(*_positional(arguments), **_named(arguments)))


def _method(client: Any, name: str) -> Any:
    for part in name.split("."):
        client = getattr(client, part)
    return client


def _positional(arguments: tuple[Any, ...]) -> list[Any]:
    return [argument for argument in arguments if not isinstance(argument, dict)]


def _named(arguments: tuple[Any, ...]) -> Json:
    return next((argument for argument in arguments if isinstance(argument, dict)), {})


def _plain(result: Any) -> Any:
    return result.model_dump(mode="json", warnings="error")


@dataclass(frozen=True)
class TypeScriptSDK(SDK):
    streamed: bool
    modules: Path
    """The ``node_modules`` folder with the SDK."""

    @property
    def asking(self) -> str:
        return "messages.stream" if self.streamed else "messages.create"

    def call(self, method: str, *arguments: Any) -> Any:
        job = {
            "url": self.url,
            "token": self.token,
            "method": TYPESCRIPT_NAMES.get(method, method),
            "arguments": arguments,
        }
        done = subprocess.run(
            ["node", str(Path(__file__).parent / "typescript_client.mjs"), str(self.modules)],
            input=json.dumps(job),
            env=environment(self.modules),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        if failure := answer.get("failure"):
            raise SDKError(failure["kind"], failure["status"], failure["body"], failure["headers"])
        return answer["result"]


TYPESCRIPT_NAMES = {"messages.count_tokens": "messages.countTokens"}


WAYS: dict[str, Callable[..., SDK]] = {
    "python sync": SyncPythonSDK,
    "python async": AsyncPythonSDK,
    "typescript": TypeScriptSDK,
}

ALL_WAYS = [f"{way}, {how}" for way in WAYS for how in ("whole", "streamed")]

one_of_each = pytest.mark.parametrize(
    "sdk", ["python sync, whole", "python async, streamed", "typescript, streamed"], indirect=True
)
"""For tables of many cases: each way once, and both mappings."""


def failure(sdk: SDK, **parameters: Any) -> SDKError:
    """What it raises for a small request with these fields."""
    with pytest.raises(SDKError) as caught:
        sdk.ask(**HELLO | parameters)
    return caught.value
