"""Requests that are a lot of work for a service, sent and answered by a process of their own; see ``tests.stalls``.

On stdin a line of JSON for each, on stdout one for what came of it; before that the port of the upstream.
"""

from __future__ import annotations

import base64
import http.client
import json
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests import fake_upstream as fake
from tests.clients.service import TOKEN
from tests.fake_upstream import Reply, Scripted, running_upstream
from tests.stalls import question

MB = 1024 * 1024

WORDS = ("the", "quick", "brown", "fox", "def", "function(x):", "return", "'value_42'", "#", "self._at", "Grüße,\n")


class Case(NamedTuple):
    body: Any
    """Of the request."""
    answer: Scripted
    path: str = "/v1/messages"
    times: int = 1
    together: int = 1
    ascii: bool = False
    deaf: float = 0.0
    """Seconds that the client doesn't read; then it leaves."""


HELLO = Reply(text="Hi")


def picture(size: int) -> str:
    """So many bytes of base64."""
    return base64.b64encode(random.Random(size).randbytes(size * 3 // 4)).decode()


def prose(size: int) -> str:
    chosen = random.Random(size)
    return " ".join(chosen.choice(WORDS) for _ in range(size // 5))[:size]


def secretive(size: int) -> str:
    """Text that is full of what looks like keys, or nearly so."""
    chosen = random.Random(size)
    kinds = ("sk-{}", "Bearer {}", "bearer\n{}", "nvapi-{}", "sk-nodigits", '"key": "{}"', "{}")
    made = (chosen.choice(kinds).format(base64.b64encode(chosen.randbytes(24)).decode()) for _ in range(size // 30))
    return " ".join(made)[:size]


def _image(size: int) -> Any:
    source = {"type": "base64", "media_type": "image/png", "data": picture(size)}
    return question([{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}])


def _session(messages: int, size: int) -> Any:
    """Calls and their results, over and over."""
    said: list[Any] = []
    for n in range(messages // 4):
        call = {"type": "tool_use", "id": f"toolu_{n}", "name": "Bash", "input": {"command": f"ls {n}"}}
        result = {"type": "tool_result", "tool_use_id": f"toolu_{n}", "content": prose(size)}
        said += [
            {"role": "user", "content": f"Do {n}"},
            {"role": "assistant", "content": [{"type": "text", "text": "Yes."}, call]},
            {"role": "user", "content": [result]},
            {"role": "assistant", "content": "Done."},
        ]
    return question("") | {"messages": [*said, {"role": "user", "content": "And now?"}]}


def _stream(pieces: list[str]) -> Scripted:
    return fake.stream(*map(fake.text, pieces), fake.finish(), fake.DONE)


def _burst(data: bytes) -> Scripted:
    """All of it at once."""
    return fake.stream(data, fake.finish(), fake.DONE)


CASES: dict[str, Callable[[], Case]] = {
    "nothing": lambda: Case(question("Hi"), HELLO),
    "picture of 3 MB": lambda: Case(_image(3 * MB), HELLO),
    "picture of 10 MB": lambda: Case(_image(10 * MB), HELLO),
    "picture of 30 MB": lambda: Case(_image(30 * MB), HELLO),
    "2 MB of keys": lambda: Case(question(secretive(2 * MB)), HELLO),
    "5 MB of text": lambda: Case(question(prose(5 * MB)), HELLO),
    "28 MB of text": lambda: Case(question(prose(28 * MB)), HELLO),
    "2,000 messages, 5 MB": lambda: Case(_session(2000, 10_000), HELLO),
    "20,000 messages, 2 MB": lambda: Case(_session(20_000, 400), HELLO),
    "stream of 20,000 chunks": lambda: Case(question("Hi", stream=True), _stream(["word "] * 20_000)),
    "stream of 2 MB at once": lambda: Case(question("Hi", stream=True), _burst(fake.text("a word ") * 18_000)),
    "stream of one 5 MB chunk": lambda: Case(question("Hi", stream=True), _stream([prose(5 * MB)])),
    "answer of 10 MB": lambda: Case(question("Hi"), Reply(text=prose(10 * MB))),
    "answer of 10 MB in base64": lambda: Case(question("Hi"), Reply(text=picture(10 * MB))),
    "count of 5 MB": lambda: Case(question(prose(5 * MB + 1)), HELLO, "/v1/messages/count_tokens"),
    "count of 28 MB": lambda: Case(question(prose(28 * MB + 1)), HELLO, "/v1/messages/count_tokens"),
    "nonsense of 28 MB": lambda: Case(question("") | {"messages": [{"role": 3, "content": prose(28 * MB)}]}, HELLO),
    "unknown fields, 28 MB": lambda: Case(question([{"type": "text", "text": prose(28 * MB), "novel": 1}]), HELLO),
    "half characters, 5 MB": lambda: Case(question("\ud83c " + "\U0001f389 é" * 500_000), HELLO, ascii=True),
    "deaf client": lambda: Case(question("Hi", stream=True), _burst(fake.text("a word ") * 360_000), deaf=2.0),
    "25 counts of 1 MB at once": lambda: Case(question(prose(MB + 7)), HELLO, "/v1/messages/count_tokens", together=25),
    "10 pictures of 3 MB at once": lambda: Case(_image(3 * MB), HELLO, together=10),
    "200 requests": lambda: Case(question("Hi"), HELLO, times=200),
}


def main() -> None:
    with running_upstream() as upstream:
        print(upstream.port, flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            made = CASES[asked["case"]]()
            upstream.think(lambda _, made=made: made.answer)
            print(json.dumps(_done(made, asked["url"])), flush=True)
            upstream.requests.clear()


def _done(case: Case, url: str) -> Any:
    data = json.dumps(case.body, ensure_ascii=case.ascii).encode()
    began = time.monotonic()
    with ThreadPoolExecutor(case.together) as clients:
        answers = list(clients.map(lambda _: _asked(case, url, data), range(case.together)))
    return {"began": began, "seconds": time.monotonic() - began, **answers[-1]}


def _asked(case: Case, url: str, data: bytes) -> Any:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    headers = {"x-api-key": TOKEN, "content-type": "application/json"}
    for _ in range(case.times):
        connection.request("POST", case.path, data, headers)
        answer = connection.getresponse()
        time.sleep(case.deaf)
        size = 0 if case.deaf else len(answer.read())
    connection.close()
    return {"status": answer.status, "bytes": size}


if __name__ == "__main__":
    main()
