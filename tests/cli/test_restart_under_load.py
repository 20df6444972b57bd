"""``c2o restart`` again and again, while clients ask as fast as they can: none of them may notice."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from c2o import draining
from c2o.instance import Instance
from tests.clients.service import TOKEN
from tests.command_line import CommandLine, until
from tests.fake_upstream import FakeUpstream, Reply

RESTARTS = 20

CLIENTS = 6
"""Half of them keep their connection, the other half open one for each request; a third asks for whole answers."""


class Client:
    """Asks until it is told to stop."""

    def __init__(self, there: Instance, number: int) -> None:
        self.keeps = number % 2 == 0
        self.streams = number % 3 != 0
        self._connection = http.client.HTTPConnection(*there.address, timeout=60)

    def ask_until(self, enough: threading.Event) -> Counter[str]:
        ended: Counter[str] = Counter()
        while not enough.is_set():
            ended[self.ask()] += 1
        self._connection.close()
        return ended

    def ask(self) -> str:
        """``ok``, or what went wrong."""
        body = {"model": "claude-test", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
        headers = {"x-api-key": TOKEN, "content-type": "application/json"}
        try:
            self._connection.request("POST", "/v1/messages", json.dumps(body | {"stream": self.streams}), headers)
            answer = self._connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return f"{'kept' if self.keeps else 'new'} {error!r}"
        if not self.keeps:
            self._connection.close()
        complete = b"message_stop" in said if self.streams else b"end_turn" in said
        return "ok" if answer.status == 200 and complete else f"{answer.status} {said!r}"


@pytest.mark.slow
def test_no_request_fails(configured: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: Reply(text="Hello there"))
    configured("start")
    there = configured.service()
    pids, enough = {there.pid}, threading.Event()
    with ThreadPoolExecutor(CLIENTS) as pool:
        asking = [pool.submit(Client(there, number).ask_until, enough) for number in range(CLIENTS)]
        for _ in range(RESTARTS):
            done = configured("restart")
            assert done.exit_code == 0, done.err
            assert "handed over" in done.out
            pids.add(configured.service().pid)
        enough.set()
        ended = sum((each.result() for each in asking), Counter())

    print(f"{ended.total()} requests during {RESTARTS} restarts")
    assert set(ended) == {"ok"}, ended
    assert ended.total() > 300
    assert len(pids) == RESTARTS + 1
    until(lambda: not draining.services())
