"""Clients that never rest: ``load.py URL TOKEN FILE`` asks until FILE is there, and tells what failed, in JSON."""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

CLIENTS = 4
LONGEST = 60
"""Seconds after which they end in any case."""

BODY = json.dumps(
    {
        "model": "claude-test",
        "max_tokens": 100,
        "stream": True,
        "messages": [{"role": "user", "content": "Say something."}],
    }
)


def ask(host: str, token: str) -> str:
    """A new connection and a streamed answer; what is wrong with it, if anything."""
    connection = http.client.HTTPConnection(host, timeout=60)
    try:
        connection.request("POST", "/v1/messages", BODY, {"x-api-key": token, "content-type": "application/json"})
        answer = connection.getresponse().read()
    except (OSError, http.client.HTTPException) as error:
        return repr(error)
    finally:
        connection.close()
    return "" if b"event: message_stop" in answer else f"not whole: {answer[-200:]!r}"


def main(url: str, token: str, end: str) -> None:
    done: list[str] = []
    deadline = time.monotonic() + LONGEST

    def client() -> None:
        while not Path(end).exists() and time.monotonic() < deadline:
            done.append(ask(urlsplit(url).netloc, token))

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    print(json.dumps({"asked": len(done), "failed": [wrong for wrong in done if wrong]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
